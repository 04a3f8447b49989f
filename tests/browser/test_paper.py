"""What hangs in a window or on a door: one page of A4 in every language, complete, with nothing to press."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page
from sqlalchemy import select

from scheduler.db import Database
from scheduler.domain.recurrence import local_date
from scheduler.models import Hours, HoursException, Town
from tests.browser.conftest import LAPTOP, PHONE, NewContext
from tests.browser.test_screens import look_at

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]

LOCALES = pytest.mark.parametrize("locale", ["de-DE", "en-GB", "ar"])
A4 = (595, 842)
"""Points."""
DAYS = {"de-DE": "Mittwoch", "en-GB": "Wednesday", "ar": "الأربعاء"}


def make_changes(database: Database, most: int) -> date:
    """From tomorrow on, so many extra dates; today's opening is cancelled. Gives today."""
    with database.writing() as session:
        hours = {row.key: row.id for row in session.scalars(select(Hours))}
        today = local_date(datetime.now().astimezone(), session.get_one(Town, 1).zone)
        extra: list[dict[str, Any]] = [
            {"hours_id": hours["buergerbuero-mi"], "original_on": today + timedelta(days=day), "kind": "added"}
            for day in range(1, most + 1)
        ]
        session.add_all(HoursException(**each, from_time=time(14), until_time=time(15)) for each in extra)
        for key in ("today", "buergerbuero-mi"):  # both: it may be a Wednesday
            closed = {"hours_id": hours[key], "original_on": today, "kind": "cancelled", "reason": "Fortbildung"}
            session.add(HoursException(**closed))
        session.commit()
    return today


def print_page(page: Page, address: str) -> None:
    """Fails unless it is one page of A4 on which nothing can be pressed."""
    page.goto(address)
    page.emulate_media(media="print")
    pressed = page.locator("button:visible, input:visible, form:visible, nav:visible, .button:visible, header:visible")
    assert pressed.count() == 0, address
    for options in ({"prefer_css_page_size": True}, {"format": "A4"}):
        pdf = page.pdf(**options)
        assert len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf)) == 1, (address, options)
        [(width, height)] = set(re.findall(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", pdf))
        assert (float(width), float(height)) == pytest.approx(A4, abs=1.5)  # browsers round it to whole points


def paper_text(page: Page) -> str:
    return " ".join(page.inner_text("main").split())


@LOCALES
@pytest.mark.parametrize("most", [0, 3, 12])
def test_a_place_s_sheet_for_the_window_is_one_page(
    new_context: NewContext, base_url: str, database: Database, locale: str, most: int
) -> None:
    make_changes(database, most)
    page = new_context(locale, LAPTOP).new_page()
    print_page(page, f"{base_url}/places/buergerbuero")
    said = paper_text(page)
    for words in ("Bürgerbüro", "Marktplatz 1, 12345 Kleinstadt", "069 90009-001", DAYS[locale], "9:00–12:00"):
        assert words in said
    assert "Fortbildung" in said
    assert said.count("14:00–15:00") == most
    assert page.locator(".paper-book .qr:visible").count() == 1
    assert base_url.removeprefix("http://") in said


@LOCALES
def test_all_places_are_one_page(new_context: NewContext, base_url: str, database: Database, locale: str) -> None:
    make_changes(database, 3)
    page = new_context(locale, LAPTOP).new_page()
    print_page(page, f"{base_url}/places")
    for words in ("Bürgerbüro", "Büro der Arbeiterwohlfahrt", "13:00–16:00", "Fortbildung", "069 90009-002"):
        assert words in paper_text(page)
    assert page.locator(".paper-book .qr:visible").count() == 1


@LOCALES
def test_a_notice_for_the_door_is_one_page_and_says_closed_in_the_largest_letters(
    new_context: NewContext, base_url: str, database: Database, locale: str
) -> None:
    today = make_changes(database, 1)
    page = new_context(locale, LAPTOP).new_page()
    print_page(page, f"{base_url}/places/buergerbuero/notices/{today.isoformat()}")
    for words in ("Bürgerbüro", "Fortbildung", "14:00–15:00", "069 90009-001"):
        assert words in paper_text(page)
    sizes = page.evaluate("[...document.querySelectorAll('main *')].map(e => parseFloat(getComputedStyle(e).fontSize))")
    word = page.evaluate("parseFloat(getComputedStyle(document.querySelector('h1 .notice-word')).fontSize)")
    assert word == max(sizes) > 70


@LOCALES
@pytest.mark.parametrize("viewport", [PHONE, LAPTOP], ids=["phone", "laptop"])
def test_pages_with_changed_dates_fit_and_are_accessible(
    new_context: NewContext, base_url: str, database: Database, locale: str, viewport: dict[str, int]
) -> None:
    today = make_changes(database, 2)
    page = new_context(locale, viewport).new_page()
    notices = [f"/places/buergerbuero/notices/{today + timedelta(days=day)}" for day in (0, 1)]
    assert list(look_at(page, base_url, ("/", "/places", "/places/buergerbuero", *notices))) == []
