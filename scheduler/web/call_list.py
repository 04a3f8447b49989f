"""Whom somebody has to tell in person that their appointment moved or was cancelled, and what did not arrive."""

from __future__ import annotations

from flask import Blueprint, Flask, abort, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import select

from scheduler.actions.call_list import (
    CallLine,
    mark_told,
    read_call_list,
    read_dead_letters,
    settle,
    try_again,
)
from scheduler.models import Message, Place
from scheduler.web.edge import db, now, today
from scheduler.web.permissions import may_any_here, scope_here

pages = Blueprint("call_list", __name__, url_prefix="/call-list")


def set_up(app: Flask) -> None:
    app.context_processor(lambda: {"count_calls": count_here})


@pages.get("")
def show_call_list() -> ResponseReturnValue:
    known = {place.id: place for place in db().scalars(select(Place))}
    dead = [(each, say_reason(each)) for each in dead_letters_here()]
    return render_template("changes/call_list.html", lines=lines_here(), dead=dead, places=known)


@pages.post("/<id:message_id>/told")
def do_tell(message_id: int) -> ResponseReturnValue:
    line = next((each for each in lines_here() if each.message.id == message_id), None)
    if line is None:
        abort(404)
    mark_told(db(), line.message, now())
    db().commit()
    return redirect(url_for("call_list.show_call_list", told=1), 303)


@pages.post("/<id:message_id>/again")
def do_try_again(message_id: int) -> ResponseReturnValue:
    try_again(db(), _dead_letter(message_id), now())
    db().commit()
    return redirect(url_for("call_list.show_call_list", again=1), 303)


@pages.post("/<id:message_id>/done")
def do_settle(message_id: int) -> ResponseReturnValue:
    settle(db(), _dead_letter(message_id))
    db().commit()
    return redirect(url_for("call_list.show_call_list", done=1), 303)


def count_here() -> int:
    """How much of it waits for somebody: stands in the navigation of all pages of staff."""
    return len(lines_here()) + len(dead_letters_here()) if may_any_here("see", "call_list") else 0


def say_reason(message: Message) -> str:
    """Why it was given up, in words. What is stored of it are an error's kind and the server's codes."""
    kind, _space, codes = (message.last_error or "").partition(" ")
    if kind in ("SMTPRecipientsRefused", "Refused"):
        return str(_("This address is wrong, or takes no mail.") if message.channel == "email" else _REFUSED_NUMBER)
    if kind in _AT_THE_SERVER:
        return str(_("The mail server did not take it.")) + (f" ({codes})" if codes else "")
    if message.channel == "sms":
        return str(_("The gateway for text messages did not take it."))
    if kind in _UNREACHABLE:
        return str(_("The mail server could not be reached."))
    return str(_("It could not be written. Please call IT.")) + f" ({kind})"


_REFUSED_NUMBER = lazy_gettext("This number is wrong, or takes no text messages.")
_AT_THE_SERVER = {
    "SMTPSenderRefused", "SMTPDataError", "SMTPAuthenticationError", "SMTPHeloError", "SMTPResponseException",
    "SMTPNotSupportedError", "SMTPException",
}  # fmt: skip
_UNREACHABLE = {
    "SMTPServerDisconnected", "SMTPConnectError", "ConnectionRefusedError", "ConnectionResetError", "BrokenPipeError",
    "TimeoutError", "gaierror", "OSError", "SSLError", "SSLCertVerificationError", "SSLEOFError",
}  # fmt: skip


def lines_here() -> list[CallLine]:
    """The list of the desk's place, and of the adviser whose time it was."""
    theirs = scope_here("change", "call_list")
    return read_call_list(db(), now(), place_ids=theirs.place_ids, adviser_ids=theirs.adviser_ids)


def dead_letters_here() -> list[Message]:
    """The same of messages that did not arrive."""
    theirs = scope_here("change", "call_list")
    return read_dead_letters(db(), today(), place_ids=theirs.place_ids, adviser_ids=theirs.adviser_ids)


def _dead_letter(message_id: int) -> Message:
    """One of them. Aborts with 404 where it is another's, or is no longer one."""
    return next((each for each in dead_letters_here() if each.id == message_id), None) or abort(404)
