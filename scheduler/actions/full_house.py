"""Full house: staff stop or go on giving numbers, the forecast's word is remembered, who is turned away is counted."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scheduler.actions.openings import lock_opening, mark_changed, stored_opening
from scheduler.actions.registration import holds_full, ticket_window
from scheduler.actions.rulebook import PlannedOpening, RuleBook
from scheduler.domain.recurrence import local_date
from scheduler.domain.visit_states import UNDO_WITHIN
from scheduler.models import Opening, TurnedAway
from scheduler.models.hours import Tickets

DAY = timedelta(days=1)


class NobodyTurnedAway(Exception):
    """Nobody was turned away there in the last ten minutes: there is nothing to take back."""


def set_tickets(session: Session, opening: PlannedOpening, tickets: Tickets) -> None:
    """Numbers are given as limit and forecast decide ("automatic"), in any case ("open"), or no more ("stopped")."""
    row = lock_opening(session, opening)
    if row.tickets != tickets:
        row.tickets = tickets
        mark_changed(session, row)
    session.flush()


def running_openings(rulebook: RuleBook, now: datetime) -> list[PlannedOpening]:
    """Those that take walk-ins and may give numbers at this hour."""
    today = local_date(now, rulebook.zone)
    # A moved one keeps its original date, and doors may open before midnight: the window alone decides.
    near = rulebook.openings(today - DAY, today + DAY)
    return [each for each in near if each.takes_walk_ins and ticket_window(each).includes(now)]


def find_to_review(session: Session, rulebook: RuleBook, now: datetime) -> list[PlannedOpening]:
    """Running openings that have become full, or are so no longer, and do not say so yet."""
    return [
        each
        for each in running_openings(rulebook, now)
        if _is_outdated(session, rulebook, each, stored_opening(session, each), now)
    ]


def review_full(session: Session, rulebook: RuleBook, opening: PlannedOpening, now: datetime) -> bool:
    """Remember whether the forecast holds the opening full; gives whether that is news. Pages then show it."""
    row = lock_opening(session, opening)
    if not _is_outdated(session, rulebook, opening, row, now):
        return False
    row.full_since = now if row.full_since is None else None
    mark_changed(session, row)
    session.flush()
    return True


def turn_away(session: Session, opening: PlannedOpening, now: datetime) -> None:
    """Somebody was told that there is no use waiting: a fact to count, without a visit."""
    row = lock_opening(session, opening)
    session.add(TurnedAway(opening_id=row.id, at=now))
    mark_changed(session, row)
    session.flush()


def take_back_turned_away(session: Session, opening: PlannedOpening, now: datetime) -> None:
    """The latest one was a mistake, or stays after all. Raises NobodyTurnedAway."""
    row = lock_opening(session, opening)
    latest = session.scalar(
        select(TurnedAway)
        .where(TurnedAway.opening_id == row.id, TurnedAway.at >= now - UNDO_WITHIN)
        .order_by(TurnedAway.at.desc(), TurnedAway.id.desc())
        .limit(1)
    )
    if latest is None:
        raise NobodyTurnedAway
    session.delete(latest)
    mark_changed(session, row)
    session.flush()


def count_turned_away(session: Session, row: Opening) -> tuple[int, datetime | None]:
    """How many were turned away there, and when the latest one was."""
    counted = select(func.count(TurnedAway.id), func.max(TurnedAway.at)).where(TurnedAway.opening_id == row.id)
    number, latest_at = session.execute(counted).one()
    return number, latest_at


def _is_outdated(
    session: Session, rulebook: RuleBook, opening: PlannedOpening, row: Opening | None, now: datetime
) -> bool:
    was_full = row is not None and row.full_since is not None
    return holds_full(session, rulebook, opening, row, now) != was_full
