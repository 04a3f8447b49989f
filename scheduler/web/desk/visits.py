"""What the desk does with a visit: number, answers, check-in by code or from the list, left, missed, undo."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from scheduler.actions.openings import lock_visit
from scheduler.actions.parking import park, unpark
from scheduler.actions.registration import (
    NotToday,
    TicketsRefused,
    answer,
    check_in,
    leave,
    miss,
)
from scheduler.actions.steps import UndoRefused, latest_step, undo
from scheduler.domain.codes import linked_visit_id, typed_code
from scheduler.domain.visit_states import may
from scheduler.models import Place, Visit
from scheduler.web.belongs import belongs_of_answers, belongs_of_appointment, belongs_of_intake, may_take_back
from scheduler.web.desk.blueprint import pages
from scheduler.web.desk.page import chosen, desk_page, todays_openings
from scheduler.web.desk.panel import answers_of, panel, read_answers, register_asked
from scheduler.web.desk.paper_ticket import show_paper
from scheduler.web.desk.wishes import unmet_wish
from scheduler.web.edge import db, now, rulebook
from scheduler.web.login import by_staff, desk_place
from scheduler.web.permissions import may_here, permit
from scheduler.web.visit_links import is_over, opens


@pages.post("/visits")
def do_register() -> ResponseReturnValue:
    place = desk_place()
    opening = chosen(todays_openings(place), request.form.get("opening", ""))
    if opening is None:
        abort(404)
    try:
        visit = register_asked(opening)
        db().commit()
    except TicketsRefused as refused:
        db().rollback()
        return desk_page(desk_place(), opening, refused=refused.reason), 409
    return redirect(url_for("desk.show_desk", **_panel_args(), opening=opening.public_id, given=visit.id), 303)


@pages.get("/visits/<id:visit_id>/answers")
def ask_answers(visit_id: int) -> ResponseReturnValue:
    visit = visit_to_answer(visit_id)
    return render_template(
        "desk/answers.html", visit=visit, panel=panel(), asked=answers_of(visit), counter="desk", back=_back_to(visit)
    )


@pages.post("/visits/<id:visit_id>/answers")
def do_answer(visit_id: int) -> ResponseReturnValue:
    visit = visit_to_answer(visit_id)
    answer(db(), rulebook(), visit.id, read_answers(request.form), by=by_staff(), now=now())
    # Where nobody can meet what was answered, the desk should hear it while the person still stands there.
    return _commit_and_return(visit, given=visit.id if unmet_wish(visit) else None)


@pages.post("/check-ins")
def do_check_in_by_code() -> ResponseReturnValue:
    """By nine digits, or by the link that a scanner types from the QR code."""
    place = desk_place()
    typed = request.form.get("code", "").strip()
    visit = visit_of(typed)
    if visit is None:
        return _code_refused(place, typed, unknown_code())
    return _check_in(place, visit, typed)


@pages.post("/visits/<id:visit_id>/check-in")
def do_check_in(visit_id: int) -> ResponseReturnValue:
    return _check_in(desk_place(), visit_at_counter(visit_id), "")


@pages.post("/appointments")
def do_look_up() -> ResponseReturnValue:
    """A caller says the code of an appointment at this place, to move or cancel it."""
    place = desk_place()
    typed = request.form.get("code", "").strip()
    visit = visit_of(typed)
    if visit is None or visit.kind != "appointment":
        return _code_refused(place, typed, unknown_code())
    if not may_here("change", "appointment", belongs_of_appointment(visit)):
        return render_template("desk/elsewhere.html", visit=visit), 409
    return redirect(url_for("appointments.show_appointment", visit_id=visit.id), 303)


@pages.post("/visits/<id:visit_id>/left")
def do_leave(visit_id: int) -> ResponseReturnValue:
    return _commit_and_return(leave(db(), visit_at_counter(visit_id).id, by=by_staff(), now=now()))


@pages.post("/visits/<id:visit_id>/parking")
def do_park(visit_id: int) -> ResponseReturnValue:
    return _commit_and_return(park(db(), visit_at_counter(visit_id).id, by=by_staff(), now=now()))


@pages.post("/visits/<id:visit_id>/return")
def do_unpark(visit_id: int) -> ResponseReturnValue:
    return _commit_and_return(unpark(db(), visit_at_counter(visit_id).id, by=by_staff(), now=now()))


@pages.post("/visits/<id:visit_id>/missed")
def do_miss(visit_id: int) -> ResponseReturnValue:
    return _commit_and_return(miss(db(), visit_at_counter(visit_id).id, by=by_staff(), now=now()))


@pages.post("/visits/<id:visit_id>/undo")
def do_undo(visit_id: int) -> ResponseReturnValue:
    visit = visit_at_counter(visit_id)
    take_back(visit, now())
    return _commit_and_return(visit)


@pages.get("/visits/<id:visit_id>/ticket")
def show_ticket(visit_id: int) -> ResponseReturnValue:
    visit = visit_at_counter(visit_id)
    return show_paper(visit, _back_to(visit))


def visit_of(typed: str) -> Visit | None:
    """The visit whose code or link was typed; None: nobody has it, or its day is over."""
    code = typed_code(typed) if "/" not in typed else None
    visit = db().scalar(select(Visit).where(Visit.code == code)) if code else _visit_linked(typed)
    return visit if visit is not None and not is_over(visit) else None


def _visit_linked(typed: str) -> Visit | None:
    try:
        token = urlsplit(typed).path.rpartition("/")[2]
    except ValueError:  # a bracket that is never closed makes no address
        return None
    visit_id = linked_visit_id(token)
    visit = db().get(Visit, visit_id) if visit_id is not None else None
    return visit if visit is not None and opens(token, visit) else None


def unknown_code() -> str:
    return str(_("Nobody has this code. Please check each digit."))


def already_in() -> str:
    return str(_("This person is checked in already, or the appointment is cancelled."))


def visit_at_counter(visit_id: int) -> Visit:
    """A visit that whoever is logged in takes in. Another's is not to be seen: 404, as if it were not there."""
    visit = db().get(Visit, visit_id) or abort(404)
    permit("change", "queue", belongs_of_intake(visit))
    return visit


def visit_to_answer(visit_id: int) -> Visit:
    """The same, as long as its answers are the counter's: 409 once an adviser has it, or had it."""
    visit = visit_at_counter(visit_id)
    if not may_here("change", "answers", belongs_of_answers(visit)):
        abort(409)
    return visit


def take_back(visit: Visit, now: datetime) -> None:
    """Undo the latest step. Aborts with 409 where that is too late, or not the counter's to take back."""
    visit = lock_visit(db(), visit.id)
    step = latest_step(db(), visit)
    try:
        if step is None or not may_take_back(step):
            raise UndoRefused
        undo(db(), visit, by=by_staff(), now=now)
    except UndoRefused:
        db().rollback()
        abort(409)


def _check_in(place: Place, visit: Visit, typed: str) -> ResponseReturnValue:
    if not may(visit.state, "check_in"):
        return _code_refused(place, typed, already_in())
    try:
        check_in(db(), rulebook(), visit.id, place.id, by=by_staff(), now=now())
    except NotToday as other:
        db().rollback()
        return render_template("desk/not_today.html", visit=db().get_one(Visit, other.visit.id)), 409
    return _commit_and_return(visit, given=visit.id)


def _code_refused(place: Place, typed: str, reason: str) -> ResponseReturnValue:
    return desk_page(place, chosen(todays_openings(place)), code=typed, code_error=reason), 422


def _panel_args() -> dict[str, Any]:
    """What the address says of the panel for a caller: it stays open while somebody else gets a number."""
    known = ("book", "age", "concern", "language", "people", "urgent", "fetch", "adviser", "days", "for", "times")
    return {name: request.args[name] for name in known if name in request.args} if "book" in request.args else {}


def _commit_and_return(visit: Visit, **args: Any) -> ResponseReturnValue:
    address = _back_to(visit, **args)
    db().commit()
    return redirect(address, 303)


def _back_to(visit: Visit, **args: Any) -> str:
    return url_for("desk.show_desk", opening=visit.opening.public_id, **args)
