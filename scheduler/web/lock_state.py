"""Whether this browser's log-in is locked, by hand or because nobody used it. It stands in the signed cookie.

A request counts as use, unless it is a poll: a view whose name begins with `poll_`. A request that is on its way while
the screen is locked would write the cookie back as it was before: so the lock has a cookie of its own beside it, which
only locking, unlocking and logging in write. Either one locks.
"""

from __future__ import annotations

from datetime import timedelta

from flask import Flask, Response, g, request, session

from scheduler.web.edge import now, settings

LOG_IN_LASTS = timedelta(hours=12)
"""From its beginning, however much it is used: a working day with all its breaks."""
_LOCKED, _USED_AT, _BEGAN_AT = "locked", "used_at", "began_at"
_LOCK_COOKIE = "lock"
_WRITE_EVERY_SECONDS = 30


def set_up(app: Flask) -> None:
    app.after_request(_write_lock_cookie)


def begin() -> None:
    """Somebody has logged in."""
    for name in (_LOCKED, _USED_AT, _BEGAN_AT):
        session.pop(name, None)
    g.lock_cookie = None
    note_use()


def end() -> None:
    """Nobody is logged in any more; a request that crosses this brings nobody back, but to a locked screen."""
    for name in (_LOCKED, _USED_AT, _BEGAN_AT):
        session.pop(name, None)
    g.lock_cookie = "1"


def lock() -> None:
    session[_LOCKED] = True
    g.lock_cookie = "1"


def unlock() -> None:
    session.pop(_LOCKED, None)
    session.pop(_USED_AT, None)
    g.lock_cookie = None
    note_use()


def is_locked() -> bool:
    return _is_locked_by_hand() or (_locks_itself() and _seconds_since(_USED_AT) >= settings().lock_after_minutes * 60)


def is_over() -> bool:
    """A log-in ends twelve hours after its beginning: noting its use renews the cookie."""
    return _seconds_since(_BEGAN_AT) > LOG_IN_LASTS.total_seconds()


def note_use_by_request() -> None:
    if not (request.endpoint or "").rpartition(".")[2].startswith("poll_"):
        note_use()


def note_use() -> None:
    """Somebody is here. Written every half minute at most."""
    if _BEGAN_AT not in session:
        session[_BEGAN_AT] = _stamp()
    if _locks_itself() and (_USED_AT not in session or _seconds_since(_USED_AT) >= _WRITE_EVERY_SECONDS):
        session[_USED_AT] = _stamp()


def _is_locked_by_hand() -> bool:
    if "lock_cookie" in g:
        return g.lock_cookie is not None
    return _LOCKED in session or _LOCK_COOKIE in request.cookies


def _locks_itself() -> bool:
    return settings().lock_after_minutes > 0


def _seconds_since(name: str) -> int:
    return _stamp() - int(session.get(name, _stamp()))


def _stamp() -> int:
    return int(now().timestamp())


def _write_lock_cookie(response: Response) -> Response:
    if "lock_cookie" not in g:
        return response
    if g.lock_cookie is None:
        response.delete_cookie(_LOCK_COOKIE, secure=settings().secure, httponly=True, samesite="Lax")
    else:
        response.set_cookie(_LOCK_COOKIE, g.lock_cookie, secure=settings().secure, httponly=True, samesite="Lax")
    return response
