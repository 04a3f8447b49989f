"""The close of the day: what nobody closed is closed by rule, and marked so."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.openings import lock_visit
from scheduler.actions.steps import RULE, take_step
from scheduler.domain.recurrence import local_date
from scheduler.domain.visit_states import OPEN, may
from scheduler.models import Hours, Town, Visit


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
    consultation = visit.open_consultation
    missed = visit.state == "booked"
    take_step(session, visit, "close", by=RULE, now=now, consultation=consultation, releases_place=missed)
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
