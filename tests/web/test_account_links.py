"""The page behind a link: opening it changes nothing, and it lets in whoever has it, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from scheduler.actions.account_links import make_link
from scheduler.models import Account, AccountLink
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.second_factors import PASSWORD, log_in, turn_on
from tests.web.visitor import Visitor

NEW = "drei Bücher und 1 Tisch"


@pytest.fixture
def link(town: LiveTown, account_id: int, login: str) -> str:
    return make(town, account_id)


def make(town: LiveTown, account_id: int) -> str:
    at = town.row(Account, account_id).created_at
    token = town.change(lambda s: make_link(s, s.get_one(Account, account_id), made_by_id=None, now=at)[1])
    return f"/account-links/{token}"


def choose(visitor: Visitor, link: str, password: str = NEW, again: str | None = None) -> Page:
    fields = {"new_password": password, "again": password if again is None else again}
    return visitor.press(visitor.open(link), link, **fields)


def is_gone(page: Page) -> bool:
    return page.status == 404 and "This link no longer works" in page.text


def test_opening_it_changes_nothing_however_often(visitor: Visitor, town: LiveTown, link: str) -> None:
    before = town.dump()
    assert [visitor.open(link, method=each).status for each in ("GET", "HEAD", "GET")] == [200] * 3
    assert town.dump() == before


def test_a_password_is_chosen_and_logs_in(visitor: Visitor, town: LiveTown, link: str, account_id: int) -> None:
    page = visitor.open(link)
    assert page.root.one("input", id="login").attrs["value"] == "account-0"
    answer = choose(visitor, link)
    assert (answer.status, answer.location) == (303, "/login?chosen=1")
    assert "Your password is saved." in visitor.follow(answer).text
    assert visitor.open("/desk").status == 303  # nobody is logged in by a link alone
    assert log_in(visitor, "account-0").status == 403
    assert log_in(visitor, "account-0", NEW).status == 303


def test_it_works_once(visitor: Visitor, link: str) -> None:
    page = visitor.open(link)
    choose(visitor, link)
    assert is_gone(visitor.open(link))
    assert is_gone(visitor.press(page, link, new_password=PASSWORD, again=PASSWORD))
    assert log_in(visitor, "account-0", NEW).status == 303


@pytest.mark.usefixtures("write_while_hashing")
def test_no_lock_is_held_while_the_password_is_hashed(visitor: Visitor, link: str) -> None:
    assert choose(visitor, link).status == 303
    assert log_in(visitor, "account-0", NEW).status == 303


def test_it_ends_in_time(visitor: Visitor, link: str, clock: time_machine.Coordinates) -> None:
    page = visitor.open(link)
    clock.shift(timedelta(hours=24))
    assert is_gone(visitor.open(link))
    assert is_gone(visitor.press(page, link, new_password=NEW, again=NEW))


@pytest.mark.parametrize("forged", ["x", "x" * 43, "%00", "%C3%A9", "..", "-1"])
def test_a_forged_link_is_answered_like_a_used_one(visitor: Visitor, link: str, forged: str) -> None:
    choose(visitor, link)
    assert is_gone(visitor.open(f"/account-links/{forged}"))
    assert visitor.open(f"/account-links/{forged}").text == visitor.open(link).text


def test_a_newer_link_ends_it(visitor: Visitor, town: LiveTown, link: str, account_id: int) -> None:
    newer = make(town, account_id)
    assert is_gone(visitor.open(link))
    assert choose(visitor, newer).status == 303


def test_a_refused_password_can_be_chosen_again(visitor: Visitor, town: LiveTown, link: str, account_id: int) -> None:
    before = town.row(Account, account_id)
    for password, again, field in (
        ("short", None, "new_password"),
        (NEW, "another one", "again"),
        ("", "", "new_password"),
    ):
        answer = choose(visitor, link, password, again)
        assert (answer.status, bool(answer.wrong(field))) == (422, True)
    after = town.row(Account, account_id)
    assert (after.password_hash, after.epoch) == (before.password_hash, before.epoch)
    assert choose(visitor, link).status == 303


def test_it_ends_every_log_in_and_asks_for_the_second_factor_still(
    app: Flask, visitor: Visitor, town: LiveTown, account_id: int, link: str, open_day: None
) -> None:
    turn_on(town, account_id)
    elsewhere = Visitor(app).log_in_as(account_id)
    assert elsewhere.open("/desk").status == 200
    choose(visitor, link)
    assert elsewhere.open("/desk").status == 303
    assert log_in(visitor, "account-0", NEW).location.startswith("/login/code")


def test_it_opens_the_way_for_whom_a_stranger_delays(
    app: Flask, visitor: Visitor, town: LiveTown, account_id: int, link: str
) -> None:
    """From now on this browser is known: the stranger may go on, and delays nobody here."""
    stranger = Visitor(app)
    for _ in range(7):
        log_in(stranger, "account-0", "wrong")
    assert log_in(visitor, "account-0").status == 429
    choose(visitor, link)
    for _ in range(7):
        log_in(stranger, "account-0", "wrong")
    assert log_in(visitor, "account-0", NEW).status == 303


def test_whoever_was_logged_in_at_this_browser_is_not_any_more(
    app: Flask, town: LiveTown, link: str, open_day: None
) -> None:
    administrator = Visitor(app).log_in_as(town.account(administrator=True))
    choose(administrator, link)
    assert administrator.open("/accounts").location.startswith("/login")


def test_tries_at_links_are_throttled(app: Flask, visitor: Visitor, town: LiveTown) -> None:
    app.extensions["settings"] = replace(app.extensions["settings"], code_limit="2 per minute")
    assert [visitor.open(f"/account-links/{each}").status for each in "abc"] == [404, 404, 429]


def test_the_page_of_a_link_is_kept_by_no_cache_and_tells_no_other_site(visitor: Visitor, link: str) -> None:
    page = visitor.open(link)
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert link.rpartition("/")[2] not in page.title


def test_the_token_is_not_stored(town: LiveTown, link: str) -> None:
    assert town.count(AccountLink) == 1
    assert link.rpartition("/")[2] not in repr(town.dump())
