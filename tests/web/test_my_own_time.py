"""An adviser enters an appointment at an own time: one form, clear refusals, and nobody else can touch it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from scheduler.models import Consultation, Hours, Visit
from tests.actions.small_town import NEXT_WEDNESDAY, OFFICE, THURSDAY, WEDNESDAY, at, be_away
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.visitor import Visitor

WHEN = {"on": "2026-11-27", "from": "14:10", "minutes": "45", "place": "awo-buero", "language": "ar"}
HUGE = "9" * 5000


def enter(adviser: Visitor, **changes: object) -> Page:
    return adviser.press(adviser.open("/my/appointments/new"), "/my/appointments", **{**WHEN, **changes})


def own_hours(town: LiveTown) -> int:
    counted = select(func.count(Hours.id)).where(Hours.own_adviser_id.is_not(None))
    return town.read(lambda session: session.scalars(counted).one())


def test_the_form_offers_all_places_the_own_ones_first(app: Flask, adviser: Visitor, town: LiveTown) -> None:
    assert "/my/appointments/new" in adviser.open("/my").links
    form = adviser.open("/my/appointments/new").form("/my/appointments")
    assert form.offers("place") == ["buergerbuero", "awo-buero"]
    assert form.offers("language") == ["ar", "de", "other", ""]
    assert form.offers("service") == [], "who gives one service is not asked"
    colleague = Visitor(app).log_in_as(town.account(adviser="awo-2"))
    assert colleague.open("/my/appointments/new").form("/my/appointments").offers("service") == ["MBE", "JMD", ""]


def test_an_entered_appointment_has_code_paper_and_its_line_in_my_day(adviser: Visitor, town: LiveTown) -> None:
    answered = enter(adviser)
    visit = town.newest_visit()
    assert (answered.status, answered.location) == (303, f"/appointments/{visit.id}")
    assert (visit.starts_at, visit.language, visit.locale) == (at("14:10", THURSDAY) + timedelta(days=1), "ar", "ar")
    page = adviser.follow(answered)
    assert "Friday, 27 November" in page.text
    assert page.has_form("/contact")
    assert adviser.open(f"/appointments/{visit.id}/slip").status == 200
    assert "14:10–14:55 Büro der Arbeiterwohlfahrt" in adviser.open("/my").text


def test_a_client_sees_and_cancels_it_and_nobody_can_book_the_time(
    adviser: Visitor, visitor: Visitor, town: LiveTown
) -> None:
    enter(adviser, **{"on": "2026-12-01", "from": "9:00"})
    visit = town.newest_visit()
    address = f"/visits/{town.token(visit.id)}"
    assert "Tuesday, 1 December" in visitor.open(address).text
    visitor.press(visitor.open(f"{address}/cancellation"), "/cancellation")
    assert town.visit(visit.id).state == "cancelled"
    offered = visitor.open("/book?age=from_27&concern=letter&language=de&days=40")
    assert "1 December" not in offered.text
    hours = town.read(lambda session: session.scalars(select(Hours.key).where(Hours.own_adviser_id.is_not(None))).one())
    slot = f"{hours}/2026-12-01/{at('09:00', WEDNESDAY + timedelta(days=6)).isoformat()}"
    assert visitor.press(offered, "/book", slot=slot).status == 409


def test_it_stands_on_no_public_page(adviser: Visitor, visitor: Visitor, town: LiveTown) -> None:
    addresses = ("/", "/places", "/places/awo-buero", "/book?age=from_27&concern=letter&language=de&days=40")
    before = [visitor.open(address).root.one("main").text for address in addresses]
    enter(adviser)
    assert [visitor.open(address).root.one("main").text for address in addresses] == before


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"on": ""}, "on", "Please give a day"),
        ({"on": "31.2.2026"}, "on", "Please give a day"),
        ({"from": ""}, "from", "Please give a time"),
        ({"from": "25:00"}, "from", "Please give a time"),
        ({"on": "2026-11-24"}, "on", "This time is over."),
        ({"on": "2026-11-25", "from": "09:00"}, "on", "This time is over."),
        ({"on": "2028-01-01"}, "on", "more than a year ahead"),
        ({"from": "23:30"}, "from", "must end on the same day"),
        ({"on": "2026-12-28"}, "place", "This place is closed on that day."),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_nothing_typed_is_lost(
    adviser: Visitor, town: LiveTown, changes: dict[str, str], field: str, words: str
) -> None:
    before = town.dump()
    page = enter(adviser, **changes)
    assert page.status in (409, 422)
    assert words in page.wrong(field)
    assert {**WHEN, **changes}.items() <= page.form("/my/appointments").values.items()
    assert town.dump() == before


def test_another_appointment_or_absence_then_is_said(adviser: Visitor, town: LiveTown) -> None:
    town.book("14:00", key=OFFICE, on=THURSDAY, concern="advice")
    town.change(lambda session: be_away(session, "awo-1", "09:00", "10:00", THURSDAY))
    before = town.dump()
    busy = enter(adviser, **{"on": "2026-11-26", "from": "14:30"})
    assert (busy.status, busy.wrong("from")) == (409, "You have another appointment then: 14:00–14:45.")
    away = enter(adviser, **{"on": "2026-11-26", "from": "09:30"})
    assert (away.status, away.wrong("from")) == (409, "You are away then.")
    assert town.dump() == before


def test_a_day_may_be_typed_as_people_do(adviser: Visitor, town: LiveTown) -> None:
    assert enter(adviser, **{"on": "27.11.2026", "from": "9.05"}).status == 303
    assert town.newest_visit().starts_at == at("09:05", THURSDAY) + timedelta(days=1)


def test_the_same_form_sent_twice_enters_one(adviser: Visitor, town: LiveTown) -> None:
    page, before = adviser.open("/my/appointments/new"), town.count(Visit)
    first, second = (adviser.press(page, "/my/appointments", **WHEN) for _ in range(2))
    assert first.location == second.location
    assert (town.count(Visit), own_hours(town)) == (before + 1, 1)


@pytest.mark.parametrize("name", ["on", "from", "minutes", "place", "language", "service", "after", "key"])
def test_hostile_forms_never_break(adviser: Visitor, name: str) -> None:
    page = adviser.open("/my/appointments/new")
    for value in (
        "",
        HUGE,
        "-5",
        "²",
        "٣",
        "\x00",
        "ü" * 2000,
        "<script>alert(1)</script>",
        "0001-01-01",
        "9999-12-31",
    ):
        shown = adviser.open("/my/appointments/new", query_string={name: value})
        sent = adviser.press(page, "/my/appointments", **{**WHEN, name: value})
        assert shown.status in (200, 404), value[:20]
        assert sent.status in (303, 404, 409, 422), value[:20]
        assert "<script>alert" not in shown.html + sent.html


def test_a_colleague_and_the_desk_of_another_place_do_not_see_it(app: Flask, adviser: Visitor, town: LiveTown) -> None:
    enter(adviser, place="buergerbuero")
    visit_id = town.newest_visit().id
    for role in ({"adviser": "awo-2"}, {"desk": "awo-buero"}):
        other = Visitor(app).log_in_as(town.account(**role))
        assert other.open(f"/appointments/{visit_id}").status == 404
    desk = Visitor(app).log_in_as(town.account(desk="buergerbuero"))
    assert desk.open(f"/appointments/{visit_id}").status == 200


def test_the_desk_has_no_own_times(desk: Visitor, town: LiveTown) -> None:
    before = town.dump()
    assert desk.open("/my/appointments/new").status == 403
    assert desk.post("/my/appointments", desk.open("/desk"), **WHEN).status == 403
    assert town.dump() == before


def test_nobody_sits_down_at_an_own_time(app: Flask, adviser: Visitor, town: LiveTown) -> None:
    visit_id = town.enter_own_time("14:00")
    hours = town.read(lambda session: session.get_one(Visit, visit_id).opening.public_id)
    colleague = Visitor(app).log_in_as(town.account(adviser="awo-2"))
    for who in (adviser, colleague):
        page = who.open("/my")
        assert hours not in page.form("/my/presence").values.values()
        assert who.press(page, "/my/presence", opening=hours, station="Tisch 1").status == 404


def test_on_its_day_it_is_started_without_a_desk_and_finished(
    app: Flask, adviser: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    town.account(desk="buergerbuero")
    visit_id = town.enter_own_time("14:00")
    clock.move_to(at("14:02"))
    page = adviser.open("/my")
    assert "14:00 appointment" in page.root.one("li", id=f"visit-{visit_id}").text
    board = adviser.open("/board/buergerbuero").root.one("main").text
    started = adviser.follow(adviser.press(page, f"/my/visits/{visit_id}/start"))
    assert adviser.open("/board/buergerbuero").root.one("main").text == board, "nobody was called"
    assert town.visit(visit_id).state == "in_consultation"
    assert "Tisch 1 · Bürgerbüro" in started.text
    assert started.root.one("p", class_="serving-number").text == "14:00"
    undone = adviser.follow(adviser.press(started, "/undo"))
    assert town.visit(visit_id).state == "booked"
    adviser.press(undone, f"/my/visits/{visit_id}/start")
    finished = adviser.follow(adviser.press(adviser.open("/my"), "/finish"))
    assert finished.root.one("h1").text == "Outcome of the 14:00 appointment"
    assert "14:00 appointment" in adviser.open("/my").text, "its outcome is still open"


def test_on_its_day_it_is_checked_in_and_called_while_i_sit_elsewhere(
    app: Flask, adviser: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    town.account(desk="buergerbuero")
    visit_id = town.enter_own_time("14:00")
    town.seat("awo-1", "Tisch 2")
    clock.move_to(at("13:58"))
    page = adviser.follow(adviser.press(adviser.open("/my"), f"/my/intake/visits/{visit_id}/check-in"))
    assert (town.visit(visit_id).state, town.visit(visit_id).ticket) == ("waiting", 1)
    assert page.root.one("p", class_="given-big").text == "1"
    called = adviser.follow(adviser.press(page, f"/my/visits/{visit_id}/calls"))
    assert town.visit(visit_id).state == "called"
    assert "Tisch 2 · Bürgerbüro" in called.text
    assert town.consultation(town.read(lambda s: s.scalars(select(Consultation.id)).one())).station == "Tisch 2"


def test_a_colleagues_own_time_is_neither_called_nor_started_nor_checked_in(
    app: Flask, adviser: Visitor, town: LiveTown
) -> None:
    visit_id = town.enter_own_time("14:00", key="awo-2")
    town.seat("awo-1")
    page = adviser.open("/my")
    assert not page.root.all("li", id=f"visit-{visit_id}")
    before = town.dump()
    for address in (
        f"/my/visits/{visit_id}/calls",
        f"/my/visits/{visit_id}/start",
        f"/my/intake/visits/{visit_id}/check-in",
    ):
        assert adviser.post(address, page).status == 404, address
    assert town.dump() == before


def test_my_page_learns_of_a_check_in_at_the_desk(adviser: Visitor, town: LiveTown) -> None:
    visit_id = town.enter_own_time("14:00")
    first = adviser.open("/my/now")
    assert adviser.open("/my/now", headers={"If-None-Match": first.headers["ETag"]}).status == 304
    town.arrive(visit_id)
    changed = adviser.open("/my/now", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status == 200
    assert changed.has_form(f"/my/visits/{visit_id}/calls")


def test_cancelling_my_own_appointment_leads_to_a_page_that_says_so(adviser: Visitor, town: LiveTown) -> None:
    for visit_id in (town.enter_own_time("14:00"), town.book("10:00", on=NEXT_WEDNESDAY, language="ar")):
        page = adviser.open(f"/appointments/{visit_id}/cancellation")
        after = adviser.follow(adviser.press(page, "/cancellation"))
        assert (after.status, town.visit(visit_id).state) == (200, "cancelled")
        assert "This appointment is cancelled" in after.text
        assert "/my" in after.links
