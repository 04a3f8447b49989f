"""The forms of an account: name and roles, as far as whoever is logged in may give them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import BooleanField, SelectField, StringField, ValidationError
from wtforms.validators import InputRequired, Length

from scheduler.actions.staff import roles_of
from scheduler.domain.permissions import Belongs
from scheduler.models import Account, AccountRole, Adviser, Carrier, Place
from scheduler.web.edge import db, places, row_id
from scheduler.web.permissions import may_here

Form = TypeVar("Form", bound="AccountForm")
FOR_THE_TOWN = ("desk", "carrier", "hours_at", "administrator")
"""Roles that a carrier's coordinator gives to nobody."""


def _printable(_form: FlaskForm, field: StringField) -> None:
    if not field.data.strip() or not field.data.isprintable():
        raise ValidationError(_("Please fill this in, with plain letters."))


class AccountForm(FlaskForm):  # type: ignore[misc]
    name = StringField(
        lazy_gettext("What colleagues call it"), validators=[InputRequired(), Length(max=100), _printable]
    )
    desk = SelectField(lazy_gettext("Front desk of"))
    adviser = SelectField(lazy_gettext("Adviser"))
    carrier = SelectField(lazy_gettext("Coordinator of the carrier"))
    hours_at = SelectField(lazy_gettext("Coordinator of the hours at"))
    administrator = BooleanField(lazy_gettext("Administrator: accounts and set-up, no visits"))


class InvitationForm(AccountForm):
    login = StringField(lazy_gettext("Log-in name"), validators=[InputRequired(), Length(max=100), _printable])


def make_form(kind: type[Form], *, sees_all: bool, account: Account | None = None, **settings: Any) -> Form:
    """The form with what can be chosen: a carrier's coordinator may give the role of its own advisers alone.

    What `account` has already can be kept, also where the town's file no longer names it.
    """
    form = kind(**settings)
    at = [("", "–"), *((str(each.id), each.name) for each in places())]
    form.adviser.choices = [("", "–"), *((str(each.id), _name_of(each)) for each in _advisers())]
    form.desk.choices, form.hours_at.choices = list(at), list(at)
    form.carrier.choices = [("", "–"), *((str(each.id), each.name) for each in _in_use(Carrier))]
    for name, value, words in _held(account):
        if value not in dict(form[name].choices):
            form[name].choices.append((value, words))
    if not sees_all:
        form.adviser.choices = form.adviser.choices[1:]
        for name in FOR_THE_TOWN:
            del form[name]
    return form


def fill(form: AccountForm, account: Account) -> AccountForm:
    """The form as this account stands."""
    form.name.data = account.name
    for name, value, _words in _held(account):
        if name in form:
            form[name].data = value
    if "administrator" in form:
        form.administrator.data = any(each.role == "administrator" for each in account.roles)
    return form


def _held(account: Account | None) -> Iterator[tuple[str, str, str]]:
    """Field, value and words of each role that is about something."""
    for role in account.roles if account else ():
        match role.role:
            case "desk" | "hours_coordinator":
                assert role.place is not None
                yield "desk" if role.role == "desk" else "hours_at", str(role.place.id), role.place.name
            case "adviser":
                assert role.adviser is not None
                yield "adviser", str(role.adviser.id), _name_of(role.adviser)
            case "carrier_coordinator":
                assert role.carrier is not None
                yield "carrier", str(role.carrier.id), role.carrier.name
            case "administrator":
                pass


def roles_in(session: Session, form: AccountForm) -> list[AccountRole]:
    """The roles that were chosen, as rows of an account."""

    def chosen(name: str, model: type[Any]) -> Any:
        id_ = row_id(form[name].data or "") if name in form else None
        return session.get(model, id_) if id_ is not None else None

    return roles_of(
        chosen("desk", Place),
        chosen("adviser", Adviser),
        chosen("carrier", Carrier),
        chosen("hours_at", Place),
        administrator="administrator" in form and form.administrator.data,
    )


def say_role(role: AccountRole) -> str:
    """A role in words."""
    match role.role:
        case "desk":
            return str(_("Front desk: %(place)s", place=role.place.name if role.place else ""))
        case "adviser":
            return str(_("Adviser: %(name)s", name=_name_of(role.adviser) if role.adviser else ""))
        case "carrier_coordinator":
            return str(_("Coordinator: %(carrier)s", carrier=role.carrier.name if role.carrier else ""))
        case "hours_coordinator":
            return str(_("Coordinator of the hours: %(place)s", place=role.place.name if role.place else ""))
        case "administrator":
            return str(_("Administrator"))


def _advisers() -> list[Adviser]:
    """Those whose accounts whoever is logged in may change."""
    return [each for each in _in_use(Adviser) if may_here("change", "account", Belongs(carrier_id=each.carrier_id))]


def _name_of(adviser: Adviser) -> str:
    return f"{adviser.name} ({adviser.carrier.name})"


def _in_use(model: type[Any]) -> list[Any]:
    return list(db().scalars(select(model).where(model.retired_at.is_(None)).order_by(model.position)))
