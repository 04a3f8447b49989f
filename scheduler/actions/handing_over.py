"""An adviser hands a visit over, to a service or to a certain colleague.

The ticket stays. This consultation ends and keeps its outcome with its carrier; the visit waits again, at its old
arrival, and another consultation follows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.calling import end_consultation, lock_consultation
from scheduler.actions.case_marks import forget_mark
from scheduler.actions.openings import servers_of
from scheduler.actions.registration import draw_ticket
from scheduler.actions.rulebook import RuleBook
from scheduler.actions.steps import By, take_step
from scheduler.models import Adviser, Consultation, Service, Step, Visit


class NobodyThere(Exception):
    """Nobody who is here or still expected is this adviser, or gives this service."""


@dataclass(frozen=True)
class Recipient:
    """To whom: a service or an adviser, by key. Exactly one of them."""

    service: str | None = None
    adviser: str | None = None


def find_recipients(session: Session, rulebook: RuleBook, consultation: Consultation) -> list[Recipient]:
    """Services, then advisers, that this visit can be handed over to: of colleagues who are here or still expected."""
    row = consultation.visit.opening
    opening = rulebook.opening(row.hours.key, row.original_on)
    servers = servers_of(session, rulebook, opening, row) if opening else []
    others = {each.adviser_id: each for each in servers if each.adviser_id != consultation.adviser_id}
    keys = [key for key, each in rulebook.advisers.items() if each.adviser_id in others]
    given = frozenset[str]().union(*(each.services for each in others.values()))
    return [
        *(Recipient(service=key) for key in rulebook.service_ids if key in given),
        *(Recipient(adviser=key) for key in keys),
    ]


def hand_over(
    session: Session, rulebook: RuleBook, consultation_id: int, to: Recipient, *, by: By, now: datetime
) -> Consultation:
    """End this consultation; the visit waits for `to`. Raises NobodyThere or StepRefused."""
    consultation = lock_consultation(session, consultation_id, "hand_over")
    visit = consultation.visit
    if to not in find_recipients(session, rulebook, consultation):
        raise NobodyThere
    take_step(session, visit, "hand_over", by=by, now=now, consultation=consultation)
    _readdress(session, rulebook, visit, to)
    forget_mark(session, visit.id)
    if visit.ticket is None:  # it came straight to the adviser; the next one has to call it
        visit.ticket = draw_ticket(session, visit.place_id, visit.local_on)
    end_consultation(session, consultation, "handed_over", now)
    return consultation


def service_of(session: Session, consultation: Consultation) -> Service | None:
    """The service under which this consultation is held: a hand-over may have given the visit another one since."""
    handed_over = select(Step).where(Step.consultation_id == consultation.id, Step.verb == "hand_over")
    step = session.scalar(handed_over.order_by(Step.id.desc()).limit(1)) if consultation.ended_at else None
    if step is None or consultation.ended_as != "handed_over":
        return consultation.visit.service
    return session.get(Service, step.former_service_id) if step.former_service_id is not None else None


def _readdress(session: Session, rulebook: RuleBook, visit: Visit, to: Recipient) -> None:
    """A service takes any wish for an adviser away; an adviser who does not give the service gives their own."""
    if to.service is not None:
        visit.service_id, visit.wished_adviser_id = rulebook.service_ids[to.service], None
        return
    adviser = session.scalars(select(Adviser).where(Adviser.key == to.adviser)).one()
    visit.wished_adviser_id = adviser.id
    if visit.service is not None and visit.service.key not in adviser.services:
        own = [rulebook.service_ids[key] for key in adviser.services if key in rulebook.service_ids]
        visit.service_id = own[0] if len(own) == 1 else None
