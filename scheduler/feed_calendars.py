"""Rows to the calendars that apps subscribe to: an adviser's, a carrier's, an interpreters', a place's public one.

What is read, and when a feed is renewed, is decided elsewhere (`actions/feeds.py`). The same input gives the same
bytes, so an ETag over them is stable: nothing here asks the clock or makes a random UID. Appointments and duties stand
in UTC, which every calendar app shows right on both days of the time change. Only a place's office hours repeat, with
the rules of their time zone beside them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from icalendar import Event, vRecur

from scheduler.domain.codes import spoken
from scheduler.domain.recurrence import Rule, day_interval
from scheduler.domain.repetition import Repetition
from scheduler.ical import add_stamps, add_summary, begin_calendar, begin_event, host_of, say_where, times_of
from scheduler.models import Place, Visit
from scheduler.models.feeds import FeedLevel, ToldEvent
from scheduler.models.town import Texts, text_in
from scheduler.texts import language_name, translations_for
from scheduler.time_zones import describe_zone

_REFRESH_EVERY = timedelta(hours=1)
_DUTY = "duty-"


class FeedEvent(NamedTuple):
    """An event without its stamps, and the least SEQUENCE that it may bear."""

    event: Event
    sequence: int


class Duty(NamedTuple):
    """One opening at which somebody is on duty. `whose`: whom a feed of several advisers names; `key` tells them apart.

    `sequence` grows with the rules of the town.
    """

    public_id: str
    starts_at: datetime
    ends_at: datetime
    place: Place
    sequence: int
    whose: str = ""
    key: str = ""


class PublicHours(NamedTuple):
    """What everybody may know of one office hours. `admits` in words."""

    key: str
    place: Place
    admits: str
    room: str
    sequence: int


class Showing(NamedTuple):
    """How a feed of visits and duties says them.

    `level` "busy" tells only that the time is taken; "details" adds ticket or code, service, concern and language.
    """

    level: FeedLevel
    locale: str
    base_url: str
    says_where: bool = True


def appointment_event(visit: Visit, showing: Showing, whose: str = "") -> FeedEvent:
    """One appointment: busy, or struck through once it is cancelled. Raises ValueError for a walk-in."""
    event = begin_event(f"visit-{visit.id}", *times_of(visit), showing.base_url)
    if showing.says_where:
        event.add("location", say_where(visit.place))
    summary = translations_for(showing.locale).gettext("Appointment")
    if showing.level == "details":
        summary = " · ".join(filter(None, (whose, _name_of(visit), visit.service.key if visit.service else "")))
        if description := _staff_description(visit, showing.locale):
            event.add("description", description)
    add_summary(event, summary, showing.locale, cancelled=visit.state == "cancelled")
    return FeedEvent(event, visit.sequence)


def duty_event(duty: Duty, showing: Showing) -> FeedEvent:
    """On duty is not busy: the appointments within are."""
    event = begin_event(
        f"{_DUTY}{neutral_name(duty.public_id, duty.key)}", duty.starts_at, duty.ends_at, showing.base_url
    )
    event.add("location", say_where(duty.place))
    what = translations_for(showing.locale).gettext("Consultation hours")
    add_summary(event, " · ".join(filter(None, (duty.whose, what))), showing.locale, takes_time=False)
    return FeedEvent(event, duty.sequence)


def hours_event(
    hours: PublicHours, rule: Rule, repetition: Repetition, *, zone: ZoneInfo, locale: str, base_url: str
) -> FeedEvent:
    """Office hours that repeat, in the town's own time: their clock stays when the clocks change."""

    def wall(on: date, at: time) -> datetime:
        return datetime.combine(on, at, tzinfo=zone)

    event = Event()
    event.add("uid", f"hours-{hours.key}@{host_of(base_url)}")
    event.add("dtstart", wall(repetition.first_on, rule.from_time))
    event.add("dtend", wall(repetition.first_on, rule.until_time))
    last = day_interval(repetition.last_on, zone).ends_at - timedelta(seconds=1)
    event.add("rrule", vRecur.from_ical(f"{repetition.rrule};UNTIL={last:%Y%m%dT%H%M%SZ}"))
    for on in repetition.left_out:
        event.add("exdate", wall(on, rule.from_time))
    _say_hours(event, hours, locale, base_url, closed_because=None)
    return FeedEvent(event, hours.sequence)


def opening_event(
    hours: PublicHours,
    public_id: str,
    starts_at: datetime,
    ends_at: datetime,
    *,
    locale: str,
    base_url: str,
    closed_because: Texts | None = None,
) -> FeedEvent:
    """One date by itself, named for good wherever it is moved: held otherwise than usual, or cancelled and why."""
    event = begin_event(f"opening-{public_id.replace('/', '-')}", starts_at, ends_at, base_url)
    _say_hours(event, hours, locale, base_url, closed_because=closed_because)
    return FeedEvent(event, hours.sequence)


def stamp_events(
    events: Iterable[FeedEvent], told: dict[str, ToldEvent], *, now: datetime, forget_before: datetime, locale: str
) -> tuple[list[Event], dict[str, ToldEvent]]:
    """Give each event its SEQUENCE, LAST-MODIFIED and DTSTAMP: those that it had, unless it differs from what was told.

    A duty that is gone although its time is to come is told as cancelled. What left the feed before `forget_before`
    is forgotten. Gives the events in order, and what they tell.
    """
    current = {str(each.event["uid"]): each for each in events}
    telling: dict[str, ToldEvent] = {}
    for uid, known in told.items():
        gone_at = known.get("gone_at") or now.astimezone(UTC).isoformat()
        if uid not in current and datetime.fromisoformat(gone_at) >= forget_before:
            telling[uid] = {**known, "gone_at": gone_at}
            if _was_to_come(telling[uid]):
                current[uid] = _cancelled_duty(uid, telling[uid], locale)
    for uid, each in current.items():
        fresh = _tell(each, told.get(uid), now)
        telling[uid] = {**telling[uid], **fresh} if uid in telling else fresh
    stamped = [_stamped(each.event, telling[uid]) for uid, each in current.items()]
    return sorted(stamped, key=lambda each: (each.decoded("dtstart").astimezone(UTC), str(each["uid"]))), telling


def calendar_bytes(name: str, events: Iterable[Event], *, zone: ZoneInfo | None = None, first_year: int = 0) -> bytes:
    """A calendar to subscribe to, with its name, how often to fetch it, and the zone in which its events repeat."""
    calendar = begin_calendar()
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", _REFRESH_EVERY, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    if zone is not None:
        calendar.add_component(describe_zone(zone, first_year))
    for each in events:
        calendar.add_component(each)
    return bytes(calendar.to_ical())


def _tell(each: FeedEvent, known: ToldEvent | None, now: datetime) -> ToldEvent:
    event = each.event
    digest = hashlib.sha256(event.to_ical()).hexdigest()[:32]
    if known is not None and known["digest"] == digest:
        sequence, changed_at = known["sequence"], known["changed_at"]
    else:
        sequence = max(each.sequence, known["sequence"] + 1) if known is not None else each.sequence
        changed_at = now.astimezone(UTC).isoformat()
    telling: ToldEvent = {"digest": digest, "sequence": sequence, "changed_at": changed_at}
    if str(event["uid"]).startswith(_DUTY) and event["status"] == "CONFIRMED":
        begins, ends = (event.decoded(each).isoformat() for each in ("dtstart", "dtend"))
        telling["was"] = [begins, ends, str(event["summary"]), str(event["location"])]
    return telling


def _was_to_come(known: ToldEvent) -> bool:
    if "was" not in known or "gone_at" not in known:
        return False
    return datetime.fromisoformat(known["was"][1]) > datetime.fromisoformat(known["gone_at"])


def _cancelled_duty(uid: str, known: ToldEvent, locale: str) -> FeedEvent:
    begins, ends, summary, location = known["was"]
    event = Event()
    event.add("uid", uid)
    event.add("dtstart", datetime.fromisoformat(begins))
    event.add("dtend", datetime.fromisoformat(ends))
    event.add("location", location)
    add_summary(event, summary, locale, cancelled=True)
    return FeedEvent(event, 0)


def _stamped(event: Event, telling: ToldEvent) -> Event:
    add_stamps(event, telling["sequence"], datetime.fromisoformat(telling["changed_at"]))
    return event


def _say_hours(event: Event, hours: PublicHours, locale: str, base_url: str, *, closed_because: Texts | None) -> None:
    """How one comes, where the room is, whom to call; and why it is cancelled, if the reason is public."""
    closed = text_in(closed_because, locale) if closed_because else ""
    lines = (closed, hours.admits, hours.room, hours.place.phone)
    event.add("location", say_where(hours.place))
    event.add("description", "\n".join(line for line in lines if line))
    event.add("url", f"{base_url}/places/{hours.place.key}")
    what = translations_for(locale).gettext("Consultation hours")
    # It takes nobody's time who only wants to know.
    cancelled = closed_because is not None
    add_summary(event, f"{what} · {hours.place.name}", locale, cancelled=cancelled, takes_time=False)


def _staff_description(visit: Visit, locale: str) -> str:
    _ = translations_for(locale).gettext
    language = _("another language") if visit.language == "other" else language_name(visit.language or "", locale)
    concern = text_in(visit.concern.name, locale) if visit.concern else ""
    return "\n".join(line for line in (concern, language) if line)


def _name_of(visit: Visit) -> str:
    return str(visit.ticket) if visit.ticket is not None else spoken(visit.code or "")


def neutral_name(*names: str) -> str:
    """A name that stays and says nothing: the keys of a town's file may tell what its hours are about."""
    return hashlib.sha256("/".join(names).encode()).hexdigest()[:24]
