"""What pages of other sites may do with the API in their visitors' browsers: read what is public, nothing else."""

from __future__ import annotations

import pytest

from tests.web.api.program import GOOD, ON_WEDNESDAY, book, cancel, get, move_to
from tests.web.live_town import LiveTown
from tests.web.visitor import Visitor

ALLOW = "Access-Control-Allow-Origin"


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("openings", 200),
        ("openings?from=x", 422),
        ("slots", 200),
        ("slots?service=x", 422),
        (f"openings/{ON_WEDNESDAY}/queue", 200),
        ("openings/x/2026-11-25/queue", 404),
        ("openings/buergerbuero-mi/2026-11-18/queue", 410),
    ],
)
def test_any_site_may_read_what_is_public_refusals_too(visitor: Visitor, address: str, status: int) -> None:
    for method in ("GET", "HEAD"):
        answer = visitor.open(f"/api/v1/{address}", method=method, headers={"Origin": "https://town.example"})
        assert (answer.status, answer.headers[ALLOW]) == (status, "*")
        assert "Access-Control-Allow-Credentials" not in answer.headers


def test_an_unchanged_answer_may_be_read_too(visitor: Visitor) -> None:
    address = f"/api/v1/openings/{ON_WEDNESDAY}/queue"
    etag = visitor.open(address).headers["ETag"]
    answer = visitor.open(address, headers={"If-None-Match": etag})
    assert (answer.status, answer.headers[ALLOW]) == (304, "*")


def test_no_other_site_may_touch_bookings(visitor: Visitor, town: LiveTown) -> None:
    booked = book(visitor)
    token = booked.json["token"]
    answers = [booked, get(visitor, f"bookings/{token}"), move_to(visitor, token, "11:00"), cancel(visitor, token)]
    answers += [book(visitor, service="x"), get(visitor, "bookings/x")]
    assert [each for each in answers if ALLOW in each.headers] == []


def test_a_browser_that_asks_for_leave_to_book_gets_none(visitor: Visitor, town: LiveTown) -> None:
    asking = {
        "Origin": "https://town.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    for address in ("bookings", "bookings/x", "slots"):
        answer = visitor.open(f"/api/v1/{address}", method="OPTIONS", headers=asking)
        assert [name for name, _ in answer.headers if name.startswith("Access-Control")] == [], address


def test_pages_are_not_opened_to_other_sites(visitor: Visitor) -> None:
    for address in ("/", "/book", "/board/buergerbuero", "/board/buergerbuero/now"):
        assert ALLOW not in visitor.open(address).headers


def test_a_form_of_another_site_books_nothing(visitor: Visitor, town: LiveTown) -> None:
    before = town.dump()
    for body in ({"data": GOOD}, {"data": '{"place": "buergerbuero"}', "content_type": "text/plain"}):
        assert visitor.open("/api/v1/bookings", method="POST", **body).status == 415
    assert town.dump() == before
