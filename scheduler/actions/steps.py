"""A visit's history: take a step, or take the latest one back. No other module sets `Visit.state`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, make_transient_to_detached

from scheduler.actions.freed_times import forget_held_back
from scheduler.actions.messages import plan_confirmation
from scheduler.actions.openings import mark_changed
from scheduler.domain.intervals import Interval
from scheduler.domain.matching import has_room
from scheduler.domain.visit_states import OPEN, State, Verb, may_undo, next_state
from scheduler.models import Consultation, Step, Town, Visit
from scheduler.models.visits import Actor


@dataclass(frozen=True)
class By:
    """Who takes a step."""

    actor: Actor
    account_id: int | None = None


CLIENT = By("client")
RULE = By("rule")


class UndoRefused(Exception):
    """The latest step cannot be taken back: its kind, its age, or its place was given away."""


def take_step(
    session: Session,
    visit: Visit,
    verb: Verb,
    *,
    by: By,
    now: datetime,
    consultation: Consultation | None = None,
    releases_place: bool = False,
) -> Step:
    """Bring the visit to its next state and write the line. Raises StepRefused; then nothing has changed."""
    from_state: State | None = visit.state
    to_state = next_state(None if verb in ("book", "register") else from_state, verb)
    step = Step(
        visit=visit,
        at=now,
        verb=verb,
        from_state=None if verb in ("book", "register") else from_state,
        to_state=to_state,
        actor=by.actor,
        account_id=by.account_id,
        consultation=consultation,
        released_adviser_id=visit.planned_adviser_id if releases_place else None,
        released_opening_id=visit.opening_id if releases_place else None,
        released_starts_at=visit.starts_at if releases_place else None,
        former_service_id=visit.service_id if verb == "hand_over" else None,
        former_wished_adviser_id=visit.wished_adviser_id if verb == "hand_over" else None,
        by_rule=by.actor == "rule",
    )
    if releases_place:
        visit.planned_adviser_id = None
    _set_state(visit, to_state, now)
    session.add(step)
    mark_changed(session, visit.opening, {visit.planned_adviser_id, step.released_adviser_id}, interpreters_of(visit))
    session.flush()
    return step


def interpreters_of(visit: Visit) -> set[str | None]:
    """The languages whose interpreters' feeds show this visit: appointments alone stand in a calendar."""
    return {visit.language} if visit.kind == "appointment" else set()


def begin_history(session: Session, values: dict[str, Any], verb: Verb, *, by: By, now: datetime) -> Visit:
    """Store a new visit, in the state that it begins with, and its first line; the caller says who must know."""
    row = {**_EMPTY, **values, "state": next_state(None, verb), "changed_at": now}
    visit_id: int = session.execute(_NEW, row).scalar_one()
    line = {"visit_id": visit_id, "at": now, "verb": verb, "to_state": row["state"], "by_rule": False}
    session.execute(_FIRST, {**line, "actor": by.actor, "account_id": by.account_id})
    visit = Visit(id=visit_id, **row)
    make_transient_to_detached(visit)  # stored as it stands: nothing of it need be read or written
    session.add(visit)
    return visit


# By the tables: bookings are many, and two new rows need no unit of work (measured: a fifth of a booking's time).
_VISIT = Visit.metadata.tables["visit"]
_NEW = insert(_VISIT).returning(_VISIT.c.id)
_FIRST = insert(Step.metadata.tables["step"])
_EMPTY: dict[str, Any] = {each.key: getattr(each.default, "arg", None) for each in _VISIT.c if not each.primary_key}


def latest_step(session: Session, visit: Visit) -> Step | None:
    """The last step that still counts: neither an undo nor one that was taken back."""
    return session.scalar(_latest_of(visit))


def latest_steps(session: Session, visit_ids: Sequence[int]) -> dict[int, Step]:
    """The same for many visits at once, by visit id."""
    latest = select(func.max(Step.id)).where(*_standing(visit_ids)).group_by(Step.visit_id)
    return {step.visit_id: step for step in session.scalars(select(Step).where(Step.id.in_(latest)))}


def undo(session: Session, visit: Visit, *, by: By, now: datetime) -> None:
    """Take the latest step back. Raises UndoRefused; the edge then rolls back."""
    step = latest_step(session, visit)
    if step is None or step.by_rule or not may_undo(step.verb, step.at, now):
        raise UndoRefused(step.verb if step else "")
    verb = step.verb
    if step.released_adviser_id is not None and not _has_room(session, visit):
        raise UndoRefused(verb)
    try:
        # Any statement in here may be the one that writes, so any may meet the constraint.
        _take_back(session, visit, step, by, now)
        session.flush()
    except IntegrityError as error:
        raise UndoRefused(verb) from error


def _take_back(session: Session, visit: Visit, step: Step, by: By, now: datetime) -> None:
    if step.consultation is not None:
        _restore_consultation(step, now)
    if step.verb in ("check_in", "serve") and visit.arrived_at == step.at:
        visit.arrived_at = _arrived_before(session, visit, step)
    if step.verb == "hand_over":
        visit.service_id, visit.wished_adviser_id = step.former_service_id, step.former_wished_adviser_id
    if step.released_adviser_id is not None:
        visit.planned_adviser_id = step.released_adviser_id
    to_state: State = step.from_state or "cancelled"  # a number given by mistake: the visit never was
    session.add(
        Step(
            visit=visit,
            at=now,
            verb="undo",
            from_state=visit.state,
            to_state=to_state,
            actor=by.actor,
            account_id=by.account_id,
            undoes_step_id=step.id,
        )
    )
    _set_state(visit, to_state, now)
    if step.released_adviser_id is not None:
        forget_held_back(session, visit)
    mark_changed(session, visit.opening, {visit.planned_adviser_id}, interpreters_of(visit))
    if step.verb == "cancel":
        visit.sequence += 1  # calendars and messages have heard of the cancellation
        if to_state == "booked":
            plan_confirmation(session, visit, session.get_one(Town, 1).zone, now)


def _latest_of(visit: Visit) -> Select[Step]:
    return select(Step).where(*_standing([visit.id])).order_by(Step.id.desc()).limit(1)


def _standing(visit_ids: Sequence[int]) -> tuple[ColumnElement[bool], ...]:
    """Steps of these visits that still count: neither an undo nor one that was taken back."""
    undone = select(Step.undoes_step_id).where(Step.visit_id.in_(visit_ids), Step.undoes_step_id.is_not(None))
    return Step.visit_id.in_(visit_ids), Step.verb != "undo", Step.id.not_in(undone)


def _arrived_before(session: Session, visit: Visit, step: Step) -> datetime | None:
    """When a visit that came back after a missed call had come first; None: it had not been here."""
    arrived = _latest_of(visit).where(Step.id < step.id, Step.verb.in_(("register", "check_in")))
    earlier = session.scalar(arrived)
    return earlier.at if earlier else None


def _has_room(session: Session, visit: Visit) -> bool:
    """Whether its place may be held again: a mixed opening keeps some of its advisers for the queue."""
    hours = visit.opening.hours
    if hours.admits != "mixed" or hours.appointments_at_once is None or not (visit.starts_at and visit.ends_at):
        return True
    during = Interval(visit.starts_at, visit.ends_at)
    others = session.execute(
        select(Visit.starts_at, Visit.ends_at).where(
            Visit.opening_id == visit.opening_id,
            Visit.planned_adviser_id.is_not(None),
            Visit.starts_at < during.ends_at,
            Visit.ends_at > during.starts_at,
        )
    )
    there = [Interval(one, end) for one, end in others if one and end]
    return has_room(during, there, hours.appointments_at_once)


def _restore_consultation(step: Step, now: datetime) -> None:
    consultation = step.consultation
    assert consultation is not None
    if step.verb in ("call", "serve"):
        consultation.ended_at, consultation.ended_as = now, "undone"
    elif step.verb == "start":
        consultation.started_at = None
    else:
        consultation.ended_at, consultation.ended_as = None, None


def _set_state(visit: Visit, state: State, now: datetime) -> None:
    visit.state = state
    visit.changed_at = now
    visit.ended_at = None if state in OPEN else now
