"""What monitors ask: is the process alive, can the installation be used. Words only, no cookie, no log-in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, text

from scheduler.actions.heartbeat import beat
from scheduler.db import Database
from scheduler.models import Heartbeat
from tests.conftest import NOW, make_config
from tests.web.conftest import MakeApp
from tests.web.live_town import LiveTown
from tests.web.visitor import Visitor


@pytest.fixture
def at_work(town: LiveTown) -> None:
    town.change(lambda session: beat(session, datetime.now(UTC)))


def test_a_process_that_answers_is_alive_even_without_a_database(app: Flask, visitor: Visitor) -> None:
    app.extensions["database"] = Database("postgresql://nobody@127.0.0.1:9/nowhere")
    page = visitor.open("/healthz")
    assert (page.status, page.response.text) == (200, "process: ok\n")
    assert "Set-Cookie" not in page.headers


def test_all_in_order_is_ready(visitor: Visitor, at_work: None) -> None:
    page = visitor.open("/readyz")
    assert (page.status, page.response.text) == (200, "database: ok\nschema: ok\ntown: ok\njobs: ok\n")
    assert "Set-Cookie" not in page.headers and page.headers["Cache-Control"] == "no-store"
    assert page.response.mimetype == "text/plain"


def test_jobs_that_stand_still_are_not_ready(visitor: Visitor, town: LiveTown) -> None:
    assert visitor.open("/readyz").response.text.endswith("jobs: standing still\n")
    town.change(lambda session: beat(session, NOW - timedelta(minutes=11)))
    assert visitor.open("/readyz").status == 503
    town.change(lambda session: beat(session, NOW - timedelta(minutes=9)))
    assert visitor.open("/readyz").status == 200


def test_a_pending_migration_is_not_ready(visitor: Visitor, town: LiveTown, at_work: None) -> None:
    (revision,) = town.read(lambda session: session.execute(text("SELECT version_num FROM alembic_version")).one())
    try:
        town.change(lambda session: session.execute(text("UPDATE alembic_version SET version_num = '0001'")) and None)
        page = visitor.open("/readyz")
        assert (page.status, page.response.text) == (503, "database: ok\nschema: migration pending\n")
    finally:
        change = text("UPDATE alembic_version SET version_num = :revision")
        town.change(lambda session: session.execute(change, {"revision": revision}) and None)


def test_a_database_that_is_away_is_not_ready_and_says_no_more(app: Flask, visitor: Visitor) -> None:
    app.extensions["database"] = Database("postgresql://nobody:hunter2@127.0.0.1:9/nowhere")
    page = visitor.open("/readyz")
    assert (page.status, page.response.text) == (503, "database: does not answer\n")


def test_without_a_town_it_is_not_ready(make_own_app: MakeApp, tmp_path_factory: pytest.TempPathFactory) -> None:
    from scheduler import create_app, schema

    made = create_app(make_config(f"sqlite:///{tmp_path_factory.mktemp('empty') / 'empty.db'}"))
    schema.upgrade(made.extensions["database"].engine)
    page = Visitor(made).open("/readyz")
    made.extensions["database"].engine.dispose()
    assert (page.status, page.response.text.splitlines()[2]) == (503, "town: not loaded")


def test_asking_changes_nothing(visitor: Visitor, town: LiveTown, at_work: None) -> None:
    before = town.dump()
    for address in ("/healthz", "/readyz", "/metrics"):
        visitor.open(address)
        assert visitor.open(address, method="POST").status in (400, 405)
    assert town.dump() == before
    town.change(lambda session: session.execute(delete(Heartbeat)) and None)
