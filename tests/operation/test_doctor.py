"""`flask doctor`: one line a check, in words that say what to do; and never a secret."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from flask.testing import FlaskCliRunner
from sqlalchemy import text
from sqlalchemy.orm import Session

from scheduler.actions.contacts import leave_contact
from scheduler.actions.heartbeat import beat
from scheduler.actions.rulebook import read_rulebook
from scheduler.db import Database, use_contact_keys
from scheduler.doctor import Finding, Patient, examine, row_checks, settings_checks
from scheduler.models import Account, LoginDelay, Message, Town
from tests.actions.small_town import book_at
from tests.conftest import CONTACT_KEY, NOW, SECRET, make_config
from tests.operation.conftest import MakeApp

ROOT = Path(__file__).parents[2]


@pytest.fixture
def patient(database: Database, tmp_path: Path) -> Patient:
    """A healthy one, as far as settings go."""
    url = database.engine.url.render_as_string(hide_password=False)
    config = make_config(url, demo=False, backup_folder=tmp_path / "backups")
    return Patient(config, database, NOW)


def having(patient: Patient, **settings: Any) -> Patient:
    return replace(patient, config=replace(patient.config, **settings))


def change(patient: Patient, action: Callable[[Session], object]) -> None:
    with patient.database.writing() as session:
        action(session)
        session.commit()


def level(found: Finding) -> str:
    return found.level


def test_each_check_is_named_once_and_says_one_line(patient: Patient) -> None:
    found = list(examine(patient))
    names = [name for name, _ in found]
    assert len(set(names)) == len(names) == 2 + len(settings_checks.SETTINGS_CHECKS) + len(row_checks.ROW_CHECKS)
    assert all(each.words and "\n" not in each.words for _, each in found)


def test_without_a_database_what_needs_one_is_left_out(tmp_path: Path) -> None:
    config = make_config("postgresql://nobody@127.0.0.1:9/nowhere", backup_folder=tmp_path)
    database = Database(config.database_url)
    found = dict(examine(Patient(config, database, NOW)))
    assert found["database"].level == "broken" and "OperationalError" in found["database"].words
    assert "backup" in found and "jobs" not in found and "schema" not in found


def test_a_check_that_falls_over_is_a_finding_without_its_words(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fall_over(_: Patient) -> Finding:
        raise RuntimeError("ada@example.org")

    monkeypatch.setattr("scheduler.doctor.SETTINGS_CHECKS", (("mail", fall_over),))
    found = dict(examine(patient))
    assert found["mail"] == Finding("broken", "could not be looked at: RuntimeError")


def test_a_pending_and_an_unknown_migration_are_broken(patient: Patient) -> None:
    revision = settings_checks.schema.newest()
    try:
        for other, words in (("0001", "upgrade"), ("9999", "newer version")):
            change(patient, lambda s, to=other: s.execute(text(f"UPDATE alembic_version SET version_num = '{to}'")))
            found = settings_checks.check_schema(patient)
            assert found.level == "broken" and words in found.words
            assert "town" not in dict(examine(patient))
    finally:
        change(patient, lambda s: s.execute(text(f"UPDATE alembic_version SET version_num = '{revision}'")))


@pytest.mark.parametrize(
    ("settings", "expected", "words"),
    [
        ({"base_url": "http://localhost"}, "ok", ""),
        ({"base_url": "http://termine.example.org"}, "warning", "http"),
        ({"base_url": "https://termine.example.org"}, "warning", "TRUSTED_PROXIES"),
        ({"base_url": "https://termine.example.org", "trusted_proxies": 1}, "ok", "1 trusted"),
    ],
)
def test_the_address_and_the_proxies_fit_together(
    patient: Patient, settings: dict[str, Any], expected: str, words: str
) -> None:
    found = settings_checks.check_address(having(patient, **settings))
    assert found.level == expected and words in found.words


def test_the_demo_is_a_warning(patient: Patient) -> None:
    assert level(settings_checks.check_demo(patient)) == "ok"
    assert level(settings_checks.check_demo(having(patient, demo=True))) == "warning"


def test_accounts_of_the_demo_elsewhere_are_a_warning(patient: Patient) -> None:
    assert level(row_checks.check_demo_accounts(patient)) == "ok"
    made = Account(login="demo", name="Demo", password_hash="-", is_demo=True, created_at=NOW)
    change(patient, lambda session: session.add(made))
    assert level(row_checks.check_demo_accounts(patient)) == "warning"
    assert level(row_checks.check_demo_accounts(having(patient, demo=True))) == "ok"


# Mail and text messages


@pytest.fixture
def mail_server(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """Its port, and where it notes what it takes."""
    taken = tmp_path / "taken.txt"
    command = [sys.executable, "-m", "bench.mail_server", taken]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        try:
            yield int(running.stdout.readline()), taken
        finally:
            running.kill()


def test_the_mail_server_is_greeted_and_gets_no_letter_unless_asked(
    patient: Patient, mail_server: tuple[int, Path]
) -> None:
    port, taken = mail_server
    mail = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": "none"}
    set_up = having(patient, **mail, mail_from="termine@example.org")
    assert settings_checks.check_mail(set_up) == Finding("ok", "the server lets us in")
    assert not taken.exists()
    assert level(settings_checks.check_mail(replace(set_up, mail_to="office@example.org"))) == "ok"
    (letter,) = [json.loads(line) for line in taken.read_text().splitlines()]
    assert letter["to"] == ["office@example.org"]
    without_sender = settings_checks.check_mail(having(patient, **mail))
    assert without_sender.level == "warning" and "MAIL_FROM" in without_sender.words


def test_a_mail_server_that_does_not_answer_is_broken(patient: Patient) -> None:
    settings = {"smtp_host": "127.0.0.1", "smtp_port": 9, "smtp_user": "town", "smtp_password": "hunter2"}
    found = settings_checks.check_mail(having(patient, **settings))
    assert found.level == "broken" and "127.0.0.1:9" in found.words and "ConnectionRefusedError" in found.words
    assert "hunter2" not in found.words


def test_no_mail_server_is_said_and_broken_only_where_a_letter_was_asked_for(patient: Patient) -> None:
    assert level(settings_checks.check_mail(patient)) == "ok"
    assert level(settings_checks.check_mail(replace(patient, mail_to="office@example.org"))) == "broken"


def test_the_gateway_is_reached_without_a_message(patient: Patient, mail_server: tuple[int, Path]) -> None:
    port, taken = mail_server  # anything that takes a connection
    assert level(settings_checks.check_text_messages(patient)) == "ok"
    assert level(settings_checks.check_text_messages(having(patient, sms_url=f"http://127.0.0.1:{port}/x"))) == "ok"
    secret = having(patient, sms_url="http://127.0.0.1:9/key-hunter2", sms_authorization="Bearer hunter3")
    found = settings_checks.check_text_messages(secret)
    assert found.level == "broken" and "hunter" not in found.words
    assert not taken.exists()


# Disk, file and backups


@pytest.mark.parametrize(("free", "expected"), [(5e9, "ok"), (5e8, "warning"), (5e7, "broken")])
def test_little_space_is_said(patient: Patient, monkeypatch: pytest.MonkeyPatch, free: float, expected: str) -> None:
    usage = type("Usage", (), {"free": free})
    monkeypatch.setattr(settings_checks.shutil, "disk_usage", lambda _: usage)
    assert level(settings_checks.check_space(patient)) == expected


def test_a_file_that_others_can_read_is_a_warning(patient: Patient, tmp_path: Path) -> None:
    file = tmp_path / "town.db"
    own = replace(patient, database=Database(f"sqlite:///{file}"))
    assert level(settings_checks.check_file_mode(own)) == "ok"
    with own.database.writing() as session:
        session.execute(text("CREATE TABLE some (x)"))
        session.commit()
    own.database.engine.dispose()
    assert oct(file.stat().st_mode & 0o777) == "0o600"
    assert level(settings_checks.check_file_mode(own)) == "ok"
    file.chmod(0o640)
    assert "chmod 600" in settings_checks.check_file_mode(own).words
    file.chmod(0o600)
    (tmp_path / "town.db.before-restore-20261124T120000Z").write_text("")
    assert "delete town.db.before-restore" in settings_checks.check_file_mode(own).words


@pytest.mark.parametrize(
    ("age", "expected"),
    [(None, "warning"), (timedelta(hours=1), "ok"), (timedelta(hours=27), "warning"), (timedelta(days=8), "broken")],
)
def test_the_age_of_the_newest_backup_counts(patient: Patient, age: timedelta | None, expected: str) -> None:
    folder = patient.config.backup_folder
    if age is not None:
        folder.mkdir()
        for at in (NOW - age, NOW - timedelta(days=20)):
            (folder / f"sprechstunde-{at:%Y%m%dT%H%M%SZ}.sqlite3").write_text("")
    assert level(settings_checks.check_backup(patient)) == expected


# Rows


def test_a_town_must_be_loaded(patient: Patient) -> None:
    assert row_checks.check_town(patient) == Finding("ok", "Kleinstadt")


@pytest.mark.parametrize(
    ("age", "expected"), [(None, "broken"), (timedelta(seconds=40), "ok"), (timedelta(minutes=11), "broken")]
)
def test_jobs_are_at_work(patient: Patient, age: timedelta | None, expected: str) -> None:
    if age is not None:
        change(patient, lambda session: beat(session, NOW - age))
    assert level(row_checks.check_jobs(patient)) == expected


def test_messages_that_are_stuck_or_given_up_are_counted(patient: Patient) -> None:
    def add(session: Session, **fields: Any) -> None:
        visit = book_at(session, read_rulebook(session), fields.pop("clock"))
        session.add(Message(visit_id=visit.id, kind="reminder", sequence=0, **fields))

    long_ago, just_now = NOW - timedelta(hours=1), NOW - timedelta(minutes=1)
    change(patient, lambda s: add(s, clock="09:00", channel="email", due_at=just_now))
    change(patient, lambda s: add(s, clock="09:30", channel="call", due_at=long_ago))  # people do that
    assert level(row_checks.check_messages(patient)) == "ok"
    change(patient, lambda s: add(s, clock="10:00", channel="sms", due_at=long_ago, state="dead"))
    assert level(row_checks.check_messages(patient)) == "warning"
    change(patient, lambda s: add(s, clock="10:30", channel="email", due_at=long_ago))
    found = row_checks.check_messages(patient)
    assert found.level == "broken" and found.words.startswith("1 wait") and "1 were given up" in found.words


def test_what_should_be_gone_is_found_although_jobs_are_at_work(patient: Patient) -> None:
    def try_to_log_in(session: Session) -> None:
        session.add(LoginDelay(key="k", failures=1, failed_at=NOW - timedelta(hours=47)))

    change(patient, try_to_log_in)
    assert level(row_checks.check_deletion(patient)) == "ok", "jobs have a day"
    later = replace(patient, now=NOW + timedelta(hours=2))
    found = row_checks.check_deletion(later)
    assert found.level == "broken" and found.words.startswith("login_delay: older than")
    change(patient, lambda session: session.delete(session.get_one(Town, 1)))
    assert level(row_checks.check_deletion(later)) == "ok", "that no town is loaded another check says"


def test_a_clock_that_has_jumped_is_found(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_checks, "_server_clock", lambda _: None)
    monkeypatch.setattr(row_checks, "_is_unsynchronised", lambda: False)
    assert row_checks.check_clock(patient) == Finding("ok", "2026-11-24 09:00 UTC")
    change(patient, lambda session: book_at(session, read_rulebook(session), "10:30", now=NOW + timedelta(hours=1)))
    assert "ahead of it" in row_checks.check_clock(patient).words
    assert level(row_checks.check_clock(replace(patient, now=NOW + timedelta(hours=1)))) == "ok"


def test_the_clock_is_held_against_the_database_server(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_checks, "_is_unsynchronised", lambda: True)
    now = replace(patient, now=datetime.now(UTC))
    assert "NTP" in row_checks.check_clock(now).words
    late = row_checks.check_clock(replace(now, now=now.now - timedelta(hours=1)))
    if patient.database.engine.dialect.name == "postgresql":
        assert late.level == "broken" and "differs" in late.words


def test_a_key_that_is_missing_is_found_before_somebody_needs_it(patient: Patient) -> None:
    def leave(session: Session) -> None:
        visit = book_at(session, read_rulebook(session), "10:30")
        leave_contact(session, visit.id, email="ada@example.org", phone=None, reminders=False, secret=SECRET, now=NOW)

    assert "nothing is stored" in row_checks.check_keys(patient).words
    change(patient, leave)
    assert level(row_checks.check_keys(patient)) == "ok"
    try:
        use_contact_keys((Fernet.generate_key().decode(),))
        found = row_checks.check_keys(patient)
    finally:
        use_contact_keys((CONTACT_KEY,))
    assert found.level == "broken" and "1 of 1" in found.words and "CONTACT_KEYS" in found.words


# The command


@pytest.fixture
def runner(patient: Patient, make_app: MakeApp) -> FlaskCliRunner:
    return make_app(
        patient.config.database_url, smtp_password="hunter2", metrics_token="a token of 20 letters"
    ).test_cli_runner()


def test_the_command_ends_with_the_worst_level(
    runner: FlaskCliRunner, patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = {}
    for expected in ("ok", "warning", "broken"):
        found = [("disk", Finding("ok", "much")), ("jobs", Finding(expected, "as they are"))]  # type: ignore[arg-type]
        monkeypatch.setattr("scheduler.cli_operation.examine", lambda _, found=found: iter(found))
        done = runner.invoke(args=["doctor"])
        codes[expected] = done.exit_code
        assert done.output == f"ok      disk: much\n{expected:<8}jobs: as they are\n"
    assert codes == {"ok": 0, "warning": 1, "broken": 2}


def test_the_command_prints_no_secret(runner: FlaskCliRunner, patient: Patient) -> None:
    done = runner.invoke(args=["doctor"])
    assert done.exit_code == 2 and "jobs: have never run" in done.output
    for secret in (SECRET, CONTACT_KEY, "hunter2", "a token of 20"):
        assert secret not in done.output
