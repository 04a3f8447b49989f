"""Move a booking by the API: the same booking at another time, as often as it is sent."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine

from scheduler.actions.freed_times import LONGEST
from tests.actions.small_town import THURSDAY, at
from tests.conftest import NOW
from tests.web.api.program import ON_THURSDAY, ON_WEDNESDAY, book, cancel, fields, get, move, move_to, refusal
from tests.web.live_town import LiveTown
from tests.web.visitor import Visitor


@pytest.fixture
def token(visitor: Visitor) -> str:
    """Of a booking on Wednesday at 9:30."""
    return str(book(visitor).json["token"])


def test_a_moved_booking_keeps_code_and_token(visitor: Visitor, town: LiveTown, token: str) -> None:
    before = get(visitor, f"bookings/{token}").json
    answer = move(visitor, token, opening=ON_THURSDAY, starts_at="2026-11-26T13:15:00+01:00")
    assert answer.status == 200
    assert answer.json == {
        **before,
        "starts_at": "2026-11-26T13:15:00+01:00",
        "ends_at": "2026-11-26T13:30:00+01:00",
        "place": "awo-buero",
        "opening": ON_THURSDAY,
    }
    assert get(visitor, f"bookings/{token}").json == answer.json
    assert (town.newest_visit().sequence, town.newest_visit().starts_at) == (1, at("13:15", THURSDAY))


def test_its_old_time_is_free_again_after_a_while(visitor: Visitor, town: LiveTown, token: str) -> None:
    assert move_to(visitor, token, "11:00").status == 200
    assert refusal(book(visitor)) == (409, "taken")
    with time_machine.travel(NOW + LONGEST, tick=False):
        assert book(visitor).status == 201


def test_sent_again_nothing_changes(visitor: Visitor, town: LiveTown, token: str) -> None:
    first = move_to(visitor, token, "11:00")
    before = town.dump()
    second = move_to(visitor, token, "11:00")
    by_place = move(visitor, token, place="buergerbuero", starts_at="2026-11-25T10:00:00Z")
    assert (second.status, second.json) == (by_place.status, by_place.json) == (200, first.json)
    assert town.dump() == before
    assert town.newest_visit().sequence == 1


def test_sent_again_when_it_can_no_longer_be_booked_it_is_fine_too(
    visitor: Visitor, town: LiveTown, token: str, clock: time_machine.Coordinates
) -> None:
    clock.move_to(at("09:40"))
    assert move_to(visitor, token, "09:30").status == 200
    assert refusal(move_to(visitor, token, "09:15")) == (409, "taken")


def test_a_booking_may_overlap_its_old_time(visitor: Visitor, town: LiveTown) -> None:
    token = book(visitor, concern="advice").json["token"]
    assert move_to(visitor, token, "09:45").status == 200


def test_a_taken_time_is_409_with_three_that_are_free(visitor: Visitor, town: LiveTown, token: str) -> None:
    town.book("10:00")
    before = town.dump()
    answer = move_to(visitor, token, "10:00")
    assert refusal(answer) == (409, "taken")
    assert [each["starts_at"][11:16] for each in answer.json["alternatives"]] == ["09:45", "10:15", "10:30"]
    assert town.dump() == before
    for each in answer.json["alternatives"]:
        assert move(visitor, token, opening=each["opening"], starts_at=each["starts_at"]).status == 200


@pytest.mark.parametrize("starts_at", ["2026-11-25T09:07:00+01:00", "2020-11-25T09:00:00Z", "9999-12-31T23:59:59Z"])
def test_what_was_never_free_is_409(visitor: Visitor, token: str, starts_at: str) -> None:
    assert refusal(move(visitor, token, opening=ON_WEDNESDAY, starts_at=starts_at)) == (409, "taken")


@pytest.mark.parametrize("opening", ["nothing/2026-11-25", "buergerbuero-mi/2026-11-26", "buergerbuero-mi/2026-12-30"])
def test_an_unknown_opening_is_404(visitor: Visitor, token: str, opening: str) -> None:
    answer = move(visitor, token, opening=opening, starts_at="2026-11-25T10:00:00+01:00")
    assert refusal(answer) == (404, "unknown_opening")


def test_it_moves_only_to_a_service_and_language_that_are_there(visitor: Visitor, town: LiveTown) -> None:
    token = book(visitor, service="JMD", language="uk").json["token"]
    answer = move(visitor, token, opening=ON_THURSDAY, starts_at="2026-11-26T13:15:00+01:00")
    assert refusal(answer) == (409, "taken")
    assert {each["place"] for each in answer.json["alternatives"]} == {"buergerbuero"}


def test_a_cancelled_booking_is_closed(visitor: Visitor, town: LiveTown, token: str) -> None:
    cancel(visitor, token)
    town.book("10:00")
    before = town.dump()
    for clock_at in ("09:30", "10:00", "10:07", "11:00"):
        answer = move_to(visitor, token, clock_at)
        assert refusal(answer) == (410, "booking_closed")
        assert answer.json["state"] == "cancelled"
    assert town.dump() == before


def test_whoever_is_here_already_cannot_move(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    visit_id = town.book("10:00")
    town.arrive(visit_id)
    answer = move_to(visitor, town.token(visit_id), "11:00")
    assert refusal(answer) == (410, "booking_closed")
    assert answer.json["state"] == "waiting"


def test_of_a_day_that_is_over_nothing_moves(
    visitor: Visitor, town: LiveTown, token: str, clock: time_machine.Coordinates
) -> None:
    clock.move_to(at("00:00", THURSDAY))
    answer = move(visitor, token, opening=ON_THURSDAY, starts_at="2026-11-26T13:15:00+01:00")
    assert refusal(answer) == (410, "booking_over")
    assert town.newest_visit().starts_at == at("09:30")


BAD_MOVES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["opening", "starts_at"]),
    ({"starts_at": "2026-11-25T10:00:00+01:00"}, ["opening"]),
    ({"opening": ON_WEDNESDAY}, ["starts_at"]),
    ({"opening": "x", "starts_at": "2026-11-25T10:00:00+01:00"}, ["opening"]),
    ({"opening": 7, "starts_at": "soon"}, ["opening", "starts_at"]),
    ({"opening": ON_WEDNESDAY, "starts_at": "2026-11-25T10:00:00"}, ["starts_at"]),
    ({"place": "nowhere", "starts_at": "2026-11-25T10:00:00+01:00"}, ["place"]),
    ({"place": "awo-buero", "starts_at": "2026-11-25T10:00:00+01:00"}, ["starts_at"]),
    ({"place": "awo-buero", "opening": ON_WEDNESDAY, "starts_at": "2026-11-25T10:00:00+01:00"}, ["place"]),
    ({"opening": ON_WEDNESDAY, "starts_at": "2026-11-25T10:00:00+01:00", "people": 2}, ["people"]),
    ({"opening": ON_WEDNESDAY, "starts_at": "2026-11-25T10:00:00+01:00", "state": "done"}, ["state"]),
]


def test_every_bad_field_is_named_and_nothing_moves(visitor: Visitor, town: LiveTown, token: str) -> None:
    before = town.dump()
    for body, expected in BAD_MOVES:
        assert fields(move(visitor, token, **body)) == expected, body
    assert town.dump() == before
