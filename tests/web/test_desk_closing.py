"""The end of the morning at the desk: a page that shows whom it ends, one press, and the way back."""

from __future__ import annotations

import time_machine
from flask import Flask
from sqlalchemy import select

from scheduler.models import Opening
from tests.actions.small_town import WEDNESDAY, at
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.test_desk_markup import faults_of
from tests.web.visitor import Visitor


def closed_at(town: LiveTown) -> object:
    return town.read(
        lambda s: s.scalars(select(Opening.closed_at).where(Opening.original_on == WEDNESDAY)).one_or_none()
    )


def people(page: Page) -> dict[str, int]:
    """How many stand under each heading."""
    headings = [each.text for each in page.root.all("h2")]
    return dict(zip(headings, [len(each.all("li")) for each in page.root.all("ul", class_="lines")], strict=True))


def test_the_page_shows_whom_closing_ends_and_whom_it_leaves(
    desk: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    late, to_come = town.book("09:30"), town.book("11:45")
    for _ in range(3):
        town.take_in()
    clock.move_to(at("11:40"))
    page = desk.open(desk.open("/desk").root.one("a", id="close").attrs["href"])
    assert people(page) == {
        "3 people still wait": 3,
        "Appointments that did not come": 1,
        "Appointments still to come": 1,
    }
    assert faults_of(page) == []
    answered = desk.press(page, "/desk/close")
    assert (answered.status, closed_at(town)) == (303, at("11:40"))
    assert [town.visit(each).state for each in (late, to_come)] == ["missed", "booked"]
    after = desk.follow(answered)
    facts = after.root.one("div", class_="desk-facts").text
    assert "Closed" in facts
    assert "newcomer waits" not in facts
    assert "This opening is closed for today." in after.root.one("form", class_="register").text


def test_who_is_in_consultation_must_be_finished_first(desk: Visitor, adviser: Visitor, town: LiveTown) -> None:
    town.take_in(age_group="from_27", language="ar")
    town.seat("awo-1")
    consultation = town.call_next("awo-1")
    adviser.press(adviser.open("/my"), f"/my/consultations/{consultation}/start")
    page = desk.open("/desk/close")
    assert people(page) == {"Still in consultation": 1}
    assert "at Tisch 1" in page.root.one("li", class_="line").text
    assert "waits since" not in page.root.one("li", class_="line").text
    assert "They stay until their adviser finishes." in page.text
    desk.press(page, "/desk/close")
    assert town.visit(town.consultation(consultation).visit_id).state == "in_consultation"
    adviser.press(adviser.open("/my"), f"/my/consultations/{consultation}/finish")
    assert town.visit(town.consultation(consultation).visit_id).state == "done"


def test_who_came_meanwhile_is_shown_first(desk: Visitor, town: LiveTown) -> None:
    town.take_in()
    page = desk.open("/desk/close")
    came = town.take_in()
    before = town.dump()
    again = desk.press(page, "/desk/close")
    assert again.status == 409
    assert town.dump() == before
    assert "Somebody came meanwhile." in again.text
    assert people(again) == {"2 people still wait": 2}
    desk.press(again, "/desk/close")
    assert town.visit(came).state == "not_served"


def test_closed_too_early_it_is_opened_again(desk: Visitor, town: LiveTown) -> None:
    waiting = town.take_in()
    desk.press(desk.open("/desk/close"), "/desk/close")
    page = desk.open("/desk")
    assert not page.root.all("a", id="close")
    refused = desk.post("/desk/visits", page, opening=f"buergerbuero-mi/{WEDNESDAY}", override="1")
    assert (refused.status, "This opening is over." in refused.text) == (409, True)
    desk.press(page, "/desk/reopen")
    assert closed_at(town) is None
    assert town.visit(waiting).state == "not_served"
    assert desk.open("/desk").has_form("/desk/visits")
    desk.press(desk.open("/desk"), "/desk/visits", quick="1")
    assert town.newest_visit().ticket == 2


def test_before_the_doors_open_there_is_nothing_to_close(
    app: Flask, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    clock.move_to(at("08:29"))
    desk = Visitor(app).log_in_as(town.account(desk="buergerbuero"))
    assert not desk.open("/desk").root.all("a", id="close")
    assert desk.open("/desk/close").status == 303
    assert desk.post(f"/desk/close?opening=buergerbuero-mi/{WEDNESDAY}").status == 409
    assert closed_at(town) is None


def test_what_the_form_carries_may_be_nonsense(desk: Visitor, town: LiveTown) -> None:
    town.take_in()
    page = desk.open("/desk/close")
    for ends in ("", "x", "²", "9" * 5000, "-1", "\x00", "1,2"):
        assert desk.press(page, "/desk/close", ends=ends).status == 409, ends[:20]
    assert closed_at(town) is None


def test_the_start_page_no_longer_sends_people_there(desk: Visitor, visitor: Visitor, town: LiveTown) -> None:
    town.take_in()
    assert "Open now" in visitor.open("/").text
    desk.press(desk.open("/desk/close"), "/desk/close")
    door = visitor.open("/").root.one("section", aria_labelledby="door-come").text
    assert "We have closed for today. The next opening: Wednesday, 2 December" in door
