"""The form of a visit's contact, the same for clients and staff: how to reach somebody, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, StringField
from wtforms.validators import Length, ValidationError

from scheduler.actions.contact_limits import ContactRefused, TooManyBookings
from scheduler.actions.contacts import InvalidContact, leave_contact, normal_email, normal_phone
from scheduler.actions.messages import is_mobile
from scheduler.models import Visit
from scheduler.web.edge import db, now, settings


class ContactForm(FlaskForm):  # type: ignore[misc]
    email = StringField(lazy_gettext("E-mail"), validators=[Length(max=254)])
    phone = StringField(lazy_gettext("Mobile number"), validators=[Length(max=40)])
    reminders = BooleanField(lazy_gettext("Remind me the day before"))

    def validate_email(self, field: StringField) -> None:
        normalise(field, normal_email, _("This is not an e-mail address. It looks like name@example.org."))
        if self.reminders.data and not field.data and not settings().sends_sms:
            raise ValidationError(_("To remind you, we need your e-mail address."))
        if self.reminders.data and not field.data and not self.phone.data:
            raise ValidationError(_("To remind you, we need your e-mail address or mobile number."))

    def validate_phone(self, field: StringField) -> None:
        normalise(field, normal_phone, _("This is not a phone number. It looks like 0151 23456789."))
        if self.reminders.data and field.data and not self.email.data and not is_mobile(field.data):
            raise ValidationError(_("A landline gets no reminder. Please give a mobile number or an e-mail address."))


def filled_contact_form(visit: Visit) -> ContactForm:
    """The form with what was left."""
    contact = visit.contact
    if contact is None:
        return ContactForm(formdata=None)
    return ContactForm(
        formdata=None, data={"email": contact.email, "phone": contact.phone, "reminders": contact.reminders}
    )


def save_contact(visit: Visit, form: ContactForm, *, by_staff: bool = False) -> None:
    """Keep what the form says. Raises ContactRefused where it is a client's, and one contact too many."""
    leave_contact(
        db(),
        visit.id,
        email=form.email.data or None,
        phone=form.phone.data or None,
        reminders=bool(form.reminders.data),
        secret=settings().secret_key,
        now=now(),
        by_staff=by_staff,
    )


def words_for(refused: ContactRefused) -> str:
    """Why this contact cannot stand there, and what to do."""
    if isinstance(refused, TooManyBookings):
        words = ngettext(
            "There is already one appointment with this contact.",
            "There are already %(num)s appointments with this contact.",
            refused.limit,
        )
        return " ".join((words, _("Please cancel one first. Or leave this empty.")))
    return str(_("This contact has another appointment at this time. Please change one of them."))


def normalise(field: StringField, normal: Callable[[str], str], words: str) -> None:
    """The field's text as it is kept; empty stays empty, and what cannot be used is said at the field."""
    text = (field.data or "").strip()
    try:
        field.data = normal(text) if text else ""
    except InvalidContact as invalid:
        raise ValidationError(words) from invalid
