"""Cancel a booking by the API: once, as often as it is sent, and not when it is too late."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine

from scheduler.actions.freed_times import LONGEST
from scheduler.models import Visit
from tests.actions.small_town import THURSDAY, at
from tests.conftest import NOW
from tests.web.api.program import book, cancel, get, refusal
from tests.web.live_town import LiveTown
from tests.web.visitor import Visitor


def test_cancelling_twice_is_the_same_answer(visitor: Visitor, town: LiveTown) -> None:
    token = book(visitor).json["token"]
    first, second = (cancel(visitor, token) for _ in range(2))
    assert (first.status, first.json["state"]) == (200, "cancelled")
    assert (second.status, second.json) == (first.status, first.json)
    assert town.newest_visit().sequence == 1
    assert get(visitor, f"bookings/{token}").json["state"] == "cancelled"


def test_the_time_is_free_again_after_a_while(visitor: Visitor, town: LiveTown) -> None:
    cancel(visitor, book(visitor).json["token"])
    assert refusal(book(visitor)) == (409, "taken")
    with time_machine.travel(NOW + LONGEST, tick=False):
        assert book(visitor).status == 201


def test_whoever_is_here_and_waits_may_still_cancel(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    visit_id = town.book("10:00")
    town.arrive(visit_id)
    assert cancel(visitor, town.token(visit_id)).json["state"] == "cancelled"


def test_what_has_begun_cannot_be_cancelled(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    visit_id = town.book("10:00")
    town.arrive(visit_id)
    town.seat("awo-1")
    consultation = town.call_next("awo-1")
    for state in ("called", "done"):
        answer = cancel(visitor, town.token(visit_id))
        assert refusal(answer) == (410, "booking_closed")
        assert answer.json["state"] == town.visit(visit_id).state == state
        town.serve(consultation) if state == "called" else None


@pytest.mark.parametrize("ended", [{"state": "missed", "planned_adviser_id": None}, {"state": "not_served"}])
def test_what_has_ended_otherwise_cannot_be_cancelled(visitor: Visitor, town: LiveTown, ended: dict[str, Any]) -> None:
    visit_id = town.book("10:00")
    town.set(Visit, visit_id, **ended)
    assert refusal(cancel(visitor, town.token(visit_id))) == (410, "booking_closed")
    assert town.visit(visit_id).state == ended["state"]


def test_of_a_day_that_is_over_nothing_is_cancelled(
    visitor: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    visit_id = town.book("10:00")
    clock.move_to(at("00:00", THURSDAY))
    assert refusal(cancel(visitor, town.token(visit_id))) == (410, "booking_over")
    assert town.visit(visit_id).state == "booked"
