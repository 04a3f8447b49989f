"""Somebody leans over the counter: one key hides all but numbers, one key locks the screen."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from scheduler.db import Database
from scheduler.models import Visit
from tests.browser.conftest import LAPTOP, PASSWORD, PHONE, NewContext, follow, log_in, press
from tests.browser.test_screens import look

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]

SECRETS = ".tag, .queue .hint, .unmet, .key-choice, .seat, legend"
"""Services, languages, needs, urgent marks, codes, wishes, who sits where, and what can be answered."""


def readable(page: Page, selector: str) -> list[str]:
    """The texts of those that can be seen, all at the same moment: the list refreshes itself."""
    return page.locator(selector).filter(visible=True).all_inner_texts()


def fill_desk(page: Page) -> None:
    """An urgent Arabic speaker with a letter who knows whom to see, and an appointment."""
    press(page, "2", "4", "a", "u", "Enter")
    expect(page.locator(".given-big")).to_be_visible()
    page.goto(f"{page.url.split('/desk')[0]}/desk?book=1&times=1&age=from_27&concern=letter&language=de")
    follow(page, ".book .time >> nth=0")
    page.goto(f"{page.url.split('/desk')[0]}/desk")


def test_one_key_hides_all_but_numbers_and_polls_and_pages_keep_it(
    new_context: NewContext, base_url: str, database: Database
) -> None:
    page = log_in(new_context(viewport=LAPTOP), base_url, "desk")
    fill_desk(page)
    assert len(readable(page, SECRETS)) > 10
    page.keyboard.press("h")
    assert readable(page, SECRETS) == []
    assert readable(page, ".number") == ["1", "–"]
    assert readable(page, ".shape")
    again = page.locator("[data-discreet]")
    expect(again).to_be_in_viewport()
    assert "h" in again.inner_text().split()
    with database.writing() as session:  # something changes: the list is replaced
        visit = session.query(Visit).filter_by(ticket=1).one()
        visit.people = 4
        visit.opening.version += 1
        session.commit()
    expect(page.locator(".tag", has_text="4")).to_have_count(1)
    assert readable(page, SECRETS) == []
    press(page, "n")
    expect(page.locator(".given-big")).to_have_text("2")
    assert readable(page, SECRETS) == []
    page.reload()
    assert readable(page, SECRETS) == []
    page.keyboard.press("h")
    assert len(readable(page, SECRETS)) > 10
    page.reload()
    assert len(readable(page, SECRETS)) > 10


def test_a_typed_code_is_not_readable_either(new_context: NewContext, base_url: str) -> None:
    page = log_in(new_context(viewport=LAPTOP), base_url, "desk")
    page.keyboard.press("h")
    page.keyboard.press("c")
    page.keyboard.type("482917305")
    style = page.evaluate(
        "(s => [s.webkitTextSecurity, s.color])(getComputedStyle(document.querySelector('.code-input')))"
    )
    assert style[0] == "disc" or style[1].endswith(", 0)")
    press(page, "Enter")
    expect(page.locator("#code-wrong")).to_be_visible()


def test_without_a_script_nothing_can_be_hidden_and_nothing_is_lost(new_context: NewContext, base_url: str) -> None:
    page = log_in(new_context(viewport=LAPTOP, java_script_enabled=False), base_url, "desk")
    assert page.locator("[data-discreet]").is_hidden()
    assert len(readable(page, ".key-choice")) > 5


def test_one_key_locks_the_screen_and_every_window_of_it(new_context: NewContext, base_url: str) -> None:
    context = new_context(viewport=LAPTOP)
    page = log_in(context, base_url, "desk")
    choose_pin(page, base_url)
    other = context.new_page()
    other.goto(f"{base_url}/desk")
    page.goto(f"{base_url}/desk")
    press(page, "l")
    expect(page.locator("#secret")).to_be_focused()
    expect(other.locator("#secret")).to_be_visible()  # by its next poll
    expect(other.locator(".queue")).to_have_count(0)
    page.keyboard.type("2581")
    press(page, "Enter")
    expect(page.locator("#secret-wrong")).to_be_visible()
    expect(page.locator("#secret")).to_be_focused()
    page.keyboard.type("2580")
    press(page, "Enter")
    expect(page.locator(".queue")).to_be_visible()


def test_going_back_shows_nothing_of_a_locked_screen(new_context: NewContext, base_url: str) -> None:
    page = log_in(new_context(viewport=LAPTOP), base_url, "desk")
    press(page, "l")
    expect(page.locator("#secret")).to_be_visible()
    page.go_back()
    expect(page.locator("#secret")).to_be_visible()


def choose_pin(page: Page, base_url: str) -> None:
    page.goto(f"{base_url}/account/pin")
    for name, value in (("password", PASSWORD), ("pin", "2580"), ("again", "2580")):
        page.fill(f"#{name}", value)
    follow(page, "main .button--main")
    expect(page.locator(".notice--good")).to_be_visible()


@pytest.mark.parametrize("locale", ["de-DE", "ar"])
@pytest.mark.parametrize("viewport", [PHONE, LAPTOP], ids=["phone", "laptop"])
def test_the_pages_fit_and_are_accessible(
    new_context: NewContext, base_url: str, locale: str, viewport: dict[str, int]
) -> None:
    page = log_in(new_context(locale, viewport), base_url, "desk")
    page.click("[data-discreet]")
    problems = list(look(page))
    for address in ("/account/pin", "/desk/day-sheet", "/desk/late-entry", "/desk/signs", "/lock"):
        page.goto(base_url + address)
        problems += look(page)
    page.goto(f"{base_url}/desk/late-entry")
    follow(page, ".paper-line .button--main")
    expect(page.locator(".field--wrong").first).to_be_visible()
    problems += look(page)
    follow(page, ".who form:first-of-type button")
    expect(page.locator("#secret")).to_be_visible()
    problems += look(page)
    assert problems == []
