"""An adviser's own day: sit down, call, start, finish, outcome, undo, calendars."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from scheduler.models import Adviser, Consultation, Feed, Presence, Town
from tests.actions.small_town import NEXT_WEDNESDAY, SESSION, WEDNESDAY, at
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.visitor import Visitor

ON_WEDNESDAY = f"{SESSION}/{WEDNESDAY}"


@pytest.fixture
def colleague(app: Flask, town: LiveTown, open_day: None) -> Visitor:
    """awo-2: adults and young people, German and English."""
    return Visitor(app).log_in_as(town.account(adviser="awo-2"))


@pytest.fixture
def seated(adviser: Visitor) -> Visitor:
    adviser.press(adviser.open("/my"), "/my/presence", station="Tisch 1")
    return adviser


def press(adviser: Visitor, action: str, **fields: object) -> Page:
    return adviser.follow(adviser.press(adviser.open("/my"), action, **fields))


def latest(town: LiveTown) -> Consultation:
    return town.consultation(
        town.count(Consultation) and town.read(lambda s: max(each.id for each in s.query(Consultation)))
    )


def serve(adviser: Visitor, town: LiveTown) -> int:
    """Call the next person and finish; gives the consultation."""
    adviser.press(adviser.open("/my"), "/my/calls")
    found = latest(town).id
    for verb in ("start", "finish"):
        adviser.press(adviser.open("/my"), f"/my/consultations/{found}/{verb}")
    return found


def test_an_adviser_who_left_the_towns_file_keeps_the_account_but_not_the_work(
    colleague: Visitor, town: LiveTown
) -> None:
    adviser_id = town.read(lambda session: session.query(Adviser).filter_by(key="awo-2").one().id)
    town.set(Adviser, adviser_id, retired_at=at("09:00"))
    try:
        assert colleague.open("/my").status == 403
    finally:
        town.set(Adviser, adviser_id, retired_at=None)  # the set-up is shared by all tests
    assert colleague.open("/my").status == 200


def test_sitting_down_at_a_free_station(adviser: Visitor, town: LiveTown) -> None:
    page = adviser.open("/my")
    assert page.form("/my/presence").offers("station") == ["Tisch 1", "Tisch 2", "Tisch 3"]
    seated = adviser.follow(adviser.press(page, "/my/presence", station="Tisch 2"))
    assert "Tisch 2 · Bürgerbüro · 9:00–12:00" in seated.text
    assert not seated.has_form("/my/presence")
    assert town.count(Presence) == 1


def test_a_taken_station_is_said_and_another_one_works(seated: Visitor, colleague: Visitor, town: LiveTown) -> None:
    page = press(colleague, "/my/presence", station="Tisch 1")
    assert "Somebody sits there already" in page.text
    assert town.count(Presence) == 1
    assert "Tisch 2 ·" in press(colleague, "/my/presence", station="Tisch 2").text


def test_only_todays_openings_and_their_own_stations_can_be_sat_at(adviser: Visitor, town: LiveTown) -> None:
    page = adviser.open("/my")
    for opening, station in (
        (ON_WEDNESDAY, "Tisch 9"),
        (ON_WEDNESDAY, "\x00"),
        (ON_WEDNESDAY, "9" * 5000),
        (ON_WEDNESDAY, "Zimmer 0.06"),
        (f"{SESSION}/{NEXT_WEDNESDAY}", "Tisch 1"),
        ("buergerbuero-mi/9999-12-29", "Tisch 1"),
        ("buergerbuero-mi/0001-01-01", "Tisch 1"),
        ("\x00/2026-11-25", "Tisch 1"),
        ("x", "Tisch 1"),
        ("", ""),
    ):
        assert adviser.press(page, "/my/presence", opening=opening, station=station).status == 404, (
            opening,
            station[:9],
        )
    assert town.count(Presence) == 0


def test_next_calls_the_first_whom_this_adviser_can_serve(seated: Visitor, town: LiveTown) -> None:
    town.take_in(language="uk", age_group="under_27")
    mine = town.take_in(language="ar", age_group="from_27")
    assert seated.open("/my").root.one("button", id="next").text == "Next: 2"
    page = press(seated, "/my/calls")
    assert town.visit(mine).state == "called"
    assert page.root.one("p", class_="serving-number").text == "2"
    assert not page.has_form("/my/calls")


def test_a_number_can_be_called_out_of_order(seated: Visitor, town: LiveTown) -> None:
    first, second = town.take_in(), town.take_in()
    press(seated, f"/my/visits/{second}/calls")
    assert (town.visit(first).state, town.visit(second).state) == ("waiting", "called")


def test_from_call_to_outcome(seated: Visitor, town: LiveTown, clock: time_machine.Coordinates) -> None:
    visit_id = town.take_in(age_group="from_27")
    press(seated, "/my/calls")
    consultation = latest(town)
    assert press(seated, f"/my/consultations/{consultation.id}/calls").text.count("call 2 of 2") == 1
    press(seated, f"/my/consultations/{consultation.id}/start")
    clock.shift(timedelta(minutes=12))
    assert "With you since 9:05 · 12 min" in seated.open("/my").text
    page = press(seated, f"/my/consultations/{consultation.id}/finish")
    assert page.root.one("h1").text == "Outcome of number 1"
    assert town.visit(visit_id).state == "done"
    saved = seated.press(
        page, "/outcome", case_kind="new", family_members="2", topics=["housing"], referred_to=["jobcenter"]
    )
    stored = town.consultation(consultation.id)
    assert (stored.case_kind, stored.family_members, stored.topics) == ("new", 2, ["housing"])
    assert (stored.referred_from, stored.referred_to) == (None, ["jobcenter"])
    assert stored.outcome_at == at("09:17")
    assert "Saved." in seated.follow(saved).text


@pytest.mark.parametrize(("verb", "state"), [("not-now", "waiting"), ("missed", "missed")])
def test_not_now_and_missed_end_the_call(seated: Visitor, town: LiveTown, verb: str, state: str) -> None:
    visit_id = town.take_in()
    press(seated, "/my/calls")
    press(seated, f"/my/consultations/{latest(town).id}/{verb}")
    assert town.visit(visit_id).state == state
    assert latest(town).ended_at == at("09:05")


def test_undo_takes_the_latest_click_back(seated: Visitor, town: LiveTown) -> None:
    visit_id = town.take_in()
    press(seated, "/my/calls")
    consultation_id = latest(town).id
    for verb, state in (("start", "called"), ("finish", "in_consultation")):
        seated.press(seated.open("/my"), f"/my/consultations/{consultation_id}/{verb}")
        press(seated, f"/my/consultations/{consultation_id}/undo")
        assert town.visit(visit_id).state == state
        if verb == "start":
            press(seated, f"/my/consultations/{consultation_id}/start")


def test_undo_of_a_call_puts_the_number_back(seated: Visitor, town: LiveTown) -> None:
    visit_id = town.take_in()
    press(seated, "/my/calls")
    page = press(seated, f"/my/consultations/{latest(town).id}/undo")
    assert town.visit(visit_id).state == "waiting"
    assert page.root.one("button", id="next").text == "Next: 1"


def test_what_others_went_on_with_cannot_be_undone(seated: Visitor, colleague: Visitor, town: LiveTown) -> None:
    town.take_in()
    press(seated, "/my/calls")
    consultation_id = latest(town).id
    page = seated.open("/my")
    press(seated, f"/my/consultations/{consultation_id}/not-now")
    press(colleague, "/my/presence", station="Tisch 2")
    press(colleague, "/my/calls")
    before = town.dump()
    assert seated.press(page, f"/my/consultations/{consultation_id}/start").status == 409
    assert seated.post(f"/my/consultations/{consultation_id}/undo", page).status == 409
    assert town.dump() == before


def test_refusals_are_said_in_words(adviser: Visitor, town: LiveTown) -> None:
    page = adviser.open("/my")
    visit_id = town.take_in()
    assert "First say where you sit." in adviser.follow(adviser.post("/my/calls", page)).text
    assert "First say where you sit." in adviser.follow(adviser.post(f"/my/visits/{visit_id}/calls", page)).text
    press(adviser, "/my/presence", station="Tisch 1")
    press(adviser, "/my/calls")
    town.take_in()
    assert "First finish with the person" in adviser.follow(adviser.post("/my/calls", page)).text
    press(adviser, f"/my/consultations/{latest(town).id}/missed")
    press(adviser, "/my/calls")
    press(adviser, f"/my/consultations/{latest(town).id}/missed")
    assert "Nobody is waiting for you" in adviser.follow(adviser.post("/my/calls", page)).text


def test_a_message_that_nobody_wrote_is_not_shown(adviser: Visitor) -> None:
    page = adviser.open("/my", query_string={"message": "<b>Your password has expired</b>"})
    assert "expired" not in page.text


def test_break_back_and_gone(seated: Visitor, town: LiveTown) -> None:
    town.take_in()
    assert not press(seated, "/my/presence/break").has_form("/my/calls")
    assert press(seated, "/my/presence/back").has_form("/my/calls")
    gone = press(seated, "/my/presence/gone")
    assert gone.has_form("/my/presence")
    assert not gone.has_form("/my/calls")


def test_a_visit_of_another_opening_is_not_called(seated: Visitor, town: LiveTown) -> None:
    other = town.book("10:00", on=NEXT_WEDNESDAY)
    assert seated.post(f"/my/visits/{other}/calls", seated.open("/my")).status == 404
    assert seated.post("/my/visits/999999/calls", seated.open("/my")).status == 404
    assert town.count(Consultation) == 0


def test_a_colleagues_consultation_is_not_there(seated: Visitor, colleague: Visitor, town: LiveTown) -> None:
    town.take_in()
    press(seated, "/my/calls")
    address = f"/my/consultations/{latest(town).id}"
    before, page = town.dump(), colleague.open("/my")
    assert colleague.open(f"{address}/outcome").status == 404
    for verb in ("calls", "start", "not-now", "missed", "finish", "undo", "outcome"):
        assert colleague.post(f"{address}/{verb}", page).status == 404, verb
    assert town.dump() == before


def test_what_is_not_in_the_lists_is_left_out_of_the_outcome(seated: Visitor, town: LiveTown) -> None:
    town.take_in(age_group="from_27")
    consultation_id = serve(seated, town)
    page = seated.open(f"/my/consultations/{consultation_id}/outcome")
    assert page.form("/outcome").offers("case_kind") == ["new", "known_first", "known_again"]
    seated.press(
        page,
        "/outcome",
        case_kind="case_management",
        family_members="-1",
        topics=["housing", "gold", "\x00", "9" * 5000],
        referred_from="nobody",
        referred_to=["jobcenter", "nowhere"],
        note="a secret about the client",
    )
    stored = town.consultation(consultation_id)
    assert (stored.case_kind, stored.family_members, stored.referred_from) == (None, None, None)
    assert (stored.topics, stored.referred_to) == (["housing"], ["jobcenter"])
    assert "a secret" not in str(town.dump())


def test_hostile_outcomes_never_break(seated: Visitor, town: LiveTown) -> None:
    town.take_in()
    consultation_id = serve(seated, town)
    page = seated.open(f"/my/consultations/{consultation_id}/outcome")
    for value in ("9" * 5000, "²", "٣", "\x00", "", "1e3", "ü" * 3000, "99"):
        for name in ("case_kind", "family_members", "topics", "referred_from", "referred_to"):
            assert seated.press(page, "/outcome", **{name: [value, value]}).status == 303, (name, value[:10])


def test_a_topic_ticked_twice_counts_once(seated: Visitor, town: LiveTown) -> None:
    town.take_in()
    consultation_id = serve(seated, town)
    page = seated.open(f"/my/consultations/{consultation_id}/outcome")
    seated.press(page, "/outcome", topics=["housing", "housing"], referred_to=["jobcenter", "jobcenter"])
    stored = town.consultation(consultation_id)
    assert (stored.topics, stored.referred_to) == (["housing"], ["jobcenter"])


def test_the_outcome_may_be_completed_until_the_evening_alone(
    seated: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    town.take_in()
    consultation_id = serve(seated, town)
    assert f"/my/consultations/{consultation_id}/outcome" in seated.open("/my").links
    page = seated.open(f"/my/consultations/{consultation_id}/outcome")
    clock.move_to(at("21:00"))
    assert seated.press(page, "/outcome", topics=["housing"]).status == 303
    seated.stay_logged_in()
    clock.move_to(at("23:59") + timedelta(minutes=2))
    assert seated.press(page, "/outcome", topics=["language-course"]).status == 409
    assert town.consultation(consultation_id).topics == ["housing"]
    late = seated.open(f"/my/consultations/{consultation_id}/outcome")
    assert "can no longer be changed" in late.text
    assert "Save outcome" not in late.text


def test_an_unchanged_poll_is_304(seated: Visitor, town: LiveTown) -> None:
    first = seated.open("/my/now")
    assert seated.open("/my/now", headers={"If-None-Match": first.headers["ETag"]}).status == 304
    town.take_in()
    changed = seated.open("/my/now", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status == 200
    assert "Next: 1" in changed.text


def test_a_calendars_address_is_shown_once_and_works(adviser: Visitor, visitor: Visitor, town: LiveTown) -> None:
    made = adviser.press(adviser.open("/my/feeds"), "/my/feeds", level="details")
    assert made.status == 201
    address = made.root.one("input", id="address").attrs["value"]
    assert re.fullmatch(r"http://localhost/feeds/[\w-]{20,}\.ics", address)
    assert address.replace("http", "webcal") in made.links
    token = address.rpartition("/")[2].removesuffix(".ics")
    assert token not in adviser.open("/my/feeds").html
    assert token not in str(town.dump())
    assert visitor.open(address.removeprefix("http://localhost")).html.startswith("BEGIN:VCALENDAR")


def test_a_calendar_is_busy_only_unless_details_were_asked_for(adviser: Visitor, town: LiveTown) -> None:
    page = adviser.open("/my/feeds")
    for level in ("busy", "details", "everything", "\x00", None):
        adviser.press(page, "/my/feeds", level=level)
    levels = town.read(lambda session: [each.level for each in session.query(Feed).order_by(Feed.id)])
    assert levels == ["busy", "details", "busy", "busy", "busy"]


def test_switching_a_calendar_off_ends_its_address(adviser: Visitor, visitor: Visitor) -> None:
    made = adviser.press(adviser.open("/my/feeds"), "/my/feeds")
    address = made.root.one("input", id="address").attrs["value"].removeprefix("http://localhost")
    switch_off = next(each for each in made.forms if each.action.endswith("/revocation"))
    after = adviser.follow(adviser.send(switch_off))
    assert not after.has_form("/revocation")
    assert visitor.open(address).status == 404


def test_a_colleagues_calendar_cannot_be_switched_off(adviser: Visitor, colleague: Visitor, town: LiveTown) -> None:
    made = adviser.press(adviser.open("/my/feeds"), "/my/feeds")
    action = next(each.action for each in made.forms if each.action.endswith("/revocation"))
    assert colleague.post(action, colleague.open("/my/feeds")).status == 404
    assert not colleague.open("/my/feeds").has_form("/revocation")
    assert town.read(lambda session: session.query(Feed).one().revoked_at) is None


def test_the_own_appointments_stand_there_with_their_code(adviser: Visitor, town: LiveTown) -> None:
    mine, others = town.book("10:00", language="ar"), town.book("11:00", language="en")
    text = adviser.open("/my").root.one("section", class_="my-side").text.replace(" ", "")
    assert town.visit(mine).code in text
    assert town.visit(others).code not in text


def test_a_number_is_called_again_before_its_person_counts_as_missed(seated: Visitor, town: LiveTown) -> None:
    visit_id = town.take_in()
    town.set(Town, 1, calls_before_missed=2)
    try:
        page = press(seated, "/my/calls")
        missed = f"/my/consultations/{latest(town).id}/missed"
        assert "call 1 of 2" in page.text
        assert not page.has_form(missed)
        refused = seated.follow(seated.post(missed, page))
        assert "Please call the number again first." in seated.open("/my?message=call_again_first").text
        assert (refused.status, town.visit(visit_id).state) == (200, "called")
        press(seated, f"/my/consultations/{latest(town).id}/calls")
        press(seated, missed)
        assert town.visit(visit_id).state == "missed"
    finally:
        town.set(Town, 1, calls_before_missed=1)  # the set-up is shared by all tests
