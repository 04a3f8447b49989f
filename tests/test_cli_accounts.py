"""`flask account …`: make a log-in with its roles, print a link, let the last administrator in again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import select

from scheduler import create_app
from scheduler.actions.log_in import check_password
from scheduler.actions.second_factor import begin_set_up, confirm_set_up
from scheduler.db import Database
from scheduler.models import Account
from tests.conftest import SECRET, make_config
from tests.web.visitor import Visitor

PASSWORD = "correct horse battery"


@pytest.fixture
def app(database: Database) -> Iterator[Flask]:
    made = create_app(make_config(database.engine.url.render_as_string(hide_password=False), demo=False))
    yield made
    made.extensions["database"].engine.dispose()


@pytest.fixture
def runner(app: Flask) -> FlaskCliRunner:
    return app.test_cli_runner()


def run(runner: FlaskCliRunner, *words: str, answers: str = "") -> str:
    done = runner.invoke(args=["account", *words], input=answers)
    assert done.exit_code == 0, done.output
    return done.output


def path_in(output: str) -> str:
    found = re.search(r"^http://localhost(/account-links/[\w-]{43})$", output, re.MULTILINE)
    assert found is not None, output
    return found[1]


def account(database: Database, login: str) -> Account:
    with database.reading() as session:
        found = session.scalars(select(Account).where(Account.login == login)).one()
        assert isinstance(found.roles, list)
        session.expunge_all()
        return found


def opens(database: Database, login: str, password: str = PASSWORD) -> bool:
    with database.reading() as session:
        return check_password(session, login, password, in_demo=False) is not None


def test_it_prints_a_link_by_which_the_owner_chooses_a_password(
    app: Flask, runner: FlaskCliRunner, database: Database
) -> None:
    path = path_in(run(runner, "desk", "--name", "Front desk", "--desk", "buergerbuero"))
    assert account(database, "desk").password_hash == ""
    visitor = Visitor(app)
    visitor.press(visitor.open(path), path, new_password=PASSWORD, again=PASSWORD)
    assert opens(database, "desk")


@pytest.mark.parametrize(
    ("words", "roles"),
    [
        (["--adviser", "awo-1"], {"adviser"}),
        (["--desk", "buergerbuero", "--adviser", "awo-1"], {"desk", "adviser"}),
        (["--coordinator-of", "awo"], {"carrier_coordinator"}),
        (["--hours-at", "buergerbuero"], {"hours_coordinator"}),
        (["--administrator"], {"administrator"}),
    ],
)
def test_it_gives_each_role(runner: FlaskCliRunner, database: Database, words: list[str], roles: set[str]) -> None:
    run(runner, "new", "--name", "New", *words)
    assert {each.role for each in account(database, "new").roles} == roles


def test_make_is_the_same_also_for_a_log_in_that_is_named_like_a_command(
    runner: FlaskCliRunner, database: Database
) -> None:
    run(runner, "make", "link", "--name", "Link", "--administrator")
    assert account(database, "link").name == "Link"


@pytest.mark.parametrize(
    ("words", "answers"), [(["--password", PASSWORD], ""), (["--password"], f"{PASSWORD}\n{PASSWORD}\n")]
)
def test_a_password_may_be_said_or_asked_for(
    runner: FlaskCliRunner, database: Database, words: list[str], answers: str
) -> None:
    output = run(runner, "desk", "--name", "Desk", "--desk", "buergerbuero", *words, answers=answers)
    assert "desk can log in." in output
    assert "account-links" not in output
    assert opens(database, "desk")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "say --desk PLACE_KEY"),
        (["--desk", "nowhere"], "there is no place 'nowhere'"),
        (["--adviser", "nobody"], "there is no adviser 'nobody'"),
        (["--coordinator-of", "none"], "there is no carrier 'none'"),
        (["--hours-at", "none"], "there is no place 'none'"),
        (["--administrator", "--password", "short"], "at least 12 characters"),
        (["--administrator", "--password", "passwort1234"], "easy to guess"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_made(
    runner: FlaskCliRunner, database: Database, words: list[str], complaint: str
) -> None:
    done = runner.invoke(args=["account", "new", "--name", "New", *words])
    assert done.exit_code == 2
    assert complaint in done.output
    with database.reading() as session:
        assert session.scalars(select(Account)).all() == []


def test_a_log_in_is_given_once(runner: FlaskCliRunner) -> None:
    run(runner, "desk", "--name", "Desk", "--administrator")
    done = runner.invoke(args=["account", " DESK", "--name", "Second", "--administrator"])
    assert (done.exit_code, "is taken" in done.output) == (2, True)


def test_a_link_for_a_new_password(app: Flask, runner: FlaskCliRunner, database: Database) -> None:
    first = path_in(run(runner, "admin", "--name", "Admin", "--administrator"))
    second = path_in(run(runner, "link", "ADMIN"))
    assert [Visitor(app).open(each).status for each in (first, second)] == [404, 200]
    done = runner.invoke(args=["account", "link", "nobody"])
    assert (done.exit_code, "there is no account" in done.output) == (2, True)


def test_a_link_for_an_account_that_is_switched_off_is_refused(runner: FlaskCliRunner, database: Database) -> None:
    run(runner, "admin", "--name", "Admin", "--administrator")
    with database.writing() as session:
        session.scalars(select(Account)).one().disabled_at = datetime.now(UTC)
        session.commit()
    assert runner.invoke(args=["account", "link", "admin"]).exit_code == 2


def test_the_last_administrator_whose_phone_is_lost_gets_in_again(runner: FlaskCliRunner, database: Database) -> None:
    run(runner, "admin", "--name", "Admin", "--administrator", "--password", PASSWORD)
    with database.writing() as session:
        row, now = session.scalars(select(Account)).one(), datetime.now(UTC)
        begin_set_up(session, row.id)
        assert confirm_set_up(session, row.id, pyotp.TOTP(row.totp_secret or "").at(now), now, SECRET)
        session.commit()
    run(runner, "forget-second-factor", "admin")
    assert account(database, "admin").totp_since is None
