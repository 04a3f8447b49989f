"""Times that clients give back: offered to everybody again after a short while that nobody can foretell.

Whoever trades appointments gives one back and takes it at once under another name; others never see it. So such a time
is held back for some minutes: for the public as if it were still taken (`supply.read_taken`), while staff may book it
at once. On the day itself there is no delay: every minute counts then. What the office cancels is free at once. And
nobody empties the list by moving on and on: a visit holds back few times, what it gives up beyond them is free at once.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from scheduler.actions.openings import mark_changed
from scheduler.domain.recurrence import local_date
from scheduler.models import FreedTime, Opening, Step, Visit

SHORTEST, LONGEST = timedelta(minutes=2), timedelta(minutes=15)
MOST_OF_A_VISIT = 3
"""Held back at once."""


def hold_back(session: Session, visit: Visit, step: Step, zone: ZoneInfo, now: datetime) -> None:
    """Keep the place that this step has just given up from the public for a while, if a client gave it up.

    The visit still has the times of that place. One of today is offered at once.
    """
    if step.actor != "client" or step.released_adviser_id is None or visit.starts_at is None:
        return
    is_of_today = local_date(visit.starts_at, zone) <= local_date(now, zone)
    if is_of_today or _count_held_back(session, visit, now) >= MOST_OF_A_VISIT:
        return
    session.add(
        FreedTime(
            visit_id=visit.id,
            opening_id=step.released_opening_id,
            adviser_id=step.released_adviser_id,
            starts_at=visit.starts_at,
            ends_at=visit.ends_at,
            offered_from=now + _delay(),
        )
    )
    session.flush()


def forget_held_back(session: Session, visit: Visit) -> None:
    """The visit holds a place: whatever it had given back of the same adviser's time then is no longer held back."""
    mine = FreedTime.visit_id == visit.id, FreedTime.adviser_id == visit.planned_adviser_id
    overlapping = FreedTime.starts_at < visit.ends_at, FreedTime.ends_at > visit.starts_at
    session.execute(delete(FreedTime).where(*mine, *overlapping))


def find_due(session: Session, now: datetime) -> list[int]:
    """The openings at which something is to be offered again, by id."""
    due = select(FreedTime.opening_id).where(FreedTime.offered_from <= now).distinct()
    return sorted(session.scalars(due))


def offer_again(session: Session, opening_id: int, now: datetime) -> int:
    """Offer to everybody what is due at this opening, and renew the lists that were kept; gives how many times."""
    opening = session.get_one(Opening, opening_id, with_for_update=True)
    due = delete(FreedTime).where(FreedTime.opening_id == opening_id, FreedTime.offered_from <= now)
    offered = len(session.scalars(due.returning(FreedTime.id)).all())
    if offered:
        mark_changed(session, opening)
        session.flush()
    return offered


def _count_held_back(session: Session, visit: Visit, now: datetime) -> int:
    still = FreedTime.visit_id == visit.id, FreedTime.offered_from > now
    return session.scalar(select(func.count(FreedTime.id)).where(*still)) or 0


def _delay() -> timedelta:
    span = int((LONGEST - SHORTEST).total_seconds())
    return SHORTEST + timedelta(seconds=secrets.randbelow(span + 1))
