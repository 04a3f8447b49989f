"""The log of requests: one line each, with route and id, and never an address, a token, a code or a contact."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from scheduler import logs
from scheduler.logs import make_formatter
from tests.web.addresses import all_addresses, make_rows, staff
from tests.web.live_town import LiveTown
from tests.web.visitor import Visitor

Lines = Callable[[], list[dict[str, Any]]]


class Kept(logging.Handler):
    """Keeps what would be written, as text and as JSON."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text, self.json = [], []
        self.formatters = (make_formatter("text"), make_formatter("json"))

    text: list[str]
    json: list[str]

    def emit(self, record: logging.LogRecord) -> None:
        record.exc_text = None
        self.text.append(self.formatters[0].format(record))
        record.exc_text = None
        self.json.append(self.formatters[1].format(record))


@pytest.fixture
def kept() -> Iterator[Kept]:
    """All that is logged anywhere, at the levels that an installation has."""
    handler, root = Kept(), logging.getLogger()
    levels = {name: logging.getLogger(name).level for name in ("", "scheduler", "jobs", logs.REQUESTS, "werkzeug")}
    before = root.handlers[:]
    logs.set_up("text")
    root.handlers = [*before, handler]
    yield handler
    root.handlers = before
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def lines(kept: Kept) -> Lines:
    return lambda: [found for each in kept.json if (found := json.loads(each))["logger"] == logs.REQUESTS]


def test_a_request_is_one_line(desk: Visitor, kept: Kept, lines: Lines) -> None:
    desk.open("/desk?opening=some-secret")
    (line,) = lines()
    assert {"time", "level", "logger", "message", "request_id", "ms", "account_id"} <= set(line)
    assert (line["method"], line["endpoint"], line["status"], line["level"]) == ("GET", "desk.show_desk", 200, "INFO")
    assert isinstance(line["account_id"], int) and line["ms"] > 0
    (text,) = kept.text
    assert "INFO request request_id=" in text and "endpoint=desk.show_desk status=200" in text


def test_a_client_has_no_account_and_no_address_in_it(visitor: Visitor, kept: Kept, lines: Lines) -> None:
    visitor.open("/", environ_overrides={"REMOTE_ADDR": "203.0.113.77"}, headers={"User-Agent": "Phone 7"})
    assert "account_id" not in lines()[0]
    assert "203.0.113.77" not in kept.text[0] and "Phone 7" not in kept.text[0]


def test_static_files_and_polls_without_news_are_left_to_the_metrics(
    desk: Visitor, town: LiveTown, lines: Lines
) -> None:
    desk.open("/static/css/base.css")
    first = desk.open("/board/buergerbuero/now")
    again = desk.open("/board/buergerbuero/now", headers={"If-None-Match": first.headers.get("ETag", "")})
    assert [each["endpoint"] for each in lines()] == ["board.poll_board"] * (1 + (again.status != 304))
    assert again.status == 304
    desk.open("/static/css/nothing.css")
    assert lines()[-1]["status"] == 404


def test_a_path_that_leads_nowhere_is_not_repeated(visitor: Visitor, kept: Kept, lines: Lines) -> None:
    visitor.open("/nowhere/482917305", method="GET")
    visitor.open("/nowhere", method="482917305")
    assert [each.get("endpoint") for each in lines()] == [None, None]
    assert lines()[1]["method"] == "other"
    assert "482917305" not in "".join(kept.text + kept.json)


@pytest.mark.parametrize(
    ("given", "proxies", "taken"),
    [
        ("proxy-4711", 1, True),
        ("proxy-4711", 0, False),
        ("short", 1, False),
        ("a" * 65, 1, False),
        ("a b;{}c" * 3, 1, False),
    ],
)
def test_only_a_trusted_proxy_names_a_request(
    app: Flask, visitor: Visitor, lines: Lines, given: str, proxies: int, taken: bool
) -> None:
    app.extensions["settings"] = replace(app.extensions["settings"], trusted_proxies=proxies)
    visitor.open("/", headers={"X-Request-Id": given})
    assert (lines()[0]["request_id"] == given) is taken
    visitor.open("/")
    assert lines()[0]["request_id"] != lines()[1]["request_id"]


def test_a_fault_has_its_traceback_without_its_words(
    visitor: Visitor, kept: Kept, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, address = "482 917 305", "ada@example.org"  # no literal where it is raised: lines of code are shown

    def fall_over(*_: object, **__: object) -> None:
        try:
            raise KeyError(code)
        except KeyError as error:
            raise RuntimeError(address) from error

    monkeypatch.setattr("scheduler.web.start.render_template", fall_over)
    visitor.open("/")
    fault = next(json.loads(each) for each in kept.json if "error" in json.loads(each))
    assert "RuntimeError" in fault["error"] and "KeyError" in fault["error"] and "start.py" in fault["error"]
    assert fault["request_id"] == lines()[0]["request_id"] and lines()[0]["level"] == "ERROR"
    everything = "".join(kept.text + kept.json)
    assert address not in everything and code not in everything


def test_a_log_of_all_routes_holds_no_token_code_or_contact(
    app: Flask, town: LiveTown, open_day: None, kept: Kept, lines: Lines
) -> None:
    rows, visitor = make_rows(town), staff(app, town)
    code = str(town.visit(rows.booked).code)
    secrets = [
        town.token(rows.booked), town.token(rows.waiting), rows.feed_token, town.contact_token(rows.booked),
        code, "ada@example.org", "0151 2345678", "a long password", "482917305", "10.11.12.13",
    ]  # fmt: skip
    addresses = all_addresses(app, town, rows)
    for address in addresses.values():
        visitor.open(address, environ_overrides={"REMOTE_ADDR": "10.11.12.13"})
    page = visitor.open("/code")
    sent = {"code": "482917305", "email": "ada@example.org", "phone": "0151 2345678", "password": "a long password"}
    for rule in app.url_map.iter_rules():
        if "POST" in rule.methods and rule.endpoint != "login.do_logout":
            known = {"token": secrets[0], "visit_id": rows.booked}
            with app.test_request_context():
                built = rule.build({**dict.fromkeys(rule.arguments, 1), **known}, append_unknown=False)
            visitor.post(built[1], page, login="desk", **sent)
    assert len(lines()) > len(addresses)
    everything = "".join(kept.text + kept.json)
    assert [each for each in secrets if each in everything] == []


def test_the_demo_logs_only_what_failed() -> None:
    name = logging.getLogger(logs.REQUESTS)
    before, handlers = name.level, logging.getLogger().handlers[:]
    levels = {each: logging.getLogger(each).level for each in ("", "scheduler", "jobs", "werkzeug")}
    try:
        logs.set_up("text", requests=False)
        assert not name.isEnabledFor(logging.INFO) and name.isEnabledFor(logging.ERROR)
    finally:
        name.setLevel(before)
        logging.getLogger().handlers = handlers
        for each, level in levels.items():
            logging.getLogger(each).setLevel(level)
