"""Whether clock, jobs, messages, accounts and keys are in order, by what the database holds."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.fernet import InvalidToken
from sqlalchemy import Column, LargeBinary, func, select, text, type_coerce
from sqlalchemy.orm import Session

from scheduler.actions.heartbeat import STANDS_STILL_AFTER
from scheduler.actions.keys import encrypted_columns
from scheduler.actions.stored import survey
from scheduler.db import Encrypted
from scheduler.doctor.finding import Check, Finding, Patient, said
from scheduler.models import Account, Heartbeat, Message, Step, Town

STUCK_AFTER = timedelta(minutes=15)
CLOCK_MAY_DIFFER = timedelta(seconds=5)
TRIED_PER_END = 50
"""Encrypted values of each column that are tried, from the oldest and from the newest: a key is missing for a time."""


def check_town(patient: Patient) -> Finding:
    with patient.database.reading() as session:
        found = session.get(Town, 1)
        return Finding("ok", found.name) if found else Finding("broken", "none is loaded: flask --app wsgi load FILE")


def check_clock(patient: Patient) -> Finding:
    """Against the database's server, what was noted last, and what this machine says of itself. Asks nobody else."""
    with patient.database.reading() as session:
        theirs, noted = _server_clock(session), _last_noted(session)
    apart = abs(patient.now - theirs) if theirs else timedelta(0)
    if apart > CLOCK_MAY_DIFFER:
        return Finding("broken", f"differs from the database server's by {said(apart)}: set both by NTP")
    ahead = max(noted, default=patient.now) - patient.now
    if ahead > CLOCK_MAY_DIFFER:
        return Finding("warning", f"something was noted {said(ahead)} ahead of it: the clock has jumped")
    words = f"{patient.now:%Y-%m-%d %H:%M} UTC"
    if _is_unsynchronised():
        return Finding("warning", f"{words}; this machine does not set it by NTP")
    return Finding("ok", words)


def check_jobs(patient: Patient) -> Finding:
    with patient.database.reading() as session:
        at = session.scalar(select(Heartbeat.at))
    if at is None:
        return Finding("broken", "have never run: start `python -m jobs`, else nothing is sent or deleted")
    age = patient.now - at
    if age >= STANDS_STILL_AFTER:
        return Finding("broken", f"stand still for {said(age)}: nothing is sent or deleted. Restart `python -m jobs`")
    return Finding("ok", f"last seen {said(age)} ago")


def check_messages(patient: Patient) -> Finding:
    with patient.database.reading() as session:
        written = Message.channel != "call"
        late = (Message.state == "pending", Message.due_at < patient.now - STUCK_AFTER, written)
        stuck = session.scalar(select(func.count()).where(*late)) or 0
        dead = session.scalar(select(func.count()).where(Message.state == "dead", written)) or 0
    if stuck or dead:
        words = f"{stuck} wait for more than {said(STUCK_AFTER)}, {dead} were given up: see the call list"
        return Finding("broken" if stuck else "warning", words)
    return Finding("ok", "none is stuck")


def check_deletion(patient: Patient) -> Finding:
    """Whether anything is older than it may be: jobs can be at work, and one of them fail every hour."""
    with patient.database.reading() as session:
        late = [each.part.name for each in survey(session, patient.now) if each.late] if session.get(Town, 1) else []
    if late:
        return Finding("broken", f"{', '.join(late)}: older than they may be kept. See the log of the jobs")
    return Finding("ok", "nothing is older than it may be")


def check_demo_accounts(patient: Patient) -> Finding:
    with patient.database.reading() as session:
        found = session.scalar(select(func.count()).where(Account.is_demo)) or 0
    if found and not patient.config.demo:
        return Finding("warning", f"{found} are the demo's (they cannot log in): was its database copied?")
    return Finding("ok", f"{found} of the demo" if found else "none of the demo")


def check_keys(patient: Patient) -> Finding:
    """Whether CONTACT_KEYS open what is stored."""
    with patient.database.reading() as session:
        opened = [each for column in encrypted_columns() for each in _try_ends(session, column)]
    if not all(opened):
        return Finding(
            "broken",
            f"CONTACT_KEYS do not open {opened.count(False)} of {len(opened)} stored values: add the older key to them",
        )
    return Finding("ok", "CONTACT_KEYS open what is stored" if opened else "nothing is stored that they would open")


def _try_ends(session: Session, column: Column[Any]) -> Iterator[bool]:
    """Of the oldest and the newest values, whether each can be read."""
    key = column.table.primary_key.columns.values()[0]
    stored = select(type_coerce(column, LargeBinary)).where(column.is_not(None)).limit(TRIED_PER_END)
    ends = {bytes(value) for order in (key, key.desc()) for value in session.scalars(stored.order_by(order))}
    for value in ends:
        try:
            Encrypted().process_result_value(value, session.get_bind().dialect)
        except InvalidToken:
            yield False
        else:
            yield True


def _server_clock(session: Session) -> datetime | None:
    """Of the machine that the database is on; None: it is this one."""
    if session.get_bind().dialect.name != "postgresql":
        return None
    found: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    return found.astimezone(UTC)


def _last_noted(session: Session) -> list[datetime]:
    """When something last happened, as those who noted it saw the clock."""
    found = (session.scalar(select(Heartbeat.at)), session.scalar(select(Step.at).order_by(Step.id.desc()).limit(1)))
    return [each for each in found if each is not None]


def _is_unsynchronised() -> bool:
    """Whether this machine says that it does not set its clock by the network; False also where it cannot say."""
    tool = shutil.which("timedatectl")
    if tool is None:
        return False
    try:
        asked = [tool, "show", "--property=NTPSynchronized", "--value"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.stdout.strip() == "no"


ROW_CHECKS: tuple[tuple[str, Check], ...] = (
    ("town", check_town),
    ("clock", check_clock),
    ("jobs", check_jobs),
    ("messages", check_messages),
    ("deletion", check_deletion),
    ("accounts", check_demo_accounts),
    ("contact keys", check_keys),
)
