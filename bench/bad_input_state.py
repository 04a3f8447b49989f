"""What the database holds: whether anything was committed since, and which rows are others.

It is asked by a connection of its own, so that no way of writing can hide from it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, Protocol

import psycopg
from sqlalchemy.engine import make_url

from scheduler.db import Base, Database

Rows = dict[str, frozenset[str]]
"""By table, each row as text."""

COUNTED = {
    "login_delay": "slows down whoever guesses passwords, so it counts what was refused",
    "account.pin_failures": "a wrong PIN counts, until only the password opens the screen",
    "feed.fetched_at": "that a calendar app came is noted after the answer (ARCHITECTURE.md)",
}
"""Tables and columns that may change although the answer says no, or to a GET; and why."""
NOTED = {
    "audit_line": (
        "'lock.wrong_pins'",  # a PIN was wrong so often that only the password opens the screen
        "'log_out'",  # and nobody is logged in behind it
    )
}
"""New rows that are no change either, by what they hold: the trail says that a try was counted."""
SHOWN = 3


class State(Protocol):
    def mark(self) -> Any:
        """A value that is another one whenever something may have been committed."""

    def rows(self) -> Rows:
        """All rows of all tables, without what is counted."""

    def keep(self) -> None:
        """Remember everything as it is now."""

    def put_back(self) -> None:
        """Everything as it was when it was kept. Other connections are cut off or wait."""

    def close(self) -> None:
        """Hang up."""


def open_state(database: Database) -> State:
    url = database.engine.url
    return SqliteState(url.database or "") if url.get_backend_name() == "sqlite" else PostgresqlState(database)


def differences(before: Rows, after: Rows) -> list[str]:
    """What is new, gone or changed, a few rows of each table."""
    found = []
    for table in sorted(before.keys() | after.keys()):
        gone, new = before[table] - after[table], after[table] - before[table]
        found += [f"{table} - {each[:300]}" for each in sorted(gone)[:SHOWN]]
        found += [f"{table} + {each[:300]}" for each in sorted(new)[:SHOWN] if not _is_noted(table, each)]
    return found


def _is_noted(table: str, row: str) -> bool:
    return any(each in row for each in NOTED.get(table, ()))


class SqliteState:
    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._kept = sqlite3.connect(":memory:")
        tables = self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        self._queries = _queries([name for (name,) in tables if not name.startswith("sqlite_")])

    def mark(self) -> Any:
        return self._connection.execute("PRAGMA data_version").fetchone()

    def rows(self) -> Rows:
        return {table: frozenset(map(repr, self._connection.execute(query))) for table, query in self._queries.items()}

    def keep(self) -> None:
        self._connection.backup(self._kept)

    def put_back(self) -> None:
        self._kept.backup(self._connection)

    def close(self) -> None:
        self._connection.close()
        self._kept.close()


class PostgresqlState:
    def __init__(self, database: Database) -> None:
        url = make_url(database.engine.url).set(drivername="postgresql")
        self._database, self._address = database, url.render_as_string(hide_password=False)
        self._connection = psycopg.connect(self._address, autocommit=True)
        tables = self._connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        self._tables = [name for (name,) in tables.fetchall()]
        self._queries = _queries(self._tables)
        self._put_back: list[str] = []

    def mark(self) -> Any:
        # A transaction that wrote has a number, and the next one to be given grows with it.
        return self._connection.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())").fetchone()

    def rows(self) -> Rows:
        return {
            table: frozenset(map(repr, self._connection.execute(query).fetchall()))
            for table, query in self._queries.items()
        }

    def keep(self) -> None:
        counters = self._connection.execute(
            "SELECT format('public.%I', sequencename), last_value FROM pg_sequences WHERE schemaname = 'public'"
        ).fetchall()
        self._connection.execute("DROP SCHEMA IF EXISTS kept CASCADE; CREATE SCHEMA kept")
        for each in self._tables:
            self._connection.execute(f'CREATE TABLE kept."{each}" AS TABLE public."{each}"')
        self._put_back = [
            "SET LOCAL session_replication_role = replica",  # any order of the tables will do
            *(f'DELETE FROM public."{each}"' for each in self._tables),
            *(f'INSERT INTO public."{each}" SELECT * FROM kept."{each}"' for each in self._tables),
            *(f"SELECT setval('{name}', {last or 1}, {last is not None})" for name, last in counters),
        ]

    def put_back(self) -> None:
        self._database.engine.dispose()
        with self._connection.transaction():
            for each in self._put_back:
                self._connection.execute(each)

    def close(self) -> None:
        self._connection.close()


def _queries(tables: list[str]) -> dict[str, str]:
    """By table, what reads all that is compared."""
    known: Mapping[str, Any] = Base.metadata.tables
    found = {}
    for table in tables:
        if table in COUNTED:
            continue
        names = [each.name for each in known[table].columns] if table in known else []
        kept = ", ".join(f'"{each}"' for each in names if f"{table}.{each}" not in COUNTED)
        found[table] = f'SELECT {kept or "*"} FROM "{table}"'
    return found
