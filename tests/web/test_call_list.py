"""Messages that did not arrive, and the warning when none is being sent at all."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from bench.statements import statements_of
from scheduler.actions.heartbeat import beat
from scheduler.actions.sending import mark_failed
from scheduler.models import Adviser, Message
from tests.actions.small_town import at
from tests.web.live_town import LiveTown
from tests.web.visitor import Visitor

STANDS_STILL = "Please call IT: the jobs process stands still."


@pytest.fixture
def dead(town: LiveTown) -> int:
    """The confirmation of an appointment at the Bürgerbüro, to an address that does not exist."""
    booked = town.book("10:00")
    town.leave_contact(booked, reminders=False)

    def kill(session: Session) -> int:
        message = session.scalars(select(Message).where(Message.visit_id == booked)).one()
        mark_failed(session, message, "SMTPRecipientsRefused 550", datetime.now(UTC), permanent=True)
        return message.id

    return town.change(kill)


def work(town: LiveTown) -> None:
    """The jobs process shows that it is there."""
    town.change(lambda session: beat(session, datetime.now(UTC)))


def test_a_letter_that_died_is_shown_with_its_reason_and_no_address(desk: Visitor, town: LiveTown, dead: int) -> None:
    page = desk.open("/call-list")
    assert "Messages that did not arrive" in page.text
    assert "This address is wrong, or takes no mail." in page.text
    code = town.visit(town.row(Message, dead).visit_id).code or ""
    assert f"{code[:3]} {code[3:6]} {code[6:]}" in page.text
    assert "example.org" not in page.html and "SMTP" not in page.text


def test_the_way_to_it_says_how_much_waits(app: Flask, desk: Visitor, town: LiveTown, dead: int) -> None:
    def shown(visitor: Visitor, address: str) -> list[str]:
        return [each.text for each in visitor.open(address).root.all("a", href="/call-list")]

    planned = town.row(Adviser, town.visit(town.row(Message, dead).visit_id).planned_adviser_id or 0)
    adviser = Visitor(app).log_in_as(town.account(adviser=planned.key))
    assert shown(desk, "/desk") == ["Call list 1"]
    assert shown(adviser, "/my/feeds") == ["Call list 1"]
    town.set(Message, dead, state="dropped")
    assert shown(desk, "/desk") == ["Call list"]
    assert shown(adviser, "/my/feeds") == []


def test_it_is_tried_again_or_done_with(desk: Visitor, town: LiveTown, dead: int) -> None:
    again = desk.follow(desk.press(desk.open("/call-list"), f"/call-list/{dead}/again"))
    assert "It is sent again in a moment." in again.text
    assert town.row(Message, dead).state == "pending"
    town.set(Message, dead, state="dead")
    desk.press(desk.open("/call-list"), f"/call-list/{dead}/done")
    assert town.row(Message, dead).state == "dropped"
    assert "Messages that did not arrive" not in desk.open("/call-list").text


def test_others_neither_see_nor_touch_it(
    app: Flask, desk: Visitor, visitor: Visitor, town: LiveTown, dead: int
) -> None:
    for account in (town.account(desk="awo-buero"), town.account(adviser="ib-1")):
        other = Visitor(app).log_in_as(account)
        assert "Messages that did not arrive" not in other.open("/call-list").text
        for verb in ("again", "done"):
            assert other.post(f"/call-list/{dead}/{verb}").status == 404
    assert visitor.post(f"/call-list/{dead}/done").location.startswith("/login")
    assert town.row(Message, dead).state == "dead"


@pytest.mark.parametrize("address", ["/desk", "/desk/queue", "/call-list", "/desk/dates"])
def test_every_page_of_staff_says_when_nothing_is_being_sent(
    desk: Visitor, town: LiveTown, clock: time_machine.Traveller, address: str
) -> None:
    work(town)
    clock.move_to(at("09:14"))
    assert STANDS_STILL not in desk.open(address).text
    clock.move_to(at("09:16"))
    page = desk.open(address)
    assert page.text.count(STANDS_STILL) == 1
    assert "since 9:05" in page.text
    work(town)
    assert STANDS_STILL not in desk.open(address).text


@pytest.mark.parametrize("address", ["/my", "/my/now", "/my/absences"])
def test_advisers_are_warned_too(adviser: Visitor, town: LiveTown, clock: time_machine.Traveller, address: str) -> None:
    work(town)
    clock.move_to(at("09:16"))
    assert adviser.open(address).text.count(STANDS_STILL) == 1


def test_a_page_that_stays_open_is_warned_although_nothing_else_has_changed(
    desk: Visitor, town: LiveTown, clock: time_machine.Traveller
) -> None:
    work(town)
    clock.move_to(at("09:14:59"))
    etag = desk.open("/desk/queue").headers["ETag"]
    assert desk.open("/desk/queue", headers={"If-None-Match": etag}).status == 304
    clock.move_to(at("09:15:31"))
    assert desk.open("/desk/queue", headers={"If-None-Match": etag}).status == 200


def test_polls_that_have_no_news_take_no_statement_more(
    desk: Visitor, town: LiveTown, clock: time_machine.Traveller
) -> None:
    work(town)
    etag = desk.open("/desk/queue").headers["ETag"]
    with statements_of(town.database) as seen:
        assert desk.open("/desk/queue", headers={"If-None-Match": etag}).status == 304
    assert not [each for each in seen if "heartbeat" in each]


def test_clients_are_not_told(visitor: Visitor, town: LiveTown, clock: time_machine.Traveller) -> None:
    work(town)
    clock.shift(3600 * 5)
    for address in ("/", "/board/buergerbuero"):
        assert STANDS_STILL not in visitor.open(address).text
