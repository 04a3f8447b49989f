"""One appointment as staff have it on the phone: say it, print it, move it, cancel it, leave a contact.

The desk has those of its place, an adviser the own ones, and each account what it has just booked or moved elsewhere.
Anything else is not to be seen: 404, as if it were not there.
"""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from markupsafe import Markup

from scheduler.actions.booking import SlotTaken, cancel, move, question_of
from scheduler.actions.contact_limits import count_bookings
from scheduler.actions.openings import UnknownOpening
from scheduler.domain.visit_states import may
from scheduler.models import Visit
from scheduler.web.belongs import belongs_of_appointment, belongs_of_contact
from scheduler.web.contact_form import ContactForm, filled_contact_form, save_contact
from scheduler.web.edge import db, now, row_id, rulebook, settings, town
from scheduler.web.login import by_staff, serves_desk
from scheduler.web.offer import offered_days, read_chosen, read_days
from scheduler.web.permissions import may_here, permit, scope_here
from scheduler.web.visit_links import full_link, is_over, visit_token

pages = Blueprint("appointments", __name__, url_prefix="/appointments/<id:visit_id>")


@pages.get("")
def show_appointment(visit_id: int) -> ResponseReturnValue:
    visit = appointment_of_mine(visit_id)
    return _page(visit, contact_form(visit))


@pages.get("/slip")
def show_slip(visit_id: int) -> ResponseReturnValue:
    visit = appointment_of_mine(visit_id)
    if is_over(visit) or visit.state == "cancelled":
        abort(404)
    return render_template("appointments/slip.html", visit=visit, paper=_paper(visit), back=back_link(visit))


@pages.post("/contact")
def do_leave_contact(visit_id: int) -> ResponseReturnValue:
    visit, form = just_made_by_me(visit_id), read_contact()
    if not form.validate():
        return _page(visit, form), 422
    save_contact(visit, form, by_staff=True)
    db().commit()
    return redirect(url_for("appointments.show_appointment", visit_id=visit_id, saved=1), 303)


@pages.get("/move")
def ask_move(visit_id: int) -> ResponseReturnValue:
    return _move_page(appointment_of_mine(visit_id))


@pages.post("/move")
def do_move(visit_id: int) -> ResponseReturnValue:
    visit, start = appointment_of_mine(visit_id), read_chosen(request.form.get("slot", ""))
    if start is None:
        return redirect(url_for("appointments.ask_move", visit_id=visit_id), 303)
    try:
        move(db(), rulebook(), visit.id, *start, by=by_staff(), now=now())
        db().commit()
    except (SlotTaken, UnknownOpening):
        db().rollback()
        return _move_page(appointment_of_mine(visit_id), taken=True), 409
    return redirect(url_for("appointments.show_appointment", visit_id=visit_id, moved=1), 303)


@pages.get("/cancellation")
def ask_cancel(visit_id: int) -> ResponseReturnValue:
    visit = appointment_of_mine(visit_id)
    if not may(visit.state, "cancel"):
        return redirect(url_for("appointments.show_appointment", visit_id=visit_id))
    return render_template("appointments/cancel.html", visit=visit)


@pages.post("/cancellation")
def do_cancel(visit_id: int) -> ResponseReturnValue:
    cancel(db(), appointment_of_mine(visit_id).id, by=by_staff(), now=now())
    db().commit()
    return redirect(url_for("appointments.show_appointment", visit_id=visit_id), 303)


def appointment_of_mine(visit_id: int) -> Visit:
    """An appointment that this account may move and cancel. Aborts with 404 where it is another's."""
    visit = db().get(Visit, visit_id)
    if visit is None or visit.kind != "appointment":
        abort(404)
    permit("change", "appointment", belongs_of_appointment(visit))
    return visit


def just_made_by_me(visit_id: int) -> Visit:
    """The same, and only while it is fresh: nobody reads or changes contacts of others' bookings."""
    visit = appointment_of_mine(visit_id)
    permit("change", "contact", belongs_of_contact(visit))
    return visit


def contact_form(visit: Visit) -> ContactForm | None:
    """The form with what was left; None where this account has no business with it."""
    if not may_here("change", "contact", belongs_of_contact(visit)):
        return None
    return filled_contact_form(visit)


def read_contact() -> ContactForm:
    """The form as it was sent."""
    return ContactForm()


@pages.app_template_global()
def bookings_beyond_limit(visit: Visit) -> int:
    """How many appointments to come the visit's contact stands for, where clients could not have so many; else 0."""
    many = count_bookings(db(), visit.contact, now())
    return many if many > town().bookings_per_contact else 0


def back_link(visit: Visit) -> str:
    """Where staff go on: the adviser to the own day, the desk to its queue."""
    is_own = bool(scope_here("change", "appointment").adviser_ids & belongs_of_appointment(visit).adviser_ids)
    return url_for("my.show_my") if is_own or not serves_desk() else url_for("desk.show_desk")


def _page(visit: Visit, form: ContactForm | None) -> str:
    return render_template(
        "appointments/appointment.html",
        visit=visit,
        form=form,
        back=back_link(visit),
        after=row_id(request.args.get("after", "")),
        may_move=may(visit.state, "move"),
        may_cancel=may(visit.state, "cancel"),
        asks_email=settings().sends_mail,
    )


def _paper(visit: Visit) -> Markup:
    """What the client takes home, in the client's own language."""
    with force_locale(visit.locale):
        return Markup(  # noqa: S704 - rendered by a template that escapes
            render_template("appointments/_paper.html", visit=visit, token=visit_token(visit), link=full_link(visit))
        )


def _move_page(visit: Visit, taken: bool = False) -> str:
    if not may(visit.state, "move"):
        abort(409)
    shown = read_days(request.args.get("days", ""))
    days, more = offered_days(question_of(visit, by_staff=True), shown, ignoring_visit_id=visit.id)
    return render_template(
        "appointments/move.html",
        visit=visit,
        days=[day for day in days if day.by_place],
        more=more,
        shown=shown,
        taken=taken,
    )
