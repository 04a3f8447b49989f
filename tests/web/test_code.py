"""Nine digits instead of the link: spoken on the phone, written on paper."""

from __future__ import annotations

from dataclasses import replace

import pytest
import time_machine
from flask import Flask

from scheduler.models import Visit
from tests.actions.small_town import NEXT_WEDNESDAY, at
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.visitor import Visitor


@pytest.fixture
def visit_id(town: LiveTown) -> int:
    return town.book("09:30")


@pytest.fixture
def code(town: LiveTown, visit_id: int) -> str:
    return town.visit(visit_id).code


def enter(visitor: Visitor, typed: str) -> Page:
    return visitor.press(visitor.open("/code"), "/code", code=typed)


def unknown(code: str) -> str:
    return str(int(code) ^ 1)


def test_the_code_opens_its_own_visit_however_it_is_typed(
    visitor: Visitor, town: LiveTown, visit_id: int, code: str
) -> None:
    threes = (code[:3], code[3:6], code[6:])
    arabic = code.translate({ord(str(digit)): chr(0x660 + digit) for digit in range(10)})
    for typed in (code, " ".join(threes), "-".join(threes), f"  {code}\t", ".".join(threes), arabic, f"Code: {code}"):
        opened = enter(visitor, typed)
        assert (opened.status, opened.location) == (303, f"/visits/{town.token(visit_id)}")


def test_an_unknown_code_is_said_at_the_field_and_keeps_what_was_typed(visitor: Visitor, code: str) -> None:
    page = enter(visitor, unknown(code))
    assert page.status == 404
    assert "We do not know this code" in page.wrong("code")
    assert page.root.one("input", id="code").attrs["value"] == unknown(code)
    assert "/visits/" not in page.html


@pytest.mark.parametrize(
    "typed", ["", "12345678", "1234567890", "abc", "<script>alert(1)</script>", "\x00", "٣" * 300, "²³" * 9]
)
def test_what_is_no_code_is_asked_again_with_what_was_typed(visitor: Visitor, typed: str) -> None:
    page = enter(visitor, typed)
    assert page.status == 422
    assert "nine digits" in page.wrong("code")
    assert page.root.one("input", id="code").attrs["value"].strip("\x00\ufffd") == typed.strip("\x00")
    assert "<script>alert" not in page.html


def test_after_its_day_a_code_opens_nothing(visitor: Visitor, code: str, clock: time_machine.Coordinates) -> None:
    clock.move_to(at("00:01", NEXT_WEDNESDAY))
    assert enter(visitor, code).status == 404


def test_a_revoked_link_leaves_the_code_valid_with_the_new_link(
    visitor: Visitor, town: LiveTown, visit_id: int, code: str
) -> None:
    old = town.token(visit_id)
    town.set(Visit, visit_id, link_epoch=3)
    assert enter(visitor, code).location == f"/visits/{town.token(visit_id)}" != f"/visits/{old}"


@pytest.fixture
def two_tries(app: Flask) -> None:
    app.extensions["settings"] = replace(app.extensions["settings"], code_limit="2 per minute")


def test_guessing_is_throttled_in_plain_words(visitor: Visitor, two_tries: None, code: str) -> None:
    assert [enter(visitor, unknown(code)).status for _ in range(3)] == [404, 404, 429]
    page = enter(visitor, code)
    assert page.status == 429
    assert "Too many tries" in page.text
    assert "wait one minute" in page.text
    assert "/" in page.links


def test_it_is_said_how_long_the_limit_holds(visitor: Visitor, app: Flask, code: str) -> None:
    app.extensions["settings"] = replace(app.extensions["settings"], code_limit="1 per hour")
    assert [enter(visitor, unknown(code)).status for _ in range(2)] == [404, 429]
    assert "wait 60 minutes" in enter(visitor, code).text


def test_right_codes_are_not_counted(visitor: Visitor, two_tries: None, code: str) -> None:
    assert [enter(visitor, code).status for _ in range(5)] == [303] * 5
    assert enter(visitor, unknown(code)).status == 404


def test_the_throttle_lets_go_after_its_time(
    visitor: Visitor, two_tries: None, code: str, clock: time_machine.Coordinates
) -> None:
    for _ in range(3):
        enter(visitor, unknown(code))
    clock.shift(61)
    assert enter(visitor, code).status == 303


def test_looking_at_the_page_is_never_throttled(visitor: Visitor, two_tries: None, code: str) -> None:
    for _ in range(3):
        enter(visitor, unknown(code))
    assert visitor.open("/code").status == 200


def test_addresses_of_one_network_are_throttled_together(visitor: Visitor, two_tries: None, code: str) -> None:
    """Whoever has one network of IPv6 has more addresses than there are codes."""
    form = visitor.open("/code").form("/code")

    def enter_from(address: str) -> int:
        wrong = form.filled(code=unknown(code))
        return visitor.open("/code", method="POST", data=wrong, environ_overrides={"REMOTE_ADDR": address}).status

    assert [enter_from(f"2001:db8:1:2::{number:x}") for number in range(3)] == [404, 404, 429]
    assert enter_from("2001:db8:1:3::1") == 404


def test_another_address_is_not_punished(visitor: Visitor, two_tries: None, code: str) -> None:
    for _ in range(3):
        enter(visitor, unknown(code))
    form = visitor.open("/code").form("/code")
    elsewhere = visitor.open(
        "/code", method="POST", data=form.filled(code=code), environ_overrides={"REMOTE_ADDR": "192.0.2.9"}
    )
    assert elsewhere.status == 303
