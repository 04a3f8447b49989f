"""A shared computer: lock the screen, unlock it by PIN or password, choose the PIN."""

from __future__ import annotations

import json

from flask import Blueprint, Response, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import PasswordField
from wtforms.validators import EqualTo, InputRequired, Length

from scheduler.actions.staff import PinRefused, begin_unlocking, choose_pin, end_unlocking, takes_pin, unlocks
from scheduler.models import Account
from scheduler.web import audit, kept_forms, lock_state
from scheduler.web.edge import db
from scheduler.web.limits import guesses
from scheduler.web.login import locked_account, log_out, login_page, own_account, way_on
from scheduler.web.permissions import names_no_row
from scheduler.web.tries import note_right_try, too_early, wait_for_try

pages = Blueprint("lock", __name__)


class UnlockForm(FlaskForm):  # type: ignore[misc]
    secret = PasswordField(validators=[InputRequired(), Length(max=200)])


class PinForm(FlaskForm):  # type: ignore[misc]
    password = PasswordField(lazy_gettext("Password"), validators=[InputRequired(), Length(max=200)])
    pin = PasswordField(lazy_gettext("New PIN"), validators=[InputRequired(), Length(max=200)])
    again = PasswordField(
        lazy_gettext("The PIN once more"),
        validators=[EqualTo("pin", lazy_gettext("The two PINs are not the same."))],
    )


@pages.get("/lock")
def show_lock() -> ResponseReturnValue:
    account = locked_account()
    if account is not None:
        return _lock_page(account)
    # A page that heard of the lock just as it was opened in another window goes straight back.
    return redirect(way_on(own_account()), 303) if "next" in request.args else _unlocked_page()


@pages.post("/lock")
def do_lock() -> ResponseReturnValue:
    following = way_on(own_account())
    lock_state.lock()
    return redirect(url_for("lock.show_lock", next=following), 303)


@pages.get("/lock/state")
def poll_lock() -> ResponseReturnValue:
    """Asked by every staff page once a minute, so that a lock covers what it shows; says whose screen it is by now.

    `used`: somebody typed there.
    """
    account = own_account()
    if "used" in request.args:
        lock_state.note_use()
    return Response(str(account.id), mimetype="text/plain")


@pages.post("/unlock")
@guesses
def do_unlock() -> ResponseReturnValue:
    account, form = locked_account(), UnlockForm()
    if account is None:
        return _carry_on() or _unlocked_page()
    if not form.validate():
        return _refuse(account, by_pin=takes_pin(account))
    if wait := wait_for_try("unlock", account.login):
        return too_early(lambda words: _lock_page(account, words), wait)
    by_pin = begin_unlocking(db(), account.id)
    db().commit()
    if not unlocks(account, form.secret.data, by_pin=by_pin):
        return _refuse(account, by_pin=by_pin)
    end_unlocking(db(), account)
    note_right_try("unlock", account.login)
    db().commit()
    return _open(account, by_pin)


@pages.post("/lock/take-over")
def do_take_over() -> ResponseReturnValue:
    """Somebody else comes to this screen: the other log-in of this browser ends, and one log-in leads on."""
    # Where the colleague was going is a page for both, unless it shows one single thing.
    following = request.values.get("next", "")
    log_out()
    return redirect(url_for("login.show_login", next=following if names_no_row(following) else None), 303)


@pages.post("/lock/forms")
def do_keep_form() -> ResponseReturnValue:
    """The script of a page that no address leads back to hands over its form as it stands: nothing is sent yet."""
    kept_forms.keep_form(request.form.get("path", ""), _read_fields())
    account = locked_account()
    if account is not None:
        return _lock_page(account)
    return _carry_on() or redirect(way_on(own_account()), 303)


@pages.post("/lock/fields")
def do_keep_fields() -> ResponseReturnValue:
    """Seal what was typed on a page, which its script keeps until the same account is back."""
    account_id = kept_forms.owner_id()
    if account_id is None:
        account_id = own_account().id
    sealed = kept_forms.seal("page", account_id, request.form.get("path", ""), _read_fields())
    return Response(sealed, mimetype="text/plain")


@pages.post("/lock/fields/back")
def do_give_fields_back() -> ResponseReturnValue:
    """What the same account typed on the same page. 404: it was somebody else, somewhere else, or too long ago."""
    kept = kept_forms.unseal("page", own_account().id, request.form.get("kept", ""))
    if kept is None or kept.path != request.form.get("path"):
        return Response(status=404, mimetype="text/plain")
    return jsonify(kept.fields)


@pages.get("/account/pin")
def show_pin() -> ResponseReturnValue:
    return _pin_page(own_account(), PinForm(formdata=None))


@pages.post("/account/pin")
@guesses
def do_choose_pin() -> ResponseReturnValue:
    account, form = own_account(), PinForm()
    if not form.validate():
        return _pin_page(account, form), 422
    if wait := wait_for_try("confirm", account.login):
        return too_early(lambda words: _pin_page(account, form, words), wait)
    try:
        choose_pin(db(), account, form.password.data, form.pin.data)
    except PinRefused as refused:
        _say_refusal(form, refused)
    if not form.password.errors:
        note_right_try("confirm", account.login)
    db().commit()
    if form.errors:
        return _pin_page(account, form), 422
    return redirect(url_for("lock.show_pin", saved=1), 303)


def _refuse(account: Account, *, by_pin: bool) -> ResponseReturnValue:
    if by_pin and not takes_pin(account):
        audit.note_soon(account.id, audit.WRONG_PINS)
        log_out()
        return login_page(_("The PIN was wrong too often. Please log in with your password.")), 403
    return _lock_page(account, _("This PIN is wrong.") if by_pin else _("This password is wrong.")), 403


def _open(account: Account, by_pin: bool) -> ResponseReturnValue:
    lock_state.unlock()
    g.pop("_login_user", None)  # as whom this request came, behind the lock
    if not by_pin and account.pin_hash is not None:
        audit.note_soon(account.id, audit.OPENED_BY_PASSWORD)
    return kept_forms.kept_form_page(account.id, way_on(account)) or redirect(way_on(account), 303)


def _carry_on() -> ResponseReturnValue | None:
    """For whoever has typed something, and is behind no lock any more: it is offered, or goes along to the log-in."""
    if not current_user.is_authenticated:
        return (login_page(), 403) if kept_forms.carried_form() else None
    account = own_account()
    return kept_forms.kept_form_page(account.id, way_on(account))


def _read_fields() -> list[tuple[str, str]]:
    """The fields as the script sends them, as JSON; nothing where they make no sense."""
    try:
        return [(str(name), str(value)) for name, value in json.loads(request.form.get("fields", ""))]
    except (ValueError, TypeError):
        return []


def _lock_page(account: Account, failed: str = "") -> str:
    return render_template(
        "lock/lock.html", account=account, by_pin=takes_pin(account), failed=failed, next=way_on(account)
    )


def _unlocked_page() -> str:
    return render_template("lock/unlocked.html", back=way_on(own_account()))


def _pin_page(account: Account, form: PinForm, failed: str = "") -> str:
    return render_template("lock/pin.html", form=form, has_pin=account.pin_hash is not None, failed=failed)


def _say_refusal(form: PinForm, refused: PinRefused) -> None:
    match refused.reason:
        case "password":
            form.password.errors = [_("This password is wrong.")]
        case "digits":
            form.pin.errors = [_("A PIN has four to eight digits.")]
        case "too_simple":
            form.pin.errors = [_("This PIN is easy to guess. Please choose another one.")]
