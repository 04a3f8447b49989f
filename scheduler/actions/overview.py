"""What coordinators see: who is on duty where, where somebody is missing, and sums. No visit, number or language.

Sums leave here as they are; the pages say small ones only as "fewer than five", so that no sum is one person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import mean
from typing import Literal, NamedTuple

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from scheduler.actions.rulebook import PlannedOpening, RuleBook
from scheduler.domain.intervals import Interval
from scheduler.domain.recurrence import day_interval, local_date
from scheduler.models import Absence, Adviser, Carrier, Consultation, Hours, Opening, TurnedAway, Visit

AHEAD = timedelta(weeks=8)
BACK = timedelta(weeks=4)
Away = Literal["", "partly", "all"]
Gap = Literal["", "nobody", "fewer"]
_ENDED = ("done", "not_served", "left", "missed")
_NOT_SERVED = ("not_served", "left")


class OnDuty(NamedTuple):
    """One adviser at one opening, as colleagues call them. `away`: for a part of it, or all the time."""

    name: str
    carrier: str
    away: Away


@dataclass(frozen=True)
class DutyLine:
    """One opening with who is planned there. `gap`: nobody is left, or fewer than usual."""

    opening: PlannedOpening
    on_duty: list[OnDuty]
    gap: Gap


class _Staff(NamedTuple):
    id: int
    name: str
    carrier: str


class Sums(NamedTuple):
    """`visits`: of the last four weeks, those who came and those who did not. None: not counted by carrier.

    `average_wait`: in minutes, of those who were served and whose times were not entered later; over `waits` visits.
    """

    booked: int
    walk_ins_today: int
    turned_away_today: int | None
    visits: int | None
    served: int
    not_served: int | None
    waits: int
    average_wait: float | None


def read_duties(
    session: Session, rules: RuleBook, now: datetime, *, place_id: int | None = None, carrier_id: int | None = None
) -> list[DutyLine]:
    """The openings of the next eight weeks: all of a place, or those with advisers of a carrier, and these alone."""
    today = local_date(now, rules.zone)
    found = [each for each in rules.openings(today, today + AHEAD, place_id) if each.dated.ends_at > now]
    staff = _read_staff(session, carrier_id)
    absences = _read_absences(session, staff, now)
    usual = {} if carrier_id else _usual_numbers(found)
    lines = [_duty_line(each, rules, staff, absences, usual) for each in found]
    return [each for each in lines if each.on_duty or carrier_id is None]


def read_place_sums(session: Session, rules: RuleBook, place_id: int, now: datetime) -> Sums:
    today = local_date(now, rules.zone)
    here = Visit.place_id == place_id
    past = here, Visit.local_on >= today - BACK, Visit.local_on < today
    waits = [wait for wait, _carrier_id in _read_waits(session, past)]
    return Sums(
        booked=_count(session, select(Visit.id).where(here, Visit.state == "booked", Visit.starts_at > now)),
        walk_ins_today=_count(session, select(Visit.id).where(here, Visit.kind == "walk_in", Visit.local_on == today)),
        turned_away_today=_count(session, _turned_away(place_id, day_interval(today, rules.zone))),
        visits=_count(session, select(Visit.id).where(*past, Visit.state.in_(_ENDED))),
        served=_count(session, select(Visit.id).where(*past, Visit.state == "done")),
        not_served=_count(session, select(Visit.id).where(*past, Visit.state.in_(_NOT_SERVED))),
        waits=len(waits),
        average_wait=mean(waits) if waits else None,
    )


def read_carrier_sums(session: Session, rules: RuleBook, carrier_id: int, now: datetime) -> Sums:
    """Whom its advisers called: until then a visit is the place's, and whoever was not called is no carrier's."""
    today = local_date(now, rules.zone)
    planned = select(Visit.id).join(Adviser, Adviser.id == Visit.planned_adviser_id)
    booked = planned.where(Adviser.carrier_id == carrier_id, Visit.state == "booked", Visit.starts_at > now)
    called = select(Visit.id).distinct().join(Consultation, Consultation.visit_id == Visit.id)
    own = called.where(Consultation.carrier_id == carrier_id)
    past = Visit.local_on >= today - BACK, Visit.local_on < today
    waits = [wait for wait, whose in _read_waits(session, past) if whose == carrier_id]
    return Sums(
        booked=_count(session, booked),
        walk_ins_today=_count(session, own.where(Visit.kind == "walk_in", Visit.local_on == today)),
        turned_away_today=None,
        visits=None,
        served=_count(session, own.where(*past, Consultation.ended_as == "finished")),
        not_served=None,
        waits=len(waits),
        average_wait=mean(waits) if waits else None,
    )


def _read_staff(session: Session, carrier_id: int | None) -> dict[str, _Staff]:
    query = select(Adviser.key, Adviser.id, Adviser.name, Carrier.name).join(Carrier, Carrier.id == Adviser.carrier_id)
    if carrier_id is not None:
        query = query.where(Adviser.carrier_id == carrier_id)
    return {key: _Staff(id_, name, carrier) for key, id_, name, carrier in session.execute(query)}


def _read_absences(session: Session, staff: dict[str, _Staff], now: datetime) -> dict[int, list[Interval]]:
    query = select(Absence.adviser_id, Absence.starts_at, Absence.ends_at).where(
        Absence.adviser_id.in_([each.id for each in staff.values()]), Absence.ends_at > now
    )
    found: dict[int, list[Interval]] = {}
    for adviser_id, starts_at, ends_at in session.execute(query.order_by(Absence.starts_at)):
        found.setdefault(adviser_id, []).append(Interval(starts_at, ends_at))
    return found


def _usual_numbers(openings: Iterable[PlannedOpening]) -> dict[str, int]:
    """How many are on duty most often, by office hours; of two numbers that are as often, the larger one."""
    numbers: dict[str, Counter[int]] = {}
    for each in openings:
        if each.dated.takes_place:
            numbers.setdefault(each.hours.key, Counter())[len(each.dated.staff)] += 1
    return {key: max(seen, key=lambda number: (seen[number], number)) for key, seen in numbers.items()}


def _duty_line(
    opening: PlannedOpening,
    rules: RuleBook,
    staff: dict[str, _Staff],
    absences: dict[int, list[Interval]],
    usual: dict[str, int],
) -> DutyLine:
    planned = [staff[key] for key in opening.dated.staff if key in staff and key in rules.advisers]
    during = opening.dated.interval
    on_duty = [OnDuty(each.name, each.carrier, _away(absences.get(each.id, ()), during)) for each in planned]
    here = sum(each.away != "all" for each in on_duty)
    if not opening.dated.takes_place:
        return DutyLine(opening, on_duty, "")
    wanted = usual.get(opening.hours.key, len(on_duty))
    return DutyLine(opening, on_duty, "nobody" if here == 0 else "fewer" if here < wanted else "")


def _away(absences: Collection[Interval], during: Interval) -> Away:
    if any(each.starts_at <= during.starts_at and each.ends_at >= during.ends_at for each in absences):
        return "all"
    return "partly" if any(each.overlaps(during) for each in absences) else ""


def _read_waits(session: Session, past: Sequence[object]) -> list[tuple[float, int]]:
    """Minutes until the first call, and the carrier that called, of those who were served."""
    query = (
        select(Visit.id, Visit.arrived_at, Visit.starts_at, Consultation.called_at, Consultation.carrier_id)
        .join(Consultation, Consultation.visit_id == Visit.id)
        .where(*past, Visit.state == "done", Visit.arrived_at.is_not(None))  # type: ignore[arg-type]
        .where(Visit.times_unreliable.is_(False), Consultation.times_unreliable.is_(False))
        .order_by(Consultation.called_at.desc(), Consultation.id.desc())
    )
    first: dict[int, tuple[float, int]] = {}  # the last one to be written is the earliest
    for visit_id, arrived_at, starts_at, called_at, carrier_id in session.execute(query):
        assert arrived_at is not None  # see above
        due_at = max(arrived_at, starts_at or arrived_at)
        first[visit_id] = (max((called_at - due_at).total_seconds() / 60, 0.0), carrier_id)
    return list(first.values())


def _turned_away(place_id: int, day: Interval) -> Select[int]:
    return (
        select(TurnedAway.id)
        .join(Opening, Opening.id == TurnedAway.opening_id)
        .join(Hours, Hours.id == Opening.hours_id)
        .where(Hours.place_id == place_id, TurnedAway.at >= day.starts_at, TurnedAway.at < day.ends_at)
    )


def _count(session: Session, rows: Select[int]) -> int:
    return session.scalars(select(func.count()).select_from(rows.subquery())).one()
