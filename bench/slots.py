"""How fast eight weeks are searched, beside one indexed ORM read on the same engine: a ratio, taken in one run.

`make bench`. Pairs run interleaved three times; medians of each are compared, so a noisy machine shifts both.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.fernet import Fernet
from sqlalchemy import func, select

from scheduler import schema, town_file
from scheduler.actions.booking import Booking, SlotTaken, book
from scheduler.actions.rulebook import RuleBook, read_rulebook
from scheduler.actions.slots import Question, find_slots
from scheduler.actions.steps import CLIENT
from scheduler.db import Database, use_contact_keys
from scheduler.models import Adviser, Visit

OFFENBACH = Path(__file__).parents[1] / "scheduler" / "towns" / "offenbach.toml"
NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
WEEKS = timedelta(weeks=8)
BOOKED_EVERY = 3
ROUNDS, REPEATS = 3, 40


def main() -> int:
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/bench.db")
        use_contact_keys((Fernet.generate_key().decode(),))
        schema.upgrade(database.engine)
        booked = fill(database)
        report(database, booked)
        database.engine.dispose()
    return 0


def fill(database: Database) -> int:
    """Offenbach with every third free quarter of the eight weeks booked; gives how many appointments that is."""
    with database.writing() as session:
        town_file.store(session, town_file.read(OFFENBACH), NOW)
        rulebook = read_rulebook(session)
        question = Question(frozenset(), minutes=15)
        offered = find_slots(session, rulebook, question, from_on=NOW.date(), until_on=(NOW + WEEKS).date(), now=NOW)[
            ::BOOKED_EVERY
        ]
        for each in offered:
            opening = each.opening
            booking = Booking(question, opening.hours.key, opening.dated.original_on, each.slot.starts_at, "de")
            with suppress(SlotTaken):
                book(session, rulebook, booking, by=CLIENT, now=NOW)
        session.commit()
        return session.scalars(select(func.count(Visit.id))).one()


def search(database: Database, rulebook: RuleBook | None) -> int:
    """One search as a page does it; without a rule book it is read anew, too."""
    with database.reading() as session:
        book_of_rules = rulebook or read_rulebook(session)
        question = Question(frozenset({"MBE"}), minutes=45)
        return len(
            find_slots(session, book_of_rules, question, from_on=NOW.date(), until_on=(NOW + WEEKS).date(), now=NOW)
        )


def read_one(database: Database) -> int:
    with database.reading() as session:
        return session.scalars(select(Adviser).where(Adviser.key == "awo-1")).one().id


def report(database: Database, booked: int) -> None:
    with database.reading() as session:
        rulebook = read_rulebook(session)
    cases: dict[str, Callable[[], int]] = {
        "one indexed ORM read": lambda: read_one(database),
        "search, rules read anew": lambda: search(database, None),
        "search, rules kept": lambda: search(database, rulebook),
    }
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(ROUNDS):
        for name, run in cases.items():
            seconds[name].append(median_of(run))
    reference = statistics.median(seconds["one indexed ORM read"])
    sys.stdout.write(f"8 weeks of Offenbach, {booked} appointments\n")
    for name, each in seconds.items():
        median = statistics.median(each)
        sys.stdout.write(f"{name:<26}{median * 1000:8.2f} ms   {reference / median:6.1%} of the reference's speed\n")


def median_of(run: Callable[[], int]) -> float:
    taken = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        run()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


if __name__ == "__main__":
    sys.exit(main())
