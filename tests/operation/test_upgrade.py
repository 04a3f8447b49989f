"""`flask upgrade` from the schema that the last version had, with rows in every table; and one that fails halfway.

`rows_0004.json` holds what the code of that version had written into its own database: a small town on a Wednesday.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from flask import Flask
from sqlalchemy import JSON, Date, DateTime, Engine, LargeBinary, MetaData, Table, Time, func, inspect, select, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session

from scheduler import schema
from scheduler.actions.rulebook import read_rulebook
from scheduler.backup import list_backups
from scheduler.db import Base, Encrypted
from scheduler.models import AuditLine, BusyCalendar, Contact, Visit
from tests.actions.small_town import NEXT_WEDNESDAY, book_at
from tests.conftest import NOW
from tests.operation.conftest import Make, MakeApp
from tests.operation.invariants import faults

KEPT = json.loads((Path(__file__).parent / "rows_0004.json").read_text("utf-8"))
ROWS: dict[str, list[dict[str, Any]]] = KEPT["rows"]
OpenAt = Callable[[str], Engine]


def fill(engine: Engine) -> None:
    """The old schema, with the old rows."""
    with engine.begin() as connection:
        command.upgrade(schema._settings(connection), KEPT["revision"])
        old = MetaData()
        old.reflect(connection)
        for name, rows in ROWS.items():
            table = old.tables[name]
            connection.execute(table.insert(), [{key: stored(table, key, each[key]) for key in each} for each in rows])
        if engine.dialect.name == "postgresql":
            for name in ROWS:
                if "id" in old.tables[name].c and name not in ("town", "heartbeat"):
                    highest = max(each["id"] for each in ROWS[name])
                    connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), {highest})"))


def stored(table: Table, key: str, value: Any) -> Any:
    """As the old schema keeps it: what the file shows in words becomes bytes or an instant."""
    kind = table.c[key].type
    if value is None or isinstance(kind, JSON):
        return value
    if isinstance(Base.metadata.tables[table.name].c[key].type, Encrypted):
        return Encrypted().process_bind_param(value, sqlite.dialect())
    if isinstance(kind, LargeBinary):
        return base64.b64decode(value)
    if isinstance(kind, DateTime):
        instant = datetime.fromisoformat(value)
        return instant if kind.timezone else instant.replace(tzinfo=None)  # SQLite's has no zone: all of it is UTC
    reading = {Date: date.fromisoformat, Time: time.fromisoformat}.get(kind.as_generic().__class__)
    return reading(value) if reading else value


def shown(connection: Any, name: str, columns: list[str]) -> list[str]:
    """The rows of a table in the columns that it had, by what the database itself keeps."""
    table = Table(name, MetaData(), autoload_with=connection)
    wanted = select(*(table.c[each] for each in columns)).order_by(*table.primary_key.columns)
    return [
        repr(tuple(bytes(v) if isinstance(v, memoryview) else v for v in row)) for row in connection.execute(wanted)
    ]


def all_rows(engine: Engine) -> dict[str, list[str]]:
    with engine.connect() as connection:
        return {name: shown(connection, name, list(rows[0])) for name, rows in ROWS.items()}


@pytest.fixture
def url(make_empty: Make, open_at: OpenAt) -> str:
    """A database of the last version."""
    made = make_empty()
    engine = open_at(made)
    fill(engine)
    engine.dispose()
    return made


@pytest.fixture
def app(url: str, make_app: MakeApp) -> Flask:
    return make_app(url)


def test_the_file_holds_rows_of_every_table_of_that_version(url: str, open_at: OpenAt) -> None:
    tables = set(inspect(open_at(url)).get_table_names()) - {"alembic_version"}
    assert set(ROWS) == tables
    assert all(ROWS.values())


def test_an_upgrade_keeps_every_row_and_the_application_goes_on(
    app: Flask, url: str, open_at: OpenAt, tmp_path: Path
) -> None:
    before = all_rows(open_at(url))
    done = app.test_cli_runner().invoke(args=["upgrade"])
    assert done.exit_code == 0, done.output
    assert all_rows(open_at(url)) == before
    assert schema.is_current(open_at(url))
    with Session(open_at(url)) as session:
        assert faults(session) == []
        assert session.scalars(select(Contact.email)).one() == ROWS["contact"][0]["email"]
        assert session.scalars(select(BusyCalendar.url)).one() == ROWS["busy_calendar"][0]["url"]
        highest = session.scalars(select(func.max(Visit.id))).one()
        made = book_at(session, read_rulebook(session), "09:30", now=NOW + timedelta(days=2), on=NEXT_WEDNESDAY)
        assert made.id > highest
        session.commit()
        assert faults(session) == []
    assert app.test_client().get("/").status_code == 200
    (backup,) = list_backups(tmp_path / "backups")
    for words in (f"from {KEPT['revision']} to {schema.newest()}", "systemctl restart", f"restore {backup.path}"):
        assert words in done.output


def test_an_upgrade_can_be_gone_back_on(
    app: Flask, url: str, make_app: MakeApp, make_empty: Make, open_at: OpenAt, tmp_path: Path
) -> None:
    """Its backup is of the old schema: the version from before takes it, and this one migrates it again."""
    before = all_rows(open_at(url))
    assert app.test_cli_runner().invoke(args=["upgrade"]).exit_code == 0
    (backup,) = list_backups(tmp_path / "backups")
    other = make_empty()
    done = make_app(other).test_cli_runner().invoke(args=["restore", str(backup.path)])
    assert done.exit_code == 0 and f"migrated from {KEPT['revision']}" in done.output, done.output
    settled = {"account", "feed", "heartbeat", "town"}
    after = all_rows(open_at(other))
    assert {name: rows for name, rows in after.items() if name not in settled} == {
        name: rows for name, rows in before.items() if name not in settled
    }


def test_a_migration_that_fails_halfway_leaves_the_old_state(
    app: Flask, url: str, open_at: OpenAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails behind its last statement: tables were made, changed and filled anew by then."""
    before = all_rows(open_at(url))
    tables = set(inspect(open_at(url)).get_table_names())
    really = command.upgrade

    def upgrade_and_fall_over(*arguments: Any) -> None:
        really(*arguments)
        raise RuntimeError("the power is gone")

    monkeypatch.setattr(schema.command, "upgrade", upgrade_and_fall_over)
    done = app.test_cli_runner().invoke(args=["upgrade"])
    assert done.exit_code == 1
    assert "the database is as it was" in done.output
    assert schema.revision_of(open_at(url)) == KEPT["revision"]
    assert all_rows(open_at(url)) == before
    assert set(inspect(open_at(url)).get_table_names()) == tables


def test_without_a_backup_nothing_is_migrated(app: Flask, url: str, open_at: OpenAt, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = app.test_cli_runner().invoke(args=["upgrade", str(tmp_path / "file" / "below")])
    assert done.exit_code == 1 and "cannot be written" in done.output
    assert schema.revision_of(open_at(url)) == KEPT["revision"]


def test_an_empty_database_is_migrated_without_a_backup(make_app: MakeApp, make_empty: Make, open_at: OpenAt) -> None:
    url = make_empty()
    made = make_app(url)
    done = made.test_cli_runner().invoke(args=["upgrade"])
    assert done.exit_code == 0, done.output
    assert schema.is_current(open_at(url)) and not made.extensions["settings"].backup_folder.exists()


def actions(engine: Engine) -> list[tuple[int | None, str]]:
    with Session(engine) as session:
        return [(each.account_id, each.action) for each in session.scalars(select(AuditLine).order_by(AuditLine.id))]


def test_copies_and_new_tables_stand_in_the_trail(
    app: Flask, url: str, make_app: MakeApp, make_empty: Make, open_at: OpenAt, tmp_path: Path
) -> None:
    """Somebody took a copy of all there is, or brought back what was erased: that is asked for later."""
    first = app.test_cli_runner().invoke(args=["backup", str(tmp_path / "first")])
    assert first.exit_code == 0, "the old schema has no trail"
    for words in (["upgrade"], ["migrate"], ["backup", str(tmp_path / "second")]):
        done = app.test_cli_runner().invoke(args=words)
        assert done.exit_code == 0, done.output
    assert actions(open_at(url)) == [(None, "cli.upgrade"), (None, "cli.backup")], "there was nothing to migrate"
    other = make_empty()
    (backup,) = list_backups(tmp_path / "first")
    assert make_app(other).test_cli_runner().invoke(args=["restore", str(backup.path)]).exit_code == 0
    assert actions(open_at(other)) == [(None, "cli.restore")]
    new = make_empty()
    assert make_app(new).test_cli_runner().invoke(args=["migrate"]).exit_code == 0
    assert actions(open_at(new)) == [(None, "cli.migrate")]


def test_a_database_of_a_newer_version_is_left_alone(app: Flask, url: str, open_at: OpenAt, tmp_path: Path) -> None:
    with open_at(url).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    done = app.test_cli_runner().invoke(args=["upgrade"])
    assert done.exit_code == 1 and "newer version" in done.output
    assert not (tmp_path / "backups").exists()
