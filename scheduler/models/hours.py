"""Office hours (the rules), their exceptions and rota, absences, and the stored side of an opening.

Openings are computed from the rules (`domain/recurrence.py`); a row exists only from the moment that
something happens to one, and holds counters and the version, no times.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Literal

from sqlalchemy import JSON, CheckConstraint, ForeignKey, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from scheduler.db import Base, UtcDateTime
from scheduler.models.people import Adviser
from scheduler.models.town import Keyed, Place

Admits = Literal["walk_in", "appointment", "mixed", "by_arrangement"]
Tickets = Literal["automatic", "open", "stopped"]


class Hours(Keyed, Base):
    """A recurring rule: "Wednesdays 9 to 12 at the Bürgerbüro", in local wall time. Lists hold keys."""

    __tablename__ = "hours"
    __table_args__ = (
        CheckConstraint("admits IN ('walk_in', 'appointment', 'mixed', 'by_arrangement')", name="known_admits"),
        CheckConstraint("from_time < until_time", name="within_a_day"),
        CheckConstraint("grid_minutes > 0", name="grid_positive"),
    )

    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    services: Mapped[list[str]] = mapped_column(JSON)
    rrule: Mapped[str | None]
    dates: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Explicit ISO dates, instead of or beside the rule. They are meant as written: no public holiday closes them."""
    from_time: Mapped[time | None]
    until_time: Mapped[time | None]
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    admits: Mapped[Admits]
    appointments_at_once: Mapped[int | None]
    """In a mixed opening: how many advisers may be in appointments at the same moment. None: all on duty."""
    grid_minutes: Mapped[int] = mapped_column(default=15)
    tickets_minutes_before: Mapped[int] = mapped_column(default=0)
    ticket_limit: Mapped[int | None]
    concerns: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Concerns served here; empty: all."""
    room: Mapped[str] = mapped_column(default="")
    after_until: Mapped[bool] = mapped_column(default=True)
    """Whether tickets that were given are still served past closing."""
    lead_hours: Mapped[int] = mapped_column(default=0)
    """A time must be booked at least this long before it begins."""
    horizon_days: Mapped[int] = mapped_column(default=56)
    """How many days ahead times can be booked."""
    desk_share: Mapped[float] = mapped_column(default=0.0, server_default=text("0"))
    """This share of each opening's starts clients cannot book themselves, until `release_days`: desk and phone can."""
    release_days: Mapped[int | None]
    """So many days before the opening the desk's share is released to everybody; None: never."""
    advisers: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Staff on every date; empty where a rota says who comes."""
    own_adviser_id: Mapped[int | None] = mapped_column(ForeignKey("adviser.id"))
    """Set for one appointment that an adviser entered at a time of their own: not from the file, and not listed."""

    place: Mapped[Place] = relationship()
    exceptions: Mapped[list[HoursException]] = relationship(back_populates="hours", cascade="all, delete-orphan")
    rota: Mapped[Rota | None] = relationship(back_populates="hours", cascade="all, delete-orphan")


class HoursException(Base):
    """A date of a rule that is cancelled, moved or added. `original_on` identifies it for good."""

    __tablename__ = "exception"
    __table_args__ = (
        UniqueConstraint("hours_id", "original_on", "from_file"),
        CheckConstraint("kind IN ('cancelled', 'moved', 'added')", name="known_kind"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hours_id: Mapped[int] = mapped_column(ForeignKey("hours.id"))
    original_on: Mapped[date]
    kind: Mapped[Literal["cancelled", "moved", "added"]]
    held_on: Mapped[date | None]
    """The date on which a moved one takes place; None: the original date, at other times."""
    from_time: Mapped[time | None]
    until_time: Mapped[time | None]
    advisers: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    reason: Mapped[str] = mapped_column(default="")
    from_file: Mapped[bool] = mapped_column(default=True)
    """True: the town's file says so. False: somebody changed this date on the day; that goes before the file's."""

    hours: Mapped[Hours] = relationship(back_populates="exceptions")


class Rota(Base):
    """Who staffs office hours in turn: turn 0 on the first date from `starts_on`, then one further a date."""

    __tablename__ = "rota"
    __table_args__ = (CheckConstraint("skipped IN ('used', 'pass_on')", name="known_skipped"),)

    hours_id: Mapped[int] = mapped_column(ForeignKey("hours.id"), primary_key=True)
    starts_on: Mapped[date]
    turns: Mapped[list[list[str]]] = mapped_column(JSON)
    skipped: Mapped[Literal["used", "pass_on"]] = mapped_column(default="used")
    """Whether a cancelled date uses up its turn or passes it on to the next."""

    hours: Mapped[Hours] = relationship(back_populates="rota")


class Absence(Base):
    """A time span in which an adviser is away. No reason is stored."""

    __tablename__ = "absence"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="in_order"),
        CheckConstraint("source IN ('entered', 'imported')", name="known_source"),
        CheckConstraint("(source = 'imported') = (busy_calendar_id IS NOT NULL)", name="imported_has_calendar"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    adviser_id: Mapped[int] = mapped_column(ForeignKey("adviser.id"), index=True)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    source: Mapped[Literal["entered", "imported"]] = mapped_column(default="entered")
    busy_calendar_id: Mapped[int | None] = mapped_column(ForeignKey("busy_calendar.id"), index=True)
    """The adviser's own calendar that says so."""

    adviser: Mapped[Adviser] = relationship()


class Opening(Base):
    """The stored side of one dated occurrence of office hours. Writers lock this row. No row means version 0."""

    __tablename__ = "opening"
    __table_args__ = (
        UniqueConstraint("hours_id", "original_on"),
        CheckConstraint("tickets IN ('automatic', 'open', 'stopped')", name="known_tickets"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hours_id: Mapped[int] = mapped_column(ForeignKey("hours.id"))
    original_on: Mapped[date] = mapped_column(index=True)
    version: Mapped[int] = mapped_column(default=0)
    """Grows with each change of anything that a page of this opening shows."""
    tickets: Mapped[Tickets] = mapped_column(default="automatic", server_default="automatic")
    """What staff said: as the forecast and the limit allow, in any case, or no more."""
    full_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Since when the forecast has held this opening full: remembered, since it reopens only at a better chance."""
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    help_wanted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """The desk has called an adviser quietly; None: nobody is wanted, or somebody has come."""

    hours: Mapped[Hours] = relationship()

    @property
    def public_id(self) -> str:
        return f"{self.hours.key}/{self.original_on.isoformat()}"


class Presence(Base):
    """Where an adviser is at one opening, as the adviser last said it. No row: still expected."""

    __tablename__ = "presence"
    __table_args__ = (
        UniqueConstraint("opening_id", "adviser_id"),
        CheckConstraint("state IN ('present', 'break', 'gone')", name="known_state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    opening_id: Mapped[int] = mapped_column(ForeignKey("opening.id"))
    adviser_id: Mapped[int] = mapped_column(ForeignKey("adviser.id"))
    station: Mapped[str]
    state: Mapped[Literal["present", "break", "gone"]]
    since_at: Mapped[datetime] = mapped_column(UtcDateTime)

    adviser: Mapped[Adviser] = relationship()
