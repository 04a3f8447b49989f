"""Erase a visit at once: the client by the link of the own visit, staff from the appointment's page. Both are asked."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from scheduler.actions.erasing import StillHere, erase_visit
from scheduler.actions.steps import CLIENT
from scheduler.domain.visit_states import HERE
from scheduler.models import Visit
from scheduler.web.appointments import appointment_of_mine, back_link
from scheduler.web.edge import db, now
from scheduler.web.limits import unknown_links
from scheduler.web.login import by_staff
from scheduler.web.visit_links import visit_by

pages = Blueprint("erasing", __name__)


@pages.get("/visits/<token>/erasure")
@unknown_links
def ask_erase_own(token: str) -> ResponseReturnValue:
    visit = visit_by(token)
    return render_template("erasing/ask_own.html", visit=visit, token=token, is_here=visit.state in HERE)


@pages.post("/visits/<token>/erasure")
@unknown_links
def do_erase_own(token: str) -> ResponseReturnValue:
    try:
        erase_visit(db(), visit_by(token).id, by=CLIENT, now=now())
    except StillHere:
        db().rollback()
        return redirect(url_for("erasing.ask_erase_own", token=token), 303)  # it says why
    db().commit()
    return render_template("erasing/erased.html")


@pages.get("/appointments/<id:visit_id>/erasure")
def ask_erase(visit_id: int) -> ResponseReturnValue:
    return _page(appointment_of_mine(visit_id))


@pages.post("/appointments/<id:visit_id>/erasure")
def do_erase(visit_id: int) -> ResponseReturnValue:
    visit = appointment_of_mine(visit_id)
    back = back_link(visit)
    try:
        erase_visit(db(), visit.id, by=by_staff(), now=now())
    except StillHere:
        db().rollback()
        return redirect(url_for("erasing.ask_erase", visit_id=visit_id), 303)
    db().commit()
    return render_template("erasing/erased_by_staff.html", back=back)


def _page(visit: Visit) -> str:
    return render_template("erasing/ask.html", visit=visit, is_here=visit.state in HERE)
