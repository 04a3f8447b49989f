"""The database: engine, session, column types, and how SQLite and PostgreSQL are set up.

No table and no query lives here (see `models/`).
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from sqlalchemy import DateTime, Dialect, Engine, LargeBinary, MetaData, create_engine, event
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

BUSY_SECONDS = 30
"""How long a writer waits for another one on SQLite before it fails."""


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

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else self._ring().encrypt(value.encode())

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        return None if value is None else self._ring().decrypt(bytes(value)).decode()

    @classmethod
    def _ring(cls) -> MultiFernet:
        if cls.keys is None:
            raise RuntimeError("contact keys are not set: call use_contact_keys first")
        return cls.keys


def use_contact_keys(keys: tuple[str, ...]) -> None:
    """Set the keys of every `Encrypted` column: the first encrypts, all decrypt."""
    Encrypted.keys = MultiFernet([Fernet(key) for key in keys])


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

    def writing(self) -> Session:
        """A session whose first statement takes the write lock (SQLite: BEGIN IMMEDIATE). The edge commits.

        One commit ends its work: what is shown afterwards is what was written, and is not read again.
        """
        return Session(self.engine, expire_on_commit=False, info={"learned": self.learned, **self.ways})

    def reading(self) -> Session:
        """A session in which the database itself refuses every change."""
        return Session(self._reading, info={"kept": self.kept, "learned": self.learned, **self.ways})


def open_engine(url: str) -> Engine:
    """An engine on `url`, set up as this project needs it. A missing folder of an SQLite file is made.

    Its errors name the statement, never the values: they end up in logs.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_size=10, max_overflow=10, pool_pre_ping=True, hide_parameters=True)
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def is_busy(error: OperationalError) -> bool:
    """Waited too long for another writer, gave way to one, or no connection: sent again, the same may well succeed."""
    if isinstance(error.orig, sqlite3.OperationalError):  # SQLite says "operational" of its own faults, too
        return error.orig.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return True


def _set_up_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver must not begin transactions on its own: _begin_sqlite decides how each one begins.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that turns into a writer fails with "database is locked": so writers lock first.
    reads_only = bool(connection.get_execution_options().get("read_only"))
    connection.exec_driver_sql(f"PRAGMA query_only={'ON' if reads_only else 'OFF'}")
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
