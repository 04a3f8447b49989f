"""A program that uses the API: what it asks, and how it reads a refusal."""

from __future__ import annotations

from typing import Any

from scheduler.domain.proofs import solve
from tests.actions.small_town import OFFICE, THURSDAY, WEDNESDAY
from tests.web.page import Page
from tests.web.visitor import Visitor

ON_WEDNESDAY = f"buergerbuero-mi/{WEDNESDAY}"
ON_THURSDAY = f"{OFFICE}/{THURSDAY}"
GOOD: dict[str, Any] = {
    "service": "MBE",
    "concern": "letter",
    "opening": ON_WEDNESDAY,
    "starts_at": "2026-11-25T09:30:00+01:00",
}
"""A booking that is accepted."""


def get(visitor: Visitor, address: str, **query: str) -> Page:
    """`from_` stands for "from"."""
    return visitor.open(f"/api/v1/{address}", query_string={name.rstrip("_"): value for name, value in query.items()})


def book(visitor: Visitor, key: str = "", **changes: Any) -> Page:
    """The good booking with these fields changed and a proof of work; `...` leaves one out."""
    asked = {**GOOD, "proof": proof_for(visitor) if "proof" not in changes else None, **changes}
    body = {name: value for name, value in asked.items() if value is not ...}
    headers = {"Idempotency-Key": key} if key else {}
    return visitor.open("/api/v1/bookings", method="POST", json=body, headers=headers)


def proof_for(visitor: Visitor) -> str:
    """A challenge, solved."""
    return solved(get(visitor, "challenges").json)


def solved(challenge: dict[str, Any]) -> str:
    return f"{challenge['token']}.{solve(challenge['salt'], challenge['hash'], challenge['numbers'])}"


def move(visitor: Visitor, token: str, **body: Any) -> Page:
    return visitor.open(f"/api/v1/bookings/{token}", method="PATCH", json=body)


def move_to(visitor: Visitor, token: str, clock: str) -> Page:
    """To another time of the session."""
    return move(visitor, token, opening=ON_WEDNESDAY, starts_at=f"{WEDNESDAY}T{clock}:00+01:00")


def cancel(visitor: Visitor, token: str) -> Page:
    return visitor.open(f"/api/v1/bookings/{token}", method="DELETE")


def refusal(answer: Page) -> tuple[int, str]:
    """Status and code of a problem document."""
    assert answer.headers["Content-Type"] == "application/problem+json", (answer.status, answer.html)
    assert {"type", "title", "status", "code", "detail"} <= set(answer.json)
    assert answer.json["status"] == answer.status
    assert answer.json["type"] == "about:blank"
    return answer.status, answer.json["code"]


def fields(answer: Page) -> list[str]:
    """The fields that a 422 names."""
    assert refusal(answer) == (422, "invalid_fields"), answer.html
    assert all(each["reason"] for each in answer.json["errors"])
    return sorted(each["field"] for each in answer.json["errors"])
