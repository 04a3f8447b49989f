"""The application over each test's own database, at a frozen time, and the people who use it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask

from config import Config
from scheduler import create_app
from scheduler.actions import account_links
from scheduler.actions.passwords import hash_secret
from scheduler.db import Base, Database
from scheduler.models import Account
from scheduler.web.limits import limiter
from tests.actions.small_town import at, hours_of
from tests.conftest import NOW, copy_template, make_config
from tests.web.live_town import FROM_THE_FILE, LiveTown, Rows, all_rows, put_back
from tests.web.second_factors import give_password
from tests.web.visitor import Visitor

MakeApp = Callable[..., Flask]
Databases = Callable[[str], Database]


@pytest.fixture(scope="session")
def open_databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """One database of each kind for all tests of the pages, opened when first asked for and emptied after each test.

    A fresh copy for each would take longer than most tests, and its engine would compile every statement anew.
    """
    made: dict[str, Database] = {}

    def open_one(kind: str) -> Database:
        if kind not in made:
            make = _copy_sqlite if kind == "sqlite" else _copy_postgresql
            made[kind] = Database(make(request.getfixturevalue(f"{kind}_template"), tmp_path_factory))
        return made[kind]

    yield open_one
    for each in made.values():
        each.engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, open_databases: Databases) -> Iterator[Database]:
    """A database with the small town, in which nothing has happened."""
    opened = open_databases(request.param)
    yield opened
    _empty(opened)


@pytest.fixture
def database_url(database: Database) -> str:
    return database.engine.url.render_as_string(hide_password=False)


def _copy_sqlite(template: Path, folders: pytest.TempPathFactory) -> str:
    path = folders.mktemp("pages") / "pages.db"
    shutil.copy(template, path)
    return f"sqlite:///{path}"


def _copy_postgresql(template: str, _folders: pytest.TempPathFactory) -> str:
    return copy_template(template, "pages_town")


def _empty(database: Database) -> None:
    grown = (each.name for each in reversed(Base.metadata.sorted_tables) if each.name not in FROM_THE_FILE)
    deletions = [f'DELETE FROM "{each}"' for each in grown]
    deletions.append("DELETE FROM hours WHERE own_adviser_id IS NOT NULL")  # entered by a test, not by the file
    with database.writing() as session:
        at_once = [";".join(deletions)] if session.get_bind().dialect.name == "postgresql" else deletions
        for each in at_once:
            session.connection().exec_driver_sql(each)
        session.commit()
    database.learned.clear()
    database.kept.clear()  # versions begin anew, which no real database does


@pytest.fixture(scope="session")
def shared_app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """Made once, since its templates are compiled once; each test puts its own database and settings in."""
    return create_app(make_config(f"sqlite:///{tmp_path_factory.mktemp('nothing') / 'never-opened.db'}"))


@pytest.fixture
def app(shared_app: Flask, config: Config, database: Database) -> Flask:
    shared_app.extensions["database"] = database
    shared_app.extensions["settings"] = config
    limiter.reset()
    shared_app.extensions["pressure"].forget()
    return shared_app


@pytest.fixture
def make_own_app(database_url: str) -> Iterator[MakeApp]:
    """An application with settings that count while it is put together."""
    made: list[Flask] = []

    def make(**changes: Any) -> Flask:
        made.append(create_app(make_config(database_url, **changes)))
        return made[-1]

    yield make
    for each in made:
        each.extensions["database"].engine.dispose()


@pytest.fixture
def clock(database: Database) -> Iterator[time_machine.Traveller]:
    """Stands still at NOW; after the database, whose server must start in real time."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture(scope="session")
def noise() -> dict[str, Rows]:
    """By the database: rows that no test is about. They are made once, and put back for every other test."""
    return {}


@pytest.fixture
def town(database: Database, clock: time_machine.Traveller, noise: dict[str, Rows]) -> LiveTown:
    found = LiveTown(database)
    name = database.engine.dialect.name
    if name in noise:
        found.change(put_back, noise[name])
    else:
        found.add_noise()
        noise[name] = found.read(all_rows)
    return found


@pytest.fixture
def visitor(app: Flask, town: LiveTown) -> Visitor:
    """A client with an English browser."""
    return Visitor(app)


@pytest.fixture
def open_day(town: LiveTown, clock: time_machine.Traveller) -> None:
    """It is Wednesday, 9:05: the session runs."""
    clock.move_to(at("09:05"))


@pytest.fixture
def desk(app: Flask, town: LiveTown, open_day: None) -> Visitor:
    """The front desk of the place where the session runs."""
    return Visitor(app).log_in_as(town.account(desk="buergerbuero"))


@pytest.fixture
def adviser(app: Flask, town: LiveTown, open_day: None) -> Visitor:
    """awo-1: adults, German and Arabic; not seated yet."""
    return Visitor(app).log_in_as(town.account(adviser="awo-1"))


@pytest.fixture
def account_id(town: LiveTown) -> int:
    """Of the front desk; without a password until a test asks for its `login`."""
    return town.account(desk="buergerbuero")


@pytest.fixture
def login(town: LiveTown, account_id: int) -> str:
    """The log-in name of this account, which has a password."""
    return give_password(town, account_id)


@pytest.fixture
def three_at_once(town: LiveTown) -> Iterator[None]:
    """All advisers of the session may be in appointments at once."""
    town.change(lambda session: setattr(hours_of(session), "appointments_at_once", 3))
    yield
    town.change(lambda session: setattr(hours_of(session), "appointments_at_once", 1))  # all tests share the set-up


@pytest.fixture
def write_while_hashing(town: LiveTown, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else writes while a new password is hashed: with a lock held they would wait in vain."""

    def look(secret: str) -> str:
        town.set(Account, town.account(), name="written meanwhile")
        return hash_secret(secret)

    monkeypatch.setattr(account_links, "hash_secret", look)
