"""The waiting room's screen: numbers and stations, nothing about people."""

from __future__ import annotations

import re

import time_machine

from tests.actions.small_town import at
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.visitor import Visitor


def board(visitor: Visitor, part: str = "") -> Page:
    return visitor.open(f"/board/buergerbuero{part}")


def call_some(town: LiveTown) -> None:
    """Number 1 has been served, 2 is called, an appointment and two others wait."""
    town.seat("awo-1", "Tisch 1")
    for language in ("ar", None, "uk", "other"):
        town.take_in(language=language, concern="letter", age_group="from_27", urgent=language == "uk")
    town.arrive(town.book("11:00", language="ar"))
    town.serve(town.call_next("awo-1"))
    town.call_next("awo-1")


def test_it_shows_the_latest_call_with_its_station_and_who_is_next(
    visitor: Visitor, town: LiveTown, open_day: None
) -> None:
    call_some(town)
    for page in (board(visitor), board(visitor, "/now")):
        latest = page.root.one("section", class_="board-latest")
        number = latest.one("p", class_="board-number").text
        assert "Tisch 1" in latest.text
        following = [each.text for each in page.root.one("p", class_="board-next").all("b")]
        assert sorted(
            [number, *following, *re.findall(r"\d+", page.root.one("ul", class_="board-before").one("b").text)]
        )
        assert "3 people are waiting." in page.text


def test_a_call_that_was_taken_back_leaves_the_board(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    town.take_in()
    assert "The first number is called soon." in board(visitor).text


def test_nothing_about_people_is_anywhere_in_its_html(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    call_some(town)
    booked = town.book("10:00", language="ar")
    code = town.visit(booked).code
    visitor.press(visitor.open(f"/visits/{town.token(booked)}"), "/contact", email="somebody@example.org")
    town.arrive(booked)
    for part in ("", "/now"):
        html = board(visitor, part).html
        for secret in (
            code,
            f"{code[:3]} {code[3:6]}",
            "example.org",
            "MBE",
            "JMD",
            "Beratung AWO",
            "Beratung IB",
            "Arabic",
        ):
            assert secret not in html, secret
        assert not re.search("Letter|urgent|under 27|awo-1|visits/|tickets/", html)


def test_when_the_day_is_over_it_shows_the_next_opening(
    visitor: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    page = board(visitor)
    assert "Closed now" in page.text
    assert "Wednesday, 25 November 9:00–12:00" in page.text


def test_after_closing_it_does_not_keep_the_last_call_until_midnight(
    visitor: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    clock.move_to(at("11:30"))
    town.seat("awo-1")
    town.take_in()
    town.serve(town.call_next("awo-1"))
    clock.move_to(at("15:00"))
    page = board(visitor)
    assert "Closed now" in page.text
    assert "Wednesday, 2 December" in page.text


def test_an_unchanged_poll_is_304_and_a_call_is_seen(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    town.take_in()
    town.seat("awo-1")
    etag = board(visitor, "/now").headers["ETag"]
    assert visitor.open("/board/buergerbuero/now", headers={"If-None-Match": etag}).status == 304
    town.call_next("awo-1")
    changed = visitor.open("/board/buergerbuero/now", headers={"If-None-Match": etag})
    assert changed.root.one("p", class_="board-number").text == "1"


def test_another_places_board_shows_none_of_it(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    call_some(town)
    page = visitor.open("/board/awo-buero")
    assert not page.root.all("p", class_="board-number")
    assert "Tisch" not in page.text


def test_an_unknown_place_is_a_page_that_says_so(visitor: Visitor) -> None:
    for key in ("nowhere", "%00", "9" * 3000, "ü", "buergerbuero%2F..", "<script>"):
        for part in ("", "/now"):
            page = visitor.open(f"/board/{key}{part}")
            assert page.status == 404, key[:20]
            assert "/" in page.links
