"""The end of an opening: staff close it; what nobody closed until the night is closed by rule, and marked so."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.openings import lock_opening, lock_visit, mark_changed
from scheduler.actions.rulebook import PlannedOpening
from scheduler.actions.steps import RULE, By, take_step
from scheduler.domain.recurrence import local_date
from scheduler.domain.visit_states import OPEN, may
from scheduler.models import Hours, Opening, Town, Visit


class SomebodyCame(Exception):
    """Somebody waits whom staff had not seen when they decided to close."""


def find_left_open(session: Session, now: datetime) -> list[int]:
    """Visits of days that are over in the town's zone, and that are still open."""
    town = session.get(Town, 1)
    if town is None:
        return []
    today = local_date(now, town.zone)
    return list(session.scalars(select(Visit.id).where(Visit.local_on < today, Visit.state.in_(OPEN))))


def close_visit(session: Session, visit_id: int, now: datetime) -> None:
    """Booked becomes missed, waiting or called not served, a consultation done, its times flagged unreliable."""
    visit = lock_visit(session, visit_id)
    if not may(visit.state, "close") or visit.local_on >= local_date(now, session.get_one(Town, 1).zone):
        return  # another jobs process was faster, or the visit has moved to a day to come
    _close(session, visit, RULE, now)


def close_opening(session: Session, opening: PlannedOpening, seen: Collection[int], *, by: By, now: datetime) -> None:
    """Staff say that the morning is over: no more numbers, whoever waits was not served, who did not come is missed.

    Who is in consultation stays until it is finished, and so do appointments whose time is still to come. `seen`: the
    visits that staff know will be closed. Raises SomebodyCame; the edge then rolls back.
    """
    row = lock_opening(session, opening)
    ending = visits_that_close(session, row, now)
    if not {each.id for each in ending}.issubset(seen):
        raise SomebodyCame
    for visit in ending:
        _close(session, visit, by, now)
    row.closed_at = now
    mark_changed(session, row)
    session.flush()


def reopen(session: Session, opening: PlannedOpening) -> None:
    """It was closed too early: numbers are given again. The visits stay as they are."""
    row = lock_opening(session, opening)
    row.closed_at = None
    mark_changed(session, row)
    session.flush()


def visits_that_close(session: Session, row: Opening, now: datetime) -> list[Visit]:
    """Visits that the close of this opening ends: who is here, and appointments whose start has passed."""
    not_come = (Visit.state == "booked") & (Visit.starts_at <= now)
    ends = select(Visit).where(Visit.opening_id == row.id, Visit.state.in_(("waiting", "parked", "called")) | not_come)
    ordered = ends.order_by(Visit.starts_at, Visit.ticket, Visit.id)
    return list(session.scalars(ordered.execution_options(populate_existing=True)))  # as they stand under the lock


def _close(session: Session, visit: Visit, by: By, now: datetime) -> None:
    consultation = visit.open_consultation
    missed = visit.state == "booked"
    take_step(session, visit, "close", by=by, now=now, consultation=consultation, releases_place=missed)
    if consultation is not None:
        consultation.ended_at, consultation.ended_as = now, "closed"
        consultation.times_unreliable = True
    session.flush()


def find_past_own_times(session: Session, now: datetime) -> list[int]:
    """Office hours of advisers' own appointments whose day is over."""
    town = session.get(Town, 1)
    if town is None:
        return []
    return list(
        session.scalars(
            select(Hours.id).where(
                Hours.own_adviser_id.is_not(None),
                Hours.retired_at.is_(None),
                Hours.valid_from < local_date(now, town.zone),
            )
        )
    )


def retire_own_time(session: Session, hours_id: int, now: datetime) -> None:
    """The rules no longer hold it; the visit keeps its opening and stays in the books. Retiring twice is fine."""
    hours = session.get_one(Hours, hours_id)
    if hours.retired_at is None:
        hours.retired_at = now
        session.flush()
