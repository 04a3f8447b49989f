"""After a morning on paper: set the number at which the computer goes on, and enter the sheet line by line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from scheduler.actions.late_entry import (
    Fault,
    LineRefused,
    PaperLine,
    advisers_at,
    enter_appointment,
    enter_walk_in,
    entered_for,
    expected_for,
)
from scheduler.actions.paper_day import DayOver, NumberRefused, continue_at, first_free_number, next_number
from scheduler.actions.registration import Answers, ticket_window
from scheduler.actions.rulebook import PlannedOpening
from scheduler.domain.codes import typed_code
from scheduler.domain.recurrence import wall_to_utc
from scheduler.models import Adviser, Place, Visit
from scheduler.web.desk.blueprint import pages
from scheduler.web.desk.panel import clients_locale, panel, read_answers
from scheduler.web.desk.queue import visit_named
from scheduler.web.desk.visits import already_in, unknown_code
from scheduler.web.edge import db, now, rulebook, today, town
from scheduler.web.login import by_staff, desk_place

BACK = timedelta(days=7)
"""A sheet can be entered for so long."""
_TIME = re.compile(r"(\d{1,2})[:.]?(\d{2})", re.ASCII)
_FIELDS: dict[Fault, str] = {
    "number": "number", "number_taken": "number", "not_here": "code", "has_come": "code", "arrived": "arrived",
    "called": "called", "order": "arrived", "future": "arrived", "another_day": "arrived", "adviser": "adviser",
    "adviser_busy": "adviser", "not_over": "finished",
}  # fmt: skip


@dataclass(frozen=True)
class Typed:
    """One line as somebody typed it, kept until it can be entered."""

    number: str
    code: str = ""
    arrived: str = ""
    called: str = ""
    finished: str = ""
    adviser: str = ""
    left: bool = False
    answers: Answers = field(default_factory=Answers)


class Unreadable(Exception):
    """What was typed makes no number, time or code. `wrong`: what to say, by field."""

    def __init__(self, wrong: dict[str, str]) -> None:
        super().__init__(", ".join(wrong))
        self.wrong = wrong


@pages.get("/late-entry")
def show_late_entry() -> ResponseReturnValue:
    place = desk_place()
    opening = _wanted(place)
    return _page(place, opening, _next_line(place, opening) if opening else None)


@pages.post("/late-entry")
def do_enter_line() -> ResponseReturnValue:
    place = desk_place()
    opening, typed = _wanted(place) or abort(404), _read_typed(request.form)
    try:
        visit = _enter(opening, typed)
        db().commit()
    except Unreadable as unreadable:
        return _page(place, opening, typed, unreadable.wrong), 422
    except LineRefused as refused:
        db().rollback()
        return _page(place, opening, typed, {_FIELDS[refused.fault]: _say_fault(refused.fault)}), 422
    return redirect(url_for("desk.show_late_entry", opening=opening.public_id, entered=visit.id), 303)


@pages.post("/late-entry/next-number")
def do_continue_at() -> ResponseReturnValue:
    place = desk_place()
    opening, typed = _wanted(place) or abort(404), request.form.get("next", "").strip()
    try:
        continue_at(db(), opening, _number_from(typed), now())
        db().commit()
    except NumberRefused as refused:
        db().rollback()
        wrong = _(
            "Choose a number from %(smallest)s to %(largest)s.", smallest=refused.smallest, largest=refused.largest
        )
        return _page(place, opening, _next_line(place, opening), {"next": wrong}, next_typed=typed), 422
    except DayOver:
        abort(404)
    return redirect(url_for("desk.show_late_entry", opening=opening.public_id, continued=1), 303)


def _enter(opening: PlannedOpening, typed: Typed) -> Visit:
    """Raises Unreadable or LineRefused."""
    line = _read_line(opening, typed)
    if typed.code:
        return enter_appointment(db(), opening, _visit_with(typed.code).id, line, by=by_staff(), now=now())
    return enter_walk_in(
        db(),
        rulebook(),
        opening,
        _number_from(typed.number),
        line,
        typed.answers,
        locale=clients_locale(typed.answers.language),
        by=by_staff(),
        now=now(),
    )


def _page(
    place: Place,
    opening: PlannedOpening | None,
    typed: Typed | None,
    wrong: Mapping[str, str] | None = None,
    next_typed: str | None = None,
) -> str:
    """The page; `opening` is None where nothing was open here lately."""
    is_today = opening is not None and opening.dated.on >= today()
    return render_template(
        "desk/late_entry.html",
        place=place,
        openings=_openings(place),
        opening=opening,
        typed=typed,
        wrong=wrong or {},
        entered=entered_for(db(), opening) if opening else [],
        just_entered=visit_named(request.args.get("entered", "")),
        expected=expected_for(db(), opening) if opening else [],
        advisers=_advisers(opening) if opening else [],
        panel=panel(),
        next_number=(next_typed or next_number(db(), place.id, opening.dated.on)) if opening and is_today else None,
    )


def _openings(place: Place) -> list[PlannedOpening]:
    """Those whose sheet can be entered, the latest first: from when numbers are given, on paper or not."""
    found = rulebook().openings(today() - BACK, today(), place.id)
    return [each for each in reversed(found) if each.dated.takes_place and ticket_window(each).starts_at <= now()]


def _wanted(place: Place) -> PlannedOpening | None:
    """The opening that was asked for: one of another place, or longer ago, is not to be seen: 404. Else the latest."""
    openings, public_id = _openings(place), request.values.get("opening")
    if public_id is None:
        return next(iter(openings), None)
    return next((each for each in openings if each.public_id == public_id), None) or abort(404)


def _advisers(opening: PlannedOpening) -> list[Adviser]:
    return advisers_at(db(), rulebook(), opening)


def _next_line(place: Place, opening: PlannedOpening) -> Typed:
    """An empty line with the number that probably follows: the one after the last that was entered."""
    numbers = (each.ticket for each in entered_for(db(), opening) if each.kind == "walk_in")
    return Typed(str(first_free_number(db(), place.id, opening.dated.on, after=next(numbers, None))))


def _read_typed(given: Mapping[str, str]) -> Typed:
    return Typed(
        **{name: given.get(name, "").strip()[:40] for name in ("number", "code", "arrived", "called", "finished")},
        adviser=given.get("adviser", ""),
        left="left" in given,
        answers=read_answers(given),
    )


def _read_line(opening: PlannedOpening, typed: Typed) -> PaperLine:
    """Raises Unreadable."""
    clocks = {name: getattr(typed, name) for name in ("arrived", "called", "finished")}
    times = {name: _instant(opening, text) for name, text in clocks.items()}
    wrong = {name: _("Please give a time like 9:15.") for name, text in clocks.items() if text and times[name] is None}
    if wrong:
        raise Unreadable(wrong)
    return PaperLine(
        times["arrived"],
        times["called"],
        times["finished"],
        left=typed.left,
        adviser=next((each for each in _advisers(opening) if each.key == typed.adviser), None),
    )


def _instant(opening: PlannedOpening, text: str) -> datetime | None:
    """The time of that day that 9:15, 9.15, 915 or 0915 means; None: it means none."""
    found = _TIME.fullmatch(text)
    try:
        clock = time(int(found[1]), int(found[2])) if found else None
    except ValueError:
        return None
    return wall_to_utc(opening.dated.on, clock, town().zone) if clock else None


def _visit_with(typed: str) -> Visit:
    """The appointment with this code, whatever its day: a sheet is entered later. Raises Unreadable."""
    code = typed_code(typed)
    visit = db().scalar(select(Visit).where(Visit.code == code)) if code else None
    if visit is None:
        raise Unreadable({"code": unknown_code()})
    return visit


def _number_from(text: str) -> int:
    """0, which no ticket has, for anything that is no number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else 0


def _say_fault(fault: Fault) -> str:
    words: dict[Fault, str] = {
        "number": _("Please give a number from 1 to 9999."),
        "number_taken": _("Somebody has this number already on that day."),
        "not_here": _("This appointment is for another day or place."),
        "has_come": already_in(),
        "arrived": _("Please give the time of arrival."),
        "called": _("Please give the time of the call, too."),
        "order": _("Arrived, called, finished: each time must be later than the one before."),
        "future": _("This time is still to come."),
        "another_day": _("This time does not exist on that day."),
        "adviser": _("Who served this person? Please choose."),
        "adviser_busy": _("This adviser has somebody else right now. When was this person finished?"),
        "not_over": _("That day is over. When was it finished, or did the person leave?"),
    }
    return words[fault]
