"""Every refusal of the API is a problem document with a code, whatever went wrong, and tells nothing else."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, OperationalError

import scheduler.db
from scheduler.db import Database
from scheduler.models import Hours, Visit
from scheduler.web.problems import KINDS
from tests.web.api.program import GOOD, book, get, move_to, proof_for, refusal
from tests.web.conftest import MakeApp
from tests.web.live_town import LiveTown
from tests.web.visitor import Visitor

DOCUMENT = Path(__file__).parents[3] / "docs" / "api.md"


def send(visitor: Visitor, text: str, kind: str = "application/json", method: str = "POST", token: str = "") -> Any:
    address = f"/api/v1/bookings/{token}" if token else "/api/v1/bookings"
    return visitor.open(address, method=method, data=text.encode(), content_type=kind)


NO_JSON = ["", "{", '{"a":', "\x00", "[" * 60_000, '{"\\ud800": 1}', '{"service": "\\ud800"}', "service=MBE"]
NO_OBJECT = ["null", "[]", "7", '"x"']


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_body_that_is_no_json_is_400_and_no_object_422(visitor: Visitor, town: LiveTown, method: str) -> None:
    token = town.token(town.book("10:00")) if method == "PATCH" else ""
    before = town.dump()
    for text in NO_JSON:
        assert refusal(send(visitor, text, method=method, token=token)) == (400, "bad_json"), text[:30]
    for text in NO_OBJECT:
        assert refusal(send(visitor, text, method=method, token=token)) == (422, "invalid_fields"), text
    for number in ("NaN", "Infinity", "1e400", "9" * 5000):
        assert send(visitor, f'{{"people": {number}}}', method=method, token=token).status in (400, 422), number[:9]
    assert town.dump() == before


@pytest.mark.parametrize(
    "kind",
    ["", "text/plain", "text/plain;application/json", "application/x-www-form-urlencoded", "multipart/form-data"],
)
def test_a_body_of_another_type_is_415(visitor: Visitor, town: LiveTown, kind: str) -> None:
    """These are the types that a page of any site can send without being asked for leave."""
    visit_id = town.book("10:00")
    before = town.dump()
    text = '{"place": "buergerbuero", "starts_at": "2026-11-25T09:30:00+01:00"}'
    assert refusal(send(visitor, text, kind)) == (415, "not_json")
    assert refusal(send(visitor, text, kind, "PATCH", town.token(visit_id))) == (415, "not_json")
    assert town.dump() == before


def test_json_by_another_name_is_json(visitor: Visitor, town: LiveTown) -> None:
    text = f'{{"place": "buergerbuero", "starts_at": "2026-11-25T09:30:00+01:00", "proof": "{proof_for(visitor)}"}}'
    assert send(visitor, text, "application/json; charset=utf-8").status == 201


def test_a_body_that_is_too_long_is_413(visitor: Visitor, town: LiveTown) -> None:
    assert refusal(send(visitor, '{"service": "' + "x" * 70_000 + '"}')) == (413, "too_long")
    token = town.token(town.book("10:00"))
    assert refusal(send(visitor, " " * 70_000, method="PATCH", token=token)) == (413, "too_long")


@pytest.mark.parametrize("address", ["", "nothing", "slots/", "bookings/a/b", "openings/x", "openings/x/queue"])
def test_an_unknown_address_is_404(visitor: Visitor, address: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        assert refusal(visitor.open(f"/api/v1/{address}", method=method)) == (404, "unknown_address")


def test_another_version_is_404_too(visitor: Visitor) -> None:
    assert refusal(visitor.open("/api/v2/slots")) == (404, "unknown_address")


@pytest.mark.parametrize(
    ("address", "method", "allowed"),
    [
        ("slots", "POST", {"GET", "HEAD", "OPTIONS"}),
        ("openings", "DELETE", {"GET", "HEAD", "OPTIONS"}),
        ("openings/buergerbuero-mi/2026-11-25/queue", "PUT", {"GET", "HEAD", "OPTIONS"}),
        ("bookings", "GET", {"POST", "OPTIONS"}),
        ("bookings/x", "PUT", {"GET", "HEAD", "OPTIONS", "PATCH", "DELETE"}),
        ("bookings/x", "POST", {"GET", "HEAD", "OPTIONS", "PATCH", "DELETE"}),
    ],
)
def test_a_wrong_method_is_405_and_names_the_right_ones(
    visitor: Visitor, address: str, method: str, allowed: set[str]
) -> None:
    answer = visitor.open(f"/api/v1/{address}", method=method)
    assert refusal(answer) == (405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == allowed


def test_a_fault_is_500_and_tells_nothing(visitor: Visitor, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("the secret reason")

    monkeypatch.setitem(app.view_functions, "api.list_slots", fail)
    answer = get(visitor, "slots")
    assert refusal(answer) == (500, "fault")
    assert "secret" not in answer.html


def test_a_fault_of_the_database_is_500_and_tells_nothing(
    make_own_app: MakeApp, town: LiveTown, tmp_path: Path
) -> None:
    app = make_own_app()
    app.extensions["database"].engine.dispose()
    app.extensions["database"] = Database(f"sqlite:///{tmp_path / 'no-tables.db'}")
    answer = get(Visitor(app), "slots")
    assert refusal(answer) == (500, "fault")
    assert "table" not in answer.html


def test_a_clash_in_the_database_is_409(visitor: Visitor, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def clash() -> None:
        raise IntegrityError("INSERT", {}, Exception("some constraint"))

    monkeypatch.setitem(app.view_functions, "api.make_booking", clash)
    answer = book(visitor)
    assert refusal(answer) == (409, "changed")
    assert "constraint" not in answer.html


@pytest.fixture
def impatient(app: Flask, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The application waits for another writer for an instant only."""
    monkeypatch.setattr(scheduler.db, "BUSY_SECONDS", 0.05)
    waits = "" if database_url.startswith("sqlite") else "&options=-c%20lock_timeout%3D50"
    url = database_url + waits if "?" in database_url else database_url + waits.replace("&", "?")
    app.extensions["database"] = Database(url)
    yield
    app.extensions["database"].engine.dispose()


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_locked_database_is_503(
    visitor: Visitor, town: LiveTown, database: Database, impatient: None, method: str
) -> None:
    visit_id = town.book("10:00")
    token = town.token(visit_id)
    with database.writing() as other:
        other.execute(select(Hours).with_for_update())
        other.get_one(Visit, visit_id).opening.version += 1
        other.flush()
        if method == "POST":
            answer = book(visitor)
        elif method == "PATCH":
            answer = move_to(visitor, token, "11:00")
        else:
            answer = visitor.open(f"/api/v1/bookings/{token}", method="DELETE")
        other.rollback()
    assert refusal(answer) == (503, "busy")
    assert int(answer.headers["Retry-After"]) > 0
    assert book(visitor).status == 201, "afterwards all is well"


def test_a_database_that_is_not_there_is_503(visitor: Visitor, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OperationalError("SELECT", {}, Exception("connection refused by secret-host"))

    monkeypatch.setitem(app.view_functions, "api.list_slots", fail)
    answer = get(visitor, "slots")
    assert refusal(answer) == (503, "busy")
    assert "secret-host" not in answer.html


@pytest.fixture
def two_tries(app: Flask) -> None:
    app.extensions["settings"] = replace(app.extensions["settings"], code_limit="2 per minute")


@pytest.mark.parametrize("methods", [["GET"] * 3, ["PATCH"] * 3, ["DELETE"] * 3, ["GET", "DELETE", "PATCH"]])
def test_unknown_tokens_are_throttled_whatever_the_method(
    visitor: Visitor, town: LiveTown, two_tries: None, methods: list[str]
) -> None:
    token = town.token(town.book("10:00"))
    tries = [visitor.open(f"/api/v1/bookings/{token}x", method=method, json=GOOD) for method in methods]
    assert [each.status for each in tries] == [404, 404, 429]
    assert refusal(tries[-1]) == (429, "too_many_requests")
    assert 0 < int(tries[-1].headers["Retry-After"]) <= 61
    assert refusal(get(visitor, f"bookings/{token}")) == (429, "too_many_requests"), "also the right one"


def test_after_the_wait_that_was_named_it_goes_on(
    visitor: Visitor, town: LiveTown, two_tries: None, clock: Any
) -> None:
    token = town.token(town.book("10:00"))
    tries = [get(visitor, f"bookings/{token}x") for _ in range(3)]
    clock.shift(int(tries[-1].headers["Retry-After"]))
    assert get(visitor, f"bookings/{token}").status == 200


def test_right_tokens_and_taken_times_are_not_counted(visitor: Visitor, town: LiveTown, two_tries: None) -> None:
    """A partner's server books for many clients from one address."""
    token = town.token(town.book("10:00"))
    assert [get(visitor, f"bookings/{token}").status for _ in range(4)] == [200] * 4
    assert [move_to(visitor, token, "08:00").status for _ in range(4)] == [409] * 4
    assert [book(visitor, starts_at="2026-11-25T10:00:00+01:00").status for _ in range(4)] == [409] * 4


def test_a_page_too_says_how_long_to_wait(visitor: Visitor, two_tries: None) -> None:
    pages = [visitor.press(visitor.open("/code"), "/code", code="482 917 305") for _ in range(3)]
    assert [each.status for each in pages] == [404, 404, 429]
    assert 0 < int(pages[-1].headers["Retry-After"]) <= 61


def test_every_kind_is_described() -> None:
    described = re.findall(r"^\| (\d{3}) \| `([a-z_]+)` \|", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    assert {code: int(status) for status, code in described} == {code: kind.status for code, kind in KINDS.items()}
