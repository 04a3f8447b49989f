"""A shared computer: lock the screen, unlock it by PIN or password, choose the PIN."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import PasswordField
from wtforms.validators import EqualTo, InputRequired, Length

from scheduler.actions.staff import PinRefused, choose_pin, takes_pin, unlocks
from scheduler.models import Account
from scheduler.web import lock_state
from scheduler.web.edge import db
from scheduler.web.limits import guesses
from scheduler.web.login import locked_account, log_out, login_page, own_account, way_on

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
    return _lock_page(account) if account else _unlocked_page()


@pages.post("/lock")
def do_lock() -> ResponseReturnValue:
    following = way_on(own_account())
    lock_state.lock()
    return redirect(url_for("lock.show_lock", next=following), 303)


@pages.get("/lock/state")
def poll_lock() -> ResponseReturnValue:
    """Asked by every staff page once a minute, so that a lock covers what it shows. `used`: somebody typed there."""
    own_account()
    if "used" in request.args:
        lock_state.note_use()
    return Response(mimetype="text/plain")


@pages.post("/unlock")
@guesses
def do_unlock() -> ResponseReturnValue:
    account, form = locked_account(), UnlockForm()
    if account is None:
        return _unlocked_page()
    by_pin = takes_pin(account)
    right = bool(form.validate()) and unlocks(db(), account.id, form.secret.data)
    db().commit()
    if right:
        lock_state.unlock()
        return redirect(way_on(account), 303)
    if by_pin and not takes_pin(account):
        log_out()
        return login_page(_("The PIN was wrong too often. Please log in with your password.")), 403
    return _lock_page(account, _("This PIN is wrong.") if by_pin else _("This password is wrong.")), 403


@pages.get("/account/pin")
def show_pin() -> ResponseReturnValue:
    return _pin_page(own_account(), PinForm(formdata=None))


@pages.post("/account/pin")
@guesses
def do_choose_pin() -> ResponseReturnValue:
    account, form = own_account(), PinForm()
    if not form.validate():
        return _pin_page(account, form), 422
    try:
        choose_pin(db(), account.id, form.password.data, form.pin.data)
    except PinRefused as refused:
        _say_refusal(form, refused)
        return _pin_page(account, form), 422
    db().commit()
    return redirect(url_for("lock.show_pin", saved=1), 303)


def _lock_page(account: Account, failed: str = "") -> str:
    return render_template(
        "lock/lock.html", account=account, by_pin=takes_pin(account), failed=failed, next=way_on(account)
    )


def _unlocked_page() -> str:
    return render_template("lock/unlocked.html", back=way_on(own_account()))


def _pin_page(account: Account, form: PinForm) -> str:
    return render_template("lock/pin.html", form=form, has_pin=account.pin_hash is not None)


def _say_refusal(form: PinForm, refused: PinRefused) -> None:
    match refused.reason:
        case "password":
            form.password.errors = [_("This password is wrong.")]
        case "digits":
            form.pin.errors = [_("A PIN has four to eight digits.")]
        case "too_simple":
            form.pin.errors = [_("This PIN is easy to guess. Please choose another one.")]
