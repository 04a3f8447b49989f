"""An appointment at a time of the adviser's own: an opening for this one visit, which nobody else can book.

It is an ordinary visit at an ordinary opening, so code, messages, calendars and the guard against double booking are
those of every appointment, and no second calendar is needed. Its office hours stand for one date, admit nobody by
themselves, and are retired when their day is over (`closing.retire_own_time`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.booking import Booking, make_visit
from scheduler.actions.openings import touch_opening
from scheduler.actions.rulebook import PlannedOpening, RuleBook, read_rulebook
from scheduler.actions.slots import Question
from scheduler.actions.steps import By
from scheduler.domain.intervals import Interval
from scheduler.domain.recurrence import local_date, wall_to_utc
from scheduler.domain.routing import AgeGroup
from scheduler.domain.slots import Slot
from scheduler.models import Absence, Adviser, Hours, Opening, Visit

MOST_AHEAD = timedelta(days=366)
SHORTEST, LONGEST = timedelta(minutes=5), timedelta(hours=8)


class TimeRefused(Exception):
    """No appointment can be entered then.

    `reason`: "length", "past", "too_far", "midnight", "closed", "busy" or "away"; `during`: what is in the way.
    """

    def __init__(self, reason: str, during: Interval | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.during = during


@dataclass(frozen=True)
class OwnTime:
    """When and where, in local wall time. `page_key`: random text of the page; the same one again: the same visit."""

    on: date
    from_time: time
    minutes: int
    place_id: int
    page_key: str


@dataclass(frozen=True)
class Client:
    """For whom, as far as it is known. No service: it stays open."""

    locale: str
    language: str | None = None
    service: str | None = None
    age_group: AgeGroup = "unknown"
    people: int = 1


def book_own_time(
    session: Session, adviser: Adviser, asked: OwnTime, client: Client, *, by: By, now: datetime
) -> Visit:
    """Enter the appointment. Raises TimeRefused, or SlotTaken where another one was faster; the edge rolls back."""
    key = _key_of(adviser, asked)
    earlier = _entered_before(session, key)
    if earlier is not None:
        return earlier
    during = _span(asked, read_rulebook(session).zone, now)
    _check_free(session, adviser, during)
    _add_hours(session, key, adviser, asked, during, read_rulebook(session).zone)
    rulebook = read_rulebook(session)
    opening = rulebook.opening(key, asked.on)
    if opening is None or not opening.dated.takes_place:
        raise TimeRefused("closed")
    return _book(session, rulebook, opening, adviser, asked, client, by, now)


def own_times_on(
    rulebook: RuleBook, on: date, *, adviser: Adviser | None = None, place_id: int | None = None
) -> list[PlannedOpening]:
    """The openings of own appointments on that day, of one adviser or at one place, in order of time."""
    keys = [
        hours.key
        for hours in rulebook.hours.values()
        if hours.is_own
        and hours.rule.valid_from == on
        and (adviser is None or adviser.key in hours.rule.staff)
        and place_id in (None, hours.place_id)
    ]
    found = [opening for key in keys if (opening := rulebook.opening(key, on))]
    return sorted(found, key=lambda each: (each.dated.starts_at, each.hours.key))


def _span(asked: OwnTime, zone: ZoneInfo, now: datetime) -> Interval:
    """The instants of the appointment. Raises TimeRefused where there can be none."""
    length, today = timedelta(minutes=asked.minutes), local_date(now, zone)
    if not SHORTEST <= length <= LONGEST:
        raise TimeRefused("length")
    if asked.on > today + MOST_AHEAD:
        raise TimeRefused("too_far")
    if asked.on < today:
        raise TimeRefused("past")
    starts_at = wall_to_utc(asked.on, asked.from_time, zone)
    during = Interval(starts_at, starts_at + length)
    if starts_at < now:
        raise TimeRefused("past")
    begins, ends = (each.astimezone(zone).replace(tzinfo=None) for each in during)
    # In the autumn night the clock may show an earlier time at the end than at the beginning.
    if ends.date() != asked.on or ends <= begins:
        raise TimeRefused("midnight")
    return during


def _check_free(session: Session, adviser: Adviser, during: Interval) -> None:
    """A check for a good message: against another booking at the same moment the database guards."""
    visits = select(Visit.starts_at, Visit.ends_at).where(
        Visit.planned_adviser_id == adviser.id, Visit.starts_at < during.ends_at, Visit.ends_at > during.starts_at
    )
    absences = select(Absence.starts_at, Absence.ends_at).where(
        Absence.adviser_id == adviser.id, Absence.starts_at < during.ends_at, Absence.ends_at > during.starts_at
    )
    in_the_way = (("busy", visits.order_by(Visit.starts_at)), ("away", absences.order_by(Absence.starts_at)))
    for reason, query in in_the_way:
        for starts_at, ends_at in session.execute(query.limit(1)):
            assert starts_at and ends_at  # whatever takes an adviser's time has both
            raise TimeRefused(reason, Interval(starts_at, ends_at))


def _add_hours(session: Session, key: str, adviser: Adviser, asked: OwnTime, during: Interval, zone: ZoneInfo) -> None:
    from_time, until_time = (each.astimezone(zone).time() for each in during)
    session.add(
        Hours(
            key=key,
            place_id=asked.place_id,
            services=adviser.services,
            dates=[asked.on.isoformat()],
            from_time=from_time,
            until_time=until_time,
            valid_from=asked.on,
            valid_until=asked.on,
            admits="by_arrangement",
            advisers=[adviser.key],
            own_adviser_id=adviser.id,
        )
    )
    session.flush()


def _book(
    session: Session,
    rulebook: RuleBook,
    opening: PlannedOpening,
    adviser: Adviser,
    asked: OwnTime,
    client: Client,
    by: By,
    now: datetime,
) -> Visit:
    during = opening.dated.interval
    services = frozenset(each for each in adviser.services if each == client.service) or frozenset(adviser.services)
    booking = Booking(
        question=Question(services, asked.minutes, language=client.language, adviser_id=adviser.id),
        hours_key=opening.hours.key,
        original_on=asked.on,
        starts_at=during.starts_at,
        locale=client.locale,
        age_group=client.age_group,
        people=client.people,
    )
    slot = Slot(*during, adviser.id, (), frozenset())
    return make_visit(session, rulebook, booking, opening, touch_opening(session, opening), slot, by, now)


def _key_of(adviser: Adviser, asked: OwnTime) -> str:
    """The key of the office hours follows from that of the page: sending a form twice enters one appointment."""
    return f"own-{hashlib.sha256(f'{adviser.id}:{asked.page_key}'.encode()).hexdigest()[:16]}"


def _entered_before(session: Session, key: str) -> Visit | None:
    return session.scalar(
        select(Visit)
        .join(Opening, Visit.opening_id == Opening.id)
        .join(Hours, Opening.hours_id == Hours.id)
        .where(Hours.key == key)
    )
