"""The desk by keyboard when somebody is tired: double presses, a wrong code, a scanner that types into nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from scheduler.db import Database
from scheduler.models import Opening, Visit
from tests.browser.conftest import NewContext, log_in, press

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]


@pytest.fixture
def desk(new_context: NewContext, base_url: str) -> Page:
    return log_in(new_context("en-GB"), base_url, "desk")


def scan(desk: Page, text: str) -> None:
    """A key every few milliseconds of the page's own clock, which stands still meanwhile: so fast on every machine."""
    for letter in text:
        desk.keyboard.type(letter)
        desk.clock.run_for(5)


def numbers_given(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(Visit)) or 0


def test_enter_pressed_twice_gives_one_number(desk: Page, database: Database) -> None:
    press(desk, "2", "4", "Enter")
    expect(desk.locator(".given-big")).to_have_text("1")
    desk.keyboard.press("Enter")
    press(desk, "1", "Enter")  # comes after: had Enter alone done something, the second would be for an unknown age
    expect(desk.locator(".given-big")).to_have_text("2")
    with database.reading() as session:
        ages = session.scalars(select(Visit.age_group).order_by(Visit.ticket))
        assert ages.all() == ["from_27", "under_27"]
    press(desk, "n")
    expect(desk.locator(".given-big")).to_have_text("3")


def test_people_are_counted_by_a_key_and_letters_stay_keys_in_their_field(desk: Page) -> None:
    desk.keyboard.press("+")
    desk.keyboard.press("+")
    people = desk.locator("[name=people]")
    expect(people).to_have_value("3")
    people.focus()
    desk.keyboard.press("k")
    expect(desk.locator("[name=language][value=uk]")).to_be_checked()
    expect(people).to_have_value("3")
    press(desk, "n")
    expect(desk.locator(".given-big")).to_have_text("1")


def test_a_wrong_code_is_in_sight_and_escape_leads_back_to_the_keys(desk: Page) -> None:
    desk.keyboard.press("c")
    desk.keyboard.type("123456789")
    press(desk, "Enter")
    expect(desk.locator("#code-wrong")).to_be_in_viewport()
    expect(desk.locator("#code")).to_be_focused()
    desk.keyboard.press("Escape")
    press(desk, "n")
    expect(desk.locator(".given-big")).to_have_text("1")


def test_a_scanner_that_types_into_nothing_fills_the_code(desk: Page, database: Database) -> None:
    """Its letters are the keys of: hide, stop, lock, quiet call, a number."""
    desk.clock.pause_at(datetime.now(UTC) + timedelta(hours=1))
    desk.reload()
    scan(desk, "nslqb http://nowhere/visits/1-hslqn")
    press(desk, "Enter")
    expect(desk.locator("#code-wrong")).to_be_visible()
    expect(desk.locator("#code")).to_have_value("nslqb http://nowhere/visits/1-hslqn")
    assert numbers_given(database) == 0
    with database.reading() as session:
        assert [(each.tickets, each.help_wanted_at) for each in session.scalars(select(Opening))] in (
            [],
            [("auto", None)],
        )
