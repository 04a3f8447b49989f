"""Rows to iCalendar bytes: the invitation of one visit, and the parts that feeds (`feed_calendars.py`) share with it.

The same input gives the same bytes: nothing here asks the clock or makes a random UID. Appointments stand in UTC, which
every calendar app shows right on both days of the time change.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event

from scheduler.domain.codes import link_token, spoken
from scheduler.models import Place, Visit
from scheduler.texts import isolated, spoken_date, spoken_time, translations_for

Method = Literal["PUBLISH", "REQUEST", "CANCEL"]

_PRODUCT = "-//Sprechstunde//Sprechstunde//EN"


class Parties(NamedTuple):
    """Between whom an invitation goes: the addresses of sender and client. The sender is named as the place is."""

    organizer: str
    attendee: str


def invitation(
    visit: Visit,
    *,
    zone: ZoneInfo,
    base_url: str,
    secret: str,
    method: Method = "PUBLISH",
    parties: Parties | None = None,
) -> bytes:
    """The client's own .ics of one appointment, in the visit's locale: time, place, code and link, nothing else.

    A move keeps the UID and raises SEQUENCE, so calendars replace what they have. `method` equals the `method=` of the
    Content-Type that it travels with: REQUEST and CANCEL go by mail and need `parties` (RFC 5546), PUBLISH is for the
    download. Raises ValueError for a walk-in, which has no time.
    """
    _ = translations_for(visit.locale).gettext
    event = begin_event(f"visit-{visit.id}", *times_of(visit), base_url)
    event.add("location", say_where(visit.place))
    add_stamps(event, visit.sequence, visit.changed_at)
    if parties is not None:
        _add_parties(event, parties, visit.place.name)
    summary = _("Appointment: %(place)s") % {"place": visit.place.name}
    add_summary(event, summary, visit.locale, cancelled=method == "CANCEL" or visit.state == "cancelled")
    event.add("description", _client_description(visit, zone, base_url, secret))
    event.add("url", visit_url(visit, base_url, secret))
    calendar = begin_calendar()
    calendar.add("method", method)
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def visit_url(visit: Visit, base_url: str, secret: str) -> str:
    """The visit's one link, the same in every message, on paper and in calendars."""
    return f"{base_url}/visits/{link_token(secret, visit.id, visit.link_epoch)}"


def host_of(base_url: str) -> str:
    """The host of the pages' address: the right side of every UID and Message-ID."""
    return urlsplit(base_url).hostname or "localhost"


def begin_calendar() -> Calendar:
    """A calendar without events."""
    # Calendar.new() would write a random UID for the whole calendar: no ETag would ever match again.
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    return calendar


def begin_event(name: str, starts_at: datetime, ends_at: datetime, base_url: str) -> Event:
    """An event of this name, which is unique here and stays. Raises ValueError for a naive time."""
    event = Event()
    event.add("uid", f"{name}@{host_of(base_url)}")
    event.add("dtstart", _in_utc(starts_at))
    event.add("dtend", _in_utc(ends_at))
    return event


def add_stamps(event: Event, sequence: int, changed_at: datetime) -> None:
    """Which version of the event it is, and since when it stands so."""
    event.add("sequence", sequence)
    event.add("dtstamp", _in_utc(changed_at))
    event.add("last-modified", _in_utc(changed_at))


def add_summary(event: Event, summary: str, locale: str, *, cancelled: bool = False, takes_time: bool = True) -> None:
    """What it is called, whether it takes place, and whether it keeps anybody's time busy."""
    if cancelled:
        # Some apps show a cancelled event like any other, so its name says it too.
        summary = translations_for(locale).gettext("Cancelled: %(what)s") % {"what": summary}
    event.add("summary", summary)
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    event.add("transp", "OPAQUE" if takes_time and not cancelled else "TRANSPARENT")


def say_where(place: Place) -> str:
    """A place as LOCATION."""
    return f"{place.name}, {place.address}"


def times_of(visit: Visit) -> tuple[datetime, datetime]:
    """Begin and end of an appointment. Raises ValueError for a walk-in."""
    if visit.starts_at is None or visit.ends_at is None:
        raise ValueError(f"visit {visit.id} is a walk-in and has no time")
    return visit.starts_at, visit.ends_at


def _add_parties(event: Event, parties: Parties, name: str) -> None:
    """The client has accepted by booking: apps enter it without a question, and send no answer."""
    accepted = {"CUTYPE": "INDIVIDUAL", "ROLE": "REQ-PARTICIPANT", "PARTSTAT": "ACCEPTED", "RSVP": "FALSE"}
    event.add("organizer", f"mailto:{parties.organizer}", parameters={"CN": name})
    event.add("attendee", f"mailto:{parties.attendee}", parameters=accepted)


def _client_description(visit: Visit, zone: ZoneInfo, base_url: str, secret: str) -> str:
    _ = translations_for(visit.locale).gettext
    starts_at, _ends_at = times_of(visit)
    day, time = spoken_date(starts_at, visit.locale, zone), spoken_time(starts_at, visit.locale, zone)
    lines = [
        _("%(day)s at %(time)s") % {"day": day, "time": time},
        _("Your code: %(code)s") % {"code": isolated(spoken(visit.code or ""), visit.locale)},
        _("Move or cancel here:"),
        visit_url(visit, base_url, secret),
    ]
    return "\n".join(lines)


def _in_utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"naive datetime {at!r} would float: every instant needs a time zone")
    return at.astimezone(UTC)
