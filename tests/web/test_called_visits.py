"""From the call on a visit belongs to whoever called it: what desk and colleagues see, what a hand-over passes."""

from __future__ import annotations

import pytest
from flask import Flask

from scheduler.models import Account, Visit
from tests.actions.small_town import NEXT_WEDNESDAY, SESSION, at
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.visitor import Visitor

ASKED = {"age_group": "from_27", "language": "ar", "concern": "advice", "urgent": True, "people": 4}
SAID = ("MBE", "Arabic", "Advice", "urgent", "4 people")


@pytest.fixture
def colleague(app: Flask, town: LiveTown, open_day: None) -> Visitor:
    """ib-1 of another carrier, at Tisch 3."""
    town.seat("ib-1")
    return Visitor(app).log_in_as(town.account(adviser="ib-1"))


@pytest.fixture
def caller(adviser: Visitor, town: LiveTown) -> Visitor:
    """awo-1, at Tisch 1."""
    town.seat("awo-1")
    return adviser


@pytest.fixture
def called(caller: Visitor, desk: Visitor, town: LiveTown) -> int:
    """Number 1, whom awo-1 has called."""
    visit_id = town.take_in(**ASKED)
    town.call_next("awo-1")
    return visit_id


def line(page: Page, visit_id: int) -> str:
    return page.root.one("li", id=f"visit-{visit_id}").text


def said_in(text: str) -> list[str]:
    return [each for each in SAID if each in text]


def consultation_of(town: LiveTown, visit_id: int) -> int:
    return town.read(lambda session: session.get_one(Visit, visit_id).consultations[-1].id)


def press_mine(caller: Visitor, town: LiveTown, visit_id: int, verb: str, **fields: str) -> Page:
    address = f"/my/consultations/{consultation_of(town, visit_id)}/{verb}"
    return caller.post(address, caller.open("/my"), **fields)


def hand_over(caller: Visitor, town: LiveTown, visit_id: int, **to: str) -> None:
    press_mine(caller, town, visit_id, "start")
    assert press_mine(caller, town, visit_id, "hand-over", **to).status == 303


def test_until_the_call_the_desk_sees_what_was_asked(desk: Visitor, caller: Visitor, town: LiveTown) -> None:
    visit_id = town.take_in(**ASKED)
    assert said_in(line(desk.open("/desk"), visit_id)) == list(SAID)
    assert desk.open(f"/desk/visits/{visit_id}/answers").status == 200


def test_from_the_call_on_the_desk_sees_number_and_table_alone(desk: Visitor, town: LiveTown, called: int) -> None:
    for page in (desk.open("/desk"), desk.open("/desk/queue")):
        text = line(page, called)
        assert text.startswith("1") and "called to Tisch 1" in text
        assert said_in(text) == []
    assert desk.open(f"/desk/visits/{called}/answers").status == 409
    assert f"/desk/visits/{called}/ticket" in desk.open("/desk").links  # whoever lost the paper gets another


def test_while_served_and_afterwards_it_stays_so(desk: Visitor, caller: Visitor, town: LiveTown, called: int) -> None:
    press_mine(caller, town, called, "start")
    assert "at Tisch 1" in line(desk.open("/desk"), called)
    close = desk.open("/desk/close")
    assert "at Tisch 1" in close.text and said_in(close.root.one("main").text) == []
    press_mine(caller, town, called, "finish")
    assert "served" in line(desk.open("/desk"), called)
    assert said_in(line(desk.open("/desk"), called)) == []


def test_the_adviser_who_called_sees_it_all(caller: Visitor, colleague: Visitor, called: int) -> None:
    assert said_in(caller.open("/my").root.one("section", class_="serving").text) == list(SAID)
    assert said_in(colleague.open("/my").root.one("main").text) == []


def test_where_advisers_take_people_in_a_colleague_sees_the_number_alone(
    app: Flask, town: LiveTown, caller: Visitor, colleague: Visitor
) -> None:
    called, waiting = town.take_in(**ASKED), town.take_in(**ASKED)
    town.call_next("awo-1")
    page = colleague.open("/my")
    assert "called to Tisch 1" in line(page, called) and said_in(line(page, called)) == []
    assert said_in(line(page, waiting)) == list(SAID)


@pytest.mark.parametrize(("way", "state"), [("not-now", "waiting"), ("missed", "missed"), ("undo", "waiting")])
def test_whoever_is_given_back_belongs_to_the_place_again(
    desk: Visitor, caller: Visitor, town: LiveTown, called: int, way: str, state: str
) -> None:
    assert press_mine(caller, town, called, way).status == 303
    assert town.visit(called).state == state
    assert said_in(line(desk.open("/desk"), called)) == list(SAID)


def test_the_desk_still_notes_who_left_and_takes_it_back(desk: Visitor, town: LiveTown, called: int) -> None:
    desk.press(desk.open("/desk"), f"/desk/visits/{called}/left")
    assert town.visit(called).state == "left"
    desk.press(desk.open("/desk"), f"/desk/visits/{called}/undo")
    assert town.visit(called).state == "called"
    desk.press(desk.open("/desk"), f"/desk/visits/{called}/undo")  # the call itself: a wrong click of the adviser's
    assert town.visit(called).state == "waiting"


@pytest.mark.parametrize("steps", [("start",), ("start", "finish"), ("start", "hand-over")])
def test_what_an_adviser_does_with_a_client_the_desk_cannot_take_back(
    desk: Visitor, caller: Visitor, town: LiveTown, called: int, steps: tuple[str, ...]
) -> None:
    town.seat("ib-1")
    for each in steps:
        press_mine(caller, town, called, each, service="JMD")
    page, before = desk.open("/desk"), town.dump()
    assert not page.has_form(f"/desk/visits/{called}/undo")
    assert desk.post(f"/desk/visits/{called}/undo", page).status == 409
    assert town.dump() == before
    assert press_mine(caller, town, called, "undo").status == 303
    assert town.dump() != before


def test_a_hand_over_passes_ticket_service_and_language_alone(
    desk: Visitor, caller: Visitor, colleague: Visitor, town: LiveTown, called: int
) -> None:
    hand_over(caller, town, called, adviser="ib-1")
    on_the_desk = line(desk.open("/desk"), called)
    assert "JMD Arabic" in on_the_desk and said_in(on_the_desk) == ["Arabic"]
    assert "handed over" not in on_the_desk and "AWO" not in on_the_desk
    waiting = colleague.open("/my").root.one("main").text
    assert "JMD Arabic" in waiting and said_in(waiting) == ["Arabic"]
    assert "AWO" not in waiting and "handed over" not in waiting
    colleague.post(f"/my/visits/{called}/calls", colleague.open("/my"))
    assert town.visit(called).state == "called"
    serving = colleague.open("/my").root.one("section", class_="serving").text
    assert "JMD Arabic" in serving and said_in(serving) == ["Arabic"]
    assert said_in(line(desk.open("/desk"), called)) == []


def test_nothing_that_follows_a_hand_over_tells_the_concern(
    desk: Visitor, caller: Visitor, colleague: Visitor, town: LiveTown, called: int
) -> None:
    hand_over(caller, town, called, adviser="ib-1")
    offer = next(each for each in desk.open("/desk").links if f"for={called}" in each)
    assert "concern=&" in offer and "people=1" in offer and "age=under_27" in offer  # the service, as the desk asks it
    assert desk.open(f"/desk/visits/{called}/answers").status == 409
    colleague.post(f"/my/visits/{called}/calls", colleague.open("/my"))
    press_mine(colleague, town, called, "start")
    page = colleague.open(f"/my/consultations/{consultation_of(town, called)}/follow-up")
    assert "concern=known" in next(each.attrs["href"] for each in page.root.all("a") if "aria-current" in each.attrs)
    answer = colleague.press(page, "/follow-up", slot=page.form("/follow-up").offers("slot")[0])
    assert answer.status == 303
    booked = town.newest_visit()
    assert (booked.people, booked.age_group) == (1, "under_27")


def test_who_handed_over_sees_nothing_of_what_follows(
    caller: Visitor, colleague: Visitor, town: LiveTown, called: int
) -> None:
    hand_over(caller, town, called, adviser="ib-1")
    mine = consultation_of(town, called)
    colleague.post(f"/my/visits/{called}/calls", colleague.open("/my"))
    text = caller.open("/my").root.one("main").text
    assert "Arabic" not in text and "Number 1" in text  # the own outcome that is still open
    theirs = consultation_of(town, called)
    assert [caller.open(f"/my/consultations/{each}/outcome").status for each in (mine, theirs)] == [200, 404]
    assert colleague.open(f"/my/consultations/{mine}/outcome").status == 404


def test_the_counter_keeps_nothing_of_yesterdays_visits(desk: Visitor, town: LiveTown, caller: Visitor) -> None:
    yesterday = town.read(lambda session: min(each.id for each in session.query(Visit) if each.kind == "walk_in"))
    assert town.visit(yesterday).local_on < at("09:00").date()
    for part in ("answers", "ticket"):
        assert desk.open(f"/desk/visits/{yesterday}/{part}").status == 404


def test_whoever_coordinates_hours_sees_how_many_a_change_hits_and_nobody_of_them(
    app: Flask, town: LiveTown, desk: Visitor
) -> None:
    booked = town.book("10:00", on=NEXT_WEDNESDAY, language="ar")
    town.leave_contact(booked, email=None, phone="+4915155566677", reminders=False)
    coordinator = Visitor(app).log_in_as(town.account(hours_at="buergerbuero"))
    address = f"/desk/dates/{SESSION}/{NEXT_WEDNESDAY}"
    assert address in coordinator.open("/desk/dates").links
    pages = [each.press(each.open(address), "/effects", kind="cancelled") for each in (coordinator, desk)]
    told = [[each in page.text for each in ("Arabic", "+49 1515 5566677", "+4915155566677")] for page in pages]
    assert not any(told[0]) and any(told[1])
    assert "appointments cannot stay" in pages[0].text
    code = town.visit(booked).code or ""
    assert code not in pages[0].html.replace(" ", "") and code in pages[1].html.replace(" ", "")
    assert coordinator.press(pages[0], address).status == 303
    assert town.visit(booked).sequence == 1


def test_a_coordinator_of_other_hours_may_not_change_the_date(app: Flask, town: LiveTown, open_day: None) -> None:
    other = Visitor(app).log_in_as(town.account(hours_at="awo-buero", carrier="awo", administrator=True))
    address, before = f"/desk/dates/{SESSION}/{NEXT_WEDNESDAY}", town.dump()
    page = other.open("/code")
    assert other.open(address).status == 404
    for each in (address, f"{address}/effects", f"{address}/restore"):
        assert other.post(each, page, kind="cancelled").status == 404
    assert town.dump() == before


def test_links_lead_only_where_one_may_go(app: Flask, town: LiveTown, open_day: None) -> None:
    accounts = (town.account(desk="buergerbuero"), town.account(adviser="awo-1"), town.account(hours_at="buergerbuero"))
    for account in (*accounts, town.account(carrier="awo"), town.account(administrator=True)):
        visitor = Visitor(app).log_in_as(account)
        links = visitor.open("/account/pin").root.one("nav", class_="staff-nav").all("a")
        assert links and [visitor.open(each.attrs["href"]).status for each in links] == [200] * len(links)


def test_an_account_that_lost_its_adviser_is_shown_no_way_in(app: Flask, town: LiveTown, open_day: None) -> None:
    account = town.account(adviser="awo-1")
    visitor = Visitor(app).log_in_as(account)
    assert "/my" in visitor.open("/account/pin").links
    town.set(Account, account, roles=[])
    assert "/my" not in visitor.open("/account/pin").links
