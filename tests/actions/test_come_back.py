"""A walk-in gets a time instead of the number: both happen, or neither."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scheduler.actions.booking import SlotTaken
from scheduler.actions.calling import start
from scheduler.actions.come_back import book_instead
from scheduler.actions.openings import lock_visit
from scheduler.actions.registration import leave
from scheduler.actions.rulebook import RuleBook
from scheduler.actions.steps import undo
from scheduler.domain.visit_states import StepRefused
from scheduler.models import Visit
from tests.actions.small_town import (
    NEXT_WEDNESDAY,
    OFFICE,
    STAFF,
    THURSDAY,
    at,
    book_at,
    booking_at,
    press_next,
    seat,
    take_in,
    verbs_of,
)

MORNING = at("09:10")


def come_back(session: Session, rulebook: RuleBook, waiting: Visit, key: str | None = None) -> Visit:
    booking = booking_at(session, rulebook, "14:00", key=OFFICE, on=THURSDAY)
    booking = replace(booking, idempotency_key=key)
    return book_instead(session, rulebook, booking, waiting.id, by=STAFF, now=MORNING)


def count_booked(session: Session) -> int:
    return session.scalars(select(func.count(Visit.id)).where(Visit.state == "booked")).one()


def test_the_number_is_given_up_and_the_appointment_stands(session: Session, rulebook: RuleBook) -> None:
    waiting = take_in(session, rulebook, at("09:00"), language="ar")
    booked = come_back(session, rulebook, waiting)
    assert (booked.state, booked.starts_at, booked.kind) == ("booked", at("14:00", THURSDAY), "appointment")
    assert (waiting.state, waiting.ended_at) == ("cancelled", MORNING)
    assert verbs_of(session, waiting) == ["register", "cancel"]


def test_the_same_page_sent_twice_books_once(session: Session, rulebook: RuleBook) -> None:
    waiting = take_in(session, rulebook, at("09:00"))
    first = come_back(session, rulebook, waiting, "page")
    before = count_booked(session)
    assert come_back(session, rulebook, waiting, "page").id == first.id
    assert count_booked(session) == before


def test_a_taken_time_leaves_the_number_in_the_queue(session: Session, rulebook: RuleBook) -> None:
    waiting = take_in(session, rulebook, at("09:00"))
    book_at(session, rulebook, "14:00", key=OFFICE, on=THURSDAY, now=MORNING)
    with pytest.raises(SlotTaken):
        come_back(session, rulebook, waiting)
    assert waiting.state == "waiting"


@pytest.mark.parametrize("became", ["called", "in_consultation", "left"])
def test_who_no_longer_waits_is_refused(session: Session, rulebook: RuleBook, became: str) -> None:
    waiting = take_in(session, rulebook, at("09:00"))
    if became == "left":
        leave(session, waiting.id, by=STAFF, now=at("09:05"))
    else:
        called = press_next(session, rulebook, seat(session, rulebook, "awo-1", at("09:01")), at("09:02"))
        if became == "in_consultation":
            start(session, called.id, by=STAFF, now=at("09:03"))
    with pytest.raises(StepRefused):
        come_back(session, rulebook, waiting)


def test_a_wrong_click_puts_the_number_back_into_the_queue(session: Session, rulebook: RuleBook) -> None:
    waiting = take_in(session, rulebook, at("09:00"))
    booked = come_back(session, rulebook, waiting)
    undo(session, lock_visit(session, waiting.id), by=STAFF, now=at("09:15"))
    assert (waiting.state, booked.state) == ("waiting", "booked")


def test_a_time_at_the_same_opening_a_week_later_works_too(session: Session, rulebook: RuleBook) -> None:
    waiting = take_in(session, rulebook, at("09:00"))
    booking = booking_at(session, rulebook, "10:00", on=NEXT_WEDNESDAY)
    booked = book_instead(session, rulebook, booking, waiting.id, by=STAFF, now=MORNING)
    assert (booked.local_on, waiting.state) == (NEXT_WEDNESDAY, "cancelled")
