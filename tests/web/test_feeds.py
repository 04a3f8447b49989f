"""A calendar's address: stored bytes with an ETag, gone when switched off."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from icalendar import Calendar
from sqlalchemy.orm import Session

from scheduler.actions.feeds import make_feed
from scheduler.models import Feed
from tests.actions.small_town import adviser_of, at
from tests.web.live_town import LiveTown
from tests.web.visitor import Visitor


@pytest.fixture
def address(town: LiveTown) -> str:
    """The calendar of awo-1, who has an appointment on Wednesday at 10."""
    town.book("10:00", language="ar")

    def make(session: Session) -> str:
        adviser = adviser_of(session, "awo-1")
        return make_feed(session, adviser, level="busy", base_url="http://localhost", now=datetime.now(UTC))[1]

    return f"/feeds/{town.change(make)}.ics"


def test_it_is_a_calendar_with_the_appointment(visitor: Visitor, address: str) -> None:
    answer = visitor.open(address)
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    begins = [each["DTSTART"].dt for each in Calendar.from_ical(answer.html).walk("VEVENT")]
    assert at("10:00") in begins


def test_who_has_it_already_gets_304(visitor: Visitor, address: str) -> None:
    first = visitor.open(address)
    for known in (first.headers["ETag"], f'"other", {first.headers["ETag"]}', f"W/{first.headers['ETag']}", "*"):
        again = visitor.open(address, headers={"If-None-Match": known})
        assert (again.status, again.html) == (304, ""), known
    assert visitor.open(address, headers={"If-None-Match": '"other"'}).status == 200


def test_head_says_the_same_without_the_body(visitor: Visitor, address: str) -> None:
    full, head = visitor.open(address), visitor.open(address, method="HEAD")
    assert (head.status, head.html) == (200, "")
    for name in ("ETag", "Content-Type", "Last-Modified"):
        assert head.headers[name] == full.headers[name]


def test_a_revoked_or_unknown_address_is_404(visitor: Visitor, town: LiveTown, address: str) -> None:
    etag = visitor.open(address).headers["ETag"]
    for wrong in ("x", "%00", "é", "9" * 3000, "a" * 32):
        assert visitor.open(f"/feeds/{wrong}.ics").status == 404
    assert visitor.open(address.removesuffix(".ics")).status == 404
    feed_id = town.read(lambda session: session.query(Feed.id).scalar())
    town.set(Feed, feed_id, revoked_at=datetime.now(UTC))
    for headers in ({}, {"If-None-Match": etag}):
        assert visitor.open(address, headers=headers).status == 404


def test_a_feed_is_kept_by_the_calendar_app_alone(visitor: Visitor, address: str) -> None:
    assert {"private", "no-cache"} <= set(visitor.open(address).headers["Cache-Control"].split(", "))


def test_a_feed_cannot_be_sent_to(visitor: Visitor, address: str) -> None:
    assert visitor.post(address).status == 405
