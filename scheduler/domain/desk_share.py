"""How much of an opening clients may book themselves: a share of its starts stays for desk and phone until release.

A start of an opening is a point of its grid, once for each appointment that could stand there at the same moment: as
many as `appointments_at_once` says, and not more than advisers who are there. A client may take a time if afterwards
at least the share of all starts is free. A longer appointment takes every start that it lasts over.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from scheduler.domain.intervals import Interval
from scheduler.domain.recurrence import public_holiday, wall_to_utc

FIRST_MINUTE, LAST_MINUTE = 8 * 60, 17 * 60 - 1
"""Of a day: at some minute between these, both included, a share is released."""
SATURDAY = 5
PARTS = 1000
"""A share is meant as written, in thousandths: 0.1 is a tenth, not the binary number beside it."""


class Kept(NamedTuple):
    """The starts of an opening while a share of them is kept. `free`: how many more could begin, at each in turn."""

    thousandths: int
    total: int
    free: tuple[int, ...]


def count_starts(
    during: Interval,
    grid_minutes: int,
    at_once: int | None,
    away: Sequence[Sequence[Interval]],
    appointments: Sequence[Interval],
    share: float,
) -> Kept:
    """The starts of an opening. `away`: of each adviser on duty, when they are not to be had at all.

    `appointments`: those of this opening, whoever has them.
    """
    staffed, free = [], []
    for each in _cells(during, grid_minutes):
        here = sum(not any(busy.overlaps(each) for busy in one) for one in away)
        could = here if at_once is None else min(here, at_once)
        staffed.append(could)
        free.append(max(0, could - sum(taken.overlaps(each) for taken in appointments)))
    return Kept(round(PARTS * share), sum(staffed), tuple(free))


def leaves_share(kept: Kept, opens_at: datetime, grid_minutes: int, during: Interval) -> bool:
    """Whether enough starts are free once an appointment lasts so long."""
    step = timedelta(minutes=grid_minutes)
    first = (during.starts_at - opens_at) // step
    after = -((opens_at - during.ends_at) // step)
    takes = sum(each > 0 for each in kept.free[first:after])
    return is_enough(kept, sum(kept.free) - takes)


def is_enough(kept: Kept, free: int) -> bool:
    """Whether so many free starts are the share that is kept, or more."""
    return PARTS * free >= kept.thousandths * kept.total


def released_at(
    starts_at: datetime, held_on: date, days_before: int, minute: int, zone: ZoneInfo, state: str
) -> datetime:
    """When the share of an opening is released: on an office day, so many days before it begins, or a little earlier.

    `minute`: of the day; the caller draws it so that nobody can foretell it. Never later than the days say.
    """
    on = held_on - timedelta(days=days_before)
    opens = starts_at.astimezone(zone).time().replace(tzinfo=None)
    found = _at(on, minute, zone)
    while not is_office_day(on, state) or found > wall_to_utc(held_on - timedelta(days=days_before), opens, zone):
        on -= timedelta(days=1)
        found = _at(on, minute, zone)
    return found


def is_office_day(on: date, state: str) -> bool:
    """Monday to Friday, but for public holidays: somebody looks at a screen, and not only bots."""
    return on.weekday() < SATURDAY and public_holiday(state, on) is None


def minute_of(number: int) -> int:
    """Any number, as a minute of an office day."""
    return FIRST_MINUTE + number % (LAST_MINUTE - FIRST_MINUTE + 1)


def _cells(during: Interval, grid_minutes: int) -> list[Interval]:
    """From each point of the grid to the next; the last one may be short."""
    step, found, starts_at = timedelta(minutes=grid_minutes), [], during.starts_at
    while starts_at < during.ends_at:
        found.append(Interval(starts_at, min(starts_at + step, during.ends_at)))
        starts_at += step
    return found


def _at(on: date, minute: int, zone: ZoneInfo) -> datetime:
    return wall_to_utc(on, time(*divmod(minute, 60)), zone)
