"""What was typed outlives a lock and the end of a log-in, for the same account alone, and is never sent by itself."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy.orm import Session

from scheduler.actions.staff import choose_pin, make_account
from scheduler.models import Account, Visit
from tests.actions.small_town import adviser_of, at, place_of
from tests.conftest import NOW
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.second_factors import digits, give_password, turn_on
from tests.web.test_lock import lock, locks_after, unlock
from tests.web.test_login import log_in
from tests.web.visitor import Visitor

PASSWORD = "open sesame"
REASON = "Betriebsausflug im Grünen"
DATE = "/desk/dates/buergerbuero-mi/2026-12-02"


@pytest.fixture
def account_id(town: LiveTown) -> int:
    """Desk and adviser at once."""

    def make(session: Session) -> int:
        desk, adviser = place_of(session), adviser_of(session, "awo-1")
        made = make_account(
            session, login="both", name="Front desk", password=PASSWORD, now=NOW, desk_of=desk, adviser=adviser
        )
        return made.id

    return town.change(make)


@pytest.fixture
def other_id(town: LiveTown) -> int:
    def make(session: Session) -> int:
        return make_account(session, login="other", name="X", password=PASSWORD, now=NOW, desk_of=place_of(session)).id

    return town.change(make)


@pytest.fixture
def staff(app: Flask, account_id: int, open_day: None) -> Visitor:
    visitor = Visitor(app)
    log_in(visitor, "both", PASSWORD)
    return visitor


def type_date(staff: Visitor) -> Page:
    return staff.open(DATE)


def send_date(staff: Visitor, form: Page) -> Page:
    return staff.press(form, "/effects", kind="moved", **{"from": "10:00"}, until="11:00", reason=REASON)


def assert_given_back_at_log_in(staff: Visitor, page: Page) -> None:
    offered = staff.press(page, "/login", login="both", password=PASSWORD)
    assert REASON in offered.text
    assert staff.press(offered, "/effects").status == 200


def test_a_form_that_meets_the_lock_is_offered_after_unlocking(staff: Visitor, town: LiveTown) -> None:
    form = type_date(staff)
    lock(staff)
    before = town.dump()
    locked = send_date(staff, form)
    assert locked.status == 403
    assert "What you typed is kept." in locked.text
    assert REASON not in locked.html
    assert "11:00" not in locked.html
    offered = unlock(staff, PASSWORD, locked)
    assert (offered.status, offered.headers["Cache-Control"]) == (200, "no-store")
    assert "You had typed this" in offered.text
    assert REASON in offered.text
    assert town.dump() == before
    sent = staff.press(offered, "/effects")
    assert sent.status == 200
    assert sent.form("2026-12-02").values["reason"] == REASON
    assert sent.form("2026-12-02").values["from"] == "10:00"


def test_a_form_that_changes_something_counts_once_it_is_sent_by_hand(
    staff: Visitor, town: LiveTown, account_id: int
) -> None:
    form, visits = staff.open("/desk"), town.count(Visit)
    lock(staff)
    offered = unlock(staff, PASSWORD, staff.press(form, "/desk/visits", language="ar"))
    assert town.count(Visit) == visits
    assert "Number handed out" in offered.text
    assert staff.press(offered, "/desk/visits").status == 303
    assert town.count(Visit) == visits + 1
    assert town.newest_visit().language == "ar"


def test_a_wrong_pin_loses_nothing(staff: Visitor, town: LiveTown, account_id: int) -> None:
    town.change(lambda session: choose_pin(session, session.get_one(Account, account_id), PASSWORD, "2580"))
    form = type_date(staff)
    lock(staff)
    page = send_date(staff, form)
    for _ in range(5):
        page = unlock(staff, "0000", page)
    assert page.has_form("/login")
    assert_given_back_at_log_in(staff, page)


def test_after_twelve_hours_the_same_account_gets_it_back_by_logging_in(
    app: Flask, staff: Visitor, clock: time_machine.Coordinates
) -> None:
    locks_after(app, 15)
    form = type_date(staff)
    for _ in range(74):  # ten minutes each
        clock.shift(timedelta(minutes=10))
        staff.open("/lock/state?used=1")
    asked = send_date(staff, form)
    assert (asked.status, asked.has_form("/login")) == (403, True)
    wrong = staff.press(asked, "/login", login="both", password="wrong")
    assert_given_back_at_log_in(staff, wrong)


def test_also_the_next_morning_when_the_screen_was_left_open(
    app: Flask, staff: Visitor, clock: time_machine.Coordinates
) -> None:
    locks_after(app, 15)
    form = type_date(staff)
    clock.shift(timedelta(hours=22))
    offered = staff.press(send_date(staff, form), "/login", login="both", password=PASSWORD)
    assert REASON in offered.text


def test_also_after_a_long_weekend(app: Flask, staff: Visitor, clock: time_machine.Coordinates) -> None:
    """The screen was left open, the log-in is long over, and nothing says what was typed but the form itself."""
    form = type_date(staff)
    clock.shift(timedelta(days=4))
    offered = staff.press(send_date(staff, form), "/login", login="both", password=PASSWORD)
    assert REASON in offered.text
    assert staff.press(offered, "/effects").status == 200


def test_what_would_make_somebody_an_administrator_is_not_sent_unseen(app: Flask, town: LiveTown) -> None:
    """A colleague at the locked screen has put a form there, which its owner would send by one press."""
    login = give_password(town, town.account(administrator=True), PASSWORD)
    staff, colleague = Visitor(app), town.account(desk="buergerbuero")
    log_in(staff, login, PASSWORD)
    locked = lock(staff, "/accounts")
    fields = json.dumps([["name", "Front desk"], ["administrator", "y"]])
    carried = staff.post("/lock/forms", locked, path=f"/accounts/{colleague}", fields=fields)
    offered = unlock(staff, PASSWORD, carried).root.one("dl").text
    assert "Account changed" in offered
    assert "Administrator ✓" in " ".join(offered.split())


def test_having_to_wait_at_the_lock_loses_nothing(staff: Visitor, clock: time_machine.Coordinates) -> None:
    form = type_date(staff)
    lock(staff)
    page = send_date(staff, form)
    for _ in range(6):
        page = unlock(staff, "wrong", page)
    assert page.status == 429
    clock.shift(timedelta(seconds=1))
    assert REASON in unlock(staff, PASSWORD, page).text


def test_nobody_else_gets_it(staff: Visitor, town: LiveTown, other_id: int) -> None:
    form = type_date(staff)
    lock(staff)
    locked = send_date(staff, form)
    kept = locked.form("/unlock").values["kept"]
    login = staff.follow(staff.press(locked, "/lock/take-over"))
    answer = staff.press(login, "/login", login="other", password=PASSWORD, kept=kept)
    assert answer.status == 303
    assert REASON not in staff.follow(answer).html
    lock(staff)
    answer = staff.post("/unlock", staff.open("/lock"), secret=PASSWORD, kept=kept)
    assert answer.status == 303
    assert "kept" not in staff.open("/desk").html.split("<main")[1]


@pytest.mark.parametrize(("seconds", "status"), [(0, 200), (1, 303)])
def test_it_is_kept_for_a_week(
    staff: Visitor, app: Flask, clock: time_machine.Coordinates, seconds: int, status: int
) -> None:
    form = type_date(staff)
    lock(staff)
    locked = send_date(staff, form)
    clock.shift(timedelta(days=7, seconds=seconds))
    log_in(staff, "both", PASSWORD)
    lock(staff)
    answer = staff.post("/unlock", staff.open("/lock"), secret=PASSWORD, kept=locked.form("/unlock").values["kept"])
    assert answer.status == status


@pytest.mark.parametrize("forged", ["x", "gAAAAABx", "ä", "x" * 40_000, ""])
def test_what_was_not_sealed_here_is_dropped(staff: Visitor, forged: str) -> None:
    page = lock(staff)
    wrong = unlock(staff, "wrong", page)
    assert "kept" not in wrong.form("/unlock").values
    answer = staff.post("/unlock", page, secret="wrong", kept=forged)
    assert "kept" not in answer.form("/unlock").values
    assert staff.post("/unlock", page, secret=PASSWORD, kept=forged).status == 303


def test_passwords_and_pins_are_never_kept(staff: Visitor) -> None:
    form = staff.open("/account/pin")
    lock(staff)
    answer = staff.press(form, "/account/pin", password="a wrong secret", pin="2580", again="2580")
    assert answer.location.startswith("/lock")


def test_a_button_alone_and_a_long_form_are_not_kept(staff: Visitor) -> None:
    form = type_date(staff)
    lock(staff)
    assert staff.press(form, "/effects", reason="x" * 20_000).location.startswith("/lock")
    assert staff.press(form, "/effects", **dict.fromkeys(("kind", "from", "until", "reason"), "")).location == "/lock"


def test_a_token_of_the_forms_is_not_kept_but_made_anew(app: Flask, staff: Visitor) -> None:
    form = type_date(staff)
    lock(staff)
    offered = unlock(staff, PASSWORD, send_date(staff, form))
    sent = offered.form("/effects").filled()
    assert sorted(sent) == ["csrf_token", "from", "kind", "reason", "until"]
    assert all(len(values) == 1 for values in sent.values())


def test_several_values_of_one_name_come_back(staff: Visitor, town: LiveTown) -> None:
    town.seat("awo-1")
    town.take_in()
    consultation_id = town.call_next("awo-1")
    town.serve(consultation_id)
    form = staff.open(f"/my/consultations/{consultation_id}/outcome")
    lock(staff)
    offered = unlock(staff, PASSWORD, staff.press(form, "/outcome", topics=["housing", "language-course"]))
    assert offered.form("/outcome").filled()["topics"] == ["housing", "language-course"]
    staff.press(offered, "/outcome")
    assert town.consultation(consultation_id).topics == ["housing", "language-course"]


def seal(staff: Visitor, page: Page, path: str = "/desk", fields: object = (("a#0\nx\n", "typed words"),)) -> str:
    return staff.post("/lock/fields", page, path=path, fields=json.dumps(fields)).html


def give_back(staff: Visitor, page: Page, kept: str, path: str = "/desk") -> Page:
    return staff.post("/lock/fields/back", page, path=path, kept=kept)


def test_typed_fields_are_sealed_behind_the_lock_and_come_back_to_the_same_page(staff: Visitor) -> None:
    page = staff.open("/desk")
    locked = lock(staff)
    sealed = seal(staff, page)
    assert "typed words" not in sealed
    assert len(sealed) > 100
    assert give_back(staff, page, sealed).location.startswith("/lock")
    unlock(staff, PASSWORD, locked)
    assert give_back(staff, page, sealed).json == [["a#0\nx\n", "typed words"]]
    assert give_back(staff, page, sealed, path="/my").status == 404


def test_typed_fields_come_back_to_no_other_account_and_not_for_ever(
    staff: Visitor, other_id: int, clock: time_machine.Coordinates
) -> None:
    page = staff.open("/desk")
    sealed = seal(staff, page)
    log_in(staff, "other", PASSWORD)
    assert give_back(staff, staff.open("/desk"), sealed).status == 404
    log_in(staff, "both", PASSWORD)
    assert give_back(staff, staff.open("/desk"), sealed).status == 200
    clock.shift(timedelta(days=4))
    log_in(staff, "both", PASSWORD)
    assert give_back(staff, staff.open("/desk"), sealed).status == 200
    clock.shift(timedelta(days=3, seconds=1))
    log_in(staff, "both", PASSWORD)
    assert give_back(staff, staff.open("/desk"), sealed).status == 404


def test_a_sealed_page_is_no_form_and_a_sealed_form_no_page(staff: Visitor) -> None:
    form = type_date(staff)
    page = staff.open("/desk")
    sealed_page = seal(staff, page, path=f"{DATE}/effects")
    lock(staff)
    sealed_form = send_date(staff, form).form("/unlock").values["kept"]
    assert staff.post("/unlock", page, secret=PASSWORD, kept=sealed_page).status == 303
    assert give_back(staff, page, sealed_form, path=f"{DATE}/effects").status == 404


@pytest.mark.parametrize("fields", ["", "x", "{}", "[1]", "[[1]]", "null", '[["a", "b", "c"]]', '[["password", "x"]]'])
def test_hostile_fields_are_not_kept(staff: Visitor, fields: str) -> None:
    answer = staff.post("/lock/fields", staff.open("/desk"), path="/desk", fields=fields)
    assert (answer.status, answer.html) == (200, "")


def test_who_never_logged_in_keeps_nothing(visitor: Visitor) -> None:
    assert visitor.post("/lock/fields", path="/desk", fields="[]").location.startswith("/login")
    assert visitor.post(f"{DATE}/effects", reason=REASON).location.startswith("/login")


def test_a_page_that_answered_a_form_hands_its_form_over(staff: Visitor, town: LiveTown) -> None:
    effect = send_date(staff, type_date(staff))
    fields = json.dumps([list(each) for each in effect.form("2026-12-02").fields if each[0] != "csrf_token"])
    lock(staff)
    before = town.dump()
    locked = staff.post("/lock/forms", effect, path=DATE, fields=fields)
    assert REASON not in locked.html
    offered = unlock(staff, PASSWORD, locked)
    assert town.dump() == before
    assert offered.form("2026-12-02").values["reason"] == REASON
    again = staff.post("/lock/forms", effect, path=DATE, fields=fields)
    assert again.form("2026-12-02").values["reason"] == REASON
    assert staff.post("/lock/forms", effect, path="/logout", fields=fields).status == 303


def test_taking_over_leads_to_the_log_in_in_one_step_and_on_to_the_same_page(
    staff: Visitor, town: LiveTown, other_id: int
) -> None:
    locked = lock(staff, "/desk/dates")
    login = staff.press(locked, "/lock/take-over")
    assert (login.status, login.location) == (303, "/login?next=/desk/dates?")
    answer = staff.press(staff.follow(login), "/login", login="other", password=PASSWORD)
    assert answer.location == "/desk/dates"


def test_whoever_may_not_see_that_page_lands_on_their_own(staff: Visitor, town: LiveTown, other_id: int) -> None:
    locked = lock(staff, "/my/absences")
    answer = staff.press(
        staff.follow(staff.press(locked, "/lock/take-over")), "/login", login="other", password=PASSWORD
    )
    assert answer.location == "/desk"


def test_a_single_visits_page_is_not_handed_on(staff: Visitor, town: LiveTown) -> None:
    visit_id = town.book("10:30")
    locked = lock(staff, f"/appointments/{visit_id}")
    assert staff.press(locked, "/lock/take-over").location == "/login"


def test_after_taking_over_the_former_log_in_is_over(staff: Visitor, other_id: int) -> None:
    staff.press(lock(staff), "/lock/take-over")
    assert staff.open("/desk").location.startswith("/login")
    assert staff.open("/lock").location.startswith("/login")


def test_a_form_that_a_colleague_left_open_is_void(staff: Visitor, other_id: int, town: LiveTown) -> None:
    form = staff.open("/desk")
    staff.press(lock(staff), "/lock/take-over")
    log_in(staff, "other", PASSWORD)
    before = town.dump()
    assert staff.press(form, "/desk/visits").status == 400
    assert town.dump() == before


def test_a_request_that_crosses_the_lock_does_not_open_it(app: Flask, staff: Visitor) -> None:
    """It was on its way before, and its answer writes the cookie as it was."""
    locks_after(app, 15)
    staff.open("/desk")
    before = staff.client.get_cookie("session")
    assert before is not None
    lock(staff)
    staff.client.set_cookie("session", before.value)
    assert staff.open("/desk").location.startswith("/lock")
    assert unlock(staff, PASSWORD).status == 303
    assert staff.open("/desk").status == 200


def test_a_request_that_crosses_the_log_out_brings_nobody_back(app: Flask, staff: Visitor) -> None:
    page = staff.open("/desk")
    before = staff.client.get_cookie("session")
    assert before is not None
    staff.press(page, "/logout")
    staff.client.set_cookie("session", before.value)
    assert staff.open("/desk").location.startswith("/lock")
    assert staff.open("/lock").has_form("/unlock")


def test_the_state_says_whose_screen_it_is(staff: Visitor, account_id: int) -> None:
    assert staff.open("/lock/state").html == str(account_id)
    assert staff.open("/desk").root.all("div", class_="who")[0].attrs["data-account"] == str(account_id)


def test_no_page_of_staff_is_left_in_the_browser(
    staff: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    clock.move_to(at("09:10"))
    for address in ("/desk", "/desk/queue", "/my", "/my/now", "/lock/state", "/desk/dates", "/account/pin", "/lock"):
        answer = staff.open(address)
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store"), address
    poll = staff.open("/desk/queue")
    again = staff.open("/desk/queue", headers={"If-None-Match": poll.headers["ETag"]})
    assert (again.status, again.headers["Cache-Control"]) == (304, "no-store")


def test_a_second_factor_loses_nothing_either(
    staff: Visitor, town: LiveTown, account_id: int, app: Flask, clock: time_machine.Coordinates
) -> None:
    locks_after(app, 15)
    form = type_date(staff)
    turn_on(town, account_id)  # which ends all log-ins
    clock.shift(timedelta(hours=13))
    digits_page = staff.press(send_date(staff, form), "/login", login="both", password=PASSWORD)
    assert REASON not in digits_page.html
    wrong = staff.press(digits_page, "/login/code", code="000000")
    offered = staff.press(wrong, "/login/code", code=digits(town, account_id))
    assert REASON in offered.text
    assert staff.press(offered, "/effects").status == 200


def test_a_lock_page_that_was_left_open_carries_the_form_to_the_log_in(
    staff: Visitor, clock: time_machine.Coordinates
) -> None:
    clock.shift(timedelta(hours=6))
    form = type_date(staff)
    lock(staff)
    locked = send_date(staff, form)
    clock.shift(timedelta(hours=7))
    asked = unlock(staff, PASSWORD, locked)
    assert (asked.status, asked.has_form("/login")) == (403, True)
    assert REASON in staff.press(asked, "/login", login="both", password=PASSWORD).text


def test_the_lock_leads_straight_back_when_another_window_has_opened_it(staff: Visitor) -> None:
    lock(staff)
    address = "/lock?next=/desk/dates"
    page = staff.open(address)
    unlock(staff, PASSWORD, page)
    assert staff.open(address).location == "/desk/dates"
    assert "This screen is not locked" in staff.open("/lock").text
