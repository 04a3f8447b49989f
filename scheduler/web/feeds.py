"""Serves calendars as they were published: stored bytes, nothing is built here."""

from __future__ import annotations

from flask import Blueprint, Response, abort, request
from flask.typing import ResponseReturnValue

from scheduler.actions.feeds import find_feed
from scheduler.models import Feed
from scheduler.web.edge import db

pages = Blueprint("feeds", __name__)


@pages.get("/feeds/<token>.ics")
def show_feed(token: str) -> ResponseReturnValue:
    feed = find_feed(db(), token)
    if feed is None or feed.body is None:
        abort(404)
    return answer_feed(feed)


def answer_feed(feed: Feed) -> ResponseReturnValue:
    """The bytes of a published feed; 304 where the calendar app has them already."""
    response = Response(feed.body, content_type="text/calendar; charset=utf-8")
    response.set_etag(feed.etag or "")
    response.last_modified = feed.published_at
    response.cache_control.private = True
    response.cache_control.no_cache = True
    return response.make_conditional(request)
