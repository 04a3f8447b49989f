"""How fast calendars are served, beside a route with one indexed ORM read; and how many feeds one change touches.

`make bench`. At least 60 % of the reference route's speed unchanged (304), by one SQL statement; at least 40 % for the
bytes of a feed of 1,000 appointments. One booking, move or cancellation republishes the feeds that show it, no other.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import partial
from http import HTTPStatus
from tempfile import TemporaryDirectory

from flask import Flask
from sqlalchemy import insert, select

from bench.slots import REFERENCE, add_reference
from bench.statements import statements_of
from bench.town import OFFENBACH, Case, ask, in_turns, now, offenbach, report, say
from scheduler import schema, town_file
from scheduler.actions.booking import Booking, book, cancel, move
from scheduler.actions.feeds import make_feed, publish_feed, stale_feeds
from scheduler.actions.rulebook import read_rulebook
from scheduler.actions.slots import OfferedSlot, Question, find_slots
from scheduler.actions.steps import CLIENT
from scheduler.actions.supply import DEFAULT_MINUTES
from scheduler.db import Database
from scheduler.models import Adviser, Carrier, Feed, Visit

UNCHANGED, COMPRESSED = "a feed, unchanged (304)", "a feed of 1,000 appointments, gzip"
PLAIN = "a feed of 1,000 appointments"
AIMS = {UNCHANGED: 0.60, COMPRESSED: 0.40, PLAIN: 0.40}
APPOINTMENTS = 1_000
WARM_UP, REPEATS = 20, 200
BASE_URL = "http://localhost"
CARRIERS, ADVISERS, LANGUAGES = 5, 20, ("ar", "uk", "fa")

Owner = tuple[str, int | str | None]
"""Whose a feed is: its kind, and the id or language."""
Change = Callable[[], set[Owner]]
"""Changes something; gives the owners of all feeds that show it."""


def main() -> int:
    with offenbach() as (app, database):
        met = [serve(app, database)]
    met.append(count_touched())
    return 0 if all(met) else 1


def serve(app: Flask, database: Database) -> bool:
    add_reference(app)
    path = fill_feed(database)
    status, headers, plain = ask(app, path)
    zipped = {"Accept-Encoding": "gzip"}
    _, _, compressed = ask(app, path, headers=zipped)
    size = f"{len(plain) / 1024:.0f} kB, compressed {len(compressed) / 1024:.0f} kB"
    say(f"a feed of {plain.count(b'BEGIN:VEVENT')} events ({status}), {size}")
    known = {"If-None-Match": headers["ETag"]}
    unchanged = partial(ask, app, path, headers=known)
    cases = {
        REFERENCE: Case(partial(ask, app, "/reference")),
        UNCHANGED: Case(unchanged),
        COMPRESSED: Case(partial(ask, app, path, headers=zipped)),
        PLAIN: Case(partial(ask, app, path)),
    }
    in_turns(cases, WARM_UP)
    met = report(in_turns(cases, REPEATS), REFERENCE, AIMS)
    with statements_of(database) as seen:
        answered, _, _ = unchanged()
    say(f"SQL statements, {UNCHANGED}: {len(seen)} (at most 1)")
    return met and answered == HTTPStatus.NOT_MODIFIED and len(seen) == 1


def fill_feed(database: Database) -> str:
    """An adviser with 1,000 appointments to come, 40 a day; gives the path of their calendar."""
    with database.writing() as session:
        adviser = session.scalars(select(Adviser).order_by(Adviser.id)).first()
        opening_id, place_id = session.execute(select(Visit.opening_id, Visit.place_id)).first() or (1, 1)
        assert adviser is not None
        morning = datetime.combine(now().date() + timedelta(days=100), time(6), tzinfo=now().tzinfo)
        for number in range(APPOINTMENTS):
            day, slot = divmod(number, 40)
            starts_at = morning + timedelta(days=day, minutes=15 * slot)
            values = {"opening_id": opening_id, "place_id": place_id, "planned_adviser_id": adviser.id}
            values |= {"kind": "appointment", "state": "booked", "locale": "de", "code": f"{10**8 + number}"}
            values |= {
                "local_on": starts_at.date(),
                "starts_at": starts_at,
                "ends_at": starts_at + timedelta(minutes=15),
            }
            session.execute(insert(Visit).values(**values, created_at=now(), changed_at=now()))
        feed, token = make_feed(session, adviser, level="details", base_url=BASE_URL, now=now())
        feed.fetched_at = now()  # as of one that is fetched again and again
        session.commit()
    return f"/feeds/{token}.ics"


def count_touched() -> bool:
    """Twenty advisers of five carriers with a feed each, the carriers', and those of three languages' interpreters."""
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/feeds.db")
        schema.upgrade(database.engine)
        kinds = make_feeds(database)
        say(f"feeds: {len(kinds)}")
        met = [count(database, kinds, *each) for each in the_changes(database)]
        database.engine.dispose()
    return all(met)


def the_changes(database: Database) -> list[tuple[str, Change]]:
    visits: list[int] = []

    def do_book() -> set[Owner]:
        with database.writing() as session:
            offered = free(database)[0]
            rulebook = read_rulebook(session)
            booking = Booking(question(), offered.opening.hours.key, on(offered), offered.slot.starts_at, "de")
            visit = book(session, rulebook, booking, by=CLIENT, now=now())
            session.commit()
            visits.append(visit.id)
            return shown_in(database, visit.planned_adviser_id)

    def do_move() -> set[Owner]:
        with database.writing() as session:
            before = session.get_one(Visit, visits[0]).planned_adviser_id
            offered = next(each for each in reversed(free(database)) if each.slot.adviser_id != before)
            key, starts_at = offered.opening.hours.key, offered.slot.starts_at
            visit = move(session, read_rulebook(session), visits[0], key, on(offered), starts_at, by=CLIENT, now=now())
            session.commit()
            return shown_in(database, before) | shown_in(database, visit.planned_adviser_id)

    def do_cancel() -> set[Owner]:
        with database.writing() as session:
            before = session.get_one(Visit, visits[0]).planned_adviser_id
            cancel(session, visits[0], by=CLIENT, now=now())
            session.commit()
            return shown_in(database, before)

    return [("a booking", do_book), ("a move to somebody else", do_move), ("a cancellation", do_cancel)]


def count(database: Database, kinds: dict[int, Owner], name: str, change: Change) -> bool:
    """Whether exactly the feeds that show it are published anew, each once."""
    expected = change()
    stale = stale_in(database)
    published = {kinds[each] for each in stale}
    for feed_id in stale:
        publish(database, feed_id)
    right = published == expected and len(stale) == len(expected) and stale_in(database) == []
    say(f"{name}: {len(stale)} feeds published, {len(expected)} show it{'' if right else '   MISSED'}")
    return right


def make_feeds(database: Database) -> dict[int, Owner]:
    """By id, whose each feed is."""
    with database.writing() as session:
        town_file.store(session, town_file.read(OFFENBACH), now())
        carriers = list(session.scalars(select(Carrier).order_by(Carrier.id)))
        advisers = list(session.scalars(select(Adviser).order_by(Adviser.id)))
        carriers += [Carrier(key=f"more-{each}", name=f"Carrier {each}") for each in range(len(carriers), CARRIERS)]
        session.add_all(carriers)
        session.flush()
        for number in range(len(advisers), ADVISERS):
            key, carrier = f"more-{number}", carriers[number % CARRIERS]
            advisers.append(Adviser(key=key, name=key, carrier_id=carrier.id, services=["MBE"], languages=["de"]))
        session.add_all(advisers)
        session.flush()
        for owner in (*advisers[:ADVISERS], *carriers[:CARRIERS], *LANGUAGES):
            make_feed(session, owner, level="busy", base_url=BASE_URL, now=now())
        session.commit()
        rows = session.scalars(select(Feed)).all()
        return {each.id: (each.kind, each.adviser_id or each.carrier_id or each.language) for each in rows}


def shown_in(database: Database, adviser_id: int | None) -> set[Owner]:
    """Whose feeds show an appointment of this adviser in the first language."""
    with database.reading() as session:
        carrier_id = session.get_one(Adviser, adviser_id).carrier_id
    return {("adviser", adviser_id), ("carrier", carrier_id), ("interpreter", LANGUAGES[0])}


def question() -> Question:
    return Question(frozenset(), minutes=DEFAULT_MINUTES, language=LANGUAGES[0])


def free(database: Database) -> list[OfferedSlot]:
    with database.reading() as session:
        today = now().date()
        until_on = today + timedelta(weeks=8)
        return find_slots(session, read_rulebook(session), question(), from_on=today, until_on=until_on, now=now())


def on(offered: OfferedSlot) -> date:
    return offered.opening.dated.original_on


def stale_in(database: Database) -> list[int]:
    with database.reading() as session:
        return stale_feeds(session, now())


def publish(database: Database, feed_id: int) -> None:
    with database.writing() as session:
        publish_feed(session, feed_id, base_url=BASE_URL, now=now())
        session.commit()


if __name__ == "__main__":
    sys.exit(main())
