"""The forecast of one opening, shared by all pages that show it, and kept where somebody was told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from scheduler.actions.calling import read_queue
from scheduler.actions.experience import read_experience
from scheduler.actions.openings import servers_of, stored_opening
from scheduler.actions.rulebook import PlannedOpening, RuleBook
from scheduler.domain.forecast import NEWCOMER, Desk, Forecast, Kind, Person, Situation, forecast
from scheduler.domain.queue_order import LATE_GRACE, Server, Waiting
from scheduler.models import Absence, Concern, Consultation, Opening, Presence, Service, ShownForecast, Visit

MOST_KEPT = 64


@dataclass(frozen=True)
class OpeningForecast:
    """For whoever would come now, and for each visit that waits (by its id)."""

    newcomer: Forecast
    waiting: dict[int, Forecast] = field(default_factory=dict)


def forecast_opening(session: Session, rulebook: RuleBook, opening: PlannedOpening, now: datetime) -> OpeningForecast:
    """What the rest of this opening will probably bring; the same for all who ask within a minute and a change."""
    row = stored_opening(session, opening)
    name = (opening.public_id, row and row.version, rulebook.stamp, now.replace(second=0, microsecond=0))
    kept: dict[Any, Any] = session.info.get("kept", {}).setdefault("forecasts", {})
    found: OpeningForecast | None = kept.get(name)
    if found is None:
        found = _forecast_anew(session, rulebook, opening, row, now)
        if len(kept) >= MOST_KEPT:
            kept.clear()
        kept[name] = found
    return found


def keep_shown(session: Session, rulebook: RuleBook, opening: PlannedOpening, visit: Visit, now: datetime) -> None:
    """Remember what a walk-in is told when it has its number: later forecasts are corrected by what came true."""
    told = forecast_opening(session, rulebook, opening, now).waiting[visit.id]
    if told.comes == 0:
        return  # nobody is here or expected: that is no forecast, and its error would teach nothing
    session.add(
        ShownForecast(
            visit_id=visit.id,
            made_at=now,
            ahead=told.ahead,
            simulated=told.simulated.centre,
            spread=told.simulated.spread,
            closed_form=told.closed_form,
            low=told.low,
            high=told.high,
            chance=told.chance,
            basis=told.basis,
        )
    )
    session.flush()


def _forecast_anew(
    session: Session, rulebook: RuleBook, opening: PlannedOpening, row: Opening | None, now: datetime
) -> OpeningForecast:
    experience, calibration = read_experience(session, rulebook, now)
    situation = read_situation(session, rulebook, opening, row, now)
    found = forecast(situation, experience, calibration, opening.dated.ends_at, seed=row.id if row else 0)
    return OpeningForecast(found.pop(NEWCOMER), found)


def read_situation(
    session: Session, rulebook: RuleBook, opening: PlannedOpening, row: Opening | None, now: datetime
) -> Situation:
    """Who is here and expected, who waits, and which appointments are still to come."""
    opens_in = max(0.0, _minutes(opening.dated.starts_at, now))
    if row is None:
        expected = [Desk(each, expected_in=opens_in) for each in rulebook.staff_of(opening)]
        return Situation(now, expected, [], opens_in)
    return Situation(now, _read_desks(session, rulebook, opening, row, now), _read_people(session, row, now), opens_in)


def _read_desks(
    session: Session, rulebook: RuleBook, opening: PlannedOpening, row: Opening, now: datetime
) -> list[Desk]:
    servers = servers_of(session, rulebook, opening, row)
    ids = [each.adviser_id for each in servers]
    states = dict(
        session.execute(select(Presence.adviser_id, Presence.state).where(Presence.opening_id == row.id)).all()
    )
    away = dict(
        session.execute(
            select(Absence.adviser_id, Absence.ends_at).where(
                Absence.adviser_id.in_(ids), Absence.starts_at <= now, Absence.ends_at > now
            )
        ).all()
    )
    served = _read_served(session, row, ids)
    due_at = opening.dated.starts_at
    return [
        _desk(each, states.get(each.adviser_id), max(due_at, away.get(each.adviser_id, due_at)), served, now)
        for each in servers
    ]


def _desk(
    server: Server, state: str | None, due_at: datetime, served: dict[int, tuple[datetime, datetime | None, Kind]],
    now: datetime,
) -> Desk:  # fmt: skip
    called_at, ended_at, kind = served.get(server.adviser_id, (None, None, Kind()))
    if called_at is not None and ended_at is None:
        return Desk(server, busy_with=kind, busy_minutes=_minutes(now, called_at))
    if state is None:
        return Desk(server, expected_in=_minutes(due_at, now))
    idle = _minutes(now, ended_at) if ended_at else _LONG_AGO
    return Desk(server, on_break=state == "break", idle_minutes=idle)


_LONG_AGO = 60.0


def _read_served(session: Session, row: Opening, adviser_ids: list[int]) -> dict[int, tuple[Any, Any, Kind]]:
    """The latest consultation of each adviser: of this opening, or one that goes on elsewhere."""
    rows = session.execute(
        select(Consultation.adviser_id, Consultation.called_at, Consultation.ended_at, Service.key, Concern.key)
        .join(Visit, Consultation.visit_id == Visit.id)
        .outerjoin(Service, Visit.service_id == Service.id)
        .outerjoin(Concern, Visit.concern_id == Concern.id)
        .where(Consultation.adviser_id.in_(adviser_ids))
        .where(or_(Visit.opening_id == row.id, Consultation.ended_at.is_(None)))
        # The last one counts: whom they have now, else whom they called last, whenever that was entered.
        .order_by(Consultation.ended_at.is_(None), Consultation.called_at, Consultation.id)
    )
    return {adviser_id: (called_at, ended_at, Kind(*kind)) for adviser_id, called_at, ended_at, *kind in rows}


def _read_people(session: Session, row: Opening, now: datetime) -> list[Person]:
    """Who waits, and the appointments that may still come: not those that are later than their grace."""
    waiting = {each.visit_id: each for each in read_queue(session, row)}
    rows = session.execute(
        select(
            Visit.id, Visit.starts_at, Visit.urgent, Visit.language, Visit.wished_adviser_id, Service.key, Concern.key
        )
        .outerjoin(Service, Visit.service_id == Service.id)
        .outerjoin(Concern, Visit.concern_id == Concern.id)
        .where(Visit.opening_id == row.id, Visit.state.in_(("waiting", "booked")))
    )
    people = []
    for visit_id, starts_at, urgent, language, wished, service, concern in rows:
        kind = Kind(service, concern)
        if visit_id in waiting:
            people.append(Person(waiting[visit_id], kind))
        elif starts_at is not None and starts_at > now - LATE_GRACE:
            services = frozenset({service} if service else ())
            to_come = Waiting(visit_id, starts_at, starts_at, urgent, services, language, wished)
            people.append(Person(to_come, kind, here=False))
    return people


def _minutes(until: datetime, since: datetime) -> float:
    return (until - since).total_seconds() / 60
