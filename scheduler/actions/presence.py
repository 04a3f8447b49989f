"""Who is really here: an adviser sits down at a station, takes a break, goes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.openings import lock_opening, mark_changed
from scheduler.actions.own_time import own_times_on
from scheduler.actions.rulebook import PlannedOpening, RuleBook
from scheduler.models import Adviser, Opening, Presence


class StationTaken(Exception):
    """Another adviser sits there. `adviser` is who."""

    def __init__(self, adviser: Adviser) -> None:
        super().__init__(adviser.name)
        self.adviser = adviser


def sit_down(session: Session, opening: PlannedOpening, adviser: Adviser, station: str, now: datetime) -> Presence:
    """The adviser is here and sits at this station. Raises StationTaken."""
    row = lock_opening(session, opening)
    _check_station(session, row, adviser, station)
    presence = presence_of(session, row, adviser) or Presence(opening_id=row.id, adviser_id=adviser.id)
    presence.station, presence.state, presence.since_at = station, "present", now
    session.add(presence)
    mark_changed(session, row)
    session.flush()
    return presence


def change_presence(
    session: Session,
    opening: PlannedOpening,
    adviser: Adviser,
    state: Literal["present", "break", "gone"],
    now: datetime,
) -> None:
    """Take a break, come back, or go. Nothing happens to an adviser who never sat down. Raises StationTaken."""
    row = lock_opening(session, opening)
    presence = presence_of(session, row, adviser)
    if presence is not None and presence.state != state:
        if presence.state == "gone":
            _check_station(session, row, adviser, presence.station)
        presence.state, presence.since_at = state, now
        mark_changed(session, row)
        session.flush()


def presence_of(session: Session, row: Opening, adviser: Adviser) -> Presence | None:
    return session.scalar(select(Presence).where(Presence.opening_id == row.id, Presence.adviser_id == adviser.id))


def find_served(session: Session, rulebook: RuleBook, adviser: Adviser, on: date) -> frozenset[str]:
    """Openings of that day at which this adviser is on duty or has signed in, and own times: by public id."""
    sitting = find_sitting(session, adviser)
    return frozenset(
        each.public_id
        for each in (*rulebook.openings(on, on), *own_times_on(rulebook, on, adviser=adviser))
        if each.dated.takes_place
        and (adviser.key in each.dated.staff or (each.hours.id, each.dated.original_on) in sitting)
    )


def find_sitting(session: Session, adviser: Adviser) -> set[tuple[int, date]]:
    """Where this adviser has signed in and has not gone: office hours' id and original date of openings."""
    there = (
        select(Opening.hours_id, Opening.original_on)
        .join(Presence, Presence.opening_id == Opening.id)
        .where(Presence.adviser_id == adviser.id, Presence.state != "gone")
    )
    return {(hours_id, on) for hours_id, on in session.execute(there)}


def _check_station(session: Session, row: Opening, adviser: Adviser, station: str) -> None:
    sitting = session.scalar(
        select(Presence).where(
            Presence.opening_id == row.id,
            Presence.station == station,
            Presence.state != "gone",
            Presence.adviser_id != adviser.id,
        )
    )
    if sitting is not None:
        raise StationTaken(sitting.adviser)
