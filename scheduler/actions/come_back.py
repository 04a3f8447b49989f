"""A time for somebody who waits without one: the appointment is booked and the number given up, or neither."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from scheduler.actions.booking import Booking, book, cancel
from scheduler.actions.openings import find_opening, lock_move
from scheduler.actions.rulebook import RuleBook
from scheduler.actions.steps import By
from scheduler.models import Visit


def book_instead(
    session: Session, rulebook: RuleBook, booking: Booking, waiting_id: int, *, by: By, now: datetime
) -> Visit:
    """Book the start, and take the walk-in out of the queue. The edge rolls back when it raises.

    Raises SlotTaken or UnknownOpening; StepRefused where the walk-in no longer waits. The walk-in counts as cancelled,
    not as left: nobody went away unserved, and the number makes room for another.
    """
    opening = find_opening(rulebook, booking.hours_key, booking.original_on)
    lock_move(session, waiting_id, opening)  # both openings in one order: who books the other way round waits
    visit = book(session, rulebook, booking, by=by, now=now)
    cancel(session, waiting_id, by=by, now=now)
    return visit
