"""One's own account: each change needs the password, and a second factor is changed only by whoever has it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from scheduler.actions.account_links import make_link
from scheduler.actions.passwords import is_secret
from scheduler.models import Account, RecoveryCode
from scheduler.web import account as web_account
from tests.conftest import NOW
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.second_factors import PASSWORD, digits, log_in, turn_on
from tests.web.visitor import Visitor

pytestmark = pytest.mark.usefixtures("open_day")

NEW = "drei Bücher und 1 Tisch"


@pytest.fixture
def staff(app: Flask, account_id: int, login: str) -> Visitor:
    return Visitor(app).log_in_as(account_id)


@pytest.fixture
def elsewhere(app: Flask, account_id: int, login: str) -> Visitor:
    """The same account at another computer."""
    return Visitor(app).log_in_as(account_id)


def change_password(staff: Visitor, password: str = PASSWORD, new: str = NEW, again: str | None = None) -> Page:
    page = staff.open("/account/password")
    fields = {"password": password, "new_password": new, "again": new if again is None else again}
    return staff.press(page, "/account/password", **fields)


def password_of(town: LiveTown, account_id: int) -> str:
    return town.row(Account, account_id).password_hash


def test_the_page_says_what_there_is(staff: Visitor, town: LiveTown, account_id: int) -> None:
    assert "Not in use." in staff.open("/account").text
    turn_on(town, account_id)
    again = Visitor(staff.client.application).log_in_as(account_id)
    page = again.open("/account")
    assert "In use. 10 recovery codes are left." in page.text
    assert {"/account/password", "/account/pin", "/account/second-factor"} <= set(page.links)


def test_a_new_password_ends_all_other_log_ins(
    staff: Visitor, elsewhere: Visitor, town: LiveTown, account_id: int, visitor: Visitor, login: str
) -> None:
    answer = change_password(staff)
    assert answer.location == "/account?said=password"
    assert staff.follow(answer).status == 200
    assert elsewhere.open("/desk").status == 303
    assert log_in(visitor, login).status == 403
    assert log_in(visitor, login, NEW).status == 303


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"password": "wrong"}, "password", "This password is wrong."),
        ({"password": ""}, "password", ""),
        ({"new": "short"}, "new_password", "Please take at least 12 characters."),
        ({"new": "x1" * 120}, "new_password", "Please take at most 200 characters."),
        ({"new": "Passwort1234"}, "new_password", "This password is easy to guess. Please choose another one."),
        ({"again": "something else"}, "again", "The two passwords are not the same."),
    ],
)
def test_a_refused_password_changes_nothing(
    staff: Visitor, elsewhere: Visitor, town: LiveTown, account_id: int, fields: dict[str, str], field: str, words: str
) -> None:
    before = password_of(town, account_id)
    answer = change_password(staff, **fields)
    assert answer.status == 422
    assert words in answer.wrong(field)
    assert answer.wrong(field)
    assert password_of(town, account_id) == before
    assert elsewhere.open("/desk").status == 200


def test_nothing_secret_is_sent_back(staff: Visitor) -> None:
    answer = change_password(staff, password="a wrong secret", new="a new secret, long")
    assert "secret" not in answer.root.one("main").text
    assert all(each.attrs.get("value", "") == "" for each in answer.root.all("input", type="password"))


def test_a_new_password_ends_a_link_that_is_open(
    staff: Visitor, town: LiveTown, account_id: int, visitor: Visitor
) -> None:
    link = town.change(lambda s: make_link(s, s.get_one(Account, account_id), made_by_id=None, now=NOW)[1])
    assert visitor.open(f"/account-links/{link}").status == 200
    change_password(staff)
    assert visitor.open(f"/account-links/{link}").status == 404


@pytest.mark.usefixtures("write_while_hashing")
def test_no_lock_is_held_while_the_new_password_is_hashed(staff: Visitor, town: LiveTown, account_id: int) -> None:
    assert change_password(staff).status == 303
    assert is_secret(password_of(town, account_id), NEW)


@pytest.mark.parametrize("what", ["password", "end"])
def test_a_password_that_was_changed_while_it_was_checked_opens_nothing(
    app: Flask, town: LiveTown, account_id: int, login: str, monkeypatch: pytest.MonkeyPatch, what: str,
    clock: time_machine.Coordinates,
) -> None:  # fmt: skip
    """By a link, on the telephone with an administrator, while somebody else sits here with the old one."""
    turn_on(town, account_id)
    clock.shift(timedelta(minutes=5))
    intruder, check = Visitor(app).log_in_as(account_id), is_secret

    def late(hashed: str | None, secret: str) -> bool:
        town.set(Account, account_id, password_hash="the owner's", epoch=7)
        return check(hashed, secret)

    monkeypatch.setattr(web_account, "is_secret", late)
    answer = change_password(intruder) if what == "password" else manage(intruder, "end", digits(town, account_id))
    assert answer.status == 409
    row = town.row(Account, account_id)
    assert (row.password_hash, row.epoch, row.totp_since is None) == ("the owner's", 7, False)


def test_an_open_screen_is_no_place_to_guess_the_password(staff: Visitor) -> None:
    assert [change_password(staff, password="wrong").status for _ in range(6)] == [422] * 5 + [429]
    refused = change_password(staff)
    assert refused.status == 429
    assert "Please wait one second." in refused.root.one("p", class_="notice--wrong").text


def test_log_out_everywhere_ends_this_one_too(staff: Visitor, elsewhere: Visitor) -> None:
    answer = staff.press(staff.open("/account"), "/log-ins/end")
    assert "You are logged out everywhere." in staff.follow(answer).text
    assert [each.open("/desk").status for each in (staff, elsewhere)] == [303, 303]


def begin(staff: Visitor) -> Page:
    return staff.follow(staff.press(staff.open("/account/second-factor"), "/account/second-factor"))


def confirm(staff: Visitor, page: Page, code: str, password: str = PASSWORD) -> Page:
    return staff.press(page, "/second-factor/confirmation", code=code, password=password)


def test_the_set_up_shows_picture_and_key_and_then_the_codes_once(
    staff: Visitor, elsewhere: Visitor, town: LiveTown, account_id: int
) -> None:
    page = begin(staff)
    key = page.root.one("bdi", class_="key-text").text
    assert key.replace(" ", "") == town.row(Account, account_id).totp_secret
    assert all(len(each) == 4 for each in key.split())
    picture = staff.open(page.root.one("img").attrs["src"])
    assert (picture.status, picture.headers["Content-Type"]) == (200, "image/svg+xml")
    assert picture.headers["Cache-Control"] == "no-store"
    done = confirm(staff, page, digits(town, account_id))
    assert done.status == 201
    assert len(done.root.all("code")) == 10
    assert staff.open("/desk").status == 200
    assert elsewhere.open("/desk").status == 303
    assert staff.open("/account/second-factor/qr").status == 404
    assert key not in staff.open("/account/second-factor").text


def test_without_right_digits_or_the_password_it_is_not_turned_on(
    staff: Visitor, town: LiveTown, account_id: int
) -> None:
    page = begin(staff)
    refused = [confirm(staff, page, "000000"), confirm(staff, page, digits(town, account_id), "wrong")]
    assert [each.status for each in refused] == [422, 422]
    assert refused[0].wrong("code").startswith("This code is wrong.")
    assert refused[1].wrong("password") == "This password is wrong."
    assert town.row(Account, account_id).totp_since is None
    assert confirm(staff, refused[1], digits(town, account_id)).status == 201


def test_a_double_click_turns_it_on_once(
    staff: Visitor, town: LiveTown, account_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second request has come as far as the password when the first one is done."""
    page, check = begin(staff), is_secret

    def late(hashed: str | None, secret: str) -> bool:
        turn_on(town, account_id, anew=False)
        return check(hashed, secret)

    code = digits(town, account_id)
    monkeypatch.setattr(web_account, "is_secret", late)
    assert confirm(staff, page, code).status == 409
    assert town.count(RecoveryCode) == 10


def test_opening_its_pages_makes_no_key(staff: Visitor, town: LiveTown, account_id: int) -> None:
    staff.open("/account/second-factor")
    assert staff.open("/account/second-factor/qr").status == 404
    assert town.row(Account, account_id).totp_secret is None


@pytest.fixture
def with_factor(app: Flask, town: LiveTown, account_id: int, login: str, clock: time_machine.Coordinates) -> Visitor:
    turn_on(town, account_id)
    clock.shift(timedelta(minutes=5))
    return Visitor(app).log_in_as(account_id)


def manage(staff: Visitor, what: str, code: str, password: str = PASSWORD) -> Page:
    page = staff.open("/account/second-factor")
    form = page.form("/second-factor/recovery-codes").filled(code=code, password=password)
    return staff.open(f"/account/second-factor/{what}", method="POST", data=form)


def test_it_is_turned_off_by_password_and_digits(with_factor: Visitor, town: LiveTown, account_id: int) -> None:
    for code, password in (("000000", PASSWORD), (digits(town, account_id), "wrong")):
        assert manage(with_factor, "end", code, password).status == 422
        assert town.row(Account, account_id).totp_since is not None
    answer = manage(with_factor, "end", digits(town, account_id))
    assert "The second factor is off." in with_factor.follow(answer).text
    row = town.row(Account, account_id)
    assert (row.totp_secret, row.totp_since) == (None, None)


def test_new_recovery_codes_need_password_and_digits(with_factor: Visitor, town: LiveTown, account_id: int) -> None:
    assert manage(with_factor, "recovery-codes", "000000").status == 422
    fresh = manage(with_factor, "recovery-codes", digits(town, account_id))
    assert fresh.status == 201
    codes = [each.text for each in fresh.root.all("code")]
    assert len(codes) == 10
    assert manage(with_factor, "end", codes[0]).status == 303


def test_without_a_second_factor_there_are_no_codes_to_make(staff: Visitor, town: LiveTown, account_id: int) -> None:
    page = staff.open("/account/password")
    answer = staff.post("/account/second-factor/recovery-codes", page, code="000000", password=PASSWORD)
    assert answer.status == 422
    assert not answer.root.all("code")


def test_a_set_up_does_not_replace_one_that_is_in_use(with_factor: Visitor, town: LiveTown, account_id: int) -> None:
    before = town.row(Account, account_id).totp_secret
    page = with_factor.open("/account/second-factor")
    assert with_factor.post("/account/second-factor", page).status == 303
    assert with_factor.post("/account/second-factor/confirmation", page, code="1", password=PASSWORD).status == 303
    assert town.row(Account, account_id).totp_secret == before


def test_wrong_passwords_are_throttled_by_address_too(app: Flask, staff: Visitor) -> None:
    app.extensions["settings"] = replace(app.extensions["settings"], code_limit="2 per minute")
    assert [change_password(staff, password="wrong").status for _ in range(3)] == [422, 422, 429]


def test_what_was_chosen_is_kept_as_a_hash_of_it(staff: Visitor, town: LiveTown, account_id: int) -> None:
    change_password(staff)
    hashed = password_of(town, account_id)
    assert hashed.startswith("$argon2id$")
    assert is_secret(hashed, NEW)


def test_too_many_wrong_digits_say_how_long_to_wait(
    with_factor: Visitor, town: LiveTown, account_id: int, clock: time_machine.Coordinates
) -> None:
    assert [manage(with_factor, "end", "000000").status for _ in range(5)] == [422] * 5
    answer = manage(with_factor, "end", digits(town, account_id))
    assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
    assert "Please wait one second." in answer.root.one("p", class_="notice--wrong").text
    clock.shift(timedelta(seconds=1))
    assert manage(with_factor, "end", digits(town, account_id)).status == 303
