"""Whatever a form brings, a view gets text that both databases take."""

from __future__ import annotations

import io

import pytest
from sqlalchemy import select

from scheduler.models import HoursException
from tests.web.live_town import LiveTown
from tests.web.visitor import Visitor


@pytest.mark.parametrize("name", ["login", "password"])
def test_a_file_in_the_place_of_a_text_is_nothing(visitor: Visitor, name: str) -> None:
    page = visitor.open("/login")
    sent = page.form("/login").filled(login="desk", password="wrong")
    answer = visitor.open("/login", method="POST", data={**sent, name: (io.BytesIO(b"x"), "../x.png")})
    assert answer.status == 403
    assert "Name or password is wrong." in answer.text


def test_a_nul_in_a_text_is_replaced(desk: Visitor, town: LiveTown) -> None:
    address = "/desk/dates/buergerbuero-mi/2026-12-02"
    answer = desk.press(
        desk.open(address), "/effects", kind="moved", reason="a\0b", **{"from": "10:00", "until": "12:00"}
    )
    assert answer.status == 200
    desk.press(answer, address.rpartition("/")[2])
    assert town.read(lambda s: list(s.scalars(select(HoursException.reason)))) == ["a\ufffdb"]
