"""One whole morning in real browsers: booked on a phone in Arabic, checked in, called, served, shown, subscribed."""

from __future__ import annotations

import re
import urllib.request
from datetime import timedelta

import pytest
import time_machine
from icalendar import Calendar
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import select

from scheduler.db import Database
from scheduler.models import Consultation, Message, Visit
from tests.browser.conftest import LAPTOP, PHONE, WAIT_SECONDS, NewContext, follow, log_in, press

pytestmark = pytest.mark.browser


def test_a_morning_from_booking_to_outcome(new_context: NewContext, base_url: str, database: Database) -> None:
    phone = new_context("ar", PHONE)
    code = book_in_arabic(phone, base_url)
    desk = log_in(new_context(viewport=LAPTOP), base_url, "desk")
    give_three_numbers(desk)
    assert check_in(desk, code) == 4
    board = new_context(viewport=LAPTOP).new_page()
    board.goto(f"{base_url}/board/buergerbuero")
    adviser = log_in(new_context(viewport=LAPTOP), base_url, "awo-1")
    called = serve_everybody(adviser, board)
    assert sorted(called) == ["1", "2", "3", "4"]
    assert_feed_shows_the_appointment(adviser, base_url)
    with database.reading() as session:
        assert set(session.scalars(select(Visit.state))) == {"done"}
        assert session.scalars(select(Consultation.case_kind)).all() == ["new"] * 4
        assert set(session.scalars(select(Message.kind))) == {"confirmation"}


def book_in_arabic(phone: BrowserContext, base_url: str) -> str:
    """Book the first time of today, and leave an e-mail address. Gives the code."""
    page = phone.new_page()
    page.goto(f"{base_url}/")
    assert page.evaluate("document.documentElement.dir") == "rtl"
    for link in (".door a.button--main", "a.choice >> nth=1", "a.choice >> nth=0", "a.choice:has([lang=ar])"):
        follow(page, link)
    assert_fits(page)
    follow(page, ".time >> nth=0")
    page.wait_for_url(re.compile("/visits/"))
    assert_fits(page)
    code = page.locator(".code")
    box = code.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= PHONE["height"], "the code is on the first screen"
    assert page.locator(".appointment-time").is_visible()
    page.fill("#email", "somebody@example.org")
    page.check("#reminders")
    follow(page, "#contact button")
    expect(page.locator(".notice--good")).to_be_visible()
    return str(code.inner_text())


def give_three_numbers(desk: Page) -> None:
    """One by keys, one by pressing, one now with the answers later."""
    press(desk, "2", "4", "d", "Enter")
    expect(desk.locator(".given-big")).to_have_text("1")
    desk.click(".key-choice:has(input[value=family])")
    follow(desk, ".register .button--main")
    expect(desk.locator(".given-big")).to_have_text("2")
    press(desk, "n")
    expect(desk.locator(".given-big")).to_have_text("3")
    expect(desk.locator(".line--waiting")).to_have_count(3)


def check_in(desk: Page, code: str) -> int:
    desk.keyboard.press("c")
    desk.keyboard.type(code)
    press(desk, "Enter")
    expect(desk.locator(".given-big")).to_have_text("4")
    return int(desk.inner_text(".given-big"))


def serve_everybody(adviser: Page, board: Page) -> list[str]:
    """Sit down and call until nobody waits; gives the numbers in the order of their calls."""
    follow(adviser, "button:has-text('Tisch 1')")
    called = []
    while adviser.locator("#next").count():  # whoever still waits is on the page from its beginning
        follow(adviser, "#next")
        number = adviser.inner_text(".serving-number")
        expect(board.locator(".board-number")).to_have_text(number)
        expect(board.locator(".board-station")).to_contain_text("Tisch 1")
        follow(adviser, "#start")
        follow(adviser, "#finish")
        adviser.click(".key-choice:has(input[value=new])")
        follow(adviser, ".outcome .button--main")
        called.append(number)
    expect(adviser.locator(".next .empty-line")).to_be_visible()
    return called


def assert_feed_shows_the_appointment(adviser: Page, base_url: str) -> None:
    adviser.goto(f"{base_url}/my/feeds")
    follow(adviser, "main .button--main")
    address = adviser.input_value("#address")
    with urllib.request.urlopen(address, timeout=10) as response:
        events = Calendar.from_ical(response.read()).walk("VEVENT")
    assert any(each.get("TRANSP", "OPAQUE") == "OPAQUE" for each in events), "the appointment takes time"
    assert any(each.get("TRANSP") == "TRANSPARENT" for each in events), "the duty does not"


def test_booking_works_without_javascript_and_without_a_mouse(
    new_context: NewContext, base_url: str, clock: time_machine.Traveller
) -> None:
    page = new_context("en-GB", PHONE, java_script_enabled=False).new_page()
    page.goto(f"{base_url}/book")
    for words in ("27 or older", "Letter or form", "another language"):
        press_by_keyboard(page, "a", words)
    press_by_keyboard(page, "button", ":")
    expect(page.locator("h1")).to_have_text("One moment, please")
    assert_fits(page)
    clock.shift(timedelta(seconds=WAIT_SECONDS - 1))
    page.reload()
    expect(page.locator("h1")).to_have_text("One moment, please")
    clock.shift(timedelta(seconds=1))
    expect(page.locator("h1")).to_have_text("You can book now")  # the page comes again by itself
    page.wait_for_load_state()
    press_by_keyboard(page, "button", "Book this time")
    expect(page.locator("h1")).to_contain_text("Your appointment is booked")
    press_by_keyboard(page, "a", "Cancel the appointment")
    press_by_keyboard(page, "button", "Yes, cancel it")
    expect(page.locator("h1")).to_have_text("This appointment is cancelled")


def press_by_keyboard(page: Page, tag: str, words: str) -> None:
    """Tab to the first such link or button, then Enter."""
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate("[document.activeElement.localName, document.activeElement.textContent]")
        if focused[0] == tag and words in focused[1]:
            with page.expect_navigation():
                page.keyboard.press("Enter")
            return
    raise AssertionError(f"{words!r} cannot be reached by keyboard")


def assert_fits(page: Page) -> None:
    """Nothing sticks out at the side."""
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert too_wide <= 0, page.url
