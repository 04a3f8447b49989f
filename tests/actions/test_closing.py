"""The close of the day: what nobody closed is closed by rule, and marked so."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.booking import move
from scheduler.actions.calling import start
from scheduler.actions.closing import close_visit, find_left_open
from scheduler.actions.registration import leave
from scheduler.actions.rulebook import RuleBook
from scheduler.actions.steps import CLIENT
from scheduler.models import Visit
from tests.actions.small_town import (
    LAST_WEDNESDAY,
    NEXT_WEDNESDAY,
    SESSION,
    STAFF,
    THURSDAY,
    WEDNESDAY,
    arrive,
    at,
    book_at,
    press_next,
    seat,
    take_in,
)

NIGHT = at("02:00", THURSDAY)


def left_over(session: Session) -> set[int]:
    """Visits of the session's own day that are found."""
    own = set(session.scalars(select(Visit.id).where(Visit.local_on == WEDNESDAY, Visit.place_id == 1)))
    return own & set(find_left_open(session, NIGHT))


def test_open_visits_of_past_days_are_found_and_no_others(session: Session, rulebook: RuleBook) -> None:
    waiting = take_in(session, rulebook, at("09:00"))
    gone = leave(session, take_in(session, rulebook, at("09:01")).id, by=STAFF, now=at("09:02"))
    later = book_at(session, rulebook, "10:00", on=NEXT_WEDNESDAY)
    found = find_left_open(session, NIGHT)
    assert waiting.id in found
    assert not {gone.id, later.id} & set(found)
    days = set(session.scalars(select(Visit.local_on).where(Visit.id.in_(found))))
    assert days == {LAST_WEDNESDAY, WEDNESDAY}


@pytest.mark.parametrize(("now", "over"), [(at("23:59"), False), (at("00:00", THURSDAY), True)])
def test_a_day_is_over_at_local_midnight(session: Session, rulebook: RuleBook, now: datetime, over: bool) -> None:
    visit = take_in(session, rulebook, at("09:00"))
    assert (visit.id in find_left_open(session, now)) is over


@pytest.mark.parametrize("state", ["booked", "waiting", "called", "in_consultation"])
def test_each_state_is_closed_in_its_own_way(session: Session, rulebook: RuleBook, state: str) -> None:
    visit = book_at(session, rulebook, "09:30") if state == "booked" else take_in(session, rulebook, at("09:00"))
    if state in ("called", "in_consultation"):
        press_next(session, rulebook, seat(session, rulebook, "awo-1", at("09:00")), at("09:05"))
    consultation = visit.open_consultation
    if state == "in_consultation" and consultation is not None:
        start(session, consultation.id, by=STAFF, now=at("09:06"))
    close_visit(session, visit.id, NIGHT)
    session.expire_all()
    expected = {"booked": "missed", "waiting": "not_served", "called": "not_served", "in_consultation": "done"}
    assert (visit.state, visit.ended_at, visit.planned_adviser_id) == (expected[state], NIGHT, None)
    last = visit.steps[-1]
    assert (last.verb, last.actor, last.by_rule) == ("close", "rule", True)
    if consultation is not None:
        assert (consultation.ended_as, consultation.ended_at) == ("closed", NIGHT)
        assert consultation.times_unreliable
    assert left_over(session) == set()


def test_an_appointment_that_waited_keeps_the_fact_that_it_was_here(session: Session, rulebook: RuleBook) -> None:
    visit = arrive(session, rulebook, book_at(session, rulebook, "09:30"), at("09:20"))
    close_visit(session, visit.id, NIGHT)
    assert (visit.state, visit.arrived_at) == ("not_served", at("09:20"))


def test_closing_twice_is_harmless(session: Session, rulebook: RuleBook) -> None:
    visit = take_in(session, rulebook, at("09:00"))
    close_visit(session, visit.id, NIGHT)
    close_visit(session, visit.id, NIGHT + timedelta(minutes=5))
    session.expire_all()
    assert [each.verb for each in visit.steps] == ["register", "close"]
    assert visit.ended_at == NIGHT


def test_a_visit_that_moved_to_a_day_to_come_while_its_old_day_was_closed_stands(
    session: Session, rulebook: RuleBook
) -> None:
    visit = book_at(session, rulebook, "09:30")
    assert visit.id in find_left_open(session, NIGHT)
    move(session, rulebook, visit.id, SESSION, NEXT_WEDNESDAY, at("10:00", NEXT_WEDNESDAY), by=CLIENT, now=NIGHT)
    close_visit(session, visit.id, NIGHT)
    assert visit.state == "booked"
    assert visit.planned_adviser_id is not None
