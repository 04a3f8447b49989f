"""Wrong log-ins make the next one wait; nobody is locked out, and a colleague at the own computer notices nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from scheduler.actions.passwords import is_secret
from scheduler.models import Account, LoginDelay
from tests.web.conftest import MakeApp
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.second_factors import PASSWORD, digits, give_password, log_in, turn_on
from tests.web.visitor import Visitor


def fail(visitor: Visitor, login: str, times: int = 5) -> list[int]:
    return [log_in(visitor, login, "wrong").status for _ in range(times)]


def hammer(visitor: Visitor, login: str, clock: time_machine.Coordinates) -> Page:
    """A stranger tries for an hour, as often as can be; gives the last answer."""
    for _ in range(60):
        answer = log_in(visitor, login, "wrong")
        clock.shift(timedelta(seconds=int(answer.headers.get("Retry-After", "0"))))
    log_in(visitor, login, "wrong")
    return log_in(visitor, login, "wrong")


def test_after_five_wrong_ones_the_page_says_how_long_to_wait_and_keeps_the_name(visitor: Visitor, login: str) -> None:
    assert fail(visitor, login) == [403] * 5
    answer = log_in(visitor, login)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
    assert answer.root.one("p", class_="notice--wrong").text == (
        "Too many wrong tries. Please wait one second. Then try again."
    )
    assert answer.root.one("input", id="login").attrs["value"] == login
    assert PASSWORD not in answer.html


def test_after_the_wait_the_right_password_opens_and_all_is_forgotten(
    visitor: Visitor, login: str, clock: time_machine.Coordinates, town: LiveTown
) -> None:
    fail(visitor, login)
    clock.shift(timedelta(seconds=1))
    assert log_in(visitor, login).status == 303
    assert town.count(LoginDelay) == 0


def test_it_never_is_more_than_a_minute(
    visitor: Visitor, login: str, clock: time_machine.Coordinates, account_id: int
) -> None:
    last = hammer(visitor, login, clock)
    assert (last.status, int(last.headers["Retry-After"])) == (429, 60)
    assert "Please wait 60 seconds." in last.text
    clock.shift(timedelta(seconds=60))
    assert log_in(visitor, login).status == 303


def test_names_that_nobody_has_are_answered_alike(visitor: Visitor, login: str) -> None:
    answers = [[log_in(visitor, each, "wrong") for _ in range(7)] for each in (login, "nobody")]
    seen = [
        [(each.status, each.headers.get("Retry-After"), each.root.one("p", class_="notice--wrong").text) for each in of]
        for of in answers
    ]
    assert seen[0] == seen[1]
    assert seen[0][-1][0] == 429


def test_a_browser_that_knows_the_account_is_not_delayed_by_a_stranger(
    app: Flask, visitor: Visitor, login: str, clock: time_machine.Coordinates
) -> None:
    colleague = Visitor(app)
    log_in(colleague, login)
    colleague.post("/logout")
    assert hammer(visitor, login, clock).status == 429
    assert log_in(colleague, login).status == 303


def test_a_stranger_at_the_same_address_locks_out_no_browser_that_is_known(
    app: Flask, visitor: Visitor, town: LiveTown, login: str
) -> None:
    """In the waiting room's network, or where a proxy hides all addresses: each known browser is counted by itself."""
    app.extensions["settings"] = replace(app.extensions["settings"], code_limit="4 per minute")
    colleague = Visitor(app)
    log_in(colleague, login)
    colleague.post("/logout")
    others = [log_in(visitor, f"nobody-{number}", "x").status for number in range(5)]
    assert others == [403] * 4 + [429]
    assert log_in(colleague, login).status == 303
    colleague.post("/logout")
    own = [log_in(colleague, f"nobody-{number}", "x").status for number in range(5)]
    assert own == [403] * 4 + [429]


def test_it_is_delayed_by_its_own_wrong_ones_and_delays_nobody_else(app: Flask, visitor: Visitor, login: str) -> None:
    known = Visitor(app)
    log_in(known, login)
    assert fail(known, login, 6) == [403] * 5 + [429]
    assert log_in(visitor, login).status == 303


def test_it_knows_only_who_has_logged_in_there(
    app: Flask, visitor: Visitor, town: LiveTown, login: str, clock: time_machine.Coordinates
) -> None:
    other = give_password(town, town.account(desk="buergerbuero"))
    shared = Visitor(app)
    log_in(shared, other)
    hammer(visitor, login, clock)
    assert log_in(shared, login).status == 429
    hammer(visitor, other, clock)
    assert log_in(shared, other).status == 303


def test_a_shared_computer_knows_all_its_colleagues(
    app: Flask, visitor: Visitor, town: LiveTown, login: str, clock: time_machine.Coordinates
) -> None:
    other = give_password(town, town.account(desk="buergerbuero"))
    shared = Visitor(app)
    for each in (login, other):
        log_in(shared, each)
        shared.post("/logout")
        hammer(visitor, each, clock)
    assert [log_in(shared, each).status for each in (login, other)] == [303, 303]


@pytest.mark.parametrize("forged", ["", "x", "WyJ4IixbXV0.aaaaaa.forged", "é", "a" * 3000])
def test_a_forged_cookie_is_no_known_browser(app: Flask, visitor: Visitor, login: str, forged: str) -> None:
    fail(visitor, login)
    stranger = Visitor(app)
    stranger.client.set_cookie("known_browser", forged)
    assert log_in(stranger, login).status == 429


def test_the_cookie_names_nobody_and_is_for_this_server_alone(visitor: Visitor, login: str) -> None:
    answer = log_in(visitor, login)
    (cookie,) = (each for each in answer.headers.getlist("Set-Cookie") if each.startswith("known_browser="))
    assert login not in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Max-Age=31536000" in cookie
    assert "Secure" not in cookie


def test_behind_tls_it_is_sent_by_https_alone(make_own_app: MakeApp, town: LiveTown, login: str) -> None:
    answer = log_in(Visitor(make_own_app(base_url="https://localhost"), https=True), login)
    (cookie,) = (each for each in answer.headers.getlist("Set-Cookie") if each.startswith("known_browser="))
    assert "Secure" in cookie


def test_a_refused_log_in_makes_no_browser_known(visitor: Visitor, login: str) -> None:
    assert all("known_browser" not in each for each in log_in(visitor, login, "x").headers.getlist("Set-Cookie"))


def test_a_right_password_forgives_wrong_ones_at_the_lock(visitor: Visitor, login: str, open_day: None) -> None:
    log_in(visitor, login)
    page = visitor.follow(visitor.press(visitor.open("/desk"), "/lock"))
    assert [visitor.press(page, "/unlock", secret="x").status for _ in range(6)] == [403] * 5 + [429]
    log_in(visitor, login)
    page = visitor.follow(visitor.press(visitor.open("/desk"), "/lock"))
    assert visitor.press(page, "/unlock", secret=PASSWORD).status == 303


def test_a_password_that_was_changed_while_it_was_checked_logs_nobody_in(
    visitor: Visitor, town: LiveTown, account_id: int, login: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(hashed: str | None, secret: str) -> bool:
        town.set(Account, account_id, password_hash="a new one", epoch=1)
        return is_secret(hashed, secret)

    monkeypatch.setattr("scheduler.actions.log_in.is_secret", late)
    assert log_in(visitor, login).status == 409
    assert visitor.open("/desk").status == 303
    assert town.row(Account, account_id).password_hash == "a new one"


def test_wrong_digits_have_to_wait_as_well(
    visitor: Visitor, town: LiveTown, account_id: int, login: str, clock: time_machine.Coordinates
) -> None:
    turn_on(town, account_id)
    page = visitor.follow(log_in(visitor, login))
    wrong = [visitor.press(page, "/login/code", code="000000") for _ in range(6)]
    assert [each.status for each in wrong] == [403] * 5 + [429]
    assert "Please wait one second." in wrong[-1].wrong("code")
    assert visitor.press(page, "/login/code", code=digits(town, account_id)).status == 429
    clock.shift(timedelta(seconds=1))
    assert visitor.press(page, "/login/code", code=digits(town, account_id)).status == 303


def test_the_right_password_again_forgives_no_wrong_digits(
    visitor: Visitor, town: LiveTown, account_id: int, login: str
) -> None:
    turn_on(town, account_id)
    statuses = []
    for _ in range(6):
        page = visitor.follow(log_in(visitor, login))
        statuses.append(visitor.press(page, "/login/code", code="000000").status)
    assert statuses == [403] * 5 + [429]
