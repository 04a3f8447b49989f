"""An adviser without a desk begins with whoever has come, and takes a wrong click back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.calling import StillServing, finish
from scheduler.actions.openings import lock_visit
from scheduler.actions.rulebook import RuleBook
from scheduler.actions.serving import serve
from scheduler.actions.steps import UndoRefused, undo
from scheduler.domain.visit_states import StepRefused
from scheduler.models import Consultation, Visit
from tests.actions.small_town import STAFF, adviser_of, arrive, at, book_at, take_in, verbs_of

TEN = at("10:00")


def begin(session: Session, visit: Visit) -> Consultation:
    return serve(session, visit.id, adviser_of(session, "awo-1"), "Zimmer 0.06", by=STAFF, now=TEN)


def test_the_consultation_begins_at_once(session: Session, rulebook: RuleBook) -> None:
    visit = book_at(session, rulebook, "10:00", adviser_key="awo-1")
    consultation = begin(session, visit)
    assert (visit.state, visit.arrived_at, visit.ticket) == ("in_consultation", TEN, None)
    assert (consultation.called_at, consultation.started_at, consultation.station) == (TEN, TEN, "Zimmer 0.06")
    assert visit.planned_adviser_id == adviser_of(session, "awo-1").id
    finish(session, consultation.id, by=STAFF, now=at("10:20"))
    assert verbs_of(session, visit) == ["book", "serve", "finish"]


def test_nobody_serves_two_at_once(session: Session, rulebook: RuleBook) -> None:
    first, second = (book_at(session, rulebook, clock, adviser_key="awo-1") for clock in ("10:00", "10:15"))
    begin(session, first)
    with pytest.raises(StillServing):
        begin(session, second)
    assert second.state == "booked"


def test_only_who_is_booked_is_served_without_a_call(session: Session, rulebook: RuleBook) -> None:
    waiting = take_in(session, rulebook, at("09:00"))
    arrived = arrive(session, rulebook, book_at(session, rulebook, "10:00"), at("09:50"))
    before = session.scalars(select(Consultation.id)).all()
    for visit in (waiting, arrived):
        with pytest.raises(StepRefused):
            begin(session, visit)
    assert session.scalars(select(Consultation.id)).all() == before


def test_a_wrong_click_can_be_taken_back_for_ten_minutes(session: Session, rulebook: RuleBook) -> None:
    visit = book_at(session, rulebook, "10:00", adviser_key="awo-1")
    consultation = begin(session, visit)
    undo(session, lock_visit(session, visit.id), by=STAFF, now=TEN + timedelta(minutes=5))
    assert (visit.state, visit.arrived_at) == ("booked", None)
    assert consultation.ended_as == "undone"
    again = begin(session, visit)
    with pytest.raises(UndoRefused):
        undo(session, lock_visit(session, visit.id), by=STAFF, now=TEN + timedelta(minutes=11))
    assert (visit.state, again.ended_at) == ("in_consultation", None)
