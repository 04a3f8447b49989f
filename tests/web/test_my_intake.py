"""An adviser without a front desk takes people in on the own page, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from scheduler.models import Account, Visit
from tests.actions.small_town import NEXT_WEDNESDAY, OFFICE, SESSION, THURSDAY, WEDNESDAY, at
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.visitor import Visitor

HUGE = "9" * 5000


def press(adviser: Visitor, action: str, **fields: object) -> Page:
    return adviser.press(adviser.open("/my"), action, **fields)


@pytest.fixture
def at_a_desk(town: LiveTown, open_day: None) -> int:
    """The account of the session's front desk."""
    return town.account(desk="buergerbuero")


def test_a_walk_in_gets_a_number_on_my_own_page(adviser: Visitor, town: LiveTown) -> None:
    given = press(adviser, "/my/intake/visits", age="from_27", concern="letter", language="ar", people="2")
    visit = town.newest_visit()
    assert (given.status, given.location) == (303, f"/my?given={visit.id}")
    assert (visit.state, visit.ticket, visit.age_group, visit.language) == ("waiting", 1, "from_27", "ar")
    page = adviser.follow(given)
    assert page.root.one("p", class_="given-big").text == "1"
    assert "waits since 9:05 MBE Arabic" in page.root.one("li", id=f"visit-{visit.id}").text
    press(adviser, "/my/intake/visits", quick="1")
    assert town.newest_visit().ticket == 2


def test_who_waits_is_called_once_i_sit_there(adviser: Visitor, town: LiveTown) -> None:
    visit_id = town.take_in()
    assert not adviser.open("/my").has_form(f"/my/visits/{visit_id}/calls")
    press(adviser, "/my/presence", station="Tisch 1")
    page = adviser.follow(press(adviser, f"/my/visits/{visit_id}/calls"))
    assert town.visit(visit_id).state == "called"
    assert page.root.one("p", class_="serving-number").text == "1"


def test_an_appointment_begins_without_check_in_or_call(adviser: Visitor, town: LiveTown) -> None:
    mine, colleagues = town.book("10:00", adviser_key="awo-1"), town.book("10:15", adviser_key="awo-2")
    page = adviser.open("/my")
    assert not page.has_form(f"/my/visits/{colleagues}/start")
    adviser.press(page, f"/my/visits/{mine}/start")
    assert town.visit(mine).state == "in_consultation"
    assert adviser.post(f"/my/visits/{colleagues}/start", page).status == 404
    assert adviser.press(page, f"/my/visits/{mine}/start").status == 409


def test_nobody_is_started_while_somebody_else_sits_here(adviser: Visitor, town: LiveTown) -> None:
    first, second = (town.book(clock, adviser_key="awo-1") for clock in ("10:00", "10:15"))
    page = adviser.open("/my")
    adviser.press(page, f"/my/visits/{first}/start")
    refused = adviser.follow(adviser.press(page, f"/my/visits/{second}/start"))
    assert "First finish with the person who is with you." in refused.text
    assert town.visit(second).state == "booked"


def test_check_in_by_code_by_link_and_from_the_list(adviser: Visitor, town: LiveTown) -> None:
    ids = [town.book(clock) for clock in ("10:00", "10:15", "10:30")]
    typed = (town.visit(ids[0]).code, f"http://localhost/visits/{town.token(ids[1])}")
    for code in typed:
        assert press(adviser, "/my/intake/check-ins", code=code).status == 303
    press(adviser, f"/my/intake/visits/{ids[2]}/check-in")
    assert [(town.visit(each).state, town.visit(each).ticket) for each in ids] == [
        ("waiting", 1),
        ("waiting", 2),
        ("waiting", 3),
    ]


def test_a_wrong_code_is_said_at_the_field_with_what_was_typed(adviser: Visitor, town: LiveTown) -> None:
    before = town.dump()
    for typed in ("", "12345", HUGE, "\x00", "http://[", "/"):
        page = press(adviser, "/my/intake/check-ins", code=typed)
        assert page.status == 422
        assert "Nobody has this code" in page.wrong("code")
    assert town.dump() == before


def test_an_appointment_of_another_day_or_place_is_said_to_be_so(adviser: Visitor, town: LiveTown) -> None:
    for visit_id in (town.book("10:00", on=NEXT_WEDNESDAY), town.book("14:00", key=OFFICE, on=THURSDAY)):
        page = press(adviser, "/my/intake/check-ins", code=town.visit(visit_id).code)
        assert page.status == 409
        assert "for another day or place" in page.text
        assert "/my" in page.links
        assert town.visit(visit_id).state == "booked"


def test_checking_in_twice_says_so(adviser: Visitor, town: LiveTown) -> None:
    visit_id = town.book("10:00")
    for _ in range(2):
        page = press(adviser, "/my/intake/check-ins", code=town.visit(visit_id).code)
    assert (page.status, "checked in already" in page.wrong("code")) == (422, True)
    assert town.visit(visit_id).ticket == 1


def test_left_missed_undo_answers_and_paper(adviser: Visitor, town: LiveTown) -> None:
    walk_in, booked = town.take_in(), town.book("10:00")
    steps = [
        (walk_in, "left", "left"),
        (walk_in, "undo", "waiting"),
        (booked, "missed", "missed"),
        (booked, "undo", "booked"),
    ]
    for visit_id, verb, state in steps:
        answered = press(adviser, f"/my/intake/visits/{visit_id}/{verb}")
        assert (answered.status, answered.location, town.visit(visit_id).state) == (303, "/my", state), verb
    page = adviser.open(f"/my/intake/visits/{walk_in}/answers")
    adviser.press(page, "/answers", age="under_27", language="uk")
    assert (town.visit(walk_in).age_group, town.visit(walk_in).language) == ("under_27", "uk")
    paper = adviser.open(f"/my/intake/visits/{walk_in}/ticket")
    assert paper.root.one("p", class_="paper-number").text == "1"
    assert "/my" in paper.links


def test_a_caller_with_a_code_moves_or_cancels_what_is_with_me(adviser: Visitor, town: LiveTown) -> None:
    mine = town.book("10:00", on=NEXT_WEDNESDAY, adviser_key="awo-1")
    other = town.book("11:00", on=NEXT_WEDNESDAY, adviser_key="awo-2")
    form = adviser.open("/my").form("/my/intake/check-ins")
    action = next(each.attrs["formaction"] for each in form.buttons if "formaction" in each.attrs)
    found, elsewhere, unknown = (
        adviser.open(action, method="POST", data=form.filled(code=code))
        for code in (town.visit(mine).code, town.visit(other).code, "111 111 111")
    )
    assert (found.status, found.location) == (303, f"/appointments/{mine}")
    assert (elsewhere.status, unknown.status) == (409, 422)


def test_the_list_is_also_in_the_part_that_refreshes_itself(adviser: Visitor, town: LiveTown) -> None:
    town.take_in()
    town.book("10:00")
    page, part = adviser.open("/my"), adviser.open("/my/now")
    lines = [each.text for each in page.root.all("li", class_="line")]
    assert lines == [each.text for each in part.root.all("li", class_="line")]
    assert len(lines) == 2
    assert not part.has_form("/my/intake/check-ins"), "what is typed there must not be swept away"


def test_numbers_are_refused_with_their_reason_and_the_answers_are_kept(
    adviser: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    page, before = adviser.open("/my"), town.count(Visit)
    clock.move_to(at("12:00"))
    refused = adviser.press(page, "/my/intake/visits", age="from_27", language="ar")
    assert refused.status == 409
    assert "This opening is over." in refused.text
    kept = refused.form("/my/intake/visits").values
    assert (kept["age"], kept["language"]) == ("from_27", "ar")
    assert town.count(Visit) == before


def test_in_a_full_house_i_may_give_one_number_all_the_same(
    adviser: Visitor, town: LiveTown, foretell: Callable[..., None]
) -> None:
    foretell(0.3)
    page, before = adviser.open("/my"), town.count(Visit)
    assert "whoever comes now will probably not be served before 12:00" in page.text
    refused = adviser.post("/my/intake/visits", page, opening=f"{SESSION}/{WEDNESDAY}")
    assert (refused.status, town.count(Visit)) == (409, before)
    given = adviser.press(page, "/my/intake/visits", override="1", age="from_27")
    assert (given.status, town.newest_visit().ticket, town.newest_visit().age_group) == (303, 1, "from_27")


def test_at_an_opening_with_appointments_alone_no_number_is_given(
    app: Flask, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    clock.move_to(at("13:30", THURSDAY))
    adviser = Visitor(app).log_in_as(town.account(adviser="awo-1"))
    page = adviser.open("/my")
    assert "This opening gives no numbers now." in page.text
    refused = adviser.post("/my/intake/visits", page, opening=f"{OFFICE}/{THURSDAY}")
    assert (refused.status, "Only appointments here today." in refused.text) == (409, True)


def test_where_a_desk_takes_people_in_the_adviser_does_not(at_a_desk: int, adviser: Visitor, town: LiveTown) -> None:
    visit_id, booked = town.take_in(), town.book("10:00", adviser_key="awo-1")
    page = adviser.open("/my")
    assert not page.has_form("/my/intake/visits")
    assert not page.has_form("/my/intake/check-ins")
    assert not page.has_form(f"/my/visits/{booked}/start")
    before = town.dump()
    refused = [adviser.post("/my/intake/visits", page, opening=f"{SESSION}/{WEDNESDAY}")]
    refused += [adviser.post(f"/my/visits/{booked}/start", page)]
    for verb in ("check-in", "left", "missed", "undo", "answers"):
        refused += [adviser.post(f"/my/intake/visits/{each}/{verb}", page) for each in (visit_id, booked)]
    refused += [adviser.open(f"/my/intake/visits/{visit_id}/{part}") for part in ("answers", "ticket")]
    assert {each.status for each in refused} == {404}
    assert adviser.post("/my/intake/check-ins", page, code=town.visit(booked).code).status == 409
    assert town.dump() == before


def test_a_desk_account_that_is_switched_off_takes_nobody_in(at_a_desk: int, adviser: Visitor, town: LiveTown) -> None:
    town.set(Account, at_a_desk, disabled_at=at("09:00"))
    assert adviser.open("/my").has_form("/my/intake/visits")


def test_the_desk_of_another_place_does_not_matter(adviser: Visitor, town: LiveTown) -> None:
    town.account(desk="awo-buero")
    assert adviser.open("/my").has_form("/my/intake/visits")


def test_who_is_not_on_duty_takes_nobody_in(app: Flask, town: LiveTown, clock: time_machine.Coordinates) -> None:
    """awo-2 has no hours at the carrier's office."""
    visit_id = town.book("14:00", key=OFFICE, on=THURSDAY)
    clock.move_to(at("13:30", THURSDAY))
    other = Visitor(app).log_in_as(town.account(adviser="awo-2"))
    page, before = other.open("/my"), town.dump()
    assert not page.has_form("/my/intake/check-ins")
    for verb in ("check-in", "missed", "undo"):
        assert other.post(f"/my/intake/visits/{visit_id}/{verb}", page).status == 404
    assert other.post("/my/intake/visits", page, opening=f"{OFFICE}/{THURSDAY}").status == 404
    assert town.dump() == before


def test_visits_of_other_days_are_not_touched(
    adviser: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    later = town.book("10:00", on=NEXT_WEDNESDAY)
    page, before = adviser.open("/my"), town.dump()
    for verb in ("check-in", "left", "missed", "undo"):
        assert adviser.post(f"/my/intake/visits/{later}/{verb}", page).status == 404, verb
    assert adviser.post("/my/intake/visits", page, opening=f"{SESSION}/{NEXT_WEDNESDAY}").status == 404
    assert adviser.post("/my/intake/visits/999999/check-in", page).status == 404
    assert town.dump() == before


def test_the_desk_may_not_use_the_advisers_counter(desk: Visitor, town: LiveTown) -> None:
    visit_id = town.take_in()
    page, before = desk.open("/desk"), town.dump()
    for address in ("visits", "check-ins", "appointments", f"visits/{visit_id}/left"):
        assert desk.post(f"/my/intake/{address}", page).status == 403, address
    assert town.dump() == before


def test_undo_ends_after_ten_minutes(adviser: Visitor, town: LiveTown, clock: time_machine.Coordinates) -> None:
    visit_id = town.take_in()
    page = adviser.open("/my")
    clock.shift(timedelta(minutes=11))
    assert adviser.press(page, f"/my/intake/visits/{visit_id}/undo").status == 409
    assert town.visit(visit_id).state == "waiting"
