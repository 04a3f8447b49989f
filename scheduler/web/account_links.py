"""The page behind an invitation or a reset link: somebody chooses a password. Opening it changes nothing."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from scheduler.actions.account_links import PasswordRefused, choose_password_by_link, find_link
from scheduler.models import AccountLink
from scheduler.web import audit, known_browser
from scheduler.web.edge import db, now, settings
from scheduler.web.limits import wrong_tokens
from scheduler.web.login import log_out
from scheduler.web.new_password import NewPasswordForm, say_refusal

pages = Blueprint("account_links", __name__, url_prefix="/account-links")


@pages.get("/<token>")
@wrong_tokens
def show_link(token: str) -> ResponseReturnValue:
    link = _find(token)
    return _choose_page(link, token, NewPasswordForm(formdata=None)) if link else _gone_page()


@pages.post("/<token>")
@wrong_tokens
def do_choose_password(token: str) -> ResponseReturnValue:
    link, form = _find(token), NewPasswordForm()
    if link is None:
        return _gone_page()
    if not form.validate():
        return _choose_page(link, token, form), 422
    db().commit()  # nobody waits for the hash
    try:
        account = choose_password_by_link(
            db(),
            link,
            form.new_password.data,
            browser=known_browser.id_for(link.account.login),
            secret=settings().secret_key,
            now=now(),
            in_demo=settings().demo,
        )
    except PasswordRefused as refused:
        say_refusal(form, refused)
        return _choose_page(link, token, form), 422
    db().commit()
    if account is None:
        return _gone_page()
    audit.note_soon(account.id, audit.CHOSE_BY_LINK)
    log_out()  # whoever was logged in here made the link, or left; the next one to log in has just chosen a password
    known_browser.remember(account.login)
    return redirect(url_for("login.show_login", chosen=1), 303)


def _find(token: str) -> AccountLink | None:
    return find_link(db(), token, now(), in_demo=settings().demo)


def _choose_page(link: AccountLink, token: str, form: NewPasswordForm) -> str:
    return render_template("account_links/choose.html", account=link.account, token=token, form=form)


def _gone_page() -> ResponseReturnValue:
    """The same for a link that was used, is too old or never was one: nobody learns which."""
    return render_template("account_links/gone.html"), 404
