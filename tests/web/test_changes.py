"""Absences, changed dates and the call list, as desk and advisers use them; and who may not."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from scheduler.actions.rulebook import read_rulebook
from scheduler.models import Absence, HoursException, Message, Visit
from tests.actions.small_town import NEXT_WEDNESDAY, OFFICE, SESSION, THURSDAY, WEDNESDAY, adviser_of, at
from tests.web.live_town import LiveTown
from tests.web.page import Form, Page
from tests.web.visitor import Visitor

TUESDAY = date(2026, 11, 24)
EFFECTS = "/my/absences/effects"
A_DATE = f"/desk/dates/{SESSION}/{WEDNESDAY}"


@pytest.fixture
def evening(clock: time_machine.Coordinates) -> None:
    clock.move_to(at("19:00", TUESDAY))


@pytest.fixture
def ill(app: Flask, town: LiveTown, three_at_once: None, evening: None) -> Visitor:
    """awo-1, on Tuesday evening."""
    return Visitor(app).log_in_as(town.account(adviser="awo-1"))


@pytest.fixture
def front(app: Flask, town: LiveTown, three_at_once: None, evening: None) -> Visitor:
    """The desk of the session's place, on Tuesday evening."""
    return Visitor(app).log_in_as(town.account(desk="buergerbuero"))


def book_with_awo_1(town: LiveTown, clock: str, **what: Any) -> int:
    """An appointment that only awo-1 can take: it needs Arabic."""
    return town.book(clock, language="ar", **what)


def call_in_ill(ill: Visitor) -> Page:
    """The first tap."""
    return ill.press(ill.open("/my/absences"), EFFECTS, quick="tomorrow")


def test_two_taps_are_enough_and_the_first_stores_nothing(ill: Visitor, town: LiveTown) -> None:
    visit_id = book_with_awo_1(town, "09:00")
    before = town.dump()
    shown = call_in_ill(ill)
    assert shown.status == 200
    assert "1 appointment cannot stay" in shown.text
    assert town.dump() == before
    saved = ill.follow(ill.press(shown, "/my/absences"))
    assert "Saved." in saved.text
    assert town.count(Absence) == 1
    visit = town.visit(visit_id)
    assert visit.state == "booked" and visit.starts_at != at("09:00")


def test_opening_the_page_of_absences_changes_nothing(ill: Visitor, town: LiveTown) -> None:
    before = town.dump()
    ill.open("/my/absences")
    assert town.dump() == before


def test_whom_a_colleague_takes_is_named_apart_from_who_is_hit(ill: Visitor, town: LiveTown) -> None:
    kept = town.book("09:00")
    town.change(lambda s: setattr(s.get_one(Visit, kept), "planned_adviser_id", adviser_of(s, "awo-1").id))
    book_with_awo_1(town, "10:00")
    shown = call_in_ill(ill)
    assert "1 appointment stays" in shown.text
    assert "1 appointment cannot stay" in shown.text
    ill.press(shown, "/my/absences")
    assert town.visit(kept).starts_at == at("09:00")


def test_what_was_chosen_for_each_is_done(ill: Visitor, town: LiveTown) -> None:
    visit_id = book_with_awo_1(town, "09:00")
    ill.press(call_in_ill(ill), "/my/absences", **{f"visit-{visit_id}": "cancel"})
    assert town.visit(visit_id).state == "cancelled"


@pytest.mark.parametrize("number", ["9" * 5000, "x", "٣", "-1", ""])
def test_what_names_no_visit_counts_as_not_shown(ill: Visitor, town: LiveTown, number: str) -> None:
    visit_id = book_with_awo_1(town, "09:00")
    refused = ill.press(call_in_ill(ill), "/my/absences", **{f"visit-{visit_id}": "", f"visit-{number}": "cancel"})
    assert (refused.status, town.visit(visit_id).state) == (409, "booked")


def test_who_booked_meanwhile_is_shown_before_anything_is_stored(ill: Visitor, town: LiveTown) -> None:
    book_with_awo_1(town, "09:00")
    shown = call_in_ill(ill)
    book_with_awo_1(town, "10:00")
    again = ill.press(shown, "/my/absences")
    assert again.status == 409
    assert "Something has changed meanwhile." in again.text
    assert "2 appointments cannot stay" in again.text
    assert town.count(Absence) == 0
    assert ill.press(again, "/my/absences").status == 303
    assert town.count(Absence) == 1


@pytest.mark.parametrize(
    "typed",
    [
        {"from_on": "2026-11-26", "until_on": "2026-11-25"},
        {"from_on": "soon"},
        {"until_time": "25:00"},
        {"until_on": "9999-12-31"},
        {"from_on": "2026-11-01", "until_on": "2026-11-02"},
    ],
)
def test_what_makes_no_sense_is_said_and_what_was_typed_stays(
    ill: Visitor, town: LiveTown, typed: dict[str, str]
) -> None:
    page = ill.open("/my/absences")
    fields = {"from_on": "2026-11-25", "from_time": "08:00", "until_on": "2026-11-25", "until_time": "18:00", **typed}
    refused = ill.send(forms_to(page, EFFECTS)[-1], **fields)
    assert refused.status == 422
    for value in fields.values():
        assert f'value="{value}"' in refused.html
    assert town.count(Absence) == 0


def forms_to(page: Page, action: str) -> list[Form]:
    return [form for form in page.forms if form.action == action]


def test_an_absence_is_taken_back_by_its_adviser_alone(ill: Visitor, app: Flask, town: LiveTown) -> None:
    ill.press(call_in_ill(ill), "/my/absences")
    absence = town.read(lambda s: s.scalars(select(Absence)).one().id)
    other = Visitor(app).log_in_as(town.account(adviser="awo-2"))
    assert other.post(f"/my/absences/{absence}/end").status == 404
    assert ill.press(ill.open("/my/absences"), f"/my/absences/{absence}/end").status == 303
    assert town.count(Absence) == 0


def test_the_desk_cancels_a_date_with_a_reason_and_the_start_page_says_it(
    front: Visitor, visitor: Visitor, town: LiveTown
) -> None:
    visit_id = town.book("10:00")
    shown = front.press(front.open(A_DATE), f"{A_DATE}/effects", reason="Wasserschaden")
    assert "1 appointment cannot stay" in shown.text
    assert town.count(HoursException) == 0
    assert front.press(shown, A_DATE).status == 303
    assert town.visit(visit_id).starts_at != at("10:00")
    assert "Wasserschaden" in visitor.open("/").text
    listed = front.open("/desk/dates")
    assert "Wasserschaden" in listed.text
    assert "Wasserschaden" in visitor.open(f"/places/buergerbuero/notices/{WEDNESDAY}").text
    assert f"/places/buergerbuero/notices/{WEDNESDAY}" in listed.links
    front.press(listed, f"{A_DATE}/restore")
    assert town.count(HoursException) == 0


def test_the_desk_changes_the_times_of_a_date(front: Visitor, town: LiveTown) -> None:
    early, late = town.book("09:00"), town.book("11:00")
    change = {"kind": "moved", "from": "10:00", "until": "12:00"}
    shown = front.press(front.open(A_DATE), f"{A_DATE}/effects", **change)
    assert front.press(shown, A_DATE).status == 303
    assert town.visit(early).starts_at != at("09:00")
    assert town.visit(late).starts_at == at("11:00")
    opening = town.read(lambda s: read_rulebook(s).opening(SESSION, WEDNESDAY))
    assert opening is not None and opening.dated.starts_at == at("10:00")


def test_times_that_make_no_sense_keep_what_was_typed(front: Visitor, town: LiveTown) -> None:
    change = {"kind": "moved", "from": "12:00", "until": "10:00", "reason": "Baustelle"}
    refused = front.press(front.open(A_DATE), f"{A_DATE}/effects", **change)
    assert refused.status == 422
    assert "The end must be after the beginning." in refused.text
    assert 'value="Baustelle"' in refused.html and 'value="12:00"' in refused.html


def test_a_date_of_the_towns_file_is_not_restored_from_here(front: Visitor, town: LiveTown) -> None:
    assert front.post(f"{A_DATE}/restore").status == 409


@pytest.mark.parametrize("where", [f"{OFFICE}/{THURSDAY}", f"{SESSION}/{THURSDAY}", f"{SESSION}/never", "x/2026-11-25"])
def test_a_desk_changes_no_date_of_another_place(front: Visitor, town: LiveTown, where: str) -> None:
    before = town.dump()
    assert front.open(f"/desk/dates/{where}").status == 404
    for address in ("", "/effects", "/restore"):
        assert front.post(f"/desk/dates/{where}{address}", kind="cancelled").status == 404
    assert town.dump() == before


def test_a_date_that_is_over_is_not_changed(app: Flask, town: LiveTown, clock: time_machine.Coordinates) -> None:
    clock.move_to(at("12:00"))
    front = Visitor(app).log_in_as(town.account(desk="buergerbuero"))
    assert front.open(A_DATE).status == 404
    assert front.post(A_DATE, kind="cancelled").status == 404


def test_who_has_no_e_mail_is_ticked_off_the_call_list_by_the_desk(
    ill: Visitor, front: Visitor, town: LiveTown
) -> None:
    visit_id = book_with_awo_1(town, "09:00")
    ill.press(call_in_ill(ill), "/my/absences", **{f"visit-{visit_id}": "cancel"})
    listed = front.open("/call-list")
    code = town.visit(visit_id).code or ""
    assert f"{code[:3]} {code[3:6]} {code[6:]}" in listed.text
    message = town.read(lambda s: s.scalars(select(Message).where(Message.channel == "call")).one().id)
    after = front.follow(front.press(listed, f"/call-list/{message}/told"))
    assert "Saved: this person knows." in after.text
    assert "Nobody needs a call." in after.text
    assert "Nobody needs a call." in ill.open("/call-list").text


def test_the_list_is_for_the_place_or_adviser_concerned_alone(ill: Visitor, app: Flask, town: LiveTown) -> None:
    visit_id = book_with_awo_1(town, "09:00")
    ill.press(call_in_ill(ill), "/my/absences", **{f"visit-{visit_id}": "cancel"})
    message = town.read(lambda s: s.scalars(select(Message).where(Message.channel == "call")).one().id)
    assert "Code:" in ill.open("/call-list").text
    for account in (town.account(adviser="awo-2"), town.account(desk="awo-buero")):
        other = Visitor(app).log_in_as(account)
        assert "Nobody needs a call." in other.open("/call-list").text
        assert other.post(f"/call-list/{message}/told").status == 404


@pytest.mark.parametrize("address", ["/my/absences", "/desk/dates", A_DATE, "/call-list"])
def test_only_staff_see_these_pages(visitor: Visitor, address: str) -> None:
    assert visitor.open(address).location.startswith("/login")


def test_roles_stay_apart(ill: Visitor, front: Visitor) -> None:
    assert ill.open("/desk/dates").status == 403
    assert ill.post(A_DATE, kind="cancelled").status == 403
    assert front.open("/my/absences").status == 403
    assert front.post("/my/absences", quick="today").status == 403


def test_the_desk_may_change_any_date_of_the_coming_weeks(front: Visitor) -> None:
    assert f"/desk/dates/{SESSION}/{NEXT_WEDNESDAY}" in front.open("/desk/dates").links
