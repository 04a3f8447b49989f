"""Erase one visit at once: on the wish of its client, who says so on the own page, or to the office.

Gone are contact, messages, case mark, history, consultations and the visit itself: link and code open nothing any more.
An appointment to come is cancelled first, so its time is free, and calendars that show it are renewed without it.
Nobody is written to: the address is erased, too. What remains is the visit in the monthly counts, the line of the audit
trail with its number, the time itself while it is held back, and numbers where something is counted for a day.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.booking import cancel
from scheduler.actions.counting import add_counts, count
from scheduler.actions.deleting import delete_visits
from scheduler.actions.openings import UnknownOpening, lock_visit, mark_changed
from scheduler.actions.sending import DAY
from scheduler.actions.steps import By, interpreters_of
from scheduler.domain.visit_states import HERE
from scheduler.models import Message, SentText, Step, Visit


class StillHere(Exception):
    """The client is in the house: whoever serves them needs the visit."""


def erase_visit(session: Session, visit_id: int, *, by: By, now: datetime) -> None:
    """Count the visit and delete it. Raises StillHere, or UnknownOpening where there is no such visit."""
    visit = lock_visit(session, visit_id)
    if visit.state in HERE:
        raise StillHere
    if visit.state == "booked":
        cancel(session, visit_id, by=by, now=now)
    opening, hours = visit.opening, visit.opening.hours
    advisers, languages = _who_sees(session, visit), interpreters_of(visit)
    add_counts(session, count(session, [visit_id]))
    _keep_texts_counted(session, visit_id, now)
    session.flush()
    delete_visits(session, [visit_id])
    if hours.own_adviser_id is not None:
        hours.retired_at = now  # nobody's time any more: it leaves the rules, and then the database
    mark_changed(session, opening, advisers, languages)
    session.flush()


def find_by_code(session: Session, code: str) -> int:
    """The visit of these nine digits, whenever it was. Raises UnknownOpening."""
    found = session.scalar(select(Visit.id).where(Visit.code == code))
    if found is None:
        raise UnknownOpening("no visit has this code")
    return found


def _who_sees(session: Session, visit: Visit) -> set[int | None]:
    """The advisers in whose calendars it stands: that of its place, and those that it once held."""
    released = select(Step.released_adviser_id).where(Step.visit_id == visit.id)
    return {visit.planned_adviser_id, *session.scalars(released)}


def _keep_texts_counted(session: Session, visit_id: int, now: datetime) -> None:
    """Text messages cost the town money: whoever erases the visit does not get as many again."""
    left = Message.visit_id == visit_id, Message.channel == "sms", Message.sent_at > now - DAY
    session.add_all(SentText(at=at) for at in session.scalars(select(Message.sent_at).where(*left)) if at is not None)
