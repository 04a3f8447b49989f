"""Whether this process is alive, and whether the installation can be used: for monitors, without log-in or data.

Neither sets a cookie. `/healthz` asks nothing of anybody; a load balancer that only wants to know whether to restart a
process asks there. `/readyz` answers 503 also where only jobs stand still: pages work then, but nothing is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from flask import Blueprint, Response, current_app
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from scheduler import schema
from scheduler.actions.heartbeat import STANDS_STILL_AFTER
from scheduler.db import Database
from scheduler.models import Heartbeat, Town
from scheduler.web.edge import db, now

pages = Blueprint("health", __name__)
OK = "ok"


@pages.get("/healthz")
def show_health() -> Response:
    return _words(["process: ok"], 200)


@pages.get("/readyz")
def show_readiness() -> Response:
    found = dict(_look())
    return _words([f"{name}: {word}" for name, word in found.items()], 200 if set(found.values()) == {OK} else 503)


def _look() -> list[tuple[str, str]]:
    """Name and word of each thing, up to the first that keeps us from looking further."""
    found: list[tuple[str, str]] = []
    for name, look, goes_on in _THINGS:
        try:
            word = look()
        except (SQLAlchemyError, OSError):
            word = "does not answer"
        found.append((name, word))
        if word != OK and not goes_on:
            break
    return found


def _look_at_database() -> str:
    db().execute(select(1))
    return OK


def _look_at_schema() -> str:
    database = cast(Database, current_app.extensions["database"])
    return OK if schema.is_current(database.engine) else "migration pending"


def _look_at_town() -> str:
    return OK if db().scalar(select(Town.id)) else "not loaded"


def _look_at_jobs() -> str:
    at = db().scalar(select(Heartbeat.at))
    return OK if at is not None and now() - at < STANDS_STILL_AFTER else "standing still"


_THINGS: tuple[tuple[str, Callable[[], str], bool], ...] = (
    ("database", _look_at_database, False),
    ("schema", _look_at_schema, False),
    ("town", _look_at_town, True),
    ("jobs", _look_at_jobs, True),
)


def _words(lines: list[str], status: int) -> Response:
    return Response("".join(f"{each}\n" for each in lines), status, mimetype="text/plain")
