"""A day without computers: the sheet, the number to go on at, what is entered later, tickets and signs on paper."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy.orm import Session

from scheduler.actions.closing import close_visit
from scheduler.models import Opening, TicketCounter, Visit
from tests.actions.small_town import LAST_WEDNESDAY, OFFICE, SESSION, THURSDAY, WEDNESDAY, at, hours_of, place_of
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.test_desk_markup import faults_of
from tests.web.visitor import Visitor

TODAY = f"{SESSION}/{WEDNESDAY}"
LAST = f"{SESSION}/{LAST_WEDNESDAY}"
HUGE = "9" * 5000


def rows(page: Page) -> list[list[str]]:
    """The lines of the sheet, cell by cell."""
    return [[cell.text for cell in row.children if hasattr(cell, "text")] for row in page.root.one("tbody").all("tr")]


def count_to(town: LiveTown, number: int) -> None:
    """So many numbers were given today."""

    def add(session: Session) -> None:
        session.add(TicketCounter(place_id=place_of(session).id, local_on=WEDNESDAY, last_number=number))

    town.change(add)


def enter(desk: Visitor, opening: str = TODAY, **fields: Any) -> Page:
    page = desk.open(f"/desk/late-entry?opening={opening}")
    return desk.press(page, "/desk/late-entry", **fields)


SERVED = {"arrived": "8:50", "called": "9:00", "finished": "9:04", "adviser": "awo-1"}


def test_the_sheet_has_appointments_by_time_and_then_numbered_lines(desk: Visitor, town: LiveTown) -> None:
    town.set(Visit, town.book("10:00"), state="cancelled", planned_adviser_id=None)
    later, sooner = town.book("11:00"), town.book("10:00", concern="advice")
    count_to(town, 12)
    page = desk.open("/desk/day-sheet")
    lines = rows(page)
    code = town.visit(sooner).code or ""
    assert lines[0][:2] == ["10:00", f"{code[:3]} {code[3:6]} {code[6:]} MBE 45 min"]
    assert lines[0][5].startswith("Beratung")
    assert lines[1][0] == "11:00"
    assert (town.visit(later).code or "")[:3] in lines[1][1]
    assert [line[0] for line in lines[2:]] == [str(number) for number in range(13, 13 + len(lines) - 2)]
    assert len(lines) >= 20
    assert lines[2][1] == "☐ MBE ☐ JMD Language"
    assert "Continue at number 13." in page.text
    assert "Wednesday, 25 November, 9:00–12:00" in page.text
    assert faults_of(page) == []


def test_without_numbers_yet_the_sheet_begins_at_the_first(desk: Visitor) -> None:
    assert rows(desk.open("/desk/day-sheet"))[0][0] == "1"


def test_the_sheet_says_nothing_that_identifies(desk: Visitor, town: LiveTown) -> None:
    town.book("10:00", language="ar")
    page = desk.open("/desk/day-sheet")
    assert not re.search("Arabic|Letter|@|under 27", page.root.one("article").text)


@pytest.mark.parametrize("booked", [0, 5, 15, 16, 30])
def test_however_many_are_booked_the_sheet_has_no_more_lines_than_a_page(
    desk: Visitor, town: LiveTown, booked: int
) -> None:
    def add(session: Session) -> None:
        opening = Opening(hours=hours_of(session), original_on=WEDNESDAY)
        for number in range(booked):
            starts_at = at("09:00") + timedelta(minutes=number)
            session.add(
                Visit(
                    opening=opening, place_id=place_of(session).id, local_on=WEDNESDAY, kind="appointment",
                    state="booked", code=str(100_000_000 + number), locale="de", starts_at=starts_at,
                    ends_at=starts_at + timedelta(minutes=15), created_at=starts_at, changed_at=starts_at,
                )
            )  # fmt: skip

    town.change(add)
    lines = rows(desk.open("/desk/day-sheet"))
    assert 23 <= len(lines) <= 31
    assert len(lines) - booked >= min(12, 31 - booked)


def test_the_sheet_of_another_place_is_not_found(app: Flask, town: LiveTown, open_day: None) -> None:
    elsewhere = Visitor(app).log_in_as(town.account(desk="awo-buero"))
    assert elsewhere.open(f"/desk/day-sheet?opening={TODAY}").status == 404
    assert elsewhere.open(f"/desk/late-entry?opening={TODAY}").status == 404
    assert elsewhere.post("/desk/late-entry", elsewhere.open("/desk"), opening=TODAY, number="5").status == 404
    answer = elsewhere.post("/desk/late-entry/next-number", elsewhere.open("/desk"), opening=TODAY, next="5")
    assert answer.status == 404


def test_while_numbers_are_given_before_the_door_opens_the_computer_can_take_over(
    app: Flask, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    clock.move_to(at("08:29"))
    desk = Visitor(app).log_in_as(town.account(desk="buergerbuero"))
    assert TODAY not in desk.open("/desk/late-entry").html
    clock.move_to(at("08:45"))
    page = desk.open(f"/desk/late-entry?opening={TODAY}")
    assert desk.press(page, "/desk/late-entry/next-number", next="12").status == 303
    assert enter(desk, number="3", arrived="8:31", left="1").status == 303
    assert town.newest_visit().ticket == 3


@pytest.mark.parametrize("finished", ["9:04", ""])
def test_what_was_called_on_paper_never_stands_on_the_board(
    desk: Visitor, clock: time_machine.Coordinates, finished: str
) -> None:
    clock.move_to(at("09:30"))
    assert enter(desk, number="77", **{**SERVED, "finished": finished}).status == 303
    assert "77" not in desk.open("/board/buergerbuero/now").text


def test_an_adviser_without_a_desk_has_the_sheet_too(
    app: Flask, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    clock.move_to(at("13:05", THURSDAY))
    adviser = Visitor(app).log_in_as(town.account(adviser="awo-1"))
    visit = town.visit(town.book("15:30", key=OFFICE, on=THURSDAY))
    page = adviser.open(next(each for each in adviser.open("/my").links if "day-sheet" in each))
    assert (visit.code or "")[:3] in page.text
    assert "Thursday" in page.text
    assert adviser.open(f"/my/intake/day-sheet?opening={TODAY}").text == page.text


def test_an_adviser_at_a_place_with_a_desk_has_none(adviser: Visitor, desk: Visitor) -> None:
    assert adviser.open("/my/intake/day-sheet").status == 404


def test_the_desk_links_to_the_sheet_and_back_from_it(desk: Visitor) -> None:
    links = desk.open("/desk").links
    assert f"/desk/day-sheet?opening={TODAY}" in links
    assert "/desk/late-entry" in links
    assert f"/desk/late-entry?opening={TODAY}" in desk.open("/desk/day-sheet").links


def test_the_next_ticket_gets_the_number_that_was_set(desk: Visitor, town: LiveTown) -> None:
    page = desk.open("/desk/late-entry")
    assert page.form("/next-number").values["next"] == "1"
    answer = desk.press(page, "/next-number", next="31")
    assert answer.status == 303
    assert "The next person gets number 31." in desk.follow(answer).text
    assert town.visit(town.take_in()).ticket == 31


@pytest.mark.parametrize("typed", ["2", "0", "-1", "", "x", "3.5", "٣", "10000", HUGE, "\x00"])
def test_a_number_that_cannot_be_next_is_explained_with_the_smallest_that_can(
    desk: Visitor, town: LiveTown, typed: str
) -> None:
    for _ in range(2):
        town.take_in()
    answer = desk.press(desk.open("/desk/late-entry"), "/next-number", next=typed)
    assert (answer.status, answer.wrong("next")) == (422, "Choose a number from 3 to 9999.")
    assert answer.form("/desk/late-entry").values["number"] == "3"
    assert town.visit(town.take_in()).ticket == 3


def test_a_line_is_entered_and_the_next_one_is_ready(desk: Visitor, town: LiveTown) -> None:
    answer = enter(desk, number="7", language="ar", concern="letter", age="from_27", **SERVED)
    visit = town.newest_visit()
    assert (answer.status, answer.location) == (303, f"/desk/late-entry?opening={TODAY}&entered={visit.id}")
    assert (visit.ticket, visit.state, visit.times_unreliable) == (7, "done", True)
    assert (visit.arrived_at, visit.ended_at, visit.language) == (at("08:50"), at("09:04"), "ar")
    assert town.count(TicketCounter) >= 1
    page = desk.follow(answer)
    assert "Number 7 is entered." in page.text
    assert "7 served 8:50 – 9:00 – 9:04 Beratung AWO 1" in page.root.one("ul", class_="lines").text
    form = page.form("/desk/late-entry")
    assert (form.values["number"], form.values["arrived"], form.values["adviser"]) == ("8", "", "")
    assert "autofocus" in page.root.one("input", id="arrived").attrs
    assert faults_of(page) == []


@pytest.mark.parametrize("typed", ["8:50", "08:50", "8.50", "850", "0850", " 8:50 "])
def test_times_are_read_as_people_write_them(desk: Visitor, town: LiveTown, typed: str) -> None:
    enter(desk, number="3", arrived=typed, left="1")
    assert (town.newest_visit().arrived_at, town.newest_visit().state) == (at("08:50"), "left")


@pytest.mark.parametrize(
    ("fields", "name", "words"),
    [
        ({"number": "1"}, "number", "Somebody has this number already on that day."),
        ({"number": "0"}, "number", "Please give a number from 1 to 9999."),
        ({"number": HUGE}, "number", "Please give a number from 1 to 9999."),
        ({"number": "٣"}, "number", "Please give a number from 1 to 9999."),
        ({"arrived": ""}, "arrived", "Please give the time of arrival."),
        ({"arrived": "soon"}, "arrived", "Please give a time like 9:15."),
        ({"called": "25:00"}, "called", "Please give a time like 9:15."),
        ({"finished": "9:60"}, "finished", "Please give a time like 9:15."),
        ({"finished": "9:06"}, "arrived", "This time is still to come."),
        ({"called": "8:40"}, "arrived", "Arrived, called, finished: each time must be later than the one before."),
        ({"called": ""}, "called", "Please give the time of the call, too."),
        ({"adviser": ""}, "adviser", "Who served this person? Please choose."),
        ({"adviser": "nobody"}, "adviser", "Who served this person? Please choose."),
        ({"code": "123"}, "code", "Nobody has this code. Please check each digit."),
        ({"code": "123 456 789"}, "code", "Nobody has this code. Please check each digit."),
    ],
)  # fmt: skip
def test_what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(
    desk: Visitor, town: LiveTown, fields: dict[str, str], name: str, words: str
) -> None:
    town.take_in()
    before = town.dump()
    typed = {"number": "5", **SERVED, "language": "ar", "concern": "letter", "age": "family", "left": None, **fields}
    answer = enter(desk, **typed)
    assert (answer.status, answer.wrong(name)) == (422, words)
    kept = answer.form("/desk/late-entry").values
    for field in ("called", "finished", "language", "concern", "age", "number", "arrived", "code"):
        assert kept[field] == typed.get(field, "")[:40], field
    assert faults_of(answer) == []
    assert town.dump() == before


def test_an_appointment_is_entered_by_its_code(desk: Visitor, town: LiveTown) -> None:
    visit_id = town.book("10:00")
    code = town.visit(visit_id).code or ""
    page = desk.open("/desk/late-entry")
    assert f"{code[:3]} {code[3:6]} {code[6:]}" in {each.attrs.get("value") for each in page.root.all("option")}
    answer = enter(desk, code=code, **SERVED)
    assert "The appointment at 10:00 is entered." in desk.follow(answer).text
    visit = town.visit(visit_id)
    assert (visit.state, visit.times_unreliable, visit.ticket) == ("done", True, None)
    again = enter(desk, code=code, **SERVED)
    assert (again.status, "checked in already" in again.wrong("code")) == (422, True)


def test_an_appointment_of_another_place_is_refused(desk: Visitor, town: LiveTown) -> None:
    visit = town.visit(town.book("15:30", key=OFFICE, on=THURSDAY))
    answer = enter(desk, code=visit.code, **SERVED)
    assert answer.wrong("code") == "This appointment is for another day or place."
    assert town.visit(visit.id).state == "booked"


def test_a_past_day_is_entered_whole(desk: Visitor, town: LiveTown) -> None:
    refused = enter(desk, LAST, number="60", arrived="9:10")
    assert refused.wrong("finished") == "That day is over. When was it finished, or did the person leave?"
    assert not refused.has_form("/next-number")
    answer = enter(desk, LAST, number="60", arrived="9:10", called="10:00", finished="11:59", adviser="ib-1")
    assert answer.status == 303
    visit = town.newest_visit()
    assert (visit.local_on, visit.ticket, visit.state) == (LAST_WEDNESDAY, 60, "done")
    assert visit.ended_at == at("11:59", LAST_WEDNESDAY)


def test_an_appointment_that_the_night_closed_can_be_entered(
    app: Flask, town: LiveTown, open_day: None, clock: time_machine.Coordinates
) -> None:
    visit_id = town.book("10:00")
    town.change(lambda session: close_visit(session, visit_id, at("02:00", THURSDAY)))
    clock.move_to(at("08:00", THURSDAY))
    desk = Visitor(app).log_in_as(town.account(desk="buergerbuero"))
    times = {"arrived": "9:55", "called": "10:00", "finished": "10:15", "adviser": "awo-2"}
    assert enter(desk, code=town.visit(visit_id).code, **times).status == 303
    assert town.visit(visit_id).state == "done"


def test_a_sheet_is_entered_within_a_week(app: Flask, town: LiveTown, clock: time_machine.Coordinates) -> None:
    account = town.account(desk="buergerbuero")
    clock.move_to(at("08:00", WEDNESDAY + timedelta(days=7)))
    page = Visitor(app).log_in_as(account).open("/desk/late-entry")
    assert "Wednesday, 25 November" in page.text
    clock.move_to(at("08:00", WEDNESDAY + timedelta(days=8)))
    desk = Visitor(app).log_in_as(account)
    assert desk.open(f"/desk/late-entry?opening={TODAY}").status == 404


@pytest.mark.parametrize("opening", ["", "x", HUGE, f"{OFFICE}/{THURSDAY}", f"{SESSION}/2026-12-02", "\x00"])
def test_only_own_openings_of_the_last_days_can_be_entered(desk: Visitor, town: LiveTown, opening: str) -> None:
    before = town.dump()
    assert desk.open("/desk/late-entry", query_string={"opening": opening}).status == 404
    answer = desk.press(desk.open("/desk/late-entry"), "/desk/late-entry", opening=opening, number="5", **SERVED)
    assert answer.status == 404
    assert town.dump() == before


def test_where_nothing_was_open_the_page_says_so(
    app: Flask, town: LiveTown, open_day: None, clock: time_machine.Coordinates
) -> None:
    elsewhere = Visitor(app).log_in_as(town.account(desk="awo-buero"))
    assert "Thursday, 19 November" in elsewhere.open("/desk/late-entry").text
    clock.move_to(at("09:05", date(2027, 1, 6)))  # after the holidays
    page = Visitor(app).log_in_as(town.account(desk="awo-buero")).open("/desk/late-entry")
    assert "Nothing was open here in the last seven days." in page.text
    assert faults_of(page) == []


def test_a_ticket_is_printed_on_plain_paper_until_a_receipt_printer_is_chosen(desk: Visitor, town: LiveTown) -> None:
    address = f"/desk/visits/{town.take_in(age_group='from_27', language='ar')}/ticket"
    page = desk.open(address)
    assert "paper--plain" in page.root.one("article").attrs["class"]
    assert "Set-Cookie" not in page.headers or "paper=" not in page.headers["Set-Cookie"]
    receipt = desk.open(next(each for each in page.links if "paper=receipt" in each))
    assert "paper--receipt" in receipt.root.one("article").attrs["class"]
    [cookie] = [each for each in receipt.headers.getlist("Set-Cookie") if each.startswith("paper=")]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "paper--receipt" in desk.open(address).root.one("article").attrs["class"]
    assert "paper--plain" in desk.open(f"{address}?paper=plain").root.one("article").attrs["class"]
    assert "paper--plain" in desk.open(address).root.one("article").attrs["class"]
    assert not re.search("MBE|JMD|Arabic|Beratung", page.root.one("article").text)


@pytest.mark.parametrize("paper", ["", "A3", "receipt\r\nX: y", HUGE])
def test_an_unknown_paper_is_plain(desk: Visitor, town: LiveTown, paper: str) -> None:
    page = desk.open(f"/desk/visits/{town.take_in()}/ticket", query_string={"paper": paper})
    assert "paper--plain" in page.root.one("article").attrs["class"]


def test_each_station_has_a_sign_of_its_own(desk: Visitor) -> None:
    page = desk.open("/desk/signs")
    signs = page.root.all("section", class_="sign")
    assert [each.one("p", class_="sign-name").text for each in signs] == ["Tisch 1", "Tisch 2", "Tisch 3"]
    pictures = [each.one("use").attrs["href"].partition("#")[2] for each in signs]
    assert all(pictures)
    assert len(set(pictures)) == 3


def test_the_desk_can_hide_all_but_numbers_only_with_a_script(desk: Visitor) -> None:
    page = desk.open("/desk")
    button = next(each for each in page.root.all("button") if "data-discreet" in each.attrs)
    assert (button.attrs["data-key"], "hidden" in button.attrs) == ("h", True)
