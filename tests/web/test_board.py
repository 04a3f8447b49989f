"""The waiting room's screen: numbers and stations, nothing about people."""

from __future__ import annotations

import re
from datetime import date, time
from typing import Any, Literal

import pytest
import time_machine
from flask import Flask

from bench.statements import statements_of
from scheduler.actions.full_house import set_tickets
from scheduler.actions.rulebook import PlannedOpening, read_rulebook
from scheduler.db import Database
from scheduler.models import Opening, Visit
from scheduler.models.hours import Tickets
from tests.actions.small_town import NEXT_WEDNESDAY, THURSDAY, WEDNESDAY, at, change_date, opening_of
from tests.web.forecasts import change_forecasts
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


def give_tickets(town: LiveTown, how: Tickets) -> None:
    town.change(lambda session: set_tickets(session, opening_of(read_rulebook(session)), how))


def change(town: LiveTown, on: date, kind: Literal["cancelled", "moved"], **times: Any) -> None:
    town.change(lambda session: change_date(session, on, kind, **times))


def hold_another(town: LiveTown, from_clock: str, until_clock: str) -> PlannedOpening:
    """A second opening at the place on Wednesday: next week's, moved to it."""
    times = {"from_time": time.fromisoformat(from_clock), "until_time": time.fromisoformat(until_clock)}
    change(town, NEXT_WEDNESDAY, "moved", held_on=WEDNESDAY, **times)
    return town.read(lambda session: opening_of(read_rulebook(session), on=NEXT_WEDNESDAY))


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


def test_the_station_of_each_call_stands_beside_its_picture(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    for number, key in ((2, "awo-1"), (1, "awo-2")):
        town.seat(key, f"Tisch {number}")
        town.take_in()
        town.call_next(key)
    latest = board(visitor).root.one("section", class_="board-latest")
    assert latest.one("svg", class_="symbol").attrs["aria-label"] == "sun"
    before = board(visitor).root.one("ul", class_="board-before")
    assert before.one("svg", class_="symbol").attrs["aria-label"] == "fish"
    assert (
        before.one("use")
        .attrs["href"]
        .endswith("symbols.svg?v=" + visitor.client.application.extensions["build"] + "#fish")
    )


def test_it_shows_three_calls_before_the_latest(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    town.seat("awo-1")
    for _ in range(6):
        town.take_in()
    for _ in range(5):
        town.serve(town.call_next("awo-1"))
    before = board(visitor).root.one("ul", class_="board-before")
    assert [each.text for each in before.all("b")] == ["4", "3", "2"]


def test_a_call_marks_its_number_until_somebody_has_come(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    town.seat("awo-1")
    town.take_in()
    called = town.call_next("awo-1")
    assert board(visitor).root.all("section", class_="board-latest--calling")
    town.serve(called)
    assert not board(visitor).root.all("section", class_="board-latest--calling")


def test_a_newcomer_sees_how_long_it_takes(
    visitor: Visitor, town: LiveTown, open_day: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_forecasts(monkeypatch, low=26.0, high=38.0, chance=0.9)
    assert "If you come now, you wait: 25–40 min" in board(visitor).text


def test_where_no_numbers_are_given_it_says_so_instead(
    visitor: Visitor, town: LiveTown, open_day: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_forecasts(monkeypatch, low=26.0, high=38.0, chance=0.9)
    give_tickets(town, "stopped")
    assert "No more numbers today." in board(visitor).text
    assert "min" not in board(visitor).root.one("section", class_="board-side").text


def test_where_staff_give_numbers_although_it_is_late_no_range_is_promised(
    visitor: Visitor, town: LiveTown, open_day: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_forecasts(monkeypatch, low=500.0, high=600.0, chance=0.2)
    give_tickets(town, "open")
    assert "It may be too late today." in board(visitor).text
    assert "600" not in board(visitor).text


def test_numbers_that_are_given_again_in_the_afternoon_are_announced(
    visitor: Visitor, town: LiveTown, open_day: None
) -> None:
    hold_another(town, "14:00", "16:00")
    give_tickets(town, "stopped")
    assert "New numbers: at 13:30" in board(visitor).text


def test_two_openings_at_once_share_the_board(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    town.take_in()
    second = hold_another(town, "08:00", "12:00")
    town.take_in(opening=second)
    shown = board(visitor)
    assert [each.text for each in shown.root.one("p", class_="board-next").all("b")] == ["1", "2"]
    assert "2 people are waiting." in shown.text
    give_tickets(town, "stopped")
    assert "If you come now" in board(visitor).text, "the other one gives numbers"
    etag = board(visitor, "/now").headers["ETag"]
    town.take_in(opening=second)
    assert visitor.open("/board/buergerbuero/now", headers={"If-None-Match": etag}).status == 200


def test_an_opening_that_was_closed_early_is_closed(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    visit_id = town.take_in()
    town.set(Opening, town.visit(visit_id).opening_id, closed_at=at("09:05"))
    town.set(Visit, visit_id, state="not_served", ended_at=at("09:05"))
    page = board(visitor)
    assert "Closed now" in page.text
    assert "Wednesday, 2 December" in page.text
    assert "First numbers: at 8:30" in page.text


def test_a_place_by_appointment_says_so_when_it_is_closed(visitor: Visitor, town: LiveTown) -> None:
    page = visitor.open("/board/awo-buero")
    assert "Thursday, 26 November 13:00–16:00" in page.text
    assert "By appointment" in page.text


class TestUnchangedPoll:
    """One statement, that asks for the stamp of the rules and the versions of today's openings."""

    def poll(self, visitor: Visitor, etag: str, part: str = "buergerbuero") -> Page:
        return visitor.open(f"/board/{part}/now", headers={"If-None-Match": etag})

    def test_takes_one_statement(self, visitor: Visitor, town: LiveTown, open_day: None, database: Database) -> None:
        call_some(town)
        for place in ("buergerbuero", "awo-buero"):
            etag = self.poll(visitor, "", place).headers["ETag"]
            with statements_of(database) as seen:
                assert self.poll(visitor, etag, place).status == 304
            assert len(seen) == 1, seen

    def test_reads_no_log_in(self, visitor: Visitor, town: LiveTown, open_day: None, database: Database) -> None:
        visitor.log_in_as(town.account(desk="buergerbuero"))
        etag = self.poll(visitor, "").headers["ETag"]
        with statements_of(database) as seen:
            assert self.poll(visitor, etag).status == 304
        assert len(seen) == 1, seen

    def test_sees_the_first_thing_that_happens_at_an_opening(
        self, visitor: Visitor, town: LiveTown, open_day: None
    ) -> None:
        etag = self.poll(visitor, "").headers["ETag"]
        town.take_in()
        assert "1 person is waiting." in self.poll(visitor, etag).text

    def test_sees_a_change_of_the_rules(self, visitor: Visitor, town: LiveTown) -> None:
        etag = self.poll(visitor, "").headers["ETag"]
        change(town, WEDNESDAY, "cancelled")
        assert "Wednesday, 2 December" in self.poll(visitor, etag).text

    def test_sees_what_happens_at_an_opening_that_was_moved_to_this_day(
        self, visitor: Visitor, town: LiveTown, clock: time_machine.Coordinates
    ) -> None:
        clock.move_to(at("09:05", THURSDAY))
        etag = self.poll(visitor, "").headers["ETag"]
        change(town, WEDNESDAY, "moved", held_on=THURSDAY)
        etag = self.poll(visitor, etag).headers["ETag"]
        assert self.poll(visitor, etag).status == 304
        town.take_in()
        assert "1 person is waiting." in self.poll(visitor, etag).text

    def test_sees_an_own_appointment_that_comes(self, visitor: Visitor, town: LiveTown, open_day: None) -> None:
        self.poll(visitor, "")
        own = town.enter_own_time("13:00")
        etag = self.poll(visitor, "").headers["ETag"]
        assert self.poll(visitor, etag).status == 304
        town.arrive(own)
        assert self.poll(visitor, etag).status == 200

    def test_is_new_each_minute_day_and_language(
        self, app: Flask, visitor: Visitor, town: LiveTown, open_day: None, clock: time_machine.Coordinates
    ) -> None:
        etag = self.poll(visitor, "").headers["ETag"]
        assert self.poll(Visitor(app, "ar"), etag).status == 200
        for later in (at("09:06"), at("09:05", THURSDAY)):
            clock.move_to(later)
            assert self.poll(visitor, etag).status == 200

    def test_remembers_nothing_of_places_that_do_not_exist(
        self, visitor: Visitor, town: LiveTown, database: Database
    ) -> None:
        for place in ("buergerbuero", "nowhere", "x" * 500):
            self.poll(visitor, "", place)
        assert [each for each in database.kept if each[0] == "place"] == [("place", "buergerbuero")]
