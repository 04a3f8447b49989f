"""How many appointments to come one e-mail address or phone number may stand for, and that none of them overlap.

Found by the keyed hashes of both, without reading an address. Two requests that name the same contact take turns, so
that both cannot be the last one that is allowed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select, text
from sqlalchemy.orm import Session

from scheduler.models import Contact, Town, Visit


class ContactRefused(Exception):
    """A client may not leave this contact here."""


class TooManyBookings(ContactRefused):
    """`limit` appointments to come have this e-mail address or phone number already."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} appointments to come")
        self.limit = limit


class OverlapsAnother(ContactRefused):
    """Another appointment of this e-mail address or phone number takes place at that time."""


def check_contact(session: Session, visit: Visit, contact: Contact, known: frozenset[str], now: datetime) -> None:
    """Whether a client may leave this contact with this appointment. Raises TooManyBookings or OverlapsAnother.

    `known`: keys that it had before; with them nothing is new. A walk-in is no appointment.
    """
    new = keys_of(contact) - known
    if visit.starts_at is None or not new:
        return
    take_turns(session, new)
    check_overlap(session, visit.id, new, visit.starts_at, visit.ends_at, now)
    limit = session.get_one(Town, 1).bookings_per_contact
    if count_bookings(session, contact, now, but_for=visit.id) >= limit:
        raise TooManyBookings(limit)


def check_move(session: Session, visit: Visit, starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    """Whether a client may move an appointment there. Raises OverlapsAnother."""
    if visit.contact is None:
        return
    keys = keys_of(visit.contact)
    take_turns(session, keys)
    check_overlap(session, visit.id, keys, starts_at, ends_at, now)


def count_bookings(session: Session, contact: Contact | None, now: datetime, but_for: int | None = None) -> int:
    """How many appointments to come have its address, or its number: the larger of the two."""
    if contact is None:
        return 0
    keys = ((Contact.email_key, contact.email_key), (Contact.phone_key, contact.phone_key))
    of_others = select(func.count(Visit.id)).join(Contact).where(*_to_come(now), Visit.id != (but_for or 0))
    return max(session.scalars(of_others.where(column == key)).one() for column, key in keys if key is not None)


def take_turns(session: Session, keys: Iterable[str]) -> None:
    """Whoever names the same contact waits until this transaction ends. On SQLite only one writes at a time anyway."""
    if session.get_bind().dialect.name == "postgresql":
        for key in sorted(keys):  # in one order, so that nobody waits crosswise
            session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": int(key[:15], 16)})


def check_overlap(
    session: Session,
    visit_id: int,
    keys: Collection[str],
    starts_at: datetime,
    ends_at: datetime | None,
    now: datetime,
) -> None:
    """Raises OverlapsAnother where another appointment with one of these keys takes place then."""
    same = or_(Contact.email_key.in_(keys), Contact.phone_key.in_(keys))
    then = Visit.starts_at < (ends_at or starts_at), Visit.ends_at > starts_at
    other = select(Visit.id).join(Contact).where(*_to_come(now), same, *then, Visit.id != visit_id)
    if session.scalar(other.limit(1)) is not None:
        raise OverlapsAnother


def _to_come(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return Visit.state == "booked", Visit.ends_at > now


def keys_of(contact: Contact) -> frozenset[str]:
    return frozenset(each for each in (contact.email_key, contact.phone_key) if each is not None)
