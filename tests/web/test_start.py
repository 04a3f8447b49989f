"""The start page: two doors, all places with their hours."""

from __future__ import annotations

import time_machine

from tests.actions.small_town import WEDNESDAY, at
from tests.web.live_town import LiveTown
from tests.web.visitor import Visitor


def test_before_the_day_the_next_walk_in_opening_stands_there(visitor: Visitor) -> None:
    door = visitor.open("/").root.one("section", aria_labelledby="door-come")
    assert "Wednesday, 25 November" in door.text
    assert "9:00–12:00" in door.text
    assert "Marktplatz 1, 12345 Kleinstadt" in door.text


def test_while_it_is_open_the_door_says_how_many_wait_at_this_opening_alone(
    visitor: Visitor, town: LiveTown, open_day: None
) -> None:
    town.take_in()
    town.take_in()
    door = visitor.open("/").root.one("section", aria_labelledby="door-come")
    assert "Open now, until 12:00" in door.text
    assert "2 people are waiting." in door.text


def test_the_door_opens_with_the_first_number_and_closes_with_the_opening(
    visitor: Visitor, clock: time_machine.Coordinates
) -> None:
    is_open = {}
    for each in ("08:29", "08:30", "11:59", "12:00"):
        clock.move_to(at(each, WEDNESDAY))
        is_open[each] = "Open now" in visitor.open("/").text
    assert is_open == {"08:29": False, "08:30": True, "11:59": True, "12:00": False}


def test_all_places_stand_there_with_phone_and_hours(visitor: Visitor) -> None:
    places = visitor.open("/").root.one("section", id="places").all("li", class_="place")
    assert [each.one("h3").text for each in places] == ["Bürgerbüro", "Büro der Arbeiterwohlfahrt"]
    first, second = (each.text for each in places)
    assert "Wednesday 9:00–12:00 with or without appointment" in first
    assert "Thursday 13:00–16:00 with appointment" in second
    assert places[1].one("a").attrs["href"] == "tel:06990009-002"


def test_a_closed_day_is_not_offered(visitor: Visitor, clock: time_machine.Coordinates) -> None:
    clock.move_to(at("12:30", WEDNESDAY.replace(month=12, day=23)))
    assert "Wednesday, 6 January" in visitor.open("/").root.one("section", aria_labelledby="door-come").text


def test_every_link_of_the_page_opens(visitor: Visitor) -> None:
    local = [each for each in visitor.open("/").links if each.startswith("/")]
    assert {"/book", "/code", "/login"} <= set(local)
    assert {visitor.open(each).status for each in local} == {200}
