"""A browser that has logged in before is known by a signed cookie: strangers who hammer a name do not delay it there.

The cookie opens nothing. It holds a random id of the browser, and hashes of the names that have logged in with it.
"""

from __future__ import annotations

import secrets

from flask import Response, after_this_request, request
from itsdangerous import BadData, URLSafeTimedSerializer

from scheduler.actions.staff import normal_login
from scheduler.domain.codes import keyed_hash
from scheduler.web.edge import settings

COOKIE = "known_browser"
MOST_NAMES = 40
"""More colleagues do not share a computer; of more, those who logged in last are known."""
_YEAR_SECONDS = 365 * 24 * 3600
_HASH_LETTERS = 20


def id_for(login: str) -> str:
    """The id of this browser, if this name has logged in with it before; else nothing."""
    browser, names = _read()
    return browser if _hash(login) in names else ""


def own_id() -> str:
    """The id of this browser, if anybody has logged in with it; else nothing."""
    return _read()[0]


def remember(login: str) -> None:
    """This name has proved itself in this browser: the answer to this request says so to it."""
    browser, names = _read()
    mine = _hash(login)
    kept = [mine, *(each for each in names if each != mine)][:MOST_NAMES]
    value = _serializer().dumps([browser or secrets.token_urlsafe(12), kept])

    @after_this_request
    def put(response: Response) -> Response:
        secure = settings().secure
        response.set_cookie(COOKIE, value, max_age=_YEAR_SECONDS, httponly=True, samesite="Lax", secure=secure)
        return response


def _read() -> tuple[str, list[str]]:
    try:
        browser, names = _serializer().loads(request.cookies.get(COOKIE, ""), max_age=_YEAR_SECONDS)
    except BadData:
        return "", []
    return browser, names


def _hash(login: str) -> str:
    return keyed_hash(settings().secret_key, "known-browser", normal_login(login))[:_HASH_LETTERS]


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings().secret_key, salt="known-browser")
