"""Moving an appointment keeps the visit: same code, same link; its old place does not stand in its way."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.booking import SlotTaken, cancel, move
from scheduler.actions.freed_times import LONGEST
from scheduler.actions.openings import UnknownOpening
from scheduler.actions.rulebook import RuleBook
from scheduler.actions.steps import CLIENT, undo
from scheduler.domain.codes import link_token
from scheduler.domain.visit_states import StepRefused
from scheduler.models import Feed, Opening, Visit
from tests.actions.small_town import (
    NEXT_WEDNESDAY,
    OFFICE,
    SESSION,
    STAFF,
    THURSDAY,
    WEDNESDAY,
    adviser_of,
    arrive,
    at,
    be_away,
    book_at,
    take_in,
    verbs_of,
)


def move_to(
    session: Session,
    rulebook: RuleBook,
    visit: Visit,
    clock: str,
    now: datetime,
    key: str = SESSION,
    on: date = WEDNESDAY,
) -> Visit:
    return move(session, rulebook, visit.id, key, on, at(clock, on), by=CLIENT, now=now)


def link_of(visit: Visit) -> str:
    return link_token("secret", visit.id, visit.link_epoch)


def test_a_moved_visit_keeps_code_and_link_and_counts_on(session: Session, rulebook: RuleBook, now: datetime) -> None:
    visit = book_at(session, rulebook, "10:00", concern="advice")
    before = (visit.id, visit.code, link_of(visit), visit.concern_id, visit.service_id)
    moved = move_to(session, rulebook, visit, "11:00", now)
    session.expire_all()
    assert (moved.id, moved.code, link_of(moved), moved.concern_id, moved.service_id) == before
    assert (moved.state, moved.sequence) == ("booked", 1)
    assert (moved.starts_at, moved.ends_at) == (at("11:00"), at("11:45"))
    assert verbs_of(session, visit) == ["book", "move"]
    assert book_at(session, rulebook, "10:00", now=now + LONGEST).state == "booked"


def test_a_visit_does_not_stand_in_its_own_way(session: Session, rulebook: RuleBook, now: datetime) -> None:
    visit = book_at(session, rulebook, "10:00", concern="advice", adviser_key="awo-1")
    moved = move_to(session, rulebook, visit, "10:15", now)
    assert (moved.starts_at, moved.ends_at) == (at("10:15"), at("11:00"))
    assert moved.planned_adviser_id == adviser_of(session, "awo-1").id
    assert move_to(session, rulebook, visit, "10:00", now).sequence == 2


def test_moving_to_where_it_is_already_changes_nothing(session: Session, rulebook: RuleBook, now: datetime) -> None:
    visit = book_at(session, rulebook, "10:00")
    moved = move_to(session, rulebook, visit, "11:00", now)
    again = move_to(session, rulebook, moved, "11:00", now + timedelta(minutes=1))
    assert (again.id, again.sequence, again.starts_at) == (visit.id, 1, at("11:00"))
    assert verbs_of(session, visit) == ["book", "move"]


def test_a_visit_moves_to_another_place_and_day(session: Session, rulebook: RuleBook, now: datetime) -> None:
    visit = book_at(session, rulebook, "10:00")
    moved = move_to(session, rulebook, visit, "14:00", now, OFFICE, THURSDAY)
    session.expire_all()
    assert (moved.place.key, moved.local_on, moved.opening.public_id) == ("awo-buero", THURSDAY, "awo-do/2026-11-26")
    assert moved.planned_adviser_id == adviser_of(session, "awo-1").id


def test_both_openings_and_both_advisers_feeds_hear_of_the_move(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    visit = book_at(session, rulebook, "10:00", service="JMD")
    assert visit.planned_adviser_id == adviser_of(session, "awo-2").id
    for key in ("awo-1", "awo-2", "ib-1"):
        session.add(
            Feed(kind="adviser", adviser_id=adviser_of(session, key).id, token_hash=f"hash {key}", created_at=now)
        )
    target = session.scalars(select(Opening).join(Opening.hours).where(Opening.original_on == NEXT_WEDNESDAY)).one()
    session.flush()
    versions = visit.opening.version, target.version
    source = visit.opening
    moved = move_to(session, rulebook, visit, "10:00", now, on=NEXT_WEDNESDAY)
    session.flush()
    session.expire_all()
    assert moved.opening_id == target.id
    assert source.version > versions[0]
    assert target.version > versions[1]
    wanted = {each.adviser_id: each.wanted for each in session.scalars(select(Feed))}
    assert moved.planned_adviser_id is not None
    assert wanted[moved.planned_adviser_id] > 1
    assert wanted[adviser_of(session, "awo-2").id] > 1
    assert wanted[adviser_of(session, "awo-1").id] == 1


def test_the_adviser_who_takes_a_moved_visit_over_hears_of_it(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    visit = book_at(session, rulebook, "10:00", service="MBE")
    first = visit.planned_adviser_id
    session.add(Feed(kind="adviser", adviser_id=adviser_of(session, "awo-2").id, token_hash="two", created_at=now))
    be_away(session, "awo-1", "11:00", "12:00")
    moved = move_to(session, rulebook, visit, "11:00", now)
    session.flush()
    session.expire_all()
    assert moved.planned_adviser_id == adviser_of(session, "awo-2").id != first
    assert session.scalars(select(Feed.wanted).where(Feed.token_hash == "two")).one() == 2


def test_a_taken_or_impossible_start_leaves_the_visit_as_it_is(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    visit = book_at(session, rulebook, "10:00")
    book_at(session, rulebook, "11:00", service="JMD")
    session.commit()
    for clock in ("11:00", "12:00", "08:45", "10:05"):
        with pytest.raises(SlotTaken):
            move_to(session, rulebook, visit, clock, now)
        session.rollback()
    with pytest.raises(SlotTaken):
        move_to(session, rulebook, visit, "13:00", now, OFFICE, date(2027, 1, 21))
    session.rollback()
    with pytest.raises(UnknownOpening):
        move_to(session, rulebook, visit, "10:00", now, SESSION, date(2026, 12, 30))
    session.rollback()
    assert (visit.starts_at, visit.sequence, visit.state) == (at("10:00"), 0, "booked")
    assert visit.planned_adviser_id is not None
    assert verbs_of(session, visit) == ["book"]


def test_only_a_booked_visit_moves(session: Session, rulebook: RuleBook, now: datetime) -> None:
    cancelled = cancel(session, book_at(session, rulebook, "10:00").id, by=CLIENT, now=now)
    here = arrive(session, rulebook, book_at(session, rulebook, "09:15"), at("09:00"))
    walk_in = take_in(session, rulebook, at("09:00"))
    for visit in (cancelled, here, walk_in):
        with pytest.raises(StepRefused):
            move_to(session, rulebook, visit, "11:00", at("09:05"))


def test_a_number_drawn_by_mistake_stays_behind_when_the_visit_moves_to_another_day(
    session: Session, rulebook: RuleBook
) -> None:
    """Numbers belong to a place and day: one that travels would collide with the numbers there."""
    visit = arrive(session, rulebook, book_at(session, rulebook, "10:00"), at("08:50"))
    number = visit.ticket
    assert number == 1
    undo(session, visit, by=STAFF, now=at("08:52"))
    moved = move_to(session, rulebook, visit, "10:00", at("08:55"), on=NEXT_WEDNESDAY)
    assert (moved.local_on, moved.ticket) == (NEXT_WEDNESDAY, None)
