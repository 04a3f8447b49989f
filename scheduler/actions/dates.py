"""Change one date of office hours, or enter an absence. Whom that hits is not decided here, see `day_changes.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.openings import lock_opening, lock_openings, mark_changed, stored_opening
from scheduler.actions.rulebook import PlannedOpening, RuleBook, read_rulebook
from scheduler.domain.intervals import Interval
from scheduler.domain.recurrence import local_date
from scheduler.domain.visit_states import HERE
from scheduler.models import Absence, Adviser, Hours, HoursException, Town, Visit


@dataclass(frozen=True)
class Away:
    """An adviser is away from–until. `known`: an absence says so already, only what it hits is left to settle."""

    adviser_id: int
    during: Interval
    known: bool = False


@dataclass(frozen=True)
class DateChange:
    """One date of office hours is cancelled, or held at other times. `reason` is public; empty: none is given."""

    hours_key: str
    original_on: date
    cancelled: bool
    from_time: time | None = None
    until_time: time | None = None
    reason: str = ""


class ChangeRefused(Exception):
    """`reason`: "past", "no_opening", "wrong_times" or "unchanged"; "people_here": somebody waits there already;
    "outdated": an offer was taken, or somebody booked, since the list was shown.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def end_absence(session: Session, absence: Absence) -> None:
    """The adviser is there after all. Whoever was moved stays where they were moved to."""
    rules = read_rulebook(session)
    during = Interval(absence.starts_at, absence.ends_at)
    adviser = session.get_one(Adviser, absence.adviser_id)
    session.delete(absence)
    session.flush()
    mark_duties(session, rules, adviser, [during])


def mark_duties(session: Session, rules: RuleBook, adviser: Adviser, spans: Sequence[Interval]) -> None:
    """The adviser's absences in these spans have changed: so has what the openings there show."""
    duties = _duties(rules, adviser.key, spans)
    lock_openings(session, duties)
    for opening in duties:
        mark_changed(session, lock_opening(session, opening), {adviser.id})


def restore_date(session: Session, exception: HoursException) -> None:
    """A date that was changed on the day takes place as its rule says."""
    rules = read_rulebook(session)
    key, on = exception.hours.key, exception.original_on
    session.delete(exception)
    _note_new_rules(session)
    opening = read_rulebook(session).opening(key, on)
    if opening is not None:
        mark_changed(session, lock_opening(session, opening), staff_ids(rules, opening))


def store_absence(
    session: Session, rules: RuleBook, change: Away, closed: list[PlannedOpening], now: datetime
) -> list[PlannedOpening]:
    """Write the absence unless it is known; coming openings without anybody are cancelled and noted in `closed`.

    Gives all openings that it touches.
    """
    if change.during.ends_at <= now:
        raise ChangeRefused("past")
    if change.during.starts_at >= change.during.ends_at:
        raise ChangeRefused("wrong_times")
    adviser = session.get_one(Adviser, change.adviser_id)
    if not change.known:
        session.add(Absence(adviser_id=adviser.id, starts_at=change.during.starts_at, ends_at=change.during.ends_at))
        session.flush()
    touched = _duties(rules, adviser.key, [change.during])
    for opening in touched:
        if opening.dated.starts_at > now and _has_nobody(session, rules, opening):
            _write_exception(session, opening, DateChange(opening.hours.key, opening.dated.original_on, cancelled=True))
            closed.append(opening)
    return touched


def store_date(session: Session, rules: RuleBook, change: DateChange, now: datetime) -> PlannedOpening:
    """Write the exception; gives the opening as it was until now."""
    opening = rules.opening(change.hours_key, change.original_on)
    if opening is None or not opening.dated.takes_place:
        raise ChangeRefused("no_opening")
    if opening.dated.ends_at <= now:
        raise ChangeRefused("past")
    if not change.cancelled:
        _check_times(opening, change, rules)
    elif _has_people(session, opening):
        raise ChangeRefused("people_here")
    _write_exception(session, opening, change)
    return opening


def _check_times(opening: PlannedOpening, change: DateChange, rules: RuleBook) -> None:
    if change.from_time is None or change.until_time is None or change.from_time >= change.until_time:
        raise ChangeRefused("wrong_times")
    spoken = [each.astimezone(rules.zone).time() for each in opening.dated.interval]
    if [change.from_time, change.until_time] == spoken:
        raise ChangeRefused("unchanged")


def _has_people(session: Session, opening: PlannedOpening) -> bool:
    row = stored_opening(session, opening)
    if row is None:
        return False
    here = select(Visit.id).where(Visit.opening_id == row.id, Visit.state.in_(HERE)).limit(1)
    return session.scalar(here) is not None


def _write_exception(session: Session, opening: PlannedOpening, change: DateChange) -> None:
    """As a row of its own beside what the file may say of this date, so that it can be taken back."""
    hours, on = opening.hours, opening.dated.original_on
    known = select(HoursException).where(
        HoursException.hours_id == hours.id, HoursException.original_on == on, HoursException.from_file.is_(False)
    )
    row = session.scalar(known)
    if row is None:
        row = HoursException(hours=session.get_one(Hours, hours.id), original_on=on, from_file=False)
        session.add(row)
    row.kind, row.reason = "cancelled" if change.cancelled else "moved", change.reason
    row.from_time, row.until_time = change.from_time, change.until_time
    _note_new_rules(session)


def _note_new_rules(session: Session) -> None:
    session.get_one(Town, 1, with_for_update=True, populate_existing=True).rules_revision += 1
    session.flush()


def _duties(rules: RuleBook, adviser_key: str, spans: Sequence[Interval]) -> list[PlannedOpening]:
    """Openings where this adviser is on duty in any of these spans."""
    if not spans:
        return []
    first = local_date(min(each.starts_at for each in spans), rules.zone)
    last = local_date(max(each.ends_at for each in spans), rules.zone)
    return [
        each
        for each in rules.openings(first, last)
        if each.dated.takes_place and adviser_key in each.dated.staff and any(map(each.dated.interval.overlaps, spans))
    ]


def staff_ids(rules: RuleBook, opening: PlannedOpening) -> set[int | None]:
    return {each.adviser_id for each in rules.staff_of(opening)}


def _has_nobody(session: Session, rules: RuleBook, opening: PlannedOpening) -> bool:
    """Whether everybody on duty is away all the time."""
    during = opening.dated.interval
    staff = staff_ids(rules, opening)
    away = session.scalars(
        select(Absence.adviser_id).where(
            Absence.adviser_id.in_(staff), Absence.starts_at <= during.starts_at, Absence.ends_at >= during.ends_at
        )
    )
    return staff <= set(away)
