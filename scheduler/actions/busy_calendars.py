"""Advisers' own calendars that we read: add and remove one, hand out what is due, keep its busy times as absences.

Fetching and reading happen elsewhere (`scheduler/busy_calendars`), outside any transaction. A claim is a lease: what
comes back after it ended, or after the calendar was removed, is dropped. Nobody is moved by what is read: an adviser
decides about the visits that are hit.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

from scheduler.actions.dates import mark_duties
from scheduler.actions.rulebook import RuleBook, read_rulebook
from scheduler.domain.codes import keyed_hash
from scheduler.domain.due import read_again_after
from scheduler.domain.intervals import Interval
from scheduler.domain.recurrence import day_interval, local_date
from scheduler.models import Absence, Adviser, BusyCalendar, Visit

MOST_CALENDARS = 5
"""Of one adviser."""
LEASE = timedelta(minutes=3)
"""Longer than fetching and reading may take together."""
_SPREAD_SECONDS = 120


class CalendarRefused(Exception):
    """`reason`: "twice" or "too_many"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Claim:
    """A calendar to be fetched now, by whoever holds this. Without ETag and date it is asked for in any case."""

    calendar_id: int
    url: str
    etag: str | None
    last_modified: str | None
    until: datetime
    window: Interval
    zone: ZoneInfo


def add_calendar(
    session: Session, adviser: Adviser, url: str, host: str, *, secret: str, now: datetime
) -> BusyCalendar:
    """A calendar of the adviser's own, fetched with the next round. Raises CalendarRefused."""
    session.get_one(Adviser, adviser.id, with_for_update=True)  # two clicks take turns
    url_key = keyed_hash(secret, "calendar", url)
    known = session.scalars(select(BusyCalendar.url_key).where(BusyCalendar.adviser_id == adviser.id)).all()
    if url_key in known:
        raise CalendarRefused("twice")
    if len(known) >= MOST_CALENDARS:
        raise CalendarRefused("too_many")
    row = BusyCalendar(adviser_id=adviser.id, url=url, url_key=url_key, host=host, created_at=now, due_at=now)
    session.add(row)
    session.flush()
    return row


def remove_calendar(session: Session, calendar_id: int, now: datetime) -> None:
    """It is read no more, and its absences go. Does nothing where somebody was faster."""
    row = session.get(BusyCalendar, calendar_id, with_for_update=True)
    if row is not None:
        _store_absences(session, row, _window(read_rulebook(session), now), [], now)
        session.delete(row)
        session.flush()


def is_any_due(session: Session, now: datetime) -> bool:
    return session.scalar(select(BusyCalendar.id).where(*_due(now)).limit(1)) is not None


def claim_due(session: Session, now: datetime) -> Claim | None:
    """The next calendar to fetch, for this worker alone until its lease ends. The edge commits before it fetches.

    Those that were read well go first, so that a host that does not answer keeps nobody waiting.
    """
    due = (
        select(BusyCalendar.id)
        .where(*_due(now))
        .order_by(BusyCalendar.failures, BusyCalendar.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    claim = (
        update(BusyCalendar)
        .where(BusyCalendar.id == due.scalar_subquery())
        .values(claimed_until=now + LEASE)
        .returning(BusyCalendar.id)
        .execution_options(synchronize_session=False)
    )
    claimed = session.scalar(claim)
    return _claim(session.get_one(BusyCalendar, claimed, populate_existing=True), session, now) if claimed else None


def store_busy(
    session: Session,
    claim: Claim,
    busy: list[Interval],
    *,
    etag: str | None,
    last_modified: str | None,
    now: datetime,
) -> bool:
    """Keep these times as the adviser's absences; what is the same stays untouched. Gives whether anything changed."""
    row = _held(session, claim)
    if row is None:
        return False
    changed = _store_absences(session, row, claim.window, busy, now)
    row.etag, row.last_modified = etag, last_modified
    _note_read(row, now)
    session.flush()
    return changed


def store_unchanged(session: Session, claim: Claim, now: datetime) -> None:
    """The server says that nothing has changed since it was read."""
    row = _held(session, claim)
    if row is not None:
        _note_read(row, now)
        session.flush()


def store_problem(session: Session, claim: Claim, problem: str, now: datetime) -> None:
    """It could not be fetched or read: its last good state stays, and it is tried again ever later."""
    row = _held(session, claim)
    if row is None:
        return
    row.problem, row.tried_at, row.claimed_until = problem, now, None
    row.failures += 1
    row.due_at = now + read_again_after(row.failures) + _spread(row)
    session.flush()


def find_hit(session: Session, adviser_id: int, now: datetime) -> dict[int, set[int]]:
    """By imported absence, the coming visits planned with this adviser that lie in it. Nobody has moved them."""
    lies_in = and_(
        Visit.planned_adviser_id == Absence.adviser_id,
        Visit.starts_at < Absence.ends_at,
        Visit.ends_at > Absence.starts_at,
    )
    query = (
        select(Absence.id, Visit.id)
        .join(Visit, lies_in)
        .where(
            Absence.adviser_id == adviser_id,
            Absence.source == "imported",
            Visit.state == "booked",
            Visit.starts_at > now,
        )
    )
    found: dict[int, set[int]] = defaultdict(set)
    for absence_id, visit_id in session.execute(query):
        found[absence_id].add(visit_id)
    return dict(found)


def count_times(session: Session, adviser_id: int, now: datetime) -> dict[int, int]:
    """By calendar of this adviser, how many busy times it holds from now on."""
    query = select(Absence.busy_calendar_id, func.count()).where(
        Absence.adviser_id == adviser_id, Absence.source == "imported", Absence.ends_at > now
    )
    rows = session.execute(query.group_by(Absence.busy_calendar_id))
    return {calendar_id: count for calendar_id, count in rows if calendar_id is not None}


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    in_use = select(Adviser.id).where(Adviser.retired_at.is_(None))
    free = or_(BusyCalendar.claimed_until.is_(None), BusyCalendar.claimed_until <= now)
    return BusyCalendar.due_at <= now, free, BusyCalendar.adviser_id.in_(in_use)


def _claim(row: BusyCalendar, session: Session, now: datetime) -> Claim:
    assert row.claimed_until is not None
    rules = read_rulebook(session)
    # What is read reaches a day further every day, so a calendar that has not changed must be read again then.
    is_of_today = row.read_at is not None and local_date(row.read_at, rules.zone) == local_date(now, rules.zone)
    may_ask = is_of_today and row.problem is None
    return Claim(
        calendar_id=row.id,
        url=row.url,
        etag=row.etag if may_ask else None,
        last_modified=row.last_modified if may_ask else None,
        until=row.claimed_until,
        window=_window(rules, now),
        zone=rules.zone,
    )


def _window(rules: RuleBook, now: datetime) -> Interval:
    """From the beginning of today to a day after the last one that anybody can book."""
    today = local_date(now, rules.zone)
    furthest = max((each.horizon for each in rules.hours.values()), default=timedelta())
    last = day_interval(today + furthest + timedelta(days=1), rules.zone)
    return Interval(day_interval(today, rules.zone).starts_at, last.ends_at)


def _held(session: Session, claim: Claim) -> BusyCalendar | None:
    """The calendar, locked; None: it was removed, or the lease ended and somebody else has it."""
    row = session.get(BusyCalendar, claim.calendar_id, with_for_update=True, populate_existing=True)
    return row if row is not None and row.claimed_until == claim.until else None


def _store_absences(
    session: Session, row: BusyCalendar, window: Interval, busy: Iterable[Interval], now: datetime
) -> bool:
    rules, wanted = read_rulebook(session), set(busy)
    gone: list[Absence] = []
    for absence in session.scalars(select(Absence).where(Absence.busy_calendar_id == row.id)):
        # One that began on an earlier day is read from this morning on: it is still the same.
        during = Interval(max(absence.starts_at, window.starts_at), absence.ends_at)
        if during in wanted:
            wanted.remove(during)
        else:
            gone.append(absence)
    changed = [*wanted, *(Interval(each.starts_at, each.ends_at) for each in gone)]
    for absence in gone:
        session.delete(absence)
    session.add_all(
        Absence(
            adviser_id=row.adviser_id,
            busy_calendar_id=row.id,
            source="imported",
            starts_at=each.starts_at,
            ends_at=each.ends_at,
        )
        for each in sorted(wanted)
    )
    session.flush()
    mark_duties(session, rules, row.adviser, [each for each in changed if each.ends_at > now])
    return bool(changed)


def _note_read(row: BusyCalendar, now: datetime) -> None:
    row.problem, row.failures, row.claimed_until = None, 0, None
    row.read_at = row.tried_at = now
    row.due_at = now + read_again_after(0) + _spread(row)


def _spread(row: BusyCalendar) -> timedelta:
    """Up to two minutes, always the same for one calendar: not all hosts are asked at the same moment."""
    digest = hashlib.sha256(str(row.id).encode()).digest()
    return timedelta(seconds=int.from_bytes(digest[:4]) % _SPREAD_SECONDS)
