"""Lets the trail follow every request of a member of staff, so that no route can forget it; see `actions/audit.py`.

Log-in and log-out change no row: they are noted by themselves, whichever page they come from.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, current_app, g, request, session
from flask_login import current_user, user_logged_in, user_logged_out

from scheduler.actions.audit import Trail, follow, note, only_ids
from scheduler.web.edge import db, now
from scheduler.web.login import locked_account

LOGGED_IN, LOGGED_OUT = "log_in", "log_out"
CHOSE_BY_LINK = "account_links.do_choose_password"
WRONG_PINS, OPENED_BY_PASSWORD = "lock.wrong_pins", "lock.opened_by_password"  # names of actions


def set_up(app: Flask) -> None:
    app.before_request(_follow)
    app.after_request(_write_notes)
    user_logged_in.connect(_note_log_in, app)
    user_logged_out.connect(_note_log_out, app)


def note_soon(account_id: int, action: str) -> None:
    """A line for what this request does beside its change; written once its answer stands."""
    g.setdefault("trail_notes", []).append((account_id, action))


def _follow() -> None:
    if request.method in ("GET", "HEAD", "OPTIONS") or request.blueprint == "api" or "_user_id" not in session:
        return  # the API reads no cookie: whoever asks there is nobody
    if not current_user.is_authenticated:
        locked = locked_account()
        g.trail_account_id = locked.id if locked else None
        return
    account_id = g.trail_account_id = current_user.account.id
    g.trail = Trail(account_id, request.endpoint or "", only_ids(request.view_args or {}), now())
    follow(db(), g.trail)


def _note_log_in(_app: Flask, user: Any) -> None:
    note_soon(user.account.id, LOGGED_IN)


def _note_log_out(_app: Flask, **_user: Any) -> None:
    account_id = g.get("trail_account_id")
    if account_id is not None:
        note_soon(account_id, LOGGED_OUT)


def _write_notes(response: Response) -> Response:
    notes = g.pop("trail_notes", [])
    if not notes or ("trail" in g and g.trail.is_written):  # whoever chose a new password is logged in anew by that
        return response
    try:
        db().rollback()  # what was not committed was not meant to be
        if "trail" in g:
            g.trail.is_written = True  # by what follows
        for account_id, action in notes:
            note(db(), account_id, action, now())
        db().commit()
    except Exception:  # the answer stands; that it could not be noted is for whoever looks after the server
        current_app.logger.exception("a line is missing in the trail")
    return response
