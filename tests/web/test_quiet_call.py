"""One key at the desk asks an adviser to come, without a word."""

from __future__ import annotations

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from scheduler.models import Opening
from tests.actions.small_town import NEXT_WEDNESDAY, SESSION, WEDNESDAY, at
from tests.web.live_town import LiveTown
from tests.web.visitor import Visitor

WORDS = "Please come to the front desk."
CALL, END, ANSWER = "/desk/quiet-call", "/desk/quiet-call/end", "/my/quiet-call/answer"


@pytest.fixture
def colleague(app: Flask, town: LiveTown, open_day: None) -> Visitor:
    return Visitor(app).log_in_as(town.account(adviser="awo-2"))


def wanted_at(town: LiveTown) -> object:
    return town.read(lambda s: s.scalar(select(Opening.help_wanted_at).where(Opening.original_on == WEDNESDAY)))


def test_everybody_who_has_signed_in_sees_it_until_one_comes(
    desk: Visitor, adviser: Visitor, colleague: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    town.seat("awo-1")
    town.seat("awo-2")
    quiet = adviser.open("/my")
    assert WORDS not in quiet.text and not quiet.title.startswith("●")
    clock.move_to(at("09:41"))
    page = desk.follow(desk.press(desk.open("/desk"), CALL))
    assert "called at 9:41" in page.text and not page.has_form(CALL)
    for each in (adviser, colleague):
        shown = each.open("/my")
        assert WORDS in shown.text and shown.title.startswith("● My day")
    polled = colleague.open("/my/now")
    assert WORDS in polled.text and polled.root.one(data_wanted="")
    said = adviser.follow(adviser.press(adviser.open("/my"), ANSWER))
    assert "The desk knows that you are coming." in said.text
    assert WORDS not in colleague.open("/my").text and wanted_at(town) is None
    late = colleague.follow(colleague.post(ANSWER, polled))
    assert "Somebody is going already." in late.text
    assert desk.open("/desk").has_form(CALL)


def test_a_poll_hears_of_it_at_once(desk: Visitor, adviser: Visitor, town: LiveTown) -> None:
    town.seat("awo-1")
    etag = adviser.open("/my/now").headers["ETag"]
    assert adviser.open("/my/now", headers={"If-None-Match": etag}).status == 304
    desk.press(desk.open("/desk"), CALL)
    assert WORDS in adviser.open("/my/now", headers={"If-None-Match": etag}).text
    assert "called at 9:05" in desk.open("/desk/queue").text


def test_the_desk_takes_it_back(desk: Visitor, adviser: Visitor, town: LiveTown) -> None:
    town.seat("awo-1")
    page = desk.follow(desk.press(desk.open("/desk"), CALL))
    page = desk.follow(desk.press(page, END))
    assert page.has_form(CALL) and wanted_at(town) is None
    assert WORDS not in adviser.open("/my").text


def test_what_the_panel_holds_stays(desk: Visitor, town: LiveTown) -> None:
    town.seat("awo-1")
    address = f"{CALL}?opening={SESSION}/{WEDNESDAY}&book=1&language=ar&fetch=1&given=1&x=y"
    answer = desk.post(address, desk.open("/desk"))
    assert answer.status == 303
    for each in ("book=1", "language=ar", "fetch=1"):
        assert each in answer.location
    assert "given" not in answer.location and "x=y" not in answer.location


def test_there_is_no_button_while_nobody_could_hear_it(desk: Visitor, town: LiveTown) -> None:
    assert not desk.open("/desk").has_form(CALL)


def test_on_a_break_one_hears_it_and_after_leaving_not(desk: Visitor, adviser: Visitor, town: LiveTown) -> None:
    town.seat("awo-1")
    town.seat("awo-2")
    desk.press(desk.open("/desk"), CALL)
    adviser.press(adviser.open("/my"), "/my/presence/break")
    page = adviser.open("/my")
    assert WORDS in page.text
    adviser.press(page, "/my/presence/gone")
    assert WORDS not in adviser.open("/my").text
    assert adviser.post(ANSWER, page).status == 404
    assert wanted_at(town) == at("09:05")


def test_only_those_who_are_there_may_answer(
    desk: Visitor, colleague: Visitor, visitor: Visitor, town: LiveTown
) -> None:
    town.seat("awo-1")
    desk.press(desk.open("/desk"), CALL)
    page, before = colleague.open("/code"), town.dump()
    assert colleague.post(ANSWER, page).status == 404  # awo-2 has not signed in
    assert desk.post(ANSWER, page := desk.open("/code")).status == 403
    assert colleague.post(END, colleague.open("/code")).status == 403
    assert visitor.post(END, visitor.open("/code")).status == 303
    for wrong in ("", "x", f"{SESSION}/{NEXT_WEDNESDAY}", "awo-do/2026-11-26", "\x00/2026-11-25"):
        assert desk.post(f"{END}?opening={wrong}", page).status == 404, wrong
        assert desk.post(f"{CALL}?opening={wrong}", page).status == 404, wrong
    assert town.dump() == before
