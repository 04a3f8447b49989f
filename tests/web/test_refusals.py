"""What is refused waits for nobody who writes, and holds nobody up."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from scheduler.models import Town
from tests.web.live_town import LiveTown
from tests.web.test_book import slot
from tests.web.visitor import Visitor

REFUSED: dict[str, tuple[str, dict[str, Any], int]] = {
    "no proof": ("/book", {"data": {"slot": slot("09:30"), "age": "from_27"}}, 303),
    "no proof, by a program": (
        "/api/v1/bookings",
        {"json": {"place": "buergerbuero", "starts_at": "2026-11-25T09:30:00+01:00"}},
        428,
    ),
    "no token of a form": ("/code", {"data": {"code": "482 917 305"}}, 400),
    "no such page": ("/nowhere", {}, 404),
    "no such page for programs": ("/api/v1/nowhere", {"json": {}}, 404),
    "no such method": ("/places", {}, 405),
    "too long": ("/code", {"data": "code=" + "9" * 70_000}, 413),
    "not JSON": ("/api/v1/bookings", {"data": "{", "content_type": "application/json"}, 400),
    "not logged in": ("/desk/visits", {}, 400),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_needs_no_lock(visitor: Visitor, town: LiveTown, name: str) -> None:
    address, sent, status = REFUSED[name]
    with town.database.writing() as session:
        session.execute(update(Town).values(name=Town.name))  # on SQLite nobody else can write from now on
        answer = visitor.open(address, method="POST", **sent)
        session.rollback()
    assert answer.status == status, answer.text
