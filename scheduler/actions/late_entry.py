"""What happened on paper is entered later: a numbered line of the day sheet, or an appointment by its code.

The times were written by hand: the visit and its consultation are marked, and nothing is learned from them. A line is
entered as the steps that it tells, so what is entered stands in the books like everything else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.calling import open_consultation_of
from scheduler.actions.openings import lock_opening, lock_visit
from scheduler.actions.paper_day import LARGEST_NUMBER, count_past
from scheduler.actions.registration import Answers, add_walk_in, draw_ticket
from scheduler.actions.rulebook import PlannedOpening, RuleBook
from scheduler.actions.steps import By, take_step
from scheduler.domain.recurrence import local_date
from scheduler.domain.visit_states import may
from scheduler.models import Adviser, Consultation, Opening, Presence, Town, Visit

Fault = Literal[
    "number", "number_taken", "not_here", "has_come", "arrived", "called", "order", "future", "another_day",
    "adviser", "adviser_busy", "not_over",
]  # fmt: skip
"""What is wrong with a line: its number, or whose code it is; a time that is missing, out of order, still to come or of
another day; the adviser is missing, or has somebody else right now; the day is over, and so must the visit be."""


class LineRefused(Exception):
    """The line cannot be true as it was typed."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


@dataclass(frozen=True)
class PaperLine:
    """One line of the sheet. `left`: the person went away without being served; `finished_at` is when, where noted.

    Without `called_at` the person still waits, without `finished_at` the consultation goes on: on the day itself alone.
    """

    arrived_at: datetime | None
    called_at: datetime | None = None
    finished_at: datetime | None = None
    left: bool = False
    adviser: Adviser | None = None

    @property
    def is_going_on(self) -> bool:
        """The person is still here."""
        return not self.left and self.finished_at is None


def enter_walk_in(
    session: Session,
    rulebook: RuleBook,
    opening: PlannedOpening,
    number: int,
    line: PaperLine,
    answers: Answers,
    *,
    locale: str,
    by: By,
    now: datetime,
) -> Visit:
    """A visit with this very number, and all that became of it. Raises LineRefused."""
    row = lock_opening(session, opening)
    arrived_at = _check(session, opening.dated.on, line, now)
    _take_number(session, opening, number)
    visit = add_walk_in(
        session, rulebook, opening, row, number, answers, locale=locale, by=by, arrived_at=arrived_at, now=now
    )
    visit.times_unreliable = True
    _tell(session, visit, line, by, now)
    return visit


def enter_appointment(
    session: Session, opening: PlannedOpening, visit_id: int, line: PaperLine, *, by: By, now: datetime
) -> Visit:
    """Who was booked there that day came, even if the close of the day held it missed. Raises LineRefused.

    Without an adviser it was the planned one. Paper calls appointments by their time: only who is still here gets a
    number.
    """
    visit = lock_visit(session, visit_id)
    if (visit.place_id, visit.local_on) != (opening.hours.place_id, opening.dated.on):
        raise LineRefused("not_here")
    line = replace(line, adviser=line.adviser or visit.planned_adviser)
    arrived_at = _check(session, visit.local_on, line, now)
    if not may(visit.state, "check_in"):
        raise LineRefused("has_come")
    take_step(session, visit, "check_in", by=by, now=arrived_at)
    visit.arrived_at, visit.times_unreliable = arrived_at, True
    if visit.ticket is None and line.is_going_on:
        visit.ticket = draw_ticket(session, visit.place_id, visit.local_on)
    _tell(session, visit, line, by, now)
    return visit


def entered_for(session: Session, opening: PlannedOpening) -> list[Visit]:
    """All that was entered from the sheet of this opening's place and day, the newest first."""
    entered = select(Visit).where(
        Visit.place_id == opening.hours.place_id, Visit.local_on == opening.dated.on, Visit.times_unreliable
    )
    return list(session.scalars(entered.order_by(Visit.changed_at.desc(), Visit.id.desc())))


def expected_for(session: Session, opening: PlannedOpening) -> list[Visit]:
    """Appointments there that day that can be entered: not come yet, or held missed."""
    expected = select(Visit).where(
        Visit.place_id == opening.hours.place_id,
        Visit.local_on == opening.dated.on,
        Visit.kind == "appointment",
        Visit.state.in_(("booked", "missed")),
    )
    return list(session.scalars(expected.order_by(Visit.starts_at, Visit.id)))


def advisers_at(session: Session, rulebook: RuleBook, opening: PlannedOpening) -> list[Adviser]:
    """Who may have served there: on duty, or signed in, in the order of the town's file."""
    on_duty = [each.adviser_id for each in rulebook.staff_of(opening)]
    signed_in = (
        select(Presence.adviser_id)
        .join(Opening, Presence.opening_id == Opening.id)
        .where(Opening.hours_id == opening.hours.id, Opening.original_on == opening.dated.original_on)
    )
    there = select(Adviser).where(Adviser.id.in_(on_duty) | Adviser.id.in_(signed_in))
    return list(session.scalars(there.order_by(Adviser.position)))


def _tell(session: Session, visit: Visit, line: PaperLine, by: By, now: datetime) -> None:
    """The steps after the arrival, each at its own time."""
    if line.left:
        take_step(session, visit, "leave", by=by, now=line.finished_at or line.called_at or visit.arrived_at or now)
    elif line.called_at is not None:
        _serve(session, visit, line, by, line.called_at)
    visit.changed_at = now  # what subscribers have seen of it changes now, whenever it happened
    session.flush()


def _serve(session: Session, visit: Visit, line: PaperLine, by: By, called_at: datetime) -> None:
    adviser, finished_at = line.adviser, line.finished_at
    assert adviser is not None  # checked before anything was written
    consultation = Consultation(
        visit=visit,
        adviser_id=adviser.id,
        carrier_id=adviser.carrier_id,
        station=_station_of(session, visit.opening, adviser),
        called_at=called_at,
        last_called_at=called_at,
        started_at=called_at,
        # Ended from the beginning: the adviser may have somebody else right now.
        ended_at=finished_at,
        ended_as="finished" if finished_at else None,
        times_unreliable=True,
    )
    session.add(consultation)
    take_step(session, visit, "call", by=by, now=called_at, consultation=consultation)
    take_step(session, visit, "start", by=by, now=called_at, consultation=consultation)
    if finished_at is not None:
        take_step(session, visit, "finish", by=by, now=finished_at, consultation=consultation)


def _station_of(session: Session, row: Opening, adviser: Adviser) -> str:
    """Where the adviser sat, if the computer was told; empty where it was not."""
    sitting = select(Presence.station).where(Presence.opening_id == row.id, Presence.adviser_id == adviser.id)
    return session.scalar(sitting) or ""


def _check(session: Session, on: date, line: PaperLine, now: datetime) -> datetime:
    """Whether the line can be true; gives the time of arrival."""
    if line.arrived_at is None:
        raise LineRefused("arrived")
    _check_times(session, [line.arrived_at, line.called_at, line.finished_at], on, now)
    if not line.left:
        _check_service(session, on, line, now)
    return line.arrived_at


def _check_times(session: Session, noted: list[datetime | None], on: date, now: datetime) -> None:
    times = [each for each in noted if each is not None]
    zone = session.get_one(Town, 1).zone
    if times != sorted(times):
        raise LineRefused("order")
    if times[-1] > now:
        raise LineRefused("future")
    if any(local_date(each, zone) != on for each in times):
        raise LineRefused("another_day")


def _check_service(session: Session, on: date, line: PaperLine, now: datetime) -> None:
    if line.finished_at is not None and line.called_at is None:
        raise LineRefused("called")
    if line.finished_at is None and on < local_date(now, session.get_one(Town, 1).zone):
        raise LineRefused("not_over")
    if line.called_at is None:
        return
    if line.adviser is None:
        raise LineRefused("adviser")
    if line.finished_at is None and open_consultation_of(session, line.adviser) is not None:
        raise LineRefused("adviser_busy")


def _take_number(session: Session, opening: PlannedOpening, number: int) -> None:
    """The computer never gives it; nobody has it. Raises LineRefused."""
    if not 1 <= number <= LARGEST_NUMBER:
        raise LineRefused("number")
    # The counter first: whoever draws, or enters a line of another opening of this place, waits for it, and not for us.
    count_past(session, opening.hours.place_id, opening.dated.on, number)
    taken = select(Visit.id).where(
        Visit.place_id == opening.hours.place_id, Visit.local_on == opening.dated.on, Visit.ticket == number
    )
    if session.scalar(taken) is not None:
        raise LineRefused("number_taken")
