"""The waiting room's screen: numbers called with their station. Numbers only, no person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from scheduler.actions.calling import read_queue
from scheduler.actions.openings import stored_opening
from scheduler.actions.registration import Refusal, refusal, ticket_window
from scheduler.actions.rulebook import PlannedOpening
from scheduler.actions.unchanged import read_place_state
from scheduler.domain.forecast import Forecast
from scheduler.domain.queue_order import in_order
from scheduler.hours_texts import LOOK_AHEAD
from scheduler.models import Consultation, Opening, Place, Visit
from scheduler.web.edge import answer_unless_known, db, now, places, rulebook, today
from scheduler.web.forecasts import PERHAPS_FROM, forecast_of
from scheduler.web.start import next_walk_in_opening

pages = Blueprint("board", __name__, url_prefix="/board")

CALLS_SHOWN = 4
NEXT_SHOWN = 6


class Call(NamedTuple):
    """A number that was called. `calls`: how often. `is_new`: nobody has come to the station yet."""

    id: int
    number: int
    station: str
    calls: int
    is_new: bool
    is_over: bool


@dataclass(frozen=True)
class Newcomer:
    """Whoever would come now. `forecast`: None, nobody gets a number any more; `again_at`: until then, today."""

    forecast: Forecast | None
    again_at: datetime | None

    @property
    def may_be_too_late(self) -> bool:
        """Numbers are given all the same: the desk decides."""
        return self.forecast is not None and self.forecast.chance < PERHAPS_FROM


@dataclass(frozen=True)
class BoardView:
    """`calls`: the latest first. `newcomer`: None where one comes by appointment only.

    `following`: the next opening, where none runs now; `numbers_from`: when its first numbers are given.
    """

    calls: list[Call]
    next_numbers: list[int]
    waiting: int
    newcomer: Newcomer | None
    runs: bool
    following: PlannedOpening | None
    numbers_from: datetime | None


@pages.get("/<key>")
def show_board(key: str) -> ResponseReturnValue:
    place = _place(key)
    return render_template("board/board.html", place=place, view=_view(place))


@pages.get("/<key>/now")
def poll_board(key: str) -> ResponseReturnValue:
    state = read_place_state(db(), key, now()) if key.isprintable() else None
    if state is None:
        abort(404)
    return answer_unless_known(["board", state], lambda: _render_now(_place(key)), same_for_all=True)


def _render_now(place: Place) -> str:
    return render_template("board/_now.html", place=place, view=_view(place))


def _view(place: Place) -> BoardView:
    """All openings of the place together: they share its numbers and its stations."""
    openings = [each for each in rulebook().openings(today(), today(), place.id) if each.dated.takes_place]
    running = [each for each in openings if _runs(each)]
    waiting = _waiting_numbers(place)
    calls = [each for each in _calls(place) if running or not each.is_over]
    following = None if running or calls or waiting else _following(place)
    return BoardView(
        calls=calls,
        next_numbers=waiting[:NEXT_SHOWN],
        waiting=len(waiting),
        newcomer=_newcomer(openings, running),
        runs=bool(running),
        following=following,
        numbers_from=ticket_window(following).starts_at if following and following.takes_walk_ins else None,
    )


def _runs(opening: PlannedOpening) -> bool:
    """From when numbers are given until it ends, or was closed."""
    row = stored_opening(db(), opening) if ticket_window(opening).includes(now()) else None
    return ticket_window(opening).includes(now()) and not (row and row.closed_at)


def _newcomer(openings: list[PlannedOpening], running: list[PlannedOpening]) -> Newcomer | None:
    """The shortest wait where numbers are given; else when they are given again on the same day."""
    walk_ins = [each for each in running if each.takes_walk_ins]
    if not walk_ins:
        return None
    forecasts = [forecast_of(each).newcomer for each in walk_ins if _refusal(each) is None]
    if forecasts:
        return Newcomer(min(forecasts, key=lambda each: each.centre), None)
    later = next((each for each in openings if each.takes_walk_ins and _refusal(each) == "not_yet"), None)
    return Newcomer(None, ticket_window(later).starts_at if later else None)


def _refusal(opening: PlannedOpening) -> Refusal | None:
    return refusal(db(), rulebook(), opening, stored_opening(db(), opening), now())


def _following(place: Place) -> PlannedOpening | None:
    """The next opening to which one comes without appointment; where there is none, the next one by appointment."""
    coming = rulebook().openings(today(), today() + LOOK_AHEAD, place.id)
    booked = (each for each in coming if each.dated.takes_place and each.hours.admits == "appointment")
    return next_walk_in_opening(place.id) or next((each for each in booked if each.dated.starts_at > now()), None)


def _calls(place: Place) -> list[Call]:
    """The latest calls that were not taken back, the newest first."""
    rows = db().execute(
        select(
            Consultation.id,
            Visit.ticket,
            Consultation.station,
            Consultation.calls,
            Consultation.started_at,
            Consultation.ended_at,
        )
        .join(Visit, Consultation.visit_id == Visit.id)
        .where(Visit.place_id == place.id, Visit.local_on == today(), Visit.ticket.is_not(None))
        .where(Consultation.ended_at.is_(None) | Consultation.ended_as.in_(("finished", "handed_over")))
        .where(Consultation.times_unreliable.is_(False))  # what was entered from paper was never called here
        .order_by(Consultation.last_called_at.desc(), Consultation.id.desc())
        .limit(CALLS_SHOWN)
    )
    return [
        Call(id_, ticket or 0, station, calls, not (started_at or ended_at), ended_at is not None)
        for id_, ticket, station, calls, started_at, ended_at in rows
    ]


def _waiting_numbers(place: Place) -> list[int]:
    """Numbers of those who wait, in the order in which they will probably be called."""
    here = (Visit.place_id == place.id, Visit.local_on == today(), Visit.state == "waiting")
    rows = db().scalars(select(Opening).where(Opening.id.in_(select(Visit.opening_id).where(*here))))
    queue = [each for row in rows for each in read_queue(db(), row)]
    numbers = dict(db().execute(select(Visit.id, Visit.ticket).where(*here)).all())
    found = (numbers.get(each.visit_id) for each in in_order(queue, now()))
    return [each for each in found if each is not None]


def _place(key: str) -> Place:
    found = next((each for each in places() if each.key == key), None)
    if found is None:
        abort(404)
    return found
