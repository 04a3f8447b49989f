"""An adviser without a front desk: who comes straight to the adviser is served without check-in or call."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from scheduler.actions.calling import StillServing, open_consultation_of
from scheduler.actions.openings import lock_visit
from scheduler.actions.steps import By, take_step
from scheduler.domain.visit_states import next_state
from scheduler.models import Adviser, Consultation


def serve(session: Session, visit_id: int, adviser: Adviser, station: str, *, by: By, now: datetime) -> Consultation:
    """Begin the consultation of a booked visit that has just come. Raises StillServing or StepRefused."""
    visit = lock_visit(session, visit_id)
    next_state(visit.state, "serve")  # refused before anything is added to the session
    if open_consultation_of(session, adviser) is not None:
        raise StillServing
    consultation = Consultation(
        visit=visit,
        adviser_id=adviser.id,
        carrier_id=adviser.carrier_id,
        station=station,
        called_at=now,
        last_called_at=now,
        started_at=now,
    )
    session.add(consultation)
    visit.arrived_at = now
    take_step(session, visit, "serve", by=by, now=now, consultation=consultation)
    return consultation
