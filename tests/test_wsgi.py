"""What `flask --app wsgi` starts, word for word as the README says, on a machine that has no settings yet."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scheduler.cli import needs_secrets

ROOT = Path(__file__).parents[1]
FLASK = Path(sys.executable).parent / "flask"


def run(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "DATABASE_URL": "sqlite://", **settings}
    return subprocess.run(
        [FLASK, "--app", "wsgi", *words], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize(
    "settings",
    [{}, {"SECRET_KEY": "", "CONTACT_KEYS": ""}, {"SECRET_KEY": "change me", "CONTACT_KEYS": "x"}],
    ids=["none", "as in the example", "too weak"],
)
def test_the_first_keys_are_made_without_any(settings: dict[str, str]) -> None:
    made = run("new-key", **settings)
    assert made.returncode == 0, made.stderr
    secret, keys = (line.partition("=")[2] for line in made.stdout.splitlines())
    refused = run("account", "desk", "--name", "Desk", "--password", "a long password")
    assert "SECRET_KEY" in refused.stderr
    known = run("account", "--help", SECRET_KEY=secret, CONTACT_KEYS=keys)
    assert known.returncode == 0, known.stderr


def test_a_file_is_checked_and_a_log_replayed_without_settings(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("arrived_at,called_at,finished_at,desk,service,concern,left_at\n0,60,600,1,MBE,,\n", "utf-8")
    assert run("check", "scheduler/towns/offenbach.toml").returncode == 0
    assert '"forecasts": 1' in run("backtest", str(log), "--json").stdout


@pytest.mark.parametrize(
    ("typed", "needed"),
    [
        ("flask --app wsgi new-key", False),
        ("/usr/bin/flask -A wsgi backtest log.csv", False),
        ("flask --app=wsgi check town.toml", False),
        ("flask --app wsgi load check", True),
        ("flask --app check migrate", True),
        ("flask --app wsgi", True),
        ("gunicorn wsgi:app", True),
        ("python", True),
    ],
)
def test_all_else_needs_the_secrets(typed: str, needed: bool) -> None:
    assert needs_secrets(typed.split()) is needed
