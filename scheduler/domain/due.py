"""When messages are due, and when data goes. Instants in, instants out."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from scheduler.domain.recurrence import local_date, wall_to_utc

REMINDER_TIME = time(16, 0)
"""Local time on the day before the visit."""

_FIRST_RETRY = timedelta(minutes=1)
_LAST_RETRY = timedelta(hours=2)
MOST_ATTEMPTS = 8


def reminder_due_at(starts_at: datetime, zone: ZoneInfo, now: datetime) -> datetime | None:
    """The afternoon before the day of the visit; None when that has passed: a late reminder helps nobody."""
    due_at = wall_to_utc(local_date(starts_at, zone) - timedelta(days=1), REMINDER_TIME, zone)
    return due_at if due_at > now else None


def retry_after(attempts: int) -> timedelta | None:
    """How long to wait after that many failed attempts: doubling from a minute to two hours; None: give up."""
    if attempts >= MOST_ATTEMPTS:
        return None
    return min(_FIRST_RETRY * (1 << (attempts - 1)), _LAST_RETRY)
