"""The visit and what belongs to it: steps, consultations, contact, ticket counter.

Personal data lives in `Contact` alone, so deleting it is one statement. There is no free text about a client anywhere.
Beside the constraints below the first migration holds the guard against double booking: no two visits hold the same
adviser (`planned_adviser_id`) at overlapping times (SQLite: triggers, PostgreSQL: EXCLUDE).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from scheduler.db import Base, Encrypted, UtcDateTime
from scheduler.domain.visit_states import State
from scheduler.models.hours import Opening
from scheduler.models.people import Adviser
from scheduler.models.town import Carrier, Concern, Place, Service

AgeGroup = Literal["under_27", "from_27", "family", "unknown"]
EndedAs = Literal["finished", "handed_over", "put_back", "missed", "left", "undone", "closed"]
Actor = Literal["client", "staff", "rule"]


class Visit(Base):
    """One client (or family: `people`) coming to one opening: an appointment or a walk-in."""

    __tablename__ = "visit"
    __table_args__ = (
        UniqueConstraint("place_id", "local_on", "ticket"),
        CheckConstraint("kind IN ('appointment', 'walk_in')", name="known_kind"),
        CheckConstraint(
            "state IN ('held', 'booked', 'waiting', 'parked', 'called', 'in_consultation', 'done', 'cancelled',"
            " 'missed', 'left', 'expired', 'not_served')",
            name="known_state",
        ),
        CheckConstraint("age_group IN ('under_27', 'from_27', 'family', 'unknown')", name="known_age_group"),
        CheckConstraint("(kind = 'appointment') = (starts_at IS NOT NULL)", name="appointment_has_start"),
        CheckConstraint("(starts_at IS NULL) = (ends_at IS NULL)", name="start_has_end"),
        CheckConstraint("starts_at < ends_at", name="in_order"),
        CheckConstraint("planned_adviser_id IS NULL OR starts_at IS NOT NULL", name="place_has_time"),
        CheckConstraint(
            "planned_adviser_id IS NULL OR state NOT IN ('cancelled', 'missed', 'expired')", name="ended_holds_nothing"
        ),
        CheckConstraint("people BETWEEN 1 AND 20", name="people_in_range"),
        CheckConstraint("kind = 'appointment' OR ticket IS NOT NULL", name="walk_in_has_ticket"),
        Index("ix_visit_planned", "planned_adviser_id", "starts_at"),
        Index(
            "ix_visit_holds_place",
            "starts_at",
            sqlite_where=text("planned_adviser_id IS NOT NULL"),
            postgresql_where=text("planned_adviser_id IS NOT NULL"),
        ),
        Index("ix_visit_opening_state", "opening_id", "state"),
        # An id is given once: the link of an erased visit must never open another one's.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    opening_id: Mapped[int] = mapped_column(ForeignKey("opening.id"))
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    local_on: Mapped[date] = mapped_column(index=True)
    """The day of the visit in the town's zone: tickets are unique per place and this day."""
    kind: Mapped[Literal["appointment", "walk_in"]]
    state: Mapped[State]
    age_group: Mapped[AgeGroup] = mapped_column(default="unknown")
    service_id: Mapped[int | None] = mapped_column(ForeignKey("service.id"))
    """None: not known yet, or a family for whom either service is right."""
    concern_id: Mapped[int | None] = mapped_column(ForeignKey("concern.id"))
    language: Mapped[str | None]
    """Language asked for in the consultation ("ar", or "other"); None: not asked or not needed."""
    locale: Mapped[str]
    """Locale of this client's pages and messages."""
    people: Mapped[int] = mapped_column(default=1)
    urgent: Mapped[bool] = mapped_column(default=False)
    fetch_in_person: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """The adviser goes and fetches this client; why is nobody's business, and not stored."""
    times_unreliable: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """Its times were noted on paper and entered later: nothing is learned from them."""
    ticket: Mapped[int | None]
    starts_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    planned_adviser_id: Mapped[int | None] = mapped_column(ForeignKey("adviser.id"))
    """The place held for `starts_at` to `ends_at`."""
    wished_adviser_id: Mapped[int | None] = mapped_column(ForeignKey("adviser.id"))
    """Set where the client asked for this adviser: then nobody else is planned."""
    code: Mapped[str | None] = mapped_column(unique=True)
    """Nine digits, for an appointment: sayable, typed on a number pad, throttled."""
    link_epoch: Mapped[int] = mapped_column(default=0)
    """Raising it revokes the visit's link, which is derived and never stored."""
    sequence: Mapped[int] = mapped_column(default=0)
    """Grows with each move and cancellation: iCalendar SEQUENCE, and part of every message's key."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    coming_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the client last said, from a message, that they will come to this time."""
    arrived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)

    opening: Mapped[Opening] = relationship()
    place: Mapped[Place] = relationship()
    service: Mapped[Service | None] = relationship()
    concern: Mapped[Concern | None] = relationship()
    planned_adviser: Mapped[Adviser | None] = relationship(foreign_keys=[planned_adviser_id])
    wished_adviser: Mapped[Adviser | None] = relationship(foreign_keys=[wished_adviser_id])
    contact: Mapped[Contact | None] = relationship(back_populates="visit", cascade="all, delete-orphan")
    steps: Mapped[list[Step]] = relationship(back_populates="visit", order_by="Step.id")
    consultations: Mapped[list[Consultation]] = relationship(back_populates="visit", order_by="Consultation.id")

    @property
    def open_consultation(self) -> Consultation | None:
        """The consultation that was called or is going on, if any."""
        return next((each for each in self.consultations if each.ended_at is None), None)

    @property
    def was_handed_over(self) -> bool:
        """Whether an adviser has handed it over to another one."""
        return any(each.ended_as == "handed_over" for each in self.consultations)


class Step(Base):
    """One line of a visit's history: what became of it, when, by whom. Only appended, never changed."""

    __tablename__ = "step"
    __table_args__ = (CheckConstraint("actor IN ('client', 'staff', 'rule')", name="known_actor"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    verb: Mapped[str]
    from_state: Mapped[State | None]
    to_state: Mapped[State]
    actor: Mapped[Actor]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    consultation_id: Mapped[int | None] = mapped_column(ForeignKey("consultation.id"), index=True)
    """The consultation that this step began, changed or ended."""
    released_adviser_id: Mapped[int | None] = mapped_column(ForeignKey("adviser.id"))
    """The place that this step gave up, so that undo can ask for it again."""
    released_opening_id: Mapped[int | None] = mapped_column(ForeignKey("opening.id"))
    released_starts_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Where and when that place was: whoever has to be told of a move is told what no longer holds, too."""
    former_service_id: Mapped[int | None] = mapped_column(ForeignKey("service.id"))
    former_wished_adviser_id: Mapped[int | None] = mapped_column(ForeignKey("adviser.id"))
    """Of a hand-over: the service under which the consultation was held, and the wish before it."""
    undoes_step_id: Mapped[int | None] = mapped_column(ForeignKey("step.id"), unique=True)
    by_rule: Mapped[bool] = mapped_column(default=False)
    """True: the close of the day decided, nobody saw it."""

    visit: Mapped[Visit] = relationship(back_populates="steps")
    consultation: Mapped[Consultation | None] = relationship()
    released_opening: Mapped[Opening | None] = relationship()


class Consultation(Base):
    """One adviser with one visit. The outcome belongs to the carrier that served."""

    __tablename__ = "consultation"
    __table_args__ = (
        # Two advisers who press at the same instant never get the same person, and nobody serves two at once.
        Index(
            "uq_consultation_open_visit",
            "visit_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(
            "uq_consultation_open_adviser",
            "adviser_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        CheckConstraint("(ended_at IS NULL) = (ended_as IS NULL)", name="end_has_reason"),
        CheckConstraint(
            "case_kind IN ('new', 'known_first', 'known_again', 'counselling', 'case_management')",
            name="known_case_kind",
        ),
        CheckConstraint("family_members BETWEEN 0 AND 20", name="family_in_range"),
        Index("ix_consultation_visit", "visit_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"))
    adviser_id: Mapped[int] = mapped_column(ForeignKey("adviser.id"))
    carrier_id: Mapped[int] = mapped_column(ForeignKey("carrier.id"))
    station: Mapped[str]
    called_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_called_at: Mapped[datetime] = mapped_column(UtcDateTime)
    calls: Mapped[int] = mapped_column(default=1)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_as: Mapped[EndedAs | None]
    times_unreliable: Mapped[bool] = mapped_column(default=False)
    case_kind: Mapped[str | None]
    """MBE: new, known_first or known_again (this year). JMD: counselling or case_management."""
    family_members: Mapped[int | None]
    """Co-advised family members, beside the client."""
    topics: Mapped[list[str]] = mapped_column(JSON, default=list)
    referred_from: Mapped[str | None]
    referred_to: Mapped[list[str]] = mapped_column(JSON, default=list)
    outcome_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    visit: Mapped[Visit] = relationship(back_populates="consultations")
    adviser: Mapped[Adviser] = relationship()
    carrier: Mapped[Carrier] = relationship()


class Contact(Base):
    """E-mail and phone of a client, encrypted, no name. Deleted soon after the visit."""

    __tablename__ = "contact"
    __table_args__ = (CheckConstraint("email IS NOT NULL OR phone IS NOT NULL", name="not_empty"),)

    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), primary_key=True)
    email: Mapped[str | None] = mapped_column(Encrypted)
    phone: Mapped[str | None] = mapped_column(Encrypted)
    email_key: Mapped[str | None] = mapped_column(index=True)
    """Keyed hash of the normalised address: finds all visits of one contact without reading it."""
    phone_key: Mapped[str | None] = mapped_column(index=True)
    reminders: Mapped[bool] = mapped_column(default=False)
    """Consent to reminders, apart from leaving a contact."""
    nearly: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """Consent to one message on the day, when it is nearly this visit's turn."""
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When somebody who read a message there said that it is theirs; until then no reminder tells anything."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    visit: Mapped[Visit] = relationship(back_populates="contact")


class CaseMark(Base):
    """An adviser's own mark on a follow-up, by which they know whom they expect. Nobody else reads it."""

    __tablename__ = "case_mark"

    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), primary_key=True)
    adviser_id: Mapped[int] = mapped_column(ForeignKey("adviser.id"), index=True)
    mark: Mapped[str] = mapped_column(Encrypted)
    """Twenty characters at most; deleted with the visit."""


class MonthlyCount(Base):
    """What is left of visits after a year: how many, by month. Single counts, so no row describes one person."""

    __tablename__ = "monthly_count"

    month: Mapped[date] = mapped_column(primary_key=True)
    """Its first day, in the town's zone."""
    place: Mapped[str] = mapped_column(primary_key=True)
    """Key, as all of the following; empty: not known, or not asked here."""
    carrier: Mapped[str] = mapped_column(primary_key=True)
    service: Mapped[str] = mapped_column(primary_key=True)
    measure: Mapped[str] = mapped_column(primary_key=True)
    """What is counted: "visits", "people", "topic" …"""
    value: Mapped[str] = mapped_column(primary_key=True)
    """Of what it is the number: a state, an age group, a topic's key."""
    number: Mapped[int]


class TicketCounter(Base):
    """The last number given at a place on a day."""

    __tablename__ = "ticket_counter"

    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"), primary_key=True)
    local_on: Mapped[date] = mapped_column(primary_key=True)
    last_number: Mapped[int]


class ShownForecast(Base):
    """What a walk-in was told when its number was given. What came true stands in its consultation."""

    __tablename__ = "shown_forecast"
    __table_args__ = (CheckConstraint("basis IN ('configured', 'few', 'learned')", name="known_basis"),)

    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), primary_key=True)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    ahead: Mapped[int]
    simulated: Mapped[float]
    """Median of the simulation, in minutes, before it was corrected."""
    spread: Mapped[float]
    """Half the width of the simulated 20–80 % range, in minutes."""
    closed_form: Mapped[float]
    """The centre of the closed form's range, in minutes."""
    low: Mapped[float]
    high: Mapped[float]
    """The corrected range, in minutes, before it is rounded outward."""
    chance: Mapped[float]
    """Of being served before closing."""
    basis: Mapped[Literal["configured", "few", "learned"]]


class TurnedAway(Base):
    """Somebody was told at the desk that there is no use waiting: a counted fact without a visit."""

    __tablename__ = "turned_away"

    id: Mapped[int] = mapped_column(primary_key=True)
    opening_id: Mapped[int] = mapped_column(ForeignKey("opening.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class FreedTime(Base):
    """A place that a client gave back and that is not offered again yet: nobody can time a swap by it."""

    __tablename__ = "freed_time"
    __table_args__ = (CheckConstraint("starts_at < ends_at", name="in_order"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"))
    """Who gave it back; None: erased since."""
    opening_id: Mapped[int] = mapped_column(ForeignKey("opening.id"))
    adviser_id: Mapped[int] = mapped_column(ForeignKey("adviser.id"))
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    offered_from: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class IdempotencyKey(Base):
    """Makes a double click one booking: the hash of the key that came with it, kept for 24 hours."""

    __tablename__ = "idempotency_key"

    key_hash: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[str]
    """Of what was asked for: the same key with another request is refused."""
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"))
    """None: erased since; the key stays spent."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
