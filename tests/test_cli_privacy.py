"""`privacy report`, `privacy erase`, `privacy rotate-keys` and `privacy renew-hashes` on the command line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from cryptography.fernet import Fernet, InvalidToken
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import LargeBinary, func, select, type_coerce, update
from sqlalchemy.orm import Session

from scheduler import create_app
from scheduler.actions import keys
from scheduler.actions.busy_calendars import add_calendar
from scheduler.actions.contacts import hash_email, leave_contact
from scheduler.actions.keys import encrypted_columns
from scheduler.actions.rulebook import read_rulebook
from scheduler.db import Database, Encrypted, use_contact_keys
from scheduler.models import Account, AuditLine, BusyCalendar, CaseMark, Contact, Town, Visit
from tests.actions.small_town import adviser_of, book_at
from tests.conftest import CONTACT_KEY, NOW, SECRET, make_config

ROOT = Path(__file__).parents[1]
NEW_KEY = Fernet.generate_key().decode()
CLOCKS = ("10:00", "10:30", "11:00")


@pytest.fixture
def app(database: Database) -> Iterator[Flask]:
    made = create_app(make_config(database.engine.url.render_as_string(hide_password=False)))
    yield made
    made.extensions["database"].engine.dispose()


@pytest.fixture
def runner(app: Flask) -> Iterator[FlaskCliRunner]:
    with time_machine.travel(NOW, tick=False):
        yield app.test_cli_runner()


@pytest.fixture
def codes(database: Database) -> list[str]:
    """Of three appointments with a contact; the first has a mark, too. An account has a second factor."""
    with database.writing() as session:
        visits = [book_at(session, read_rulebook(session), clock) for clock in CLOCKS]
        for number, visit in enumerate(visits):
            contact = {"email": f"ada{number}@example.org", "phone": f"+491512345678{number}"}
            leave_contact(session, visit.id, **contact, reminders=False, secret=SECRET, now=NOW)
        adviser = adviser_of(session, "awo-1")
        session.add(CaseMark(visit_id=visits[0].id, adviser_id=adviser.id, mark="K 17"))
        session.add(Account(login="a", name="A", password_hash="-", created_at=NOW, totp_secret="JBSWY3DP"))
        add_calendar(session, adviser, "https://cloud.example/secret", "cloud.example", secret=SECRET, now=NOW)
        session.commit()
        return [each.code or "" for each in visits]


@pytest.fixture(autouse=True)
def _keys_as_before() -> Iterator[None]:
    yield
    use_contact_keys((CONTACT_KEY,))


def stored(session: Session) -> list[bytes]:
    """All that is encrypted, as the database holds it."""
    values = [session.scalars(select(type_coerce(each, LargeBinary))).all() for each in encrypted_columns()]
    return [bytes(value) for column in values for value in column if value is not None]


def test_the_report_says_what_is_stored_how_long_and_when_it_goes(runner: FlaskCliRunner, codes: list[str]) -> None:
    done = runner.invoke(args=["privacy", "report"])
    assert done.exit_code == 0, done.output
    for line in (
        "Of clients:",
        "Of staff:",
        "  contact: how a client may be reached, without a name",
        "    3 rows; kept 7 days, counted from visit.ended_at",
        "  visit: one client, or a family, coming to one opening; then counted",
        "    3 rows; kept 12 months, counted from local_on",
        "    oldest from 2026-11-25, goes 2027-11-25",
    ):
        assert line in done.output.splitlines(), line
    assert "ada0" not in done.output
    assert codes[0] not in done.output


def test_the_report_fails_where_something_is_older_than_its_limit_and_a_day(
    runner: FlaskCliRunner, database: Database, codes: list[str]
) -> None:
    for late, code in ((timedelta(hours=12), 0), (timedelta(hours=36), 1)):
        with database.writing() as session:
            session.execute(update(Visit).values(ended_at=NOW - timedelta(days=7) - late))
            session.commit()
        done = runner.invoke(args=["privacy", "report"])
        assert done.exit_code == code
        assert ("contact: 3 rows should be gone." in done.output) is bool(code)


def test_without_a_town_the_report_says_what_to_do(runner: FlaskCliRunner, database: Database) -> None:
    with database.writing() as session:
        session.delete(session.get_one(Town, 1))
        session.commit()
    done = runner.invoke(args=["privacy", "report"])
    assert (done.exit_code, "no town is loaded" in done.output) == (1, True)


def test_a_visit_is_erased_by_its_code_as_it_is_said(
    runner: FlaskCliRunner, database: Database, codes: list[str]
) -> None:
    code = f"{codes[0][:3]} {codes[0][3:6]}-{codes[0][6:]}"
    done = runner.invoke(args=["privacy", "erase", code])
    assert (done.exit_code, "Erased." in done.output) == (0, True)
    with database.reading() as session:
        assert session.scalars(select(Visit.code).order_by(Visit.id)).all() == codes[1:]
        line = session.scalars(select(AuditLine)).one()
        assert (line.action, list(line.things)) == ("cli.privacy erase", ["visit_id"])
    again = runner.invoke(args=["privacy", "erase", codes[0]])
    assert (again.exit_code, "no visit has this code" in again.output) == (1, True)


def test_what_is_no_code_is_refused(runner: FlaskCliRunner, database: Database, codes: list[str]) -> None:
    assert runner.invoke(args=["privacy", "erase", "12345"]).exit_code == 2
    with database.reading() as session:
        assert session.scalars(select(func.count(Visit.id))).one() == 3


def test_whoever_is_in_the_house_is_not_erased(runner: FlaskCliRunner, database: Database, codes: list[str]) -> None:
    with database.writing() as session:
        session.execute(update(Visit).values(state="waiting"))
        session.commit()
    done = runner.invoke(args=["privacy", "erase", codes[0]])
    assert (done.exit_code, "in the house" in done.output) == (1, True)


def test_after_the_rotation_everything_opens_with_the_new_key_alone(
    runner: FlaskCliRunner, database: Database, codes: list[str]
) -> None:
    use_contact_keys((NEW_KEY, CONTACT_KEY))
    done = runner.invoke(args=["privacy", "rotate-keys"])
    assert done.exit_code == 0, done.output
    for line in ("contact.email: 3 values", "contact.phone: 3 values", "case_mark.mark: 1 values",
                 "busy_calendar.url: 1 values", "account.totp_secret: 1 values"):  # fmt: skip
        assert line in done.output
    with database.reading() as session:
        assert len(stored(session)) == 9
        for value in stored(session):
            Fernet(NEW_KEY).decrypt(value)
            with pytest.raises(InvalidToken):
                Fernet(CONTACT_KEY).decrypt(value)
    use_contact_keys((NEW_KEY,))
    with database.reading() as session:
        assert sorted(session.scalars(select(Contact.email))) == [f"ada{each}@example.org" for each in range(3)]
        assert session.scalars(select(BusyCalendar.url)).one() == "https://cloud.example/secret"


def test_a_second_rotation_has_nothing_to_do(runner: FlaskCliRunner, database: Database, codes: list[str]) -> None:
    use_contact_keys((NEW_KEY, CONTACT_KEY))
    runner.invoke(args=["privacy", "rotate-keys"])
    with database.reading() as session:
        before = stored(session)
    done = runner.invoke(args=["privacy", "rotate-keys"])
    assert "contact.email: 0 values" in done.output
    with database.reading() as session:
        assert stored(session) == before


def test_a_rotation_goes_on_in_small_parts_where_it_was_ended(
    runner: FlaskCliRunner, database: Database, codes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scheduler.actions.keys.AT_ONCE", 1)
    use_contact_keys((NEW_KEY, CONTACT_KEY))
    with database.writing() as session:
        session.scalars(select(Contact).limit(1)).one().email = "new@example.org"  # written with the new key already
        session.commit()
    assert "contact.email: 2 values" in runner.invoke(args=["privacy", "rotate-keys"]).output


def test_what_no_key_opens_is_said_and_stops_nothing(
    runner: FlaskCliRunner, database: Database, codes: list[str]
) -> None:
    use_contact_keys((Fernet.generate_key().decode(),))
    with database.writing() as session:
        session.execute(update(CaseMark).values(mark="lost"))
        session.commit()
    use_contact_keys((NEW_KEY, CONTACT_KEY))
    done = runner.invoke(args=["privacy", "rotate-keys"])
    assert done.exit_code == 1
    assert "case_mark.mark: 0 values encrypted anew, 1 that no key opens" in done.output
    assert "contact.email: 3 values" in done.output


WRITER = """
import sys
from sqlalchemy import update
from scheduler.db import Database, use_contact_keys
from scheduler.models import Contact

url, key, visit_id = sys.argv[1:]
use_contact_keys((key,))
sys.stdin.readline()
with Database(url).writing() as session:
    session.execute(update(Contact).where(Contact.visit_id == int(visit_id)).values(email="meanwhile@example.org"))
    session.commit()
print("written", flush=True)
"""


@contextmanager
def old_process(database: Database, visit_id: int) -> Iterator[subprocess.Popen[str]]:
    """A process that has not heard of the new key, and writes an address as soon as it is told to."""
    url = database.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", WRITER, url, CONTACT_KEY, str(visit_id)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.kill()


def test_what_another_process_writes_meanwhile_is_neither_lost_nor_overlooked(
    runner: FlaskCliRunner, database: Database, codes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It writes with the old key, between the moment at which the rotation reads a row and that at which it writes it.

    On SQLite it waits then, since one process writes at a time; it is done before the rotation counts what is left.
    """
    with database.reading() as session:
        raw = type_coerce(Contact.email, LargeBinary)
        visit_id, read = session.execute(select(Contact.visit_id, raw).order_by(Contact.visit_id)).first() or (0, b"")
    waits = database.engine.dialect.name == "sqlite"
    renew, count = Encrypted.renew, keys.count_older

    with old_process(database, visit_id) as other:
        assert other.stdin is not None and other.stdout is not None

        def renew_while_it_writes(value: bytes) -> bytes | None:
            if bytes(value) == bytes(read) and not other.stdin.closed:
                other.stdin.close()
                assert waits or other.stdout.readline() == "written\n"
            return renew(value)

        def count_afterwards(session: Session) -> int:
            assert not waits or other.stdout.readline() == "written\n"
            return count(session)

        monkeypatch.setattr(Encrypted, "renew", renew_while_it_writes)
        monkeypatch.setattr("scheduler.cli_privacy.count_older", count_afterwards)
        use_contact_keys((NEW_KEY, CONTACT_KEY))
        done = runner.invoke(args=["privacy", "rotate-keys"])
    assert (done.exit_code, "1 values were written meanwhile with an older key" in done.output) == (1, True)
    monkeypatch.undo()
    again = runner.invoke(args=["privacy", "rotate-keys"])
    assert (again.exit_code, "contact.email: 1 values" in again.output) == (0, True), again.output
    use_contact_keys((NEW_KEY,))
    with database.reading() as session:
        found = session.scalars(select(Contact.email).order_by(Contact.visit_id)).all()
        assert found == ["meanwhile@example.org", "ada1@example.org", "ada2@example.org"]


def test_the_hashes_follow_a_new_secret(
    runner: FlaskCliRunner, app: Flask, database: Database, codes: list[str]
) -> None:
    secret = "another-secret-" + "y" * 32
    app.extensions["settings"] = make_config("", secret_key=secret)
    assert runner.invoke(args=["privacy", "renew-hashes"]).exit_code == 0
    with database.reading() as session:
        expected = {hash_email(secret, f"ada{each}@example.org") for each in range(3)}
        assert set(session.scalars(select(Contact.email_key))) == expected


def test_hashes_of_what_no_key_opens_are_left_and_said(
    runner: FlaskCliRunner, app: Flask, database: Database, codes: list[str]
) -> None:
    use_contact_keys((Fernet.generate_key().decode(),))
    with database.writing() as session:
        lost = session.scalars(select(Contact.visit_id).order_by(Contact.visit_id)).first()
        session.execute(update(Contact).where(Contact.visit_id == lost).values(email="lost@example.org"))
        session.execute(update(BusyCalendar).values(url="https://lost.example"))
        session.commit()
    use_contact_keys((CONTACT_KEY,))
    secret = "another-secret-" + "y" * 32
    app.extensions["settings"] = make_config("", secret_key=secret)
    done = runner.invoke(args=["privacy", "renew-hashes"])
    assert (done.exit_code, "2 were left as they are" in done.output) == (1, True), done.output
    with database.reading() as session:
        expected = {hash_email(secret, f"ada{each}@example.org") for each in (1, 2)}
        assert set(session.scalars(select(Contact.email_key).where(Contact.visit_id != lost))) == expected
