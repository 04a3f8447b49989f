"""Rows to iCalendar bytes: the invitation of one visit, an adviser's feed, a place's public feed.

What is read, and when a feed is renewed, is decided elsewhere (`actions/feeds.py`). The same input gives the same
bytes, so an ETag over them is stable: nothing here asks the clock or makes a random UID. Appointments stand in UTC,
which every calendar app shows right on both days of the time change. So do office hours, date by date: a recurring
event would need time zone rules, and one more component for each date that is cancelled or moved, which apps read in
different ways; and public holidays follow no rule that a calendar knows.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event

from scheduler.domain.codes import link_token, spoken
from scheduler.models import Place, Visit
from scheduler.models.feeds import FeedLevel
from scheduler.models.town import Texts, text_in
from scheduler.texts import isolated, language_name, spoken_date, spoken_time, translations_for

Method = Literal["PUBLISH", "CANCEL"]

_PRODUCT = "-//Sprechstunde//Sprechstunde//EN"
_REFRESH_EVERY = timedelta(hours=1)


class Duty(NamedTuple):
    """One opening at which the adviser is on duty. `sequence` grows when the rules change."""

    public_id: str
    starts_at: datetime
    ends_at: datetime
    place: Place
    sequence: int


class PublicOpening(NamedTuple):
    """One dated opening as everybody may know it. `admits` in words; `closed_because` None: it takes place."""

    public_id: str
    starts_at: datetime
    ends_at: datetime
    admits: str
    room: str
    sequence: int
    closed_because: Texts | None


def invitation(
    visit: Visit,
    *,
    zone: ZoneInfo,
    base_url: str,
    secret: str,
    method: Method = "PUBLISH",
    stamp: datetime | None = None,
) -> bytes:
    """The client's own .ics of one appointment, in the visit's locale: time, place, code and link, nothing else.

    A move keeps the UID and raises SEQUENCE, so calendars replace what they have. `method` equals the `method=` of the
    Content-Type that it travels with; `stamp` is DTSTAMP, by default when the visit changed. Raises ValueError for a
    walk-in, which has no time.
    """
    _ = translations_for(visit.locale).gettext
    event = _visit_event(visit, base_url, stamp)
    summary = _("Appointment: %(place)s") % {"place": visit.place.name}
    _add_summary(event, summary, visit.locale, cancelled=method == "CANCEL" or visit.state == "cancelled")
    event.add("description", _client_description(visit, zone, base_url, secret))
    event.add("url", visit_url(visit, base_url, secret))
    calendar = _empty_calendar()
    calendar.add("method", method)
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def adviser_feed(
    visits: Iterable[Visit],
    duties: Iterable[Duty],
    *,
    level: FeedLevel,
    locale: str,
    name: str,
    base_url: str,
    stamp: datetime,
) -> bytes:
    """An adviser's own calendar: duties as free time, appointments as busy, cancelled ones struck through.

    `level` "busy" tells only that the time is taken; "details" adds ticket or code, service, concern and language.
    `stamp` is DTSTAMP of duties, which have no row that could tell when they changed.
    """
    calendar = _named_calendar(name)
    for duty in sorted(duties, key=lambda each: (each.starts_at, each.public_id)):
        calendar.add_component(_duty_event(duty, locale, base_url, stamp))
    for visit in sorted(visits, key=lambda each: (_times_of(each), each.id)):
        calendar.add_component(_appointment_event(visit, level, locale, base_url))
    return bytes(calendar.to_ical())


def place_feed(
    place: Place, openings: Iterable[PublicOpening], *, locale: str, base_url: str, stamp: datetime
) -> bytes:
    """A place's public calendar: each opening by itself, cancelled ones marked as such, and no client.

    `stamp` is DTSTAMP of all events, which have no row that could tell when they changed: SEQUENCE grows instead.
    """
    what = translations_for(locale).gettext("Consultation hours")
    calendar = _named_calendar(f"{what} · {place.name}")
    for opening in sorted(openings, key=lambda each: (each.starts_at, each.public_id)):
        event = _event(_uid("opening", opening.public_id, base_url), opening.starts_at, opening.ends_at, place)
        event.add("sequence", opening.sequence)
        event.add("dtstamp", _in_utc(stamp))
        _add_summary(event, f"{what} · {place.name}", locale, cancelled=opening.closed_because is not None)
        event["transp"] = "TRANSPARENT"  # it takes nobody's time who only wants to know
        event.add("description", _public_description(opening, place, locale))
        event.add("url", f"{base_url}/places/{place.key}")
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def visit_url(visit: Visit, base_url: str, secret: str) -> str:
    """The visit's one link, the same in every message, on paper and in calendars."""
    return f"{base_url}/visits/{link_token(secret, visit.id, visit.link_epoch)}"


def host_of(base_url: str) -> str:
    """The host of the pages' address: the right side of every UID and Message-ID."""
    return urlsplit(base_url).hostname or "localhost"


def _empty_calendar() -> Calendar:
    # Calendar.new() would write a random UID for the whole calendar: no ETag would ever match again.
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    return calendar


def _named_calendar(name: str) -> Calendar:
    """A calendar to subscribe to, with its name and how often to fetch it."""
    calendar = _empty_calendar()
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", _REFRESH_EVERY, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    return calendar


def _visit_event(visit: Visit, base_url: str, stamp: datetime | None = None) -> Event:
    starts_at, ends_at = _times_of(visit)
    event = _event(f"visit-{visit.id}@{host_of(base_url)}", starts_at, ends_at, visit.place)
    event.add("sequence", visit.sequence)
    event.add("dtstamp", _in_utc(stamp or visit.changed_at))
    event.add("last-modified", _in_utc(visit.changed_at))
    return event


def _appointment_event(visit: Visit, level: FeedLevel, locale: str, base_url: str) -> Event:
    event = _visit_event(visit, base_url)
    summary = translations_for(locale).gettext("Appointment")
    if level == "details":
        summary = " · ".join((_name_of(visit), *([visit.service.key] if visit.service else [])))
        if description := _staff_description(visit, locale):
            event.add("description", description)
    _add_summary(event, summary, locale, cancelled=visit.state == "cancelled")
    return event


def _duty_event(duty: Duty, locale: str, base_url: str, stamp: datetime) -> Event:
    event = _event(_uid("duty", duty.public_id, base_url), duty.starts_at, duty.ends_at, duty.place)
    event.add("sequence", duty.sequence)
    event.add("dtstamp", _in_utc(stamp))
    event.add("summary", translations_for(locale).gettext("Consultation hours"))
    event.add("status", "CONFIRMED")
    # On duty is not busy: the appointments within are.
    event.add("transp", "TRANSPARENT")
    return event


def _uid(what: str, public_id: str, base_url: str) -> str:
    """A name for good: that of the opening, which it keeps wherever it is moved."""
    return f"{what}-{public_id.replace('/', '-')}@{host_of(base_url)}"


def _event(uid: str, starts_at: datetime, ends_at: datetime, place: Place) -> Event:
    event = Event()
    event.add("uid", uid)
    event.add("dtstart", _in_utc(starts_at))
    event.add("dtend", _in_utc(ends_at))
    event.add("location", f"{place.name}, {place.address}")
    return event


def _add_summary(event: Event, summary: str, locale: str, *, cancelled: bool) -> None:
    if cancelled:
        # Some apps show a cancelled event like any other, so its name says it too.
        summary = translations_for(locale).gettext("Cancelled: %(what)s") % {"what": summary}
    event.add("summary", summary)
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if cancelled else "OPAQUE")


def _client_description(visit: Visit, zone: ZoneInfo, base_url: str, secret: str) -> str:
    _ = translations_for(visit.locale).gettext
    starts_at, _ends_at = _times_of(visit)
    day, time = spoken_date(starts_at, visit.locale, zone), spoken_time(starts_at, visit.locale, zone)
    lines = [
        _("%(day)s at %(time)s") % {"day": day, "time": time},
        _("Your code: %(code)s") % {"code": isolated(spoken(visit.code or ""), visit.locale)},
        _("Move or cancel here:"),
        visit_url(visit, base_url, secret),
    ]
    return "\n".join(lines)


def _staff_description(visit: Visit, locale: str) -> str:
    _ = translations_for(locale).gettext
    language = _("another language") if visit.language == "other" else language_name(visit.language or "", locale)
    concern = text_in(visit.concern.name, locale) if visit.concern else ""
    return "\n".join(line for line in (concern, language) if line)


def _public_description(opening: PublicOpening, place: Place, locale: str) -> str:
    """How one comes, where the room is, whom to call; and why it is cancelled, if the reason is public."""
    closed = text_in(opening.closed_because, locale) if opening.closed_because else ""
    return "\n".join(line for line in (closed, opening.admits, opening.room, place.phone) if line)


def _name_of(visit: Visit) -> str:
    return str(visit.ticket) if visit.ticket is not None else spoken(visit.code or "")


def _times_of(visit: Visit) -> tuple[datetime, datetime]:
    if visit.starts_at is None or visit.ends_at is None:
        raise ValueError(f"visit {visit.id} is a walk-in and has no time")
    return visit.starts_at, visit.ends_at


def _in_utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"naive datetime {at!r} would float: every instant needs a time zone")
    return at.astimezone(UTC)
