"""The database: engine, session, column types, and how SQLite and PostgreSQL are set up.

No table and no query lives here (see `models/`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import DateTime, Dialect, Engine, LargeBinary, MetaData, create_engine, event
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

BUSY_SECONDS = 30
"""How long a writer waits for another one on SQLite before it fails; on PostgreSQL, how long one statement may take."""
IDLE_SECONDS = 60
"""PostgreSQL ends a transaction in which nothing has happened for so long: its locks hold nobody up for ever."""


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        }
    )


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. Refuses a naive datetime; gives back an aware one in UTC on both databases."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: every instant needs a time zone")
        # SQLite keeps text without a zone; all of it is UTC, so text order is time order.
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Encrypted(TypeDecorator[str]):
    """Text that the database holds only encrypted. The keys come from the configuration, see `use_contact_keys`."""

    impl = LargeBinary
    cache_ok = True
    keys: MultiFernet | None = None
    newest: Fernet | None = None

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else self._ring().encrypt(value.encode())

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        return None if value is None else self._ring().decrypt(bytes(value)).decode()

    @classmethod
    def is_newest(cls, value: bytes) -> bool:
        """Whether the newest key has encrypted these bytes, as they are stored."""
        assert cls.newest is not None, "contact keys are not set"
        try:
            cls.newest.decrypt(bytes(value))
        except InvalidToken:
            return False
        return True

    @classmethod
    def renew(cls, value: bytes) -> bytes | None:
        """The same, encrypted with the newest key; None: it is already. Raises InvalidToken where no key opens it."""
        return None if cls.is_newest(value) else cls._ring().rotate(bytes(value))

    @classmethod
    def _ring(cls) -> MultiFernet:
        if cls.keys is None:
            raise RuntimeError("contact keys are not set: call use_contact_keys first")
        return cls.keys


def use_contact_keys(keys: tuple[str, ...]) -> None:
    """Set the keys of every `Encrypted` column: the first encrypts, all decrypt."""
    ring = [Fernet(key) for key in keys]
    Encrypted.keys, Encrypted.newest = MultiFernet(ring), ring[0]


class Database:
    """One engine, and sessions on it that write or only read."""

    def __init__(self, url: str, *, sends_mail: bool = True, sends_sms: bool = False) -> None:
        self.engine = open_engine(url)
        self._reading = self.engine.execution_options(read_only=True, postgresql_readonly=True)
        self.kept: dict[Any, Any] = {}
        """What this process worked out from committed rows, for sessions that only read: `session.info["kept"]`."""
        self.learned: dict[Any, Any] = {}
        """Statistics of the log, for all sessions: a row more or less, or one that is rolled back, changes nothing."""
        self.ways = {"sends_mail": sends_mail, "sends_sms": sends_sms}
        """By which ways messages can leave this installation: planning asks `session.info` for them."""
        self.release_key = ""
        """A secret from which follows when the desk's share of each opening is released: slots ask `session.info`."""
        self.on_writing: Callable[[Session], None] | None = None
        """Told of each session that writes: the trail of a command follows it."""

    def writing(self) -> Session:
        """A session whose first statement takes the write lock (SQLite: BEGIN IMMEDIATE). The edge commits.

        One commit ends its work: what is shown afterwards is what was written, and is not read again.
        """
        session = Session(self.engine, expire_on_commit=False, info=self._info())
        if self.on_writing is not None:
            self.on_writing(session)
        return session

    def reading(self) -> Session:
        """A session in which the database itself refuses every change."""
        return Session(self._reading, info={"kept": self.kept, **self._info()})

    def _info(self) -> dict[str, Any]:
        return {"learned": self.learned, "release_key": self.release_key, **self.ways}


def open_engine(url: str) -> Engine:
    """An engine on `url`, set up as this project needs it. A missing folder of an SQLite file is made.

    Its errors name the statement, never the values: they end up in logs.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        limits = {"options": _timeouts()} if "options" not in parsed.query else {}
        return create_engine(
            parsed, pool_size=10, max_overflow=10, pool_pre_ping=True, hide_parameters=True, connect_args=limits
        )
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True)
    event.listen(engine, "connect", partial(_keep_to_ourselves, parsed.database or ""))
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _timeouts() -> str:
    """As PostgreSQL takes them when a connection begins. `options` in DATABASE_URL go in their place."""
    limits = {"statement_timeout": BUSY_SECONDS, "idle_in_transaction_session_timeout": IDLE_SECONDS}
    return " ".join(f"-c {name}={seconds}s" for name, seconds in limits.items())


def is_busy(error: OperationalError) -> bool:
    """Waited too long for another writer, gave way to one, or no connection: sent again, the same may well succeed."""
    if isinstance(error.orig, sqlite3.OperationalError):  # SQLite says "operational" of its own faults, too
        return error.orig.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return True


def _keep_to_ourselves(file: str, _connection: sqlite3.Connection, _record: Any) -> None:
    """A file that was only just made is for this user alone; whoever wants it otherwise changes it later."""
    path = Path(file)
    if path.is_file() and path.stat().st_size == 0:
        path.chmod(0o600)


def _set_up_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver must not begin transactions on its own: _begin_sqlite decides how each one begins.
    connection.isolation_level = None
    # What is deleted is overwritten, also where SQLite was built to leave it in the file until the space is used again.
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that turns into a writer fails with "database is locked": so writers lock first.
    reads_only = bool(connection.get_execution_options().get("read_only"))
    connection.exec_driver_sql(f"PRAGMA query_only={'ON' if reads_only else 'OFF'}")
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
