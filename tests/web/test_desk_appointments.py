"""A caller says nine digits: the desk moves or cancels after asking, prints, and touches nothing of other places."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from scheduler.models import Visit
from tests.actions.small_town import NEXT_WEDNESDAY, OFFICE, SESSION, THURSDAY, at
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.visitor import Visitor

HUGE = "9" * 5000


def look_up(desk: Visitor, typed: str) -> Page:
    """Type into the field for codes and press its second button."""
    form = desk.open("/desk").form("/desk/check-ins")
    button = next(each for each in form.buttons if "formaction" in each.attrs)
    return desk.open(button.attrs["formaction"], method="POST", data=form.filled(code=typed))


def test_a_code_leads_to_the_appointment_with_all_that_can_be_done(desk: Visitor, town: LiveTown) -> None:
    visit_id = town.book("10:00", on=NEXT_WEDNESDAY, language="ar")
    found = look_up(desk, town.visit(visit_id).code or "")
    assert (found.status, found.location) == (303, f"/appointments/{visit_id}")
    page = desk.follow(found)
    assert "Wednesday, 2 December" in page.text
    assert {f"/appointments/{visit_id}/{part}" for part in ("move", "cancellation", "slip")} <= set(page.links)
    assert "/desk" in page.links
    assert not any(words in page.root.one("main").text for words in ("MBE", "Arabic", "Letter or form", "AWO"))


def test_a_scanned_link_leads_there_too(desk: Visitor, town: LiveTown) -> None:
    visit_id = town.book("10:00", on=NEXT_WEDNESDAY)
    assert look_up(desk, f"http://localhost/visits/{town.token(visit_id)}").location == f"/appointments/{visit_id}"


@pytest.mark.parametrize("typed", ["", "12345", "111 111 111", HUGE, "\x00", "http://[", "http://localhost/visits/1-x"])
def test_an_unknown_code_is_said_at_the_field(desk: Visitor, town: LiveTown, typed: str) -> None:
    before = town.dump()
    for page in (look_up(desk, typed), desk.press(desk.open("/desk"), "/desk/check-ins", code=typed)):
        assert page.status == 422
        assert "Nobody has this code" in page.wrong("code")
    assert town.dump() == before


def test_a_walk_ins_link_and_a_day_that_is_over_are_unknown_too(
    app: Flask, desk: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    walk_in, booked = town.take_in(), town.book("10:00")
    assert look_up(desk, f"http://localhost/visits/{town.token(walk_in)}").status == 422
    clock.shift(timedelta(days=1))
    next_day = Visitor(app).log_in_as(town.account(desk="buergerbuero"))
    assert look_up(next_day, town.visit(booked).code or "").status == 422


def test_an_appointment_of_another_place_is_only_named_with_whom_to_call(desk: Visitor, town: LiveTown) -> None:
    visit_id = town.book("14:00", key=OFFICE, on=THURSDAY)
    before = town.dump()
    page = look_up(desk, town.visit(visit_id).code or "")
    assert page.status == 409
    assert "069 90009-002" in page.text
    assert "14:00" not in page.text, "the desk sees no more of it"
    for part in ("", "/move", "/cancellation", "/slip"):
        assert desk.open(f"/appointments/{visit_id}{part}").status == 404, part
    for part in ("/move", "/cancellation", "/contact"):
        assert desk.post(f"/appointments/{visit_id}{part}", page).status == 404, part
    assert town.dump() == before


def test_cancelling_asks_first_and_frees_the_time(desk: Visitor, town: LiveTown) -> None:
    visit_id = town.book("10:00", on=NEXT_WEDNESDAY)
    page = desk.open(f"/appointments/{visit_id}/cancellation")
    assert "Cancel this appointment?" in page.text
    assert town.visit(visit_id).state == "booked"
    after = desk.follow(desk.press(page, "/cancellation"))
    assert "This appointment is cancelled" in after.text
    assert (town.visit(visit_id).state, town.visit(visit_id).planned_adviser_id) == ("cancelled", None)
    assert desk.press(page, "/cancellation").status == 303, "twice is fine"
    assert desk.open(f"/appointments/{visit_id}/cancellation").status == 302
    assert desk.open(f"/appointments/{visit_id}/slip").status == 404


def test_moving_keeps_code_and_link(desk: Visitor, town: LiveTown) -> None:
    visit_id = town.book("10:00", on=NEXT_WEDNESDAY)
    before = town.visit(visit_id)
    page = desk.open(f"/appointments/{visit_id}/move")
    assert "Until you press a new time, the old one stays: Wednesday, 2 December, at 10:00" in page.text
    start = f"{SESSION}/{NEXT_WEDNESDAY}/{at('11:00', NEXT_WEDNESDAY).isoformat()}"
    after = desk.follow(desk.press(page, "/move", slot=start))
    assert "Moved. Please say this:" in after.text
    moved = town.visit(visit_id)
    assert (moved.starts_at, moved.code, moved.sequence) == (at("11:00", NEXT_WEDNESDAY), before.code, 1)


def test_a_taken_time_is_409_and_the_old_one_stays(desk: Visitor, town: LiveTown) -> None:
    visit_id = town.book("10:00", on=NEXT_WEDNESDAY)
    page = desk.open(f"/appointments/{visit_id}/move")
    town.book("11:00", on=NEXT_WEDNESDAY)
    start = f"{SESSION}/{NEXT_WEDNESDAY}/{at('11:00', NEXT_WEDNESDAY).isoformat()}"
    taken = desk.press(page, "/move", slot=start)
    assert taken.status == 409
    assert "This time is taken." in taken.text
    assert town.visit(visit_id).starts_at == at("10:00", NEXT_WEDNESDAY)
    for typed in ("", "x", HUGE, None):
        assert desk.press(page, "/move", slot=typed).status == 303


def test_moved_to_another_place_it_is_shown_once_more_and_then_no_longer(
    desk: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    visit_id = town.book("10:00", on=NEXT_WEDNESDAY)
    start = f"{OFFICE}/{THURSDAY}/{at('14:00', THURSDAY).isoformat()}"
    after = desk.follow(desk.press(desk.open(f"/appointments/{visit_id}/move"), "/move", slot=start))
    assert "Büro der Arbeiterwohlfahrt" in after.text
    clock.shift(timedelta(minutes=61))
    assert desk.open(f"/appointments/{visit_id}").status == 404


def test_what_has_begun_is_neither_moved_nor_cancelled(desk: Visitor, town: LiveTown) -> None:
    visit_id = town.book("10:00")
    town.arrive(visit_id)
    page = desk.open(f"/appointments/{visit_id}")
    assert "has begun" in page.text
    assert not {f"/appointments/{visit_id}/{part}" for part in ("move", "cancellation")} & set(page.links)
    before = town.dump()
    assert desk.open(f"/appointments/{visit_id}/move").status == 409
    start = f"{SESSION}/{NEXT_WEDNESDAY}/{at('11:00', NEXT_WEDNESDAY).isoformat()}"
    assert desk.post(f"/appointments/{visit_id}/move", page, slot=start).status == 409
    assert town.dump() == before


def test_the_paper_speaks_the_clients_language_and_names_no_service(desk: Visitor, town: LiveTown) -> None:
    visit_id = town.book("10:00", on=NEXT_WEDNESDAY, language="ar")
    town.set(Visit, visit_id, locale="de")
    page = desk.open(f"/appointments/{visit_id}/slip")
    paper = page.root.one("article", class_="paper")
    assert (paper.attrs["lang"], paper.attrs["dir"]) == ("de", "ltr")
    code = town.visit(visit_id).code or ""
    for words in ("Mittwoch, 2. Dezember", "Bürgerbüro", "069 90009-001", f"{code[:3]} {code[3:6]} {code[6:]}"):
        assert words in paper.text
    assert paper.one("img").attrs["src"] == f"/visits/{town.token(visit_id)}/qr.svg"
    assert not any(word in paper.text for word in ("MBE", "Arabisch", "Brief", "AWO"))
    assert page.root.one("html").attrs["lang"] == "en", "the desk's own words stay in its language"
    town.set(Visit, visit_id, locale="ar")
    assert desk.open(f"/appointments/{visit_id}/slip").root.one("article", class_="paper").attrs["dir"] == "rtl"


def test_each_booked_line_leads_to_its_appointment(desk: Visitor, town: LiveTown) -> None:
    visit_id = town.book("10:00")
    link = desk.open("/desk").root.one("a", id=f"change-{visit_id}").attrs["href"]
    assert desk.open(link).status == 200


def test_an_appointment_of_another_place_or_adviser_is_not_there(app: Flask, town: LiveTown, open_day: None) -> None:
    mine, walk_in = town.book("10:00", adviser_key="awo-1"), town.take_in()
    colleague = Visitor(app).log_in_as(town.account(adviser="awo-2"))
    other_desk = Visitor(app).log_in_as(town.account(desk="awo-buero"))
    nobody = Visitor(app).log_in_as(town.account())
    owner = Visitor(app).log_in_as(town.account(adviser="awo-1"))
    before = town.dump()
    for who, status in ((colleague, 404), (other_desk, 404), (nobody, 403)):
        token = who.open("/code")
        for part in ("", "/move", "/cancellation", "/slip"):
            assert who.open(f"/appointments/{mine}{part}").status == status, part
        for part in ("/move", "/cancellation", "/contact"):
            assert who.post(f"/appointments/{mine}{part}", token).status == status, part
    assert owner.open(f"/appointments/{mine}").status == 200
    assert owner.open(f"/appointments/{walk_in}").status == 404
    assert owner.open("/appointments/999999").status == 404
    assert town.dump() == before


def test_an_own_time_at_this_place_stands_in_the_desks_list_and_is_checked_in(desk: Visitor, town: LiveTown) -> None:
    visit_id = town.enter_own_time("14:00")
    elsewhere = town.enter_own_time("15:00", place="awo-buero")
    other_day = town.enter_own_time("14:00", on=NEXT_WEDNESDAY)
    page = desk.open("/desk")
    line = page.root.one("li", id=f"visit-{visit_id}").text
    assert "14:00 appointment" in line
    assert "with Beratung AWO 1" in line
    assert not page.root.all("li", id=f"visit-{elsewhere}") + page.root.all("li", id=f"visit-{other_day}")
    assert not page.root.all("nav", class_="filter"), "it is no opening to choose"
    etag = desk.open("/desk/queue").headers["ETag"]
    town.take_in()
    desk.press(page, f"/desk/visits/{visit_id}/check-in")
    assert desk.open("/desk/queue", headers={"If-None-Match": etag}).status == 200
    after = desk.open("/desk")
    assert (town.visit(visit_id).state, town.visit(visit_id).ticket) == ("waiting", 2)
    assert "14:00 appointment, here since 9:05" in after.root.one("li", id=f"visit-{visit_id}").text
    assert [each.attrs["id"] for each in after.root.all("li", class_="line--waiting")][-1] == f"visit-{visit_id}"


def test_a_day_with_own_times_alone_shows_them(app: Flask, town: LiveTown, clock: time_machine.Coordinates) -> None:
    visit_id = town.enter_own_time("14:00", on=THURSDAY)
    clock.move_to(at("13:55", THURSDAY))
    desk = Visitor(app).log_in_as(town.account(desk="buergerbuero"))
    page = desk.open("/desk")
    assert "There is no opening here today." in page.text
    assert "14:00 appointment" in page.root.one("li", id=f"visit-{visit_id}").text
    checked_in = desk.press(page, "/desk/check-ins", code=town.visit(visit_id).code)
    assert desk.follow(checked_in).root.one("p", class_="given-big").text == "1"
