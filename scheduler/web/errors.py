"""What people see when something does not work: what happened, and where to go."""

from __future__ import annotations

import math

from flask import Flask, g, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import IntegrityError, OperationalError
from werkzeug.exceptions import HTTPException

from scheduler.actions.openings import UnknownOpening
from scheduler.actions.staff import AccountChanged
from scheduler.db import is_busy
from scheduler.domain.visit_states import StepRefused
from scheduler.web.edge import db, read_after_refusal
from scheduler.web.limits import seconds_to_wait
from scheduler.web.login import own_first_page
from scheduler.web.problems import plain_problem
from scheduler.web.request_log import request_id

BUSY_SECONDS = 5
"""After so many seconds somebody who met a busy database may try again."""


def set_up(app: Flask) -> None:
    app.register_error_handler(HTTPException, show_http_error)
    app.register_error_handler(CSRFError, show_stale_form)
    app.register_error_handler(StepRefused, show_changed_meanwhile)
    app.register_error_handler(AccountChanged, show_changed_meanwhile)
    app.register_error_handler(IntegrityError, show_changed_meanwhile)
    app.register_error_handler(OperationalError, show_busy)
    app.register_error_handler(UnknownOpening, show_unknown_opening)
    app.register_error_handler(Exception, show_fault)


def show_http_error(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if error.response is not None or status < 400:
        return error
    page = make_response(error_page(status, *_words_for(status)))
    if "Allow" in dict(error.get_headers()):
        page.headers["Allow"] = dict(error.get_headers())["Allow"]
    if status == 429:
        page.headers["Retry-After"] = str(seconds_to_wait())
    return page


def show_stale_form(_error: CSRFError) -> ResponseReturnValue:
    return error_page(
        400,
        _("Please send this once more"),
        _("The page was open for too long, or cookies are off. Go back and reload."),
    )


def show_changed_meanwhile(_error: Exception) -> ResponseReturnValue:
    """The database or the state table refused: somebody else was faster."""
    db().rollback()
    return error_page(409, *_words_for(409))


def show_busy(error: OperationalError) -> ResponseReturnValue:
    """Others write, or the database is away for a moment: nothing is lost, and the same may be sent again."""
    if not is_busy(error):
        return show_fault(error)
    db().rollback()
    page = make_response(error_page(503, *_words_for(503)))
    page.headers["Retry-After"] = str(BUSY_SECONDS)
    return page


def show_unknown_opening(_error: Exception) -> ResponseReturnValue:
    return error_page(404, *_words_for(404))


def show_fault(error: Exception) -> ResponseReturnValue:
    from flask import current_app

    extra = {"fields": {"request_id": request_id()}}
    current_app.logger.exception("request failed: %s", request.endpoint, exc_info=error, extra=extra)
    return error_page(500, *_words_for(500))


def error_page(status: int, title: str, text: str) -> ResponseReturnValue:
    """A page for people, a problem document for API clients. What is refused holds nobody up who writes.

    Staff keep their frame, and a way back to their work.
    """
    if request.path.startswith("/api/"):
        return plain_problem(status)
    try:
        read_after_refusal()
        g.pop("_login_user", None)  # was read by the session that is given up
        home = own_first_page()
        words = _words_for_staff(status, text) if home else text
        return render_template("error.html", title=title, text=words, home=home), status
    except Exception:  # the page itself needs a database: without one plain words must do
        return f"<!doctype html><title>{title}</title><h1>{title}</h1><p>{text}</p>", status


def _words_for(status: int) -> tuple[str, str]:
    words = {
        403: (_("This is not open to you"), _("Log in with an account that may do this.")),
        404: (_("We cannot find this page"), _("Maybe the link is not complete. Start again, or type your code.")),
        405: (_("We cannot find this page"), _("Maybe the link is not complete. Start again, or type your code.")),
        409: (
            _("Somebody was faster"),
            _("This has changed in the meantime. Go back: the page shows how it stands now."),
        ),
        410: (_("This appointment is over"), _("The link no longer works. You can book a new time.")),
        413: (_("This is too long"), _("Go back and send less text.")),
        429: (_("Too many tries"), _say_wait()),
    }
    return words.get(
        status, (_("Something went wrong"), _("We are sorry. Please try again in a moment. Or call the office."))
    )


def _say_wait() -> str:
    return str(
        ngettext(
            "Please wait one minute. Then try again. Or call the office.",
            "Please wait %(num)s minutes. Then try again. Or call the office.",
            max(1, math.ceil((seconds_to_wait() - 1) / 60)),  # the limiter has added a second
        )
    )


def _words_for_staff(status: int, words: str) -> str:
    """Staff have no code to type, and are the office themselves."""
    if status in (404, 405):
        return str(_("Maybe it is over. Or it belongs to somebody else."))
    return str(_("We are sorry. Please try again in a moment.")) if status >= 500 else words
