"""A shared computer: a locked screen shows nothing of any page, whoever sits down; a PIN or the password opens it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy.orm import Session

import scheduler.actions.staff
from scheduler.actions.passwords import is_secret
from scheduler.actions.staff import choose_pin, make_account
from scheduler.models import Account
from tests.actions.small_town import adviser_of, place_of
from tests.conftest import NOW
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.test_login import log_in, staff_routes
from tests.web.visitor import Visitor

PASSWORD = "open sesame"
PIN = "2580"
UNLOCKED_BY = {"lock.show_lock", "lock.do_unlock", "lock.do_take_over", "lock.do_keep_form", "lock.do_keep_fields"}


@pytest.fixture
def account_id(town: LiveTown) -> int:
    """Desk and adviser at once, with a password, without a PIN."""

    def make(session: Session) -> int:
        return make_account(
            session,
            login="both",
            name="Front desk",
            password=PASSWORD,
            now=NOW,
            desk_of=place_of(session),
            adviser=adviser_of(session, "awo-1"),
        ).id

    return town.change(make)


@pytest.fixture
def staff(app: Flask, account_id: int, open_day: None) -> Visitor:
    return Visitor(app).log_in_as(account_id)


@pytest.fixture
def with_pin(town: LiveTown, account_id: int) -> None:
    town.change(lambda session: choose_pin(session, session.get_one(Account, account_id), PASSWORD, PIN))


def lock(staff: Visitor, page: str = "/desk") -> Page:
    return staff.follow(staff.press(staff.open(page), "/lock"))


def unlock(staff: Visitor, secret: str, page: Page | None = None) -> Page:
    return staff.press(page or staff.open("/lock"), "/unlock", secret=secret)


def locks_after(app: Flask, minutes: int) -> None:
    app.extensions["settings"] = replace(app.extensions["settings"], lock_after_minutes=minutes)


def test_a_locked_screen_leads_every_staff_route_to_the_lock(
    app: Flask, staff: Visitor, town: LiveTown, account_id: int
) -> None:
    """Whatever routes there are: none of them has to think of the lock, so none can forget it."""
    token_page = staff.open("/code")
    lock(staff)
    before = town.dump()
    routes = [each for each in staff_routes(app) if each[0] not in UNLOCKED_BY]
    assert len(routes) > 40
    for endpoint, method, address in routes:
        answer = staff.post(address, token_page) if method == "POST" else staff.open(address, method=method)
        if not (endpoint.startswith("tickets.") and answer.status == 404):  # by a client's link, which is none
            assert (answer.status, answer.location.partition("?")[0]) == (303, "/lock"), endpoint
            assert "Front desk" not in answer.text
    assert town.dump() == before


def test_the_lock_page_shows_whose_it_is_and_nothing_of_the_desk(staff: Visitor, town: LiveTown) -> None:
    town.take_in(age_group="from_27", language="ar")
    page = lock(staff)
    assert page.status == 200
    assert "Front desk" in page.root.one("main").text
    assert [form.action.partition("?")[0] for form in page.forms] == ["/unlock", "/lock/take-over", "/logout"]
    assert all("/desk" not in each and "/my" not in each for each in page.links)
    assert "Arabic" not in page.text


def test_polls_are_led_to_the_lock_so_that_the_page_reloads(staff: Visitor) -> None:
    staff.open("/desk")
    lock(staff)
    for poll in ("/desk/queue", "/my/now", "/lock/state"):
        answer = staff.open(poll)
        assert (answer.status, answer.location.partition("?")[0]) == (303, "/lock")
        assert "<li" not in answer.html


def test_without_a_pin_the_password_unlocks_and_leads_back(staff: Visitor) -> None:
    page = lock(staff, "/desk/dates")
    assert page.root.one("label").text == "Password"
    wrong = unlock(staff, "wrong", page)
    assert (wrong.status, wrong.wrong("secret")) == (403, "This password is wrong.")
    assert "value" not in wrong.root.one("input", id="secret").attrs
    answer = unlock(staff, PASSWORD, wrong)
    assert (answer.status, answer.location) == (303, "/desk/dates")
    assert staff.open("/desk").status == 200


def test_the_pin_unlocks(staff: Visitor, with_pin: None) -> None:
    page = lock(staff)
    assert page.root.one("label").text == "PIN"
    assert page.root.one("input", id="secret").attrs["inputmode"] == "numeric"
    assert unlock(staff, PASSWORD, page).wrong("secret") == "This PIN is wrong."
    assert staff.open("/desk").status == 303
    assert unlock(staff, PIN, page).location.startswith("/desk")
    assert staff.open("/desk").status == 200


def test_five_wrong_pins_end_the_log_in(staff: Visitor, with_pin: None, visitor: Visitor) -> None:
    page = lock(staff)
    assert [unlock(staff, "0000", page).status for _ in range(4)] == [403] * 4
    last = unlock(staff, "0000", page)
    assert last.status == 403
    assert "The PIN was wrong too often" in last.text
    assert last.has_form("/login")
    assert staff.open("/desk").location.startswith("/login")
    assert unlock(staff, PIN, page).location.startswith("/login")
    answer = log_in(staff, "both", PASSWORD)
    assert staff.follow(answer).status == 200
    lock(staff)
    assert unlock(staff, PIN).location.startswith("/desk")


def test_an_old_cookie_brings_no_new_tries(staff: Visitor, with_pin: None, clock: time_machine.Coordinates) -> None:
    """The tries are counted with the account: a copy of the cookie from before the first one does not help."""
    page = lock(staff)
    copied = staff.client.get_cookie("session")
    assert copied is not None
    for _ in range(5):
        unlock(staff, "0000", page)
    staff.client.set_cookie("session", copied.value)
    assert staff.open("/lock").root.one("label").text == "Password"
    assert unlock(staff, PIN).status == 429
    clock.shift(timedelta(seconds=1))
    assert unlock(staff, PIN).status == 403
    clock.shift(timedelta(seconds=2))
    assert unlock(staff, PASSWORD).status == 303


def test_wrong_passwords_make_the_next_one_wait_wherever_they_come_from(
    app: Flask, staff: Visitor, clock: time_machine.Coordinates
) -> None:
    """The tries are the account's: a guesser with a copy of the cookie gains nothing by another address."""
    page = lock(staff)
    copied = staff.client.get_cookie("session")
    assert copied is not None
    guesser = Visitor(app)
    guesser.client.set_cookie("session", copied.value)
    tries = [unlock(guesser, "wrong", page).status for _ in range(3)] + [unlock(staff, "x", page).status for _ in "ab"]
    assert tries == [403] * 5
    answer = unlock(staff, PASSWORD, page)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
    assert answer.wrong("secret") == "Too many wrong tries. Please wait one second. Then try again."
    clock.shift(timedelta(seconds=1))
    assert unlock(staff, PASSWORD, answer).status == 303


def test_nobody_waits_longer_than_a_minute_for_the_own_screen(staff: Visitor, clock: time_machine.Coordinates) -> None:
    page = lock(staff)
    for _ in range(60):
        answer = unlock(staff, "wrong", page)
        clock.shift(timedelta(seconds=int(answer.headers.get("Retry-After", "0"))))
    unlock(staff, "wrong", page)
    assert unlock(staff, PASSWORD, page).headers["Retry-After"] == "60"
    clock.shift(timedelta(seconds=60))
    assert unlock(staff, PASSWORD, page).status == 303


def test_a_right_one_forgives_the_wrong_ones(staff: Visitor) -> None:
    for _ in range(3):
        page = lock(staff)
        assert [unlock(staff, each, page).status for each in ("x", "y", "z", PASSWORD)] == [403] * 3 + [303]


def test_no_lock_is_held_while_a_secret_is_checked(
    staff: Visitor, with_pin: None, town: LiveTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hash takes its time: whoever writes meanwhile does not wait for it."""
    seen = []

    def look(hashed: str | None, secret: str) -> bool:
        town.set(Account, town.account(), name="written meanwhile")
        seen.append(secret)
        return is_secret(hashed, secret)

    monkeypatch.setattr(scheduler.actions.staff, "is_secret", look)
    assert unlock(staff, PIN, lock(staff)).status == 303
    page = staff.open("/account/pin")
    assert staff.press(page, "/account/pin", password=PASSWORD, pin="9371", again="9371").status == 303
    assert seen == [PIN, PASSWORD]


def test_wrong_pins_are_throttled_like_log_ins(app: Flask, staff: Visitor, with_pin: None) -> None:
    app.extensions["settings"] = replace(app.extensions["settings"], code_limit="2 per minute")
    page = lock(staff)
    assert [unlock(staff, "0000", page).status for _ in range(3)] == [403, 403, 429]
    assert unlock(staff, PIN, page).status == 429


@pytest.mark.parametrize("secret", ["", "x" * 5000, "\x00", "٢٥٨٠"])
def test_a_hostile_pin_is_just_wrong(staff: Visitor, with_pin: None, secret: str) -> None:
    assert unlock(staff, secret, lock(staff)).status == 403


def test_the_lock_never_leads_off_the_site(staff: Visitor) -> None:
    lock(staff)
    page = staff.open("/lock?next=//evil.example")
    assert page.form("/unlock").values["next"] == "/desk"
    answer = staff.press(page, "/unlock", secret=PASSWORD, next="https://evil.example")
    assert answer.location == "/desk"


def test_whoever_forgot_it_logs_out(staff: Visitor) -> None:
    page = lock(staff)
    assert staff.press(page, "/logout").location == "/login"
    assert staff.open("/desk").location.startswith("/login")
    assert staff.open("/lock").location.startswith("/login")


def test_somebody_else_may_log_in_at_a_locked_screen(staff: Visitor, town: LiveTown) -> None:
    town.change(lambda s: make_account(s, login="x", name="X", password="y", now=NOW, desk_of=place_of(s)).id)
    lock(staff)
    assert log_in(staff, "x", "y").location == "/desk"
    assert staff.open("/desk").status == 200


@pytest.mark.parametrize("change", [{"disabled_at": NOW}, {"epoch": 1}])
def test_a_log_in_that_has_ended_is_not_unlocked(
    staff: Visitor, town: LiveTown, account_id: int, change: dict[str, object]
) -> None:
    page = lock(staff)
    town.set(Account, account_id, **change)
    assert unlock(staff, PASSWORD, page).location.startswith("/login")
    assert staff.open("/desk").location.startswith("/login")


def test_clients_pages_stay_open_on_a_locked_computer(staff: Visitor) -> None:
    lock(staff)
    assert [staff.open(each).status for each in ("/", "/book", "/board/buergerbuero")] == [200] * 3


def test_a_get_never_locks_and_an_open_screen_needs_no_unlocking(staff: Visitor) -> None:
    page = staff.open("/lock")
    assert "This screen is not locked" in page.text
    assert staff.open("/desk").status == 200
    assert unlock(staff, PASSWORD, lock(staff)).status == 303
    assert staff.post("/unlock", staff.open("/desk"), secret="x").status == 200


def test_a_screen_locks_itself_when_nobody_uses_it(app: Flask, staff: Visitor, clock: time_machine.Coordinates) -> None:
    locks_after(app, 15)
    staff.open("/desk")
    clock.shift(timedelta(minutes=14, seconds=59))
    assert staff.open("/desk").status == 200
    clock.shift(timedelta(minutes=15))
    assert staff.open("/desk").location.startswith("/lock")
    assert unlock(staff, PASSWORD).status == 303
    assert staff.open("/desk").status == 200


def test_polls_do_not_count_as_use(app: Flask, staff: Visitor, clock: time_machine.Coordinates) -> None:
    locks_after(app, 15)
    staff.open("/desk")
    for _ in range(14):
        clock.shift(timedelta(minutes=1))
        assert [staff.open(each).status for each in ("/desk/queue", "/my/now", "/lock/state")] == [200] * 3
    clock.shift(timedelta(minutes=1))
    assert staff.open("/desk/queue").status == 303
    assert staff.open("/desk").status == 303


def test_typing_counts_as_use(app: Flask, staff: Visitor, clock: time_machine.Coordinates) -> None:
    locks_after(app, 15)
    staff.open("/desk")
    for _ in range(30):
        clock.shift(timedelta(minutes=1))
        assert staff.open("/lock/state?used=1").status == 200
    assert staff.open("/desk").status == 200


def test_typing_at_a_locked_screen_does_not_open_it(
    app: Flask, staff: Visitor, clock: time_machine.Coordinates
) -> None:
    locks_after(app, 15)
    staff.open("/desk")
    clock.shift(timedelta(minutes=16))
    assert staff.open("/lock/state?used=1").status == 303
    assert staff.open("/desk").status == 303


def test_a_log_in_still_ends_after_twelve_hours_of_use(
    app: Flask, visitor: Visitor, account_id: int, clock: time_machine.Coordinates, open_day: None
) -> None:
    locks_after(app, 15)
    log_in(visitor, "both", PASSWORD)
    tens = 0  # of minutes
    while visitor.open("/desk").status == 200:
        clock.shift(timedelta(minutes=10))
        tens += 1
    assert tens == 12 * 6 + 1
    assert visitor.open("/desk").location.startswith("/login")


def test_with_zero_a_screen_never_locks_itself(app: Flask, staff: Visitor, clock: time_machine.Coordinates) -> None:
    locks_after(app, 0)
    staff.open("/desk")
    clock.shift(timedelta(hours=11))
    assert staff.open("/desk").status == 200


def test_a_pin_is_chosen_with_the_password(staff: Visitor, town: LiveTown, account_id: int) -> None:
    page = staff.open("/account/pin")
    answer = staff.press(page, "/account/pin", password=PASSWORD, pin=PIN, again=PIN)
    assert answer.location == "/account/pin?saved=1"
    assert "Saved" in staff.follow(answer).text
    assert unlock(staff, PIN, lock(staff)).status == 303


@pytest.mark.parametrize(
    ("fields", "name", "words"),
    [
        ({"password": "wrong"}, "password", "This password is wrong."),
        ({"password": ""}, "password", "This field is required."),
        ({"pin": "258", "again": "258"}, "pin", "A PIN has four to eight digits."),
        ({"pin": "1234", "again": "1234"}, "pin", "This PIN is easy to guess. Please choose another one."),
        ({"again": "2581"}, "again", "The two PINs are not the same."),
    ],
)
def test_what_is_wrong_with_a_pin_stands_at_its_field(
    staff: Visitor, town: LiveTown, account_id: int, fields: dict[str, str], name: str, words: str
) -> None:
    answer = staff.press(
        staff.open("/account/pin"), "/account/pin", **{"password": PASSWORD, "pin": PIN, "again": PIN, **fields}
    )
    assert (answer.status, answer.wrong(name)) == (422, words)
    assert PASSWORD not in answer.html
    assert town.row(Account, account_id).pin_hash is None


def test_guessing_the_password_at_the_pin_page_is_throttled(app: Flask, staff: Visitor) -> None:
    app.extensions["settings"] = replace(app.extensions["settings"], code_limit="2 per minute")
    page = staff.open("/account/pin")
    tries = [staff.press(page, "/account/pin", password="wrong", pin=PIN, again=PIN).status for _ in range(3)]
    assert tries == [422, 422, 429]


def test_at_the_pin_page_the_account_has_to_wait_too(staff: Visitor, clock: time_machine.Coordinates) -> None:
    def choose(password: str, pin: str = PIN) -> Page:
        return staff.press(staff.open("/account/pin"), "/account/pin", password=password, pin=pin, again=pin)

    assert [choose("wrong").status for _ in range(5)] == [422] * 5
    answer = choose(PASSWORD)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
    assert "Please wait one second." in answer.root.one("p", class_="notice--wrong").text
    assert not [each for each in answer.form("/account/pin").values.values() if each in (PASSWORD, PIN)]
    clock.shift(timedelta(seconds=1))
    assert choose(PASSWORD, "1234").status == 422  # the password was right: nothing has to wait any more
    assert choose(PASSWORD).status == 303


def test_the_desks_button_has_its_key(staff: Visitor) -> None:
    button = next(each for each in staff.open("/desk").form("/lock").buttons)
    assert (button.attrs["data-key"], button.text) == ("l", "l Lock")
    assert staff.open("/desk/dates").form("/lock").buttons[0].text == "Lock"
