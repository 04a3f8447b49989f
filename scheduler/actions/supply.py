"""What the openings of some days have to give: who is on duty, what is taken, which appointments may be handed on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import CompoundSelect, Integer, bindparam, cast, exists, func, null, select, union_all
from sqlalchemy.orm import Session

from scheduler.actions.rulebook import PlannedOpening, RuleBook
from scheduler.domain.desk_share import Kept, count_starts
from scheduler.domain.intervals import Interval
from scheduler.domain.matching import Duty, Held, Wanted
from scheduler.domain.slots import Supply
from scheduler.models import Absence, Concern, Consultation, FreedTime, Opening, Visit

DAY = timedelta(days=1)
FREEZES_BEFORE = timedelta(hours=24)
"""So long before an opening its appointments stay with their advisers: no booking moves another client any more."""

ANY_OTHER_LANGUAGE = "other"
"""A language that nobody here speaks: the office is told, no time is withheld."""

DEFAULT_MINUTES = 30
"""Length where no concern was named."""


class Appointment(NamedTuple):
    """One visit that holds an adviser's time."""

    visit_id: int
    adviser_id: int
    during: Interval
    may_move: bool
    service_id: int | None
    language: str | None


@dataclass(frozen=True)
class Taken:
    """What is taken in a window: appointments by opening (hours id, original date), all other time by adviser."""

    appointments: dict[tuple[int, date], list[Appointment]] = field(default_factory=lambda: defaultdict(list))
    busy: dict[int, list[Interval]] = field(default_factory=lambda: defaultdict(list))
    held: dict[int, list[Appointment]] = field(default_factory=lambda: defaultdict(list))
    """The same appointments by adviser, wherever they are."""


def is_frozen(opening: PlannedOpening, now: datetime) -> bool:
    return now >= opening.dated.starts_at - FREEZES_BEFORE


def wanted_of(rulebook: RuleBook, opening: PlannedOpening, service_id: int | None, language: str | None) -> Wanted:
    """What an appointment that stands needs of whoever takes it over. Not known which service: any of the opening's."""
    known = {key for key, id_ in rulebook.service_ids.items() if id_ == service_id} & opening.hours.services
    return Wanted(frozenset(known) or opening.hours.services, None if language == ANY_OTHER_LANGUAGE else language)


def supply_of(
    rulebook: RuleBook, opening: PlannedOpening, taken: Taken, *, frozen: bool, keeps: bool = False
) -> Supply:
    """What this opening has to give, as the domain asks for it. `frozen`: no appointment is handed on any more.

    `keeps`: asked for by a client, while a share of its starts is kept for the desk.
    """
    hours, during = opening.hours, opening.dated.interval
    here = taken.appointments.get((hours.id, opening.dated.original_on), [])
    may_move = set[int]() if frozen else {each.visit_id for each in here if each.may_move}
    return Supply(
        during=during,
        grid_minutes=hours.grid_minutes,
        at_once=hours.appointments_at_once,
        duties=tuple(
            Duty(each.adviser_id, each.services, each.languages, _busy(taken, each.adviser_id, during, may_move))
            for each in rulebook.staff_of(opening)
        ),
        appointments=tuple(each.during for each in here),
        held=tuple(
            Held(
                each.visit_id,
                each.during,
                wanted_of(rulebook, opening, each.service_id, each.language),
                each.adviser_id,
            )
            for each in here
            if each.visit_id in may_move
        ),
        kept=_kept(rulebook, opening, taken, here) if keeps else None,
    )


def _kept(rulebook: RuleBook, opening: PlannedOpening, taken: Taken, here: list[Appointment]) -> Kept:
    """Who stands in elsewhere is as little to be had as who is away."""
    ours = {each.visit_id for each in here}
    hours = opening.hours
    away = [
        [
            *taken.busy.get(each.adviser_id, ()),
            *(held.during for held in taken.held.get(each.adviser_id, ()) if held.visit_id not in ours),
        ]
        for each in rulebook.staff_of(opening)
    ]
    appointments = [each.during for each in here]
    during = opening.dated.interval
    return count_starts(during, hours.grid_minutes, hours.appointments_at_once, away, appointments, hours.desk_share)


def read_taken(
    session: Session,
    openings: Iterable[PlannedOpening],
    now: datetime,
    ignoring: Collection[int | None] = (),
    *,
    by_staff: bool = False,
) -> Taken:
    """All that takes advisers' time while these openings last, but for the visits to ignore, by one statement.

    What clients gave back counts like an appointment for a while (`freed_times.py`), not for staff.
    """
    taken = Taken()
    spans = [each.dated.interval for each in openings]
    if not spans:
        return taken
    window = Interval(min(each.starts_at for each in spans), max(each.ends_at for each in spans))
    # Who is called just before the door opens is taken then.
    statement = _TAKEN_TODAY if window.starts_at <= now + DAY else _TAKEN
    since = {"from_at": window.starts_at, "until_at": window.ends_at, "earliest": window.starts_at - DAY, "now": now}
    for row in session.execute(statement, since):
        if row.visit_id is None:
            ends_at = row.ends_at or max(row.starts_at + timedelta(minutes=row.minutes or DEFAULT_MINUTES), now)
            taken.busy[row.adviser_id].append(Interval(row.starts_at, ends_at))
        elif row.visit_id not in ignoring and not (by_staff and row.state is None):
            _add_appointment(taken, row)
    return taken


def _add_appointment(taken: Taken, row: Any) -> None:
    may_move = row.state == "booked" and row.wished_adviser_id is None
    during = Interval(row.starts_at, row.ends_at)
    found = Appointment(row.visit_id, row.adviser_id, during, may_move, row.service_id, row.language)
    taken.appointments[row.hours_id, row.original_on].append(found)
    taken.held[row.adviser_id].append(found)


def _busy(taken: Taken, adviser_id: int, during: Interval, may_move: set[int]) -> tuple[Interval, ...]:
    """What keeps this adviser from taking anything then, whatever is handed on."""
    away = [each for each in taken.busy.get(adviser_id, ()) if each.overlaps(during)]
    stays = [
        each.during
        for each in taken.held.get(adviser_id, ())
        if each.visit_id not in may_move and each.during.overlaps(during)
    ]
    return (*away, *stays)


# By the tables, not the classes: asked in every search, and rows are enough.
_VISIT, _OPENING, _ABSENCE, _CONSULTATION, _CONCERN, _FREED = (
    each.metadata.tables[each.__tablename__].c for each in (Visit, Opening, Absence, Consultation, Concern, FreedTime)
)
_NOTHING = cast(null(), Integer)
_NOTHING_ELSE = (null(),) * 6

_APPOINTMENTS = (
    select(
        _VISIT.id.label("visit_id"),
        _VISIT.planned_adviser_id.label("adviser_id"),
        _VISIT.starts_at,
        _VISIT.ends_at,
        _NOTHING.label("minutes"),
        _OPENING.hours_id,
        _OPENING.original_on,
        _VISIT.state,
        _VISIT.wished_adviser_id,
        _VISIT.service_id,
        _VISIT.language,
    )
    .select_from(Visit.metadata.tables["visit"].join(Opening.metadata.tables["opening"]))
    .where(
        _VISIT.planned_adviser_id.is_not(None),
        _VISIT.starts_at < bindparam("until_at"),
        _VISIT.starts_at >= bindparam("earliest"),  # no appointment is longer than a day: lets the index help
        _VISIT.ends_at > bindparam("from_at"),
    )
)

_ABSENCES = select(null(), _ABSENCE.adviser_id, _ABSENCE.starts_at, _ABSENCE.ends_at, _NOTHING, *_NOTHING_ELSE).where(
    _ABSENCE.starts_at < bindparam("until_at"), _ABSENCE.ends_at > bindparam("from_at")
)

# As an appointment without a state, which nobody may hand on; no longer once an appointment holds that adviser again.
_FREED_TIMES = (
    select(
        func.coalesce(_FREED.visit_id, -_FREED.id),  # of an erased visit: a number that no visit has
        _FREED.adviser_id,
        _FREED.starts_at,
        _FREED.ends_at,
        _NOTHING,
        _OPENING.hours_id,
        _OPENING.original_on,
        null(),  # state, and what could be wished for
        _NOTHING,
        _NOTHING,
        null(),
    )
    .select_from(FreedTime.metadata.tables["freed_time"].join(Opening.metadata.tables["opening"]))
    .where(
        _FREED.offered_from > bindparam("now"),
        _FREED.starts_at < bindparam("until_at"),
        _FREED.ends_at > bindparam("from_at"),
        ~exists().where(
            _VISIT.planned_adviser_id == _FREED.adviser_id,
            _VISIT.starts_at < _FREED.ends_at,
            _VISIT.ends_at > _FREED.starts_at,
        ),
    )
)

# On the day a walk-in that is being served takes its adviser until its expected end.
_RUNNING = (
    select(null(), _CONSULTATION.adviser_id, _CONSULTATION.called_at, null(), _CONCERN.minutes, *_NOTHING_ELSE)
    .select_from(
        Consultation.metadata.tables["consultation"]
        .join(Visit.metadata.tables["visit"], _CONSULTATION.visit_id == _VISIT.id)
        .outerjoin(Concern.metadata.tables["concern"], _VISIT.concern_id == _CONCERN.id)
    )
    .where(_CONSULTATION.ended_at.is_(None))
)

_TAKEN: CompoundSelect[Any] = union_all(_APPOINTMENTS, _FREED_TIMES, _ABSENCES)
_TAKEN_TODAY: CompoundSelect[Any] = union_all(_APPOINTMENTS, _FREED_TIMES, _ABSENCES, _RUNNING)
