"""The start page: two doors, all places with their hours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time, timedelta

import pytest
import time_machine
from flask import Flask

from scheduler.models import Opening
from tests.actions.small_town import NEXT_WEDNESDAY, OFFICE, THURSDAY, WEDNESDAY, at, change_date
from tests.web.live_town import LiveTown
from tests.web.page import Element
from tests.web.visitor import Visitor

FRIDAY = THURSDAY + timedelta(days=1)
MOST_BYTES = 60_000
"""What a first visit may load in all."""


def door(visitor: Visitor) -> Element:
    return visitor.open("/").root.one("section", aria_labelledby="door-come")


def banner(visitor: Visitor) -> str:
    return " ".join(each.text for each in visitor.open("/").root.all("ul", class_="urgent"))


def card(visitor: Visitor, number: int = 0) -> str:
    return visitor.open("/").root.all("li", class_="place")[number].text


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
    visitor: Visitor, clock: time_machine.Coordinates, foretell: Callable[..., None]
) -> None:
    foretell(1.0)
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
    assert [each.attrs["href"] for each in places[1].all("a")] == ["/places/awo-buero", "tel:06990009-002"]


def test_a_closed_day_is_not_offered(visitor: Visitor, clock: time_machine.Coordinates) -> None:
    clock.move_to(at("12:30", WEDNESDAY.replace(month=12, day=23)))
    assert "Wednesday, 6 January" in visitor.open("/").root.one("section", aria_labelledby="door-come").text


def test_when_no_more_numbers_are_given_the_door_says_when_it_opens_next(
    visitor: Visitor, town: LiveTown, open_day: None
) -> None:
    visit = town.visit(town.take_in())
    town.set(Opening, visit.opening_id, tickets="stopped")
    assert "Open now" not in door(visitor).text
    assert "No more numbers are given today." in door(visitor).text
    assert "Wednesday, 2 December" in door(visitor).text


@pytest.mark.parametrize(("chance", "words"), [(0.9, "very likely"), (0.7, "perhaps")])
def test_while_it_is_open_the_door_says_how_long_one_would_wait_and_how_likely_it_is_to_be_served(
    visitor: Visitor, open_day: None, foretell: Callable[..., None], chance: float, words: str
) -> None:
    foretell(chance)
    assert f"You would wait: 20–40 min You would be served before closing: {words}" in door(visitor).text


def test_before_it_opens_the_door_foretells_nothing(visitor: Visitor, foretell: Callable[..., None]) -> None:
    foretell(0.9)
    assert "You would" not in door(visitor).text


def test_a_full_house_sends_people_to_the_next_opening_or_to_a_time(
    visitor: Visitor, open_day: None, foretell: Callable[..., None]
) -> None:
    foretell(0.3)
    assert "Today is full. The next opening: Wednesday, 2 December" in door(visitor).text
    assert "Open now" not in door(visitor).text


def test_where_staff_give_numbers_all_the_same_the_door_says_how_likely_it_is(
    visitor: Visitor, town: LiveTown, open_day: None, foretell: Callable[..., None]
) -> None:
    foretell(0.9)
    town.set(Opening, town.visit(town.take_in()).opening_id, tickets="open")
    foretell(0.3)
    assert "Open now, until 12:00" in door(visitor).text
    assert "served before closing: probably not" in door(visitor).text


def test_both_doors_come_before_the_places_and_languages_before_both(visitor: Visitor) -> None:
    page = visitor.open("/")
    landmarks = [each.attrs for each in page.root.walk() if each.tag in ("nav", "section")]
    found = [each.get("aria-labelledby") or each["class"] for each in landmarks]
    assert found == ["languages", "door-come", "door-book", "places-title"]
    names = [each.text for each in page.root.one("nav", class_="languages").all("a")]
    assert names == ["Deutsch", "English", "العربية"]


def test_changed_dates_stand_at_the_place_that_they_concern(visitor: Visitor, town: LiveTown) -> None:
    town.change(change_date, NEXT_WEDNESDAY, "cancelled", reason="Staff training")
    town.change(change_date, FRIDAY, "added", until_time=time(11))
    town.change(change_date, THURSDAY, "moved", OFFICE, until_time=time(15))
    assert "Changed dates Friday, 27 November: extra opening 9:00–11:00" in card(visitor)
    assert "Wednesday, 2 December: closed – Staff training" in card(visitor)
    assert "Thursday" not in card(visitor)
    assert "Thursday, 26 November: 13:00–15:00 instead of 13:00–16:00" in card(visitor, 1)
    assert "Friday" not in card(visitor, 1)


def test_changes_further_away_than_four_weeks_are_not_told_yet(visitor: Visitor, town: LiveTown) -> None:
    town.change(change_date, WEDNESDAY + timedelta(days=35), "moved", until_time=time(11))
    assert "Changed dates" not in card(visitor)
    town.change(change_date, WEDNESDAY + timedelta(days=21), "moved", until_time=time(11))
    assert "Wednesday, 16 December: 9:00–11:00 instead of 9:00–12:00" in card(visitor)


def test_closed_days_stand_as_one_line_with_their_reason(visitor: Visitor, clock: time_machine.Coordinates) -> None:
    clock.move_to(at("09:00", WEDNESDAY + timedelta(days=14)))
    assert "Thursday, 24 December to Friday, 1 January: closed – Christmas holidays" in card(visitor)
    clock.move_to(at("09:00", WEDNESDAY + timedelta(days=30)))
    assert "until Friday, 1 January: closed – Christmas holidays" in card(visitor)


def test_the_next_opening_that_is_cancelled_stands_at_the_top(visitor: Visitor, town: LiveTown) -> None:
    assert banner(visitor) == ""
    town.change(change_date, WEDNESDAY, "cancelled", reason="Staff training")
    said = banner(visitor)
    assert "Bürgerbüro · Wednesday, 25 November: closed – Staff training" in said
    assert "The next opening: Wednesday, 2 December 9:00–12:00" in said
    assert "Wednesday, 2 December" in door(visitor).text


def test_a_later_change_does_not_stand_at_the_top(visitor: Visitor, town: LiveTown) -> None:
    town.change(change_date, NEXT_WEDNESDAY, "cancelled")
    town.change(change_date, FRIDAY, "added")
    assert banner(visitor) == ""


def test_todays_change_stands_at_the_top_until_it_is_over(
    visitor: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    town.change(change_date, WEDNESDAY, "moved", until_time=time(11))
    said = {}
    for each in ("00:01", "11:59", "12:00"):
        clock.move_to(at(each, WEDNESDAY))
        said[each] = "today · Wednesday, 25 November: 9:00–11:00 instead of 9:00–12:00" in banner(visitor)
    assert said == {"00:01": True, "11:59": True, "12:00": False}
    assert "25 November" not in card(visitor)


@pytest.mark.parametrize("language", ["de", "en", "ar"])
def test_the_first_visit_loads_at_most_60_kilobytes(app: Flask, town: LiveTown, open_day: None, language: str) -> None:
    town.change(change_date, WEDNESDAY, "moved", until_time=time(11), reason="Staff training")
    visitor = Visitor(app, language)
    page = visitor.open("/")
    files = {
        each.attrs[name].partition("#")[0]
        for each in page.root.walk()
        for name in ("src", "href")
        if each.attrs.get(name, "").startswith("/static/")
    }
    assert len(files) >= 8, "style sheets, script and icons"
    answers = [page, *(visitor.open(each) for each in files)]
    assert {each.status for each in answers} == {200}
    assert sum(len(each.html.encode()) for each in answers) <= MOST_BYTES


def test_every_link_of_the_page_opens(visitor: Visitor) -> None:
    local = [each for each in visitor.open("/").links if each.startswith("/")]
    assert {"/book", "/code", "/login"} <= set(local)
    assert {visitor.open(each).status for each in local} == {200}
