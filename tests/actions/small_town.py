"""The small town as the tests of the actions talk about it: its days, and its people doing what they do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.booking import Booking, book
from scheduler.actions.calling import call_next
from scheduler.actions.presence import sit_down
from scheduler.actions.registration import Answers, check_in, register
from scheduler.actions.rulebook import PlannedOpening, RuleBook
from scheduler.actions.slots import Question, make_question
from scheduler.actions.steps import CLIENT, By
from scheduler.domain.routing import AgeGroup
from scheduler.models import Absence, Adviser, Concern, Consultation, Hours, HoursException, Place, Visit
from tests.conftest import NOW

STAFF = By("staff")
SESSION = "buergerbuero-mi"
OFFICE = "awo-do"
WEDNESDAY = date(2026, 11, 25)
"""The day of the session."""
THURSDAY = date(2026, 11, 26)
"""The day of the carrier's own hours."""
LAST_WEDNESDAY = date(2026, 11, 18)
NEXT_WEDNESDAY = date(2026, 12, 2)
BERLIN = ZoneInfo("Europe/Berlin")


def at(clock: str, on: date = WEDNESDAY) -> datetime:
    """The instant of a local time."""
    return datetime.combine(on, time.fromisoformat(clock), tzinfo=BERLIN).astimezone(UTC)


def concern_of(session: Session, key: str | None) -> Concern | None:
    return session.scalar(select(Concern).where(Concern.key == key))


def adviser_of(session: Session, key: str) -> Adviser:
    return session.scalars(select(Adviser).where(Adviser.key == key)).one()


def place_of(session: Session, key: str = "buergerbuero") -> Place:
    return session.scalars(select(Place).where(Place.key == key)).one()


def opening_of(rulebook: RuleBook, key: str = SESSION, on: date = WEDNESDAY) -> PlannedOpening:
    found = rulebook.opening(key, on)
    assert found is not None
    return found


def ask(session: Session, rulebook: RuleBook, concern: str | None = "letter", **wishes: Any) -> Question:
    return make_question(rulebook, concern=concern_of(session, concern), **wishes)


def booking_at(
    session: Session,
    rulebook: RuleBook,
    clock: str,
    *,
    service: str | None = "MBE",
    concern: str | None = "letter",
    key: str = SESSION,
    on: date = WEDNESDAY,
    **wishes: Any,
) -> Booking:
    question = ask(session, rulebook, concern, service=service, **wishes)
    return Booking(question, key, on, at(clock, on), locale="de")


def book_at(
    session: Session,
    rulebook: RuleBook,
    clock: str,
    *,
    now: datetime = NOW,
    idempotency_key: str | None = None,
    **what: Any,
) -> Visit:
    """A client books this start at the session, or where `key` and `on` say."""
    booking = replace(booking_at(session, rulebook, clock, **what), idempotency_key=idempotency_key)
    return book(session, rulebook, booking, by=CLIENT, now=now)


def take_in(
    session: Session, rulebook: RuleBook, now: datetime, opening: PlannedOpening | None = None, **answers: Any
) -> Visit:
    """The desk gives a walk-in a number."""
    opening = opening or opening_of(rulebook)
    return register(session, rulebook, opening, Answers(**answers), locale="de", by=STAFF, now=now)


def arrive(session: Session, rulebook: RuleBook, visit: Visit, now: datetime) -> Visit:
    return check_in(session, rulebook, visit.id, visit.place_id, by=STAFF, now=now)


def seat(session: Session, rulebook: RuleBook, key: str, now: datetime, station: str = "") -> Adviser:
    """The adviser signs in at the session, at a station of their own unless one is named."""
    stations = {"awo-1": "Tisch 1", "awo-2": "Tisch 2", "ib-1": "Tisch 3"}
    adviser = adviser_of(session, key)
    sit_down(session, opening_of(rulebook), adviser, station or stations[key], now)
    return adviser


def press_next(session: Session, rulebook: RuleBook, adviser: Adviser, now: datetime) -> Consultation:
    return call_next(session, rulebook, opening_of(rulebook), adviser, by=STAFF, now=now)


def be_away(session: Session, key: str, from_clock: str, until_clock: str, on: date = WEDNESDAY) -> None:
    absence = Absence(adviser_id=adviser_of(session, key).id, starts_at=at(from_clock, on), ends_at=at(until_clock, on))
    session.add(absence)
    session.flush()


def change_date(
    session: Session, on: date, kind: Literal["cancelled", "moved", "added"], key: str = SESSION, **change: Any
) -> None:
    """An exception of one date. Read the rulebook anew afterwards."""
    hours = hours_of(session, key)
    session.add(HoursException(hours_id=hours.id, original_on=on, kind=kind, **change))
    session.flush()
    session.expire(hours)


def hours_of(session: Session, key: str = SESSION) -> Hours:
    return session.scalars(select(Hours).where(Hours.key == key)).one()


def verbs_of(session: Session, visit: Visit) -> list[str]:
    session.expire(visit, ["steps"])
    return [each.verb for each in visit.steps]


AGE_GROUPS: tuple[AgeGroup, ...] = ("under_27", "from_27", "family", "unknown")
