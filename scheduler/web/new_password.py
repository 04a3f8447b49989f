"""The form of a new password, and what is said when one is refused."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import PasswordField
from wtforms.validators import EqualTo, InputRequired, Length

from scheduler.actions.account_links import PasswordRefused
from scheduler.domain.passwords import FEWEST, MOST

_LONGEST_SENT = 2000
"""Beyond it nothing is said about what is wrong with the password but its length."""


class NewPasswordForm(FlaskForm):  # type: ignore[misc]
    new_password = PasswordField(lazy_gettext("New password"), validators=[InputRequired(), Length(max=_LONGEST_SENT)])
    again = PasswordField(
        lazy_gettext("The new password once more"),
        validators=[EqualTo("new_password", lazy_gettext("The two passwords are not the same."))],
    )


def say_refusal(form: NewPasswordForm, refused: PasswordRefused) -> None:
    """Put what is wrong beside the field."""
    words = {
        "short": _("Please take at least %(num)s characters.", num=FEWEST),
        "long": _("Please take at most %(num)s characters.", num=MOST),
        "login": _("This is your log-in name. Please choose another password."),
        "weak": _("This password is easy to guess. Please choose another one."),
    }
    form.new_password.errors = [words[refused.problem]]
