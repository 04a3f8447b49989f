"""Serves calendars as they were published: stored bytes, nothing is built here."""

from __future__ import annotations

from flask import Blueprint, Response, abort, current_app, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.http import is_resource_modified

from scheduler.actions.feeds import NOTED_EVERY, FeedBody, FeedHead, find_head, note_fetched, read_body
from scheduler.db import Database
from scheduler.web.edge import db, now
from scheduler.web.limits import unknown_links

pages = Blueprint("feeds", __name__)


@pages.get("/feeds/<token>.ics")
@unknown_links
def show_feed(token: str) -> ResponseReturnValue:
    head = find_head(db(), token)
    if head is None:
        abort(404)
    return answer_feed(head)


def answer_feed(head: FeedHead) -> ResponseReturnValue:
    """The bytes of a published feed, compressed where the app takes it; 304 without reading them where it has them."""
    gzipped = request.accept_encodings["gzip"] > 0  # an app that says nothing of encodings takes none
    body: FeedBody | None = FeedBody(head.etag, head.modified_at, b"")
    if is_resource_modified(request.environ, _etag_of(head.etag, gzipped), last_modified=head.modified_at):
        body = read_body(db(), head.id, gzipped=gzipped)
    if body is None:
        abort(404)
    response = Response(body.data, content_type="text/calendar; charset=utf-8")
    response.set_etag(_etag_of(body.etag, gzipped))
    response.last_modified = body.modified_at
    response.headers["Cache-Control"] = "no-cache, private"
    response.headers["Vary"] = "Accept-Encoding"
    if gzipped:
        response.headers["Content-Encoding"] = "gzip"
    response.make_conditional(request)
    _note_when_sent(response, head)
    return response


def _etag_of(etag: str, gzipped: bool) -> str:
    """Other bytes, another strong ETag."""
    return f"{etag}-gzip" if gzipped else etag


def _note_when_sent(response: Response, head: FeedHead) -> None:
    """Keep when an app came, once the answer is out.

    A GET writes nothing: this is no part of it. It has a transaction of its own, begun when the request's is over, and
    nobody waits for it; where it fails, the next app that comes is noted.
    """
    came_at, database, logger = now(), current_app.extensions["database"], current_app.logger
    assert isinstance(database, Database)
    if head.fetched_at is not None and came_at - head.fetched_at < NOTED_EVERY:
        return

    def note() -> None:
        try:
            with database.writing() as session:
                note_fetched(session, head.id, came_at)
                session.commit()
        except SQLAlchemyError as error:
            logger.warning("it was not noted that feed %d was fetched: %s", head.id, type(error).__name__)

    response.call_on_close(note)
