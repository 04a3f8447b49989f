"""Dated openings by the API: what they admit, how they stand, why not, and whether numbers are given."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
import time_machine
from sqlalchemy.orm import Session

from scheduler.actions.openings import lock_opening
from scheduler.actions.rulebook import read_rulebook
from tests.actions.small_town import NEXT_WEDNESDAY, at, change_date, hours_of, opening_of
from tests.web.api.program import ON_THURSDAY, ON_WEDNESDAY, get
from tests.web.live_town import LiveTown
from tests.web.visitor import Visitor

WEDNESDAY_AFTER = date(2026, 12, 9)


def openings(visitor: Visitor, **query: str) -> dict[str, dict[str, Any]]:
    """By id."""
    return {each["id"]: each for each in get(visitor, "openings", **query).json["openings"]}


def tickets(visitor: Visitor) -> tuple[bool, str]:
    found = openings(visitor, until="2026-11-25")[ON_WEDNESDAY]
    return found["gives_tickets"], found["tickets"]


def test_an_opening_says_all_that_a_town_s_site_shows(visitor: Visitor) -> None:
    assert openings(visitor)[ON_WEDNESDAY] == {
        "id": ON_WEDNESDAY,
        "starts_at": "2026-11-25T09:00:00+01:00",
        "ends_at": "2026-11-25T12:00:00+01:00",
        "place": "buergerbuero",
        "room": None,
        "services": ["JMD", "MBE"],
        "admits": "mixed",
        "state": "planned",
        "reason": None,
        "gives_tickets": False,
        "tickets": "not_yet",
        "forecast": None,
    }


@pytest.fixture
def room_two(town: LiveTown) -> Any:
    """For this test alone: the tables of the town's file are not emptied."""

    def name(room: str) -> None:
        def action(session: Session) -> None:
            hours_of(session).room = room

        town.change(action)

    name("Zimmer 2")
    yield
    name("")


def test_a_room_is_named(visitor: Visitor, room_two: None) -> None:
    assert openings(visitor)[ON_WEDNESDAY]["room"] == "Zimmer 2"


def test_filters_count_and_service_or_age_choose_the_same(visitor: Visitor) -> None:
    assert set(openings(visitor, place="awo-buero", until="2026-11-26")) == {ON_THURSDAY}
    assert set(openings(visitor, service="JMD", until="2026-11-26")) == {ON_WEDNESDAY}
    assert set(openings(visitor, age_group="under_27", until="2026-11-26")) == {ON_WEDNESDAY}
    assert set(openings(visitor, age_group="family", until="2026-11-26")) == {ON_WEDNESDAY, ON_THURSDAY}
    assert set(openings(visitor, from_="2026-11-26", until="2026-11-26")) == {ON_THURSDAY}


def test_the_state_follows_the_clock(visitor: Visitor, clock: time_machine.Coordinates) -> None:
    states = []
    for moment in ("08:59", "09:00", "11:59", "12:00"):
        clock.move_to(at(moment))
        states.append(openings(visitor, until="2026-11-25")[ON_WEDNESDAY]["state"])
    assert states == ["planned", "open", "open", "over"]


def test_a_cancelled_one_is_listed_with_its_public_reason(visitor: Visitor, town: LiveTown) -> None:
    town.change(change_date, NEXT_WEDNESDAY, "cancelled", reason="Wasserrohrbruch")
    town.change(change_date, WEDNESDAY_AFTER, "cancelled")
    found = openings(visitor, until="2026-12-30")
    for id_, reason in (
        (
            "buergerbuero-mi/2026-12-30",
            {"de": "Weihnachtsferien", "en": "Christmas holidays", "ar": "عطلة عيد الميلاد"},
        ),
        ("buergerbuero-mi/2026-12-02", {"de": "Wasserrohrbruch"}),
        ("buergerbuero-mi/2026-12-09", None),
    ):
        assert (found[id_]["state"], found[id_]["reason"]) == ("cancelled", reason)
        assert (found[id_]["gives_tickets"], found[id_]["tickets"]) == (False, "none")


def test_a_moved_one_keeps_its_name(visitor: Visitor, town: LiveTown) -> None:
    town.change(change_date, WEDNESDAY_AFTER, "moved", held_on=date(2026, 12, 8))
    found = openings(visitor, from_="2026-12-08", until="2026-12-08")
    assert list(found) == [f"buergerbuero-mi/{WEDNESDAY_AFTER}"]
    assert found[f"buergerbuero-mi/{WEDNESDAY_AFTER}"]["starts_at"] == "2026-12-08T09:00:00+01:00"
    assert openings(visitor, from_="2026-12-09", until="2026-12-09") == {}


def test_tickets_follow_the_clock_as_at_the_desk(
    visitor: Visitor, clock: time_machine.Coordinates, foretell: Callable[..., None]
) -> None:
    foretell(1.0)
    found = []
    for moment in ("08:29", "08:30", "11:59", "12:00"):
        clock.move_to(at(moment))
        found.append(tickets(visitor))
    assert found == [(False, "not_yet"), (True, "open"), (True, "open"), (False, "over")]


def test_an_opening_for_appointments_gives_no_tickets(visitor: Visitor) -> None:
    assert openings(visitor)[ON_THURSDAY]["tickets"] == "none"


def test_stopped_tickets_are_said(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    def stop(session: Session) -> None:
        lock_opening(session, opening_of(read_rulebook(session))).tickets = "stopped"

    town.change(stop)
    assert tickets(visitor) == (False, "stopped")


@pytest.fixture
def one_ticket(town: LiveTown) -> Any:
    def limit(most: int | None) -> None:
        def action(session: Session) -> None:
            hours_of(session).ticket_limit = most

        town.change(action)

    limit(1)
    yield
    limit(None)


def test_a_limit_that_is_reached_is_said(visitor: Visitor, town: LiveTown, open_day: None, one_ticket: None) -> None:
    assert tickets(visitor) == (True, "open")
    town.take_in()
    assert tickets(visitor) == (False, "limit")


def test_summer_and_winter_have_their_own_offset(visitor: Visitor, clock: time_machine.Coordinates) -> None:
    clock.move_to(datetime.fromisoformat("2026-10-20T08:00:00+02:00"))
    starts = [each["starts_at"] for each in get(visitor, "openings", until="2026-10-31").json["openings"]]
    assert "2026-10-21T09:00:00+02:00" in starts
    assert "2026-10-28T09:00:00+01:00" in starts
