"""Service logs of others: what is read, and what is said where one cannot be."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from scheduler.actions.calling import finish, start
from scheduler.actions.rulebook import read_rulebook
from scheduler.cli_backtest import backtest
from scheduler.db import Database
from scheduler.service_log import LogRefused, parse_log, read_log
from tests.actions.small_town import STAFF, at, press_next, seat, take_in

HEAD = "arrived_at,called_at,finished_at,desk,service,concern,left_at"
IN_SECONDS = [HEAD, "32400,32460,33060,1,MBE,letter,", "32430,33060,34000,1,MBE,,", "32500,,,,JMD,,34100"]
KEYS = {"forecasts", "mae_minutes", "coverage", "mean_width_minutes", "closed_form_mae_minutes"}


@pytest.fixture
def runner(database: Database) -> FlaskCliRunner:
    app = Flask("commands")
    app.extensions["database"] = database
    return app.test_cli_runner()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.csv"
    path.write_text("\n".join(IN_SECONDS), "utf-8")
    return path


def test_seconds_of_a_day_and_iso_times_mean_the_same() -> None:
    in_iso = [HEAD, "2026-01-07T09:00:00+01:00,2026-01-07T09:01:00+01:00,2026-01-07T09:11:00+01:00,1,MBE,letter,"]
    (one, *_), _ = parse_log(IN_SECONDS)
    (other,), _ = parse_log(in_iso)
    assert one.called_at and one.arrived_at and other.called_at and other.arrived_at
    assert one.called_at - one.arrived_at == other.called_at - other.arrived_at == timedelta(minutes=1)
    assert one.arrived_at.hour == 9


def test_an_iso_time_without_offset_is_taken_as_it_stands() -> None:
    (row,), _ = parse_log([HEAD, "2026-01-07T09:00,,,,,,2026-01-07T10:00"])
    assert row.arrived_at == datetime(2026, 1, 7, 9, tzinfo=UTC)


def test_more_columns_in_any_order_are_fine_and_empty_lines_too() -> None:
    head = f"note,{HEAD},starts_at,language"
    (row,), _ = parse_log([head, "x,,,,,MBE,,,2026-01-07T09:30:00+01:00,ar", ",,,,,,,,,"])
    assert (row.arrived_at, row.language) == (None, "ar")
    assert row.starts_at is not None


def test_a_line_of_the_rota_is_no_visit() -> None:
    rows, (on_duty,) = parse_log(
        [f"{HEAD},language,on_duty_from", ",,,Tisch 1,JMD MBE,,,ar de,2026-01-07T09:00:00+01:00"]
    )
    assert rows == []
    assert (on_duty.desk, on_duty.services, on_duty.languages) == ("Tisch 1", {"MBE", "JMD"}, {"ar", "de"})


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["arrived_at,desk", "1,2"], "the head lacks called_at"),
        ([], "the head lacks"),
        ([HEAD, "soon,,,,,,"], "line 2: arrived_at is neither"),
        ([HEAD, "100,50,,,,,"], "line 2: called before they came"),
        ([HEAD, "100,150,120,,,,"], "line 2: called before they came, or finished"),
        ([HEAD, "100,,,,,,", ",,200,,,,"], "line 3: nobody came"),
        ([HEAD, "1e400,,,,,,"], "line 2: arrived_at"),
        ([HEAD, "100,,,,,,50"], "line 2: left before they came"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(lines: list[str], words: str) -> None:
    with pytest.raises(LogRefused, match=words):
        parse_log(lines)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(LogRefused, match="UTF-8"):
        read_log(path)


def test_a_file_that_is_no_csv_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(f'{HEAD}\n"{"x" * 200_000}",,,,,,', "utf-8")
    with pytest.raises(LogRefused, match="no CSV"):
        read_log(path)


def test_backtest_prints_a_table_and_the_progress_apart_from_it(runner: FlaskCliRunner, log: Path) -> None:
    result = runner.invoke(backtest, [str(log)])
    assert result.exit_code == 0
    assert "mean absolute error" in result.stdout
    assert "closed form" in result.stdout
    assert "Replaying" in result.stderr
    assert "Replaying" not in result.stdout


def test_backtest_prints_figures_for_programs(runner: FlaskCliRunner, log: Path) -> None:
    found = json.loads(runner.invoke(backtest, [str(log), "--json"]).stdout)
    assert set(found) == KEYS
    assert found["forecasts"] == 2
    assert 0 <= found["coverage"] <= 1


def test_without_a_file_it_replays_the_own_log(runner: FlaskCliRunner, database: Database) -> None:
    with database.writing() as session:
        rulebook = read_rulebook(session)
        take_in(session, rulebook, at("09:00"))
        consultation = press_next(session, rulebook, seat(session, rulebook, "awo-1", at("09:10")), at("09:10"))
        start(session, consultation.id, by=STAFF, now=at("09:10"))
        finish(session, consultation.id, by=STAFF, now=at("09:30"))
        session.commit()
    assert json.loads(runner.invoke(backtest, ["--json"]).stdout)["forecasts"] == 1


def test_an_empty_log_has_no_figures_and_says_so(runner: FlaskCliRunner, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(HEAD, "utf-8")
    assert json.loads(runner.invoke(backtest, [str(path), "--json"]).stdout) == dict.fromkeys(KEYS) | {"forecasts": 0}
    assert "nothing to compare" in runner.invoke(backtest, [str(path)]).stdout


@pytest.mark.parametrize("content", [None, "nonsense"])
def test_a_file_that_is_missing_or_refused_ends_with_an_error(
    runner: FlaskCliRunner, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "log.csv"
    if content:
        path.write_text(content, "utf-8")
    result = runner.invoke(backtest, [str(path)])
    assert result.exit_code == 1
    assert str(path) in result.stderr
