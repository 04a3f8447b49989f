"""What all tests share: both databases, a small town, noise rows, a fixed clock.

Every test that takes `database` runs on SQLite and on PostgreSQL. A migrated template is made once a run. SQLite's is
copied for each test; PostgreSQL's is copied once, and after each test all rows are put back.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest
from argon2 import PasswordHasher
from cryptography.fernet import Fernet
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from bench.processes import postgresql
from config import Config
from scheduler import schema, town_file
from scheduler.actions import passwords
from scheduler.actions.forecasting import OpeningForecast
from scheduler.db import Database, open_engine, use_contact_keys
from scheduler.domain.calibration import Simulated
from scheduler.domain.forecast import Forecast

SMALL_TOWN = Path(__file__).parent / "towns" / "small.toml"
CONTACT_KEY = Fernet.generate_key().decode()
SECRET = "only-for-tests-" + "x" * 32

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
"""A Tuesday, 10:00 in Germany; the small town's session is on Wednesday the 25th."""


@pytest.fixture(scope="session", autouse=True)
def _contact_keys() -> None:
    use_contact_keys((CONTACT_KEY,))


@pytest.fixture(scope="session", autouse=True)
def _quick_hashes() -> Iterator[None]:
    """The same hashes with the least work. With the real work each one takes as long as three pages."""
    with pytest.MonkeyPatch.context() as patch:
        quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(passwords, "_hasher", quick)
        patch.setattr(passwords, "_NOBODY", quick.hash("no account has this password"))
        yield


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    _prepare(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """A real PostgreSQL of this run, on a socket in a folder of its own. Gives the URL of its first database."""
    # Not in pytest's own folder: other runs tidy that up.
    prefix = "sprechstunde-pg-"
    with TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as folder, postgresql(Path(folder)) as url:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # speed: nothing here outlives the run
            administer(url, f"ALTER SYSTEM SET {setting} = off")
        administer(url, "SELECT pg_reload_conf()")
        yield url


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str) -> str:
    administer(postgresql_server, "CREATE DATABASE template_town")
    _prepare(_with_database(postgresql_server, "template_town"))
    return postgresql_server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a database that holds the small town and nothing else."""
    if request.param == "sqlite":
        yield request.getfixturevalue("copy_sqlite")()
        return
    postgresql: OnePostgresql = request.getfixturevalue("one_postgresql")
    yield postgresql.url
    postgresql.put_back()


@pytest.fixture(scope="session")
def copy_sqlite(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """Puts a fresh copy of the template in the place of the last one: always the same address."""
    path = tmp_path_factory.mktemp("copies") / "test.db"

    def copy_again() -> str:
        for each in path.parent.iterdir():  # with its log; whoever still holds the last one open keeps that
            each.unlink()
        shutil.copy(sqlite_template, path)
        return f"sqlite:///{path}"

    return copy_again


@pytest.fixture(scope="session")
def one_postgresql(postgresql_template: str) -> OnePostgresql:
    return OnePostgresql(copy_template(postgresql_template, "test_town"))


class OnePostgresql:
    """A database for one test after another. Copying it takes 0.2 s of work: all rows are put back, and all counters.

    The schema stays as it is: a test that changes it needs a database of its own.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(self._address) as connection:
            tables = [name for (name,) in connection.execute(_TABLES).fetchall()]
            counters = connection.execute(_COUNTERS).fetchall()
            full = [each for each in tables if connection.execute(f"SELECT 1 FROM {each} LIMIT 1").fetchone()]
            connection.execute("CREATE SCHEMA kept")
            for each in full:
                connection.execute(f"CREATE TABLE kept.{each} AS TABLE public.{each}")
        self._put_back = ";".join(
            [
                *_ALONE_AND_WITHOUT_TRIGGERS,
                *(f"DELETE FROM public.{each}" for each in tables),
                *(f"INSERT INTO public.{each} SELECT * FROM kept.{each}" for each in full),
                *(f"SELECT setval('{name}', {last or 1}, {last is not None})" for name, last in counters),
            ]
        )

    def put_back(self) -> None:
        """As it was in the beginning. Connections that are still open are cut off."""
        with psycopg.connect(self._address) as connection:
            connection.execute(self._put_back)


_TABLES = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'"
_COUNTERS = "SELECT format('public.%I', sequencename), last_value FROM pg_sequences WHERE schemaname = 'public'"
_ALONE_AND_WITHOUT_TRIGGERS = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
    "SET session_replication_role = replica",  # any order of the tables will do
)


@pytest.fixture(scope="session")
def opened() -> dict[str, Database]:
    """By address. An engine knows how its statements are compiled: opened anew for each test, it compiles them anew."""
    return {}


@pytest.fixture
def database(database_url: str, opened: dict[str, Database]) -> Iterator[Database]:
    if database_url not in opened:
        opened[database_url] = Database(database_url)
    found = copy(opened[database_url])  # whatever a test sets goes with it
    found.kept, found.learned = {}, {}
    yield found
    found.engine.dispose()  # its connections, not what it has compiled


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.writing() as opened:
        yield opened


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Config:
    return make_config(database_url, mail_sink=tmp_path / "mail")


def make_config(database_url: str, **changes: Any) -> Config:
    settings: dict[str, Any] = {
        "secret_key": SECRET,
        "contact_keys": (CONTACT_KEY,),
        "database_url": database_url,
        "base_url": "http://localhost",
        "code_limit": "1000 per minute",
        "lock_after_minutes": 0,
        "booking_work": 8,
        "bookings_from_one_address": 1_000_000,
        "second_factor_for": frozenset(),
        "demo": True,
    }
    return Config(**{**settings, **changes})


@pytest.fixture
def foretell(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts exact chances in the place of the forecast: a newcomer's, and of those who wait, by visit id."""

    def put(chance: float, waiting: Mapping[int, float] | None = None) -> None:
        def foretold(*_asked: object) -> OpeningForecast:
            return OpeningForecast(_forecast(chance), {id_: _forecast(each) for id_, each in (waiting or {}).items()})

        for module in ("scheduler.actions.registration", "scheduler.web.forecasts"):
            monkeypatch.setattr(f"{module}.forecast_opening", foretold)

    return put


def _forecast(chance: float) -> Forecast:
    figures = {each.name: 30.0 for each in fields(Forecast)}  # those that no page shows
    shown = {"ahead": 2, "centre": 31.0, "low": 23.0, "high": 38.0, "chance": chance, "basis": "few"}
    return Forecast(**{**figures, **shown, "simulated": Simulated(31.0, 7.0)})  # type: ignore[arg-type]


def _prepare(url: str) -> None:
    engine = open_engine(url)
    schema.upgrade(engine)
    with Session(engine) as opened:
        town_file.store(opened, town_file.read(SMALL_TOWN), NOW)
        opened.commit()
    engine.dispose()  # closing the last connection folds SQLite's log into the file that is copied


def copy_template(server: str, name: str) -> str:
    """A database of its own with the small town, on that server; gives its URL."""
    administer(server, f"CREATE DATABASE {name} TEMPLATE template_town STRATEGY FILE_COPY")
    return _with_database(server, name)


def administer(server: str, statement: str) -> None:
    """Run a statement that no transaction may hold."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def _with_database(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)
