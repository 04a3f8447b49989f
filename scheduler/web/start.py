"""The start page: two doors of equal weight, and all places with their hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from babel.dates import get_day_names
from babel.lists import format_list
from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from sqlalchemy import func, select

from scheduler.actions.openings import stored_opening
from scheduler.actions.registration import ticket_window
from scheduler.actions.rulebook import PlannedOpening
from scheduler.models import Hours, Place, Visit
from scheduler.web.edge import db, now, places, rulebook, today, town

pages = Blueprint("start", __name__)

LOOK_AHEAD = timedelta(days=35)
_WEEKDAYS = {day: number for number, day in enumerate(("MO", "TU", "WE", "TH", "FR", "SA", "SU"))}


@dataclass(frozen=True)
class NextWalkIn:
    """The next opening that takes people without an appointment."""

    opening: PlannedOpening
    place: Place
    is_open: bool
    waiting: int


@dataclass(frozen=True)
class HoursLine:
    """Office hours as a place's list shows them. `days`: in words, or empty where dates say it."""

    hours: Hours
    days: str
    next_opening: PlannedOpening | None


@pages.get("/")
def show_start() -> ResponseReturnValue:
    by_place = {place: _hours_lines(place) for place in places()}
    return render_template("start.html", town_name=town().name, walk_in=_next_walk_in(), places=by_place)


def next_walk_in_opening(place_id: int | None = None) -> PlannedOpening | None:
    """The opening that takes walk-ins now, or the next one."""
    coming = rulebook().openings(today(), today() + LOOK_AHEAD, place_id)
    return next(
        (each for each in coming if each.takes_walk_ins and each.dated.ends_at > now()),
        None,
    )


def _next_walk_in() -> NextWalkIn | None:
    opening = next_walk_in_opening()
    if opening is None:
        return None
    return NextWalkIn(
        opening,
        db().get_one(Place, opening.hours.place_id),
        ticket_window(opening).includes(now()),
        count_waiting(opening),
    )


def count_waiting(opening: PlannedOpening) -> int:
    row = stored_opening(db(), opening)
    if row is None:
        return 0
    return db().scalars(select(func.count(Visit.id)).where(Visit.opening_id == row.id, Visit.state == "waiting")).one()


def _hours_lines(place: Place) -> list[HoursLine]:
    rows = db().scalars(
        select(Hours).where(Hours.place_id == place.id, Hours.retired_at.is_(None)).order_by(Hours.position)
    )
    coming = rulebook().openings(today(), today() + LOOK_AHEAD, place.id)
    lines = []
    for row in rows:
        following = next(
            (
                each
                for each in coming
                if each.hours.id == row.id and each.dated.takes_place and each.dated.ends_at > now()
            ),
            None,
        )
        if following is not None or row.rrule or row.admits == "by_arrangement":
            lines.append(HoursLine(row, weekday_names(row.rrule), following))
    return lines


def weekday_names(rrule: str | None) -> str:
    """ "Dienstag und Donnerstag" of a plain weekly rule; empty for any other."""
    parts = dict(part.partition("=")[::2] for part in (rrule or "").split(";"))
    if parts.get("FREQ") != "WEEKLY" or parts.get("INTERVAL", "1") != "1":
        return ""
    names = get_day_names(locale=get_locale())
    days = [names[_WEEKDAYS[day]] for day in parts.get("BYDAY", "").split(",") if day in _WEEKDAYS]
    return format_list(days, locale=get_locale()) if days else ""
