"""The outbox: which messages tell what is done, by which way, planned in the transaction of what they tell.

A message's key is (visit, kind, channel, sequence). A move drops what is pending and plans anew; what is past due when
it is planned is not planned. `sending.py` hands them to workers.

Whoever can be written to gets an e-mail, or else a text message; both where the office changes an appointment of the
next hours. Who gets neither, and did not ask for the change, is told by people: channel "call", see `call_list.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import phonenumbers
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from scheduler.actions.openings import insert_for
from scheduler.domain.due import expires_at, reminder_due_at
from scheduler.models import Contact, Message, Step, Visit
from scheduler.models.outbox import Channel, MessageKind

SOON = timedelta(hours=24)
"""Whoever must hear of a change in less time than that is written to in every way there is."""
WRITTEN: tuple[Channel, ...] = ("email", "sms")

_TAKES_TEXTS = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)


def plan_confirmation(session: Session, visit: Visit, zone: ZoneInfo, now: datetime) -> None:
    """A contact was left: confirm the appointment to it now, and remind where that was allowed."""
    drop_pending(session, visit)
    _plan(session, visit, "confirmation", now)
    plan_reminder(session, visit, zone, now)


def plan_moved(session: Session, visit: Visit, zone: ZoneInfo, now: datetime, *, unasked: bool = False) -> None:
    """The visit has a new time: what is pending tells the old one. `unasked`: the office did it on its own."""
    drop_pending(session, visit)
    _plan(session, visit, "moved", now, unasked=unasked)
    plan_reminder(session, visit, zone, now)


def plan_cancelled(session: Session, visit: Visit, now: datetime, *, unasked: bool = False) -> None:
    drop_pending(session, visit)
    _plan(session, visit, "cancelled", now, unasked=unasked)


def plan_reminder(session: Session, visit: Visit, zone: ZoneInfo, now: datetime) -> None:
    """Remind of the appointment, where that was allowed and is not too late."""
    assert visit.starts_at is not None
    due_at = reminder_due_at(visit.starts_at, zone, now)
    if due_at is not None and visit.contact is not None and visit.contact.reminders:
        _plan(session, visit, "reminder", due_at)


def plan_nearly(session: Session, visit: Visit, now: datetime) -> None:
    """It is nearly this visit's turn: its contact is told now. Planned twice it is still one message."""
    channel = way_to(session, visit.contact)
    if channel is not None:
        _store(session, visit, "nearly", channel, now)


def way_to(session: Session, contact: Contact | None) -> Channel | None:
    """How this contact is written to: by e-mail, else by text message; None: not at all."""
    if contact is None:
        return None
    if contact.email is not None and session.info.get("sends_mail", True):
        return "email"
    return "sms" if takes_texts(session, contact.phone) else None


def takes_texts(session: Session, phone: str | None) -> bool:
    """Whether this installation sends text messages, and they arrive at this number: at landlines they do not."""
    return phone is not None and bool(session.info.get("sends_sms")) and is_mobile(phone)


def is_mobile(phone: str) -> bool:
    """Whether text messages arrive at this number (E.164)."""
    return phonenumbers.number_type(phonenumbers.parse(phone)) in _TAKES_TEXTS


def drop_pending(
    session: Session,
    visit: Visit,
    channels: Collection[Channel] = get_args(Channel),
    kinds: Collection[MessageKind] = get_args(MessageKind),
) -> None:
    """Nothing of these kinds that was planned for this visit on these channels is sent any more."""
    of_visit = Message.visit_id == visit.id, Message.channel.in_(channels), Message.kind.in_(kinds)
    pending = (*of_visit, Message.state == "pending")
    session.execute(update(Message).where(*pending).values(state="dropped", claimed_until=None))


def tell_by_call(session: Session, message: Message, now: datetime) -> None:
    """Somebody must say what the office did unasked, unless another message of the same may still reach them."""
    other = (*twins_of(message), Message.channel != message.channel, Message.state.in_(("pending", "sent")))
    if message.unasked and session.scalar(select(Message.id).where(*other).limit(1)) is None:
        _store(session, message.visit, message.kind, "call", now, unasked=True)


def twins_of(message: Message) -> tuple[ColumnElement[bool], ...]:
    """Those that tell the same visit the same thing."""
    return (
        Message.visit_id == message.visit_id,
        Message.kind == message.kind,
        Message.sequence == message.sequence,
    )


def _plan(session: Session, visit: Visit, kind: MessageKind, due_at: datetime, *, unasked: bool = False) -> None:
    if visit.starts_at is None:
        return  # a walk-in has no time that a message could tell
    channel = way_to(session, visit.contact)
    channels: set[Channel] = {channel} if channel else {"call"} if unasked else set()
    if unasked and visit.contact and takes_texts(session, visit.contact.phone) and _is_soon(session, visit, due_at):
        channels.add("sms")
    for each in sorted(channels):
        _store(session, visit, kind, each, due_at, unasked=unasked)


def _is_soon(session: Session, visit: Visit, now: datetime) -> bool:
    """Whether the time that no longer holds, or the new one, comes within the next hours."""
    released = select(Step.released_starts_at).where(Step.visit_id == visit.id, Step.released_starts_at.is_not(None))
    held = session.scalar(released.order_by(Step.id.desc()).limit(1))
    return min(each for each in (visit.starts_at, held) if each is not None) < now + SOON


def _store(
    session: Session, visit: Visit, kind: MessageKind, channel: Channel, due_at: datetime, *, unasked: bool = False
) -> None:
    until = expires_at(kind, due_at, visit.starts_at) if channel != "call" else None
    if until is not None and until <= due_at:
        return
    # Planning the same message twice is one message; one that was dropped, or never got through, stands up again.
    again = {"due_at": due_at, "expires_at": until, "unasked": unasked, "state": "pending", "attempts": 0}
    insert = insert_for(session, Message.metadata.tables["message"]).values(
        visit_id=visit.id, kind=kind, channel=channel, sequence=visit.sequence, **again
    )
    session.execute(
        insert.on_conflict_do_update(
            index_elements=["visit_id", "kind", "channel", "sequence"],
            set_={**again, "last_error": None},
            where=Message.state.in_(("dropped", "dead")),
        )
    )
