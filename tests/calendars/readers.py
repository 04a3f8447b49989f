"""Four parsers that share no code, asked the same: what stands when in this calendar?

icalendar (by its companion library), ical and vobject expand recurring events themselves; for ics, which keeps the
lines of a recurrence unread, dateutil does. Each raises on what it does not accept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import ics
import recurring_ical_events
import vobject
from dateutil.rrule import rruleset, rrulestr
from ical.calendar_stream import IcsCalendarStream
from icalendar import Calendar

from tests.calendars.sunday_town import YEAR, Occurrence


class Seen(NamedTuple):
    """An event, or one date of a recurring event."""

    uid: str
    starts_at: datetime
    ends_at: datetime
    is_cancelled: bool

    @property
    def when(self) -> Occurrence:
        return Occurrence(self.starts_at, self.ends_at)


class _Event(NamedTuple):
    """What stands in one VEVENT. `dates` None: it does not recur; `replaces`: the date of a series that it changes."""

    uid: str
    starts_at: datetime
    ends_at: datetime
    status: str
    dates: Iterable[datetime] | None
    replaces: datetime | None


Read = Callable[[bytes], list[Seen]]


def read_by_icalendar(body: bytes) -> list[Seen]:
    found = recurring_ical_events.of(Calendar.from_ical(body)).between(*YEAR)
    return sorted(_seen(each["UID"], each["DTSTART"].dt, each["DTEND"].dt, each["STATUS"]) for each in found)


def read_by_ical(body: bytes) -> list[Seen]:
    timeline = IcsCalendarStream.calendar_from_ics(body.decode()).timeline_tz(UTC)
    return sorted(_seen(each.uid, each.dtstart, each.dtend, each.status) for each in timeline.overlapping(*YEAR))


def read_by_ics(body: bytes) -> list[Seen]:
    return _expand(_from_ics(each) for each in ics.Calendar(body.decode()).events)


def read_by_vobject(body: bytes) -> list[Seen]:
    return _expand(_from_vobject(each) for each in vobject.readOne(body.decode()).contents.get("vevent", []))


READERS: tuple[Read, ...] = (read_by_icalendar, read_by_ical, read_by_ics, read_by_vobject)


def _from_ics(event: ics.Event) -> _Event:
    starts_at = event.begin.datetime
    lines = {name: [each for each in event.extra if each.name == name] for name in _RECURRENCE_LINES}
    dates = None
    if lines["RRULE"] or lines["RDATE"]:
        dates = rruleset()
        dates.rdate(starts_at)
        for line in lines["RRULE"]:
            dates.rrule(rrulestr(line.value, dtstart=starts_at))
        for name, add in (("RDATE", dates.rdate), ("EXDATE", dates.exdate)):
            for each in _instants(lines[name], starts_at):
                add(each)
    replaces = next(iter(_instants(lines["RECURRENCE-ID"], starts_at)), None)
    return _Event(event.uid, starts_at, event.end.datetime, event.status or "", dates, replaces)


_RECURRENCE_LINES = ("RRULE", "RDATE", "EXDATE", "RECURRENCE-ID")


def _instants(lines: Iterable[Any], like: datetime) -> list[datetime]:
    """The dates of these lines. All stand in the zone of the event's own begin, or in UTC."""
    found = []
    for text in (each for line in lines for each in line.value.split(",")):
        wall = datetime.strptime(text.removesuffix("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007  its zone follows
        found.append(wall.replace(tzinfo=UTC if text.endswith("Z") else like.tzinfo))
    return found


def _from_vobject(event: Any) -> _Event:
    replaces = event.contents.get("recurrence-id")
    return _Event(
        event.uid.value,
        event.dtstart.value,
        event.dtend.value,
        event.status.value,
        event.getrruleset(addRDate=True),
        replaces[0].value if replaces else None,
    )


def _expand(events: Iterable[_Event]) -> list[Seen]:
    """Every date within the year, without those that another event replaces."""
    events = list(events)
    replaced = {(each.uid, _in_utc(each.replaces)) for each in events if each.replaces}
    found = []
    for event in events:
        for starts_at in _dates_of(event):
            ends_at = starts_at + (event.ends_at - event.starts_at)
            seen = _seen(event.uid, starts_at, ends_at, event.status)
            if event.replaces or (seen.uid, seen.starts_at) not in replaced:
                found.append(seen)
    return sorted(found)


def _dates_of(event: _Event) -> Iterable[datetime]:
    if event.dates is None:
        return [event.starts_at] if YEAR[0] <= event.starts_at < YEAR[1] else []
    found = []
    for each in event.dates:
        if each >= YEAR[1]:
            break
        if each >= YEAR[0]:
            found.append(each)
    return found


def _seen(uid: Any, starts_at: datetime, ends_at: datetime, status: Any) -> Seen:
    return Seen(str(uid), _in_utc(starts_at), _in_utc(ends_at), str(getattr(status, "value", status)) == "CANCELLED")


def _in_utc(at: datetime) -> datetime:
    assert at.tzinfo is not None, "a time without zone would float"
    return at.astimezone(UTC)
