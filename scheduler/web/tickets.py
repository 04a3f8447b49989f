"""A client's number on the own phone: the number, how many are ahead, where to go when called."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from scheduler.actions.calling import read_queue
from scheduler.domain.queue_order import in_order
from scheduler.models import Opening, Visit
from scheduler.web.edge import answer_unless_known, db, now
from scheduler.web.visits import visit_by, visit_token

pages = Blueprint("tickets", __name__)


@dataclass(frozen=True)
class Ticket:
    """What the page shows: only the own position, nothing of others."""

    visit: Visit
    ahead: int | None
    station: str | None


@pages.get("/tickets/<token>")
def show_ticket(token: str) -> ResponseReturnValue:
    return render_template("tickets/ticket.html", ticket=_ticket(visit_by(token)), token=token)


@pages.get("/tickets/<token>/now")
def poll_ticket(token: str) -> ResponseReturnValue:
    visit = visit_by(token)
    version = db().scalar(select(Opening.version).where(Opening.id == visit.opening_id))
    return answer_unless_known(
        [visit_token(visit), version],
        lambda: render_template("tickets/_now.html", ticket=_ticket(visit)),
    )


def _ticket(visit: Visit) -> Ticket:
    consultation = visit.open_consultation
    return Ticket(visit, _ahead(visit), consultation.station if consultation else None)


def _ahead(visit: Visit) -> int | None:
    """How many are called before this visit, as the order stands now; None: it does not wait."""
    order = [each.visit_id for each in in_order(read_queue(db(), visit.opening), now())]
    return order.index(visit.id) if visit.id in order else None
