"""A morning on paper: which number comes next, and where the computer goes on after the last one on the sheet."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from scheduler.actions.openings import insert_for, lock_opening, mark_changed
from scheduler.actions.rulebook import PlannedOpening
from scheduler.domain.recurrence import local_date
from scheduler.models import Place, TicketCounter, Town, Visit

LARGEST_NUMBER = 9999


class NumberRefused(Exception):
    """The next number cannot be this one. `smallest` and `largest` can."""

    def __init__(self, smallest: int) -> None:
        super().__init__(f"choose from {smallest} to {LARGEST_NUMBER}")
        self.smallest = smallest
        self.largest = LARGEST_NUMBER


class DayOver(Exception):
    """No more numbers are given on that day."""


def next_number(session: Session, place_id: int, local_on: date) -> int:
    """What the next ticket at this place on this day will be."""
    counter = session.get(TicketCounter, {"place_id": place_id, "local_on": local_on})
    return counter.last_number + 1 if counter else session.get_one(Place, place_id).first_ticket


def first_free_number(session: Session, place_id: int, local_on: date, after: int | None = None) -> int:
    """The first number that nobody has that day: from the first ticket on, or after the one that was just entered."""
    taken = set(session.scalars(select(Visit.ticket).where(*_of_day(place_id, local_on))))
    number = session.get_one(Place, place_id).first_ticket if after is None else after + 1
    while number in taken:
        number += 1
    return number


def continue_at(session: Session, opening: PlannedOpening, number: int, now: datetime) -> None:
    """The next ticket at this opening's place and day is `number`. Raises NumberRefused or DayOver.

    Only numbers that somebody has are in the way: a counter that was set too high by mistake can be set back.
    """
    on, place_id = opening.dated.on, opening.hours.place_id
    if on < local_date(now, session.get_one(Town, 1).zone):
        raise DayOver(on)
    row = lock_opening(session, opening)
    counter = _lock_counter(session, place_id, on)
    given = session.scalar(select(func.max(Visit.ticket)).where(*_of_day(place_id, on)))
    smallest = 1 if given is None else given + 1
    if not smallest <= number <= LARGEST_NUMBER:
        raise NumberRefused(smallest)
    counter.last_number = number - 1
    mark_changed(session, row)
    session.flush()


def count_past(session: Session, place_id: int, local_on: date, number: int) -> None:
    """A number from the sheet was entered: the computer must never give it again."""
    counter = _lock_counter(session, place_id, local_on)
    counter.last_number = max(counter.last_number, number)
    session.flush()


def _lock_counter(session: Session, place_id: int, local_on: date) -> TicketCounter:
    """The counter's row, made where no number was given yet, and locked: nobody draws one meanwhile."""
    insert = insert_for(session, TicketCounter.metadata.tables["ticket_counter"]).values(
        place_id=place_id, local_on=local_on, last_number=session.get_one(Place, place_id).first_ticket - 1
    )
    session.execute(insert.on_conflict_do_nothing())
    key = {"place_id": place_id, "local_on": local_on}
    return session.get_one(TicketCounter, key, with_for_update=True, populate_existing=True)


def _of_day(place_id: int, local_on: date) -> tuple[ColumnElement[bool], ...]:
    """Visits at this place on this day that have a number."""
    return Visit.place_id == place_id, Visit.local_on == local_on, Visit.ticket.is_not(None)
