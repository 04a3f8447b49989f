"""A follow-up appointment from the outcome: with me, one press, and nothing of the outcome is lost."""

from __future__ import annotations

import pytest
import time_machine
from flask import Flask

from scheduler.models import Adviser, Consultation, Visit
from tests.actions.small_town import NEXT_WEDNESDAY, OFFICE, SESSION, THURSDAY, at
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.visitor import Visitor

HUGE = "9" * 5000


@pytest.fixture
def served(town: LiveTown, adviser: Visitor) -> int:
    """A consultation of awo-1 that has just ended: adults, Arabic, three people, a letter."""
    town.seat("awo-1")
    town.take_in(age_group="from_27", concern="letter", language="ar", people=3)
    consultation_id = town.call_next("awo-1")
    town.serve(consultation_id)
    return consultation_id


def address(consultation_id: int) -> str:
    return f"/my/consultations/{consultation_id}/follow-up"


def follow_up_from_outcome(adviser: Visitor, consultation_id: int, **ticked: object) -> Page:
    """Press the second button of the outcome."""
    form = adviser.open(f"/my/consultations/{consultation_id}/outcome").form("/outcome")
    button = next(each for each in form.buttons if "formaction" in each.attrs)
    return adviser.open(button.attrs["formaction"], method="POST", data=form.filled(**ticked))


def test_what_is_ticked_is_kept_before_the_times_are_shown(adviser: Visitor, town: LiveTown, served: int) -> None:
    answered = follow_up_from_outcome(adviser, served, case_kind="new", topics=["housing"])
    assert (answered.status, answered.location) == (303, address(served))
    stored = town.consultation(served)
    assert (stored.case_kind, stored.topics) == ("new", ["housing"])
    again = adviser.open(f"/my/consultations/{served}/outcome").form("/outcome").values
    assert (again["case_kind"], again["topics"]) == ("new", "housing")


def test_an_outcome_without_a_tick_stays_open(adviser: Visitor, town: LiveTown, served: int) -> None:
    assert follow_up_from_outcome(adviser, served).status == 303
    assert town.consultation(served).outcome_at is None
    assert f"/my/consultations/{served}/outcome" in adviser.open("/my").links


def test_ticks_that_are_taken_away_again_are_gone(adviser: Visitor, town: LiveTown, served: int) -> None:
    follow_up_from_outcome(adviser, served, case_kind="new")
    follow_up_from_outcome(adviser, served, case_kind=None)
    assert town.consultation(served).case_kind is None


def test_after_the_day_the_outcome_is_closed_but_a_follow_up_can_be_made(
    app: Flask, town: LiveTown, adviser: Visitor, served: int, clock: time_machine.Coordinates
) -> None:
    page = adviser.open(f"/my/consultations/{served}/outcome")
    clock.move_to(at("10:00", THURSDAY))
    later = Visitor(app).log_in_as(town.account(adviser="awo-1"))
    assert address(served) in later.open(f"/my/consultations/{served}/outcome").links
    assert later.post(f"/my/consultations/{served}/outcome/follow-up", page, case_kind="new").status == 400
    token = later.open("/code")
    assert later.post(f"/my/consultations/{served}/outcome/follow-up", token, case_kind="new").status == 409
    assert town.consultation(served).case_kind is None


def test_my_own_times_are_shown_at_all_my_places_for_the_usual_length(adviser: Visitor, served: int) -> None:
    page = adviser.open(address(served))
    slots = page.form("/follow-up").offers("slot")
    assert {each.partition("/")[0] for each in slots} == {SESSION, OFFICE}
    assert "Letter or form · 15 min" in page.root.one("a", aria_current="true").text
    assert "Come without appointment" not in page.text


def test_the_length_is_chosen_by_the_concern(adviser: Visitor, town: LiveTown, served: int) -> None:
    page = adviser.open(address(served))
    longer = adviser.open(next(each for each in page.links if "concern=advice" in each))
    slots = longer.form("/follow-up").offers("slot")
    assert len(slots) < len(page.form("/follow-up").offers("slot"))
    adviser.press(longer, "/follow-up", slot=slots[0])
    visit = town.newest_visit()
    assert visit.ends_at is not None
    assert visit.starts_at is not None
    assert (visit.ends_at - visit.starts_at).total_seconds() == 45 * 60


def test_one_press_books_with_me_and_shows_the_code(adviser: Visitor, town: LiveTown, served: int) -> None:
    start = f"{OFFICE}/{THURSDAY}/{at('14:00', THURSDAY).isoformat()}"
    answered = adviser.press(adviser.open(address(served)), "/follow-up", slot=start)
    visit = town.newest_visit()
    assert (answered.status, answered.location) == (303, f"/appointments/{visit.id}?after={served}")
    me = town.read(lambda session: session.query(Adviser).filter_by(key="awo-1").one().id)
    assert (visit.wished_adviser_id, visit.planned_adviser_id, visit.starts_at) == (me, me, at("14:00", THURSDAY))
    before = town.visit(town.consultation(served).visit_id)
    same = ("service_id", "concern_id", "language", "age_group", "people", "locale")
    assert [getattr(visit, name) for name in same] == [getattr(before, name) for name in same]
    page = adviser.follow(answered)
    code = visit.code or ""
    assert f"{code[:3]} {code[3:6]} {code[6:]}" in page.text
    assert {f"/my/consultations/{served}/outcome", f"/appointments/{visit.id}/slip", "/my"} <= set(page.links)
    assert page.has_form("/contact")


def test_it_can_be_made_while_the_client_still_sits_there(adviser: Visitor, town: LiveTown) -> None:
    town.take_in(age_group="from_27", language="ar")
    town.seat("awo-1")
    consultation_id = town.call_next("awo-1")
    adviser.press(adviser.open("/my"), f"/my/consultations/{consultation_id}/start")
    page = adviser.open("/my")
    assert address(consultation_id) in page.links
    assert adviser.open(address(consultation_id)).form("/follow-up").offers("slot")


def test_a_language_that_i_do_not_speak_holds_no_time_back(adviser: Visitor, town: LiveTown, served: int) -> None:
    visit_id = town.consultation(served).visit_id
    town.set(Visit, visit_id, language="fa")
    page = adviser.open(address(served))
    adviser.press(page, "/follow-up", slot=page.form("/follow-up").offers("slot")[0])
    assert town.newest_visit().language == "other"


def test_the_same_page_sent_twice_books_once(adviser: Visitor, town: LiveTown, served: int) -> None:
    page, before = adviser.open(address(served)), town.count(Visit)
    slot = page.form("/follow-up").offers("slot")[0]
    first, second = (adviser.press(page, "/follow-up", slot=slot) for _ in range(2))
    assert first.location == second.location
    assert town.count(Visit) == before + 1


def test_a_taken_time_is_409_with_the_three_nearest(adviser: Visitor, town: LiveTown, served: int) -> None:
    page = adviser.open(address(served) + "?concern=letter")
    town.book("10:00", on=NEXT_WEDNESDAY)
    start = f"{SESSION}/{NEXT_WEDNESDAY}/{at('10:00', NEXT_WEDNESDAY).isoformat()}"
    before = town.count(Visit)
    taken = adviser.press(page, "/follow-up", slot=start)
    assert taken.status == 409
    assert town.count(Visit) == before
    nearest = [each.attrs["value"] for each in taken.root.one("ul", class_="nearest").all("button")]
    assert nearest == [
        f"{SESSION}/{NEXT_WEDNESDAY}/{at(clock, NEXT_WEDNESDAY).isoformat()}" for clock in ("09:30", "09:45", "10:15")
    ]
    assert taken.form("/follow-up").values["concern"] == "letter"
    assert adviser.press(taken, "/follow-up", slot=nearest[2]).status == 303


def test_an_own_time_takes_over_what_is_known_of_the_client(app: Flask, town: LiveTown, open_day: None) -> None:
    colleague = Visitor(app).log_in_as(town.account(adviser="ib-1"))
    town.seat("ib-1")
    town.take_in(age_group="under_27", language="uk", people=2)
    consultation_id = town.call_next("ib-1")
    town.serve(consultation_id)
    page = colleague.open(address(consultation_id))
    own = colleague.open(next(each for each in page.links if "/my/appointments/new" in each))
    form = own.form("/my/appointments")
    assert (form.values["language"], form.values["after"]) == ("uk", str(consultation_id))
    assert address(consultation_id) in own.links
    assert colleague.press(own, "/my/appointments", **{"on": "2026-11-27", "from": "10:00"}).status == 303
    visit = town.newest_visit()
    assert (visit.age_group, visit.language, visit.people) == ("under_27", "uk", 2)


def test_a_colleagues_consultation_is_not_followed_up(
    app: Flask, adviser: Visitor, town: LiveTown, served: int
) -> None:
    colleague = Visitor(app).log_in_as(town.account(adviser="awo-2"))
    desk = Visitor(app).log_in_as(town.account(desk="buergerbuero"))
    before = town.dump()
    start = f"{SESSION}/{NEXT_WEDNESDAY}/{at('10:00', NEXT_WEDNESDAY).isoformat()}"
    for who, status in ((colleague, 404), (desk, 403)):
        token = who.open("/code")
        assert who.open(address(served)).status == status
        assert who.post(address(served), token, slot=start).status == status
        assert who.post(f"/my/consultations/{served}/outcome/follow-up", token, case_kind="new").status == status
        assert who.open(f"/my/appointments/new?after={served}").status == status
    assert town.dump() == before


def test_hostile_forms_never_break(adviser: Visitor, town: LiveTown, served: int) -> None:
    page, before = adviser.open(address(served)), town.count(Consultation)
    for value in ("", HUGE, "-5", "²", "\x00", "ü" * 2000, "<script>alert(1)</script>", "a/b/c"):
        for name in ("slot", "concern", "days"):
            shown = adviser.open(address(served), query_string={name: value})
            assert shown.status == 200
            assert "<script>alert" not in shown.html
            assert adviser.press(page, "/follow-up", **{name: value}).status == 303
        assert adviser.press(page, "/follow-up", slot=f"{SESSION}/2026-12-02/9999-12-31T09:00:00+00:00").status == 409
    assert town.count(Consultation) == before
