"""The optional contact of a client: leave one, withdraw it, and delete all of them in time."""

from __future__ import annotations

from datetime import datetime, timedelta

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from scheduler.actions.messages import plan_confirmation
from scheduler.actions.openings import lock_visit
from scheduler.domain.codes import keyed_hash
from scheduler.models import Contact, Message, Town, Visit


class InvalidContact(ValueError):
    """`field` is "email" or "phone"."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} is not valid")
        self.field = field


def normal_email(text: str) -> str:
    """The address as mail servers compare it. Raises InvalidContact."""
    try:
        return validate_email(text.strip(), check_deliverability=False).normalized
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
) -> Visit:
    """Keep how the client may be reached (normalised values) and plan what is to be told; neither: erase it.

    `reminders` is the consent to reminders; it needs an e-mail address.
    """
    visit = lock_visit(session, visit_id)
    known = visit.contact.email if visit.contact else None
    if visit.contact is not None:
        session.delete(visit.contact)
        session.flush()
        session.expire(visit, ["contact"])
    if email or phone:
        visit.contact = Contact(
            email=email,
            phone=phone,
            email_key=keyed_hash(secret, "email", email.casefold()) if email else None,
            phone_key=keyed_hash(secret, "phone", phone) if phone else None,
            reminders=reminders and email is not None,
            created_at=now,
        )
        session.flush()
    town = session.get_one(Town, 1)
    if visit.state == "booked":
        if email != known and _was_confirmed(session, visit):
            visit.sequence += 1  # a message is sent once a sequence, and the new address has had none
        plan_confirmation(session, visit, town.zone, now)
    return visit


def _was_confirmed(session: Session, visit: Visit) -> bool:
    sent = select(Message.id).where(
        Message.visit_id == visit.id, Message.sequence == visit.sequence, Message.state.in_(("sent", "dead"))
    )
    return session.scalar(sent.limit(1)) is not None


def delete_old_contacts(session: Session, now: datetime) -> int:
    """Delete every contact whose visit ended longer ago than the town keeps them; gives how many."""
    town = session.get(Town, 1)
    if town is None:
        return 0
    ended = select(Visit.id).where(Visit.ended_at <= now - timedelta(days=town.contact_days))
    gone = session.execute(delete(Contact).where(Contact.visit_id.in_(ended)).returning(Contact.visit_id))
    return len(gone.all())
