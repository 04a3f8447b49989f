"""Which start times are free at one opening. Listing, checking, the API and the desk all ask `slot_at`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from scheduler.domain.desk_share import Kept, leaves_share
from scheduler.domain.intervals import Interval
from scheduler.domain.matching import Duty, Held, Wanted, able, arrange, has_room


class Slot(NamedTuple):
    """A free start: who takes it, which visits go to whom to make room, the languages that could be spoken then."""

    starts_at: datetime
    ends_at: datetime
    adviser_id: int
    moves: tuple[tuple[int, int], ...]
    languages: frozenset[str]


class Supply(NamedTuple):
    """What one opening has to give. `held`: those of its appointments that may be handed on to another adviser.

    `kept`: its starts while a share of them is kept for the desk; None: all may be taken.
    """

    during: Interval
    grid_minutes: int
    at_once: int | None
    duties: tuple[Duty, ...]
    appointments: tuple[Interval, ...]
    held: tuple[Held, ...] = ()
    kept: Kept | None = None


def bookable_window(now: datetime, lead: timedelta, horizon: timedelta) -> Interval:
    """The starts that may be booked now: not sooner than the lead, not later than the horizon."""
    return Interval(now + lead, now + horizon)


def free_slots(supply: Supply, wanted: Wanted, minutes: int) -> Iterator[Slot]:
    """All free starts of an opening, in order. `minutes`: elapsed length."""
    for starts_at in grid_starts(supply.during, supply.grid_minutes, minutes):
        slot = slot_at(starts_at, supply, wanted, minutes)
        if slot is not None:
            yield slot


def grid_starts(during: Interval, grid_minutes: int, minutes: int) -> Iterator[datetime]:
    """The grid is anchored to the opening's start, so a start that was shown never drifts."""
    length, starts_at = timedelta(minutes=minutes), during.starts_at
    while starts_at + length <= during.ends_at:
        yield starts_at
        starts_at += timedelta(minutes=grid_minutes)


def slot_at(starts_at: datetime, supply: Supply, wanted: Wanted, minutes: int) -> Slot | None:
    """The slot that begins then; None: not on the grid, taken, or kept for the desk."""
    during = Interval(starts_at, starts_at + timedelta(minutes=minutes))
    if starts_at < supply.during.starts_at or during.ends_at > supply.during.ends_at:
        return None
    if (starts_at - supply.during.starts_at) % timedelta(minutes=supply.grid_minutes):
        return None
    if not has_room(during, supply.appointments, supply.at_once):
        return None
    if supply.kept is not None and not leaves_share(supply.kept, supply.during.starts_at, supply.grid_minutes, during):
        return None
    arranged = arrange(wanted, during, supply.duties, supply.held)
    if arranged is None:
        return None
    languages = frozenset[str]().union(*(each.languages for each in able(supply.duties, wanted, during)))
    return Slot(*during, arranged.adviser_id, arranged.moves, languages)
