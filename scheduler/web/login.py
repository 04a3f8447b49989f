"""Staff log in and out, and every staff route asks here who they are and where they may act.

Behind a locked screen nobody is logged in: what needs a log-in leads to the lock, and no route has to think of it.
"""

from __future__ import annotations

from flask import Blueprint, Flask, abort, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_wtf import FlaskForm
from sqlalchemy.orm import selectinload
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from scheduler.actions.staff import log_in
from scheduler.actions.steps import By
from scheduler.models import Account, AccountRole, Adviser, Place
from scheduler.web import lock_state
from scheduler.web.edge import db, settings
from scheduler.web.limits import guesses

pages = Blueprint("login", __name__)
_manager = LoginManager()


class Staff(UserMixin):  # type: ignore[misc]
    """Whoever is logged in. The id in the cookie carries the account's epoch, so raising it logs out everywhere."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def get_id(self) -> str:
        return f"{self.account.id}:{self.account.epoch}"


class LoginForm(FlaskForm):  # type: ignore[misc]
    login = StringField(lazy_gettext("Name"), validators=[InputRequired(), Length(max=100)])
    password = PasswordField(lazy_gettext("Password"), validators=[InputRequired(), Length(max=200)])


def set_up(app: Flask) -> None:
    _manager.init_app(app)
    _manager.unauthorized_handler(_to_login)
    _manager.user_loader(_load)


@pages.get("/login")
def show_login() -> ResponseReturnValue:
    return login_page()


@pages.post("/login")
@guesses
def do_login() -> ResponseReturnValue:
    form = LoginForm()
    account = None
    if form.validate():
        account = log_in(db(), form.login.data, form.password.data, in_demo=settings().demo)
    if account is None:
        return login_page(_("Name or password is wrong."), form), 403
    db().commit()
    login_user(Staff(account))
    lock_state.begin()
    return redirect(way_on(account), 303)


@pages.post("/logout")
def do_logout() -> ResponseReturnValue:
    log_out()
    return redirect(url_for("login.show_login"), 303)


def login_page(failed: str = "", form: LoginForm | None = None) -> str:
    """The page, with what went wrong."""
    return render_template("login.html", form=form or LoginForm(formdata=None), next=_local_next(), failed=failed)


def log_out() -> None:
    logout_user()
    lock_state.end()


def way_on(account: Account) -> str:
    """Where whoever has logged in, or unlocked the screen, was going; else the own first page."""
    is_desk = any(each.role == "desk" for each in account.roles)
    return _local_next() or url_for("desk.show_desk" if is_desk else "my.show_my")


def locked_account() -> Account | None:
    """Whose log-in the lock of this screen holds; None: it is not locked, or the log-in has ended meanwhile."""
    staff = _staff_of(session.get("_user_id", "")) if lock_state.is_locked() else None
    return staff.account if staff else None


def desk_place() -> Place:
    """The place whose desk this account serves. Nobody logged in: to the log-in page; another role: 403."""
    role = _role("desk")
    assert role.place is not None
    return role.place


def own_adviser() -> Adviser:
    """The adviser who is logged in. Nobody logged in: to the log-in page; another role: 403."""
    role = _role("adviser")
    assert role.adviser is not None
    return role.adviser


def own_account() -> Account:
    """The account that is logged in, whatever its roles. Nobody logged in: to the log-in page, or to the lock."""
    if not current_user.is_authenticated:
        abort(_manager.unauthorized())
    account: Account = current_user.account
    return account


def serves_desk() -> bool:
    """Whether whoever is logged in serves some desk."""
    return current_user.is_authenticated and any(each.role == "desk" for each in current_user.account.roles)


def by_staff() -> By:
    return By("staff", current_user.account.id)


def _to_login() -> ResponseReturnValue:
    # Only a page can be the way back: whoever sent a form starts again at the desk or at their own day.
    following = request.full_path if request.method == "GET" else ""
    page = "lock.show_lock" if locked_account() else "login.show_login"
    return redirect(url_for(page, next=following or None), 303)


def _role(name: str) -> AccountRole:
    account = own_account()
    found = next((each for each in account.roles if each.role == name), None)
    if found is None or (found.adviser is not None and found.adviser.retired_at is not None):
        abort(403)  # an adviser who left the town's file keeps the account, not the work
    return found


def _load(identity: str) -> Staff | None:
    """Whoever is logged in: the one place where a lock counts, for all routes alike."""
    staff = None if lock_state.is_locked() else _staff_of(identity)
    if staff is not None:
        lock_state.note_use_by_request()
    return staff


def _staff_of(identity: str) -> Staff | None:
    if lock_state.is_over():
        return None
    account_id, _, epoch = identity.partition(":")
    account = (
        db().get(Account, int(account_id), options=[selectinload(Account.roles)]) if account_id.isdigit() else None
    )
    if account is None or account.disabled_at is not None or str(account.epoch) != epoch:
        return None
    return Staff(account) if settings().demo or not account.is_demo else None


def _local_next() -> str:
    return _local(request.values.get("next", ""))


def _local(address: str) -> str:
    """An address on this server, or nothing: a log-in link must not lead elsewhere."""
    is_plain = address.isprintable() and "\\" not in address
    return address if is_plain and address.startswith("/") and not address.startswith("//") else ""
