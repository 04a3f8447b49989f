"""Whoever asked for it on the ticket page is written to once, when it is nearly their turn."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Select, and_, false, or_, select
from sqlalchemy.orm import Session

from scheduler.actions.calling import still_calls
from scheduler.actions.contacts import put_email, put_phone
from scheduler.actions.forecasting import forecast_opening
from scheduler.actions.messages import plan_nearly
from scheduler.actions.openings import lock_visit
from scheduler.actions.rulebook import RuleBook
from scheduler.domain.forecast import Forecast
from scheduler.domain.recurrence import local_date
from scheduler.domain.visit_states import State
from scheduler.models import Contact, Hours, Message, Opening, Visit

MAY_ASK: tuple[State, ...] = ("waiting", "parked")
MOST_AHEAD = 2
WITHIN_MINUTES = 10


def ask_to_be_told(
    session: Session,
    visit_id: int,
    *,
    email: str | None,
    phone: str | None = None,
    locale: str,
    secret: str,
    now: datetime,
) -> Visit:
    """Keep the (normalised) addresses of a client who waits, for one message in the language in which they asked.

    What is None stays as an appointment's contact may hold it.
    """
    visit = lock_visit(session, visit_id)
    contact = visit.contact = visit.contact or Contact(created_at=now)
    if email is not None:
        put_email(contact, email, secret)
    if phone is not None:
        put_phone(contact, phone, secret)
    contact.nearly = True
    visit.locale = locale
    session.flush()
    return visit


def stop_telling(session: Session, visit_id: int) -> Visit:
    """The client thought better of it. A walk-in's address was left for this alone, so it goes."""
    visit = lock_visit(session, visit_id)
    if visit.contact is not None and visit.kind == "walk_in":
        session.delete(visit.contact)
        session.flush()
        session.expire(visit, ["contact"])
    elif visit.contact is not None:
        visit.contact.nearly = False
        session.flush()
    return visit


def find_nearly_due(session: Session, rulebook: RuleBook, now: datetime) -> list[int]:
    """Waiting visits that asked to be told, have not been, and are nearly called."""
    return [
        visit_id
        for visit_id, hours_key, original_on in session.execute(_asked(session, now, rulebook))
        if (opening := rulebook.opening(hours_key, original_on)) is not None
        and still_calls(opening, now)
        and is_near(forecast_opening(session, rulebook, opening, now).waiting.get(visit_id))
    ]


def tell_nearly(session: Session, visit_id: int, now: datetime) -> bool:
    """Plan the one message; gives whether the visit still waits for it."""
    visit = lock_visit(session, visit_id)
    if visit.state != "waiting" or visit.contact is None or not visit.contact.nearly:
        return False
    plan_nearly(session, visit, now)
    return True


def is_near(forecast: Forecast | None) -> bool:
    """Whether somebody with this forecast should be on the way back. None: it is not known."""
    if forecast is None or forecast.comes == 0:
        return False  # nobody is here or expected: however few are ahead, nobody calls
    return forecast.ahead <= MOST_AHEAD or forecast.low <= WITHIN_MINUTES


def _asked(session: Session, now: datetime, rulebook: RuleBook) -> Select[int, str, date]:
    texts = Contact.phone.is_not(None) if session.info.get("sends_sms") else false()
    letters = Contact.email.is_not(None) if session.info.get("sends_mail", True) else false()
    reached = or_(letters, texts)
    told = and_(
        Message.visit_id == Visit.id,
        Message.kind == "nearly",
        Message.sequence == Visit.sequence,
        Message.state != "dropped",  # it was dropped because the visit was called: since then it may wait again
    )
    return (
        select(Visit.id, Hours.key, Opening.original_on)
        .join(Contact, Contact.visit_id == Visit.id)
        .join(Opening, Visit.opening_id == Opening.id)
        .join(Hours, Opening.hours_id == Hours.id)
        .where(Visit.local_on == local_date(now, rulebook.zone), Visit.state == "waiting", Contact.nearly)
        .where(reached, ~select(Message.id).where(told).exists())
        .order_by(Visit.id)
    )
