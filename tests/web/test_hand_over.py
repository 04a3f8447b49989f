"""Handing a visit over from an adviser's own day, and what the next adviser sees of it."""

from __future__ import annotations

import pytest
from flask import Flask

from scheduler.models import Consultation, Visit
from tests.actions.small_town import at
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.test_desk_markup import faults_of
from tests.web.visitor import Visitor


@pytest.fixture
def next_adviser(app: Flask, town: LiveTown, open_day: None) -> Visitor:
    """ib-1 of another carrier: young people, German and Ukrainian; at Tisch 3."""
    town.seat("ib-1")
    return Visitor(app).log_in_as(town.account(adviser="ib-1"))


@pytest.fixture
def consultation_id(adviser: Visitor, town: LiveTown) -> int:
    """awo-1 talks with number 1, an adult."""
    town.seat("awo-1")
    town.take_in(age_group="from_27", language="ar")
    found = town.call_next("awo-1")
    adviser.press(adviser.open("/my"), f"/my/consultations/{found}/start")
    return found


def visit_of(town: LiveTown, consultation_id: int) -> Visit:
    return town.visit(town.consultation(consultation_id).visit_id)


def ask(adviser: Visitor, consultation_id: int) -> Page:
    page = adviser.open("/my")
    address = f"/my/consultations/{consultation_id}/hand-over"
    assert address in page.links
    return adviser.open(address)


def test_the_page_offers_services_and_colleagues_who_are_here_or_expected(
    adviser: Visitor, next_adviser: Visitor, consultation_id: int
) -> None:
    page = ask(adviser, consultation_id)
    assert page.root.one("h1").text == "Hand over number 1"
    form = page.form("/hand-over")
    assert form.offers("service") == ["MBE", "JMD"]
    assert form.offers("adviser") == ["ib-1", "awo-2"]  # who is here first; never oneself
    assert "Tisch 3" in page.text and "still expected" in page.text
    assert page.title.startswith("Hand over ·")
    assert faults_of(page) == []


def test_after_it_follows_the_own_outcome_and_the_next_adviser_calls_the_same_number(
    adviser: Visitor, next_adviser: Visitor, town: LiveTown, consultation_id: int
) -> None:
    answer = adviser.press(ask(adviser, consultation_id), "/hand-over", service="JMD")
    outcome = adviser.follow(answer)
    assert outcome.root.one("h1").text == "Outcome of number 1"
    assert outcome.form("/outcome").offers("case_kind") == ["new", "known_first", "known_again"]  # of the MBE
    assert visit_of(town, consultation_id).state == "waiting"
    assert "Nobody is waiting for you" in adviser.open("/my").text
    called = next_adviser.follow(next_adviser.press(next_adviser.open("/my"), "/my/calls"))
    assert called.root.one("p", class_="serving-number").text == "1"


def test_the_next_adviser_never_sees_the_earlier_outcome(
    adviser: Visitor, next_adviser: Visitor, desk: Visitor, town: LiveTown, consultation_id: int
) -> None:
    answer = adviser.press(ask(adviser, consultation_id), "/hand-over", service="JMD")
    adviser.press(adviser.follow(answer), "/outcome", case_kind="new", topics=["housing"], referred_to=["jobcenter"])
    called = next_adviser.follow(next_adviser.press(next_adviser.open("/my"), "/my/calls"))
    own = town.read(lambda s: max(each.id for each in s.query(Consultation)))
    next_adviser.press(called, f"/my/consultations/{own}/start")
    pages = [next_adviser.follow(next_adviser.press(next_adviser.open("/my"), f"/my/consultations/{own}/finish"))]
    assert "checked" not in str([each.attrs for each in pages[0].form("/outcome").element.all("input")])
    before = town.dump()
    for each in ("outcome", "hand-over", "follow-up"):
        assert next_adviser.open(f"/my/consultations/{consultation_id}/{each}").status == 404
        assert next_adviser.post(f"/my/consultations/{consultation_id}/{each}", pages[0]).status == 404
    assert town.dump() == before
    pages += [next_adviser.open("/my"), desk.open("/desk")]
    assert not any("AWO 1" in each.root.one("main").text for each in pages[:2])
    assert not any("Housing" in each.text for each in pages[1:])
    assert town.consultation(own).case_kind is None


def test_a_colleague_cannot_hand_over_whom_another_serves(
    next_adviser: Visitor, desk: Visitor, town: LiveTown, consultation_id: int
) -> None:
    address, before = f"/my/consultations/{consultation_id}/hand-over", town.dump()
    for who, status in ((next_adviser, 404), (desk, 403)):
        page = who.open("/code")
        assert who.open(address).status == status
        assert who.post(address, page, service="JMD").status == status
    assert town.dump() == before


def test_who_is_not_offered_is_not_handed_to(adviser: Visitor, town: LiveTown, consultation_id: int) -> None:
    page, before = ask(adviser, consultation_id), town.dump()
    for fields in (
        {}, {"adviser": "awo-1"}, {"adviser": "x" * 5000}, {"service": "\x00"}, {"service": "JMD", "adviser": "ib-1"},
        {"adviser": "9"}, {"service": ""},
    ):  # fmt: skip
        answer = adviser.press(page, "/hand-over", **fields)
        assert answer.status == 409, fields
        assert "Please choose again" in answer.text
    assert town.dump() == before


def test_only_a_consultation_that_goes_on_has_the_page(adviser: Visitor, town: LiveTown, consultation_id: int) -> None:
    page = ask(adviser, consultation_id)
    adviser.press(adviser.open("/my"), f"/my/consultations/{consultation_id}/finish")
    before = town.dump()
    over = adviser.open(f"/my/consultations/{consultation_id}/hand-over")
    assert "Only while the person is with you." in over.text and not over.has_form("/hand-over")
    assert adviser.press(page, "/hand-over", service="JMD").status == 409
    assert town.dump() == before


def test_a_hand_over_is_taken_back_by_one_press(adviser: Visitor, town: LiveTown, consultation_id: int) -> None:
    adviser.press(ask(adviser, consultation_id), "/hand-over", adviser="ib-1")
    page = adviser.follow(adviser.press(adviser.open("/my"), f"/my/consultations/{consultation_id}/undo"))
    assert "With you since 9:05" in page.text
    stored = visit_of(town, consultation_id)
    assert (stored.state, stored.wished_adviser_id) == ("in_consultation", None)
    assert town.consultation(consultation_id).ended_at is None


def test_the_outcome_of_what_was_handed_over_stays_open_in_the_list(
    adviser: Visitor, town: LiveTown, consultation_id: int
) -> None:
    adviser.press(ask(adviser, consultation_id), "/hand-over", service="JMD")
    assert f"/my/consultations/{consultation_id}/outcome" in adviser.open("/my").links
    assert town.consultation(consultation_id).ended_at == at("09:05")


def test_with_an_own_appointment_there_is_no_hand_over(adviser: Visitor, town: LiveTown) -> None:
    own = town.enter_own_time("09:10")
    page = adviser.follow(adviser.press(adviser.open("/my"), f"/my/visits/{own}/start"))
    found = next(each for each in page.links if each.endswith("/follow-up")).replace("follow-up", "hand-over")
    assert found not in page.links
    assert "Nobody else is here" in adviser.open(found).text
