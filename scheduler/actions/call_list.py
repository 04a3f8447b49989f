"""Whom somebody has to tell in person of a move or cancellation: nobody can write to them. And what never arrived.

The lines are messages of channel "call", planned like all others (`messages.py`), and ticked off by people. Dead
letters are messages that were given up; what one of them told unasked has a line, too.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Select, exists, func, or_, select
from sqlalchemy.orm import Session

from scheduler.actions.messages import WRITTEN
from scheduler.actions.sending import mark_sent
from scheduler.models import Hours, Message, Opening, Step, Visit

USEFUL_FOR = timedelta(hours=12)
"""After the later of both times; who was not told by then has come, or has not."""


class CallLine(NamedTuple):
    """One person to tell. `step` gave up the place that no longer holds: when, and at which opening."""

    message: Message
    step: Step


def read_call_list(
    session: Session, now: datetime, *, place_ids: Collection[int] = (), adviser_ids: Collection[int] = ()
) -> list[CallLine]:
    """All open lines in order of the time that no longer holds, until its day is over and nobody can be told.

    For desks of the places where they were to come, or now are to; and for advisers whose time they held.
    """
    latest = (
        select(func.max(Step.id)).where(Step.released_starts_at.is_not(None)).group_by(Step.visit_id).scalar_subquery()
    )
    concerned = or_(
        Visit.place_id.in_(place_ids), Hours.place_id.in_(place_ids), Step.released_adviser_id.in_(adviser_ids)
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


def read_dead_letters(
    session: Session, on: date, *, place_ids: Collection[int] = (), adviser_ids: Collection[int] = ()
) -> list[Message]:
    """Messages that were given up, about visits from this day on that nobody has changed since, the latest first.

    For desks of the visit's place, and for advisers who have the visit, or had it.
    """
    concerned = or_(
        Visit.place_id.in_(place_ids),
        Visit.planned_adviser_id.in_(adviser_ids),
        Visit.wished_adviser_id.in_(adviser_ids),
        exists().where(Step.visit_id == Visit.id, Step.released_adviser_id.in_(adviser_ids)),
    )
    query = (
        select(Message)
        .join(Visit, Message.visit_id == Visit.id)
        .where(Message.state == "dead", Message.channel.in_(WRITTEN), Message.sequence == Visit.sequence)
        .where(Visit.local_on >= on, concerned)
        .order_by(Message.due_at.desc(), Message.id)
    )
    return list(session.scalars(query))


def try_again(session: Session, message: Message, now: datetime) -> None:
    """The cause is mended: send it once more. Of a message that nobody has given up nothing changes."""
    if message.state == "dead":
        message.state, message.due_at, message.attempts, message.claimed_until = "pending", now, 0, None
        session.flush()


def settle(session: Session, message: Message) -> None:
    """Somebody has looked at it, and it need not be sent any more. Its reason is kept."""
    if message.state == "dead":
        message.state = "dropped"
        session.flush()


def mark_told(session: Session, message: Message, now: datetime) -> None:
    """Somebody has told the person. Ticking it off twice is fine."""
    if message.state == "pending":
        mark_sent(session, message, now)
