"""`check`, `load` and `export`: what they print, write and exit with."""

from __future__ import annotations

from datetime import datetime, time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import select

from scheduler import cli_town
from scheduler.db import Database
from scheduler.models import Hours, HoursException, Town, Visit
from tests.town_file.small_file import HOURS, LUEBECK, NINE, OFFENBACH, SMALL, WEDNESDAY, a_booked_visit


@pytest.fixture
def runner(database: Database, monkeypatch: pytest.MonkeyPatch, now: datetime) -> FlaskCliRunner:
    """The commands on a minimal app, at the tests' hour."""

    class Clock:
        @staticmethod
        def now(_zone: object) -> datetime:
            return now

    monkeypatch.setattr(cli_town, "datetime", Clock)
    app = Flask("commands")
    app.extensions["database"] = database
    return app.test_cli_runner()


@pytest.fixture
def booked(database: Database, now: datetime) -> None:
    with database.writing() as session:
        a_booked_visit(session, now)
        session.commit()


def written(folder: Path, *replacements: tuple[str, str]) -> str:
    """The small town's file with some text replaced."""
    text = SMALL.read_text()
    for before, after in replacements:
        assert before in text
        text = text.replace(before, after, 1)
    path = folder / "town.toml"
    path.write_text(text)
    return str(path)


LATER = ("from = 09:00:00", "from = 10:00:00")


def test_check_says_that_a_file_is_in_order(runner: FlaskCliRunner) -> None:
    result = runner.invoke(cli_town.check, [str(SMALL)])
    assert (result.exit_code, result.stdout) == (0, f"{SMALL} is in order.\n")


@pytest.mark.parametrize("path", [OFFENBACH, LUEBECK], ids=["offenbach", "luebeck"])
def test_a_shipped_town_is_checked_loaded_exported_and_loaded_again(
    runner: FlaskCliRunner, tmp_path: Path, path: Path
) -> None:
    result = runner.invoke(cli_town.check, [str(path)])
    assert (result.exit_code, result.stderr) == (0, "")
    assert runner.invoke(cli_town.load, [str(path)]).exit_code == 0
    exported = tmp_path / "exported.toml"
    exported.write_text(runner.invoke(cli_town.export).stdout)
    for again in (exported, path):
        assert runner.invoke(cli_town.load, [str(again)]).stdout == "Nothing changes.\n"


def test_check_tells_warnings(runner: FlaskCliRunner, tmp_path: Path) -> None:
    result = runner.invoke(cli_town.check, [written(tmp_path, ("appointments_at_once = 1", ""))])
    assert result.exit_code == 0
    assert result.stderr == f'warning: hours "{HOURS}" · appointments_at_once: leaves nobody for the queue\n'


@pytest.mark.parametrize("command", [cli_town.check, cli_town.load])
def test_commands_tell_every_problem_one_a_line_and_write_nothing(
    runner: FlaskCliRunner, database: Database, tmp_path: Path, command: Any
) -> None:
    path = written(tmp_path, ('name = "Kleinstadt"', 'name = "Andere"'), ('"HE"', '"XX"'), ('"awo-buero"', '"büro"'))
    result = runner.invoke(command, [path])
    assert result.exit_code == 1
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == [
        "town · state",
        'place "büro" · key',
        'hours "awo-do" · place',
    ]
    with database.reading() as session:
        assert session.get_one(Town, 1).name == "Kleinstadt"


def test_load_writes_and_prints_the_difference(runner: FlaskCliRunner, database: Database, tmp_path: Path) -> None:
    result = runner.invoke(cli_town.load, [written(tmp_path, LATER)])
    assert result.stdout == f'~ hours "{HOURS}" · from: 09:00:00 → 10:00:00\n'
    assert result.exit_code == 0
    with database.reading() as session:
        assert session.scalars(select(Hours.from_time).where(Hours.key == HOURS)).one() == time(10)


def test_load_says_that_nothing_changes(runner: FlaskCliRunner) -> None:
    assert runner.invoke(cli_town.load, [str(SMALL)]).stdout == "Nothing changes.\n"


@pytest.mark.usefixtures("booked")
def test_load_refuses_to_break_bookings_in_silence(runner: FlaskCliRunner, database: Database, tmp_path: Path) -> None:
    result = runner.invoke(cli_town.load, [written(tmp_path, LATER)])
    assert result.exit_code == 3
    assert "2026-11-25 09:00 · Bürgerbüro · 482 917 305" in result.stdout
    assert "Nothing was written" in result.stderr
    with database.reading() as session:
        assert session.scalars(select(Hours.from_time).where(Hours.key == HOURS)).one() == time(9)
        assert session.get_one(Town, 1).rules_revision == 1


@pytest.mark.usefixtures("booked")
def test_confirmed_load_keeps_the_visits_booked(runner: FlaskCliRunner, database: Database, tmp_path: Path) -> None:
    result = runner.invoke(cli_town.load, [written(tmp_path, LATER), "--confirm"])
    assert result.exit_code == 0
    assert "482 917 305" in result.stdout
    with database.reading() as session:
        visit = session.scalars(select(Visit)).one()
        assert (visit.state, visit.starts_at, visit.planned_adviser_id is not None) == ("booked", NINE, True)
        assert visit.opening.hours.from_time == time(10)


@pytest.mark.usefixtures("booked")
def test_what_was_confirmed_once_is_told_but_not_asked_again(runner: FlaskCliRunner, tmp_path: Path) -> None:
    runner.invoke(cli_town.load, [written(tmp_path, LATER), "--confirm"])
    again = runner.invoke(cli_town.load, [written(tmp_path, LATER, ('name = "Kleinstadt"', 'name = "Altstadt"'))])
    assert again.exit_code == 0
    assert again.stdout.splitlines() == [
        '~ town · name: "Kleinstadt" → "Altstadt"',
        "Booked visits that did not fit before either:",
        "! 2026-11-25 09:00 · Bürgerbüro · 482 917 305 · the time lies outside of the opening",
    ]


@pytest.mark.usefixtures("booked")
def test_a_date_that_somebody_closed_on_the_day_is_neither_overwritten_nor_exported(
    runner: FlaskCliRunner, database: Database, tmp_path: Path
) -> None:
    with database.writing() as session:
        hours = session.scalars(select(Hours).where(Hours.key == HOURS)).one()
        hours.exceptions.append(HoursException(original_on=WEDNESDAY, kind="cancelled", from_file=False))
        session.commit()
    exported = runner.invoke(cli_town.export).stdout
    assert "closed_on" not in exported
    (tmp_path / "exported.toml").write_text(exported)
    assert runner.invoke(cli_town.load, [str(tmp_path / "exported.toml")]).stdout == "Nothing changes.\n"
    loaded = runner.invoke(cli_town.load, [written(tmp_path, ("until = 12:00:00", "until = 13:00:00"))])
    assert loaded.exit_code == 0, "the visit did not fit before this load either"
    with database.reading() as session:
        kept = session.scalars(select(HoursException)).one()
        assert (kept.original_on, kept.kind, kept.from_file) == (WEDNESDAY, "cancelled", False)


def test_export_prints_a_file_that_changes_nothing(runner: FlaskCliRunner, tmp_path: Path) -> None:
    exported = tmp_path / "exported.toml"
    exported.write_text(runner.invoke(cli_town.export).stdout)
    assert runner.invoke(cli_town.load, [str(exported)]).stdout == "Nothing changes.\n"


def test_export_without_a_town_says_so(tmp_path: Path) -> None:
    from scheduler import schema

    app = Flask("commands")
    database = app.extensions["database"] = Database(f"sqlite:///{tmp_path}/empty.db")
    schema.upgrade(database.engine)
    result = app.test_cli_runner().invoke(cli_town.export)
    database.engine.dispose()
    assert result.exit_code == 1
    assert "no town is loaded" in result.stderr
