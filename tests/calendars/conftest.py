"""The town of the hard hours, published; once for each kind of database, since the tests that share it only read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import time_machine

from scheduler import create_app
from scheduler.db import Database
from tests.calendars import sunday_town
from tests.calendars.sunday_town import Occurrence
from tests.conftest import administer, copy_template, make_config


class Published(NamedTuple):
    """What the calendars must show, and where each is fetched."""

    booked: list[Occurrence]
    """In order of booking."""
    cancelled: Occurrence
    openings: dict[str, set[Occurrence]]
    """By the name of the place's feed: what takes place within the year."""
    paths: dict[str, str]
    """By the name of the feed; "client" is one client's own file."""


class Calendars(NamedTuple):
    """What was published, and the bytes that a calendar app gets."""

    published: Published
    bodies: dict[str, bytes]


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def calendars(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calendars]:
    """Every calendar of the town, as the web application serves it."""
    template = request.getfixturevalue(f"{request.param}_template")
    copied = copy_sqlite(template, tmp_path_factory) if request.param == "sqlite" else _copy_postgresql(template)
    with copied as url:
        published = publish_town(url)
        app = create_app(make_config(url))
        visitor = app.test_client()
        with time_machine.travel(sunday_town.PUBLISHED_AT, tick=False):  # a visit's link ends some days after it
            answers = {name: visitor.get(path) for name, path in published.paths.items()}
        assert {name: each.status_code for name, each in answers.items()} == dict.fromkeys(published.paths, 200)
        yield Calendars(published, {name: each.data for name, each in answers.items()})
        app.extensions["database"].engine.dispose()


def publish_town(database_url: str) -> Published:
    """Fill the town of this database and publish it."""
    database = Database(database_url)
    with database.writing() as session:
        sunday_town.open_more(session)
        booked = sunday_town.book_hard_hours(session)
        cancelled = sunday_town.book_and_cancel(session)
        paths = {**sunday_town.make_feeds(session), "client": sunday_town.path_of(booked[1])}
        openings = {name: sunday_town.openings_of(session, key) for name, key in sunday_town.PLACE_FEEDS.items()}
        session.commit()
        published = Published([sunday_town.when(each) for each in booked], sunday_town.when(cancelled), openings, paths)
    database.engine.dispose()
    return published


@contextmanager
def copy_sqlite(template: Path, folders: pytest.TempPathFactory) -> Iterator[str]:
    path = folders.mktemp("calendars") / "town.db"
    shutil.copy(template, path)
    yield f"sqlite:///{path}"


@contextmanager
def _copy_postgresql(template: str) -> Iterator[str]:
    yield copy_template(template, "calendars_town")
    administer(template, "DROP DATABASE calendars_town WITH (FORCE)")
