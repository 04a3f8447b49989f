"""The outbox: plan messages in the transaction of what they tell, and hand them to workers that send them.

A message's key is (visit, kind, channel, sequence). A move drops what is pending and plans anew; what is past due when
it is planned is not planned; a cancellation is the one kind sent although the visit no longer stands. Sending is at
least once: a crash between sending and marking sends the same message again, with the same Message-ID. Who has no
e-mail address, and did not ask for the change, is told by people: channel "call", see `call_list.py`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from scheduler.actions.openings import insert_for
from scheduler.domain.due import reminder_due_at, retry_after
from scheduler.domain.visit_states import State
from scheduler.models import Contact, Message, Visit
from scheduler.models.outbox import Channel, MessageKind

LEASE = timedelta(minutes=2)


def plan_confirmation(session: Session, visit: Visit, zone: ZoneInfo, now: datetime) -> None:
    """A contact was left: confirm the appointment to it now, and remind where that was allowed."""
    _drop_pending(session, visit)
    _plan(session, visit, "confirmation", now)
    _plan_reminder(session, visit, zone, now)


def plan_moved(session: Session, visit: Visit, zone: ZoneInfo, now: datetime, *, unasked: bool = False) -> None:
    """The visit has a new time: what is pending tells the old one. `unasked`: the office did it on its own."""
    _drop_pending(session, visit)
    _plan(session, visit, "moved", now, unasked=unasked)
    _plan_reminder(session, visit, zone, now)


def plan_cancelled(session: Session, visit: Visit, now: datetime, *, unasked: bool = False) -> None:
    _drop_pending(session, visit)
    _plan(session, visit, "cancelled", now, unasked=unasked)


def plan_nearly(session: Session, visit: Visit, now: datetime) -> None:
    """It is nearly this visit's turn: its contact is told now. Planned twice it is still one message."""
    if visit.contact is not None and visit.contact.email is not None:
        _store(session, visit, "nearly", "email", now)


def claim_due(session: Session, now: datetime, most: int = 20) -> list[int]:
    """Take up to `most` due messages for this worker, for two minutes. The edge commits before it sends."""
    free = or_(Message.claimed_until.is_(None), Message.claimed_until < now)
    due = (
        select(Message.id)
        .where(Message.state == "pending", Message.channel != "call", Message.due_at <= now, free)
        .order_by(Message.due_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    claim = (
        update(Message)
        .where(Message.id.in_(due.scalar_subquery()))
        .values(claimed_until=now + LEASE, attempts=Message.attempts + 1)
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    )
    return sorted(session.scalars(claim))


def check_again(session: Session, message: Message, now: datetime) -> bool:
    """Whether a claimed message is still right to send; if not it is dropped."""
    visit, contact = message.visit, message.visit.contact
    stands = visit.state == _STANDS.get(message.kind, "booked")
    current = message.sequence == visit.sequence
    reachable = contact is not None and contact.email is not None
    allowed = contact is not None and _allows(contact, message.kind)
    in_time = message.kind in _STANDS or (visit.starts_at is not None and visit.starts_at > now)
    if message.state == "pending" and stands and current and reachable and allowed and in_time:
        return True
    if message.state == "pending":
        message.state = "dropped"
        session.flush()
    return False


_STANDS: dict[MessageKind, State] = {"cancelled": "cancelled", "nearly": "waiting"}
"""In which state a visit must be for a message about it; all others are for appointments to come."""


def _allows(contact: Contact, kind: MessageKind) -> bool:
    return {"reminder": contact.reminders, "nearly": contact.nearly}.get(kind, True)


def mark_sent(session: Session, message: Message, now: datetime) -> None:
    message.state, message.sent_at, message.claimed_until = "sent", now, None
    session.flush()


def mark_failed(session: Session, message: Message, reason: str, now: datetime) -> None:
    """Try again later, each time after a longer wait; after the last attempt the message is dead, with its reason."""
    wait = retry_after(message.attempts)
    message.last_error = reason[:200]
    message.claimed_until = None
    if wait is None:
        message.state = "dead"
    else:
        message.due_at = now + wait
    session.flush()


def _plan_reminder(session: Session, visit: Visit, zone: ZoneInfo, now: datetime) -> None:
    assert visit.starts_at is not None
    due_at = reminder_due_at(visit.starts_at, zone, now)
    if due_at is not None and visit.contact is not None and visit.contact.reminders:
        _plan(session, visit, "reminder", due_at)


def _plan(session: Session, visit: Visit, kind: MessageKind, due_at: datetime, *, unasked: bool = False) -> None:
    if visit.starts_at is None:
        return  # a walk-in has no time that a message could tell
    contact: Contact | None = visit.contact
    if contact is not None and contact.email is not None:
        _store(session, visit, kind, "email", due_at)
    elif unasked:
        _store(session, visit, kind, "call", due_at)


def _store(session: Session, visit: Visit, kind: MessageKind, channel: Channel, due_at: datetime) -> None:
    # Planning the same message twice is one message; one that was dropped, or never got through, stands up again.
    insert = insert_for(session, Message.metadata.tables["message"]).values(
        visit_id=visit.id,
        kind=kind,
        channel=channel,
        sequence=visit.sequence,
        due_at=due_at,
        state="pending",
        attempts=0,
    )
    session.execute(
        insert.on_conflict_do_update(
            index_elements=["visit_id", "kind", "channel", "sequence"],
            set_={"due_at": due_at, "state": "pending", "attempts": 0, "last_error": None},
            where=Message.state.in_(("dropped", "dead")),
        )
    )


def _drop_pending(session: Session, visit: Visit) -> None:
    session.execute(
        update(Message)
        .where(Message.visit_id == visit.id, Message.state == "pending")
        .values(state="dropped", claimed_until=None)
    )
