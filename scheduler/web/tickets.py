"""A client's number on the own phone: how many are ahead and how long, where to go when called. Nothing of others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest

from flask import Blueprint, abort, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, get_locale, lazy_gettext
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from werkzeug.exceptions import Gone
from wtforms import StringField
from wtforms.validators import Length, ValidationError

from scheduler.actions.calling import read_queue
from scheduler.actions.contacts import normal_email, normal_phone
from scheduler.actions.messages import is_mobile
from scheduler.actions.nearly import MAY_ASK, ask_to_be_told, is_near, stop_telling
from scheduler.actions.unchanged import VisitState, read_visit_state
from scheduler.domain.codes import link_token, linked_visit_id
from scheduler.domain.forecast import Forecast
from scheduler.domain.queue_order import in_order
from scheduler.models import Consultation, Visit
from scheduler.web.contact_form import normalise
from scheduler.web.edge import answer_unless_known, db, now, rulebook, settings
from scheduler.web.errors import error_page
from scheduler.web.forecasts import PERHAPS_FROM, forecast_of
from scheduler.web.limits import unknown_links
from scheduler.web.visit_links import visit_by

pages = Blueprint("tickets", __name__)

POLL_SECONDS, POLL_SECONDS_SOON = 30, 5
SOON_AHEAD = 2
WORTH_LEAVING = 15
"""Minutes that somebody surely waits before it is worth the way out and back."""
BACK_BEFORE = timedelta(minutes=5)


@dataclass(frozen=True)
class Ticket:
    """What the page shows: only the own position. `ahead` and `forecast`: None, it does not wait or nobody knows."""

    visit: Visit
    consultation: Consultation | None
    ahead: int | None
    forecast: Forecast | None

    @property
    def poll_seconds(self) -> int:
        """How soon to ask again: often while a call may come at any moment."""
        is_soon = self.visit.state in ("called", "parked") or (self.ahead is not None and self.ahead <= SOON_AHEAD)
        return POLL_SECONDS_SOON if is_soon else POLL_SECONDS

    @property
    def may_be_called(self) -> bool:
        return self.visit.state in ("waiting", "parked", "called")

    @property
    def may_be_too_late(self) -> bool:
        """Closing will probably come first; where numbers are called after it, that harms nobody."""
        after_until = self.visit.opening.hours.after_until
        return self.forecast is not None and self.forecast.chance < PERHAPS_FROM and not after_until

    @property
    def back_by(self) -> datetime | None:
        """None: there is no time to leave."""
        return None if self.forecast is None or self.may_be_too_late else back_by(self.forecast.shown[0], now())


class NearlyForm(FlaskForm):  # type: ignore[misc]
    email = StringField(lazy_gettext("E-mail"), validators=[Length(max=254)])
    phone = StringField(lazy_gettext("Mobile number"), validators=[Length(max=40)])

    def validate_email(self, field: StringField) -> None:
        normalise(field, normal_email, _("This is not an e-mail address. It looks like name@example.org."))
        if field.data or not settings().sends_mail:
            return
        if not settings().sends_sms:
            raise ValidationError(_("We need your e-mail address."))
        if not (self.phone.data or "").strip():
            raise ValidationError(_("We need your e-mail address or mobile number."))

    def validate_phone(self, field: StringField) -> None:
        normalise(field, normal_phone, _("This is not a phone number. It looks like 0151 23456789."))
        if field.data and not is_mobile(field.data):
            raise ValidationError(_("A landline gets no text messages. Please give a mobile number."))
        if not field.data and not settings().sends_mail:
            raise ValidationError(_("We need your mobile number."))


@pages.get("/tickets/<token>")
@unknown_links
def show_ticket(token: str) -> ResponseReturnValue:
    return _page(token, visit_by(token), NearlyForm(formdata=None))


@pages.get("/tickets/<token>/now")
@unknown_links
def poll_ticket(token: str) -> ResponseReturnValue:
    state = _state_by(token)
    return answer_unless_known(["ticket", token, state], lambda: _render_now(visit_by(token)))


@pages.post("/tickets/<token>/message")
@unknown_links
def do_ask_to_be_told(token: str) -> ResponseReturnValue:
    visit, form = visit_by(token), NearlyForm()
    if visit.state not in MAY_ASK or not _sends_anything():
        return redirect(url_for("tickets.show_ticket", token=token), 303)  # it says how things stand by now
    if not form.validate():
        return _page(token, visit, form), 422
    ask_to_be_told(
        db(),
        visit.id,
        email=form.email.data or None,
        phone=form.phone.data or None,
        locale=str(get_locale()),
        secret=settings().secret_key,
        now=now(),
    )
    db().commit()
    return redirect(url_for("tickets.show_ticket", token=token) + "#message", 303)


@pages.post("/tickets/<token>/message/withdrawal")
@unknown_links
def do_stop_telling(token: str) -> ResponseReturnValue:
    stop_telling(db(), visit_by(token).id)
    db().commit()
    return redirect(url_for("tickets.show_ticket", token=token), 303)


@pages.errorhandler(Gone)
def show_day_over(_error: Gone) -> ResponseReturnValue:
    return error_page(410, _("This number is no longer valid"), _("It was for another day. You can come again."))


def back_by(earliest: int, at: datetime) -> datetime | None:
    """When somebody must be back who is called in so many minutes at the earliest; a round time. None: stay."""
    if earliest < WORTH_LEAVING:
        return None
    back = at + timedelta(minutes=earliest) - BACK_BEFORE
    return back - timedelta(minutes=back.minute % 5, seconds=back.second, microseconds=back.microsecond)


def clerk_line(ticket: Ticket) -> str:
    """One line in German, for whoever is shown a phone in another language."""
    number = ticket.visit.ticket
    station = ticket.consultation.station if ticket.consultation else ""
    with force_locale("de"):
        words = {
            "waiting": _("Number %(number)s – is waiting", number=number),
            "parked": _("Number %(number)s – is called again later", number=number),
            "called": _("Number %(number)s – called: %(station)s", number=number, station=station),
            "in_consultation": _("Number %(number)s – in consultation: %(station)s", number=number, station=station),
            "missed": _("Number %(number)s – was called and did not come", number=number),
        }
    return str(words.get(ticket.visit.state, ""))


def _page(token: str, visit: Visit, form: NearlyForm) -> str:
    ticket = _ticket(visit)
    wants_message = visit.contact is not None and visit.contact.nearly
    return render_template(
        "tickets/ticket.html",
        ticket=ticket,
        clerk=_clerk(ticket),
        token=token,
        form=form,
        asks_email=settings().sends_mail,
        wants_message=wants_message and visit.state in MAY_ASK,
        may_ask=_sends_anything() and visit.state in MAY_ASK and not wants_message and not is_near(ticket.forecast),
    )


def _sends_anything() -> bool:
    return settings().sends_mail or settings().sends_sms


def _render_now(visit: Visit) -> str:
    ticket = _ticket(visit)
    return render_template("tickets/_now.html", ticket=ticket, clerk=_clerk(ticket))


def _clerk(ticket: Ticket) -> str:
    locale = get_locale()
    return "" if locale is None or locale.language == "de" else clerk_line(ticket)


def _state_by(token: str) -> VisitState:
    """What an unchanged poll needs, by one statement. Aborts as `visit_by` does."""
    visit_id = linked_visit_id(token)
    state = read_visit_state(db(), visit_id) if visit_id is not None else None
    if visit_id is None or state is None or not _opens(token, visit_id, state):
        abort(404)
    if state.is_over(now()):
        abort(410)
    return state


def _opens(token: str, visit_id: int, state: VisitState) -> bool:
    expected = link_token(settings().secret_key, visit_id, state.link_epoch)
    return compare_digest(token.encode(), expected.encode())


def _ticket(visit: Visit) -> Ticket:
    if visit.state != "waiting":
        return Ticket(visit, visit.open_consultation, None, None)
    opening = rulebook().opening(visit.opening.hours.key, visit.opening.original_on)
    forecast = forecast_of(opening).waiting.get(visit.id) if opening else None
    return Ticket(visit, None, forecast.ahead if forecast else _ahead(visit), forecast)


def _ahead(visit: Visit) -> int | None:
    """How many are called before it as the order stands, where nobody can say how long that takes."""
    order = [each.visit_id for each in in_order(read_queue(db(), visit.opening), now())]
    return order.index(visit.id) if visit.id in order else None
