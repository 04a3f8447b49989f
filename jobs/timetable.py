"""All that runs without a click, and how often: short ticks that ask the database what is due.

No clock time stands here on purpose: 2:30 happens twice, or never, on the days of the time change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from jobs import feeds, full_house, messages, queue, upkeep
from jobs.work import Work


class Tick(NamedTuple):
    name: str
    every_seconds: int
    run: Callable[[Work], None]


TIMETABLE = (
    Tick("send messages", 5, messages.send_due),
    Tick("publish feeds", 10, feeds.publish_stale),
    Tick("review full openings", 15, full_house.review_openings),
    Tick("tell who is nearly called", 20, queue.tell_nearly_due),
    Tick("close past days", 600, upkeep.close_past_days),
    Tick("delete old contacts", 3600, upkeep.delete_contacts),
    Tick("forget idempotency keys", 3600, upkeep.forget_keys),
)
