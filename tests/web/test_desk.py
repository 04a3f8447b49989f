"""The front desk: numbers, check-in by code or link, who left, undo, and a list that refreshes itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import time_machine
from flask import Flask
from sqlalchemy import event

from scheduler.models import Opening, Visit
from tests.actions.small_town import NEXT_WEDNESDAY, OFFICE, SESSION, THURSDAY, WEDNESDAY, at
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.visitor import Visitor

HUGE = "9" * 5000


def register(desk: Visitor, **answers: str) -> Page:
    return desk.press(desk.open("/desk"), "/desk/visits", **answers)


def check_in(desk: Visitor, typed: str) -> Page:
    return desk.press(desk.open("/desk"), "/desk/check-ins", code=typed)


def line(page: Page, visit_id: int) -> str:
    found = page.root.all("li", id=f"visit-{visit_id}")
    return found[0].text if found else ""


def test_answers_are_stored_and_the_number_stands_large_on_the_page(desk: Visitor, town: LiveTown) -> None:
    given = register(desk, age="from_27", concern="letter", language="ar", urgent="1", people="4")
    visit = town.newest_visit()
    assert (given.status, given.location) == (303, f"/desk?opening=buergerbuero-mi/2026-11-25&given={visit.id}")
    assert (visit.kind, visit.state, visit.ticket, visit.arrived_at) == ("walk_in", "waiting", 1, at("09:05"))
    assert (visit.age_group, visit.language, visit.urgent, visit.people) == ("from_27", "ar", True, 4)
    page = desk.follow(given)
    assert page.root.one("p", class_="given-big").text == "1"
    assert "waits since 9:05 MBE Arabic Letter or form 4 people ! urgent" in line(page, visit.id)


def test_numbers_go_up_one_by_one(desk: Visitor, town: LiveTown) -> None:
    tickets = []
    for _ in range(3):
        register(desk)
        tickets.append(town.newest_visit().ticket)
    assert tickets == [1, 2, 3]


def test_a_number_at_once_ignores_what_was_ticked(desk: Visitor, town: LiveTown) -> None:
    register(desk, age="from_27", language="ar", quick="1")
    visit = town.newest_visit()
    assert (visit.age_group, visit.concern_id, visit.language, visit.people) == ("unknown", None, None, 1)
    assert "not asked yet" in line(desk.open("/desk"), visit.id)


HOSTILE = ["", HUGE, "-5", "0", "1e9", "²", "٣", "\x00", "ü" * 2000, "<script>alert(1)</script>", ["2", "3"], None]


@pytest.mark.parametrize("name", ["age", "concern", "language", "urgent", "people", "opening"])
def test_hostile_answers_still_give_a_number(desk: Visitor, town: LiveTown, name: str) -> None:
    page = desk.open("/desk")
    answered = {repr(each)[:20]: desk.press(page, "/desk/visits", **{name: each}).status for each in HOSTILE}
    assert {value: status for value, status in answered.items() if status != 303} == {}
    visit = town.newest_visit()
    assert visit.ticket == len(HOSTILE)
    assert visit.age_group == "unknown"
    assert (visit.concern_id, visit.language) == (None, None)
    assert "<script>alert" not in desk.open("/desk").html


@pytest.mark.parametrize(("people", "stored"), [("0", 1), ("1", 1), ("20", 20), ("21", 20), ("999999999999", 20)])
def test_the_number_of_people_stays_in_range(desk: Visitor, town: LiveTown, people: str, stored: int) -> None:
    register(desk, people=people)
    assert town.newest_visit().people == stored


def test_before_its_time_the_opening_gives_no_number(
    app: Flask, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    clock.move_to(at("08:29"))
    desk = Visitor(app).log_in_as(town.account(desk="buergerbuero"))
    page, before = desk.open("/desk"), town.count(Visit)
    assert "This opening gives no numbers now." in page.text
    refused = desk.post("/desk/visits", page)
    assert refused.status == 409
    assert "Numbers are given later today." in refused.text
    assert town.count(Visit) == before


def test_after_its_end_the_opening_gives_no_number_and_the_answers_are_kept(
    desk: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    page, before = desk.open("/desk"), town.count(Visit)
    clock.move_to(at("12:00"))
    refused = desk.press(page, "/desk/visits", age="from_27", language="ar", people="3")
    assert refused.status == 409
    assert "This opening is over." in refused.root.one("form", data_answers="").text
    assert town.count(Visit) == before
    kept = refused.form("/desk/visits").values
    assert (kept["age"], kept["language"], kept["people"]) == ("from_27", "ar", "3")


def test_stopped_tickets_are_refused_with_their_reason(desk: Visitor, town: LiveTown) -> None:
    visit = town.visit(town.take_in())
    town.set(Opening, visit.opening_id, tickets="stopped")
    refused = desk.post("/desk/visits", desk.open("/desk"))
    assert refused.status == 409
    assert "No more numbers are given today." in refused.text


def test_a_day_with_appointments_alone_gives_no_numbers(
    app: Flask, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    clock.move_to(at("13:30", THURSDAY))
    desk = Visitor(app).log_in_as(town.account(desk="awo-buero"))
    assert "This opening gives no numbers now." in desk.open("/desk").text
    refused = desk.post("/desk/visits", desk.open("/desk"))
    assert refused.status == 409
    assert "Only appointments here today." in refused.text


def test_without_an_opening_today_the_desk_says_when_the_next_one_is(
    app: Flask, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    desk = Visitor(app).log_in_as(town.account(desk="buergerbuero"))
    page = desk.open("/desk")
    assert "There is no opening here today." in page.text
    assert "Wednesday, 25 November" in page.text
    assert desk.open("/desk/queue").status == 200
    assert desk.post("/desk/visits", page).status == 404
    refused = desk.press(page, "/desk/check-ins", code="123456789")
    assert "Nobody has this code" in refused.wrong("code")
    assert "autofocus" in refused.root.one("input", id="code").attrs, (
        "what is wrong is in sight, and typed again at once"
    )
    assert "autofocus" not in page.root.one("input", id="code").attrs


def test_check_in_by_code_or_scanned_link_gives_a_number(desk: Visitor, town: LiveTown) -> None:
    ids = [town.book(clock) for clock in ("10:00", "10:15", "10:30", "10:45")]
    code, spoken = town.visit(ids[0]).code, town.visit(ids[1]).code
    spoken = f"{spoken[:3]} {spoken[3:6]} {spoken[6:]}"
    link, scanned = f"http://localhost/visits/{town.token(ids[2])}", f"http://localhost/visits/{town.token(ids[3])}\r\n"
    for visit_id, typed in zip(ids, (code, spoken, link, scanned), strict=True):
        answered = check_in(desk, typed)
        visit = town.visit(visit_id)
        assert answered.status == 303, typed
        assert (visit.state, visit.arrived_at) == ("waiting", at("09:05"))
        assert desk.follow(answered).root.one("p", class_="given-big").text == str(visit.ticket)
    assert [town.visit(each).ticket for each in ids] == [1, 2, 3, 4]


def test_a_link_copied_from_the_address_line_checks_in_too(desk: Visitor, town: LiveTown) -> None:
    visit_id = town.book("10:00")
    assert check_in(desk, f"http://localhost/visits/{town.token(visit_id)}?new=1").status == 303


def test_a_wrong_code_or_link_is_said_at_the_field_with_what_was_typed(desk: Visitor, town: LiveTown) -> None:
    visit_id = town.book("10:00")
    code, token = town.visit(visit_id).code, town.token(visit_id)
    wrong = [
        str(int(code) ^ 1),
        "12345",
        "",
        "http://localhost/visits/",
        f"http://localhost/visits/{token}x",
        "/",
    ]
    wrong += [
        f"{visit_id}-é",
        "http://localhost/visits/99999999999999999-a",
        "/" + HUGE + "-a",
        "\x00",
        "<script>alert(1)</script>",
    ]
    before = town.dump()
    for typed in wrong:
        page = check_in(desk, typed)
        assert page.status == 422, typed[:40]
        assert "Nobody has this code" in page.wrong("code")
        assert page.root.one("input", id="code").attrs["value"].strip("\x00\ufffd") == typed.strip("\x00").strip()
        assert "<script>alert" not in page.html
    assert town.dump() == before


def test_an_appointment_of_another_day_or_place_is_not_checked_in(desk: Visitor, town: LiveTown) -> None:
    other_day = town.book("10:00", on=NEXT_WEDNESDAY)
    other_place = town.book("13:00", key=OFFICE, on=THURSDAY)
    for visit_id, words in ((other_day, "Wednesday, 2 December"), (other_place, "Büro der Arbeiterwohlfahrt")):
        page = check_in(desk, town.visit(visit_id).code)
        assert page.status == 409
        assert "for another day or place" in page.text
        assert words in page.text
        assert town.visit(visit_id).state == "booked"
    early = desk.press(desk.open("/desk"), "/desk/check-ins", code=town.visit(other_day).code)
    assert early.status == 409


def test_checking_in_twice_says_so_and_draws_no_second_number(desk: Visitor, town: LiveTown) -> None:
    visit_id = town.book("10:00")
    check_in(desk, town.visit(visit_id).code)
    again = check_in(desk, town.visit(visit_id).code)
    assert again.status == 422
    assert "checked in already" in again.wrong("code")
    assert town.visit(visit_id).ticket == 1
    register(desk)
    assert town.newest_visit().ticket == 2


def test_a_cancelled_appointment_is_not_checked_in(desk: Visitor, visitor: Visitor, town: LiveTown) -> None:
    visit_id = town.book("10:00")
    address = f"/visits/{town.token(visit_id)}/cancellation"
    visitor.press(visitor.open(address), "/cancellation")
    assert check_in(desk, town.visit(visit_id).code).status == 422
    assert town.visit(visit_id).state == "cancelled"


def test_the_rows_own_buttons_check_in_note_missed_and_undo(desk: Visitor, town: LiveTown) -> None:
    visit_id = town.book("10:00")
    steps = [("check-in", "waiting"), ("undo", "booked"), ("missed", "missed"), ("undo", "booked")]
    for verb, state in steps:
        answered = desk.press(desk.open("/desk"), f"/desk/visits/{visit_id}/{verb}")
        assert (answered.status, town.visit(visit_id).state) == (303, state), verb
    assert town.visit(visit_id).planned_adviser_id is not None


def test_left_and_undo(desk: Visitor, town: LiveTown) -> None:
    visit_id = town.take_in()
    desk.press(desk.open("/desk"), f"/desk/visits/{visit_id}/left")
    assert town.visit(visit_id).state == "left"
    assert "left" in line(desk.open("/desk"), visit_id)
    desk.press(desk.open("/desk"), f"/desk/visits/{visit_id}/undo")
    assert town.visit(visit_id).state == "waiting"


def test_undo_ends_after_ten_minutes(desk: Visitor, town: LiveTown, clock: time_machine.Coordinates) -> None:
    visit_id = town.take_in()
    page = desk.open("/desk")
    clock.move_to(at("09:16"))
    assert desk.press(page, f"/desk/visits/{visit_id}/undo").status == 409
    assert town.visit(visit_id).state == "waiting"
    assert not desk.open("/desk").has_form(f"/desk/visits/{visit_id}/undo")


@pytest.mark.parametrize("verb", ["check-in", "left", "missed"])
def test_a_step_that_makes_no_sense_is_refused_without_a_trace(desk: Visitor, town: LiveTown, verb: str) -> None:
    visit_id = town.book("10:00") if verb == "left" else town.take_in()
    before = town.dump()
    answered = desk.post(f"/desk/visits/{visit_id}/{verb}", desk.open("/desk"))
    assert answered.status in (409, 422)
    assert town.dump() == before


def test_answers_can_follow_later_until_the_call(desk: Visitor, town: LiveTown) -> None:
    register(desk, quick="1")
    visit = town.newest_visit()
    page = desk.open(f"/desk/visits/{visit.id}/answers")
    desk.press(page, "/answers", age="under_27", concern="advice", language="uk", people="2")
    stored = town.visit(visit.id)
    assert (stored.age_group, stored.language, stored.people, stored.ticket) == ("under_27", "uk", 2, visit.ticket)
    again = desk.open(f"/desk/visits/{visit.id}/answers").form("/answers").values
    assert {"age": "under_27", "concern": "advice", "language": "uk", "people": "2"}.items() <= again.items()
    town.seat("ib-1")
    town.call_next("ib-1")
    assert desk.press(page, "/answers", age="from_27").status == 409
    assert town.visit(visit.id).age_group == "under_27"


def test_a_wish_that_nobody_here_meets_is_marked(desk: Visitor, town: LiveTown) -> None:
    unmet, met = town.take_in(language="other"), town.take_in(language="ar")
    page = desk.open("/desk")
    assert "Nobody here for their language or service" in page.text
    marked = page.root.one("ul", class_="lines--red").text
    assert line(page, unmet) in marked
    assert line(page, met) not in marked


def poll(visitor: Visitor, etag: str | None = None) -> Page:
    return visitor.open("/desk/queue", headers={"If-None-Match": etag} if etag else {})


def test_an_unchanged_poll_is_304_and_a_change_is_200(
    desk: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    etag = poll(desk).headers["ETag"]
    unchanged = poll(desk, etag)
    assert (unchanged.status, unchanged.html) == (304, "")
    visit_id = town.take_in()
    changed = poll(desk, etag)
    assert changed.status == 200
    assert line(changed, visit_id)
    assert poll(desk, changed.headers["ETag"]).status == 304
    clock.shift(60)
    assert poll(desk, changed.headers["ETag"]).status == 200


def test_every_kind_of_change_renews_the_poll(desk: Visitor, town: LiveTown) -> None:
    walk_in, appointment = town.take_in(), town.book("10:00")
    changes: dict[str, Callable[[], object]] = {
        "check-in": lambda: town.arrive(appointment),
        "seat": lambda: town.seat("awo-1"),
        "call": lambda: town.call_next("awo-1"),
        "answer": lambda: desk.post(f"/desk/visits/{appointment}/answers", desk.open("/desk"), people="3"),
        "book": lambda: town.book("11:00"),
        "left": lambda: desk.post(f"/desk/visits/{walk_in}/left", desk.open("/desk")),
        "undo": lambda: desk.post(f"/desk/visits/{walk_in}/undo", desk.open("/desk")),
    }
    unseen = []
    for name, change in changes.items():
        etag = poll(desk).headers["ETag"]
        change()
        if poll(desk, etag).status != 200:
            unseen.append(name)
    assert unseen == []


def test_the_poll_of_another_account_language_or_opening_has_another_etag(
    app: Flask, desk: Visitor, town: LiveTown
) -> None:
    other = Visitor(app).log_in_as(town.account(desk="buergerbuero"))
    german = desk.open("/desk/queue", headers={"Accept-Language": "de"})
    etags = {poll(desk).headers["ETag"], poll(other).headers["ETag"], german.headers["ETag"]}
    assert len(etags) == 3


def test_page_and_poll_show_the_same_list(desk: Visitor, town: LiveTown) -> None:
    for _ in range(2):
        town.take_in()
    town.book("10:00")
    page, part = desk.open("/desk"), poll(desk)
    lines = [each.text for each in page.root.all("li", class_="line")]
    assert lines == [each.text for each in part.root.all("li", class_="line")]
    assert len(lines) == 3


def test_the_paper_shows_number_and_its_own_qr_code(desk: Visitor, town: LiveTown) -> None:
    visit_id = town.take_in(language="ar", concern="letter")
    page = desk.open(f"/desk/visits/{visit_id}/ticket")
    paper = page.root.one("article", class_="paper")
    assert paper.one("p", class_="paper-number").text == "1"
    assert paper.one("img").attrs["src"] == f"/visits/{town.token(visit_id)}/qr.svg"
    assert not any(word in paper.text for word in ("MBE", "Arabic", "Letter"))


def test_the_paper_link_of_every_row_opens(desk: Visitor, town: LiveTown) -> None:
    """Also after a check-in that was taken back: the number stays, the arrival goes."""
    visit_id = town.book("10:00")
    town.take_in()
    desk.press(desk.open("/desk"), f"/desk/visits/{visit_id}/check-in")
    desk.press(desk.open("/desk"), f"/desk/visits/{visit_id}/undo")
    links = [each for each in desk.open("/desk").links if each.startswith("/desk/visits/")]
    assert {each: status for each in links if (status := desk.open(each).status) != 200} == {}


def test_no_visit_of_another_place_is_seen_or_touched(app: Flask, desk: Visitor, town: LiveTown) -> None:
    visit_id = town.take_in()
    booked = town.book("10:00")
    other = Visitor(app).log_in_as(town.account(desk="awo-buero"))
    before, page = town.dump(), other.open("/code")
    for each in (visit_id, booked):
        for part in ("answers", "ticket"):
            assert other.open(f"/desk/visits/{each}/{part}").status == 404
        for part in ("answers", "check-in", "left", "missed", "undo"):
            assert other.post(f"/desk/visits/{each}/{part}", page).status == 404, part
    shown = other.open(f"/desk?given={visit_id}&opening={SESSION}/{WEDNESDAY}")
    assert not shown.root.all("p", class_="given-big")
    assert town.dump() == before


def test_a_hostile_address_is_a_page_that_says_so(desk: Visitor, town: LiveTown) -> None:
    for opening in ("", "x", "\x00", HUGE, "buergerbuero-mi/0001-01-01", "buergerbuero-mi/9999-12-31", "a/b"):
        page = desk.open("/desk", query_string={"opening": opening, "given": opening})
        assert page.status == 200, opening[:30]
        assert page.root.one("h1").text.startswith("Bürgerbüro")
    for given in (HUGE, "9" * 17, "-1", "²", "0"):
        assert desk.open("/desk", query_string={"given": given}).status == 200, given[:30]


def test_a_booked_visit_is_not_shown_as_a_given_number(desk: Visitor, town: LiveTown) -> None:
    booked = town.book("10:00")
    assert not desk.open(f"/desk?given={booked}").root.all("p", class_="given-big")


def test_a_longer_queue_takes_no_more_statements(desk: Visitor, app: Flask, town: LiveTown) -> None:
    for _ in range(2):
        town.take_in(age_group="from_27", concern="letter")
    desk.open("/desk")  # whether jobs run is asked once in half a minute
    town.take_in(age_group="from_27", concern="letter")
    few = count_statements(app, desk)
    for _ in range(10):
        town.take_in(age_group="from_27", concern="letter")
    assert count_statements(app, desk) == few


def count_statements(app: Flask, desk: Visitor) -> int:
    seen: list[str] = []
    engine = app.extensions["database"].engine

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        assert desk.open("/desk/queue").status == 200
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(seen)
