"""Staff log in and out, and every staff route asks here who they are and where they may act.

Behind a locked screen nobody is logged in: what needs a log-in leads to the lock, and no route has to think of it.
Where the account has a second factor, the log-in is two pages; between them nobody is logged in either.
"""

from __future__ import annotations

from flask import (
    Blueprint,
    Flask,
    abort,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_wtf import FlaskForm
from sqlalchemy.orm import selectinload
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from scheduler.actions.log_in import check_password, note_right_password
from scheduler.actions.second_factor import is_second_factor
from scheduler.actions.steps import By
from scheduler.models import Account, AccountRole, Adviser, Place
from scheduler.web import kept_forms, known_browser, lock_state
from scheduler.web.edge import db, now, reading, settings
from scheduler.web.limits import guesses
from scheduler.web.tries import note_right_try, too_early, wait_for_try

pages = Blueprint("login", __name__)
_manager = LoginManager()

SECOND_STEP_SECONDS = 300
"""So long a right password waits for the digits."""
_SECOND_STEP = "second_step"


class Staff(UserMixin):  # type: ignore[misc]
    """Whoever is logged in. The id in the cookie carries the account's epoch, so raising it logs out everywhere."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def get_id(self) -> str:
        return f"{self.account.id}:{self.account.epoch}"


class LoginForm(FlaskForm):  # type: ignore[misc]
    login = StringField(lazy_gettext("Log-in name"), validators=[InputRequired(), Length(max=100)])
    password = PasswordField(lazy_gettext("Password"), validators=[InputRequired(), Length(max=200)])


class CodeForm(FlaskForm):  # type: ignore[misc]
    code = StringField(lazy_gettext("Digits, or a recovery code"), validators=[InputRequired(), Length(max=100)])


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
    if not form.validate():
        return _refused(form)
    login, password = form.login.data, form.password.data
    if wait := wait_for_try("password", login):
        return too_early(lambda words: login_page(words, form), wait)
    with reading() as looking:
        found = check_password(looking, login, password, in_demo=settings().demo)
    if found is None:
        return _refused(form)
    account = note_right_password(db(), found, password)
    note_right_try("password", login)
    note_right_try("unlock", login)
    db().commit()
    return _begin_second_step(account) if account.totp_since else _begin_log_in(account)


@pages.get("/login/code")
def show_code() -> ResponseReturnValue:
    return _code_page() if _account_of_second_step() else redirect(url_for("login.show_login"), 303)


@pages.post("/login/code")
@guesses
def do_code() -> ResponseReturnValue:
    account, form = _account_of_second_step(), CodeForm()
    if account is None:
        return login_page(_("That took too long. Please log in again.")), 403
    if not form.validate():
        return _code_page(_("This code is wrong.")), 403
    if wait := wait_for_try("digits", account.login):
        return too_early(_code_page, wait)
    if not is_second_factor(db(), account.id, form.code.data, now(), settings().secret_key):
        db().commit()
        return _code_page(_("This code is wrong. Each one works once. Wait for new digits.")), 403
    note_right_try("digits", account.login)
    db().commit()
    return _begin_log_in(account)


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
    session.pop(_SECOND_STEP, None)


def log_in_again(account: Account) -> None:
    """This browser stays logged in, although all log-ins of the account have ended."""
    login_user(Staff(account))


def way_on(account: Account) -> str:
    """Where whoever has logged in, or unlocked the screen, was going; else the own first page."""
    from scheduler.web.permissions import may_open  # it asks here who is logged in

    following = _local_next()
    return following if following and may_open(account, following) else _first_page(account)


def own_first_page() -> str | None:
    """The first page of whoever is logged in; None: nobody is."""
    return _first_page(current_user.account) if current_user.is_authenticated else None


def _first_page(account: Account) -> str:
    held = {each.role for each in account.roles if each.counts}
    return url_for(next((page for role, page in _FIRST_PAGES if role in held), "account.show_account"))


_FIRST_PAGES = (
    ("desk", "desk.show_desk"),
    ("adviser", "my.show_my"),
    ("hours_coordinator", "manage.show_manage"),
    ("carrier_coordinator", "manage.show_manage"),
    ("administrator", "manage.show_set_up"),
)


def lacks_second_factor(account: Account) -> bool:
    """Whether a role of this account needs a second factor, and there is none yet."""
    needed = settings().second_factor_for
    return account.totp_since is None and any(each.role in needed for each in account.roles)


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


def _refused(form: LoginForm) -> ResponseReturnValue:
    return login_page(_("Name or password is wrong."), form), 403


def _begin_log_in(account: Account) -> ResponseReturnValue:
    session.pop(_SECOND_STEP, None)
    login_user(Staff(account))
    lock_state.begin()
    known_browser.remember(account.login)
    return kept_forms.kept_form_page(account.id, way_on(account)) or redirect(way_on(account), 303)


def _begin_second_step(account: Account) -> ResponseReturnValue:
    log_out()  # whoever was logged in here, or had locked this screen, is not any more
    session[_SECOND_STEP] = [Staff(account).get_id(), int(now().timestamp())]
    if kept_forms.carried_form():
        return _code_page()  # no redirect can carry it
    return redirect(url_for("login.show_code", next=_local_next() or None), 303)


def _account_of_second_step() -> Account | None:
    """Whose password was right a moment ago in this browser. It opens nothing but the page for the digits."""
    identity, at = session.get(_SECOND_STEP, ("", 0))
    staff = _staff_of(identity) if int(now().timestamp()) - at <= SECOND_STEP_SECONDS else None
    return staff.account if staff else None


def _code_page(failed: str = "") -> str:
    return render_template("login_code.html", form=CodeForm(formdata=None), next=_local_next(), failed=failed)


def _to_login() -> ResponseReturnValue:
    # Only a page can be the way back: whoever sent a form starts again at the desk or at their own day.
    following = request.full_path if request.method == "GET" else ""
    page = "lock.show_lock" if locked_account() else "login.show_login"
    if kept_forms.keep_sent_form():
        return make_response(current_app.view_functions[page](), 403)
    return redirect(url_for(page, next=following or None), 303)


def _role(name: str) -> AccountRole:
    account = own_account()
    found = next((each for each in account.roles if each.role == name and each.counts), None)
    if found is None:
        abort(403)
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
