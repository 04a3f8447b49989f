"""Whom somebody has to tell in person of a move or cancellation: nobody can write to them.

The lines are messages of channel "call", planned like all others (`messages.py`), and ticked off by people.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Select, false, func, or_, select
from sqlalchemy.orm import Session

from scheduler.actions.messages import mark_sent
from scheduler.models import Hours, Message, Opening, Step, Visit

USEFUL_FOR = timedelta(hours=12)
"""After the later of both times; who was not told by then has come, or has not."""


class CallLine(NamedTuple):
    """One person to tell. `step` gave up the place that no longer holds: when, and at which opening."""

    message: Message
    step: Step


def read_call_list(
    session: Session, now: datetime, *, place_id: int | None = None, adviser_id: int | None = None
) -> list[CallLine]:
    """All open lines in order of the time that no longer holds, until its day is over and nobody can be told.

    For the desk of the place where they were to come, or now are to; or for the adviser whose time they held.
    """
    latest = (
        select(func.max(Step.id)).where(Step.released_starts_at.is_not(None)).group_by(Step.visit_id).scalar_subquery()
    )
    concerned = or_(
        or_(Visit.place_id == place_id, Hours.place_id == place_id) if place_id is not None else false(),
        Step.released_adviser_id == adviser_id if adviser_id is not None else false(),
    )
    query: Select[Message, Step] = (
        select(Message, Step)
        .join(Visit, Message.visit_id == Visit.id)
        .join(Step, Step.visit_id == Visit.id)
        .join(Opening, Step.released_opening_id == Opening.id)
        .join(Hours, Opening.hours_id == Hours.id)
        .where(Message.channel == "call", Message.state == "pending", Step.id.in_(latest), concerned)
        .order_by(Step.released_starts_at, Visit.id)
    )
    return [line for line in (CallLine(*row) for row in session.execute(query)) if _still_holds(line, now)]


def _still_holds(line: CallLine, now: datetime) -> bool:
    visit, message = line.message.visit, line.message
    told_is_so = visit.state == ("cancelled" if message.kind == "cancelled" else "booked")
    last_at = max(each for each in (visit.starts_at, line.step.released_starts_at) if each is not None)
    return told_is_so and message.sequence == visit.sequence and now < last_at + USEFUL_FOR


def mark_told(session: Session, message: Message, now: datetime) -> None:
    """Somebody has told the person. Ticking it off twice is fine."""
    if message.state == "pending":
        mark_sent(session, message, now)
