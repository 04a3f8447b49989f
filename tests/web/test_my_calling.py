"""What an adviser is told before calling: a near appointment, who is parked, whom to fetch, that it is over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import time_machine
from flask import Flask

from scheduler.models import Hours, Visit
from tests.actions.small_town import SESSION, at
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.visitor import Visitor


@pytest.fixture
def seated(adviser: Visitor, town: LiveTown) -> Visitor:
    """awo-1 at Tisch 1."""
    town.seat("awo-1")
    return adviser


def warning(page: Page) -> str:
    return " ".join(each.text for each in page.root.all("p", class_="clash"))


def planned(town: LiveTown, clock: str) -> int:
    """An appointment of awo-1, who alone speaks Arabic."""
    return town.book(clock, language="ar")


def test_a_number_for_others_says_so_in_words(desk: Visitor, seated: Visitor, town: LiveTown) -> None:
    town.seat("awo-2")
    for language in ("ar", "en"):
        town.take_in(age_group="from_27", language=language)
    lines = [each.text for each in seated.open("/my").root.all("li", class_="line")]
    assert ["other service or language" in each for each in lines] == [False, True]


# A near appointment


def test_a_long_walk_in_is_warned_of_before_the_call_and_never_blocked(
    seated: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    planned(town, "10:30")
    visit_id = town.take_in(age_group="from_27", language="ar", concern="letter")
    clock.move_to(at("10:22"))
    page = seated.open("/my")
    assert warning(page) == "Your 10:30 appointment is in 8 minutes. This person may need 15 minutes."
    button = page.root.one("button", id="next")
    assert page.root.one(id=button.attrs["aria-describedby"]).text == warning(page)
    assert page.text.count("may last past 10:30") == 1
    seated.press(page, "/my/calls")
    assert town.visit(visit_id).state == "called"


def test_where_a_desk_takes_people_in_the_list_says_it_too(
    desk: Visitor, seated: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    planned(town, "10:30")
    town.take_in(concern="advice")
    town.take_in(concern="letter")
    clock.move_to(at("10:14"))
    lines = [each.text for each in seated.open("/my").root.all("li", class_="line")]
    assert ["may last past 10:30" in each for each in lines] == [True, False]


@pytest.mark.parametrize(
    ("concern", "now", "warned"),
    [("letter", "10:15", False), ("letter", "10:16", True), ("advice", "09:45", False), ("advice", "09:46", True),
     (None, "10:00", False), (None, "10:01", True), ("letter", "10:31", False)],
)  # fmt: skip
def test_the_warning_goes_by_the_length_of_the_concern(
    seated: Visitor, town: LiveTown, clock: time_machine.Coordinates, concern: str | None, now: str, warned: bool
) -> None:
    """Whoever is late and not here keeps nobody waiting."""
    planned(town, "10:30")
    town.take_in(age_group="from_27", language="ar", concern=concern)
    clock.move_to(at(now))
    page = seated.open("/my")
    assert bool(warning(page)) is warned
    assert ("may last past" in page.text) is warned


def test_one_minute_is_one_minute(seated: Visitor, town: LiveTown, clock: time_machine.Coordinates) -> None:
    planned(town, "10:30")
    town.take_in()
    clock.move_to(at("10:29"))
    assert warning(seated.open("/my")).startswith("Your 10:30 appointment is in 1 minute. ")


def test_it_is_said_when_the_appointment_is_here_already(
    seated: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    visit_id = planned(town, "10:30")
    town.take_in(age_group="from_27", concern="advice")
    clock.move_to(at("10:20"))
    town.arrive(visit_id)
    page = seated.open("/my")
    assert page.root.one("button", id="next").text == "Next: 1"
    said = "Your 10:30 appointment is here already: number 2. This person may need 45 minutes."
    assert warning(page) == said
    assert "may last past" not in page.text, "it waits already: nothing is gained by saying it on each line"
    clock.move_to(at("10:30"))
    page = seated.open("/my")  # now the appointment itself is the next one
    assert (page.root.one("button", id="next").text, warning(page)) == ("Next: 2", "")


def test_a_colleagues_appointment_is_no_matter_of_mine(
    seated: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    town.book("10:30", language="en")
    town.take_in()
    clock.move_to(at("10:22"))
    page = seated.open("/my")
    assert page.has_form("/my/calls") and "appointment is" not in page.text


def test_an_appointment_that_i_have_handed_over_is_no_longer_mine(
    seated: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    visit_id = planned(town, "10:30")
    clock.move_to(at("10:30"))
    town.arrive(visit_id)
    page = seated.follow(seated.press(seated.open("/my"), "/my/calls"))
    start = next(each.action for each in page.forms if each.action.endswith("/start"))
    seated.press(page, start)
    seated.press(seated.open(start.replace("/start", "/hand-over")), "/hand-over", adviser="awo-2")
    town.take_in(age_group="from_27", language="ar")
    page = seated.open("/my")
    assert page.has_form("/my/calls") and "10:30 appointment is" not in page.text


def test_while_somebody_is_here_the_next_appointment_is_said(
    seated: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    planned(town, "10:30")
    town.take_in(age_group="from_27", language="ar")
    seated.press(seated.open("/my"), "/my/calls")
    assert "Your next appointment is at 10:30." in seated.open("/my").text
    clock.move_to(at("10:22"))
    assert "Your 10:30 appointment is in 8 minutes." in seated.open("/my").text


# Parked


def test_a_parked_visit_is_seen_as_parked_and_may_be_called(desk: Visitor, seated: Visitor, town: LiveTown) -> None:
    visit_id = town.take_in()
    parked = desk.follow(desk.press(desk.open("/desk"), f"/desk/visits/{visit_id}/parking"))
    line = parked.root.one("li", id=f"visit-{visit_id}")
    assert "parked since 9:05" in line.text and "‖" in line.text
    assert "Called and in consultation" not in parked.text
    page = seated.open("/my")
    assert "parked since 9:05" in page.text and not page.has_form("/my/calls")
    seated.press(page, f"/my/visits/{visit_id}/calls")
    assert town.visit(visit_id).state == "called"


def test_the_desk_brings_a_parked_visit_back_to_its_old_place(
    desk: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    visit_id = town.take_in()
    desk.press(desk.open("/desk"), f"/desk/visits/{visit_id}/parking")
    clock.move_to(at("09:40"))
    desk.press(desk.open("/desk"), f"/desk/visits/{visit_id}/return")
    stored = town.visit(visit_id)
    assert (stored.state, stored.arrived_at) == ("waiting", at("09:05"))


def test_parking_an_appointment_by_hand_of_another_desk_or_in_another_state_is_refused(
    app: Flask, desk: Visitor, adviser: Visitor, town: LiveTown
) -> None:
    booked, waiting = town.book("10:00"), town.take_in()
    other = Visitor(app).log_in_as(town.account(desk="awo-buero"))
    pages, before = {each: each.open("/code") for each in (desk, adviser, other)}, town.dump()
    for act in ("parking", "return"):
        assert other.post(f"/desk/visits/{waiting}/{act}", pages[other]).status == 404
        assert adviser.post(f"/desk/visits/{waiting}/{act}", pages[adviser]).status == 403
        assert adviser.post(f"/my/intake/visits/{waiting}/{act}", pages[adviser]).status == 404  # a desk takes them in
        assert desk.post(f"/desk/visits/{booked}/{act}", pages[desk]).status == 409
    assert desk.post(f"/desk/visits/{waiting}/return", pages[desk]).status == 409
    assert town.dump() == before


def test_an_adviser_without_a_desk_parks_and_brings_back(app: Flask, adviser: Visitor, town: LiveTown) -> None:
    visit_id = town.take_in()
    page = adviser.follow(adviser.press(adviser.open("/my"), f"/my/intake/visits/{visit_id}/parking"))
    assert "parked since" in page.text
    adviser.press(page, f"/my/intake/visits/{visit_id}/return")
    assert town.visit(visit_id).state == "waiting"


# Who missed the call


def test_the_desk_checks_a_walk_in_in_again_that_missed_the_call(
    desk: Visitor, seated: Visitor, town: LiveTown
) -> None:
    visit_id = town.take_in()
    page = seated.follow(seated.press(seated.open("/my"), "/my/calls"))
    seated.press(page, next(each.action for each in page.forms if each.action.endswith("/missed")))
    assert town.visit(visit_id).state == "missed"
    desk.press(desk.open("/desk"), f"/desk/visits/{visit_id}/check-in")
    stored = town.visit(visit_id)
    assert (stored.state, stored.ticket, stored.arrived_at) == ("waiting", 1, at("09:05"))


# Fetch in person


def test_whoever_is_to_be_fetched_is_marked_without_a_reason(desk: Visitor, seated: Visitor, town: LiveTown) -> None:
    desk.press(desk.open("/desk"), "/desk/visits", fetch="1")
    visit = town.newest_visit()
    assert visit.fetch_in_person
    assert "fetch in person" in desk.open("/desk/queue").text
    page = seated.follow(seated.press(seated.open("/my"), "/my/calls"))
    assert "Please fetch this person from the waiting room." in page.text
    seated.press(page, next(each.action for each in page.forms if each.action.endswith("/start")))
    assert "Please fetch" not in seated.open("/my").text


def test_the_answers_page_keeps_and_takes_the_mark_away(desk: Visitor, town: LiveTown) -> None:
    desk.press(desk.open("/desk"), "/desk/visits", fetch="1")
    visit_id = town.newest_visit().id
    page = desk.open(f"/desk/visits/{visit_id}/answers")
    desk.press(page, "/answers", people="2")
    assert town.visit(visit_id).fetch_in_person
    desk.press(page, "/answers", fetch=None)
    assert not town.visit(visit_id).fetch_in_person


def test_the_board_goes_on_showing_the_number(desk: Visitor, seated: Visitor, visitor: Visitor, town: LiveTown) -> None:
    town.take_in(fetch_in_person=True)
    seated.press(seated.open("/my"), "/my/calls")
    board = visitor.open("/board/buergerbuero")
    assert "Tisch 1" in board.text and "fetch" not in board.html.replace("fetch(", "")


# The opening is over


@pytest.fixture
def strict_hours(town: LiveTown) -> Iterator[None]:
    """Nobody is called past the end."""
    hours_id = town.read(lambda session: session.query(Hours).filter_by(key=SESSION).one().id)
    town.set(Hours, hours_id, after_until=False)
    yield
    town.set(Hours, hours_id, after_until=True)  # the set-up is shared by all tests


def test_after_the_end_numbers_are_no_longer_called_but_may_be_picked(
    strict_hours: None, seated: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    visit_id = town.take_in()
    page = seated.open("/my")
    assert page.has_form("/my/calls")
    clock.move_to(at("12:00"))
    over = seated.open("/my")
    assert "The opening is over. Numbers are no longer called." in over.text
    assert not over.has_form("/my/calls")
    refused = seated.follow(seated.press(page, "/my/calls"))
    assert "The opening is over." in refused.root.one("p", class_="notice--wrong").text
    assert town.visit(visit_id).state == "waiting"
    seated.press(over, f"/my/visits/{visit_id}/calls")
    assert town.visit(visit_id).state == "called"


def test_where_the_rule_says_so_numbers_are_called_past_the_end(
    seated: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    visit_id = town.take_in()
    clock.move_to(at("12:20"))
    page = seated.open("/my")
    assert "The opening is over" not in page.text
    seated.press(page, "/my/calls")
    assert town.row(Visit, visit_id).state == "called"
