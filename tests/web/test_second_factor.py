"""A log-in in two pages: between them nothing is open. And roles that need a second factor do nothing without one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from scheduler.models import Account, RecoveryCode
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.second_factors import PASSWORD, digits, give_password, log_in, turn_on
from tests.web.test_login import staff_routes
from tests.web.visitor import Visitor

pytestmark = pytest.mark.usefixtures("open_day")

FORCED = frozenset({"carrier_coordinator", "hours_coordinator", "administrator"})
OPEN_WITHOUT = ("account.", "lock.")


@pytest.fixture
def codes(town: LiveTown, account_id: int, login: str, clock: time_machine.Coordinates) -> list[str]:
    found = turn_on(town, account_id)
    clock.shift(timedelta(minutes=5))
    return found


@pytest.fixture
def second_page(visitor: Visitor, login: str, codes: list[str]) -> Page:
    return visitor.follow(log_in(visitor, login))


def send(visitor: Visitor, page: Page, code: str) -> Page:
    return visitor.press(page, "/login/code", code=code)


def test_after_the_password_come_the_digits_and_then_the_desk(
    visitor: Visitor, second_page: Page, town: LiveTown, account_id: int
) -> None:
    assert second_page.root.one("input", id="code").attrs["autocomplete"] == "one-time-code"
    answer = send(visitor, second_page, digits(town, account_id))
    assert (answer.status, answer.location) == (303, "/desk")
    assert visitor.open("/desk").status == 200


def test_between_the_two_pages_nothing_is_open(app: Flask, visitor: Visitor, second_page: Page, town: LiveTown) -> None:
    before = town.dump()
    for endpoint, method, address in staff_routes(app):
        answer = visitor.post(address, second_page) if method == "POST" else visitor.open(address, method=method)
        if not address.startswith(("/desk", "/my", "/account", "/manage", "/lock")):
            continue
        assert (answer.status, answer.location.partition("?")[0]) == (303, "/login"), endpoint
    assert town.dump() == before


def test_whoever_was_logged_in_there_before_is_not_any_more(
    app: Flask, town: LiveTown, account_id: int, login: str, codes: list[str]
) -> None:
    shared = Visitor(app).log_in_as(town.account(desk="buergerbuero"))
    assert shared.open("/desk").status == 200
    assert shared.follow(log_in(shared, login)).status == 200
    assert shared.open("/desk").status == 303


def test_a_recovery_code_stands_in_once(
    visitor: Visitor, second_page: Page, login: str, codes: list[str], town: LiveTown
) -> None:
    assert send(visitor, second_page, codes[0]).location == "/desk"
    visitor.post("/logout")
    page = visitor.follow(log_in(visitor, login))
    assert send(visitor, page, codes[0]).status == 403
    assert send(visitor, page, codes[1]).location == "/desk"


def test_the_same_digits_open_once(
    app: Flask, visitor: Visitor, second_page: Page, town: LiveTown, account_id: int, login: str
) -> None:
    shown = digits(town, account_id)
    assert send(visitor, second_page, shown).status == 303
    onlooker = Visitor(app)
    page = onlooker.follow(log_in(onlooker, login))
    answer = send(onlooker, page, shown)
    assert answer.status == 403
    assert answer.wrong("code") == "This code is wrong. Each one works once. Wait for new digits."
    assert onlooker.open("/desk").status == 303


@pytest.mark.parametrize("code", ["", "000000", "x" * 5000, "\x00", "٠٠٠٠٠٠"])
def test_anything_else_is_wrong(visitor: Visitor, second_page: Page, code: str) -> None:
    assert send(visitor, second_page, code).status == 403
    assert visitor.open("/desk").status == 303


def test_the_second_page_lasts_five_minutes(
    visitor: Visitor, second_page: Page, town: LiveTown, account_id: int, clock: time_machine.Coordinates
) -> None:
    clock.shift(timedelta(seconds=300))
    assert visitor.open("/login/code").status == 200
    clock.shift(timedelta(seconds=1))
    assert visitor.open("/login/code").location == "/login"
    answer = send(visitor, second_page, digits(town, account_id))
    assert answer.status == 403
    assert "That took too long." in answer.text
    assert visitor.open("/desk").status == 303


@pytest.mark.parametrize("change", [{"disabled_at": "now"}, {"epoch": 7}])
def test_it_ends_when_the_account_s_log_ins_end(
    visitor: Visitor, second_page: Page, town: LiveTown, account_id: int, change: dict[str, object]
) -> None:
    at = town.row(Account, account_id).created_at
    town.set(Account, account_id, **{name: at if value == "now" else value for name, value in change.items()})
    assert send(visitor, second_page, digits(town, account_id)).status == 403
    assert visitor.open("/desk").status == 303


def test_without_the_first_page_there_is_no_second(visitor: Visitor, codes: list[str]) -> None:
    assert visitor.open("/login/code").location == "/login"
    assert visitor.post("/login/code", code=codes[0]).status == 403


def test_it_leads_to_where_one_was_going(
    visitor: Visitor, login: str, codes: list[str], town: LiveTown, account_id: int
) -> None:
    page = visitor.follow(log_in(visitor, login, address=visitor.open("/desk/dates").location))
    assert send(visitor, page, digits(town, account_id)).location.startswith("/desk/dates")


@pytest.mark.parametrize("elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_it_never_leads_off_the_site(
    visitor: Visitor, second_page: Page, town: LiveTown, account_id: int, elsewhere: str
) -> None:
    answer = visitor.press(second_page, "/login/code", code=digits(town, account_id), next=elsewhere)
    assert answer.location == "/desk"


def force(app: Flask) -> None:
    app.extensions["settings"] = replace(app.extensions["settings"], second_factor_for=FORCED)


@pytest.mark.parametrize(
    "role",
    [{"carrier": "awo"}, {"hours_at": "buergerbuero"}, {"administrator": True},
     {"desk": "buergerbuero", "adviser": "awo-1", "administrator": True}],
)  # fmt: skip
def test_a_role_that_needs_it_does_nothing_without_it(
    app: Flask, town: LiveTown, open_day: None, role: dict[str, object]
) -> None:
    """Whatever routes there are: each one leads to the set-up."""
    force(app)
    staff = Visitor(app).log_in_as(town.account(**role))  # type: ignore[arg-type]
    token_page, before = staff.open("/code"), town.dump()
    blocked = 0
    for endpoint, method, address in staff_routes(app):
        if endpoint.startswith(OPEN_WITHOUT) or not address.startswith(
            ("/desk", "/my", "/accounts", "/manage", "/call")
        ):
            continue
        answer = staff.post(address, token_page) if method == "POST" else staff.open(address, method=method)
        assert (answer.status, answer.location) == (303, "/account/second-factor"), endpoint
        blocked += 1
    assert blocked > 80
    assert town.dump() == before


def test_it_is_set_up_there_and_then_all_is_open(app: Flask, town: LiveTown, open_day: None) -> None:
    force(app)
    account_id = town.account(administrator=True)
    login, staff = give_password(town, account_id), Visitor(app)
    page = staff.follow(staff.follow(log_in(staff, login)))
    assert "Your role needs a second factor." in page.text
    page = staff.follow(staff.press(page, "/account/second-factor"))
    done = staff.press(page, "/second-factor/confirmation", code=digits(town, account_id), password=PASSWORD)
    assert done.status == 201
    assert town.count(RecoveryCode) == 10
    assert staff.open("/accounts").status == 200


def test_other_roles_need_none(app: Flask, town: LiveTown, open_day: None) -> None:
    force(app)
    assert Visitor(app).log_in_as(town.account(desk="buergerbuero")).open("/desk").status == 200
    assert Visitor(app).log_in_as(town.account(adviser="awo-1")).open("/my").status == 200


def test_without_it_one_may_log_out_and_lock(app: Flask, town: LiveTown) -> None:
    force(app)
    staff = Visitor(app).log_in_as(town.account(administrator=True))
    page = staff.open("/account")
    assert page.status == 200
    assert staff.press(page, "/logout").location == "/login"
