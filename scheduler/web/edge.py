"""Where a request meets the rest: its session, its one `now`, the settings, the rules, and answers with an ETag."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, cast

from flask import Flask, Response, current_app, g, make_response, request, url_for
from flask_babel import get_locale
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.routing import IntegerConverter

from config import Config
from scheduler.actions.audit import follow
from scheduler.actions.rulebook import PlannedOpening, RuleBook, read_rulebook
from scheduler.db import Database
from scheduler.domain.recurrence import local_date
from scheduler.models import Concern, Place, Town

LARGEST_ID = 2**31 - 1
"""The largest row id that PostgreSQL's integer holds."""
MOST_RENDERED = 16
"""Pages that a process keeps, of those that are the same for all."""


class RowId(IntegerConverter):
    """`<id:visit_id>` in an address: anything that no row can have is simply not found."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **{"max": LARGEST_ID, **settings})


def set_up(app: Flask) -> None:
    app.teardown_request(_close)
    app.add_template_global(static_url)  # a global: imported macros do not see the page's context
    app.context_processor(lambda: {"now": now(), "sends_sms": settings().sends_sms})


def settings() -> Config:
    return cast(Config, current_app.extensions["settings"])


def db() -> Session:
    """This request's session. For GET and HEAD the database itself refuses every change."""
    if "session" not in g:
        database = cast(Database, current_app.extensions["database"])
        g.session = database.reading() if request.method in ("GET", "HEAD", "OPTIONS") else database.writing()
    return cast(Session, g.session)


def reading() -> Session:
    """A session of its own that only reads, for a `with`: nobody waits for what is done meanwhile."""
    return cast(Database, current_app.extensions["database"]).reading()


def read_after_refusal() -> None:
    """Give up what this request wrote, and its lock: what it still reads holds nobody up."""
    db().rollback()
    db().close()
    g.pop("town", None)
    g.session = cast(Database, current_app.extensions["database"]).reading()


def write_after_reading() -> None:
    """Look no longer, change something: the session that only read is given up for one that writes."""
    db().close()
    g.pop("town", None)
    g.session = cast(Database, current_app.extensions["database"]).writing()
    if "trail" in g:
        follow(g.session, g.trail)


def now() -> datetime:
    """The one instant of this request."""
    if "now" not in g:
        g.now = datetime.now(UTC)
    return cast(datetime, g.now)


def rulebook() -> RuleBook:
    if "rulebook" not in g:
        g.rulebook = read_rulebook(db())
    return cast(RuleBook, g.rulebook)


def town() -> Town:
    """The town. Raises LookupError where none is loaded yet."""
    # Kept for the request: a session forgets rows that nobody holds, and every time on a page asks for the zone.
    if "town" not in g:
        found = db().get(Town, 1)
        if found is None:
            raise LookupError("no town is loaded: run `flask --app wsgi load FILE`")
        g.town = found
    return cast(Town, g.town)


def today() -> date:
    return local_date(now(), town().zone)


def places() -> list[Place]:
    """All places in use, in the order of the town's file."""
    return list(db().scalars(select(Place).where(Place.retired_at.is_(None)).order_by(Place.position)))


def concerns() -> list[Concern]:
    """All concerns in use, in the order of the town's file."""
    return list(db().scalars(select(Concern).where(Concern.retired_at.is_(None)).order_by(Concern.position)))


def row_id(text: str) -> int | None:
    """The id that a part of an address names; None: no row can have it."""
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_ID))
    return int(text) if digits and int(text) <= LARGEST_ID else None


def split_opening_id(text: str) -> tuple[str, date] | None:
    """The parts of `hours-key/2026-11-25`, or None."""
    key, _, day = text.rpartition("/")
    try:
        return (key, date.fromisoformat(day)) if key else None
    except ValueError:
        return None


def opening_from(text: str) -> PlannedOpening | None:
    """The opening of this public id, if a rule yields it."""
    parts = split_opening_id(text)
    return rulebook().opening(*parts) if parts else None


def static_url(name: str) -> str:
    """The address of a static file: it changes with the build, so it may be cached for a year."""
    return url_for("static", filename=name, v=current_app.extensions["build"])


def answer_unless_known(parts: list[object], render: Callable[[], str], *, same_for_all: bool = False) -> Response:
    """304 where the client has this state already; else the page with its ETag.

    `parts`: all that decides what this page shows, beside build, locale and the minute, which all of them show.
    `same_for_all`: whoever asks sees the same, so that a process renders it once for many screens.
    """
    minute = now().strftime("%H:%M")
    text = "|".join(str(each) for each in (current_app.extensions["build"], get_locale(), minute, *parts))
    etag = hashlib.sha256(text.encode()).hexdigest()[:32]
    if etag in request.if_none_match:
        response = Response(status=304)
    else:
        response = make_response(rendered_once(etag, render) if same_for_all else render())
    response.set_etag(etag)
    response.headers["Cache-Control"] = "no-cache, private"
    return response


def rendered_once(key: str, render: Callable[[], str]) -> str:
    """What is the same for all: rendered once and kept, a few such pages a process."""
    rendered: dict[str, str] = cast(Database, current_app.extensions["database"]).kept.setdefault("pages", {})
    found = rendered.get(key)
    if found is None:
        found = render()
        if len(rendered) >= MOST_RENDERED:
            rendered.clear()
        rendered[key] = found
    return found


def _close(_error: BaseException | None) -> None:
    session = g.pop("session", None)
    if session is not None:
        session.close()
