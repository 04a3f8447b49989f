"""Erase a visit: asked first, done at once; the link then says that it is over; nobody else's can be erased."""

from __future__ import annotations

import pytest
import time_machine
from flask import Flask

from scheduler.models import Contact, Message, MonthlyCount, Opening, Step, Visit
from tests.actions.small_town import NEXT_WEDNESDAY, OFFICE, THURSDAY, at
from tests.web.live_town import LiveTown
from tests.web.visitor import Visitor


@pytest.fixture
def booked(town: LiveTown) -> int:
    """Wednesday at ten, with an e-mail address."""
    visit_id = town.book("10:00")
    town.leave_contact(visit_id)
    return visit_id


def own_page(town: LiveTown, visit_id: int) -> str:
    return f"/visits/{town.token(visit_id)}/erasure"


def test_a_client_is_asked_and_then_nothing_is_left(visitor: Visitor, town: LiveTown, booked: int) -> None:
    address, before = own_page(town, booked), town.count(Visit)
    assert address in visitor.open(address.removesuffix("/erasure")).links
    page = visitor.open(address)
    assert "Delete all my data?" in page.text
    assert "You get no message from us." in page.text
    answer = visitor.press(page, address)
    assert (answer.status, "We have deleted everything about this visit." in answer.text) == (200, True)
    assert [town.count(each) for each in (Contact, Message)] == [0, 0]
    assert town.count(Visit) == before - 1
    assert town.read(lambda session: session.get(Visit, booked)) is None
    assert town.count(MonthlyCount) > 0


def test_link_and_code_then_open_nothing(visitor: Visitor, town: LiveTown, booked: int) -> None:
    page, code = f"/visits/{town.token(booked)}", town.visit(booked).code
    visitor.press(visitor.open(f"{page}/erasure"), "/erasure")
    gone = visitor.open(page)
    assert (gone.status, "The link no longer works." in gone.text) == (410, True)
    for each in ("/erasure", "/cancellation", "/move", "/appointment.ics", "/qr.svg"):
        assert visitor.open(page + each).status == 410
    assert visitor.press(visitor.open("/code"), "/code", code=code).status == 404
    assert visitor.open(f"/api/v1/bookings/{page.rpartition('/')[2]}").status in (404, 410)


def test_a_made_up_link_says_no_more_than_before(visitor: Visitor, town: LiveTown, booked: int) -> None:
    token = town.token(booked)
    visitor.press(visitor.open(own_page(town, booked)), "/erasure")
    wrong = token[:-1] + ("A" if token[-1] != "A" else "B")
    for each in (wrong, f"{booked}-", f"{booked + 1}{token[token.index('-') :]}"):
        assert visitor.open(f"/visits/{each}").status == 404


def test_opening_the_page_erases_nothing(visitor: Visitor, town: LiveTown, booked: int) -> None:
    before = town.dump()
    visitor.open(own_page(town, booked))
    assert town.dump() == before


def test_whoever_is_in_the_house_is_asked_to_wait(desk: Visitor, visitor: Visitor, town: LiveTown, booked: int) -> None:
    page = visitor.open(own_page(town, booked))
    town.arrive(booked)
    before = town.dump()
    answer = visitor.press(page, "/erasure")
    assert answer.status == 303
    assert "We need your number until you are finished." in visitor.follow(answer).text
    staff = desk.open(f"/appointments/{booked}/erasure")
    assert "Wait until the visit is over." in staff.text
    assert not staff.has_form("/erasure")
    assert desk.post(f"/appointments/{booked}/erasure").status == 303
    assert town.dump() == before


def test_a_walk_in_that_has_left_can_be_erased_by_its_link(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    visit_id = town.take_in(language="ar")
    ticket = f"/tickets/{town.token(visit_id)}"
    assert own_page(town, visit_id) not in visitor.open(ticket).links
    town.set(Visit, visit_id, state="left", ended_at=at("09:30"))
    assert own_page(town, visit_id) in visitor.open(ticket).links
    assert visitor.press(visitor.open(own_page(town, visit_id)), "/erasure").status == 200
    assert town.read(lambda session: session.get(Visit, visit_id)) is None


def test_the_desk_erases_for_a_client_on_the_phone(desk: Visitor, town: LiveTown, booked: int) -> None:
    address = f"/appointments/{booked}/erasure"
    assert address in desk.open(f"/appointments/{booked}").links
    page = desk.open(address)
    assert "The client gets no message: tell them now." in page.text
    answer = desk.press(page, address)
    assert (answer.status, "/desk" in answer.links) == (200, True)
    assert desk.open(f"/appointments/{booked}").status == 404
    assert desk.post(address).status == 404


def test_staff_erase_a_visit_of_long_ago(
    desk: Visitor, town: LiveTown, booked: int, clock: time_machine.Traveller
) -> None:
    town.set(Visit, booked, state="missed", planned_adviser_id=None, ended_at=at("12:00"))
    clock.move_to(at("09:00", NEXT_WEDNESDAY))
    page = desk.log_in_as(town.account(desk="buergerbuero")).open(f"/appointments/{booked}/erasure")
    assert desk.press(page, "/erasure").status == 200
    assert town.read(lambda session: session.get(Visit, booked)) is None


def test_nobody_erases_what_is_not_theirs(app: Flask, visitor: Visitor, town: LiveTown, open_day: None) -> None:
    own, elsewhere = town.book("10:30", adviser_key="awo-1"), town.book("14:00", key=OFFICE, on=THURSDAY)
    before = town.dump()
    desk = Visitor(app).log_in_as(town.account(desk="buergerbuero"))
    adviser = Visitor(app).log_in_as(town.account(adviser="ib-1"))
    administrator = Visitor(app).log_in_as(town.account(administrator=True))
    for who, visit_id, status in ((desk, elsewhere, 404), (adviser, own, 404), (administrator, own, 403)):
        address = f"/appointments/{visit_id}/erasure"
        assert [who.open(address).status, who.post(address).status] == [status, status]
    assert visitor.open(f"/appointments/{own}/erasure").status == 303
    after = town.dump()
    assert {name: rows for name, rows in after.items() if name not in ("account", "account_role")} == {
        name: rows for name, rows in before.items() if name not in ("account", "account_role")
    }


def test_lists_that_staff_look_at_are_renewed(desk: Visitor, visitor: Visitor, town: LiveTown, booked: int) -> None:
    opening = town.visit(booked).opening_id
    version = town.row(Opening, opening).version
    assert "10:00" in desk.open("/desk").text
    visitor.press(visitor.open(own_page(town, booked)), "/erasure")
    assert town.row(Opening, opening).version > version
    assert town.count(Step) == town.read(lambda session: session.query(Step).filter(Step.visit_id != booked).count())
