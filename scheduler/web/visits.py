"""A client's own appointment, by its link or its code: see it, leave a contact, move it, cancel it."""

from __future__ import annotations

from collections.abc import Callable
from hmac import compare_digest
from typing import Any
from urllib.parse import quote_plus

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import BooleanField, StringField
from wtforms.validators import Length, ValidationError

from scheduler import ical
from scheduler.actions.booking import SlotTaken, cancel, move, question_of
from scheduler.actions.coming import say_coming
from scheduler.actions.contact_limits import ContactRefused, OverlapsAnother, TooManyBookings, count_bookings
from scheduler.actions.contacts import InvalidContact, leave_contact, normal_email, normal_phone
from scheduler.actions.messages import is_mobile
from scheduler.actions.openings import UnknownOpening
from scheduler.actions.steps import CLIENT
from scheduler.domain.codes import link_token, linked_visit_id, typed_code
from scheduler.domain.visit_states import HERE, may
from scheduler.models import Visit
from scheduler.web.edge import db, now, read_after_refusal, rulebook, settings, today, town
from scheduler.web.limits import guesses, unknown_links
from scheduler.web.offer import offered_days, read_chosen, read_days
from scheduler.web.qr import draw_qr

pages = Blueprint("visits", __name__)


class ContactForm(FlaskForm):  # type: ignore[misc]
    email = StringField(lazy_gettext("E-mail"), validators=[Length(max=254)])
    phone = StringField(lazy_gettext("Mobile number"), validators=[Length(max=40)])
    reminders = BooleanField(lazy_gettext("Remind me the day before"))

    def validate_email(self, field: StringField) -> None:
        normalise(field, normal_email, _("This is not an e-mail address. It looks like name@example.org."))
        if self.reminders.data and not field.data and not settings().sends_sms:
            raise ValidationError(_("To remind you, we need your e-mail address."))
        if self.reminders.data and not field.data and not self.phone.data:
            raise ValidationError(_("To remind you, we need your e-mail address or mobile number."))

    def validate_phone(self, field: StringField) -> None:
        normalise(field, normal_phone, _("This is not a phone number. It looks like 0151 23456789."))
        if self.reminders.data and field.data and not self.email.data and not is_mobile(field.data):
            raise ValidationError(_("A landline gets no reminder. Please give a mobile number or an e-mail address."))


class CodeForm(FlaskForm):  # type: ignore[misc]
    code = StringField(lazy_gettext("Your code"), validators=[Length(max=200)])


@pages.get("/visits/<token>")
@unknown_links
def show_visit(token: str) -> ResponseReturnValue:
    visit = visit_by(token)
    if visit.state in HERE or visit.kind != "appointment":
        return redirect(url_for("tickets.show_ticket", token=token))
    return _visit_page(visit, _contact_form(visit))


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
        (form.email if form.email.data else form.phone).errors = [_words_for(refused)]
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
        return _move_page(visit_by(token), refused=_words_for(refused)), 409
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


def save_contact(visit: Visit, form: ContactForm, *, by_staff: bool = False) -> None:
    """Keep what the form says. Raises ContactRefused where it is a client's, and one contact too many."""
    leave_contact(
        db(),
        visit.id,
        email=form.email.data or None,
        phone=form.phone.data or None,
        reminders=bool(form.reminders.data),
        secret=settings().secret_key,
        now=now(),
        by_staff=by_staff,
    )


@pages.app_template_global()
def bookings_beyond_limit(visit: Visit) -> int:
    """How many appointments to come the visit's contact stands for, where clients could not have so many; else 0."""
    many = count_bookings(db(), visit.contact, now())
    return many if many > town().bookings_per_contact else 0


def _words_for(refused: ContactRefused) -> str:
    if isinstance(refused, TooManyBookings):
        words = ngettext(
            "There is already one appointment with this contact.",
            "There are already %(num)s appointments with this contact.",
            refused.limit,
        )
        return f"{words} {_('Please cancel one first. Or leave this empty.')}"
    return str(_("This contact has another appointment at this time. Please change one of them."))


def visit_by(token: str) -> Visit:
    """The visit of this link. Aborts with 404 where it is wrong or revoked, 410 where its day is over or it is gone."""
    visit_id = linked_visit_id(token)
    visit = db().get(Visit, visit_id) if visit_id is not None else None
    if visit is None:
        abort(410 if visit_id is not None and _once_opened(token, visit_id) else 404)
    if not opens(token, visit):
        abort(404)
    if is_over(visit):
        abort(410)
    return visit


def appointment_by(token: str) -> Visit:
    """The appointment of this link; a walk-in has no time that could be moved or put into a calendar: 404."""
    visit = visit_by(token)
    if visit.kind != "appointment":
        abort(404)
    return visit


def opens(token: str, visit: Visit) -> bool:
    """Whether the token is this visit's, compared in constant time."""
    return compare_digest(token.encode(), visit_token(visit).encode())


def _once_opened(token: str, visit_id: int) -> bool:
    """Whether it was the link of a visit that is erased or counted: an id is given once, so nobody else has it."""
    return compare_digest(token.encode(), link_token(settings().secret_key, visit_id, 0).encode())


def is_over(visit: Visit) -> bool:
    """From the day after the visit its link and code open nothing."""
    return visit.local_on < today()


def visit_token(visit: Visit) -> str:
    return link_token(settings().secret_key, visit.id, visit.link_epoch)


def visit_link(visit: Visit, **args: Any) -> str:
    """The address of the visit's page on this server."""
    return url_for("visits.show_visit", token=visit_token(visit), **args)


def full_link(visit: Visit) -> str:
    """The visit's address as other devices need it: a walk-in's leads to its ticket."""
    endpoint = "visits.show_visit" if visit.kind == "appointment" else "tickets.show_ticket"
    return settings().base_url + url_for(endpoint, token=visit_token(visit))


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


def _contact_form(visit: Visit) -> ContactForm:
    contact = visit.contact
    if contact is None:
        return ContactForm(formdata=None)
    return ContactForm(
        formdata=None, data={"email": contact.email, "phone": contact.phone, "reminders": contact.reminders}
    )


def normalise(field: StringField, normal: Callable[[str], str], words: str) -> None:
    """The field's text as it is kept; empty stays empty, and what cannot be used is said at the field."""
    text = (field.data or "").strip()
    try:
        field.data = normal(text) if text else ""
    except InvalidContact as invalid:
        raise ValidationError(words) from invalid
