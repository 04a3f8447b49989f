"""An appointment that is moved, cancelled and booked anew, in a calendar app that comes again after each change.

On SQLite alone, like all tests with real apps: see test_clients.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from scheduler.actions.booking import cancel, move
from scheduler.actions.rulebook import read_rulebook
from scheduler.actions.steps import CLIENT
from scheduler.db import Database
from scheduler.domain.codes import spoken
from scheduler.models import Visit
from tests.actions.small_town import SESSION, at, book_at
from tests.browser.conftest import serve
from tests.calendars.clients import CANCELLED, CalendarApp, Listed
from tests.calendars.conftest import copy_sqlite
from tests.calendars.sunday_town import PUBLISHED_AT, WINTER, Occurrence, make_feeds, open_more, publish_all, when


class Subscribed:
    """The adviser's calendar app, subscribed to the feed with codes in it."""

    def __init__(self, database: Database, app: CalendarApp) -> None:
        self.database, self.app, self.hours = database, app, 0
        self.listed: list[Listed] = []

    def change(self, action: Callable[[Session], Visit]) -> Visit:
        """Something happens, an hour after the last; the feeds are published, and the app comes for its own."""
        self.hours += 1
        with Session(self.database.engine, expire_on_commit=False) as session:
            visit = action(session)
            session.flush()
            publish_all(session, PUBLISHED_AT + timedelta(hours=self.hours))
            session.commit()
        self.app.sync()
        self.listed = self.app.list_year()["mine"]
        return visit

    def shows(self, visit: Visit) -> list[tuple[Occurrence, str]]:
        """When, and what stands before its code."""
        code = spoken(visit.code or "")
        return [(each.when, each.summary.partition(code)[0]) for each in self.listed if code in each.summary]

    def count_files(self) -> int:
        return len(self.app.files_of("mine"))


@pytest.fixture
def subscribed(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subscribed]:
    with copy_sqlite(sqlite_template, tmp_path_factory) as url, serve(url) as base_url:
        database = Database(url)
        with database.writing() as session:
            open_more(session)
            path = make_feeds(session)["adviser-details"]
            session.commit()
        app = CalendarApp(tmp_path_factory.mktemp("app"), {"mine": base_url + path})
        app.sync()
        yield Subscribed(database, app)
        database.engine.dispose()


def book(clock: str) -> Callable[[Session], Visit]:
    return lambda session: book_at(session, read_rulebook(session), clock, on=WINTER, language="ar", now=PUBLISHED_AT)


def test_a_moved_cancelled_and_newly_booked_appointment_is_one_event_each_time(subscribed: Subscribed) -> None:
    duties = subscribed.count_files()
    assert duties > 10

    visit = subscribed.change(book("10:00"))
    assert subscribed.shows(visit) == [(when(visit), "")]
    assert subscribed.count_files() == duties + 1

    later = WINTER + timedelta(weeks=2)
    new_time = (SESSION, later, at("11:00", later))
    moved = subscribed.change(
        lambda session: move(session, read_rulebook(session), visit.id, *new_time, by=CLIENT, now=PUBLISHED_AT)
    )
    assert when(moved) != when(visit)
    assert subscribed.shows(moved) == [(when(moved), "")]
    assert subscribed.count_files() == duties + 1

    subscribed.change(lambda session: cancel(session, visit.id, by=CLIENT, now=PUBLISHED_AT))
    assert subscribed.shows(moved) == [(when(moved), CANCELLED)]
    assert subscribed.count_files() == duties + 1

    booked_anew = subscribed.change(book("11:00"))  # what was freed just now comes back a little later
    assert subscribed.shows(booked_anew) == [(when(booked_anew), "")]
    assert subscribed.shows(moved) == [(when(moved), CANCELLED)]
    assert subscribed.count_files() == duties + 2
