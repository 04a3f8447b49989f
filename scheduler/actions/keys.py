"""New keys for what is stored: re-encrypt it with the newest of CONTACT_KEYS, and renew what SECRET_KEY hashes.

Both go over the rows in small parts while the application runs. A value that somebody else changes meanwhile is left
as they wrote it, which is with the newest key already. Ended in the middle, they go on where there is work left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from cryptography.fernet import InvalidToken
from sqlalchemy import Column, LargeBinary, Select, Table, and_, select, tuple_, type_coerce, update
from sqlalchemy.orm import Session

from scheduler.actions.contacts import hash_email, hash_phone
from scheduler.db import Base, Encrypted
from scheduler.domain.codes import keyed_hash
from scheduler.models import BusyCalendar, Contact

Row = TypeVar("Row", bound=Base)
AT_ONCE = 100
"""Rows of one transaction."""


class Rotated(NamedTuple):
    """One part: where the next begins (None: at the end), how many values were re-encrypted, how many no key opens."""

    after: tuple[Any, ...] | None
    renewed: int
    unreadable: int


class Renewed(NamedTuple):
    """The last row of this part (None: no more), how many rows have new hashes, and how many no key opens."""

    after: int | None
    renewed: int
    unreadable: int


def encrypted_columns() -> Iterator[Column[Any]]:
    """All of them, whichever there are: none can be forgotten."""
    for table in Base.metadata.sorted_tables:
        yield from (column for column in table.c if isinstance(column.type, Encrypted))


def rotate(session: Session, column: Column[Any], after: tuple[Any, ...] | None) -> Rotated:
    """Re-encrypt what of the next rows an older key has encrypted."""
    stored = type_coerce(column, LargeBinary)
    key = list(column.table.primary_key)
    rows = session.execute(_next(column.table, after).add_columns(stored).where(column.is_not(None))).all()
    renewed = unreadable = 0
    for *row_key, value in rows:
        try:
            newer = Encrypted.renew(value)
        except InvalidToken:
            unreadable += 1
            continue
        if newer is not None:
            same = (each == part for each, part in zip(key, row_key, strict=True))
            change = (
                update(column.table)
                .where(and_(*same), stored == value)
                .values({column: type_coerce(newer, LargeBinary)})
            )
            renewed += session.execute(change).rowcount  # type: ignore[attr-defined]
    return Rotated(tuple(rows[-1][:-1]) if rows else None, renewed, unreadable)


def count_older(session: Session) -> int:
    """How many values the newest key alone does not open."""
    found = 0
    for column in encrypted_columns():
        values = session.scalars(select(type_coerce(column, LargeBinary)).where(column.is_not(None)))
        found += sum(not Encrypted.is_newest(value) for value in values)
    return found


def renew_hashes(session: Session, secret: str, after: int) -> Renewed:
    """Recompute the keyed hashes of the contacts after this visit's."""
    query = select(Contact.visit_id).where(Contact.visit_id > after).order_by(Contact.visit_id).limit(AT_ONCE)
    ids = session.scalars(query.with_for_update()).all()
    contacts = _readable(session, Contact, ids)
    for each in contacts:
        each.email_key = hash_email(secret, each.email) if each.email else None
        each.phone_key = hash_phone(secret, each.phone) if each.phone else None
    session.flush()
    return Renewed(ids[-1] if ids else None, len(contacts), len(ids) - len(contacts))


def renew_calendar_hashes(session: Session, secret: str) -> Renewed:
    """The same of the addresses of advisers' own calendars, of which there are few: all at once."""
    ids = session.scalars(select(BusyCalendar.id).order_by(BusyCalendar.id).with_for_update()).all()
    calendars = _readable(session, BusyCalendar, ids)
    for each in calendars:
        each.url_key = keyed_hash(secret, "calendar", each.url)
    session.flush()
    return Renewed(None, len(calendars), len(ids) - len(calendars))


def _readable(session: Session, model: type[Row], ids: Sequence[int]) -> list[Row]:
    """Those of these rows that a key opens."""
    found = []
    for each in ids:
        with suppress(InvalidToken):
            found.append(session.get_one(model, each))
    return found


def _next(table: Table, after: tuple[Any, ...] | None) -> Select[Any]:
    key = list(table.primary_key)
    query = select(*key).order_by(*key).limit(AT_ONCE)
    return query.where(tuple_(*key) > after) if after is not None else query
