"""What this town has measured, read from its own log: of all places and services, nothing by adviser."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from scheduler.actions.rulebook import RuleBook
from scheduler.actions.supply import DEFAULT_MINUTES
from scheduler.domain.calibration import LATEST, Calibration, CameTrue, Simulated
from scheduler.domain.lengths import Experience, Kind, Measured, Waited
from scheduler.models import Concern, Consultation, Service, ShownForecast, Visit

LEARNED_FOR = timedelta(minutes=10)
"""So long a process goes on with what it has read of the log: a few visits more or less change no forecast."""

MOST_READ = 600
"""So many of the latest consultations, waits and appointments are read."""

Learned = tuple[Experience, Calibration]


def read_experience(session: Session, rulebook: RuleBook, now: datetime) -> Learned:
    """What was measured, and what became of earlier forecasts. Kept by the process for ten minutes."""
    kept = session.info.get("learned", {})
    until = now - timedelta(minutes=now.minute % 10, seconds=now.second, microseconds=now.microsecond)
    name = (rulebook.stamp, until)
    if name not in kept:
        found = (_read_experience(session, rulebook), Calibration.of(_read_came_true(session)))
        kept.clear()
        kept[name] = found
        return found
    learned: Learned = kept[name]
    return learned


def lengths_of_file(rulebook: RuleBook) -> dict[str | None, float]:
    """How long each concern takes by the town's file, in minutes; None: not asked."""
    return {None: float(DEFAULT_MINUTES), **{each.key: float(each.minutes) for each in rulebook.concerns.values()}}


def _read_experience(session: Session, rulebook: RuleBook) -> Experience:
    consultations: list[Any] = list(session.execute(_CONSULTATIONS))[::-1]
    appointments = session.execute(_APPOINTMENTS).one()
    waits: list[Any] = list(session.execute(_WAITS))[::-1]
    return Experience(
        configured=lengths_of_file(rulebook),
        consultations=[
            Measured(Kind(service, concern), _minutes(ended_at - called_at))
            for service, concern, _, called_at, ended_at in consultations
        ],
        gaps=_gaps((adviser_id, called_at, ended_at) for _, _, adviser_id, called_at, ended_at in consultations),
        waits=[
            Waited(_minutes((called_at or ended_at) - arrived_at), left=called_at is None)
            for arrived_at, called_at, state, ended_at in waits
            if called_at is not None or state == "left"
        ],
        came=appointments.came or 0,
        missed=appointments.missed or 0,
    )


def _gaps(consultations: Iterable[tuple[int, datetime, datetime]]) -> list[float]:
    """Minutes from the end of one consultation to the same adviser's next call; who they were is forgotten here."""
    return [
        _minutes(called_at - ended_at)
        for (one, _, ended_at), (other, called_at, _) in pairwise(sorted(consultations))
        if one == other and called_at >= ended_at
    ]


def _read_came_true(session: Session) -> list[CameTrue]:
    rows: list[Any] = list(session.execute(_CAME_TRUE))[::-1]
    return [
        CameTrue(Simulated(centre, spread), closed_form, _minutes(called_at - made_at))
        for centre, spread, closed_form, made_at, called_at in rows
        if called_at >= made_at
    ]


def _minutes(span: timedelta) -> float:
    return span.total_seconds() / 60


# The latest first, by their ids: no index by time is needed, and none grows slower with the years.
_CONSULTATIONS = (
    select(Service.key, Concern.key, Consultation.adviser_id, Consultation.called_at, Consultation.ended_at)
    .select_from(Consultation)
    .join(Visit, Consultation.visit_id == Visit.id)
    .outerjoin(Service, Visit.service_id == Service.id)
    .outerjoin(Concern, Visit.concern_id == Concern.id)
    .where(Consultation.ended_as.in_(("finished", "handed_over")), Consultation.times_unreliable.is_(False))
    .order_by(Consultation.id.desc())
    .limit(MOST_READ)
)
_FIRST_CALL = (
    select(func.min(Consultation.called_at))
    .where(Consultation.visit_id == Visit.id, Consultation.ended_as.is_distinct_from("undone"))
    .scalar_subquery()
)
_WAITS = (
    select(Visit.arrived_at, _FIRST_CALL, Visit.state, Visit.ended_at)
    .where(
        Visit.kind == "walk_in",
        Visit.arrived_at.is_not(None),
        Visit.state.in_(("done", "left")),
        Visit.times_unreliable.is_(False),
    )
    .order_by(Visit.id.desc())
    .limit(MOST_READ)
)
_LATEST_APPOINTMENTS = (
    select(Visit.state)
    .where(Visit.kind == "appointment", Visit.state.in_(("done", "missed")))
    .order_by(Visit.id.desc())
    .limit(MOST_READ)
    .subquery()
)
_APPOINTMENTS = select(
    func.sum(case((_LATEST_APPOINTMENTS.c.state == "done", 1), else_=0)).label("came"),
    func.sum(case((_LATEST_APPOINTMENTS.c.state == "missed", 1), else_=0)).label("missed"),
)
_CAME_TRUE = (
    select(ShownForecast.simulated, ShownForecast.spread, ShownForecast.closed_form, ShownForecast.made_at, _FIRST_CALL)
    .select_from(ShownForecast)
    .join(Visit, ShownForecast.visit_id == Visit.id)
    .where(Visit.state != "cancelled", _FIRST_CALL.is_not(None))
    .order_by(ShownForecast.made_at.desc())
    .limit(LATEST)
)
