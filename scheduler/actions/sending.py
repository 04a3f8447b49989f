"""The outbox's other end: hand due messages to workers, check each just before it leaves, note what became of it.

A cancellation is the one kind sent although the visit no longer stands. Sending is at least once: a crash between
sending and marking sends the same message again, with the same Message-ID.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session, joinedload

from scheduler.actions.messages import WRITTEN, takes_texts, tell_by_call, twins_of
from scheduler.domain.due import quiet_until, retry_after
from scheduler.domain.visit_states import State
from scheduler.models import Message, SentText, Town, Visit
from scheduler.models.outbox import Channel, MessageKind

DAY = timedelta(days=1)
LEASE = timedelta(minutes=2)
"""For so long a message is one worker's alone."""

MOST_A_DAY = 10
"""Of one visit: whoever moves to and fro, or leaves one address after another, floods nobody. The office always may."""

_STANDS: dict[MessageKind, State] = {"cancelled": "cancelled", "nearly": "waiting"}
"""In which state a visit must be for a message about it; all others are for appointments to come."""


def claim_due(session: Session, now: datetime, most: int = 20, channels: Collection[Channel] = WRITTEN) -> list[int]:
    """Take up to `most` due messages for this worker, for two minutes. The edge commits before it sends.

    Reminders come last: thousands of them may be due at once, and none is urgent.
    """
    free = or_(Message.claimed_until.is_(None), Message.claimed_until < now)
    due = (
        select(Message.id)
        .where(Message.state == "pending", Message.channel.in_(channels), Message.due_at <= now, free)
        .order_by(Message.kind == "reminder", Message.due_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    claim = (
        update(Message)
        .where(Message.id.in_(due.scalar_subquery()))
        .values(claimed_until=now + LEASE)
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    )
    return sorted(session.scalars(claim))


def keep_claim(session: Session, message_id: int, until: datetime, now: datetime) -> Message | None:
    """The message, leased anew, if this worker's lease `until` then still stands; None: it is no longer its to send."""
    told = joinedload(Message.visit).options(joinedload(Visit.contact), joinedload(Visit.place))
    mine = Message.id == message_id, Message.state == "pending", Message.claimed_until == until
    message = session.scalar(select(Message).where(*mine).options(told).with_for_update(of=Message))
    if message is not None:
        message.claimed_until = now + LEASE
    return message


def give_back(session: Session, message_ids: Iterable[int], until: datetime) -> None:
    """This worker sends them not: nobody has to wait for the end of its lease `until` then."""
    mine = Message.id.in_(list(message_ids)), Message.claimed_until == until
    session.execute(update(Message).where(*mine).values(claimed_until=None))


def check_again(session: Session, message: Message, now: datetime) -> bool:
    """Whether a claimed message is right to send now; if not it is dropped, or held until it may be sent."""
    if message.state != "pending":
        return False
    if not _is_right(session, message) or (message.expires_at is not None and message.expires_at <= now):
        message.state, message.claimed_until = "dropped", None
    elif until := _held_until(session, message, now):
        message.due_at, message.claimed_until = until, None
    else:
        return True
    session.flush()
    return False


def count_texts(session: Session, now: datetime) -> int:
    """How many text messages have left within a day."""
    left = select(func.count(Message.id)).where(Message.channel == "sms", Message.sent_at > now - DAY)
    erased = select(func.count(SentText.id)).where(SentText.at > now - DAY)
    return session.scalars(left).one() + session.scalars(erased).one()


def mark_sent(session: Session, message: Message, now: datetime) -> None:
    """It has left, whatever became of it meanwhile. Whoever was written to need not be called."""
    # Dropped meanwhile, it went to an address that turned out to be a stranger's: the call still has to be made.
    settles_call = message.unasked and message.channel != "call" and message.state != "dropped"
    message.state, message.sent_at, message.claimed_until = "sent", now, None
    session.flush()
    if settles_call:
        call = (*twins_of(message), Message.channel == "call", Message.state == "pending")
        session.execute(update(Message).where(*call).values(state="dropped"))


def mark_failed(session: Session, message: Message, reason: str, now: datetime, *, permanent: bool = False) -> None:
    """Try again later, each time after a longer wait.

    After the last attempt, one that can never succeed (`permanent`), or when the next would be too late, the message is
    dead, with its reason; what the office did unasked then goes on the call list.
    """
    if message.state != "pending":
        return  # it is no longer right: nobody needs to know that it failed
    message.attempts += 1
    message.last_error, message.claimed_until = reason[:200], None
    wait = None if permanent else retry_after(message.attempts)
    if wait is None or (message.expires_at is not None and now + wait >= message.expires_at):
        message.state = "dead"
        session.flush()
        tell_by_call(session, message, now)
    else:
        message.due_at = now + wait
    session.flush()


def _held_until(session: Session, message: Message, now: datetime) -> datetime | None:
    """When a message may be sent that may not now: after the quiet hours, or when its visit's day is no longer full."""
    if message.kind == "reminder":
        return quiet_until(now, session.get_one(Town, 1).zone)
    if message.unasked or message.sequence < MOST_A_DAY:
        return None  # each sequence has one such message: there cannot have been so many
    sent = select(Message.sent_at).where(Message.visit_id == message.visit_id, Message.channel.in_(WRITTEN))
    first = session.scalar(
        sent.where(Message.sent_at > now - DAY).order_by(Message.sent_at.desc()).offset(MOST_A_DAY - 1)
    )
    return first + DAY if first is not None else None


def _is_right(session: Session, message: Message) -> bool:
    visit, contact = message.visit, message.visit.contact
    if contact is None or message.sequence != visit.sequence or visit.state != _STANDS.get(message.kind, "booked"):
        return False
    allowed = {"reminder": contact.reminders, "nearly": contact.nearly}.get(message.kind, True)
    reached = contact.email is not None if message.channel == "email" else takes_texts(session, contact.phone)
    return allowed and reached
