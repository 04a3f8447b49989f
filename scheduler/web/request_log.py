"""One line for each request: route, how it went, how long it took, whose account. Neither its address nor the client's.

Left out are static files, and polls that found nothing new: metrics count them.
"""

from __future__ import annotations

import logging
import re
import secrets
import time

from flask import Flask, Response, g, request
from sqlalchemy import inspect

from scheduler.logs import REQUESTS
from scheduler.web.edge import settings

log = logging.getLogger(REQUESTS)
_PLAIN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


def set_up(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_end)


def request_id() -> str:
    """What the proxy calls this request, if it is trusted to; else a name of our own."""
    if "request_id" not in g:
        given = request.headers.get("X-Request-Id", "") if settings().trusted_proxies else ""
        g.request_id = given if _PLAIN_ID.fullmatch(given) else secrets.token_hex(8)
    return str(g.request_id)


def _begin() -> None:
    g.log_began = time.perf_counter()


def _end(response: Response) -> Response:
    if not _is_noise(response.status_code):
        level = logging.ERROR if response.status_code >= 500 else logging.INFO
        log.log(level, "request", extra={"fields": _fields(response)})
    return response


def _is_noise(status: int) -> bool:
    view = (request.endpoint or "").rpartition(".")[2]
    return (view == "static" and status < 400) or (view.startswith("poll_") and status == 304)


def _fields(response: Response) -> dict[str, object]:
    began = g.get("log_began")
    return {
        "request_id": request_id(),
        "method": request.method if request.method in _METHODS else "other",
        "endpoint": request.endpoint,
        "status": response.status_code,
        "ms": round((time.perf_counter() - began) * 1000, 1) if began else None,
        "account_id": _account_id(),
    }


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _account_id() -> int | None:
    """Of whoever is logged in, where the request has asked for that. Asks the database nothing."""
    account = getattr(g.get("_login_user"), "account", None)
    identity = inspect(account).identity if account is not None else None
    return int(identity[0]) if identity else None
