"""Which language a page speaks: asked for, remembered, or the browser's."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.visitor import Visitor


def speaks(page: Page) -> tuple[str, str]:
    html = page.root.one("html")
    return html.attrs["lang"], html.attrs["dir"]


def test_arabic_runs_from_right_to_left_and_is_remembered(visitor: Visitor) -> None:
    page = visitor.open("/?locale=ar")
    assert speaks(page) == ("ar", "rtl")
    assert "احجز" in page.text or "موعد" in page.text
    assert "Book a time" not in page.text
    assert speaks(visitor.open("/code")) == ("ar", "rtl")
    assert speaks(visitor.open("/code?locale=de")) == ("de", "ltr")
    assert speaks(visitor.open("/")) == ("de", "ltr")


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("ar-SY", "ar"),
        ("fr,ar;q=0.2", "ar"),
        ("fr", "en"),
        ("", "en"),
        ("de;q=0,ar;q=0", "en"),
        ("x" * 5000, "en"),
        ("\x7f;;,,=", "en"),
    ],
)
def test_the_browsers_wish_counts_where_nothing_was_chosen(
    app: Flask, town: LiveTown, accepted: str, language: str
) -> None:
    assert speaks(Visitor(app, accepted).open("/"))[0] == language


def test_a_browser_that_takes_any_language_gets_no_arabic_by_alphabet(app: Flask, town: LiveTown) -> None:
    assert speaks(Visitor(app, "*").open("/"))[0] in ("de", "en")


def test_an_unknown_language_is_ignored_and_not_remembered(visitor: Visitor) -> None:
    visitor.open("/?locale=de")
    for unknown in ("xx", "", "../de", "DE", "de_AT", "\x00", "9" * 3000, "<script>"):
        page = visitor.open("/", query_string={"locale": unknown})
        assert speaks(page)[0] == "de", unknown[:20]
        assert "Set-Cookie" not in page.headers
        assert "<script>" not in page.html


def test_a_broken_cookie_is_ignored(visitor: Visitor) -> None:
    for value in ("xx", "", "../../etc", "9" * 3000):
        visitor.client.set_cookie("locale", value)
        assert speaks(visitor.open("/"))[0] == "en"


def test_the_links_to_other_languages_keep_the_address(visitor: Visitor) -> None:
    page = visitor.open("/book?age=from_27&concern=letter")
    links = {each.attrs["hreflang"]: each.attrs for each in page.root.one("nav", class_="languages").all("a")}
    assert list(links) == ["de", "en", "ar"]
    assert links["en"].get("aria-current") == "true"
    assert (links["ar"]["lang"], links["ar"]["dir"]) == ("ar", "rtl")
    there = visitor.open(links["ar"]["href"])
    assert speaks(there) == ("ar", "rtl")
    assert any("age=from_27" in each and "concern=letter" in each for each in there.links)


def test_a_page_that_a_form_gave_leads_to_an_address_that_can_be_opened(visitor: Visitor) -> None:
    page = visitor.press(visitor.open("/code"), "/code", code="x")
    for each in page.root.one("nav", class_="languages").all("a"):
        assert visitor.open(each.attrs["href"]).status == 200


def test_no_link_of_an_error_page_leads_elsewhere(visitor: Visitor) -> None:
    for address in (
        "//evil.example/x",
        "/%2F/evil.example",
        "/%5Cevil.example",
        "/%5C%5Cevil.example",
        "/x?next=//evil.example",
    ):
        links = visitor.open(address).links
        assert [each for each in links if each.startswith(("//", "/\\", "http"))] == [], address


def test_the_visit_keeps_the_language_in_which_it_was_booked(visitor: Visitor, town: LiveTown) -> None:
    visitor.open("/?locale=ar")
    page = visitor.open("/book?age=from_27&concern=letter&language=de")
    visitor.press(page, "/book", slot=page.form("/book").offers("slot")[0])
    assert town.newest_visit().locale == "ar"


@pytest.mark.parametrize(
    ("language", "when"), [("de", "Mittwoch, 25. November 9:30 Uhr"), ("en", "Wednesday, 25 November at 9:30")]
)
def test_dates_and_times_are_said_in_the_pages_language(app: Flask, town: LiveTown, language: str, when: str) -> None:
    page = Visitor(app, language).open(f"/visits/{town.token(town.book('09:30'))}")
    assert page.root.one("p", class_="appointment").text.startswith(when)


def test_arabic_pages_keep_code_and_times_from_turning_round(app: Flask, town: LiveTown) -> None:
    page = Visitor(app, "ar").open(f"/visits/{town.token(town.book('09:30'))}")
    assert page.root.one("p", class_="code").attrs["dir"] == "ltr"
    assert page.root.one("strong", class_="appointment-time").all("bdi")
    assert "9:30" in page.root.one("p", class_="appointment").text


def test_staff_pages_speak_it_too(app: Flask, town: LiveTown, open_day: None) -> None:
    desk = Visitor(app, "ar").log_in_as(town.account(desk="buergerbuero"))
    page = desk.open("/desk")
    assert speaks(page) == ("ar", "rtl")
    assert "New walk-in" not in page.text
