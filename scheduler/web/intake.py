"""An adviser without a front desk takes people in: the desk's own steps, at today's openings of this adviser alone."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from scheduler.actions.parking import park, unpark
from scheduler.actions.registration import NotToday, TicketsRefused, answer, check_in, leave, miss
from scheduler.domain.visit_states import may
from scheduler.models import Visit
from scheduler.web.belongs import belongs_of_appointment
from scheduler.web.desk.day_sheet import sheet_page
from scheduler.web.desk.panel import answers_of, panel, read_answers, register_asked
from scheduler.web.desk.paper_ticket import show_paper
from scheduler.web.desk.visits import (
    already_in,
    take_back,
    unknown_code,
    visit_at_counter,
    visit_of,
    visit_to_answer,
)
from scheduler.web.edge import db, now, rulebook
from scheduler.web.login import by_staff, own_adviser
from scheduler.web.my.page import is_taken_in_here, my_page
from scheduler.web.my.places import counter_openings
from scheduler.web.permissions import may_here

pages = Blueprint("intake", __name__, url_prefix="/my/intake")


@pages.before_request
def _ask_for_an_adviser() -> None:
    """The desk has a page of its own."""
    own_adviser()


@pages.post("/visits")
def do_register() -> ResponseReturnValue:
    wanted = request.form.get("opening", "")
    opening = next((each for each in counter_openings() if each.public_id == wanted), None)
    if opening is None:
        abort(404)
    try:
        visit = register_asked(opening)
    except TicketsRefused as refused:
        db().rollback()
        return my_page(refused=refused.reason), 409
    return _commit_and_return(given=visit.id)


@pages.get("/visits/<id:visit_id>/answers")
def ask_answers(visit_id: int) -> ResponseReturnValue:
    visit = visit_to_answer(visit_id)
    return render_template(
        "desk/answers.html", visit=visit, panel=panel(), asked=answers_of(visit), counter="intake", back=_back()
    )


@pages.post("/visits/<id:visit_id>/answers")
def do_answer(visit_id: int) -> ResponseReturnValue:
    answer(db(), rulebook(), visit_to_answer(visit_id).id, read_answers(request.form), by=by_staff(), now=now())
    return _commit_and_return()


@pages.post("/check-ins")
def do_check_in_by_code() -> ResponseReturnValue:
    """By nine digits, or by the link that a scanner types from the QR code."""
    typed = request.form.get("code", "").strip()
    visit = visit_of(typed)
    if visit is None:
        return my_page(code=typed, code_error=unknown_code()), 422
    if not is_taken_in_here(visit):
        return render_template("desk/not_today.html", visit=visit), 409
    return _check_in(visit, typed)


@pages.post("/visits/<id:visit_id>/check-in")
def do_check_in(visit_id: int) -> ResponseReturnValue:
    return _check_in(visit_at_counter(visit_id), "")


@pages.post("/appointments")
def do_look_up() -> ResponseReturnValue:
    """A caller says the code of an appointment with this adviser, to move or cancel it."""
    typed = request.form.get("code", "").strip()
    visit = visit_of(typed)
    if visit is None or visit.kind != "appointment":
        return my_page(code=typed, code_error=unknown_code()), 422
    if not may_here("change", "appointment", belongs_of_appointment(visit)):
        return render_template("desk/elsewhere.html", visit=visit), 409
    return redirect(url_for("appointments.show_appointment", visit_id=visit.id), 303)


@pages.post("/visits/<id:visit_id>/left")
def do_leave(visit_id: int) -> ResponseReturnValue:
    leave(db(), visit_at_counter(visit_id).id, by=by_staff(), now=now())
    return _commit_and_return()


@pages.post("/visits/<id:visit_id>/parking")
def do_park(visit_id: int) -> ResponseReturnValue:
    park(db(), visit_at_counter(visit_id).id, by=by_staff(), now=now())
    return _commit_and_return()


@pages.post("/visits/<id:visit_id>/return")
def do_unpark(visit_id: int) -> ResponseReturnValue:
    unpark(db(), visit_at_counter(visit_id).id, by=by_staff(), now=now())
    return _commit_and_return()


@pages.post("/visits/<id:visit_id>/missed")
def do_miss(visit_id: int) -> ResponseReturnValue:
    miss(db(), visit_at_counter(visit_id).id, by=by_staff(), now=now())
    return _commit_and_return()


@pages.post("/visits/<id:visit_id>/undo")
def do_undo(visit_id: int) -> ResponseReturnValue:
    take_back(visit_at_counter(visit_id), now())
    return _commit_and_return()


@pages.get("/visits/<id:visit_id>/ticket")
def show_ticket(visit_id: int) -> ResponseReturnValue:
    return show_paper(visit_at_counter(visit_id), _back())


@pages.get("/day-sheet")
def show_day_sheet() -> ResponseReturnValue:
    openings = counter_openings()
    found = (each for each in openings if each.public_id == request.args.get("opening"))
    return sheet_page(next(found, None) or next(iter(openings), None), _back())


def _check_in(visit: Visit, typed: str) -> ResponseReturnValue:
    if not may(visit.state, "check_in"):
        return my_page(code=typed, code_error=already_in()), 422
    try:
        check_in(db(), rulebook(), visit.id, visit.place_id, by=by_staff(), now=now())
    except NotToday:  # it moved in this very moment
        db().rollback()
        abort(409)
    return _commit_and_return(given=visit.id)


def _commit_and_return(**args: Any) -> ResponseReturnValue:
    db().commit()
    return redirect(url_for("my.show_my", **args), 303)


def _back() -> str:
    return url_for("my.show_my")
