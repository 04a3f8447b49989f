"""One's own account: password, second factor, recovery codes, PIN, and the end of all log-ins."""

from __future__ import annotations

from flask import Blueprint, Response, abort, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from scheduler.actions.account_links import PasswordRefused, change_password
from scheduler.actions.accounts import end_log_ins
from scheduler.actions.passwords import is_secret
from scheduler.actions.second_factor import (
    AlreadyInUse,
    begin_set_up,
    confirm_set_up,
    count_recovery_codes,
    end_second_factor,
    is_second_factor,
    key_address,
    make_recovery_codes,
)
from scheduler.actions.staff import lock_as_read
from scheduler.models import Account
from scheduler.web.edge import db, now, settings, town
from scheduler.web.limits import guesses
from scheduler.web.login import lacks_second_factor, log_in_again, log_out, own_account
from scheduler.web.new_password import NewPasswordForm, say_refusal
from scheduler.web.qr import draw_qr
from scheduler.web.tries import note_right_try, too_early, wait_for_try

pages = Blueprint("account", __name__, url_prefix="/account")

_KEY_GROUP = 4


class PasswordForm(NewPasswordForm):
    password = PasswordField(lazy_gettext("Your password until now"), validators=[InputRequired(), Length(max=200)])


class ConfirmForm(FlaskForm):  # type: ignore[misc]
    """Password and digits: what it takes to change how one logs in."""

    password = PasswordField(lazy_gettext("Password"), validators=[InputRequired(), Length(max=200)])
    code = StringField(lazy_gettext("Digits, or a recovery code"), validators=[InputRequired(), Length(max=100)])


@pages.get("")
def show_account() -> ResponseReturnValue:
    account = own_account()
    return render_template("account/account.html", account=account, codes=count_recovery_codes(db(), account))


@pages.get("/password")
def show_password() -> ResponseReturnValue:
    return _password_page(own_account(), PasswordForm(formdata=None))


@pages.post("/password")
@guesses
def do_change_password() -> ResponseReturnValue:
    account, form = own_account(), PasswordForm()
    if not form.validate():
        return _password_page(account, form), 422
    if wait := wait_for_try("confirm", account.login):
        return too_early(lambda words: _password_page(account, form, words), wait)
    if not is_secret(account.password_hash, form.password.data):
        form.password.errors = [_("This password is wrong.")]
        return _password_page(account, form), 422
    try:
        change_password(db(), account, form.new_password.data)
    except PasswordRefused as refused:
        say_refusal(form, refused)
    note_right_try("confirm", account.login)
    db().commit()
    if form.new_password.errors:
        return _password_page(account, form), 422
    log_in_again(account)
    return redirect(url_for("account.show_account", said="password"), 303)


@pages.get("/second-factor")
def show_second_factor() -> ResponseReturnValue:
    return _second_factor_page(own_account(), ConfirmForm(formdata=None))


@pages.get("/second-factor/qr")
def show_qr() -> Response:
    """The key as a picture, as long as it is not in use: never shown again."""
    account = own_account()
    if account.totp_secret is None or account.totp_since is not None:
        abort(404)
    picture = draw_qr(key_address(account, town().name))
    picture.headers["Cache-Control"] = "no-store"
    return picture


@pages.post("/second-factor")
def do_begin_set_up() -> ResponseReturnValue:
    try:
        begin_set_up(db(), own_account().id)
    except AlreadyInUse:
        db().rollback()
    db().commit()
    return redirect(url_for("account.show_second_factor"), 303)


@pages.post("/second-factor/confirmation")
@guesses
def do_confirm_set_up() -> ResponseReturnValue:
    account, form = own_account(), ConfirmForm()
    if account.totp_since is not None or account.totp_secret is None:
        return redirect(url_for("account.show_second_factor"), 303)
    if refused := _refuse_unless_password(account, form):
        return refused
    codes = confirm_set_up(db(), account.id, form.code.data, now(), settings().secret_key)
    if codes is None:
        return _refuse_code(account, form)
    note_right_try("confirm", account.login)
    db().commit()
    log_in_again(account)
    return _codes_page(codes)


@pages.post("/second-factor/recovery-codes")
@guesses
def do_make_recovery_codes() -> ResponseReturnValue:
    account, form = own_account(), ConfirmForm()
    if refused := _refuse_unless_password(account, form) or _refuse_unless_code(account, form):
        return refused
    codes = make_recovery_codes(db(), account, settings().secret_key)
    db().commit()
    return _codes_page(codes)


@pages.post("/second-factor/end")
@guesses
def do_end_second_factor() -> ResponseReturnValue:
    account, form = own_account(), ConfirmForm()
    if refused := _refuse_unless_password(account, form) or _refuse_unless_code(account, form):
        return refused
    end_second_factor(db(), account)
    db().commit()
    log_in_again(account)
    return redirect(url_for("account.show_second_factor", said="ended"), 303)


@pages.post("/log-ins/end")
def do_end_log_ins() -> ResponseReturnValue:
    end_log_ins(db(), own_account().id)
    db().commit()
    log_out()
    return redirect(url_for("login.show_login", ended=1), 303)


def _refuse_unless_password(account: Account, form: ConfirmForm) -> ResponseReturnValue | None:
    """The page again where the password is not right, or it is too early to say; the try is counted."""
    if not form.validate():
        return _second_factor_page(account, form), 422
    if wait := wait_for_try("confirm", account.login):
        return too_early(lambda words: _second_factor_page(account, form, words), wait)
    if is_secret(account.password_hash, form.password.data):
        lock_as_read(db(), account)
        return None
    form.password.errors = [_("This password is wrong.")]
    return _second_factor_page(account, form), 422


def _refuse_unless_code(account: Account, form: ConfirmForm) -> ResponseReturnValue | None:
    if not is_second_factor(db(), account.id, form.code.data, now(), settings().secret_key):
        return _refuse_code(account, form)
    note_right_try("confirm", account.login)
    return None


def _refuse_code(account: Account, form: ConfirmForm) -> ResponseReturnValue:
    db().commit()
    form.code.errors = [_("This code is wrong. Each one works once. Wait for new digits.")]
    return _second_factor_page(account, form), 422


def _password_page(account: Account, form: PasswordForm, failed: str = "") -> str:
    return render_template("account/password.html", account=account, form=form, failed=failed)


def _second_factor_page(account: Account, form: ConfirmForm, failed: str = "") -> str:
    secret = account.totp_secret or ""
    if account.totp_since is None:
        form.code.label.text = _("Digits")  # there are no recovery codes yet
    return render_template(
        "account/second_factor.html",
        account=account,
        form=form,
        failed=failed,
        is_needed=lacks_second_factor(account),
        key=" ".join(secret[start : start + _KEY_GROUP] for start in range(0, len(secret), _KEY_GROUP)),
        codes=count_recovery_codes(db(), account),
    )


def _codes_page(codes: list[str]) -> ResponseReturnValue:
    return render_template("account/recovery_codes.html", codes=codes), 201
