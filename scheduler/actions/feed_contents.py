"""What stands in each kind of feed: visits, duties and office hours, read from rows and rules as of one instant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from scheduler.actions.rulebook import OfficeHours, RuleBook, read_rulebook
from scheduler.domain.recurrence import dated_openings, day_interval, local_date
from scheduler.domain.repetition import find_repetition
from scheduler.feed_calendars import (
    Duty,
    FeedEvent,
    PublicHours,
    Showing,
    appointment_event,
    duty_event,
    hours_event,
    opening_event,
)
from scheduler.hours_texts import say_admits
from scheduler.models import Adviser, Feed, Place, Step, Town, Visit
from scheduler.texts import translations_for

SHOWS_PAST = timedelta(days=14)
SHOWS_AHEAD = timedelta(days=56)
"""How far ahead duties and cancelled dates stand in a feed; appointments stand there as soon as they are booked."""
SHOWS_CANCELLED = timedelta(days=30)


class Contents(NamedTuple):
    """A feed's name and events, and from when on it shows what was cancelled.

    `zone`, `first_year`: where the hours of a place repeat, the zone of their times.
    """

    name: str
    locale: str
    events: list[FeedEvent]
    forget_before: datetime
    zone: ZoneInfo | None = None
    first_year: int = 0


def read_contents(session: Session, feed: Feed, *, base_url: str, now: datetime) -> Contents:
    """What the feed shows on this day of the town. Raises LookupError where no town is loaded."""
    town, rulebook = session.get_one(Town, 1), read_rulebook(session)
    if feed.place is not None:
        return _of_place(feed.place, rulebook, town.locales[0], base_url, now)
    locale = town.locales[0]
    _ = translations_for(locale).gettext
    # A carrier's feed that tells only when says no place either: of several advisers it would tell who sits where.
    showing = Showing(feed.level, locale, base_url, says_where=feed.kind != "carrier" or feed.level == "details")
    advisers, midnight = _advisers_of(session, feed), _midnight(rulebook, now)
    what, whose = _("Consultation hours"), town.name
    if feed.kind == "interpreter":
        what = _("Appointments")
    elif feed.carrier is not None and feed.level == "details":
        whose = feed.carrier.name
    return Contents(
        name=f"{what} · {whose}",
        locale=locale,
        events=[
            *_appointments(session, feed, advisers, showing, midnight),
            *_duties(session, feed, advisers, rulebook, showing, local_date(now, rulebook.zone)),
        ],
        forget_before=midnight - SHOWS_CANCELLED,
    )


def _advisers_of(session: Session, feed: Feed) -> list[Adviser]:
    """Whose feed it is: one adviser, or all of a carrier, who may be gone from the town's file; nobody's in person."""
    if feed.adviser is not None:
        return [feed.adviser]
    return list(session.scalars(select(Adviser).where(Adviser.carrier_id == feed.carrier_id).order_by(Adviser.id)))


def _appointments(
    session: Session, feed: Feed, advisers: list[Adviser], showing: Showing, midnight: datetime
) -> Iterator[FeedEvent]:
    """Appointments that hold somebody's time, and cancelled ones that did, of these advisers or in this language."""
    # A cancelled visit holds nobody: the last step that gave a place up says whose it was.
    released = (
        select(Step.released_adviser_id)
        .where(Step.visit_id == Visit.id, Step.released_adviser_id.is_not(None))
        .order_by(Step.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    held = select(Visit, Visit.planned_adviser_id).where(
        Visit.planned_adviser_id.is_not(None), Visit.starts_at >= midnight - SHOWS_PAST
    )
    cancelled = select(Visit, released).where(
        Visit.ended_at >= midnight - SHOWS_CANCELLED, Visit.state == "cancelled", Visit.kind == "appointment"
    )
    names = {each.id: each.name for each in advisers} if feed.kind == "carrier" else {}
    shown = (selectinload(Visit.place), selectinload(Visit.service), selectinload(Visit.concern))
    for query, holder in ((held, Visit.planned_adviser_id), (cancelled, released)):
        asked = Visit.language == feed.language if feed.language else holder.in_([each.id for each in advisers])
        for visit, adviser_id in session.execute(query.where(asked).options(*shown)):
            yield appointment_event(visit, showing, names.get(adviser_id, ""))


def _duties(
    session: Session, feed: Feed, advisers: list[Adviser], rulebook: RuleBook, showing: Showing, today: date
) -> Iterator[FeedEvent]:
    """Openings that take place with one of these advisers; where they are not named, one event for all of them."""
    names = {each.key: each.name for each in advisers}
    named = feed.kind == "carrier" and feed.level == "details"
    places = {place.id: place for place in session.scalars(select(Place))}
    for opening in rulebook.openings(today - SHOWS_PAST, today + SHOWS_AHEAD) if advisers else ():
        mine = [key for key in opening.dated.staff if key in names] if opening.dated.takes_place else []
        for key in mine if named else mine[:1]:
            whose = (names[key], key) if named else ()
            place = places[opening.hours.place_id]
            duty = Duty(opening.public_id, *opening.dated.interval, place, rulebook.revision, *whose)
            yield duty_event(duty, showing)


def _of_place(place: Place, rulebook: RuleBook, locale: str, base_url: str, now: datetime) -> Contents:
    """What is open to the public there; not what is by arrangement or an adviser's own."""
    today = local_date(now, rulebook.zone)
    events = [
        event
        for hours in rulebook.hours.values()
        if hours.place_id == place.id and not hours.is_own and hours.admits != "by_arrangement"
        for event in _hours_events(hours, place, rulebook, locale, base_url, today)
    ]
    return Contents(
        name=f"{translations_for(locale).gettext('Consultation hours')} · {place.name}",
        locale=locale,
        events=events,
        forget_before=_midnight(rulebook, now) - SHOWS_CANCELLED,
        zone=rulebook.zone if any("rrule" in each.event for each in events) else None,
        first_year=today.year,
    )


def _hours_events(
    hours: OfficeHours, place: Place, rulebook: RuleBook, locale: str, base_url: str, today: date
) -> Iterator[FeedEvent]:
    """This year and the next, as one event that repeats where that can be said, beside dates that differ.

    Counted in whole years: what repeats begins anew with a year, not with each day.
    """
    said = PublicHours(hours.key, place, say_admits(hours.admits, locale), hours.room, rulebook.revision)
    zone, rule = rulebook.zone, hours.rule
    repetition, apart = find_repetition(rule, zone, date(today.year, 1, 1), date(today.year + 1, 12, 31))
    if repetition is not None:
        yield hours_event(said, rule, repetition, zone=zone, locale=locale, base_url=base_url)
    near = dated_openings(rule, zone, today - SHOWS_PAST, today + SHOWS_AHEAD)
    for each in (*apart, *(each for each in near if not each.takes_place)):
        yield opening_event(
            said,
            f"{hours.key}/{each.original_on.isoformat()}",
            *each.interval,
            locale=locale,
            base_url=base_url,
            closed_because=each.closed_because,
        )


def _midnight(rulebook: RuleBook, now: datetime) -> datetime:
    return day_interval(local_date(now, rulebook.zone), rulebook.zone).starts_at
