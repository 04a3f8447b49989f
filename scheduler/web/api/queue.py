"""An opening's queue for other sites and screens: numbers only, no person, no language, no service."""

from __future__ import annotations

from datetime import date

from flask.typing import ResponseReturnValue
from sqlalchemy import Row, and_, func, select

from scheduler.actions.calling import read_queue
from scheduler.actions.openings import find_opening, stored_opening
from scheduler.actions.rulebook import PlannedOpening
from scheduler.domain.queue_order import in_order
from scheduler.models import Consultation, Hours, Opening, Presence, Town, Visit
from scheduler.web.api.answers import json_unless_known, local
from scheduler.web.api.blueprint import pages
from scheduler.web.api.openings import forecast_json, state_of, tickets_of
from scheduler.web.edge import db, now, rulebook, today
from scheduler.web.problems import Problem


@pages.get("/openings/<hours_key>/<original_on>/queue")
def show_queue(hours_key: str, original_on: str) -> ResponseReturnValue:
    on = _date(original_on)
    if not hours_key.isprintable():  # no key has such characters, and PostgreSQL takes no NUL
        raise Problem("unknown_opening")
    # The minute is part of every ETag: who knows this state has asked within it, and since then no day has ended.
    parts: list[object] = ["queue", hours_key, on, now().date(), *_version(hours_key, on)]
    return json_unless_known(parts, lambda: _queue_json(_opening(hours_key, on)))


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Problem("unknown_opening") from error


def _version(hours_key: str, on: date) -> Row[str, int | None]:
    """Of the rules and of this opening: one small read tells that nothing has changed."""
    return (
        db()
        .execute(
            select(Town.rules_stamp, Opening.version)
            .select_from(Town)
            .outerjoin(Hours, Hours.key == hours_key)
            .outerjoin(Opening, and_(Opening.hours_id == Hours.id, Opening.original_on == on))
            .where(Town.id == 1)
        )
        .one()
    )


def _opening(hours_key: str, on: date) -> PlannedOpening:
    """The opening. Raises UnknownOpening, or Problem where its day is over."""
    opening = find_opening(rulebook(), hours_key, on)
    if opening.dated.on < today():
        raise Problem("opening_over")
    return opening


def _queue_json(opening: PlannedOpening) -> dict[str, object]:
    row = stored_opening(db(), opening)
    waiting = _waiting_numbers(row) if row else []
    return {
        "opening": opening.public_id,
        "place": rulebook().places[opening.hours.place_id],
        "state": state_of(opening),
        "as_of": local(now().replace(second=0, microsecond=0)),
        "called": _called(row) if row else [],
        "waiting_numbers": waiting,
        "waiting": len(waiting),
        "expected_appointments": _count_expected(row) if row else 0,
        "advisers_present": _count_present(row) if row else 0,
        "forecast": forecast_json(opening) if tickets_of(opening) == "open" else None,
    }


def _called(row: Opening) -> list[dict[str, object]]:
    """Who was called or is being served, the latest call first. Whoever has no number is nobody's business."""
    found = db().execute(
        select(Visit.ticket, Consultation.station)
        .join(Consultation, Consultation.visit_id == Visit.id)
        .where(Visit.opening_id == row.id, Consultation.ended_at.is_(None), Visit.ticket.is_not(None))
        .order_by(Consultation.last_called_at.desc(), Consultation.id.desc())
    )
    return [{"number": number, "station": station} for number, station in found]


def _waiting_numbers(row: Opening) -> list[int]:
    """In the order in which they will probably be called."""
    found = select(Visit.id, Visit.ticket).where(Visit.opening_id == row.id, Visit.state == "waiting")
    numbers = dict(db().execute(found).all())
    ordered = (numbers.get(each.visit_id) for each in in_order(read_queue(db(), row), now()))
    return [each for each in ordered if each is not None]


def _count_expected(row: Opening) -> int:
    return db().scalars(select(func.count(Visit.id)).where(Visit.opening_id == row.id, Visit.state == "booked")).one()


def _count_present(row: Opening) -> int:
    present = select(func.count(Presence.id)).where(Presence.opening_id == row.id, Presence.state == "present")
    return db().scalars(present).one()
