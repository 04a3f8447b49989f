"""The optional contact of a client: leave one, confirm it, withdraw it. The plan deletes them: `deleting.py`."""

from __future__ import annotations

from datetime import datetime

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from scheduler.actions.contact_limits import check_contact, keys_of
from scheduler.actions.messages import (
    WRITTEN,
    drop_pending,
    plan_confirmation,
    plan_reminder,
    tell_by_call,
    way_to,
)
from scheduler.actions.openings import lock_visit, mark_changed
from scheduler.domain.codes import keyed_hash
from scheduler.models import Contact, Message, Town, Visit
from scheduler.models.outbox import Channel


class InvalidContact(ValueError):
    """`field` is "email" or "phone"."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} is not valid")
        self.field = field


def normal_email(text: str) -> str:
    """The address as mail servers compare it. Raises InvalidContact, also where many servers know no such letters."""
    try:
        return validate_email(text.strip(), check_deliverability=False, allow_smtputf8=False).normalized
    except EmailNotValidError as error:
        raise InvalidContact("email") from error


def normal_phone(text: str) -> str:
    """The number in E.164; without a country code it is a German one. Raises InvalidContact."""
    try:
        number = phonenumbers.parse(text, "DE")
    except phonenumbers.NumberParseException as error:
        raise InvalidContact("phone") from error
    if not phonenumbers.is_valid_number(number):
        raise InvalidContact("phone")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def leave_contact(
    session: Session,
    visit_id: int,
    *,
    email: str | None,
    phone: str | None,
    reminders: bool,
    secret: str,
    now: datetime,
    by_staff: bool = False,
) -> Visit:
    """Keep how the client may be reached (normalised values) and plan what is to be told; neither: erase it.

    `reminders` is the consent to reminders; it needs an address to which they can be sent. Raises ContactRefused where
    the contact stands for too many appointments, or for another one at that time; staff may do that.
    """
    visit = lock_visit(session, visit_id)
    had = keys_of(visit.contact) if visit.contact else frozenset[str]()
    unheard = _unasked(session, visit, "call", ["pending"])
    before = _address_of(session, visit.contact)
    confirmed_at = visit.contact.confirmed_at if visit.contact else None
    _forget(session, visit)
    if email or phone:
        visit.contact = Contact(created_at=now)
        put_email(visit.contact, email, secret)
        put_phone(visit.contact, phone, secret)
        if not by_staff:
            check_contact(session, visit, visit.contact, had, now)
        visit.contact.reminders = reminders and way_to(session, visit.contact) is not None
        visit.contact.confirmed_at = confirmed_at if _address_of(session, visit.contact) == before else None
        session.flush()
    if visit.state == "booked":
        is_other = _address_of(session, visit.contact) != before
        if is_other and _was_written_to(session, visit):
            visit.sequence += 1  # a message is sent once a sequence, and the new address has had none
        _plan_anew(session, visit, is_other, now)
        for message in unheard if way_to(session, visit.contact) is None else ():
            tell_by_call(session, message, now)
    return visit


def put_email(contact: Contact, email: str | None, secret: str) -> None:
    """Keep this address (normalised) or none, and the hash that finds the same one again. Another is not confirmed."""
    if contact.email != email:
        contact.confirmed_at = None
    contact.email = email
    contact.email_key = hash_email(secret, email) if email else None


def put_phone(contact: Contact, phone: str | None, secret: str) -> None:
    """The same of a phone number."""
    if contact.phone != phone:
        contact.confirmed_at = None
    contact.phone = phone
    contact.phone_key = hash_phone(secret, phone) if phone else None


def hash_email(secret: str, email: str) -> str:
    """What finds a normalised address again without reading it."""
    return keyed_hash(secret, "email", email.casefold())


def hash_phone(secret: str, phone: str) -> str:
    """The same of a number in E.164."""
    return keyed_hash(secret, "phone", phone)


def confirm_contact(session: Session, visit_id: int, channel: Channel, now: datetime) -> None:
    """Whoever reads what is sent there says that it is theirs: from now on reminders tell what they are about."""
    contact = lock_visit(session, visit_id).contact
    if contact is not None and contact.confirmed_at is None and way_to(session, contact) == channel:
        contact.confirmed_at = now
        session.flush()


def erase_address(session: Session, visit_id: int, channel: Channel, now: datetime) -> None:
    """It was a stranger's: forget this e-mail address or phone number, and what was still to be sent to it.

    What the office did unasked, and only a stranger has heard of, then goes on the call list.
    """
    visit = lock_visit(session, visit_id)
    contact = visit.contact
    if contact is None:
        return
    unheard = _unasked(session, visit, channel, ["pending", "sent"])
    drop_pending(session, visit, [channel])
    if channel == "email":
        contact.email, contact.email_key = None, None
    else:
        contact.phone, contact.phone_key = None, None
    contact.confirmed_at = None
    if contact.email is None and contact.phone is None:
        _forget(session, visit)
    else:
        reached = way_to(session, contact) is not None
        contact.reminders, contact.nearly = contact.reminders and reached, contact.nearly and reached
        session.flush()
        if visit.state == "booked":
            plan_reminder(session, visit, session.get_one(Town, 1).zone, now)
    for message in unheard:
        tell_by_call(session, message, now)
    mark_changed(session, visit.opening)


def _plan_anew(session: Session, visit: Visit, is_other: bool, now: datetime) -> None:
    """Confirm the appointment to another address; to one that has heard of it, only a reminder may be new."""
    zone = session.get_one(Town, 1).zone
    if is_other or not _has_heard(session, visit):
        plan_confirmation(session, visit, zone, now)
    elif visit.contact is None or not visit.contact.reminders:
        drop_pending(session, visit, WRITTEN, ["reminder"])
    else:
        plan_reminder(session, visit, zone, now)


def _has_heard(session: Session, visit: Visit) -> bool:
    """Whether the time that holds now was told to the address that messages go to, or will be."""
    way = way_to(session, visit.contact)
    of_visit = Message.visit_id == visit.id, Message.sequence == visit.sequence, Message.channel == way
    told = Message.kind.in_(("confirmation", "moved")), Message.state.in_(("pending", "sent"))
    return session.scalar(select(Message.id).where(*of_visit, *told).limit(1)) is not None


def _forget(session: Session, visit: Visit) -> None:
    if visit.contact is not None:
        session.delete(visit.contact)
        session.flush()
        session.expire(visit, ["contact"])


def _address_of(session: Session, contact: Contact | None) -> str | None:
    """To which address messages go."""
    channel = way_to(session, contact)
    if contact is None or channel is None:
        return None
    return contact.email if channel == "email" else contact.phone


def _was_written_to(session: Session, visit: Visit) -> bool:
    """Whether a message of this sequence has left for an earlier address, or may be on its way right now.

    One that was dropped may be: a worker that had it by then sends it, and says so afterwards.
    """
    gone = or_(Message.state != "pending", Message.claimed_until.is_not(None))
    of_visit = Message.visit_id == visit.id, Message.sequence == visit.sequence, Message.channel.in_(WRITTEN)
    return session.scalar(select(Message.id).where(*of_visit, gone).limit(1)) is not None


def _unasked(session: Session, visit: Visit, channel: Channel, states: list[str]) -> list[Message]:
    """What tells on this channel how the visit stands now, and what the office did on its own."""
    found = Message.visit_id == visit.id, Message.sequence == visit.sequence, Message.channel == channel
    return list(session.scalars(select(Message).where(*found, Message.state.in_(states), Message.unasked)))
