"""Who may what: a token opens one booking and nothing else, and nothing but a token opens it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import time_machine
from flask import Flask
from sqlalchemy.orm import Session

from scheduler.actions.feeds import make_feed
from scheduler.domain.codes import link_token, spoken
from scheduler.models import Visit
from tests.actions.small_town import adviser_of
from tests.web.api.program import GOOD, book, get, refusal
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.visitor import Visitor

METHODS = ["GET", "PATCH", "DELETE"]


def knock(visitor: Visitor, token: str, method: str) -> Page:
    body = {"opening": GOOD["opening"], "starts_at": "2026-11-25T11:00:00+01:00"}
    return visitor.open(f"/api/v1/bookings/{token}", method=method, json=body if method == "PATCH" else None)


@pytest.mark.parametrize("method", METHODS)
def test_nothing_but_its_own_token_opens_a_booking(visitor: Visitor, town: LiveTown, method: str) -> None:
    one, other = town.book("10:00"), town.book("10:30")
    before = town.dump()
    token, code = town.token(one), town.visit(one).code
    assert code
    wrong = [
        f"{one}-{town.token(other).partition('-')[2]}",
        f"{other}-{token.partition('-')[2]}",
        link_token("another secret", one, 0),
        link_token("", one, 0),
        code,
        spoken(code),
        f"{one}-{code}",
        str(one),
        f"{one}-",
        f"{one}-é",
        f" {token}",
        f"0{token}",
        token + "x",
        token[:-1],
        token.swapcase(),
        token.partition("-")[2],
        "x",
        "9" * 17 + "-a",
        "%00",
        "null",
    ]
    for each in wrong:
        assert refusal(knock(visitor, each, method)) == (404, "unknown_booking"), each
    assert town.dump() == before


@pytest.mark.parametrize("method", METHODS)
def test_a_revoked_token_opens_nothing(visitor: Visitor, town: LiveTown, method: str) -> None:
    visit_id = town.book("10:00")
    old = town.token(visit_id)
    town.set(Visit, visit_id, link_epoch=1)
    assert refusal(knock(visitor, old, method)) == (404, "unknown_booking")
    assert town.visit(visit_id).state == "booked"
    assert knock(visitor, town.token(visit_id), method).status == 200


@pytest.mark.parametrize("method", METHODS)
def test_a_walk_in_s_token_is_no_booking_s(visitor: Visitor, town: LiveTown, open_day: None, method: str) -> None:
    """As on the pages: it shows the ticket and nothing else, and who waits is noted at the desk."""
    visit_id = town.take_in()
    assert refusal(knock(visitor, town.token(visit_id), method)) == (404, "unknown_booking")
    assert town.visit(visit_id).state == "waiting"


@pytest.mark.parametrize("method", METHODS)
def test_a_calendar_s_token_is_no_booking_s(visitor: Visitor, town: LiveTown, method: str) -> None:
    def make(session: Session) -> str:
        adviser = adviser_of(session, "awo-1")
        return make_feed(session, adviser, level="details", base_url="http://localhost", now=datetime.now(UTC))[1]

    assert refusal(knock(visitor, town.change(make), method)) == (404, "unknown_booking")


def test_a_token_leaves_all_other_bookings_alone(visitor: Visitor, town: LiveTown) -> None:
    one, other = town.book("10:00"), town.book("10:30")
    columns = [column.key for column in Visit.__table__.columns]
    kept = [getattr(town.visit(other), name) for name in columns]
    for method in ("PATCH", "DELETE"):
        assert knock(visitor, town.token(one), method).status == 200
    assert [getattr(town.visit(other), name) for name in columns] == kept


def test_a_log_in_opens_nothing_more_and_shows_nothing_more(app: Flask, town: LiveTown, open_day: None) -> None:
    visit_id = town.book("10:30", language="ar")
    town.take_in(language="ar")
    staff = Visitor(app).log_in_as(town.account(desk="buergerbuero", adviser="awo-1"))
    client = Visitor(app)
    for address in (
        "slots",
        "openings",
        f"openings/{GOOD['opening']}/queue",
        f"bookings/{town.token(visit_id)}",
        f"bookings/{visit_id}",
    ):
        by_staff, by_client = get(staff, address), get(client, address)
        assert (by_staff.status, by_staff.html) == (by_client.status, by_client.html), address
        assert by_staff.headers.get("ETag") == by_client.headers.get("ETag")
    for method in METHODS:
        assert refusal(knock(staff, str(visit_id), method)) == (404, "unknown_booking")


def test_what_a_log_in_does_by_the_api_is_the_client_s_deed(app: Flask, town: LiveTown) -> None:
    staff = Visitor(app).log_in_as(town.account(desk="buergerbuero"))
    book(staff)
    visit_id = town.newest_visit().id
    knock(staff, town.token(visit_id), "PATCH")
    knock(staff, town.token(visit_id), "DELETE")
    steps = town.read(lambda session: [(each.verb, each.actor) for each in session.get_one(Visit, visit_id).steps])
    assert steps == [("book", "client"), ("move", "client"), ("cancel", "client")]


def test_no_answer_sets_a_cookie_or_is_kept_by_anybody(visitor: Visitor, town: LiveTown) -> None:
    token = book(visitor).json["token"]
    for address in ("slots", "openings", f"bookings/{token}", "nothing"):
        answer = get(visitor, address)
        assert "Set-Cookie" not in answer.headers, address
        assert "public" not in answer.headers["Cache-Control"]
    assert get(visitor, f"bookings/{token}").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", METHODS)
def test_what_is_over_stays_as_it_is(
    visitor: Visitor, town: LiveTown, clock: time_machine.Coordinates, method: str
) -> None:
    visit_id = town.book("10:00")
    token = town.token(visit_id)
    clock.shift(7 * 24 * 3600)
    assert refusal(knock(visitor, token, method)) == (410, "booking_over")
    assert refusal(knock(visitor, token + "x", method)) == (404, "unknown_booking"), (
        "that it was one, only its token tells"
    )
    assert town.visit(visit_id).state == "booked"
