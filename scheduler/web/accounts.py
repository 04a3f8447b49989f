"""The accounts of others. An administrator handles all, a carrier's coordinator those of its own advisers alone."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import selectinload

from scheduler.actions import accounts
from scheduler.actions.account_links import make_link
from scheduler.actions.accounts import AccountRefused, belongs_of
from scheduler.actions.second_factor import end_second_factor
from scheduler.actions.staff import lock_account
from scheduler.domain.permissions import Belongs
from scheduler.models import Account
from scheduler.web.account_forms import AccountForm, InvitationForm, fill, make_form, roles_in, say_role
from scheduler.web.edge import db, now, settings
from scheduler.web.login import own_account
from scheduler.web.permissions import may_here, permit

pages = Blueprint("accounts", __name__, url_prefix="/accounts")

WHOLE_TOWN = Belongs()
"""What belongs to nobody in particular: only whoever reaches the whole town may change it."""


@pages.get("")
def show_accounts() -> ResponseReturnValue:
    found = [each for each in accounts.list_accounts(db()) if may_here("see", "account", belongs_of(each.roles))]
    return render_template("accounts/accounts.html", accounts=found, say_role=say_role)


@pages.get("/new")
def ask_invitation() -> ResponseReturnValue:
    return _invitation_page(make_form(InvitationForm, sees_all=_sees_all(), formdata=None))


@pages.post("")
def do_invite() -> ResponseReturnValue:
    form = make_form(InvitationForm, sees_all=_sees_all())
    if not form.validate():
        return _invitation_page(form), 422
    roles = roles_in(db(), form)
    if not roles:
        return _invitation_page(form, roles_missing=True), 422
    permit("change", "account", belongs_of(roles))
    try:
        account = accounts.invite(db(), login=form.login.data, name=form.name.data, roles=roles, now=now())
    except AccountRefused:
        form.login.errors = [_("Somebody has this log-in name already. Please choose another one.")]
        return _invitation_page(form), 422
    return _fresh_link_page(account)


@pages.get("/<id:account_id>")
def show_account(account_id: int) -> ResponseReturnValue:
    return _account_page(_permitted(account_id))


@pages.post("/<id:account_id>")
def do_change(account_id: int) -> ResponseReturnValue:
    account = _permitted(account_id)
    form = make_form(AccountForm, sees_all=_sees_all(), account=account)
    if not form.validate():
        return _account_page(account, form), 422
    roles = roles_in(db(), form)
    permit("change", "account", belongs_of(roles))
    try:
        by_id = own_account().id
        accounts.change_account(
            db(), account.id, name=form.name.data, roles=roles, by_id=by_id, in_demo=settings().demo
        )
    except AccountRefused as refused:
        return _refused(account, refused)
    db().commit()
    return _done(account, "changed")


@pages.post("/<id:account_id>/link")
def do_make_link(account_id: int) -> ResponseReturnValue:
    account = _others(account_id)
    if account.disabled_at is not None:
        abort(409)
    return _fresh_link_page(account)


@pages.post("/<id:account_id>/log-ins/end")
def do_end_log_ins(account_id: int) -> ResponseReturnValue:
    account = _others(account_id)
    accounts.end_log_ins(db(), account.id)
    db().commit()
    return _done(account, "ended")


@pages.post("/<id:account_id>/disabling")
def do_disable(account_id: int) -> ResponseReturnValue:
    account = _permitted(account_id)
    try:
        accounts.disable(db(), account.id, by_id=own_account().id, now=now(), in_demo=settings().demo)
    except AccountRefused as refused:
        return _refused(account, refused)
    db().commit()
    return _done(account, "disabled")


@pages.post("/<id:account_id>/enabling")
def do_enable(account_id: int) -> ResponseReturnValue:
    account = _others(account_id)
    accounts.enable(db(), account.id)
    db().commit()
    return _done(account, "enabled")


@pages.post("/<id:account_id>/second-factor/removal")
def do_remove_second_factor(account_id: int) -> ResponseReturnValue:
    """The phone is lost. With a fresh password link beside it, it opens an account: so only for administrators."""
    permit("change", "account", WHOLE_TOWN)
    account = _others(account_id)
    end_second_factor(db(), lock_account(db(), account.id))
    db().commit()
    return _done(account, "second_factor")


def _permitted(account_id: int) -> Account:
    """The account, if whoever is logged in may change it: else 404."""
    account = db().get(Account, account_id, options=[selectinload(Account.roles)])
    if account is None:
        abort(404)
    permit("change", "account", belongs_of(account.roles))
    return account


def _others(account_id: int) -> Account:
    """Somebody else's. What is one's own is changed with one's password, on one's own page: 403."""
    account = _permitted(account_id)
    if account.id == own_account().id:
        abort(403)
    return account


def _sees_all() -> bool:
    return may_here("change", "account", WHOLE_TOWN)


def _done(account: Account, said: str) -> ResponseReturnValue:
    return redirect(url_for("accounts.show_account", account_id=account.id, said=said), 303)


def _refused(account: Account, refused: AccountRefused) -> ResponseReturnValue:
    db().rollback()
    words = {
        "own": _("You cannot take this away from yourself. Ask another administrator."),
        "last_administrator": _("This is the last administrator who can log in. Make another one first."),
    }
    return _account_page(_permitted(account.id), failed=words[refused.reason]), 409


def _invitation_page(form: InvitationForm, *, roles_missing: bool = False) -> str:
    return render_template("accounts/invite.html", form=form, roles_missing=roles_missing)


def _account_page(account: Account, form: AccountForm | None = None, failed: str = "") -> str:
    return render_template(
        "accounts/account.html",
        account=account,
        form=form or fill(make_form(AccountForm, sees_all=_sees_all(), account=account, formdata=None), account),
        failed=failed,
        said=request.args.get("said", ""),
        is_own=account.id == own_account().id,
        sees_all=_sees_all(),
        say_role=say_role,
    )


def _fresh_link_page(account: Account) -> ResponseReturnValue:
    """Make a link and show it, this once."""
    link, token = make_link(db(), account, made_by_id=own_account().id, now=now())
    db().commit()
    address = settings().base_url + url_for("account_links.show_link", token=token)
    return render_template("accounts/link.html", account=account, link=link, address=address), 201
