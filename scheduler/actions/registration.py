"""The front desk: give a walk-in a number, add its answers later, check appointments in, note who left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scheduler.actions.booking import service_id_of
from scheduler.actions.forecasting import forecast_opening, keep_shown
from scheduler.actions.openings import UnknownOpening, insert_for, lock_opening, lock_visit, renew_feeds
from scheduler.actions.rulebook import PlannedOpening, RuleBook
from scheduler.actions.steps import By, interpreters_of, take_step
from scheduler.domain.full_house import is_full
from scheduler.domain.intervals import Interval
from scheduler.domain.queue_order import keeps_place
from scheduler.domain.recurrence import local_date
from scheduler.domain.routing import AgeGroup, services_for
from scheduler.domain.visit_states import StepRefused
from scheduler.models import Concern, Opening, Place, TicketCounter, Visit

Refusal = Literal["appointments_only", "not_yet", "over", "stopped", "limit", "full"]
"""Why an opening gives no numbers: never here; not before its time; it has ended or was closed; the desk has stopped;
as many as the town's file allows are given; whoever came now would probably not be served before closing."""

MAY_OVERRIDE: tuple[Refusal, ...] = ("stopped", "limit", "full")
"""The desk may give one number all the same."""


class TicketsRefused(Exception):
    """This opening gives no numbers now, and why."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason)
        self.reason = reason


class NotToday(Exception):
    """An appointment that is for another day or another place; `visit` says which."""

    def __init__(self, visit: Visit) -> None:
        super().__init__(f"visit {visit.id} is not for this place today")
        self.visit = visit


@dataclass(frozen=True)
class Answers:
    """What the desk asked. Unknown is valid everywhere: "next number, answers later"."""

    age_group: AgeGroup = "unknown"
    concern: str | None = None
    language: str | None = None
    urgent: bool = False
    people: int = 1
    fetch_in_person: bool = False


def ticket_window(opening: PlannedOpening) -> Interval:
    """When numbers are given: from some minutes before the door opens until closing."""
    return Interval(opening.dated.starts_at - opening.hours.tickets_before, opening.dated.ends_at)


def register(
    session: Session,
    rulebook: RuleBook,
    opening: PlannedOpening,
    answers: Answers,
    *,
    locale: str,
    by: By,
    now: datetime,
    override: bool = False,
) -> Visit:
    """Take a walk-in in and give the next number. Raises TicketsRefused or UnknownOpening.

    override: staff give this one number although no more are given; not at another time, nor for appointments alone.
    """
    if not opening.dated.takes_place:
        raise UnknownOpening(opening.public_id)
    row = lock_opening(session, opening)
    check_tickets(session, rulebook, opening, row, now, override=override)
    ticket = draw_ticket(session, opening.hours.place_id, opening.dated.on)
    visit = add_walk_in(session, rulebook, opening, row, ticket, answers, locale=locale, by=by, arrived_at=now, now=now)
    keep_shown(session, rulebook, opening, visit, now)
    return visit


def add_walk_in(
    session: Session,
    rulebook: RuleBook,
    opening: PlannedOpening,
    row: Opening,
    ticket: int,
    answers: Answers,
    *,
    locale: str,
    by: By,
    arrived_at: datetime,
    now: datetime,
) -> Visit:
    """Somebody with a number that is theirs alone, and the step of it. The caller holds the opening's lock."""
    visit = Visit(
        opening=row,
        place_id=opening.hours.place_id,
        local_on=opening.dated.on,  # not the day of `now`: numbers may be given before midnight
        kind="walk_in",
        state="waiting",
        ticket=ticket,
        locale=locale,
        created_at=now,
        changed_at=now,
        arrived_at=arrived_at,
    )
    fill_in(session, rulebook, visit, answers)
    session.add(visit)
    take_step(session, visit, "register", by=by, now=arrived_at)
    return visit


def answer(session: Session, rulebook: RuleBook, visit_id: int, answers: Answers, *, by: By, now: datetime) -> Visit:
    """Fill in, or correct, what a waiting visit was asked. Raises StepRefused once it was called."""
    visit = lock_visit(session, visit_id)
    take_step(session, visit, "answer", by=by, now=now)
    before = interpreters_of(visit)
    fill_in(session, rulebook, visit, answers)
    renew_feeds(session, (), interpreters_of(visit) - before)  # the step told those of the former language alone
    session.flush()
    return visit


def check_in(session: Session, rulebook: RuleBook, visit_id: int, place_id: int, *, by: By, now: datetime) -> Visit:
    """An appointment is here: it draws a number from the same counter. Raises NotToday or StepRefused."""
    visit = lock_visit(session, visit_id)
    today = local_date(now, rulebook.zone)
    if visit.place_id != place_id or visit.local_on != today:
        raise NotToday(visit)
    missed_at = visit.ended_at if visit.arrived_at is not None else None
    take_step(session, visit, "check_in", by=by, now=now)
    if missed_at is None or not keeps_place(missed_at, now):
        visit.arrived_at = now
    if visit.ticket is None:
        visit.ticket = draw_ticket(session, place_id, today)
    session.flush()
    return visit


def leave(session: Session, visit_id: int, *, by: By, now: datetime) -> Visit:
    """The client went away without being served."""
    visit = lock_visit(session, visit_id)
    consultation = visit.open_consultation
    take_step(session, visit, "leave", by=by, now=now, consultation=consultation)
    if consultation is not None:
        consultation.ended_at, consultation.ended_as = now, "left"
    session.flush()
    return visit


def miss(session: Session, visit_id: int, *, by: By, now: datetime) -> Visit:
    """The appointment did not come: its time goes to the queue at once. Raises StepRefused."""
    visit = lock_visit(session, visit_id)
    if visit.state == "called":  # meanwhile it came: whether a call was missed is for the adviser to say
        raise StepRefused(visit.state, "miss")
    take_step(session, visit, "miss", by=by, now=now, releases_place=True)
    return visit


def draw_ticket(session: Session, place_id: int, local_on: date) -> int:
    """The next number at this place on this day, in one statement: two at once never get the same."""
    first = session.get_one(Place, place_id).first_ticket
    insert = insert_for(session, TicketCounter.metadata.tables["ticket_counter"]).values(
        place_id=place_id, local_on=local_on, last_number=first
    )
    drawn = session.execute(
        insert.on_conflict_do_update(
            index_elements=["place_id", "local_on"], set_={"last_number": TicketCounter.last_number + 1}
        ).returning(TicketCounter.last_number)
    )
    return int(drawn.scalar_one())


def check_tickets(
    session: Session,
    rulebook: RuleBook,
    opening: PlannedOpening,
    row: Opening | None,
    now: datetime,
    *,
    override: bool = False,
) -> None:
    """Whether a walk-in gets a number now; `row` is None where nothing has happened yet. Raises TicketsRefused."""
    reason = _closed_door(opening, row, now) if override else refusal(session, rulebook, opening, row, now)
    if reason is not None:
        raise TicketsRefused(reason)


def refusal(
    session: Session, rulebook: RuleBook, opening: PlannedOpening, row: Opening | None, now: datetime
) -> Refusal | None:
    """Why a walk-in gets no number now; None: it gets one."""
    return _closed_door(opening, row, now) or _no_more(session, rulebook, opening, row, now)


def holds_full(
    session: Session, rulebook: RuleBook, opening: PlannedOpening, row: Opening | None, now: datetime
) -> bool:
    """Whether the forecast holds this opening full right now, given that it did or did not before."""
    chance = forecast_opening(session, rulebook, opening, now).newcomer.chance
    return is_full(chance, was_full=row is not None and row.full_since is not None)


def _closed_door(opening: PlannedOpening, row: Opening | None, now: datetime) -> Refusal | None:
    window = ticket_window(opening)
    if not opening.hours.takes_walk_ins:
        return "appointments_only"
    if now < window.starts_at:
        return "not_yet"
    return "over" if now >= window.ends_at or (row is not None and row.closed_at is not None) else None


def _no_more(
    session: Session, rulebook: RuleBook, opening: PlannedOpening, row: Opening | None, now: datetime
) -> Refusal | None:
    said = row.tickets if row is not None else "automatic"
    if said != "automatic":
        return "stopped" if said == "stopped" else None
    limit = opening.hours.ticket_limit
    if row is not None and limit is not None and _tickets_given(session, row) >= limit:
        return "limit"
    return "full" if holds_full(session, rulebook, opening, row, now) else None


def _tickets_given(session: Session, row: Opening) -> int:
    """A number that was taken back, or given up while waiting, makes room for another."""
    given = select(func.count(Visit.id)).where(
        Visit.opening_id == row.id, Visit.kind == "walk_in", Visit.state != "cancelled"
    )
    return session.scalars(given).one()


def fill_in(session: Session, rulebook: RuleBook, visit: Visit, answers: Answers) -> None:
    """Write down what was asked."""
    visit.age_group = answers.age_group
    visit.service_id = service_id_of(rulebook, frozenset(services_for(answers.age_group, rulebook.services)))
    visit.concern_id = session.scalar(select(Concern.id).where(Concern.key == answers.concern))
    visit.language = answers.language
    visit.urgent = answers.urgent
    visit.people = answers.people
    visit.fetch_in_person = answers.fetch_in_person
