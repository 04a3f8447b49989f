"""Whether anything has changed that a poll would show: one statement each, whatever else the page needs.

A process remembers which openings concern a place on a day, under the stamp of the rules that say so. Each answer holds
the stamp, too: where it is another one, they are looked up anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Select, and_, bindparam, false, or_, select
from sqlalchemy.orm import Session

from scheduler.actions.rulebook import read_rulebook
from scheduler.domain.recurrence import local_date
from scheduler.models import Opening, Place, Town, Visit


class PlaceState(NamedTuple):
    """What a board shows depends on this alone, and on the minute. `versions`: (hours' id, version) of openings."""

    place_id: int
    on: date
    stamp: str
    versions: tuple[tuple[int, int], ...]


class VisitState(NamedTuple):
    """What a ticket page shows depends on this alone, and on the minute."""

    link_epoch: int
    local_on: date
    version: int
    stamp: str
    timezone: str

    def is_over(self, now: datetime) -> bool:
        return self.local_on < local_date(now, ZoneInfo(self.timezone))


@dataclass(frozen=True)
class _Watch:
    """The statement that asks for one place's state on one day, as long as the rules have this stamp."""

    place_id: int
    on: date
    zone: ZoneInfo
    stamp: str
    query: Select[Any]


def read_place_state(session: Session, place_key: str, now: datetime) -> PlaceState | None:
    """One statement where the process has answered for this place and day before. None: there is no such place."""
    watch = _kept(session, place_key, now) or _watch_anew(session, place_key, now)
    if watch is None:
        return None
    rows = session.execute(watch.query).all()
    if rows[0][0] != watch.stamp:
        watch = _watch_anew(session, place_key, now)
        if watch is None:
            return None
        rows = session.execute(watch.query).all()
    versions = sorted((hours_id, version) for _, hours_id, version in rows if hours_id is not None)
    return PlaceState(watch.place_id, watch.on, rows[0][0], tuple(versions))


def read_visit_state(session: Session, visit_id: int) -> VisitState | None:
    """One statement, always. None: there is no such visit."""
    found = session.execute(_VISIT_STATE, {"visit_id": visit_id}).one_or_none()
    return VisitState(*found) if found else None


# By the tables: plain rows are enough, and polls are most of all requests.
_OPENING, _TOWN, _VISIT = (each.metadata.tables[each.__tablename__] for each in (Opening, Town, Visit))
_VISIT_STATE = (
    select(_VISIT.c.link_epoch, _VISIT.c.local_on, _OPENING.c.version, _TOWN.c.rules_stamp, _TOWN.c.timezone)
    .select_from(_VISIT.join(_OPENING, _OPENING.c.id == _VISIT.c.opening_id).join(_TOWN, _TOWN.c.id == 1))
    .where(_VISIT.c.id == bindparam("visit_id"))
)


def _kept(session: Session, place_key: str, now: datetime) -> _Watch | None:
    """What this process remembers of the place, if it is of today."""
    watch: _Watch | None = session.info.get("kept", {}).get(("place", place_key))
    return watch if watch is not None and watch.on == local_date(now, watch.zone) else None


def _watch_anew(session: Session, place_key: str, now: datetime) -> _Watch | None:
    place_id = session.scalar(select(Place.id).where(Place.key == place_key, Place.retired_at.is_(None)))
    if place_id is None:
        return None
    rulebook = read_rulebook(session)
    on = local_date(now, rulebook.zone)
    planned = {(each.hours.id, each.dated.original_on) for each in rulebook.openings(on, on, place_id)}
    query = _state_query(planned | _visited(session, place_id, on))
    watch = _Watch(place_id, on, rulebook.zone, rulebook.stamp, query)
    session.info.get("kept", {})["place", place_key] = watch
    return watch


def _visited(session: Session, place_id: int, on: date) -> set[tuple[int, date]]:
    """Openings that have visits there on that day although no rule lists them (any more), and others."""
    found = (
        select(Opening.hours_id, Opening.original_on)
        .join(Visit, Visit.opening_id == Opening.id)
        .where(Visit.place_id == place_id, Visit.local_on == on)
        .distinct()
    )
    return {(hours_id, original_on) for hours_id, original_on in session.execute(found)}


def _state_query(openings: set[tuple[int, date]]) -> Select[Any]:
    """The stamp, beside each of these openings at which something has happened, or alone."""
    these = [
        and_(_OPENING.c.hours_id == hours_id, _OPENING.c.original_on == original_on)
        for hours_id, original_on in sorted(openings)
    ]
    return (
        select(_TOWN.c.rules_stamp, _OPENING.c.hours_id, _OPENING.c.version)
        .select_from(_TOWN.outerjoin(_OPENING, or_(false(), *these)))
        .where(_TOWN.c.id == 1)
    )
