"""Calendars as bytes, for tests: a frame, events, and the days on which they lie."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from scheduler.busy_calendars.reading import read_busy
from scheduler.domain.intervals import Interval

BERLIN = ZoneInfo("Europe/Berlin")
WINDOW = Interval(datetime(2026, 11, 23, 23, tzinfo=UTC), datetime(2027, 1, 20, 23, tzinfo=UTC))
"""From Tuesday, 24 November, to 20 January: as the small town's rules have it on that Tuesday."""


def calendar(*parts: str) -> bytes:
    """A calendar of these events; each part is one, or another component, or a line."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//test//EN", *parts, "END:VCALENDAR", ""]
    return "\r\n".join(lines).encode()


def event(*lines: str, uid: str = "one@elsewhere") -> str:
    """An event of these lines, with what else makes up one: all of it must stay where it is."""
    return "\r\n".join(
        ["BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20260101T000000Z", "SUMMARY:Zahnarzt Dr. Müller", *lines, "END:VEVENT"]
    )


def at_ten(*lines: str, uid: str = "one@elsewhere") -> str:
    """An event on Wednesday, 25 November, from 10 to 11."""
    return event(
        "DTSTART;TZID=Europe/Berlin:20261125T100000", "DTEND;TZID=Europe/Berlin:20261125T110000", *lines, uid=uid
    )


def weekly(*lines: str) -> str:
    """From Wednesday, 4 November, on, from 9 to 10."""
    return event(
        "DTSTART;TZID=Europe/Berlin:20261104T090000",
        "DTEND;TZID=Europe/Berlin:20261104T100000",
        "RRULE:FREQ=WEEKLY;COUNT=6",
        *lines,
    )


def zone_of(name: str, offset: str = "+0500") -> str:
    """A time zone that the calendar brings along."""
    return "\r\n".join(
        [
            "BEGIN:VTIMEZONE", f"TZID:{name}", "BEGIN:STANDARD", "DTSTART:19700101T000000",
            f"TZOFFSETFROM:{offset}", f"TZOFFSETTO:{offset}", "END:STANDARD", "END:VTIMEZONE",
        ]
    )  # fmt: skip


def busy_times(*parts: str, window: Interval = WINDOW) -> list[str]:
    """What is read of these parts, in local time: "11-25 10:00 – 11-25 11:00"."""
    found = read_busy(calendar(*parts), window=window, zone=BERLIN, own_host="localhost")
    return [" – ".join(f"{each.astimezone(BERLIN):%m-%d %H:%M}" for each in during) for during in found]
