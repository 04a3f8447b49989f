"""An adviser's own calendar addresses: make one, see it once, see whether it is used, switch it off."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_timedelta
from flask_babel import gettext as _
from sqlalchemy import select

from scheduler.actions.feeds import make_feed, revoke_feed
from scheduler.models import Feed
from scheduler.models.feeds import FeedLevel
from scheduler.web.belongs import belongs_to_adviser
from scheduler.web.edge import db, now, settings
from scheduler.web.login import own_adviser
from scheduler.web.permissions import permit

pages = Blueprint("calendars", __name__, url_prefix="/my")

IDLE_AFTER = timedelta(days=2)
"""Every app comes within a day, but a Nextcloud that nobody told to: that, too, is worth a hint."""
_A_MINUTE = timedelta(minutes=1)


class FeedLine(NamedTuple):
    """One address in use. `fetched`: when an app last came, in words; `is_idle`: too long ago, it may be forgotten."""

    feed: Feed
    fetched: str
    is_idle: bool


@pages.get("/feeds")
def show_feeds() -> ResponseReturnValue:
    return _feeds_page()


@pages.post("/feeds")
def do_make_feed() -> ResponseReturnValue:
    level: FeedLevel = "details" if request.form.get("level") == "details" else "busy"
    _feed, token = make_feed(db(), own_adviser(), level=level, base_url=settings().base_url, now=now())
    db().commit()
    return _feeds_page(fresh_link=settings().base_url + url_for("feeds.show_feed", token=token)), 201


@pages.post("/feeds/<id:feed_id>/revocation")
def do_revoke_feed(feed_id: int) -> ResponseReturnValue:
    feed = db().get(Feed, feed_id) or abort(404)
    permit("change", "own_feed", belongs_to_adviser(feed.adviser_id))
    revoke_feed(db(), feed, now())
    db().commit()
    return redirect(url_for("calendars.show_feeds"), 303)


def line_of(feed: Feed) -> FeedLine:
    return FeedLine(feed, _say_fetched(feed), (feed.fetched_at or feed.created_at) <= now() - IDLE_AFTER)


def _feeds_page(fresh_link: str | None = None) -> str:
    return render_template("my/feeds.html", lines=_own_lines(), fresh_link=fresh_link)


def _own_lines() -> list[FeedLine]:
    query = select(Feed).where(Feed.adviser_id == own_adviser().id, Feed.revoked_at.is_(None)).order_by(Feed.id)
    return [line_of(feed) for feed in db().scalars(query)]


def _say_fetched(feed: Feed) -> str:
    if feed.fetched_at is None:
        return str(_("never fetched yet"))
    ago = max(now() - feed.fetched_at, _A_MINUTE)
    return str(_("fetched %(ago)s", ago=format_timedelta(-ago, granularity="minute", add_direction=True)))
