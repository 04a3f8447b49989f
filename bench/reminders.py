"""How long 5,000 reminders that are due at once take, beside a sender that does nothing but hand over letters.

`make bench`. A real mail server in a process of its own, on loopback, that writes each letter to the disk before it
takes it; SQLite and PostgreSQL. The reference hands letters like these, all written before, to the same server over one
connection. Every reminder must have arrived exactly once.
"""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import insert, select

from bench.processes import DATABASES, ROOT, environment
from bench.town import OFFENBACH, say
from config import Config
from jobs.messages import send_mail
from jobs.work import Work
from scheduler import schema, town_file
from scheduler.actions.messages import plan_reminder
from scheduler.db import Database, use_contact_keys
from scheduler.delivery import Mailer
from scheduler.delivery.letters import write_letter
from scheduler.domain.codes import keyed_hash
from scheduler.models import Contact, Hours, Message, Opening, Town, Visit

AIM = 0.10
"""Of the reference's speed: each reminder is claimed, checked again, written and marked, in transactions of its own."""
BOOKED_AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DUE_AT = datetime(2026, 11, 24, 15, 0, 1, tzinfo=UTC)
"""Just after four in the afternoon before the day of all these visits."""
VISITS_ON, FIRST_CODE = date(2026, 11, 25), 100_000_000
SAMPLE = 500


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.reminders", description=__doc__.partition("\n")[0])
    parser.add_argument("--reminders", type=int, default=5000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    asked = parser.parse_args()
    logging.disable(logging.INFO)
    met = []
    for name in asked.database or ("sqlite", "postgresql"):
        with TemporaryDirectory(prefix="sprechstunde-bench-") as folder, DATABASES[name](Path(folder)) as url:
            met.append(measure(name, url, Path(folder), asked.reminders))
    return 0 if all(met) else 1


def measure(name: str, url: str, folder: Path, reminders: int) -> bool:
    """Send them all; print how long it took, and whether each arrived once."""
    taken = folder / "taken"
    with mail_server(taken) as port:
        config = replace(Config.from_env(environment(url)), smtp_host="127.0.0.1", smtp_port=port, smtp_security="none")
        use_contact_keys(config.contact_keys)
        database = Database(url)
        prepare(database, config, reminders)
        each_by_hand = hand_over(database, config, min(SAMPLE, reminders))
        by_hand = count_lines(taken)
        began = time.perf_counter()
        send_mail(Work(config, database, clock=lambda: DUE_AT))
        seconds = time.perf_counter() - began
        database.engine.dispose()
    arrived = [json.loads(line)["message_id"] for line in taken.read_text().splitlines()[by_hand:]]
    exactly_once = len(arrived) == len(set(arrived)) == reminders
    share = each_by_hand / (seconds / reminders)
    verdict = "" if share >= AIM and exactly_once else "   MISSED"
    say(f"{name}: {reminders} reminders in {seconds:.1f} s, {seconds / reminders * 1000:.1f} ms each;")
    say(f"  handing over a letter takes {each_by_hand * 1000:.1f} ms: {share:.0%}   aim: at least {AIM:.0%}{verdict}")
    say(f"  arrived: {len(arrived)}, different: {len(set(arrived))}")
    return share >= AIM and exactly_once


def hand_over(database: Database, config: Config, many: int) -> float:
    """Seconds for each of so many letters, written before and handed over one after the other."""
    with database.reading() as session:
        town = session.get_one(Town, 1)
        rows = session.scalars(select(Message).where(Message.kind == "reminder").limit(many))
        letters = [write_letter(each, config=config, town=town, now=DUE_AT) for each in rows]
    with Mailer(config) as mailer:
        mailer.send(letters[0])  # connects
        began = time.perf_counter()
        for each in letters:
            mailer.send(each)
        return (time.perf_counter() - began) / many


def prepare(database: Database, config: Config, reminders: int) -> None:
    """A town with so many visits on one day, each with a confirmed address that wants to be reminded."""
    schema.upgrade(database.engine)
    with database.writing() as session:
        town_file.store(session, town_file.read(OFFENBACH), BOOKED_AT)
        hours = session.scalars(select(Hours).limit(1)).one()
        opening = Opening(hours_id=hours.id, original_on=VISITS_ON)
        session.add(opening)
        session.flush()
        starts_at = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
        common = {
            "opening_id": opening.id, "place_id": hours.place_id, "local_on": VISITS_ON, "kind": "appointment",
            "state": "booked", "locale": "de", "starts_at": starts_at, "ends_at": starts_at + timedelta(minutes=15),
            "created_at": BOOKED_AT, "changed_at": BOOKED_AT,
        }  # fmt: skip
        session.execute(insert(Visit), [{**common, "code": str(FIRST_CODE + each)} for each in range(reminders)])
        session.execute(insert(Contact), [contact(id_, config.secret_key) for id_ in session.scalars(select(Visit.id))])
        zone = session.get_one(Town, 1).zone
        for visit in session.scalars(select(Visit)):
            plan_reminder(session, visit, zone, BOOKED_AT)
        session.commit()


def contact(visit_id: int, secret: str) -> dict[str, Any]:
    email = f"client-{visit_id}@example.org"
    key = keyed_hash(secret, "email", email)
    values = {"visit_id": visit_id, "email": email, "email_key": key, "reminders": True}
    return {**values, "confirmed_at": BOOKED_AT, "created_at": BOOKED_AT}


@contextmanager
def mail_server(taken: Path) -> Iterator[int]:
    """A mail server that writes down what it takes; its port."""
    command = [sys.executable, "-m", "bench.mail_server", str(taken)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def count_lines(path: Path) -> int:
    return len(path.read_text().splitlines())


if __name__ == "__main__":
    sys.exit(main())
