"""Office hours as the tests of the domain talk about them."""

from __future__ import annotations

from datetime import date, time
from typing import Any
from zoneinfo import ZoneInfo

from scheduler.domain.recurrence import ClosedDays, DatedOpening, Rule, dated_openings

BERLIN = ZoneInfo("Europe/Berlin")
WEDNESDAYS = "FREQ=WEEKLY;BYDAY=WE"
CHRISTMAS = ClosedDays(date(2026, 12, 24), date(2027, 1, 1), {"de": "Weihnachtsferien"})
CORPUS_CHRISTI = date(2026, 6, 4)
"""A Thursday; a public holiday in Hesse."""


def rule(**changes: Any) -> Rule:
    """Wednesdays from nine to twelve in Hesse, unless told otherwise."""
    settings: dict[str, Any] = {
        "from_time": time(9),
        "until_time": time(12),
        "valid_from": date(2007, 7, 1),
        "rrule": WEDNESDAYS,
        "staff": ("awo-1",),
        "state": "HE",
    }
    return Rule(**{**settings, **changes})


def openings(of: Rule, from_on: date, until_on: date) -> list[DatedOpening]:
    return dated_openings(of, BERLIN, from_on, until_on)


def held(of: Rule, from_on: date, until_on: date) -> list[date]:
    """Days on which an opening takes place."""
    return [each.on for each in openings(of, from_on, until_on) if each.takes_place]


def staff(of: Rule, from_on: date, until_on: date) -> list[tuple[str, ...]]:
    return [each.staff for each in openings(of, from_on, until_on)]
