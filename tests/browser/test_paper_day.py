"""What is printed for a day without computers, and tickets on both kinds of paper: so many pages of the right size."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from scheduler.db import Database
from scheduler.models import Hours, Opening, Place, Visit
from tests.browser.conftest import LAPTOP, PHONE, NewContext, follow, log_in
from tests.browser.test_paper import A4, LOCALES

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]

POINTS = 72 / 25.4
"""In a millimetre."""
PRESSED = "button:visible, input:visible, form:visible, nav:visible, .button:visible, header.top:visible"


def printed(page: Page, **options: object) -> tuple[int, tuple[float, float]]:
    """How many pages, and their size in points."""
    page.emulate_media(media="print")
    assert page.locator(PRESSED).count() == 0, page.url
    pdf = page.pdf(**options)  # type: ignore[arg-type]
    [(width, height)] = set(re.findall(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", pdf))
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf)), (float(width), float(height))


def book_many(database: Database, most: int) -> None:
    """So many appointments today, a minute apart."""
    with database.writing() as session:
        hours = session.scalars(select(Hours).where(Hours.key == "today")).one()
        opening = Opening(hours=hours, original_on=datetime.fromisoformat(str(hours.dates[0])).date())
        place = session.scalars(select(Place).where(Place.key == "buergerbuero")).one()
        for number in range(most):
            starts_at = datetime.now(UTC) + timedelta(minutes=number)
            session.add(
                Visit(
                    opening=opening, place_id=place.id, local_on=opening.original_on, kind="appointment",
                    state="booked", code=str(100_000_000 + number), locale="de", starts_at=starts_at,
                    ends_at=starts_at + timedelta(minutes=45), created_at=starts_at, changed_at=starts_at,
                )
            )  # fmt: skip
        session.commit()


@LOCALES
@pytest.mark.parametrize("booked", [0, 11, 12, 20, 31])
def test_the_day_sheet_is_one_page(
    new_context: NewContext, base_url: str, database: Database, locale: str, booked: int
) -> None:
    book_many(database, booked)
    with database.writing() as session:
        place = session.scalars(select(Place).where(Place.key == "buergerbuero")).one()
        place.name = "Bürgerbüro im Rathaus an der Berliner Straße, Erdgeschoss links"
        session.commit()
    page = log_in(new_context(locale, LAPTOP), base_url, "desk")
    page.goto(f"{base_url}/desk/day-sheet")
    for options in ({"prefer_css_page_size": True}, {"format": "A4"}):
        pages, size = printed(page, **options)
        assert pages == 1, options
        assert size == pytest.approx(A4, abs=1.5)
    boxes = page.locator("tbody tr >> nth=-1").locator(".sheet-box")
    assert boxes.count() == 3
    box = boxes.first.bounding_box()
    assert box is not None
    assert box["height"] > 26, "a time can be written by hand: at least 7 mm"
    assert box["width"] > 50


def test_more_appointments_than_a_page_holds_take_a_second_one(
    new_context: NewContext, base_url: str, database: Database
) -> None:
    book_many(database, 35)
    page = log_in(new_context(viewport=LAPTOP), base_url, "desk")
    page.goto(f"{base_url}/desk/day-sheet")
    assert printed(page, prefer_css_page_size=True)[0] == 2


@LOCALES
@pytest.mark.parametrize("viewport", [PHONE, LAPTOP], ids=["phone", "laptop"])
def test_a_ticket_is_one_page_on_plain_paper_and_on_a_receipt(
    new_context: NewContext, base_url: str, locale: str, viewport: dict[str, int]
) -> None:
    page = log_in(new_context(locale, viewport), base_url, "desk")
    follow(page, ".register .button >> nth=1")
    follow(page, ".given-number a")
    expect(page.locator(".paper--plain")).to_be_visible()
    pages, size = printed(page, prefer_css_page_size=True)
    assert pages == 1
    assert size == pytest.approx(A4, abs=1.5)
    assert_legible(page, number=150, code=45)
    page.emulate_media(media="screen")
    follow(page, ".paper-choice a >> nth=1")
    pages, (width, height) = printed(page, prefer_css_page_size=True)
    assert pages == 1
    assert width == pytest.approx(80 * POINTS, abs=1.5)
    assert height < 150 * POINTS
    assert_legible(page, number=80, code=35)
    assert printed(page, width="80mm", height="297mm")[0] == 1
    assert page.evaluate("document.querySelector('.paper').scrollWidth") <= 72 * 96 / 25.4


def assert_legible(page: Page, number: int, code: int) -> None:
    """The number is that many points high, the QR code that many millimetres wide."""
    size = page.evaluate("parseFloat(getComputedStyle(document.querySelector('.paper-number')).fontSize)")
    assert size >= number * 96 / 72
    box = page.locator(".paper .qr").bounding_box()
    assert box is not None
    assert box["width"] >= code * 96 / 25.4
    assert box["width"] == pytest.approx(box["height"])


@LOCALES
def test_each_station_has_a_sheet_with_its_picture(new_context: NewContext, base_url: str, locale: str) -> None:
    page = log_in(new_context(locale, LAPTOP), base_url, "desk")
    page.goto(f"{base_url}/desk/signs")
    pages, size = printed(page, prefer_css_page_size=True)
    assert pages == page.locator(".sign").count() == 3
    assert size == pytest.approx(A4, abs=1.5)
    box = page.locator(".sign .symbol").first.bounding_box()
    assert box is not None
    assert box["width"] > 400
