"""Somebody steps out for a while: the visit is parked and not called, and comes back to its old place in the order."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from scheduler.actions.openings import lock_visit
from scheduler.actions.steps import By, take_step
from scheduler.models import Visit


def park(session: Session, visit_id: int, *, by: By, now: datetime) -> Visit:
    """Nobody's "next" leads to this visit now; an adviser may still call it from the list. Raises StepRefused."""
    visit = lock_visit(session, visit_id)
    take_step(session, visit, "park", by=by, now=now)
    return visit


def unpark(session: Session, visit_id: int, *, by: By, now: datetime) -> Visit:
    """The client is back: the old arrival counts. Raises StepRefused."""
    visit = lock_visit(session, visit_id)
    take_step(session, visit, "unpark", by=by, now=now)
    return visit
