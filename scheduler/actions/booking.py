"""Book, move and cancel an appointment. The slot is checked under the opening's lock; the database guards the rest."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scheduler.actions.case_marks import forget_marks_of_others
from scheduler.actions.contact_limits import check_move
from scheduler.actions.freed_times import forget_held_back, hold_back
from scheduler.actions.messages import plan_cancelled, plan_moved
from scheduler.actions.once import booked_before, remember_key, spend_proof
from scheduler.actions.openings import (
    find_opening,
    lock_move,
    lock_visit,
    mark_changed,
    renew_feeds,
    touch_opening,
)
from scheduler.actions.rulebook import PlannedOpening, RuleBook
from scheduler.actions.slots import OfferedSlot, Question, find_slot, find_slots
from scheduler.actions.steps import By, begin_history, take_step
from scheduler.actions.supply import DEFAULT_MINUTES
from scheduler.domain.recurrence import local_date
from scheduler.domain.routing import AgeGroup
from scheduler.domain.slots import Slot
from scheduler.models import Opening, Town, Visit

_PLACE_GUARD = "ex_visit_one_place_per_adviser"


class SlotTaken(Exception):
    """This start is not free (any more), or never was one."""


@dataclass(frozen=True)
class Booking:
    """What is to be booked: an answer to every question, and a start at an opening."""

    question: Question
    hours_key: str
    original_on: date
    starts_at: datetime
    locale: str
    age_group: AgeGroup = "unknown"
    people: int = 1
    idempotency_key: str | None = None
    """Random text of the page or API client: the same one again gives the same visit again."""
    request: str = ""
    """What else the request said, or its hash: with the same key and something else it is refused."""
    proof: str = ""
    """What the client did to be let in, a name that nothing else has: it is good for one booking."""


def book(session: Session, rulebook: RuleBook, booking: Booking, *, by: By, now: datetime) -> Visit:
    """Book the start. Raises SlotTaken, UnknownOpening, KeyReused or ProofSpent.

    A repeated key returns the first visit, whatever proof comes with it.
    """
    opening = find_opening(rulebook, booking.hours_key, booking.original_on)
    key, request = booking.idempotency_key, _request(booking)
    earlier = booked_before(session, key, request)
    if earlier is not None:
        return earlier  # before the lock: a repetition changes nothing
    opening_id = touch_opening(session, opening)
    earlier = booked_before(session, key, request)
    if earlier is not None:
        return earlier  # the same request was faster
    question = replace(booking.question, by_staff=by.actor == "staff")
    slot = find_slot(session, rulebook, question, opening, booking.starts_at, now)
    if slot is None:
        raise SlotTaken
    visit = make_visit(session, rulebook, booking, opening, opening_id, slot, by, now)
    remember_key(session, key, request, visit, now)
    spend_proof(session, booking.proof, visit, now)
    return visit


def is_free(session: Session, rulebook: RuleBook, booking: Booking, now: datetime) -> bool:
    """Whether a client could book this now: asked without any lock, so a moment later it may be otherwise."""
    opening = rulebook.opening(booking.hours_key, booking.original_on)
    if opening is None or not opening.dated.takes_place:
        return False
    return find_slot(session, rulebook, booking.question, opening, booking.starts_at, now) is not None


def move(
    session: Session,
    rulebook: RuleBook,
    visit_id: int,
    hours_key: str,
    original_on: date,
    starts_at: datetime,
    *,
    by: By,
    now: datetime,
    unasked: bool = False,
) -> Visit:
    """Give the visit another start: same link, same code. Raises SlotTaken, UnknownOpening or StepRefused.

    A client's raises OverlapsAnother, too, where the same contact has an appointment at that time. A visit that stands
    there already is left as it is: moving twice is fine. `unasked`: the office does it on its own, so that whoever
    cannot be written to goes on the call list.
    """
    opening = find_opening(rulebook, hours_key, original_on)
    visit, row = lock_move(session, visit_id, opening)
    if (visit.state, visit.opening_id, visit.starts_at) == ("booked", row.id, starts_at):
        return visit
    question = question_of(visit, by_staff=by.actor == "staff")
    slot = find_slot(session, rulebook, question, opening, starts_at, now, ignoring_visit_id=visit.id)
    if slot is None:
        raise SlotTaken
    if by.actor == "client":
        check_move(session, visit, slot.starts_at, slot.ends_at, now)
    step = take_step(session, visit, "move", by=by, now=now, releases_place=True)
    hold_back(session, visit, step, rulebook.zone, now)
    _put_at(visit, opening, row, slot, local_date(slot.starts_at, rulebook.zone))
    visit.sequence += 1
    _hold_place(session, visit, row, slot, now)
    forget_held_back(session, visit)
    mark_changed(session, row, {visit.planned_adviser_id})  # the step told the old opening and adviser alone
    plan_moved(session, visit, rulebook.zone, now, unasked=unasked)
    return visit


def cancel(session: Session, visit_id: int, *, by: By, now: datetime, unasked: bool = False) -> Visit:
    """Cancel the visit and free its place. Cancelling twice is fine. Raises StepRefused once it has begun.

    `unasked`: the office does it on its own, so that whoever cannot be written to goes on the call list.
    """
    visit = lock_visit(session, visit_id)
    if visit.state == "cancelled":
        return visit
    step = take_step(session, visit, "cancel", by=by, now=now, releases_place=True)
    hold_back(session, visit, step, session.get_one(Town, 1).zone, now)
    visit.sequence += 1
    plan_cancelled(session, visit, now, unasked=unasked)
    return visit


def question_of(visit: Visit, *, by_staff: bool = False) -> Question:
    """The question that this visit was booked for, to find it another time."""
    return Question(
        services=frozenset({visit.service.key}) if visit.service else frozenset(),
        minutes=visit.concern.minutes if visit.concern else DEFAULT_MINUTES,
        concern=visit.concern.key if visit.concern else None,
        language=visit.language,
        adviser_id=visit.wished_adviser_id,
        by_staff=by_staff,
    )


def nearest_slots(
    session: Session,
    rulebook: RuleBook,
    question: Question,
    wanted_at: datetime,
    now: datetime,
    most: int = 3,
    ignoring_visit_id: int | None = None,
) -> list[OfferedSlot]:
    """The free starts nearest to the one that was wanted, at any place, in order of time."""
    wanted_at = min(max(wanted_at, now), now + timedelta(days=366))  # a date at the end of time would overflow
    middle = local_date(wanted_at, rulebook.zone)
    offered = find_slots(
        session,
        rulebook,
        question,
        from_on=middle - timedelta(days=14),
        until_on=middle + timedelta(days=42),
        now=now,
        ignoring_visit_id=ignoring_visit_id,
    )
    nearest = sorted(offered, key=lambda each: abs(each.slot.starts_at - wanted_at))[:most]
    return sorted(nearest, key=lambda each: each.slot.starts_at)


def make_visit(
    session: Session,
    rulebook: RuleBook,
    booking: Booking,
    opening: PlannedOpening,
    opening_id: int,
    slot: Slot,
    by: By,
    now: datetime,
) -> Visit:
    """Write the appointment at a start that the caller found free, under the opening's lock. Raises SlotTaken."""
    question = booking.question
    concern = rulebook.concerns.get(question.concern or "")
    values: dict[str, Any] = {
        "opening_id": opening_id,
        "place_id": opening.hours.place_id,
        "local_on": local_date(slot.starts_at, rulebook.zone),
        "kind": "appointment",
        "age_group": booking.age_group,
        "service_id": service_id_of(rulebook, question.services),
        "concern_id": concern.id if concern else None,
        "language": question.language,
        "locale": booking.locale,
        "people": booking.people,
        "starts_at": slot.starts_at,
        "ends_at": slot.ends_at,
        "planned_adviser_id": slot.adviser_id,
        "wished_adviser_id": question.adviser_id,
        "code": _fresh_code(session),
        "created_at": now,
    }
    with _taken_by_the_guard():
        if slot.moves:
            hand_on(session, session.get_one(Opening, opening_id), dict(slot.moves), now=now)
        visit = begin_history(session, values, "book", by=by, now=now)
    renew_feeds(session, {slot.adviser_id}, {question.language})
    return visit


def _put_at(visit: Visit, opening: PlannedOpening, row: Opening, slot: Slot, local_on: date) -> None:
    if (visit.place_id, visit.local_on) != (opening.hours.place_id, local_on):
        visit.ticket = None  # a number belongs to one place and day
    visit.opening = row
    visit.place_id, visit.local_on = opening.hours.place_id, local_on
    visit.starts_at, visit.ends_at = slot.starts_at, slot.ends_at
    visit.coming_at = None  # it was said of another time


def service_id_of(rulebook: RuleBook, services: frozenset[str]) -> int | None:
    """The service, where only one is in question; a family may go to either, so there it stays open."""
    (only, *others) = services or ("",)
    return None if others else rulebook.service_ids.get(only)


def _hold_place(session: Session, visit: Visit, row: Opening, slot: Slot, now: datetime) -> None:
    """Hold the adviser's time, others handed on first. Whoever was faster on another path, the constraint tells."""
    session.flush()
    with _taken_by_the_guard():
        hand_on(session, row, dict(slot.moves), now=now)
        visit.planned_adviser_id = slot.adviser_id
        session.flush()
    forget_marks_of_others(session, {visit.id: slot.adviser_id})


@contextmanager
def _taken_by_the_guard() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        if _PLACE_GUARD in str(error.orig):
            raise SlotTaken from error
        raise


def hand_on(session: Session, row: Opening, advisers: Mapping[int, int], *, now: datetime) -> None:
    """Give appointments of one opening to other advisers, by visit id. Clients notice nothing; calendars follow.

    The caller holds the opening's lock. The database lets no adviser be held twice, not even for a moment: so all
    places are given up before any is taken.
    """
    if not advisers:
        return
    visits = session.scalars(select(Visit).where(Visit.id.in_(advisers))).all()
    touched = {each.planned_adviser_id for each in visits} | set(advisers.values())
    for each in visits:
        each.planned_adviser_id = None
    session.flush()
    for each in visits:
        each.planned_adviser_id, each.changed_at = advisers[each.id], now
    session.flush()
    forget_marks_of_others(session, advisers)
    mark_changed(session, row, touched)


def _fresh_code(session: Session) -> str:
    while True:
        code = str(100_000_000 + secrets.randbelow(900_000_000))
        if session.execute(_SAME_CODE, {"code": code}).first() is None:
            return code


_VISIT = Visit.metadata.tables["visit"]
_SAME_CODE = select(_VISIT.c.id).where(_VISIT.c.code == bindparam("code"))


def _request(booking: Booking) -> str:
    """All that is asked for: another booking under a guessed key is not answered with this one."""
    question = replace(booking.question, services=frozenset())
    return repr(
        (replace(booking, question=question, idempotency_key=None, proof=""), sorted(booking.question.services))
    )
