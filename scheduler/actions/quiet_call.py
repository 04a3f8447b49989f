"""The desk asks an adviser to the front without a word being said aloud. It is kept as one instant of the opening."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from scheduler.actions.openings import lock_opening, mark_changed
from scheduler.actions.rulebook import PlannedOpening
from scheduler.models import Opening


def call_quietly(session: Session, opening: PlannedOpening, now: datetime) -> Opening:
    """Whoever has signed in there is asked to come. Asking again changes nothing: the first instant stands."""
    row = lock_opening(session, opening)
    if row.help_wanted_at is None:
        _set(session, row, now)
    return row


def end_quiet_call(session: Session, opening: PlannedOpening) -> bool:
    """An adviser comes, or the desk needs nobody any more. False: somebody has ended it before."""
    row = lock_opening(session, opening)
    if row.help_wanted_at is None:
        return False
    _set(session, row, None)
    return True


def _set(session: Session, row: Opening, help_wanted_at: datetime | None) -> None:
    row.help_wanted_at = help_wanted_at
    mark_changed(session, row)
    session.flush()
