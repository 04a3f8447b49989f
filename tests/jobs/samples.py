"""Visits, contacts and work for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.work import Work
from scheduler.actions.booking import Booking, book, cancel, move
from scheduler.actions.contacts import leave_contact
from scheduler.actions.rulebook import read_rulebook
from scheduler.actions.slots import OfferedSlot, find_slots, make_question
from scheduler.actions.steps import CLIENT
from scheduler.db import Database
from scheduler.domain.recurrence import local_date
from scheduler.models import Adviser, Concern, Message, Visit
from tests.conftest import NOW, SECRET, make_config

HOURS = "buergerbuero-mi"
TOMORROW = date(2026, 11, 25)


def work_at(database: Database, folder: Path, at: datetime = NOW) -> Work:
    """A jobs process's work at that instant; mail goes to `folder`."""
    url = database.engine.url.render_as_string(hide_password=False)
    return Work(make_config(url, mail_sink=folder), database, clock=lambda: at)


@contextmanager
def changing(database: Database) -> Iterator[Session]:
    """A session that commits at its end, so that no test holds SQLite's write lock while a job wants it.

    What it loaded can still be read afterwards.
    """
    with Session(database.engine, expire_on_commit=False) as session:
        yield session
        session.commit()


def book_visit(
    session: Session,
    *,
    locale: str = "de",
    hours_key: str = HOURS,
    not_before: date = TOMORROW,
    adviser_key: str | None = "awo-1",
    now: datetime = NOW,
) -> Visit:
    """The first free time from that day on, for advice in Arabic by this adviser."""
    offered = free_times(session, hours_key, not_before, adviser_key, now)[0]
    booking = Booking(
        question=make_question(read_rulebook(session), **_asked(session, adviser_key)),
        hours_key=hours_key,
        original_on=offered.opening.dated.original_on,
        starts_at=offered.slot.starts_at,
        locale=locale,
    )
    return book(session, read_rulebook(session), booking, by=CLIENT, now=now)


def free_times(
    session: Session, hours_key: str, not_before: date, adviser_key: str | None = "awo-1", now: datetime = NOW
) -> list[OfferedSlot]:
    rulebook = read_rulebook(session)
    question = make_question(rulebook, **_asked(session, adviser_key))
    until_on = local_date(now, rulebook.zone) + timedelta(days=56)
    offered = find_slots(session, rulebook, question, from_on=not_before, until_on=until_on, now=now)
    return [each for each in offered if each.opening.hours.key == hours_key]


def leave_email(
    database: Database, visit: Visit, email: str = "ada@example.org", *, reminders: bool = True, now: datetime = NOW
) -> None:
    with changing(database) as session:
        left = {"email": email, "phone": None, "reminders": reminders, "secret": SECRET, "now": now}
        leave_contact(session, visit.id, **left, by_staff=True)  # one address for more appointments than clients get


def cancel_visit(database: Database, visit: Visit, now: datetime = NOW) -> None:
    with changing(database) as session:
        cancel(session, visit.id, by=CLIENT, now=now)


def move_to_next_week(database: Database, visit: Visit, now: datetime = NOW) -> None:
    with changing(database) as session:
        offered = free_times(session, HOURS, TOMORROW + timedelta(days=7))[0]
        original_on, starts_at = offered.opening.dated.original_on, offered.slot.starts_at
        move(session, read_rulebook(session), visit.id, HOURS, original_on, starts_at, by=CLIENT, now=now)


def adviser(session: Session, key: str = "awo-1") -> Adviser:
    return session.scalars(select(Adviser).where(Adviser.key == key)).one()


def messages_of(database: Database, visit: Visit) -> dict[tuple[str, int], Message]:
    """The messages of a visit as they stand now, by kind and sequence."""
    with changing(database) as session:
        rows = session.scalars(select(Message).where(Message.visit_id == visit.id)).all()
    return {(row.kind, row.sequence): row for row in rows}


def letters_in(folder: Path) -> list[EmailMessage]:
    """What was sent, in order."""
    return [
        cast(EmailMessage, message_from_bytes(path.read_bytes(), policy=default))
        for path in sorted(folder.glob("*.eml"))
    ]


def kinds_in(folder: Path) -> list[str]:
    """The kinds that were sent, in order, as their Message-IDs say."""
    return [letter["Message-ID"].split(".")[1] for letter in letters_in(folder)]


def _asked(session: Session, adviser_key: str | None) -> dict[str, object]:
    concern = session.scalars(select(Concern).where(Concern.key == "advice")).one()
    return {"service": "MBE", "concern": concern, "language": "ar", "adviser_key": adviser_key}
