"""When messages are due, and when data goes. Instants in, instants out."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from scheduler.domain.recurrence import local_date, wall_to_utc

REMINDER_TIME = time(16, 0)
"""Local time on the day before the visit."""

QUIET_FROM, QUIET_UNTIL = time(21, 0), time(8, 0)
"""Local times between which nobody is reminded of anything."""

NEARLY_GOOD_FOR = timedelta(minutes=20)
"""Whoever reads it later has been called, or knows."""

LAST_REMINDER = timedelta(hours=2)
"""Before the visit: later a reminder brings nobody who is not on the way, and the time is lost to everybody else."""

_FIRST_RETRY = timedelta(minutes=1)
_LAST_RETRY = timedelta(hours=2)
MOST_ATTEMPTS = 12
"""Ten hours in all: a mail server that fails in the evening is back before anything is given up."""


def reminder_due_at(starts_at: datetime, zone: ZoneInfo, now: datetime) -> datetime | None:
    """The afternoon before the day of the visit; None when that has passed: a late reminder helps nobody."""
    due_at = wall_to_utc(local_date(starts_at, zone) - timedelta(days=1), REMINDER_TIME, zone)
    return due_at if due_at > now else None


def expires_at(kind: str, due_at: datetime, starts_at: datetime | None) -> datetime | None:
    """From when a message of this kind helps nobody any more; None: never.

    Nothing is told about an appointment (`starts_at`) that has begun.
    """
    if kind == "nearly":
        return due_at + NEARLY_GOOD_FOR
    if starts_at is None:
        return None
    return starts_at - LAST_REMINDER if kind == "reminder" else starts_at


def quiet_until(now: datetime, zone: ZoneInfo) -> datetime | None:
    """When the quiet hours end that `now` is in; None: it is in none."""
    today, clock = local_date(now, zone), now.astimezone(zone).time()
    if clock >= QUIET_FROM:
        return wall_to_utc(today + timedelta(days=1), QUIET_UNTIL, zone)
    return wall_to_utc(today, QUIET_UNTIL, zone) if clock < QUIET_UNTIL else None


def retry_after(attempts: int) -> timedelta | None:
    """How long to wait after that many failed attempts: doubling from a minute to two hours; None: give up."""
    if attempts >= MOST_ATTEMPTS:
        return None
    return min(_FIRST_RETRY * (1 << (attempts - 1)), _LAST_RETRY)


READ_EVERY = timedelta(minutes=15)
"""How often an adviser's own calendar is read."""
_READ_AT_LEAST_EVERY = timedelta(hours=6)


def read_again_after(failures: int) -> timedelta:
    """When a calendar is read again that failed so often in a row: the wait doubles up to six hours."""
    return min(READ_EVERY * (1 << min(max(failures - 1, 0), 10)), _READ_AT_LEAST_EVERY)
