"""Somebody steps out for a while, and comes back to the old place in the order."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from scheduler.actions.calling import NobodyWaits, call, put_back
from scheduler.actions.parking import park, unpark
from scheduler.actions.rulebook import RuleBook
from scheduler.actions.steps import undo
from scheduler.domain.visit_states import StepRefused
from tests.actions.small_town import STAFF, at, press_next, seat, take_in, verbs_of


def test_who_is_parked_is_not_called_and_comes_back_to_the_old_place(session: Session, rulebook: RuleBook) -> None:
    first, second = take_in(session, rulebook, at("09:00")), take_in(session, rulebook, at("09:01"))
    adviser = seat(session, rulebook, "awo-1", at("09:00"))
    park(session, first.id, by=STAFF, now=at("09:02"))
    consultation = press_next(session, rulebook, adviser, at("09:03"))
    assert consultation.visit_id == second.id
    put_back(session, consultation.id, by=STAFF, now=at("09:04"))
    unpark(session, first.id, by=STAFF, now=at("09:30"))
    session.expire_all()
    assert (first.state, first.arrived_at, first.ended_at) == ("waiting", at("09:00"), None)
    assert press_next(session, rulebook, adviser, at("09:31")).visit_id == first.id
    assert verbs_of(session, first) == ["register", "park", "unpark", "call"]


def test_an_adviser_may_call_a_parked_visit_from_the_list(session: Session, rulebook: RuleBook) -> None:
    visit = take_in(session, rulebook, at("09:00"))
    adviser = seat(session, rulebook, "awo-1", at("09:00"))
    park(session, visit.id, by=STAFF, now=at("09:02"))
    with pytest.raises(NobodyWaits):
        press_next(session, rulebook, adviser, at("09:03"))
    call(session, visit.id, adviser, by=STAFF, now=at("09:04"))
    assert visit.state == "called"
    undo(session, visit, by=STAFF, now=at("09:05"))
    assert visit.state == "parked"


def test_pages_hear_of_parking(session: Session, rulebook: RuleBook) -> None:
    visit = take_in(session, rulebook, at("09:00"))
    version = visit.opening.version
    park(session, visit.id, by=STAFF, now=at("09:02"))
    session.expire_all()
    assert visit.opening.version == version + 1


def test_only_who_waits_is_parked_and_only_who_is_parked_comes_back(session: Session, rulebook: RuleBook) -> None:
    visit = take_in(session, rulebook, at("09:00"))
    with pytest.raises(StepRefused):
        unpark(session, visit.id, by=STAFF, now=at("09:01"))
    press_next(session, rulebook, seat(session, rulebook, "awo-1", at("09:00")), at("09:02"))
    with pytest.raises(StepRefused):
        park(session, visit.id, by=STAFF, now=at("09:03"))
    assert visit.state == "called"
