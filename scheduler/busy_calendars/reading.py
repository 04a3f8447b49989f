"""From the bytes of a calendar to the times in which its owner is busy. Pure; runs in a process apart (`apart.py`).

Only lines that say when, and whether that is busy, are read at all: titles, places and people fall out first.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar
from icalendar.timezone import tzp
from recurring_ical_events import CalendarQuery

from scheduler.busy_calendars import CalendarProblem
from scheduler.domain.intervals import Interval, merged
from scheduler.domain.recurrence import wall_to_utc

MOST_ENTRIES = 20_000
"""Events of a calendar, and dates that it adds or leaves out one by one."""
MOST_OCCURRENCES = 10_000
MOST_A_DAY = 48
"""Times of one day that one rule may name."""

Part = Any
"""An icalendar component: its own types name all properties that any component can have."""

_DEEPEST = 4
_PARTS = {"VCALENDAR", "VEVENT", "VFREEBUSY", "VTIMEZONE", "STANDARD", "DAYLIGHT"}
_LISTS = {"RDATE", "EXDATE", "FREEBUSY"}
_TIMES = {"DTSTART", "DTEND", "RDATE", "EXDATE", "RECURRENCE-ID"}
_NEEDED = {
    *_LISTS, *_TIMES, "BEGIN", "END", "VERSION", "CALSCALE", "DURATION", "RRULE", "UID", "SEQUENCE", "STATUS",
    "TRANSP", "X-MICROSOFT-CDO-BUSYSTATUS", "TZID", "TZOFFSETFROM", "TZOFFSETTO", "TZNAME",
}  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9-]+")
_FLOATING = re.compile(r"\d{8}T\d{6}(,\d{8}T\d{6})*")
_FREE = {"FREE", "WORKINGELSEWHERE"}
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_AROUND = timedelta(days=2)
"""Wider than all that zones differ by."""


def read_busy(body: bytes, *, window: Interval, zone: ZoneInfo, own_host: str) -> list[Interval]:
    """When the owner is busy within the window: disjoint and in order of time. Raises CalendarProblem.

    All-day entries are whole days in `zone`, and times without a zone mean `zone`. Entries that carry our own name
    (`own_host`) count for nothing: they are appointments that stand here anyway.
    """
    tzp.use_default()  # it remembers the zones of the calendar before
    try:
        text = body.decode("utf-8-sig", errors="replace").strip()
        lines = list(_needed_lines(_checked(text), zone))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = [
                each
                for calendar in Calendar.from_ical("\r\n".join(lines), multiple=True)
                for each in _busy_in(calendar, window, zone, own_host)
            ]
    except CalendarProblem:
        raise
    except MemoryError as error:
        raise CalendarProblem("too_many") from error
    except Exception as error:  # whatever the libraries make of strange bytes
        raise CalendarProblem("unreadable") from error
    return merged(_clipped(found, window))


def _checked(text: str) -> str:
    if not text[:15].upper() == "BEGIN:VCALENDAR" or "\x00" in text:
        raise CalendarProblem("not_a_calendar")
    if text[-13:].upper() != "END:VCALENDAR":
        raise CalendarProblem("incomplete")
    return re.sub(r"\r?\n[ \t]", "", text)


def _needed_lines(text: str, zone: ZoneInfo) -> Iterator[str]:
    """The lines that matter, of the parts that matter; refuses what would take for ever to read."""
    stack: list[str] = []
    entries = 0
    for line in re.split(r"\r?\n", text):
        match = _NAME.match(line)
        name = match.group().upper() if match else ""
        value = line.rpartition(":")[2].strip()
        if name == "BEGIN":
            stack.append(value.upper())
            entries += stack[-1] in ("VEVENT", "VFREEBUSY")
        if stack and all(each in _PARTS for each in stack) and name in _NEEDED:
            entries += value.count(",") if name in _LISTS else 0
            _refuse_floods(name, value, len(stack), entries)
            yield _in_zone(line, name, value, zone) if stack[-1] == "VEVENT" else line
        if name == "END" and (not stack or stack.pop() != value.upper()):
            raise CalendarProblem("unreadable")
    if stack:
        raise CalendarProblem("incomplete")


def _refuse_floods(name: str, value: str, depth: int, entries: int) -> None:
    if depth > _DEEPEST:
        raise CalendarProblem("unreadable")
    if entries > MOST_ENTRIES:
        raise CalendarProblem("too_many")
    if name == "RRULE":
        _refuse_endless(dict(part.partition("=")[::2] for part in value.upper().split(";")))


def _refuse_endless(rule: dict[str, str]) -> None:
    times = 1
    for part in ("BYHOUR", "BYMINUTE", "BYSECOND"):
        times *= rule.get(part, "").count(",") + 1
    if rule.get("FREQ") in ("SECONDLY", "MINUTELY") or times > MOST_A_DAY:
        raise CalendarProblem("repeats_too_often")
    if rule.get("INTERVAL", "1").strip("0") == "":
        raise CalendarProblem("unreadable")


def _in_zone(line: str, name: str, value: str, zone: ZoneInfo) -> str:
    """A time that floats is the town's."""
    if name in _TIMES and _FLOATING.fullmatch(value) and "TZID=" not in line.upper():
        return f"{line[: len(name)]};TZID={zone.key}{line[len(name) :]}"
    return line


def _busy_in(calendar: Part, window: Interval, zone: ZoneInfo, own_host: str) -> Iterator[Interval]:
    if str(calendar.get("CALSCALE", "GREGORIAN")).upper() != "GREGORIAN":
        raise CalendarProblem("unreadable")
    events = [each for each in calendar.walk("VEVENT") if not _is_ours(each, own_host)]
    named = Counter(str(each.get("UID", "")) for each in events)
    series = Calendar()
    for event in events:
        if _is_long_over(event, window):
            continue
        _refuse_broken(event)
        if _repeats(event) or named[str(event.get("UID", ""))] > 1:
            series.add_component(event)
        elif _is_busy(event):
            yield _span(event["DTSTART"].dt, _end_of(event), zone)
    yield from _busy_in_series(series, window, zone)
    for part in calendar.walk("VFREEBUSY"):
        if not _is_ours(part, own_host):
            yield from _periods(part, zone)


def _busy_in_series(series: Calendar, window: Interval, zone: ZoneInfo) -> Iterator[Interval]:
    around = (window.starts_at - _AROUND, window.ends_at + _AROUND)
    for position, event in enumerate(CalendarQuery(series).between(*around)):
        if position >= MOST_OCCURRENCES:
            raise CalendarProblem("too_many")
        if _is_busy(event):
            yield _span(event["DTSTART"].dt, event["DTEND"].dt, zone)


def _repeats(event: Part) -> bool:
    return any(name in event for name in ("RRULE", "RDATE", "RECURRENCE-ID"))


def _end_of(event: Part) -> date:
    """Without an end or a length, a day ends with itself, and a time at once."""
    start: date = event["DTSTART"].dt
    if "DTEND" in event:
        end: date = event["DTEND"].dt
        return end
    return start + event["DURATION"].dt if "DURATION" in event else start


def _is_ours(part: Part, own_host: str) -> bool:
    return str(part.get("UID", "")).lower().endswith(f"@{own_host.lower()}")


def _is_long_over(event: Part, window: Interval) -> bool:
    """A single event of the past, however odd it is: nobody need mend it."""
    if event.errors or _repeats(event) or "DTSTART" not in event:
        return False
    last = max(_day_of(event["DTSTART"].dt), _day_of(_end_of(event)))
    return last < (window.starts_at - _AROUND).date()


def _refuse_broken(event: Part) -> None:
    """What the libraries would pass over in silence: a time that they could not read, a zone that nobody knows."""
    if event.errors or "DTSTART" not in event:
        raise CalendarProblem("unreadable")
    for each in _times_of(event):
        # All floating times have been given the town's zone: who is left without one named a zone that is not known.
        if isinstance(each, datetime) and each.tzinfo is None:
            raise CalendarProblem("unknown_zone")
    start, end = event["DTSTART"].dt, _end_of(event)
    if isinstance(start, datetime) != isinstance(end, datetime):
        raise CalendarProblem("unreadable")
    if end < start:
        raise CalendarProblem("wrong_times")


def _times_of(event: Part) -> Iterator[Any]:
    for name in _TIMES:
        found = event.get(name, [])
        for prop in found if isinstance(found, list) else [found]:
            for each in getattr(prop, "dts", [prop]):
                yield from each.dt if isinstance(each.dt, tuple) else [each.dt]


def _day_of(at: date) -> date:
    return date(at.year, at.month, at.day)


def _is_busy(event: Part) -> bool:
    """Opaque, not cancelled, and not shown as free; what is private counts like all else."""
    word = {name: str(event.get(name, "")).strip().upper() for name in ("TRANSP", "STATUS")}
    shown = str(event.get("X-MICROSOFT-CDO-BUSYSTATUS", "")).strip().upper()
    return word["TRANSP"] != "TRANSPARENT" and word["STATUS"] != "CANCELLED" and shown not in _FREE


def _periods(part: Part, zone: ZoneInfo) -> Iterator[Interval]:
    """The busy times of a list that says nothing else."""
    if part.errors:
        raise CalendarProblem("unreadable")
    found = part.get("FREEBUSY", [])
    for prop in found if isinstance(found, list) else [found]:
        if str(prop.params.get("FBTYPE", "BUSY")).upper() != "FREE":
            yield _span(prop.start, prop.end, zone)


def _span(start: date, end: date, zone: ZoneInfo) -> Interval:
    if not isinstance(start, datetime) and not isinstance(end, datetime) and end <= start:
        end = start + timedelta(days=1)  # many write one whole day so
    in_utc = partial(_in_utc, zone=zone)
    return Interval(in_utc(start), in_utc(end))


def _in_utc(at: date, zone: ZoneInfo) -> datetime:
    try:
        if not isinstance(at, datetime):
            return wall_to_utc(at, datetime.min.time(), zone)
        return at.astimezone(UTC) if at.tzinfo else wall_to_utc(at.date(), at.time(), zone)
    except OverflowError:  # the first or the last day of all time
        return _FIRST if at.year < 2000 else _LAST


def _clipped(found: Iterable[Interval], window: Interval) -> Iterator[Interval]:
    for each in found:
        during = Interval(max(each.starts_at, window.starts_at), min(each.ends_at, window.ends_at))
        if each.starts_at < each.ends_at and during.starts_at < during.ends_at:
            yield during
