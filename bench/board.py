"""How fast an unchanged poll of the board and of a ticket page is, beside a route with one indexed Core read.

`make bench`. At least 60 % of the reference route's speed, and one SQL statement each.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import Any

from flask import Flask, jsonify
from sqlalchemy import select

from bench.statements import statements_of
from bench.town import Case, ask, in_turns, now, offenbach, report, say
from scheduler.actions.registration import Answers, register
from scheduler.actions.rulebook import read_rulebook
from scheduler.actions.steps import By
from scheduler.db import Database
from scheduler.demo.town import PLACE, load_town
from scheduler.domain.codes import link_token
from scheduler.domain.recurrence import local_date
from scheduler.models import Adviser
from scheduler.web.edge import db, settings

REFERENCE, BOARD, TICKET = "one indexed Core read", "board, unchanged (304)", "ticket page, unchanged (304)"
AIMS = {BOARD: 0.60, TICKET: 0.60}
WAITING = 60
WARM_UP, REPEATS = 20, 200


def main() -> int:
    with offenbach() as (app, database):
        add_reference(app)
        visit_id = fill_today(database)
        with app.app_context():
            token = link_token(settings().secret_key, visit_id, 0)
        polls = {BOARD: Poll(app, f"/board/{PLACE}/now"), TICKET: Poll(app, f"/tickets/{token}/now")}
        say(f"{WAITING} people wait at one opening")
        met = [count_statements_of(database, polls)]
        reference = partial(ask, app, "/reference")
        cases = {REFERENCE: Case(reference, reference)}  # asked twice, as the polls are
        cases |= {name: Case(poll, poll.renew) for name, poll in polls.items()}
        in_turns(cases, WARM_UP)
        met.append(report(in_turns(cases, REPEATS), REFERENCE, AIMS))
    return 0 if all(met) else 1


def add_reference(app: Flask) -> None:
    """A route of the same application whose only work is one indexed Core read."""
    table = Adviser.metadata.tables["adviser"]
    query = select(table.c.key, table.c.name).where(table.c.key == "awo-1")

    @app.get("/reference")
    def read_one() -> Any:
        key, name = db().execute(query).one()
        return jsonify(key=key, name=name)


def fill_today(database: Database) -> int:
    """An opening that runs now, with many who wait; gives the last one's visit."""
    with database.writing() as session:
        hours_key = load_town(session, now())
        rulebook = read_rulebook(session)
        opening = rulebook.opening(hours_key, local_date(now(), rulebook.zone))
        if opening is None:
            raise LookupError(hours_key)
        for number in range(WAITING):
            came_at = now() - timedelta(seconds=WAITING - number)
            visit = register(
                session, rulebook, opening, Answers(), locale="de", by=By("staff"), now=came_at, override=True
            )
        session.commit()
        return visit.id


class Poll:
    """A screen that asks again and again with the ETag that it has."""

    def __init__(self, app: Flask, path: str) -> None:
        self.app, self.path, self.known = app, path, ""

    def __call__(self) -> None:
        status, _, _ = ask(self.app, self.path, headers={"If-None-Match": self.known})
        if status != HTTPStatus.NOT_MODIFIED:
            self.renew()  # a minute has passed meanwhile

    def renew(self) -> None:
        """A new minute is a new answer: fetched before the time is taken."""
        status, headers, _ = ask(self.app, self.path, headers={"If-None-Match": self.known} if self.known else {})
        if status not in (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED):
            raise RuntimeError(f"{self.path}: {status}")
        self.known = headers["ETag"]


def count_statements_of(database: Database, polls: dict[str, Poll]) -> bool:
    """Of a whole request that finds nothing new."""
    met = True
    for name, poll in polls.items():
        poll.renew()
        with statements_of(database) as seen:
            poll()
        say(f"SQL statements, {name}: {len(seen)} (at most 1)")
        met = met and len(seen) == 1
    return met


if __name__ == "__main__":
    sys.exit(main())
