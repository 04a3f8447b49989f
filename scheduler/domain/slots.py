"""Which start times are free at one opening. Listing, checking, the API and the desk all ask `free_slots`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from scheduler.domain.intervals import Interval
from scheduler.domain.matching import Duty, Wanted, free_advisers


class Slot(NamedTuple):
    """A free start. `adviser_ids`: who could take it, the one to plan first."""

    starts_at: datetime
    ends_at: datetime
    adviser_ids: tuple[int, ...]
    languages: frozenset[str]


class Supply(NamedTuple):
    """What one opening has to give."""

    during: Interval
    grid_minutes: int
    at_once: int | None
    duties: tuple[Duty, ...]
    appointments: tuple[Interval, ...]


def bookable_window(now: datetime, lead: timedelta, horizon: timedelta) -> Interval:
    """The starts that may be booked now: not sooner than the lead, not later than the horizon."""
    return Interval(now + lead, now + horizon)


def free_slots(
    supply: Supply, wanted: Wanted, minutes: int, window: Interval, only: datetime | None = None
) -> Iterator[Slot]:
    """The free starts of an opening, in order. `minutes`: elapsed length; `only`: ask about this start alone."""
    for starts_at in grid_starts(supply.during, supply.grid_minutes, minutes):
        if only is not None and starts_at != only:
            continue
        if not window.includes(starts_at):
            continue
        slot = _slot_at(starts_at, minutes, supply, wanted)
        if slot is not None:
            yield slot


def grid_starts(during: Interval, grid_minutes: int, minutes: int) -> Iterator[datetime]:
    """The grid is anchored to the opening's start, so a start that was shown never drifts."""
    length, starts_at = timedelta(minutes=minutes), during.starts_at
    while starts_at + length <= during.ends_at:
        yield starts_at
        starts_at += timedelta(minutes=grid_minutes)


def _slot_at(starts_at: datetime, minutes: int, supply: Supply, wanted: Wanted) -> Slot | None:
    during = Interval(starts_at, starts_at + timedelta(minutes=minutes))
    free: Sequence[Duty] = free_advisers(wanted, during, supply.duties, supply.appointments, supply.at_once)
    if not free:
        return None
    languages = frozenset[str]().union(*(each.languages for each in free))
    return Slot(during.starts_at, during.ends_at, tuple(each.adviser_id for each in free), languages)
