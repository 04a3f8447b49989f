"""Full house at the desk: why, times instead, one number all the same, turned away by one key, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, time

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.db import Base
from scheduler.models import Hours, Opening, TurnedAway, Visit
from tests.actions.small_town import OFFICE, SESSION, THURSDAY, WEDNESDAY, at, hours_of, place_of
from tests.web.live_town import FROM_THE_FILE, LiveTown
from tests.web.page import Page
from tests.web.test_desk_booking import offered
from tests.web.test_desk_markup import faults_of
from tests.web.visitor import Visitor

Foretell = Callable[..., None]
HERE = f"{SESSION}/{WEDNESDAY}"
ROUTES = ("tickets/stop", "tickets/resume", "tickets/open", "turned-away", "turned-away/undo", "close", "reopen")


@pytest.fixture
def full(foretell: Foretell) -> None:
    foretell(0.3)


def opening(town: LiveTown) -> Opening:
    found = town.read(lambda s: s.scalars(select(Opening.id).where(Opening.original_on == WEDNESDAY)).one())
    return town.row(Opening, found)


def box(page: Page) -> str:
    found = page.root.all("section", class_="full-house")
    return found[0].text if found else ""


def keys(page: Page) -> list[str]:
    return [each.attrs["data-key"] for each in page.root.all() if "data-key" in each.attrs]


# The panel


def test_a_full_house_says_why_and_asks_for_what_a_time_needs(desk: Visitor, full: None) -> None:
    page = desk.open("/desk")
    assert "whoever comes now will probably not be served before 12:00" in box(page)
    assert "No more numbers" in page.root.one("div", class_="desk-facts").text
    questions = next(each for each in page.forms if each.method == "get")
    assert {"age", "concern", "language"} <= {name for name, _ in questions.fields}
    assert not page.root.all("button", name="quick"), "no key gives a number by mistake"
    assert faults_of(page) == []


@pytest.mark.parametrize(
    ("why", "words"), [("stopped", "No more numbers are given today."), ("limit", "All numbers of")]
)
def test_so_it_is_when_staff_stopped_or_all_are_given(
    desk: Visitor, town: LiveTown, foretell: Foretell, limits: Callable[[int | None], None], why: str, words: str
) -> None:
    foretell(1.0)
    visit = town.visit(town.take_in())
    if why == "stopped":
        town.set(Opening, visit.opening_id, tickets="stopped")
    else:
        limits(1)
    assert words in box(desk.open("/desk"))


@pytest.fixture
def limits(town: LiveTown) -> Iterator[Callable[[int | None], None]]:
    """For one test alone: the tables of the town's file are not emptied."""

    def limit(number: int | None) -> None:
        town.change(lambda session: setattr(hours_of(session), "ticket_limit", number))

    yield limit
    limit(None)


def test_times_at_every_place_are_booked_by_one_press(desk: Visitor, town: LiveTown, full: None) -> None:
    page = desk.open("/desk")
    first = offered(page)
    assert {each.rpartition("/")[0].partition("/")[0] for each in first} == {SESSION, OFFICE}
    booked = desk.follow(desk.send(page.form("/desk/bookings"), slot=first[-1]))
    assert "Booked. Please say this:" in booked.text
    assert (town.newest_visit().kind, town.newest_visit().state) == ("appointment", "booked")


def test_the_full_opening_offers_none_of_its_own_last_times(desk: Visitor, town: LiveTown, full: None) -> None:
    """They would pass all who wait. A caller, while there is room, is offered them."""
    assert not [each for each in offered(desk.open("/desk")) if each.startswith(HERE)]


def test_answers_narrow_the_times_and_stay(desk: Visitor, full: None) -> None:
    questions = next(each for each in desk.open("/desk").forms if each.method == "get")
    asked = questions.filled(age="under_27", concern="letter", language="uk", times="1")
    page = desk.open("/desk", query_string=asked)
    assert box(page)
    assert {each.partition("/")[0] for each in offered(page)} == {SESSION}, "nobody speaks Ukrainian at the office"
    values = page.form("/desk/bookings").values
    assert (values["age"], values["language"]) == ("under_27", "uk")
    assert faults_of(page) == []


def test_who_filled_up_the_house_meanwhile_is_told_and_the_answers_stay(
    desk: Visitor, town: LiveTown, foretell: Foretell
) -> None:
    foretell(0.9)
    page, before = desk.open("/desk"), town.count(Visit)
    foretell(0.3)
    refused = desk.press(page, "/desk/visits", age="from_27", concern="letter", language="ar")
    assert (refused.status, town.count(Visit)) == (409, before)
    assert refused.root.one("section", class_="full-house").all("p", role="alert")
    kept = next(each for each in refused.forms if each.method == "get").values
    assert (kept["age"], kept["concern"], kept["language"]) == ("from_27", "letter", "ar")


def test_one_number_all_the_same_and_no_more(desk: Visitor, town: LiveTown, full: None) -> None:
    page = desk.open("/desk?age=from_27&language=ar")
    given = desk.press(page, "/desk/visits")
    assert (given.status, town.newest_visit().ticket) == (303, 1)
    after = desk.follow(given)
    assert after.root.one("p", class_="given-big").text == "1"
    assert box(after)


@pytest.mark.parametrize(("clock_at", "reason"), [("08:29", "given later"), ("12:00", "is over")])
def test_no_press_gives_a_number_at_another_time(
    app: Flask, town: LiveTown, clock: time_machine.Coordinates, full: None, clock_at: str, reason: str
) -> None:
    before = town.count(Visit)
    clock.move_to(at(clock_at))
    desk = Visitor(app).log_in_as(town.account(desk="buergerbuero"))
    refused = desk.post("/desk/visits", desk.open("/code"), opening=HERE, override="1")
    assert (refused.status, town.count(Visit)) == (409, before)
    assert reason in refused.text


def test_a_time_for_somebody_who_waits_is_offered_as_ever(desk: Visitor, town: LiveTown, foretell: Foretell) -> None:
    foretell(0.9)
    waiting = town.take_in(age_group="from_27", concern="letter")
    foretell(0.3)
    page = desk.open(desk.open("/desk").root.one("a", id=f"offer-{waiting}").attrs["href"])
    assert "Time for number 1" in page.text
    assert box(page) == ""


# Turned away


def test_turned_away_is_counted_and_taken_back(
    desk: Visitor, town: LiveTown, clock: time_machine.Coordinates, full: None
) -> None:
    for number in (1, 2):
        page = desk.follow(desk.press(desk.open("/desk"), "/desk/turned-away"))
        assert ("1 person turned away today" if number == 1 else "2 people turned away today") in box(page)
    desk.press(page, "/turned-away/undo")
    assert town.count(TurnedAway) == 1
    clock.shift(601)
    late = desk.open("/desk")
    assert not late.has_form("/turned-away/undo")
    assert desk.press(page, "/turned-away/undo").status == 409
    assert town.count(TurnedAway) == 1


def test_turned_away_has_a_key_of_its_own_and_every_language_keeps_its(
    desk: Visitor, full: None, foretell: Foretell
) -> None:
    page = desk.open("/desk")
    found = keys(page)
    assert {key for key in found if found.count(key) > 1} == set()
    assert {"s", "w", "Enter"} <= set(found)
    assert page.root.one("section", class_="full-house").one("button", **{"data-key": "w"}).text == "w Turned away"
    in_booking = language_keys(page)
    foretell(0.9)
    assert language_keys(desk.open("/desk")) == in_booking


def language_keys(page: Page) -> dict[str, str]:
    return {
        each.attrs["value"]: each.attrs["data-key"]
        for each in page.root.all("input", name="language")
        if "data-key" in each.attrs
    }


# The door


def test_one_key_stops_starts_and_overrides(desk: Visitor, town: LiveTown, foretell: Foretell) -> None:
    foretell(0.9)
    seen = []
    for _ in range(3):
        button = desk.open("/desk").root.one("button", id="door")
        seen.append((button.text, button.attrs["data-key"]))
        form = next(each for each in desk.open("/desk").forms if "door" in [b.attrs.get("id") for b in each.buttons])
        desk.send(form)
        if len(seen) == 2:
            foretell(0.2)
    assert seen == [("s Stop numbers", "s"), ("s Give numbers again", "s"), ("s Give numbers all the same", "s")]
    page = desk.open("/desk")
    assert opening(town).tickets == "open"
    assert "Numbers all the same" in page.root.one("div", class_="desk-facts").text
    assert page.form("/desk/visits").offers("quick") == ["1"]
    desk.press(page, "/tickets/resume")
    assert box(desk.open("/desk"))


def test_what_was_ticked_for_somebody_stays_when_numbers_are_stopped(desk: Visitor) -> None:
    page = desk.open("/desk?age=from_27&language=ar")
    stop = next(each for each in page.forms if "/tickets/stop" in each.action)
    assert "data-carry" in stop.element.attrs
    answered = desk.open(f"{stop.action}&age=from_27&language=ar", method="POST", data=stop.filled())
    kept = next(each for each in desk.follow(answered).forms if each.method == "get").values
    assert (kept["age"], kept["language"]) == ("from_27", "ar")


def test_every_change_of_the_door_renews_the_poll(desk: Visitor, town: LiveTown) -> None:
    page, unseen = desk.open("/code"), []
    for route in (
        "tickets/stop",
        "tickets/open",
        "tickets/resume",
        "turned-away",
        "turned-away/undo",
        "close",
        "reopen",
    ):
        etag = desk.open("/desk/queue").headers["ETag"]
        assert desk.post(f"/desk/{route}?opening={HERE}", page).status == 303, route
        if desk.open("/desk/queue", headers={"If-None-Match": etag}).status != 200:
            unseen.append(route)
    assert unseen == []


@pytest.mark.parametrize("route", ROUTES)
def test_only_this_places_desk_may(app: Flask, desk: Visitor, town: LiveTown, route: str) -> None:
    town.take_in()
    town.change(lambda s: s.add(TurnedAway(opening_id=opening(town).id, at=at("09:05"))))
    others = {
        "nobody": (Visitor(app), 303),
        "adviser": (Visitor(app).log_in_as(town.account(adviser="awo-1")), 403),
        "another desk": (Visitor(app).log_in_as(town.account(desk="awo-buero")), 404),
    }
    before = town.dump()
    for name, (who, status) in others.items():
        assert who.post(f"/desk/{route}?opening={HERE}").status == status, name
    for wrong in ("", "x", f"{OFFICE}/{THURSDAY}", f"{SESSION}/2026-12-02", "\x00", f"{SESSION}/0001-01-01"):
        assert desk.post(f"/desk/{route}?opening={wrong}").status == 404, wrong
    assert desk.open(f"/desk/{route}?opening={HERE}", method="POST").status == 400, "no token"
    assert town.dump() == before


# Two openings at once


@pytest.fixture
def second_desk(town: LiveTown) -> Iterator[str]:
    """Other office hours at the same place and time. They go at the end: the file's tables are not emptied."""

    def add(session: Session) -> None:
        session.add(
            Hours(
                key="second-desk", place_id=place_of(session).id, services=["MBE"], rrule="FREQ=WEEKLY;BYDAY=WE",
                from_time=time(9), until_time=time(13), valid_from=date(2026, 1, 1), admits="walk_in",
                advisers=["awo-2"],
            )
        )  # fmt: skip

    def remove(session: Session) -> None:
        for table in reversed(Base.metadata.sorted_tables):
            if table.name not in FROM_THE_FILE:
                session.execute(table.delete())
        session.delete(hours_of(session, "second-desk"))

    town.change(add)
    yield f"second-desk/{WEDNESDAY}"
    town.change(remove)


def test_two_openings_at_once_share_numbers_and_stand_behind_tabs(
    desk: Visitor, town: LiveTown, foretell: Foretell, second_desk: str
) -> None:
    foretell(1.0)
    tickets = []
    for public_id in (HERE, second_desk, HERE, second_desk):
        page = desk.open(f"/desk?opening={public_id}")
        tabs = page.root.one("nav", class_="filter")
        assert [each.text for each in tabs.all("a")] == ["9:00–12:00", "9:00–13:00"]
        desk.press(page, "/desk/visits", quick="1")
        visit = town.newest_visit()
        tickets.append((visit.ticket, town.row(Opening, visit.opening_id).hours_id))
    assert [number for number, _ in tickets] == [1, 2, 3, 4]
    assert [hours for _, hours in tickets] == [tickets[0][1], tickets[1][1]] * 2
    assert [each.text for each in desk.open(f"/desk?opening={second_desk}").root.all("span", class_="number")] == [
        "2",
        "4",
    ]


def test_stopping_one_of_two_leaves_the_other_open(desk: Visitor, foretell: Foretell, second_desk: str) -> None:
    foretell(1.0)
    desk.press(desk.open(f"/desk?opening={HERE}"), "/tickets/stop")
    assert box(desk.open(f"/desk?opening={HERE}"))
    assert box(desk.open(f"/desk?opening={second_desk}")) == ""
