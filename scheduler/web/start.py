"""The start page: two doors of equal weight, then all places with their hours and what differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from scheduler.actions.openings import stored_opening
from scheduler.actions.registration import Refusal, refusal
from scheduler.actions.rulebook import PlannedOpening
from scheduler.domain.forecast import Forecast
from scheduler.hours_texts import LOOK_AHEAD
from scheduler.models import Place, Visit
from scheduler.web.edge import db, now, rulebook, today, town
from scheduler.web.forecasts import forecast_of
from scheduler.web.place_views import view_places

pages = Blueprint("start", __name__)


@dataclass(frozen=True)
class NextWalkIn:
    """The next opening that takes people without an appointment.

    `refused`: why a running one before it takes nobody any more; None: there is none.
    `newcomer`: how long whoever comes now would wait; None: it is not open yet.
    """

    opening: PlannedOpening
    place: Place
    is_open: bool
    waiting: int
    refused: Refusal | None
    newcomer: Forecast | None


@pages.get("/")
def show_start() -> ResponseReturnValue:
    return render_template(
        "start.html", town_name=town().name, walk_in=_next_walk_in(), views=view_places(), today=today()
    )


def next_walk_in_opening(place_id: int | None = None) -> PlannedOpening | None:
    """The opening that takes walk-ins now, or the next one; not one that was closed early."""
    return next((each for each in _walk_ins(place_id) if _refusal(each) != "over"), None)


def _walk_ins(place_id: int | None = None) -> Iterator[PlannedOpening]:
    coming = rulebook().openings(today(), today() + LOOK_AHEAD, place_id)
    return (each for each in coming if each.takes_walk_ins and each.dated.ends_at > now())


def _next_walk_in() -> NextWalkIn | None:
    """None: there is none in the next weeks."""
    refused: Refusal | None = None
    for opening in _walk_ins():
        why_not = _refusal(opening)
        if why_not in (None, "not_yet"):
            place = db().get_one(Place, opening.hours.place_id)
            newcomer = None if why_not else forecast_of(opening).newcomer
            return NextWalkIn(opening, place, not why_not, count_waiting(opening), refused, newcomer)
        refused = refused or why_not
    return None


def _refusal(opening: PlannedOpening) -> Refusal | None:
    """Why nobody gets a number there now; None: everybody does."""
    return refusal(db(), rulebook(), opening, stored_opening(db(), opening), now())


def count_waiting(opening: PlannedOpening) -> int:
    row = stored_opening(db(), opening)
    if row is None:
        return 0
    return db().scalars(select(func.count(Visit.id)).where(Visit.opening_id == row.id, Visit.state == "waiting")).one()
