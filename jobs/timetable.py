"""All that runs without a click, and how often: short ticks that ask the database what is due.

No clock time stands here on purpose: 2:30 happens twice, or never, on the days of the time change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from jobs import busy_calendars, feeds, freed_times, full_house, heartbeat, messages, queue, upkeep
from jobs.work import Work


class Tick(NamedTuple):
    name: str
    every_seconds: int
    run: Callable[[Work], None]


TIMETABLE = (
    Tick("send mail", 5, messages.send_mail),
    Tick("send text messages", 5, messages.send_texts),
    Tick("show that it is at work", 30, heartbeat.beat),
    Tick("publish feeds", 10, feeds.publish_stale),
    Tick("read own calendars", 30, busy_calendars.read_due),
    Tick("review full openings", 15, full_house.review_openings),
    Tick("offer freed times", 20, freed_times.offer_freed),
    Tick("tell who is nearly called", 20, queue.tell_nearly_due),
    Tick("close past days", 600, upkeep.close_past_days),
    Tick("count old visits", 3600, upkeep.count_old_visits),
    Tick("delete by plan", 3600, upkeep.delete_by_plan),
)
