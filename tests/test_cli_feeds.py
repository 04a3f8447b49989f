"""`feed make`, `feed list` and `feed revoke` on the command line."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler import create_app
from scheduler.db import Database
from scheduler.models import Feed
from tests.conftest import make_config


@pytest.fixture
def app(database: Database) -> Iterator[Flask]:
    made = create_app(make_config(database.engine.url.render_as_string(hide_password=False)))
    yield made
    made.extensions["database"].engine.dispose()


@pytest.fixture
def runner(app: Flask) -> FlaskCliRunner:
    return app.test_cli_runner()


def make(runner: FlaskCliRunner, *options: str) -> str:
    """The path of a fresh address."""
    done = runner.invoke(args=["feed", "make", *options])
    assert done.exit_code == 0, done.output
    found = re.fullmatch(r"http://localhost(/feeds/[\w-]{32}\.ics)\n", done.output)
    assert found is not None
    return found[1]


def feeds(database: Database) -> list[tuple[str, str]]:
    with Session(database.engine) as session:
        return [(each.kind, each.level) for each in session.scalars(select(Feed).order_by(Feed.id))]


@pytest.mark.parametrize(
    ("options", "kind", "level"),
    [
        (("--adviser", "awo-1"), "adviser", "busy"),
        (("--carrier", "awo"), "carrier", "busy"),
        (("--carrier", "awo", "--level", "details"), "carrier", "details"),
        (("--interpreter", "ar"), "interpreter", "busy"),
        (("--interpreter", "other"), "interpreter", "busy"),
    ],
)
def test_an_address_is_printed_once_and_can_be_fetched(
    app: Flask, runner: FlaskCliRunner, database: Database, options: tuple[str, ...], kind: str, level: str
) -> None:
    path = make(runner, *options)
    assert feeds(database) == [(kind, level)]
    answer = app.test_client().get(path)
    assert answer.status_code == 200 and answer.data.startswith(b"BEGIN:VCALENDAR")
    with Session(database.engine) as session:
        assert path.removeprefix("/feeds/").removesuffix(".ics") not in session.scalars(select(Feed.token_hash)).one()


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--adviser", "nobody"),
        ("--carrier", "awo-1"),
        ("--interpreter", "klingon"),
        ("--interpreter", ""),
        ("--adviser", "awo-1", "--carrier", "awo"),
        ("--interpreter", "ar", "--level", "details"),
        ("--carrier", "awo", "--level", "all"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_made(
    runner: FlaskCliRunner, database: Database, options: tuple[str, ...]
) -> None:
    done = runner.invoke(args=["feed", "make", *options])
    assert done.exit_code == 2 and "Error" in done.output
    assert feeds(database) == []


def test_the_list_says_whose_each_is_and_never_an_address(runner: FlaskCliRunner) -> None:
    token = make(runner, "--carrier", "awo", "--level", "details").split("/")[-1].removesuffix(".ics")
    make(runner, "--interpreter", "uk")
    listed = runner.invoke(args=["feed", "list"]).output
    lines = [line.split("\t")[1:3] for line in listed.splitlines()]
    assert lines == [["carrier awo", "details"], ["interpreter uk", "busy"]]
    assert "fetched never" in listed and token not in listed


def test_a_revoked_address_is_gone_at_once(app: Flask, runner: FlaskCliRunner) -> None:
    path, kept = make(runner, "--carrier", "awo"), make(runner, "--interpreter", "ar")
    feed_id = runner.invoke(args=["feed", "list"]).output.split("\t")[0]
    done = runner.invoke(args=["feed", "revoke", feed_id])
    assert done.exit_code == 0 and "can no longer be fetched" in done.output
    assert [app.test_client().get(each).status_code for each in (path, kept)] == [404, 200]
    assert len(runner.invoke(args=["feed", "list"]).output.splitlines()) == 1


def test_a_feed_that_is_not_there_cannot_be_revoked(runner: FlaskCliRunner) -> None:
    assert runner.invoke(args=["feed", "revoke", "7"]).exit_code == 2
