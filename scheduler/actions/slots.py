"""Which times are free: the one question that pages, API, desk and the booking itself all ask."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.rulebook import PlannedOpening, RuleBook
from scheduler.domain.intervals import Interval
from scheduler.domain.matching import Duty, Wanted
from scheduler.domain.recurrence import local_date
from scheduler.domain.routing import AgeGroup, services_for
from scheduler.domain.slots import Slot, Supply, bookable_window, free_slots
from scheduler.models import Absence, Adviser, Concern, Consultation, Opening, Visit

ANY_OTHER_LANGUAGE = "other"
"""A language that nobody here speaks: the office is told, no time is withheld."""


@dataclass(frozen=True)
class Question:
    """What a client asks for. `services` holds keys; empty: any. `language` and `adviser_id`: None, no wish."""

    services: frozenset[str]
    minutes: int
    concern: str | None = None
    language: str | None = None
    adviser_id: int | None = None
    place_id: int | None = None

    @property
    def wanted(self) -> Wanted:
        return Wanted(self.services, None if self.language == ANY_OTHER_LANGUAGE else self.language, self.adviser_id)


@dataclass(frozen=True)
class OfferedSlot:
    opening: PlannedOpening
    slot: Slot


NOBODY = 0
"""No adviser has this id: whoever wishes for somebody unknown is offered nothing, not everybody."""

DEFAULT_MINUTES = 30
"""Length where no concern was named."""


def make_question(
    session: Session,
    rulebook: RuleBook,
    *,
    age_group: AgeGroup = "unknown",
    service: str | None = None,
    concern: Concern | None = None,
    language: str | None = None,
    adviser_key: str | None = None,
    place_id: int | None = None,
) -> Question:
    """The question that these answers make. A named service goes before the age group."""
    services = (service,) if service else services_for(age_group, rulebook.services)
    adviser_id = None
    if adviser_key:
        adviser_id = session.scalar(select(Adviser.id).where(Adviser.key == adviser_key)) or NOBODY
    return Question(
        services=frozenset(services),
        minutes=concern.minutes if concern else DEFAULT_MINUTES,
        concern=concern.key if concern else None,
        language=language,
        adviser_id=adviser_id,
        place_id=place_id,
    )


def find_slots(
    session: Session,
    rulebook: RuleBook,
    question: Question,
    *,
    from_on: date,
    until_on: date,
    now: datetime,
    ignoring_visit_id: int | None = None,
) -> list[OfferedSlot]:
    """All free starts on these days (both included), in order of time and place.

    ignoring_visit_id: a visit that is about to move does not stand in its own way.
    """
    first, last = max(from_on, local_date(now, rulebook.zone)), until_on
    openings = [each for each in rulebook.openings(first, last, question.place_id) if _admits(each, question)]
    taken = _read_taken(session, openings, now, ignoring_visit_id)
    return sorted(
        (
            OfferedSlot(opening, slot)
            for opening in openings
            for slot in _free_slots(rulebook, opening, question, taken, now)
        ),
        key=lambda each: (each.slot.starts_at, each.opening.hours.key),
    )


def find_slot(
    session: Session,
    rulebook: RuleBook,
    question: Question,
    opening: PlannedOpening,
    starts_at: datetime,
    now: datetime,
    ignoring_visit_id: int | None = None,
) -> Slot | None:
    """This one start, by the same rules as the list; None: not free, or never was."""
    if not _admits(opening, question):
        return None
    taken = _read_taken(session, [opening], now, ignoring_visit_id)
    return next(_free_slots(rulebook, opening, question, taken, now, only=starts_at), None)


@dataclass(frozen=True)
class _Taken:
    """What is taken in the window: by adviser, and appointments by opening (hours id, original date)."""

    by_adviser: dict[int, list[Interval]]
    by_opening: dict[tuple[int, date], list[Interval]]


def _admits(opening: PlannedOpening, question: Question) -> bool:
    hours = opening.hours
    return (
        opening.dated.takes_place
        and hours.takes_appointments
        and (not question.services or bool(question.services & hours.services))
        and (not hours.concerns or question.concern is None or question.concern in hours.concerns)
        and question.place_id in (None, hours.place_id)
    )


def _free_slots(
    rulebook: RuleBook,
    opening: PlannedOpening,
    question: Question,
    taken: _Taken,
    now: datetime,
    only: datetime | None = None,
) -> Iterator[Slot]:
    hours = opening.hours
    wanted = question.wanted._replace(services=question.services & hours.services or hours.services)
    during = opening.dated.interval
    supply = Supply(
        during=during,
        grid_minutes=hours.grid_minutes,
        at_once=hours.appointments_at_once,
        duties=tuple(
            Duty(each.adviser_id, each.services, each.languages, _touching(taken.by_adviser[each.adviser_id], during))
            for each in rulebook.staff_of(opening)
        ),
        appointments=tuple(taken.by_opening[hours.id, opening.dated.original_on]),
    )
    window = bookable_window(now, hours.lead, hours.horizon)
    return free_slots(supply, wanted, question.minutes, window, only)


def _touching(busy: Iterable[Interval], during: Interval) -> tuple[Interval, ...]:
    """Of eight weeks' appointments, those that matter at this opening: asked once here, not at every start."""
    return tuple(each for each in busy if each.overlaps(during))


def _read_taken(
    session: Session, openings: Iterable[PlannedOpening], now: datetime, ignoring_visit_id: int | None
) -> _Taken:
    taken = _Taken(defaultdict(list), defaultdict(list))
    spans = [each.dated.interval for each in openings]
    if not spans:
        return taken
    window = Interval(min(each.starts_at for each in spans), max(each.ends_at for each in spans))
    _add_appointments(session, taken, window, ignoring_visit_id)
    _add_absences(session, taken, window)
    if window.starts_at <= now + timedelta(days=1):  # who is called just before the door opens is taken then
        _add_running(session, taken, now)
    return taken


def _add_appointments(session: Session, taken: _Taken, window: Interval, ignoring_visit_id: int | None) -> None:
    rows = session.execute(
        select(
            Visit.id, Visit.planned_adviser_id, Visit.starts_at, Visit.ends_at, Opening.hours_id, Opening.original_on
        )
        .join(Opening, Visit.opening_id == Opening.id)
        .where(
            Visit.planned_adviser_id.is_not(None),
            Visit.starts_at < window.ends_at,
            Visit.starts_at >= window.starts_at - timedelta(days=1),  # no appointment is longer: lets the index help
            Visit.ends_at > window.starts_at,
        )
    )
    for visit_id, adviser_id, starts_at, ends_at, hours_id, original_on in rows:
        if visit_id != ignoring_visit_id and adviser_id is not None and starts_at and ends_at:
            during = Interval(starts_at, ends_at)
            taken.by_adviser[adviser_id].append(during)
            taken.by_opening[hours_id, original_on].append(during)


def _add_absences(session: Session, taken: _Taken, window: Interval) -> None:
    rows = session.execute(
        select(Absence.adviser_id, Absence.starts_at, Absence.ends_at).where(
            Absence.starts_at < window.ends_at, Absence.ends_at > window.starts_at
        )
    )
    for adviser_id, starts_at, ends_at in rows:
        taken.by_adviser[adviser_id].append(Interval(starts_at, ends_at))


def _add_running(session: Session, taken: _Taken, now: datetime) -> None:
    """On the day a walk-in that is being served occupies its adviser until its expected end."""
    rows = session.execute(
        select(Consultation.adviser_id, Consultation.called_at, Concern.minutes)
        .join(Visit, Consultation.visit_id == Visit.id)
        .outerjoin(Concern, Visit.concern_id == Concern.id)
        .where(Consultation.ended_at.is_(None))
    )
    for adviser_id, called_at, minutes in rows:
        expected_end = called_at + timedelta(minutes=minutes or DEFAULT_MINUTES)
        taken.by_adviser[adviser_id].append(Interval(called_at, max(expected_end, now)))
