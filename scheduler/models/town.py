"""What a town's file sets up: the town, carriers, services, concerns, topics, agencies, places, closures.

A row with a `key` that leaves the file is retired (`retired_at`), never deleted: visits still refer to it.
"""

from __future__ import annotations

import secrets
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import JSON, CheckConstraint, ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from scheduler.db import Base, UtcDateTime

Texts = dict[str, str]
"""One text in several locales: {"de": …, "en": …}."""


def text_in(texts: Texts, locale: str) -> str:
    """The text in `locale`, or in the first locale that the town wrote it in."""
    return texts.get(locale) or next(iter(texts.values()), "")


class Town(Base):
    """The one town of this installation."""

    __tablename__ = "town"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    name: Mapped[str]
    timezone: Mapped[str]
    state: Mapped[str]
    """Federal state ("HE"): its public holidays close all recurring office hours."""
    locales: Mapped[list[str]] = mapped_column(JSON)
    calls_before_missed: Mapped[int] = mapped_column(default=3)
    contact_days: Mapped[int] = mapped_column(default=7)
    """Contacts are deleted this many days after the visit has ended."""
    visit_months: Mapped[int] = mapped_column(default=12, server_default=text("12"))
    """Visits become counts this many months after their day."""
    bookings_per_contact: Mapped[int] = mapped_column(default=2, server_default=text("2"))
    """So many appointments to come may name the same e-mail address or phone number; staff may book more."""
    rules_revision: Mapped[int] = mapped_column(default=0)
    """Grows with each load of the town's file: what was computed from older rules is void."""
    rules_stamp: Mapped[str] = mapped_column(default=lambda: secrets.token_hex(16))
    """Random, set anew by the database with every change of a table that rules, advisers or absences stand in.

    What a process works out from them is kept under it: unlike a counter it never returns, not even after a rollback.
    """

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class Keyed:
    """A row that the town's file names by its key."""

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    position: Mapped[int] = mapped_column(default=0)
    """Place in the file, so that pages list things in the order that the town chose."""
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Carrier(Keyed, Base):
    """Träger: a welfare organisation that employs advisers."""

    __tablename__ = "carrier"

    name: Mapped[str]


class Service(Keyed, Base):
    """Beratungsdienst: MBE or JMD. The ages are a hint for routing, never a gate."""

    __tablename__ = "service"

    name: Mapped[Texts] = mapped_column(JSON)
    from_age: Mapped[int | None]
    until_age: Mapped[int | None]
    """First age that no longer belongs (27: until the day before the 27th birthday)."""


class Concern(Keyed, Base):
    """What decides the length of a visit, nothing more."""

    __tablename__ = "concern"
    __table_args__ = (CheckConstraint("minutes > 0", name="minutes_positive"),)

    name: Mapped[Texts] = mapped_column(JSON)
    minutes: Mapped[int]
    asks_adviser: Mapped[bool] = mapped_column(default=False)
    """True for "I already have an adviser": the next question is whom."""


class Topic(Keyed, Base):
    """What a consultation was about; recorded by the adviser only, afterwards."""

    __tablename__ = "topic"

    name: Mapped[Texts] = mapped_column(JSON)


class Agency(Keyed, Base):
    """Where clients are referred from or to."""

    __tablename__ = "agency"

    name: Mapped[str]
    address: Mapped[str] = mapped_column(default="")
    phone: Mapped[str] = mapped_column(default="")
    hours: Mapped[str] = mapped_column(default="")


class Place(Keyed, Base):
    """Where openings happen."""

    __tablename__ = "place"

    name: Mapped[str]
    address: Mapped[str]
    phone: Mapped[str] = mapped_column(default="")
    stations: Mapped[list[str]] = mapped_column(JSON)
    """Where advisers sit ("Tisch 2"); shown on the board."""
    first_ticket: Mapped[int] = mapped_column(default=1)


class Closure(Base):
    """Days on which one place, or all, are closed, with a reason that is shown to everybody."""

    __tablename__ = "closure"
    __table_args__ = (CheckConstraint("from_on <= until_on", name="in_order"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    place_id: Mapped[int | None] = mapped_column(ForeignKey("place.id"))
    from_on: Mapped[date]
    until_on: Mapped[date]
    reason: Mapped[Texts] = mapped_column(JSON)

    place: Mapped[Place | None] = relationship()
