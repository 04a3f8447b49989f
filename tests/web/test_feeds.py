"""A calendar's address: stored bytes with an ETag, gone when switched off."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from icalendar import Calendar
from sqlalchemy import update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from werkzeug.test import EnvironBuilder, run_wsgi_app

from bench.statements import statements_of
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


def fetch(visitor: Visitor, address: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """As a calendar app asks, with no header but these: status, headers, bytes."""
    builder = EnvironBuilder(path=address, base_url="http://localhost", method=method, headers=headers)
    body, status, found = run_wsgi_app(visitor.client.application, builder.get_environ(), buffered=True)
    return int(status.split()[0]), dict(found), b"".join(body)


def is_varied(headers: dict[str, str]) -> bool:
    return "Accept-Encoding" in headers["Vary"].split(", ")


def fetched_at(town: LiveTown) -> datetime | None:
    found: datetime | None = town.read(lambda session: session.query(Feed.fetched_at).scalar())
    return found


@pytest.mark.parametrize("accepted", ["gzip", "gzip, deflate, br", "br;q=1.0, gzip;q=0.5", "*"])
def test_an_app_that_takes_it_gets_the_feed_compressed(visitor: Visitor, address: str, accepted: str) -> None:
    status, headers, plain = fetch(visitor, address)
    assert (status, headers.get("Content-Encoding"), is_varied(headers)) == (200, None, True)
    status, compressed, body = fetch(visitor, address, **{"Accept-Encoding": accepted})
    assert (status, compressed["Content-Encoding"], is_varied(compressed)) == (200, "gzip", True)
    assert gzip.decompress(body) == plain and int(compressed["Content-Length"]) == len(body) < len(plain)
    assert compressed["ETag"] != headers["ETag"] and not compressed["ETag"].startswith("W/")
    again = fetch(visitor, address, **{"Accept-Encoding": accepted, "If-None-Match": compressed["ETag"]})
    assert (again[0], again[2]) == (304, b"")
    assert fetch(visitor, address, **{"If-None-Match": compressed["ETag"]})[0] == 200  # of other bytes


@pytest.mark.parametrize("accepted", ["identity", "gzip;q=0", "br", ""])
def test_an_app_that_does_not_gets_it_as_it_is(visitor: Visitor, address: str, accepted: str) -> None:
    status, headers, body = fetch(visitor, address, **{"Accept-Encoding": accepted})
    assert status == 200 and "Content-Encoding" not in headers and body.startswith(b"BEGIN:VCALENDAR")


def test_an_app_that_remembers_the_date_gets_304(visitor: Visitor, address: str) -> None:
    _, headers, _ = fetch(visitor, address)
    assert fetch(visitor, address, **{"If-Modified-Since": headers["Last-Modified"]})[0] == 304
    assert fetch(visitor, address, **{"If-Modified-Since": "Mon, 01 Jan 2024 00:00:00 GMT"})[0] == 200
    # An ETag says more than a date.
    both = {"If-Modified-Since": headers["Last-Modified"], "If-None-Match": '"other"'}
    assert fetch(visitor, address, **both)[0] == 200


def test_a_new_publication_is_fetched_again(visitor: Visitor, town: LiveTown, address: str) -> None:
    _, headers, _ = fetch(visitor, address)
    town.change(lambda session: session.execute(update(Feed).values(body=b"BEGIN", etag="new")) and None)
    status, again, body = fetch(visitor, address, **{"If-None-Match": headers["ETag"]})
    assert (status, again["ETag"], body) == (200, '"new"', b"BEGIN")


def test_an_answer_that_is_known_takes_one_small_statement(visitor: Visitor, town: LiveTown, address: str) -> None:
    _, headers, _ = fetch(visitor, address)
    with statements_of(town.database) as seen:
        fetch(visitor, address, **{"If-None-Match": headers["ETag"]})
    assert len(seen) == 1 and "body" not in seen[0] and "gzipped" not in seen[0] and "told" not in seen[0]


def test_it_is_noted_at_most_every_ten_minutes_that_an_app_came(
    visitor: Visitor, town: LiveTown, address: str, clock: time_machine.Coordinates
) -> None:
    assert fetched_at(town) is None
    first = datetime.now(UTC)
    _, headers, _ = fetch(visitor, address)
    assert fetched_at(town) == first
    clock.shift(timedelta(minutes=9))
    fetch(visitor, address)
    assert fetched_at(town) == first
    clock.shift(timedelta(minutes=1))
    assert fetch(visitor, address, method="HEAD", **{"If-None-Match": headers["ETag"]})[0] == 304
    assert fetched_at(town) == first + timedelta(minutes=10)


def test_an_answer_does_not_fail_with_the_note(
    visitor: Visitor, town: LiveTown, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OperationalError("UPDATE feed", {}, Exception("database is locked"))

    monkeypatch.setattr("scheduler.web.feeds.note_fetched", fail)
    status, _, body = fetch(visitor, address)
    assert status == 200 and body.endswith(b"END:VCALENDAR\r\n")
    assert fetched_at(town) is None


def test_who_guesses_an_address_leaves_no_trace(visitor: Visitor, town: LiveTown, address: str) -> None:
    with statements_of(town.database) as seen:
        status, _, body = fetch(visitor, "/feeds/abc.ics")
    assert status == 404 and not body.startswith(b"BEGIN:VCALENDAR")
    assert not any("UPDATE" in each for each in seen) and fetched_at(town) is None
