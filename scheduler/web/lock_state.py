"""Whether this browser's log-in is locked, by hand or because nobody used it. All of it stands in the signed cookie.

A request counts as use, unless it is a poll: a view whose name begins with `poll_`. Polls never write the cookie, so
one that is on its way cannot open what was locked meanwhile.
"""

from __future__ import annotations

from datetime import timedelta

from flask import current_app, request, session

from scheduler.web.edge import now, settings

_LOCKED, _USED_AT, _BEGAN_AT = "locked", "used_at", "began_at"
_WRITE_EVERY_SECONDS = 30


def begin() -> None:
    """Somebody has logged in."""
    end()
    note_use()


def end() -> None:
    for name in (_LOCKED, _USED_AT, _BEGAN_AT):
        session.pop(name, None)


def lock() -> None:
    session[_LOCKED] = True


def unlock() -> None:
    session.pop(_LOCKED, None)
    session.pop(_USED_AT, None)
    note_use()


def is_locked() -> bool:
    return _LOCKED in session or (_locks_itself() and _seconds_since(_USED_AT) >= settings().lock_after_minutes * 60)


def is_over() -> bool:
    """A log-in ends as long after its beginning as the cookie lasts; noting its use renews the cookie."""
    lifetime: timedelta = current_app.permanent_session_lifetime
    return _seconds_since(_BEGAN_AT) > lifetime.total_seconds()


def note_use_by_request() -> None:
    if not (request.endpoint or "").rpartition(".")[2].startswith("poll_"):
        note_use()


def note_use() -> None:
    """Somebody is here. Written every half minute at most."""
    if not _locks_itself():
        return
    session.setdefault(_BEGAN_AT, _stamp())
    if _USED_AT not in session or _seconds_since(_USED_AT) >= _WRITE_EVERY_SECONDS:
        session[_USED_AT] = _stamp()


def _locks_itself() -> bool:
    return settings().lock_after_minutes > 0


def _seconds_since(name: str) -> int:
    return _stamp() - int(session.get(name, _stamp()))


def _stamp() -> int:
    return int(now().timestamp())
