"""The day on one sheet of paper, for when the computers are down: appointments by time, then numbered empty lines."""

from __future__ import annotations

from dataclasses import dataclass

from flask import abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from scheduler.actions.paper_day import next_number
from scheduler.actions.rulebook import PlannedOpening
from scheduler.models import Opening, Place, Visit
from scheduler.web.desk.blueprint import pages
from scheduler.web.desk.page import chosen, todays_openings
from scheduler.web.edge import db, rulebook
from scheduler.web.login import desk_place

_ROWS_BY_HEIGHT = {"high": 23, "middle": 27, "low": 31}
"""How many lines one page of A4 takes, by their height: 10, 8.5 or 7.4 mm (`.sheet-lines` in `staff.css`)."""
_FEWEST_EMPTY = 12
"""Lines for whoever comes without appointment; only where more appointments are booked must fewer do."""


@dataclass(frozen=True)
class DaySheet:
    """What stands on the sheet. `services`: to tick; `numbers`: of the empty lines."""

    opening: PlannedOpening
    place: Place
    services: list[str]
    appointments: list[Visit]
    numbers: range
    height: str


@pages.get("/day-sheet")
def show_day_sheet() -> ResponseReturnValue:
    place = desk_place()
    opening = chosen(todays_openings(place))
    return sheet_page(opening, url_for("desk.show_desk", opening=request.args.get("opening")))


def sheet_page(opening: PlannedOpening | None, back: str) -> str:
    """The sheet of this opening; none today: 404."""
    if opening is None:
        abort(404)
    return render_template("desk/day_sheet.html", sheet=_make_sheet(opening), back=back)


def _make_sheet(opening: PlannedOpening) -> DaySheet:
    appointments = _appointments(opening)
    height = set_lines(len(appointments))
    first = next_number(db(), opening.hours.place_id, opening.dated.on)
    rows = _ROWS_BY_HEIGHT[height]
    empty = -len(appointments) % rows if appointments else rows
    return DaySheet(
        opening=opening,
        place=db().get_one(Place, opening.hours.place_id),
        services=[each.key for each in rulebook().services if each.key in opening.hours.services],
        appointments=appointments,
        numbers=range(first, first + empty if opening.hours.takes_walk_ins else first),
        height=height,
    )


def set_lines(appointments: int) -> str:
    """The most comfortable height of a line with which enough empty ones are left on the page."""
    fitting = (name for name, rows in _ROWS_BY_HEIGHT.items() if appointments + _FEWEST_EMPTY <= rows)
    return next(fitting, "low")


def _appointments(opening: PlannedOpening) -> list[Visit]:
    """Those who are still expected."""
    expected = (
        select(Visit)
        .join(Opening, Visit.opening_id == Opening.id)
        .where(Opening.hours_id == opening.hours.id, Opening.original_on == opening.dated.original_on)
        .where(Visit.state == "booked")
        .options(joinedload(Visit.service), joinedload(Visit.planned_adviser))
    )
    return list(db().scalars(expected.order_by(Visit.starts_at, Visit.id)))
