"""The waiting room's screen: numbers called with their station. Numbers only, no person."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from scheduler.actions.calling import read_queue
from scheduler.actions.registration import ticket_window
from scheduler.actions.rulebook import PlannedOpening
from scheduler.domain.queue_order import in_order
from scheduler.models import Consultation, Opening, Place, Visit
from scheduler.web.edge import answer_unless_known, db, now, places, rulebook, today
from scheduler.web.start import next_walk_in_opening

pages = Blueprint("board", __name__, url_prefix="/board")

CALLS_SHOWN = 4
NEXT_SHOWN = 5


@dataclass(frozen=True)
class BoardView:
    """`calls`: the latest first. `following`: the next opening, where none runs now."""

    calls: list[Consultation]
    next_tickets: list[int]
    waiting: int
    running: list[PlannedOpening]
    following: PlannedOpening | None


@pages.get("/<key>")
def show_board(key: str) -> ResponseReturnValue:
    place = _place(key)
    return render_template("board/board.html", place=place, view=_view(place))


@pages.get("/<key>/now")
def poll_board(key: str) -> ResponseReturnValue:
    place = _place(key)
    versions = db().execute(
        select(Opening.id, Opening.version)
        .join(Visit, Visit.opening_id == Opening.id)
        .where(Visit.place_id == place.id, Visit.local_on == today())
        .distinct()
        .order_by(Opening.id)
    )
    return answer_unless_known(
        ["board", place.id, versions.all()],
        lambda: render_template("board/_now.html", place=place, view=_view(place)),
    )


def _view(place: Place) -> BoardView:
    openings = [each for each in rulebook().openings(today(), today(), place.id) if each.dated.takes_place]
    running = [each for each in openings if ticket_window(each).includes(now())]
    tickets = _waiting_tickets(place)
    calls = [each for each in _calls(place) if running or each.ended_at is None]
    return BoardView(
        calls=calls,
        next_tickets=tickets[:NEXT_SHOWN],
        waiting=len(tickets),
        running=running,
        following=None if running or calls or tickets else next_walk_in_opening(place.id),
    )


def _calls(place: Place) -> list[Consultation]:
    """The latest calls that were not taken back, the newest first."""
    return list(
        db().scalars(
            select(Consultation)
            .join(Visit, Consultation.visit_id == Visit.id)
            .where(Visit.place_id == place.id, Visit.local_on == today(), Visit.ticket.is_not(None))
            .where(Consultation.ended_at.is_(None) | (Consultation.ended_as == "finished"))
            .order_by(Consultation.last_called_at.desc(), Consultation.id.desc())
            .limit(CALLS_SHOWN)
        )
    )


def _waiting_tickets(place: Place) -> list[int]:
    """Numbers of those who wait, in the order in which they will probably be called."""
    rows = db().scalars(
        select(Opening)
        .where(
            Opening.id.in_(
                select(Visit.opening_id).where(
                    Visit.place_id == place.id, Visit.local_on == today(), Visit.state == "waiting"
                )
            )
        )
        .order_by(Opening.id)
    )
    queue = [each for row in rows for each in read_queue(db(), row)]
    found_tickets = select(Visit.id, Visit.ticket).where(Visit.id.in_([each.visit_id for each in queue]))
    tickets = dict(db().execute(found_tickets).all())
    found = (tickets[each.visit_id] for each in in_order(queue, now()))
    return [each for each in found if each is not None]


def _place(key: str) -> Place:
    found = next((each for each in places() if each.key == key), None)
    if found is None:
        abort(404)
    return found
