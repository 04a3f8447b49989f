"""What must be true of the rows of any database that was in use, whenever one looks. Each fault is a line of words."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, aliased

from scheduler.models import Consultation, Message, Opening, Step, TicketCounter, Visit

SERVED = ("called", "in_consultation")


def faults(session: Session) -> list[str]:
    """All that is wrong; empty: nothing."""
    return [
        *_double_bookings(session),
        *_broken_histories(session),
        *_wrong_tickets(session),
        *_wrong_consultations(session),
        *_wrong_messages(session),
        *_lost_references(session),
    ]


def versions(session: Session) -> dict[int, int]:
    """Of each opening."""
    return dict(session.execute(select(Opening.id, Opening.version)).all())


def _double_bookings(session: Session) -> Iterator[str]:
    other = aliased(Visit)
    both = select(Visit.id, other.id).join(
        other,
        (other.planned_adviser_id == Visit.planned_adviser_id)
        & (other.id > Visit.id)
        & (other.starts_at < Visit.ends_at)
        & (Visit.starts_at < other.ends_at),
    )
    yield from (f"visits {one} and {two} hold one adviser at one time" for one, two in session.execute(both))
    gone = select(Visit.id).where(Visit.planned_adviser_id.is_not(None), Visit.state.in_(("cancelled", "missed")))
    yield from (f"visit {each} is over and holds a place" for each in session.scalars(gone))


def _broken_histories(session: Session) -> Iterator[str]:
    """Each step begins where the one before it led, and the visit stands where the last one did."""
    rows = session.execute(select(Step.visit_id, Step.from_state, Step.to_state, Step.verb).order_by(Step.id))
    at: dict[int, str | None] = {}
    told: dict[int, int] = {}
    for visit_id, from_state, to_state, verb in rows:
        if at.get(visit_id) != from_state:
            yield f"visit {visit_id}: a step from {from_state}, and it stood at {at.get(visit_id)}"
        at[visit_id] = to_state
        told[visit_id] = told.get(visit_id, 0) + (verb in ("move", "cancel"))
    for id_, state, sequence in session.execute(select(Visit.id, Visit.state, Visit.sequence)):
        if at.get(id_) != state:
            yield f"visit {id_} is {state}, and its last step led to {at.get(id_)}"
        if sequence < told.get(id_, 0):
            yield f"visit {id_} was changed {told[id_]} times, and says {sequence}"


def _wrong_tickets(session: Session) -> Iterator[str]:
    day = (Visit.place_id, Visit.local_on)
    drawn = select(*day, func.count(Visit.ticket), func.count(Visit.ticket.distinct()), func.max(Visit.ticket))
    counters = {(place, on): last for place, on, last in session.execute(_COUNTERS)}
    for place, on, given, different, highest in session.execute(drawn.where(Visit.ticket.is_not(None)).group_by(*day)):
        if given != different:
            yield f"a number was given twice at place {place} on {on}"
        if (last := counters.get((place, on), 0)) < highest:
            yield f"number {highest} was given at place {place} on {on}, and the counter says {last}"


_COUNTERS = select(TicketCounter.place_id, TicketCounter.local_on, TicketCounter.last_number)


def _wrong_consultations(session: Session) -> Iterator[str]:
    now_open = set(session.scalars(select(Consultation.visit_id).where(Consultation.ended_at.is_(None))))
    served = set(session.scalars(select(Visit.id).where(Visit.state.in_(SERVED))))
    yield from (f"visit {each} has an open consultation, and is not called" for each in now_open - served)
    yield from (f"visit {each} is called, and no consultation is open" for each in served - now_open)


def _wrong_messages(session: Session) -> Iterator[str]:
    rows = select(Message.id, Message.sequence, Visit.sequence, Visit.state, Message.kind, Message.state)
    for id_, about, sequence, state, kind, of in session.execute(rows.join(Message.visit)):
        if about > sequence:
            yield f"message {id_} is about a change that was never made"
        if of == "pending" and about < sequence:
            yield f"message {id_} waits, and is about what no longer holds"
        if of == "pending" and kind == "reminder" and state != "booked":
            yield f"message {id_} reminds of a visit that is {state}"


def _lost_references(session: Session) -> Iterator[str]:
    if session.get_bind().dialect.name == "sqlite":
        for row in session.execute(text("PRAGMA foreign_key_check")):
            yield f"a row of {row[0]} refers to nothing in {row[2]}"
        return
    for (name,) in session.execute(text("SELECT conname FROM pg_constraint WHERE NOT convalidated")):
        yield f"{name} was not checked"
    for table in Visit.metadata.sorted_tables:
        for key in table.foreign_keys:
            parent = key.column.table.alias()
            lost = select(func.count()).select_from(table).outerjoin(parent, key.parent == parent.c[key.column.name])
            if session.scalar(lost.where(key.parent.is_not(None), parent.c[key.column.name].is_(None))):
                yield f"{table.name}.{key.parent.name} refers to nothing"
