"""How fast eight weeks are searched, beside a route with one indexed ORM read on the same engine and Session.

`make bench`. Shares of the reference route's speed: at least 30 % with a booking between the requests, 60 % unchanged
(304). At most 8 SQL statements cold and 4 after. Time grows with the openings in the window, not with past visits.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from itertools import cycle
from typing import Any

from flask import Flask, jsonify
from sqlalchemy import insert, select, update

from bench.town import (
    WEEKS,
    Case,
    ask,
    book_slot,
    cancel_visit,
    count_visits,
    free_slots,
    in_turns,
    now,
    offenbach,
    report,
    say,
    statements,
)
from scheduler.db import Database
from scheduler.models import Adviser, Place, Visit
from scheduler.web.edge import db

REFERENCE = "one indexed ORM read"
REPEATS = 60
CHUNK = 10_000
UNCHANGED, BOOKED = "search, unchanged (304)", "search, a booking between"
AIMS = {BOOKED: 0.30, UNCHANGED: 0.60}
MOST_STATEMENTS_COLD, MOST_STATEMENTS_AFTER = 8, 4
FEW_PAST, MANY_PAST, MOST_GROWTH = 10_000, 1_000_000, 1.2


def main() -> int:
    with offenbach() as (app, database):
        add_reference(app)
        say(f"8 weeks of Offenbach, {count_visits(database)} appointments, any adviser")
        met = [compare(app, database), count_statements(app, database)]
        grow_with_the_window(app, database)
    met.append(age())
    return 0 if all(met) else 1


def add_reference(app: Flask) -> None:
    """A route of the same application whose only work is one indexed ORM read."""

    @app.get("/reference")
    def read_one() -> Any:
        found = db().scalars(select(Adviser).where(Adviser.key == "awo-1")).one()
        return jsonify(key=found.key, name=found.name)


def search_path(weeks: timedelta = WEEKS) -> str:
    today = now().date()
    return f"/api/v1/slots?age_group=from_27&concern=letter&from={today}&until={today + weeks}"


def compare(app: Flask, database: Database) -> bool:
    """Quiet: nothing happens between the requests. Busy: a booking comes before each, before the reference's, too."""
    path = search_path()
    status, headers, body = ask(app, path)
    say(f"the answer ({status}) holds {body.count(b'starts_at')} starts, {len(body) / 1024:.0f} kB")
    raw = sqlite3.connect(str(database.engine.url.database))
    quiet = {
        REFERENCE: Case(partial(ask, app, "/reference")),
        UNCHANGED: Case(partial(ask_again, app, path, {"If-None-Match": headers["ETag"]})),
        "search, nothing between": Case(partial(ask, app, path)),
        "search, rules new (cold)": Case(partial(ask, app, path), partial(set_new_stamp, database)),
        "a remark: one read by raw sqlite3, no route": Case(partial(read_raw, raw)),
    }
    rebook = rebooker(database)
    busy = {
        REFERENCE: Case(partial(ask, app, "/reference"), rebook),
        BOOKED: Case(partial(ask, app, path), rebook),
    }
    met = [report(in_turns(quiet, REPEATS), REFERENCE, AIMS)]
    say("a booking before each request:")
    met.append(report(in_turns(busy, REPEATS), REFERENCE, AIMS))
    return all(met)


def ask_again(app: Flask, path: str, known: dict[str, str]) -> None:
    """As a client that polls: a new minute is a new answer, then it is the same again."""
    status, headers, _ = ask(app, path, headers=known)
    if status != HTTPStatus.NOT_MODIFIED:
        known["If-None-Match"] = headers["ETag"]


def rebooker(database: Database) -> Callable[[], None]:
    """Books one free start after the other; the one before is cancelled, so that they last."""
    spare = cycle(free_slots(database))
    booked: list[int] = []

    def rebook() -> None:
        while booked:
            cancel_visit(database, booked.pop())
        booked.extend(each for each in [book_slot(database, next(spare))] if each is not None)

    return rebook


def read_raw(raw: sqlite3.Connection) -> None:
    raw.execute("SELECT * FROM adviser WHERE key = ?", ("awo-1",)).fetchone()


def set_new_stamp(database: Database) -> None:
    """As after any change of the rules."""
    with database.writing() as session:
        session.execute(update(Place).values(phone=Place.phone))
        session.commit()


def count_statements(app: Flask, database: Database) -> bool:
    """Of a whole request: cold, again, and after a booking."""
    set_new_stamp(database)
    spare = free_slots(database)
    set_new_stamp(database)
    with statements(database) as cold:
        ask(app, search_path())
    with statements(database) as again:
        ask(app, search_path())
    book_slot(database, spare[0])
    with statements(database) as booked:
        ask(app, search_path())
    say(
        f"SQL statements: cold {len(cold)} (at most {MOST_STATEMENTS_COLD}), again {len(again)},"
        f" after a booking {len(booked)} (at most {MOST_STATEMENTS_AFTER})"
    )
    return len(cold) <= MOST_STATEMENTS_COLD and max(len(again), len(booked)) <= MOST_STATEMENTS_AFTER


def grow_with_the_window(app: Flask, database: Database) -> None:
    """A remark: twice the weeks, about twice the time."""
    cases = {
        f"cold, {weeks} weeks": Case(
            partial(ask, app, search_path(timedelta(weeks=weeks))), partial(set_new_stamp, database)
        )
        for weeks in (2, 4, 8)
    }
    for name, seconds in in_turns(cases, REPEATS // 3).items():
        say(f"{name:<48}{seconds * 1000:8.3f} ms")


def age() -> bool:
    """The same cold search among few and among many visits of the past, in turns."""
    with offenbach() as (young, young_database), offenbach() as (old, old_database):
        cases = {}
        for app, database, many in ((young, young_database, FEW_PAST), (old, old_database, MANY_PAST)):
            add_past(database, many - count_visits(database))
            cases[f"cold, {many:,} visits"] = Case(partial(ask, app, search_path()), partial(set_new_stamp, database))
        few, many_ = in_turns(cases, REPEATS).values()
    say(f"cold search, {MANY_PAST:,} visits instead of {FEW_PAST:,}: {many_ / few:.2f} times (at most {MOST_GROWTH:g})")
    return many_ / few <= MOST_GROWTH


def add_past(database: Database, many: int) -> None:
    """Visits that were served in the ten years before today, one opening a week."""
    with database.writing() as session:
        known = count_visits(database)
        opening_id, place_id = session.execute(select(Visit.opening_id, Visit.place_id)).first() or (1, 1)
        advisers = list(session.scalars(select(Adviser.id)))
        for start in range(known, known + many, CHUNK):
            numbers = range(start, min(start + CHUNK, known + many))
            session.execute(insert(Visit), [past_visit(opening_id, place_id, advisers, number) for number in numbers])
        session.commit()
    with database.engine.connect() as connection:
        connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def past_visit(opening_id: int, place_id: int, advisers: list[int], number: int) -> dict[str, Any]:
    """One appointment that was served: so many per adviser and week that none overlap."""
    week, slot = divmod(number // len(advisers), 40 * 12)
    starts_at = now().replace(hour=8, minute=0, second=0, microsecond=0) - timedelta(
        weeks=week + 1, days=slot % 5, minutes=-15 * (slot // 5)
    )
    return {
        "opening_id": opening_id,
        "place_id": place_id,
        "local_on": starts_at.date(),
        "kind": "appointment",
        "state": "done",
        "locale": "de",
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(minutes=15),
        "planned_adviser_id": advisers[number % len(advisers)],
        "created_at": starts_at,
        "changed_at": starts_at,
        "ended_at": starts_at + timedelta(minutes=15),
    }


if __name__ == "__main__":
    sys.exit(main())
