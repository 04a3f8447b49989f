"""Problem documents (RFC 9457): how the API says that something did not work.

In English alone: those who write programs read them, not clients.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, NamedTuple

from flask import Response


class Kind(NamedTuple):
    status: int
    detail: str


KINDS: dict[str, Kind] = {
    "bad_request": Kind(400, "The request cannot be understood."),
    "bad_json": Kind(400, "The body is not JSON."),
    "bad_idempotency_key": Kind(400, "An Idempotency-Key has 16 to 200 visible ASCII characters, best random ones."),
    "unknown_address": Kind(404, "There is nothing at this address."),
    "unknown_booking": Kind(404, "No booking has this token, or the token was revoked."),
    "unknown_opening": Kind(404, "There is no such opening, or it does not take place."),
    "method_not_allowed": Kind(405, "This address does not take this method. `Allow` names those that it takes."),
    "taken": Kind(409, "This time is taken, or never was free. `alternatives` holds the nearest free ones."),
    "changed": Kind(409, "Somebody else changed this at the same moment. Send the request again."),
    "booking_over": Kind(410, "The day of this booking is over."),
    "booking_closed": Kind(410, "This booking can no longer be changed: `state` says how it stands."),
    "opening_over": Kind(410, "The day of this opening is over."),
    "too_long": Kind(413, "The body is too long."),
    "contact_limit": Kind(409, "This e-mail address or phone number has `limit` appointments to come already."),
    "contact_overlap": Kind(409, "This e-mail address or phone number has another appointment at that time."),
    "not_json": Kind(415, "Send the body with the content type application/json."),
    "invalid_fields": Kind(422, "Some fields cannot be used. `errors` says which, and why."),
    "key_reused": Kind(422, "This Idempotency-Key came before, with another request. Take a new one for each booking."),
    "proof_needed": Kind(428, "Solve `challenge` and send the booking again with `proof`: token, full stop, number."),
    "too_many_requests": Kind(
        429, "Too many wrong tokens or bookings from this address. `Retry-After` says for how many seconds."
    ),
    "fault": Kind(500, "This is a fault of ours. It was noted."),
    "busy": Kind(503, "The database is busy. Send the request again after `Retry-After` seconds."),
}
"""By `code`, which a program may rely on; the words may change."""

_BY_STATUS = {
    404: "unknown_address",
    405: "method_not_allowed",
    409: "changed",
    413: "too_long",
    429: "too_many_requests",
}


class Problem(Exception):
    """A request of the API that is answered with this problem. `members`: what this kind adds, such as `errors`."""

    def __init__(self, code: str, **members: Any) -> None:
        super().__init__(code)
        self.code = code
        self.members = members


def problem(code: str, *, status: int | None = None, **members: Any) -> Response:
    """One problem document. `status`: another one than this kind usually has."""
    kind = KINDS[code]
    status = status or kind.status
    # "about:blank" means: no more than the status says, whose phrase is the title. Our own word is `code`.
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": kind.detail,
        **members,
    }
    return Response(json.dumps(document, ensure_ascii=False), status=status, content_type="application/problem+json")


def plain_problem(status: int) -> Response:
    """The problem that a bare HTTP error is: an unknown address, a wrong method, a fault."""
    usual = "bad_request" if status < 500 else "fault"
    return problem(_BY_STATUS.get(status, usual), status=status)
