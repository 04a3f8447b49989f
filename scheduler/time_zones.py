"""The rules of a time zone as calendars carry them (VTIMEZONE), worked out from the system's zone data.

Each change of the clocks that follows one rule every year ("last Sunday in March") becomes that rule; where no such
rule fits, the changes stand there one by one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard, vRecur

_YEARS = 10
"""A rule must hold for so many years, from the one before the first that is asked for."""
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)
_LONG_AGO = datetime(1970, 1, 1)  # noqa: DTZ001 - wall time, as everything in these rules


class _Kind(NamedTuple):
    """One kind of change: from which offset to which, and what the time is called after it."""

    before: timedelta
    after: timedelta
    name: str


def describe_zone(zone: ZoneInfo, first_year: int) -> Timezone:
    """The rules that hold from the beginning of `first_year` on, for ten years at least."""
    described = Timezone()
    described.add("tzid", zone.key)
    begins = datetime(first_year - 1, 1, 1, tzinfo=UTC)
    changes = list(_changes(zone, begins, begins.replace(year=begins.year + _YEARS)))
    if not changes or changes[0] >= datetime(first_year, 1, 1, tzinfo=zone):
        offset, name = _offset(zone, begins), begins.astimezone(zone).tzname() or ""
        described.add_component(_observance(_Kind(offset, offset, name), [_LONG_AGO], None))
    by_kind: dict[_Kind, list[datetime]] = defaultdict(list)
    for at in changes:
        before = _offset(zone, at - _MINUTE)
        kind = _Kind(before, _offset(zone, at), at.astimezone(zone).tzname() or "")
        by_kind[kind].append((at + before).replace(tzinfo=None))
    for kind, wall_times in by_kind.items():
        described.add_component(_observance(kind, wall_times, _yearly_rule(wall_times)))
    return described


def _changes(zone: ZoneInfo, begins: datetime, ends: datetime) -> Iterable[datetime]:
    """The instants, to the minute, from which the clocks of a zone differ from those before."""
    day = begins
    while day < ends:
        low, high = day, day + _DAY
        if _offset(zone, low) != _offset(zone, high):
            while high - low > _MINUTE:
                middle = low + (high - low) // (2 * _MINUTE) * _MINUTE
                low, high = (middle, high) if _offset(zone, middle) == _offset(zone, low) else (low, middle)
            yield high
        day += _DAY


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def _yearly_rule(wall_times: list[datetime]) -> str | None:
    """The rule that all of them follow, one in each year; None: there is none."""
    years = [each.year for each in wall_times]
    same = {(each.month, each.weekday(), each.time()) for each in wall_times}
    if len(same) != 1 or len(years) != _YEARS or len(set(years)) != _YEARS:
        return None
    [(month, weekday, _)] = same
    if all((each + timedelta(days=7)).month != each.month for each in wall_times):
        nth = -1
    elif len({(each.day - 1) // 7 for each in wall_times}) == 1:
        nth = (wall_times[0].day - 1) // 7 + 1
    else:
        return None
    return f"FREQ=YEARLY;BYMONTH={month};BYDAY={nth}{_WEEKDAYS[weekday]}"


def _observance(kind: _Kind, wall_times: list[datetime], rule: str | None) -> TimezoneStandard | TimezoneDaylight:
    found = TimezoneDaylight() if kind.after > kind.before else TimezoneStandard()
    found.add("dtstart", wall_times[0])
    found.add("tzoffsetfrom", kind.before)
    found.add("tzoffsetto", kind.after)
    found.add("tzname", kind.name)
    if rule is not None:
        found.add("rrule", vRecur.from_ical(rule))
    else:
        for each in wall_times[1:]:
            found.add("rdate", each)
    return found
