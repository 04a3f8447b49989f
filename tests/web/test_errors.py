"""No address and no form, however mangled, gives a fault; and a fault itself tells nothing."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from werkzeug.routing import Rule

from scheduler.web.edge import db
from scheduler.web.limits import limiter
from tests.web.addresses import Rows, all_addresses, make_rows, staff
from tests.web.conftest import MakeApp
from tests.web.live_town import LiveTown
from tests.web.visitor import Visitor

MANGLED = [
    "0",
    "-1",
    "9" * 9,
    "9" * 17,
    "9" * 30,
    "9" * 400,
    "%00",
    "é",
    "%FF",
    "%F0%9F%98%80",
    "%2e%2e",
    "a" * 3000,
    "1-é",
]
QUERIES = ["locale", "opening", "given", "message", "next", "days", "new", "age", "concern", "place", "adviser", "from"]
VALUES = ["\x00", "9" * 5000, "9" * 17, "a/b/c<script>alert(1)</script>"]


@pytest.fixture
def rows(town: LiveTown, open_day: None) -> Rows:
    return make_rows(town)


def mangled(rule: Rule) -> list[str]:
    """The rule's address with each parameter mangled."""
    found = []
    for value in MANGLED:
        address = rule.rule
        for name in rule.arguments:
            for kind in ("", "id:", "path:"):
                address = address.replace(f"<{kind}{name}>", value)
        found.append(address)
    return found


def test_no_mangled_address_is_a_fault(app: Flask, town: LiveTown, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limiter, "enabled", False)  # so many unknown links are not answered any more
    visitor = staff(app, town)
    statuses: dict[tuple[str, str], int] = {}
    for rule in app.url_map.iter_rules():
        if rule.arguments and "GET" in rule.methods:
            for address in mangled(rule):
                statuses[rule.endpoint, address[-30:]] = visitor.open(address).status
    assert {each: status for each, status in statuses.items() if status not in (303, 400, 404)} == {}


def test_no_mangled_address_that_is_sent_to_is_a_fault(app: Flask, town: LiveTown, rows: Rows) -> None:
    visitor = staff(app, town)
    page, before = visitor.open("/code"), town.dump()
    statuses: dict[tuple[str, str], int] = {}
    for rule in app.url_map.iter_rules():
        if rule.arguments and "POST" in rule.methods:
            for address in mangled(rule):
                statuses[rule.endpoint, address[-30:]] = visitor.post(address, page).status
    assert {each: status for each, status in statuses.items() if status not in (303, 400, 404, 405)} == {}
    assert town.dump() == before


def test_no_query_is_a_fault(app: Flask, town: LiveTown, rows: Rows) -> None:
    visitor = staff(app, town)
    faults = set()
    for endpoint, address in all_addresses(app, town, rows).items():
        for value in VALUES:
            page = visitor.open(address, query_string=dict.fromkeys(QUERIES, value))
            if page.status >= 500:
                faults.add((endpoint, value[:20]))
            assert "<script>alert" not in page.html, endpoint
    assert faults == set()


LOG_OUT = ("login.do_logout", "lock.do_take_over")


def test_no_form_sent_bare_is_a_fault(app: Flask, town: LiveTown, rows: Rows) -> None:
    """Every address that takes a form, with real ids and with nothing or rubbish in it."""
    visitor = staff(app, town)
    known: dict[str, Any] = {"visit_id": rows.waiting, "consultation_id": rows.consultation, "feed_id": 1}
    known |= {"token": town.token(rows.booked), "absence_id": 1, "message_id": 1, "calendar_id": 1, "account_id": 1}
    known |= {"hours_key": "buergerbuero-mi", "original_on": "2026-11-25"}
    with app.test_request_context():
        addresses = [
            (rule.endpoint, rule.build(known, append_unknown=False)[1])
            for rule in app.url_map.iter_rules()
            if "POST" in rule.methods and rule.endpoint not in LOG_OUT and not rule.endpoint.startswith("api.")
        ]
    names = ["quick", "from_on", "from_time", "until_on", "until_time", "kind", "from", "until", "reason", "visit-1"]
    names += ["slot", "email", "phone", "code", "people", "station", "topics", "opening", "login", "key", "level"]
    names += ["address", "List-Unsubscribe"]
    statuses = {}
    for endpoint, address in addresses:
        for value in ("", "\x00", "9" * 5000, "é" * 2000):
            sent = dict.fromkeys(names, value)
            statuses[endpoint, value[:10]] = visitor.post(address, visitor.open("/code"), **sent).status
    assert {each for each, status in statuses.items() if status >= 500} == set()


def test_an_unknown_page_says_where_to_go(visitor: Visitor) -> None:
    for address in ("/nowhere", "/visits", "/visits/", "/desk/nowhere", "/static/nowhere.css", "/board", "/feeds/x"):
        page = visitor.open(address)
        assert page.status == 404
        assert "We cannot find this page" in page.text
        assert {"/", "/code"} <= set(page.links)


def test_a_form_that_is_too_long_is_said_in_words(visitor: Visitor) -> None:
    page = visitor.post("/code", code="9" * 70_000)
    assert page.status == 413
    assert "This is too long" in page.text


def test_a_wrong_method_names_the_right_ones(visitor: Visitor) -> None:
    page = visitor.open("/logout")
    assert page.status == 405
    assert "POST" in page.headers["Allow"]


def test_a_fault_is_a_page_that_tells_nothing_about_it(
    app: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise RuntimeError("the secret reason")

    monkeypatch.setitem(app.view_functions, "visits.show_code", fail)
    page = visitor.open("/code")
    assert page.status == 500
    assert "Something went wrong" in page.text
    assert "secret reason" not in page.html
    assert "/" in page.links


def test_without_a_database_an_error_page_still_stands(make_own_app: MakeApp, town: LiveTown, tmp_path: Any) -> None:
    (tmp_path / "empty").mkdir()
    app = make_own_app()
    app.extensions["database"].engine.dispose()
    app.extensions["database"] = type(app.extensions["database"])(f"sqlite:///{tmp_path / 'empty' / 'no-tables.db'}")
    page = Visitor(app).open("/")
    assert page.status == 500
    assert "Something went wrong" in page.text


def test_a_database_that_is_busy_says_so_and_asks_to_try_again(
    app: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OperationalError("SELECT", {}, Exception("deadlock detected"))

    monkeypatch.setitem(app.view_functions, "places.show_places", fail)
    page = visitor.open("/places")
    assert (page.status, page.headers["Retry-After"]) == (503, "5")
    assert "deadlock" not in page.html and page.root.one("h1").text


def test_staff_are_led_back_to_their_work(app: Flask, town: LiveTown, rows: Rows) -> None:
    desk = Visitor(app).log_in_as(town.account(desk="buergerbuero"))
    coordinator = Visitor(app).log_in_as(town.account(carrier="awo"))
    faster = desk.post(f"/desk/visits/{rows.waiting}/return", desk.open("/desk"))
    seen = [(desk.open("/desk/nowhere"), 404, "/desk"), (coordinator.open("/manage/trail"), 403, "/manage")]
    for page, status, first in [*seen, (faster, 409, "/desk")]:
        assert page.status == status
        assert page.root.one("main").one("a").attrs["href"] == first
        assert "code" not in page.root.one("main").text


def test_behind_a_lock_an_error_says_nothing_of_whose_screen_it_is(app: Flask, town: LiveTown, rows: Rows) -> None:
    desk = Visitor(app).log_in_as(town.account(desk="buergerbuero"))
    desk.press(desk.open("/desk"), "/lock")
    page = desk.open("/nowhere")
    assert {"/", "/code"} <= set(page.links)
    assert "Account" not in page.text


def test_a_fault_of_the_database_leaves_staff_a_whole_page(
    app: Flask, town: LiveTown, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the database refuses everything more within the same transaction."""

    def fail() -> None:
        db().execute(text("SELECT 1 FROM nowhere"))

    desk = Visitor(app).log_in_as(town.account(desk="buergerbuero"))
    opened = desk.open("/desk")
    for endpoint in ("desk.show_desk", "desk.do_register"):
        monkeypatch.setitem(app.view_functions, endpoint, fail)
    for page in (desk.open("/desk"), desk.post("/desk/visits", opened)):
        assert page.status >= 500
        assert page.root.one("main").one("a").attrs["href"] == "/desk"
