"""Rows to iCalendar bytes: the invitation of one visit, and an adviser's feed.

What is read, and when a feed is renewed, is decided elsewhere (`actions/feeds.py`). The same input gives the same
bytes, so an ETag over them is stable: nothing here asks the clock or makes a random UID. Appointments stand in UTC,
which every calendar app shows right on both days of the time change.
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
from scheduler.models.town import text_in
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
    calendar = _empty_calendar()
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", _REFRESH_EVERY, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for duty in sorted(duties, key=lambda each: (each.starts_at, each.public_id)):
        calendar.add_component(_duty_event(duty, locale, base_url, stamp))
    for visit in sorted(visits, key=lambda each: (_times_of(each), each.id)):
        calendar.add_component(_appointment_event(visit, level, locale, base_url))
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
    uid = f"duty-{duty.public_id.replace('/', '-')}@{host_of(base_url)}"
    event = _event(uid, duty.starts_at, duty.ends_at, duty.place)
    event.add("sequence", duty.sequence)
    event.add("dtstamp", _in_utc(stamp))
    event.add("summary", translations_for(locale).gettext("Consultation hours"))
    event.add("status", "CONFIRMED")
    # On duty is not busy: the appointments within are.
    event.add("transp", "TRANSPARENT")
    return event


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
