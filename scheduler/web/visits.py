"""A client's own appointment, by its link or its code: see it, leave a contact, move it, cancel it."""

from __future__ import annotations

from urllib.parse import quote_plus

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import StringField
from wtforms.validators import Length

from scheduler import ical
from scheduler.actions.booking import SlotTaken, cancel, move, question_of
from scheduler.actions.coming import say_coming
from scheduler.actions.contact_limits import ContactRefused, OverlapsAnother
from scheduler.actions.openings import UnknownOpening
from scheduler.actions.steps import CLIENT
from scheduler.domain.codes import typed_code
from scheduler.domain.visit_states import HERE, may
from scheduler.models import Visit
from scheduler.web.contact_form import ContactForm, filled_contact_form, save_contact, words_for
from scheduler.web.edge import db, now, read_after_refusal, rulebook, settings, town
from scheduler.web.limits import guesses, unknown_links
from scheduler.web.offer import offered_days, read_chosen, read_days
from scheduler.web.qr import draw_qr
from scheduler.web.visit_links import appointment_by, full_link, is_over, visit_by, visit_link, visit_token

pages = Blueprint("visits", __name__)


class CodeForm(FlaskForm):  # type: ignore[misc]
    code = StringField(lazy_gettext("Your code"), validators=[Length(max=200)])


@pages.get("/visits/<token>")
@unknown_links
def show_visit(token: str) -> ResponseReturnValue:
    visit = visit_by(token)
    if visit.state in HERE or visit.kind != "appointment":
        return redirect(url_for("tickets.show_ticket", token=token))
    return _visit_page(visit, filled_contact_form(visit))


@pages.post("/visits/<token>/contact")
@unknown_links
def do_leave_contact(token: str) -> ResponseReturnValue:
    visit = appointment_by(token)
    if visit.state != "booked":
        abort(409)
    form = ContactForm()
    if not form.validate():
        return _visit_page(visit, form), 422
    try:
        save_contact(visit, form)
    except ContactRefused as refused:
        read_after_refusal()
        (form.email if form.email.data else form.phone).errors = [words_for(refused)]
        return _visit_page(visit_by(token), form), 409
    db().commit()
    return redirect(url_for("visits.show_visit", token=token, saved=1) + "#contact", 303)


@pages.get("/visits/<token>/cancellation")
@unknown_links
def ask_cancel(token: str) -> ResponseReturnValue:
    visit = appointment_by(token)
    if not may(visit.state, "cancel"):
        return redirect(visit_link(visit))
    return render_template("visits/cancel.html", visit=visit, token=token)


@pages.post("/visits/<token>/cancellation")
@unknown_links
def do_cancel(token: str) -> ResponseReturnValue:
    visit = cancel(db(), appointment_by(token).id, by=CLIENT, now=now())
    db().commit()
    return redirect(visit_link(visit), 303)


@pages.get("/visits/<token>/coming")
@unknown_links
def ask_coming(token: str) -> ResponseReturnValue:
    visit = appointment_by(token)
    if visit.state != "booked" or visit.coming_at is not None:
        return redirect(visit_link(visit))
    return render_template("visits/coming.html", visit=visit, token=token)


@pages.post("/visits/<token>/coming")
@unknown_links
def do_say_coming(token: str) -> ResponseReturnValue:
    visit = say_coming(db(), appointment_by(token).id, now())
    db().commit()
    return redirect(visit_link(visit), 303)


@pages.get("/visits/<token>/move")
@unknown_links
def ask_move(token: str) -> ResponseReturnValue:
    return _move_page(appointment_by(token))


@pages.post("/visits/<token>/move")
@unknown_links
def do_move(token: str) -> ResponseReturnValue:
    visit = appointment_by(token)
    chosen = read_chosen(request.form.get("slot", ""))
    if chosen is None:
        return redirect(url_for("visits.ask_move", token=token), 303)
    try:
        moved = move(db(), rulebook(), visit.id, *chosen, by=CLIENT, now=now())
        db().commit()
    except (SlotTaken, UnknownOpening):
        read_after_refusal()
        return _move_page(visit_by(token), taken=True), 409
    except OverlapsAnother as refused:
        read_after_refusal()
        return _move_page(visit_by(token), refused=words_for(refused)), 409
    return redirect(visit_link(moved, moved=1), 303)


@pages.get("/visits/<token>/appointment.ics")
@unknown_links
def show_ics(token: str) -> ResponseReturnValue:
    visit = appointment_by(token)
    body = ical.invitation(
        visit,
        zone=town().zone,
        base_url=settings().base_url,
        secret=settings().secret_key,
    )
    response = Response(body, content_type="text/calendar; charset=utf-8; method=PUBLISH")
    response.headers["Content-Disposition"] = 'attachment; filename="appointment.ics"'
    return response


@pages.get("/visits/<token>/qr.svg")
@unknown_links
def show_qr(token: str) -> ResponseReturnValue:
    """The visit's link as a picture: the desk scans it, or another phone takes it over."""
    return draw_qr(full_link(visit_by(token)))


@pages.get("/code")
def show_code() -> ResponseReturnValue:
    return render_template("code.html", form=CodeForm())


@pages.post("/code")
@guesses
def do_code() -> ResponseReturnValue:
    form = CodeForm()
    code = typed_code(form.code.data or "")
    if code is None:
        form.code.errors = [_("The code has nine digits, for example 482 917 305.")]
        return render_template("code.html", form=form), 422
    visit = db().scalar(select(Visit).where(Visit.code == code))
    if visit is None or is_over(visit):
        form.code.errors = [_("We do not know this code. Please check each digit. Or call the office.")]
        return render_template("code.html", form=form), 404
    return redirect(visit_link(visit), 303)


def map_link(address: str) -> str:
    """A map is opened only by the client's own tap; no page here asks a third party for anything."""
    return f"https://www.openstreetmap.org/search?query={quote_plus(address)}"


def _visit_page(visit: Visit, form: ContactForm) -> str:
    return render_template(
        "visits/visit.html",
        visit=visit,
        token=visit_token(visit),
        form=form,
        may_move=may(visit.state, "move"),
        may_cancel=may(visit.state, "cancel"),
        map_link=map_link(visit.place.address),
        asks_email=settings().sends_mail,
    )


def _move_page(visit: Visit, taken: bool = False, refused: str = "") -> str:
    if not may(visit.state, "move"):
        abort(409)
    shown = read_days(request.args.get("days", ""))
    days, more = offered_days(question_of(visit), shown, ignoring_visit_id=visit.id)
    return render_template(
        "visits/move.html",
        visit=visit,
        token=visit_token(visit),
        days=[day for day in days if day.by_place],
        more=more,
        shown=shown,
        taken=taken,
        refused=refused,
    )
