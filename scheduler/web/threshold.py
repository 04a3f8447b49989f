"""Under pressure, bookings without a proof are refused at the threshold: before Flask begins with a request.

They hear the same as from `proofs.py`, for a third of the work; that leaves the desk its time. In calm times nothing
happens here. What is refused here has no line in the log: nobody reads ten thousand.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from flask import Flask, Response, g

from scheduler.web import metrics, pressure, proofs
from scheduler.web.problems import problem

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

FORM, PROGRAM = "/book", "/api/v1/bookings"
MOST_BYTES = 8 * 1024
"""A booking is shorter. What is longer goes the usual way, where it is refused in words."""
MOST_FIELDS = 40


class Threshold:
    """The application with somebody at its door."""

    def __init__(self, app: Flask, headers: Mapping[str, str]) -> None:
        self.app, self.headers, self.inner = app, headers, app.wsgi_app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "POST" and environ.get("PATH_INFO") in _REFUSE:
            with self.app.app_context():
                g.house = pressure.house_of(environ.get("REMOTE_ADDR", ""))
                refusal = _refuse(environ) if pressure.is_pressed() else None
            if refusal is not None:
                refusal.headers.extend(self.headers)
                refusal.headers["Cache-Control"] = "no-store"
                return refusal(environ, start_response)
        inner: WSGIApplication = self.inner
        return inner(environ, start_response)


def _refuse(environ: WSGIEnvironment) -> Response | None:
    """The answer to whoever shows no proof; None: they do, or it is not for the threshold to say."""
    length = environ.get("CONTENT_LENGTH") or ""
    if not length.isdigit() or int(length) > MOST_BYTES:
        return None
    body = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = BytesIO(body)  # whoever is let in sends it once more
    refusal = _REFUSE[environ["PATH_INFO"]](environ, body)
    if refusal is not None:
        pressure.note_attempt()
        if pressure.is_refused():
            return None  # said in words, and counted once more
        metrics.count("threshold_refused")
    return refusal


def _refuse_form(environ: WSGIEnvironment, body: bytes) -> Response | None:
    given = _fields(body)
    if not given.get("slot") or proofs.is_good(given.get("proof", ""), "") or proofs.has_waited(given):
        return None
    address = f"{environ.get('SCRIPT_NAME', '')}/book/waiting"
    return Response(status=303, headers={"Location": proofs.waiting_address(address, given)})


def _refuse_program(environ: WSGIEnvironment, body: bytes) -> Response | None:
    given = _object(body) if environ.get("CONTENT_TYPE", "").startswith("application/json") else None
    proof = given.get("proof") if given else None
    if given is None or "starts_at" not in given or (isinstance(proof, str) and proofs.is_good(proof, "")):
        return None
    return problem("proof_needed", challenge=proofs.describe_challenge())


def _fields(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode("ascii"), max_num_fields=MOST_FIELDS))
    except ValueError:
        return {}


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


_REFUSE: dict[str, Callable[[WSGIEnvironment, bytes], Response | None]] = {FORM: _refuse_form, PROGRAM: _refuse_program}
