"""What the benchmarks share: Offenbach in a database of its own, its application, and pairs taken in turns."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from cryptography.fernet import Fernet
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import EnvironBuilder, run_wsgi_app

from config import Config
from scheduler import create_app, schema, town_file
from scheduler.actions.booking import Booking, SlotTaken, book, cancel
from scheduler.actions.rulebook import read_rulebook
from scheduler.actions.slots import OfferedSlot, Question, find_slots
from scheduler.actions.steps import CLIENT
from scheduler.db import Database
from scheduler.models import Visit

OFFENBACH = Path(__file__).parents[1] / "scheduler" / "towns" / "offenbach.toml"
WEEKS = timedelta(weeks=8)
BOOKED_EVERY = 3
PAIRS = 3
"""Each pair is taken so often, in turns, and the medians are compared: a noisy machine shifts both."""


@contextmanager
def offenbach() -> Iterator[tuple[Flask, Database]]:
    """The application over a fresh SQLite file with Offenbach, every third free quarter of eight weeks booked."""
    with TemporaryDirectory() as folder:
        config = Config(
            secret_key="not-a-secret",
            contact_keys=(Fernet.generate_key().decode(),),
            database_url=f"sqlite:///{folder}/bench.db",
            base_url="http://localhost",
            bookings_a_minute=1_000_000,
            bookings_from_one_address=1_000_000,
        )
        app = create_app(config)
        database: Database = app.extensions["database"]
        schema.upgrade(database.engine)
        _fill(database)
        yield app, database
        database.engine.dispose()


def now() -> datetime:
    return datetime.now(UTC)


def free_slots(database: Database, minutes: int = 15) -> list[OfferedSlot]:
    """All free starts of the eight weeks."""
    with database.reading() as session:
        rulebook = read_rulebook(session)
        question = Question(frozenset(), minutes=minutes)
        today = now().date()
        return find_slots(session, rulebook, question, from_on=today, until_on=today + WEEKS, now=now())


def book_slot(database: Database, offered: OfferedSlot, minutes: int = 15) -> int | None:
    """Book it if it is still free; gives the visit's id."""
    opening = offered.opening
    question = Question(frozenset(), minutes=minutes)
    booking = Booking(question, opening.hours.key, opening.dated.original_on, offered.slot.starts_at, "de")
    with database.writing() as session:
        try:
            visit_id = book(session, read_rulebook(session), booking, by=CLIENT, now=now()).id
        except SlotTaken:
            return None
        session.commit()
        return visit_id


def cancel_visit(database: Database, visit_id: int) -> None:
    with database.writing() as session:
        cancel(session, visit_id, by=CLIENT, now=now())
        session.commit()


def count_visits(database: Database) -> int:
    with database.reading() as session:
        return session.scalars(select(func.count(Visit.id))).one()


def ask(app: Flask, path: str, **options: Any) -> tuple[int, dict[str, str], bytes]:
    """One request through the whole application, without a network: status, headers, body."""
    builder = EnvironBuilder(path=path, base_url="http://localhost", **options)
    body, status, headers = run_wsgi_app(app, builder.get_environ(), buffered=True)
    return int(status.split()[0]), dict(headers), b"".join(body)


class Case(NamedTuple):
    """What is timed, and what happens before each time without being timed."""

    run: Callable[[], object]
    prepare: Callable[[], object] = lambda: None


def in_turns(cases: dict[str, Case], repeats: int) -> dict[str, float]:
    """Median seconds of each case: `repeats` at a time, all cases in turns, three times over."""
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(PAIRS):
        for name, case in cases.items():
            seconds[name].append(_median_of(case, repeats))
    return {name: statistics.median(each) for name, each in seconds.items()}


def report(medians: dict[str, float], reference: str, aims: dict[str, float]) -> bool:
    """Print each as a share of the reference's speed; gives whether all aims are met."""
    met = True
    for name, seconds in medians.items():
        share = medians[reference] / seconds
        aim = aims.get(name)
        met = met and (aim is None or share >= aim)
        wanted = f"   aim: at least {aim:.0%}{'' if share >= aim else '   MISSED'}" if aim is not None else ""
        say(f"{name:<48}{seconds * 1000:8.3f} ms {share:7.1%}{wanted}")
    return met


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _median_of(case: Case, repeats: int) -> float:
    taken = []
    for _ in range(repeats):
        case.prepare()
        began = time.perf_counter()
        case.run()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def _fill(database: Database) -> None:
    with database.writing() as session:
        town_file.store(session, town_file.read(OFFENBACH), now())
        session.commit()
    for each in free_slots(database)[::BOOKED_EVERY]:
        book_slot(database, each)
