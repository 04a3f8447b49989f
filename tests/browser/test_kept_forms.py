"""What is half typed when the screen locks is there again after unlocking, and nowhere in between."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import select

from scheduler.actions.staff import choose_pin, make_account
from scheduler.db import Database
from scheduler.models import Account, Place
from tests.browser.conftest import LAPTOP, PASSWORD, NewContext, follow, log_in
from tests.conftest import NOW

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]

PIN = "2580"
REASON = "Betriebsausflug"
GIVE_BACK = "**/lock/fields/back"


@pytest.fixture
def desk(new_context: NewContext, base_url: str, database: Database) -> Page:
    """Logged in, with a PIN."""
    with database.writing() as session:
        account = session.scalars(select(Account).where(Account.login == "desk")).one()
        choose_pin(session, account, PASSWORD, PIN)
        place = session.scalars(select(Place).where(Place.key == "buergerbuero")).one()
        make_account(session, login="other", name="Other", password=PASSWORD, now=NOW, desk_of=place)
        session.commit()
    return log_in(new_context(locale="en-GB", viewport=LAPTOP), base_url, "desk")


def type_date(page: Page, base_url: str) -> None:
    page.goto(f"{base_url}/desk/dates")
    follow(page, "main .line .acts a >> nth=1")
    page.click("text=It has other times")
    page.fill("#from", "10:30")
    page.fill("#reason", REASON)


def lock_elsewhere(context: BrowserContext, base_url: str) -> None:
    """In another window of the same browser, or by the clock: the page hears of it when it next asks."""
    other = context.new_page()
    other.goto(f"{base_url}/desk")
    follow(other, "text=Lock")
    other.wait_for_selector("#secret")
    other.close()


def let_it_ask(page: Page) -> None:
    """The page asks once a minute: now."""
    with page.expect_navigation():
        page.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    page.wait_for_selector("#secret")


def unlock(page: Page) -> None:
    page.fill("#secret", PIN)
    follow(page, "text=Unlock")


def expect_typed(page: Page) -> None:
    expect(page.locator("[role=status]")).to_contain_text("Filled in again")
    expect(page.locator("#reason")).to_have_value(REASON)
    expect(page.locator("#from")).to_have_value("10:30")
    expect(page.locator("input[name=kind][value=moved]")).to_be_checked()


def test_half_a_form_is_there_again_after_the_lock(desk: Page, base_url: str) -> None:
    type_date(desk, base_url)
    lock_elsewhere(desk.context, base_url)
    let_it_ask(desk)
    stored = desk.evaluate("JSON.stringify(window.sessionStorage)")
    assert "kept:" in stored
    assert REASON not in stored
    assert REASON not in desk.content()
    unlock(desk)
    expect_typed(desk)
    assert "kept:" not in desk.evaluate("JSON.stringify(window.sessionStorage)")
    follow(desk, "text=Show whom it affects")
    expect(desk.locator("h1")).to_contain_text("Change this date?")


def test_locking_by_hand_keeps_it_too(desk: Page, base_url: str) -> None:
    type_date(desk, base_url)
    follow(desk, "text=Lock")
    desk.wait_for_selector("#secret")
    unlock(desk)
    expect_typed(desk)


def test_a_colleague_who_takes_over_never_gets_it_and_the_owner_does(desk: Page, base_url: str) -> None:
    type_date(desk, base_url)
    address = desk.url
    follow(desk, "text=Lock")
    follow(desk, "text=Take over")
    desk.fill("#login", "other")
    desk.fill("#password", PASSWORD)
    follow(desk, "main button")
    desk.wait_for_selector("nav")
    with desk.expect_response(GIVE_BACK) as answer:
        desk.goto(address)
    assert answer.value.status == 404
    expect(desk.locator("#reason")).to_have_value("")
    follow(desk, "text=Log out")
    desk.fill("#login", "desk")
    desk.fill("#password", PASSWORD)
    follow(desk, "main button")
    desk.wait_for_selector("nav")
    desk.goto(address)
    expect_typed(desk)


def test_a_form_sent_behind_the_lock_is_offered_and_sent_by_hand(desk: Page, base_url: str) -> None:
    type_date(desk, base_url)
    lock_elsewhere(desk.context, base_url)
    follow(desk, "text=Show whom it affects")
    expect(desk.locator("main")).to_contain_text("What you typed is kept.")
    assert REASON not in desk.content()
    unlock(desk)
    expect(desk.locator("h1")).to_have_text("You had typed this")
    expect(desk.locator("dl")).to_contain_text(REASON)
    follow(desk, "text=Send it now")
    expect(desk.locator("h1")).to_contain_text("Change this date?")


def test_a_page_that_answered_a_form_is_offered_again(desk: Page, base_url: str) -> None:
    """No address leads back to it: its form goes along to the lock."""
    type_date(desk, base_url)
    lock_elsewhere(desk.context, base_url)
    follow(desk, "text=Show whom it affects")
    unlock(desk)
    desk.wait_for_selector("text=Send it now")
    lock_elsewhere(desk.context, base_url)
    let_it_ask(desk)
    unlock(desk)
    expect(desk.locator("h1")).to_have_text("You had typed this")


def test_after_the_log_out_nothing_is_read_by_going_back(desk: Page, base_url: str) -> None:
    desk.goto(f"{base_url}/desk/dates")
    follow(desk, "text=Log out")
    desk.wait_for_selector("#login")
    desk.go_back()
    desk.wait_for_selector("#login")
    expect(desk.locator("main")).not_to_contain_text("Bürgerbüro")
