"""An adviser serves the queue: call the next, call again, not now, missed, start, finish, and the outcome after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from scheduler.actions.openings import lock_opening, lock_visit, servers_of
from scheduler.actions.presence import presence_of
from scheduler.actions.rulebook import PlannedOpening, RuleBook
from scheduler.actions.steps import By, take_step
from scheduler.domain.queue_order import Waiting, next_for
from scheduler.domain.recurrence import local_date
from scheduler.domain.visit_states import StepRefused, Verb, next_state
from scheduler.models import Adviser, Consultation, Opening, Service, Town, Visit
from scheduler.models.visits import EndedAs


class NotSeated(Exception):
    """Nobody can be called to an adviser who has not said where they sit."""


class StillServing(Exception):
    """This adviser has somebody already."""


class NobodyWaits(Exception):
    """Nobody is in the queue whom this adviser can serve."""


class OpeningOver(Exception):
    """This opening calls no numbers once it is over. Whoever still waits may be picked from the list."""


class CalledTooRarely(Exception):
    """A visit counts as missed only after as many calls as the town's file asks for."""


class OutcomeClosed(Exception):
    """The outcome could be completed until the evening of that day."""


@dataclass(frozen=True)
class Outcome:
    """What came of a consultation. Keys of topics and agencies; all of it may be left open."""

    case_kind: str | None = None
    family_members: int | None = None
    topics: tuple[str, ...] = ()
    referred_from: str | None = None
    referred_to: tuple[str, ...] = ()


def call_next(
    session: Session, rulebook: RuleBook, opening: PlannedOpening, adviser: Adviser, *, by: By, now: datetime
) -> Consultation:
    """Call the first in order whom this adviser can serve.

    Raises OpeningOver, NotSeated, StillServing or NobodyWaits.
    """
    if not still_calls(opening, now):
        raise OpeningOver
    row = lock_opening(session, opening)
    servers = servers_of(session, rulebook, opening, row)
    server = rulebook.advisers[adviser.key]
    found = next_for(server, read_queue(session, row), servers, now)
    if found is None:
        raise NobodyWaits
    return _call(session, row, session.get_one(Visit, found.visit_id), adviser, by, now)


def still_calls(opening: PlannedOpening, now: datetime) -> bool:
    """Whether the next number is called: until the opening is over, and after it where its rule says so."""
    return opening.hours.after_until or now < opening.dated.ends_at


def call(session: Session, visit_id: int, adviser: Adviser, *, by: By, now: datetime) -> Consultation:
    """Call this visit, out of order. Raises NotSeated, StillServing or StepRefused."""
    visit = lock_visit(session, visit_id)
    return _call(session, visit.opening, visit, adviser, by, now)


def call_again(session: Session, consultation_id: int, *, by: By, now: datetime) -> Consultation:
    """The number stands on the board anew, with a tone."""
    consultation = lock_consultation(session, consultation_id, "call_again")
    take_step(session, consultation.visit, "call_again", by=by, now=now, consultation=consultation)
    consultation.calls += 1
    consultation.last_called_at = now
    session.flush()
    return consultation


def start(session: Session, consultation_id: int, *, by: By, now: datetime) -> Consultation:
    """The client has sat down."""
    consultation = lock_consultation(session, consultation_id, "start")
    take_step(session, consultation.visit, "start", by=by, now=now, consultation=consultation)
    consultation.started_at = now
    session.flush()
    return consultation


def put_back(session: Session, consultation_id: int, *, by: By, now: datetime) -> None:
    """Not now: the visit waits on, at its old place in the order."""
    consultation = lock_consultation(session, consultation_id, "put_back")
    take_step(session, consultation.visit, "put_back", by=by, now=now, consultation=consultation)
    end_consultation(session, consultation, "put_back", now)


def miss_call(session: Session, consultation_id: int, *, by: By, now: datetime) -> None:
    """Called as often as the town's file asks for, and nobody came. Raises CalledTooRarely or StepRefused."""
    consultation = lock_consultation(session, consultation_id, "miss")
    if consultation.calls < session.get_one(Town, 1).calls_before_missed:
        raise CalledTooRarely
    take_step(session, consultation.visit, "miss", by=by, now=now, consultation=consultation, releases_place=True)
    end_consultation(session, consultation, "missed", now)


def finish(session: Session, consultation_id: int, *, by: By, now: datetime) -> Consultation:
    """The consultation is over; its outcome may follow until the evening."""
    consultation = lock_consultation(session, consultation_id, "finish")
    take_step(session, consultation.visit, "finish", by=by, now=now, consultation=consultation)
    end_consultation(session, consultation, "finished", now)
    return consultation


def record_outcome(session: Session, consultation: Consultation, outcome: Outcome, now: datetime) -> None:
    """Write what came of it, as often as needed on the same day. Raises OutcomeClosed later."""
    if not outcome_open(session, consultation, now):
        raise OutcomeClosed
    consultation.case_kind = outcome.case_kind
    consultation.family_members = outcome.family_members
    consultation.topics = list(outcome.topics)
    consultation.referred_from = outcome.referred_from
    consultation.referred_to = list(outcome.referred_to)
    consultation.outcome_at = now
    session.flush()


def outcome_open(session: Session, consultation: Consultation, now: datetime) -> bool:
    """Until the end of the day of the call, in the town's zone."""
    zone = session.get_one(Town, 1).zone
    return local_date(consultation.called_at, zone) == local_date(now, zone)


def read_queue(session: Session, row: Opening) -> list[Waiting]:
    """Everybody who waits at this opening, in no order."""
    rows = session.execute(
        select(
            Visit.id,
            Visit.arrived_at,
            Visit.starts_at,
            Visit.urgent,
            Service.key,
            Visit.language,
            Visit.wished_adviser_id,
            Consultation.adviser_id,
        )
        .outerjoin(Service, Visit.service_id == Service.id)
        .outerjoin(Consultation, and_(Consultation.visit_id == Visit.id, Consultation.ended_as == "handed_over"))
        .where(Visit.opening_id == row.id, Visit.state == "waiting")
    )
    found: dict[int, Waiting] = {}
    for visit_id, arrived_at, starts_at, urgent, service, language, wished, earlier in rows:
        if arrived_at is not None:
            handed = found[visit_id].handed_over_by if visit_id in found else frozenset[int]()
            services = frozenset({service} if service else ())
            handed |= {earlier} if earlier is not None else set()
            found[visit_id] = Waiting(visit_id, arrived_at, starts_at, urgent, services, language, wished, handed)
    return list(found.values())


def _call(session: Session, row: Opening, visit: Visit, adviser: Adviser, by: By, now: datetime) -> Consultation:
    presence = presence_of(session, row, adviser)
    if presence is None or presence.state != "present":
        raise NotSeated
    if open_consultation_of(session, adviser) is not None:
        raise StillServing
    next_state(visit.state, "call")  # refused before anything is added to the session
    consultation = Consultation(
        visit=visit,
        adviser_id=adviser.id,
        carrier_id=adviser.carrier_id,
        station=presence.station,
        called_at=now,
        last_called_at=now,
    )
    session.add(consultation)
    take_step(session, visit, "call", by=by, now=now, consultation=consultation)
    return consultation


def open_consultation_of(session: Session, adviser: Adviser) -> Consultation | None:
    """Whom this adviser has called or is talking to."""
    return session.scalar(
        select(Consultation).where(Consultation.adviser_id == adviser.id, Consultation.ended_at.is_(None))
    )


def lock_consultation(session: Session, consultation_id: int, verb: Verb) -> Consultation:
    """The consultation, locked. Raises StepRefused where it has ended: a colleague may have this visit by now."""
    consultation = session.get_one(Consultation, consultation_id)
    visit = lock_visit(session, consultation.visit_id)
    session.refresh(consultation)
    if consultation.ended_at is not None:
        raise StepRefused(visit.state, verb)
    return consultation


def end_consultation(session: Session, consultation: Consultation, ended_as: EndedAs, now: datetime) -> None:
    """The consultation is over, whatever became of the visit."""
    consultation.ended_at, consultation.ended_as = now, ended_as
    session.flush()
