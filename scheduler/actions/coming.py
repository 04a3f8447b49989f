"""A client says that they will come: the desk and the adviser see it, and nothing else follows from it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from scheduler.actions.openings import lock_visit, mark_changed
from scheduler.models import Visit


def say_coming(session: Session, visit_id: int, now: datetime) -> Visit:
    """Note it of an appointment that stands. Saying it twice is fine; a move forgets it."""
    visit = lock_visit(session, visit_id)
    if visit.state == "booked" and visit.coming_at is None:
        visit.coming_at = now
        mark_changed(session, visit.opening)
        session.flush()
    return visit
