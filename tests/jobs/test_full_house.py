"""The tick that remembers which openings are full: only running ones, only what is news, harmless in two processes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import event, select

from jobs.full_house import review_openings
from jobs.timetable import TIMETABLE
from scheduler.actions.openings import lock_opening
from scheduler.actions.rulebook import read_rulebook
from scheduler.db import Database
from scheduler.models import Opening
from tests.actions.small_town import at, opening_of
from tests.jobs.samples import changing, work_at

TEN = at("10:00")


def review(database: Database, now: datetime = TEN) -> None:
    review_openings(work_at(database, Path("unused"), now))


def full_since(database: Database) -> list[datetime | None]:
    with database.reading() as session:
        return list(session.scalars(select(Opening.full_since)))


def test_it_is_remembered_and_forgotten(database: Database, foretell: Callable[..., None]) -> None:
    seen = []
    for chance in (0.4, 0.6, 0.7):
        foretell(chance)
        review(database)
        seen.append(full_since(database))
    assert seen == [[TEN], [TEN], [None]]


def test_nothing_is_written_where_nothing_is_news(database: Database, foretell: Callable[..., None]) -> None:
    foretell(0.9)
    written: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        written.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        review(database)
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    assert [each for each in written if not each.startswith(("SELECT", "PRAGMA", "BEGIN"))] == []
    assert full_since(database) == []


def test_an_opening_that_is_over_stays_as_it_was(database: Database, foretell: Callable[..., None]) -> None:
    foretell(0.1)
    for now in (at("08:29"), at("12:00")):
        review(database, now)
    assert full_since(database) == []


def test_an_opening_that_fails_is_logged_and_harms_nobody(
    database: Database, monkeypatch: pytest.MonkeyPatch, foretell: Callable[..., None]
) -> None:
    foretell(0.1)
    monkeypatch.setattr("jobs.full_house.review_full", lambda *_: 1 / 0)
    review(database)
    assert full_since(database) == []


def test_what_staff_said_meanwhile_stays(database: Database, foretell: Callable[..., None]) -> None:
    with changing(database) as session:
        lock_opening(session, opening_of(read_rulebook(session))).tickets = "stopped"
    foretell(0.1)
    review(database)
    with database.reading() as session:
        assert session.scalars(select(Opening.tickets)).one() == "stopped"
    assert full_since(database) == [TEN]


def test_it_runs_often_enough_to_be_seen() -> None:
    (tick,) = (each for each in TIMETABLE if each.run is review_openings)
    assert tick.every_seconds == 15
