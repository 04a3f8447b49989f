"""An adviser's own mark on an appointment: that adviser alone reads, changes and deletes it."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select, text

from scheduler.models import CaseMark
from tests.actions.small_town import NEXT_WEDNESDAY, at
from tests.web.live_town import LiveTown
from tests.web.visitor import Visitor

MARK = "Akte 17/b"


@pytest.fixture
def marked(adviser: Visitor, town: LiveTown) -> int:
    """An appointment of awo-1 in an hour, with a mark."""
    visit_id = town.book("10:30", adviser_key="awo-1")
    put(adviser, visit_id, MARK)
    return visit_id


def put(who: Visitor, visit_id: int, mark: str) -> int:
    address = f"/my/appointments/{visit_id}/mark"
    return who.press(who.open(address), address, mark=mark).status


def marks(town: LiveTown) -> dict[int, str]:
    return town.read(lambda session: {each.visit_id: each.mark for each in session.scalars(select(CaseMark))})


def test_it_stands_in_the_own_list_and_beside_the_next_appointment(adviser: Visitor, marked: int) -> None:
    page = adviser.open("/my")
    assert page.text.count(MARK) == 2
    assert MARK in adviser.open("/my/now").text


def test_it_stands_beside_whoever_is_with_me(adviser: Visitor, town: LiveTown, marked: int) -> None:
    town.seat("awo-1")
    town.arrive(marked)
    town.call_next("awo-1")
    assert MARK in adviser.open("/my/now").text


def test_the_refreshed_part_shows_a_new_mark_at_once(adviser: Visitor, marked: int) -> None:
    etag = adviser.open("/my/now").headers["ETag"]
    put(adviser, marked, "other")
    answer = adviser.open("/my/now", headers={"If-None-Match": etag})
    assert (answer.status, "other" in answer.text) == (200, True)


def test_it_is_changed_and_taken_away(adviser: Visitor, town: LiveTown, marked: int) -> None:
    assert put(adviser, marked, "  two   words ") == 303
    assert marks(town) == {marked: "two words"}
    assert put(adviser, marked, "") == 303
    assert marks(town) == {}
    assert MARK not in adviser.open("/my").text


@pytest.mark.parametrize("mark", ["x" * 21, "a\x07b", "a\u202eb", "\ue000", "ä" * 400])
def test_what_is_too_long_or_no_text_is_refused(adviser: Visitor, town: LiveTown, marked: int, mark: str) -> None:
    page = adviser.post(f"/my/appointments/{marked}/mark", mark=mark)
    assert (page.status, page.root.one("p", id="mark-wrong").text != "") == (422, True)
    assert marks(town) == {marked: MARK}


@pytest.mark.parametrize("mark", ["x" * 20, "پرونده\u200cها ۱۷", "<b>&'\"", "Справа №3"])
def test_every_script_has_twenty_letters(adviser: Visitor, town: LiveTown, marked: int, mark: str) -> None:
    assert put(adviser, marked, mark) == 303
    assert marks(town) == {marked: mark}
    assert adviser.open(f"/my/appointments/{marked}/mark").form("/mark").values["mark"] == mark


def test_the_database_holds_it_encrypted(town: LiveTown, marked: int) -> None:
    stored = town.read(lambda session: session.execute(text("SELECT mark FROM case_mark")).scalar_one())
    assert MARK.encode() not in bytes(stored)


def test_nobody_else_sees_or_changes_it(app: Flask, desk: Visitor, town: LiveTown, marked: int) -> None:
    colleague = Visitor(app).log_in_as(town.account(adviser="ib-1"))
    address = f"/my/appointments/{marked}/mark"
    assert [colleague.open(address).status, colleague.post(address, mark="x").status] == [404, 404]
    assert [desk.open(address).status, desk.post(address, mark="x").status] == [403, 403]
    assert Visitor(app).open(address).status == 303
    for who, pages in (
        (colleague, ("/my", "/my/now")),
        (desk, ("/desk", "/desk/queue", f"/appointments/{marked}", f"/appointments/{marked}/slip")),
        (Visitor(app), (f"/visits/{town.token(marked)}", "/board/buergerbuero")),
    ):
        for page in pages:
            assert MARK not in who.open(page).html, page
    assert marks(town) == {marked: MARK}


def test_an_appointment_with_nobody_takes_none(adviser: Visitor, town: LiveTown, marked: int) -> None:
    page = adviser.open(f"/my/appointments/{marked}/mark")
    adviser.press(adviser.open(f"/appointments/{marked}/cancellation"), "/cancellation")
    assert adviser.press(page, "/mark", mark="late").status == 404


def test_it_does_not_go_along_when_the_visit_is_handed_over(adviser: Visitor, town: LiveTown, marked: int) -> None:
    town.seat("awo-1")
    town.seat("ib-1")
    town.arrive(marked)
    consultation = town.call_next("awo-1")
    adviser.press(adviser.open("/my"), "/start")
    page = adviser.open(f"/my/consultations/{consultation}/hand-over")
    answer = adviser.press(page, "/hand-over", service="JMD")
    assert answer.status == 303
    assert marks(town) == {}


def test_a_follow_up_is_booked_with_its_mark(adviser: Visitor, town: LiveTown) -> None:
    town.seat("awo-1")
    town.take_in(age_group="from_27", concern="letter")
    consultation = town.call_next("awo-1")
    town.serve(consultation)
    address = f"/my/consultations/{consultation}/follow-up"
    form = adviser.open(address).form("/follow-up")
    slot = form.offers("slot")[0]
    refused = adviser.open(address, method="POST", data=form.filled(slot=slot, mark="x" * 21))
    assert (refused.status, refused.form("/follow-up").values["mark"]) == (422, "x" * 21)
    assert marks(town) == {}
    assert adviser.open(address, method="POST", data=form.filled(slot=slot, mark=MARK)).status == 303
    assert marks(town) == {town.newest_visit().id: MARK}


def test_an_own_time_is_entered_with_its_mark(adviser: Visitor, town: LiveTown) -> None:
    page = adviser.open(f"/my/appointments/new?mark={MARK}")
    assert MARK not in page.html  # an address holds nothing personal, so none is read from it
    filled = {"on": NEXT_WEDNESDAY.isoformat(), "from": "15:00", "mark": MARK}
    assert adviser.press(page, "/my/appointments", **{**filled, "mark": "x" * 21}).status == 422
    assert adviser.press(page, "/my/appointments", **filled).status == 303
    assert marks(town) == {town.newest_visit().id: MARK}
    assert town.newest_visit().starts_at == at("15:00", NEXT_WEDNESDAY)
