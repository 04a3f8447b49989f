"""An adviser's own calendar addresses: make one, see it once, switch it off."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from scheduler.actions.feeds import make_feed, revoke_feed
from scheduler.models import Feed
from scheduler.models.feeds import FeedLevel
from scheduler.web.edge import db, now, settings
from scheduler.web.login import own_adviser

pages = Blueprint("calendars", __name__, url_prefix="/my")


@pages.get("/feeds")
def show_feeds() -> ResponseReturnValue:
    return render_template("my/feeds.html", feeds=_own_feeds(), fresh_link=None)


@pages.post("/feeds")
def do_make_feed() -> ResponseReturnValue:
    level: FeedLevel = "details" if request.form.get("level") == "details" else "busy"
    _feed, token = make_feed(db(), own_adviser(), level=level, base_url=settings().base_url, now=now())
    db().commit()
    link = settings().base_url + url_for("feeds.show_feed", token=token)
    return render_template("my/feeds.html", feeds=_own_feeds(), fresh_link=link), 201


@pages.post("/feeds/<id:feed_id>/revocation")
def do_revoke_feed(feed_id: int) -> ResponseReturnValue:
    adviser = own_adviser()
    feed = db().get(Feed, feed_id)
    if feed is None or feed.adviser_id != adviser.id:
        abort(404)
    revoke_feed(db(), feed, now())
    db().commit()
    return redirect(url_for("calendars.show_feeds"), 303)


def _own_feeds() -> list[Feed]:
    rows = db().scalars(
        select(Feed).where(Feed.adviser_id == own_adviser().id, Feed.revoked_at.is_(None)).order_by(Feed.id)
    )
    return list(rows)
