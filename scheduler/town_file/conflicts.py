"""Booked visits that do not fit the rules that are in the database."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from scheduler.actions.rulebook import PlannedOpening, RuleBook, read_rulebook
from scheduler.domain.codes import spoken
from scheduler.domain.intervals import Interval
from scheduler.models import Opening, Visit


class Conflict(NamedTuple):
    """One booked visit that no longer fits. Nothing personal: the code is what the client has, too."""

    visit_id: int
    starts_at: datetime
    """In the town's zone."""
    place: str
    code: str
    reason: str

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d %H:%M} · {self.place} · {spoken(self.code)} · {self.reason}"


def find_conflicts(session: Session, now: datetime) -> list[Conflict]:
    """The booked visits after `now` that the rules as they stand in this session would not hold, in order of time."""
    book = read_rulebook(session)
    visits = session.scalars(
        select(Visit)
        .where(Visit.state == "booked", Visit.starts_at > now)
        .options(
            joinedload(Visit.opening).joinedload(Opening.hours), joinedload(Visit.place), joinedload(Visit.service)
        )
        .order_by(Visit.starts_at, Visit.id)
    )
    openings: dict[int, PlannedOpening | None] = {}
    found = []
    for visit in visits:
        if visit.opening_id not in openings:
            openings[visit.opening_id] = book.opening(visit.opening.hours.key, visit.opening.original_on)
        reason = _reason(visit, openings[visit.opening_id], book)
        if reason:
            assert visit.starts_at
            local = visit.starts_at.astimezone(book.zone)
            found.append(Conflict(visit.id, local, visit.place.name, visit.code or "", reason))
    return found


def _reason(visit: Visit, planned: PlannedOpening | None, book: RuleBook) -> str:
    """Why the visit does not fit; empty where it does."""
    assert visit.starts_at and visit.ends_at
    if planned is None:
        return "there is no such opening any more"
    if planned.hours.is_own:
        return ""  # an adviser's own appointment is not of the file, and nothing in the file holds it
    if not planned.dated.takes_place:
        return "the opening does not take place"
    if planned.hours.place_id != visit.place_id:
        return "the opening is at another place"
    if not planned.hours.takes_appointments:
        return "the opening takes no appointments any more"
    if visit.service and visit.service.key not in planned.hours.services:
        return "the opening does not offer the service any more"
    if not _lies_within(Interval(visit.starts_at, visit.ends_at), planned.dated.interval):
        return "the time lies outside of the opening"
    on_duty = [each.adviser_id for each in book.staff_of(planned)]
    if visit.planned_adviser_id is not None and visit.planned_adviser_id not in on_duty:
        return "the adviser is not on duty there"
    return ""


def _lies_within(inner: Interval, outer: Interval) -> bool:
    return outer.starts_at <= inner.starts_at and inner.ends_at <= outer.ends_at
