"""How fast a booking is, beside a route with one ORM insert and commit on the same engine and Session.

`make bench`. At least 35 % of the reference route's speed. Every booking takes another free start.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any

from flask import Flask, jsonify

from bench.statements import statements_of
from bench.town import Case, ask, free_slots, in_turns, now, offenbach, report, say
from scheduler.actions.slots import OfferedSlot
from scheduler.domain.proofs import make_challenge
from scheduler.models import TicketCounter
from scheduler.web.app import csrf
from scheduler.web.edge import db
from scheduler.web.pressure import HARDEST

REFERENCE, BOOKING = "one ORM insert and commit", "a booking"
AIMS = {BOOKING: 0.35}
WARM_UP, REPEATS = 5, 60


def main() -> int:
    with offenbach() as (app, database):
        add_reference(app)
        offered, proofs = iter(free_slots(database)), list[str]()
        raw = sqlite3.connect(str(database.engine.url.database), isolation_level=None)
        raw.execute("CREATE TABLE remark (day TEXT)")
        cases = {
            REFERENCE: Case(partial(ask, app, "/reference", method="POST")),
            BOOKING: Case(partial(book_by_http, app, offered, proofs), partial(prove, app, proofs)),
            "a remark: raw sqlite3 insert, no route": Case(partial(raw.execute, "INSERT INTO remark VALUES (1)")),
        }
        in_turns(cases, WARM_UP)
        met = report(in_turns(cases, REPEATS), REFERENCE, AIMS)
        prove(app, proofs)
        with statements_of(database) as seen:
            book_by_http(app, offered, proofs)
        say(f"SQL statements of a booking: {len(seen)}")
    return 0 if met else 1


def add_reference(app: Flask) -> None:
    """A route of the same application whose only work is one ORM insert and its commit."""
    days = count_days()

    @app.post("/reference")
    @csrf.exempt
    def insert_one() -> Any:
        db().add(TicketCounter(place_id=1, local_on=next(days), last_number=1))
        db().commit()
        return jsonify(done=True)


def count_days() -> Iterator[date]:
    on = date(2000, 1, 1)
    while True:
        yield on
        on += timedelta(days=1)


def prove(app: Flask, proofs: list[str]) -> None:
    """A proof of work without the work: whoever makes a challenge knows its number."""
    made = make_challenge(
        app.extensions["settings"].secret_key,
        salt=secrets.token_urlsafe(12),
        number=7,
        numbers=HARDEST * app.extensions["settings"].booking_work,
        expires_at=now() + timedelta(hours=1),
    )
    proofs.append(f"{made.token}.7")


def book_by_http(app: Flask, offered: Iterator[OfferedSlot], proofs: list[str]) -> None:
    """One booking as an API client makes it."""
    opening, slot = next(offered)
    body = {
        "age_group": "family",
        "concern": "letter",
        "opening": opening.public_id,
        "starts_at": slot.starts_at.isoformat(),
        "locale": "ar",
        "proof": proofs.pop(),
    }
    status, _, answer = ask(
        app,
        "/api/v1/bookings",
        method="POST",
        data=json.dumps(body),
        content_type="application/json",
    )
    if status != 201:
        raise RuntimeError(f"not booked: {status} {answer.decode()}")


if __name__ == "__main__":
    sys.exit(main())
