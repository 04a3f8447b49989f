"""The town's rules as values: read once, then ask for openings. Nothing here is stored per date.

A process keeps what it read under the town's `rules_stamp`, which the database sets anew with every change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import literal, null, select, union_all
from sqlalchemy.orm import Session, joinedload

from scheduler.domain.queue_order import Server
from scheduler.domain.recurrence import (
    ClosedDays,
    DatedOpening,
    DateException,
    Rule,
    Turns,
    dated_opening,
    dated_openings,
)
from scheduler.domain.routing import ServiceAges
from scheduler.models import Adviser, Closure, Concern, Hours, HoursException, Place, Rota, Service, Town
from scheduler.models.hours import Admits


@dataclass(frozen=True)
class OfficeHours:
    """One rule with what it admits. `services` and `concerns` are keys; no concerns: all."""

    id: int
    key: str
    place_id: int
    services: frozenset[str]
    admits: Admits
    appointments_at_once: int | None
    grid_minutes: int
    concerns: frozenset[str]
    lead: timedelta
    horizon: timedelta
    desk_share: float
    release_days: int | None
    tickets_before: timedelta
    ticket_limit: int | None
    room: str
    after_until: bool
    """Whether numbers are still called once the opening is over."""
    is_own: bool
    """One appointment that an adviser entered at a time of their own: found by its name, listed nowhere."""
    rule: Rule

    @property
    def takes_walk_ins(self) -> bool:
        return self.admits in ("walk_in", "mixed")

    @property
    def takes_appointments(self) -> bool:
        return self.admits in ("appointment", "mixed")


@dataclass(frozen=True)
class PlannedOpening:
    """A dated opening with the office hours that yield it."""

    hours: OfficeHours
    dated: DatedOpening

    @cached_property
    def public_id(self) -> str:
        return f"{self.hours.key}/{self.dated.original_on.isoformat()}"

    @property
    def takes_walk_ins(self) -> bool:
        return self.dated.takes_place and self.hours.takes_walk_ins


@dataclass(frozen=True)
class ConcernRule:
    """What a concern decides: how long the appointment is."""

    id: int
    key: str
    minutes: int


@dataclass(frozen=True)
class RuleBook:
    """All rules that are in force, by key; places by id."""

    revision: int
    stamp: str
    zone: ZoneInfo
    hours: dict[str, OfficeHours]
    advisers: dict[str, Server]
    services: tuple[ServiceAges, ...]
    service_ids: dict[str, int]
    concerns: dict[str, ConcernRule]
    places: dict[int, str]
    _kept: dict[tuple[date, date], list[PlannedOpening]] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def languages(self) -> frozenset[str]:
        """All languages that some adviser speaks."""
        return frozenset[str]().union(*(each.languages for each in self.advisers.values()))

    def openings(self, from_on: date, until_on: date, place_id: int | None = None) -> list[PlannedOpening]:
        """All openings on these days (both included) in order of time, cancelled ones too; no own appointments."""
        window = (from_on, until_on)
        found = self._kept.get(window)
        if found is None:
            found = self._find_openings(from_on, until_on)
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[window] = found
        return [each for each in found if place_id is None or each.hours.place_id == place_id]

    def _find_openings(self, from_on: date, until_on: date) -> list[PlannedOpening]:
        found = [
            PlannedOpening(hours, dated)
            for hours in self.hours.values()
            if not hours.is_own
            for dated in dated_openings(hours.rule, self.zone, from_on, until_on)
        ]
        return sorted(found, key=lambda each: (each.dated.starts_at, each.hours.key))

    def opening(self, hours_key: str, original_on: date) -> PlannedOpening | None:
        """The opening of this name, or None where no rule yields it."""
        hours = self.hours.get(hours_key)
        dated = dated_opening(hours.rule, self.zone, original_on) if hours else None
        return PlannedOpening(hours, dated) if hours and dated else None

    def staff_of(self, opening: PlannedOpening) -> list[Server]:
        """The advisers on duty there."""
        return [self.advisers[key] for key in opening.dated.staff if key in self.advisers]


def read_rulebook(session: Session) -> RuleBook:
    """The rules in force. Raises LookupError where no town is loaded yet."""
    town = session.execute(_TOWN).one_or_none()
    if town is None:
        raise LookupError("no town is loaded: run `flask --app wsgi load FILE`")
    found = _rulebooks.get(town.rules_stamp)
    if found is None:
        found = _read_anew(session, *town)
        if len(_rulebooks) >= MOST_RULEBOOKS:
            _rulebooks.clear()
        _rulebooks[town.rules_stamp] = found
    return found


# By the table, not the class: asked in every request, and rows are enough.
_TOWN = select(*(Town.__table__.c[name] for name in ("rules_stamp", "rules_revision", "timezone", "state")))
_rulebooks: dict[str, RuleBook] = {}
MOST_RULEBOOKS = 4
MOST_KEPT = 64


def _read_anew(session: Session, stamp: str, revision: int, timezone: str, state: str) -> RuleBook:
    listed = _read_listed(session)
    return RuleBook(
        revision=revision,
        stamp=stamp,
        zone=ZoneInfo(timezone),
        hours=_hours(session, state),
        advisers=_advisers(session),
        services=tuple(ServiceAges(key, *ages) for _, key, *ages in listed["service"]),
        service_ids={key: id_ for id_, key, *_ in listed["service"]},
        concerns={key: ConcernRule(id_, key, minutes) for id_, key, minutes, _ in listed["concern"]},
        places={id_: key for id_, key, *_ in listed["place"]},
    )


def _read_listed(session: Session) -> dict[str, list[tuple[int, str, Any, Any]]]:
    """Services, concerns and places in use with two figures each, in the order of the file, by one statement."""
    parts = [
        select(literal(model.__tablename__), model.id, model.key, *figures, model.position.label("position")).where(
            model.retired_at.is_(None)
        )
        for model, figures in (
            (Service, (Service.from_age, Service.until_age)),
            (Concern, (Concern.minutes, null())),
            (Place, (null(), null())),
        )
    ]
    listed: dict[str, list[tuple[int, str, Any, Any]]] = {"service": [], "concern": [], "place": []}
    for name, id_, key, one, other, _ in session.execute(union_all(*parts).order_by("position")):
        listed[name].append((id_, key, one, other))
    return listed


def _hours(session: Session, state: str) -> dict[str, OfficeHours]:
    closures = session.scalars(select(Closure)).all()
    rows = session.scalars(
        select(Hours)
        .where(Hours.retired_at.is_(None), Hours.from_time.is_not(None))
        .options(joinedload(Hours.exceptions), joinedload(Hours.rota))
        .order_by(Hours.position)
        .execution_options(populate_existing=True)
    )
    return {each.key: _office_hours(each, closures, state) for each in rows.unique()}


def _advisers(session: Session) -> dict[str, Server]:
    rows = session.execute(
        select(Adviser.key, Adviser.id, Adviser.services, Adviser.languages)
        .where(Adviser.retired_at.is_(None))
        .order_by(Adviser.position)
    )
    return {key: Server(id_, frozenset(services), frozenset(languages)) for key, id_, services, languages in rows}


def _office_hours(row: Hours, closures: Iterable[Closure], state: str) -> OfficeHours:
    return OfficeHours(
        id=row.id,
        key=row.key,
        place_id=row.place_id,
        services=frozenset(row.services),
        admits=row.admits,
        appointments_at_once=row.appointments_at_once if row.admits == "mixed" else None,
        grid_minutes=row.grid_minutes,
        concerns=frozenset(row.concerns),
        lead=timedelta(hours=row.lead_hours),
        horizon=timedelta(days=row.horizon_days),
        desk_share=row.desk_share,
        release_days=row.release_days,
        tickets_before=timedelta(minutes=row.tickets_minutes_before),
        ticket_limit=row.ticket_limit,
        room=row.room,
        after_until=row.after_until,
        is_own=row.own_adviser_id is not None,
        rule=_rule(row, closures, state),
    )


def _rule(row: Hours, closures: Iterable[Closure], state: str) -> Rule:
    assert row.from_time and row.until_time  # read_rulebook leaves rows without times out
    return Rule(
        from_time=row.from_time,
        until_time=row.until_time,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        rrule=row.rrule,
        dates=frozenset(date.fromisoformat(each) for each in row.dates),
        staff=tuple(row.advisers),
        rota=_turns(row.rota),
        exceptions=_exceptions(row.exceptions),
        closures=tuple(
            ClosedDays(each.from_on, each.until_on, each.reason)
            for each in closures
            if each.place_id in (None, row.place_id)
        ),
        state=state,
    )


def _turns(row: Rota | None) -> Turns | None:
    return Turns(row.starts_on, tuple(tuple(turn) for turn in row.turns), row.skipped) if row else None


def _exceptions(rows: Iterable[HoursException]) -> tuple[DateException, ...]:
    """One for each date: what was changed on the day goes before what the file says of it."""
    found: dict[date, DateException] = {}
    for row in sorted(rows, key=lambda each: not each.from_file):
        earlier = found.get(row.original_on)
        found[row.original_on] = _exception(row) if earlier is None else _exception(row).over(earlier)
    return tuple(found.values())


def _exception(row: HoursException) -> DateException:
    return DateException(
        original_on=row.original_on,
        kind=row.kind,
        held_on=row.held_on,
        from_time=row.from_time,
        until_time=row.until_time,
        staff=tuple(row.advisers) if row.advisers is not None else None,
        reason=row.reason,
    )
