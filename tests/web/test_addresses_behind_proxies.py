"""Whose tries are counted: the address that the trusted proxy names, never one that a client makes up."""

from __future__ import annotations

import pytest

from tests.web.conftest import MakeApp
from tests.web.live_town import LiveTown
from tests.web.visitor import Visitor

LIMIT = 3


def tries(visitor: Visitor, forwarded: list[str]) -> list[int]:
    """Wrong codes, each with another header as it reaches us."""
    page = visitor.open("/code")
    return [
        visitor.open(
            "/code",
            method="POST",
            data={"csrf_token": page.form("/code").values["csrf_token"], "code": "000 000 000"},
            headers={"X-Forwarded-For": each},
        ).status
        for each in forwarded
    ]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "statuses"),
    [
        (0, ["203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4"], [404, 404, 404, 429]),
        (1, [f"198.51.100.{number}, 203.0.113.1" for number in range(4)], [404, 404, 404, 429]),
        (1, ["203.0.113.1", "203.0.113.1", "203.0.113.1", "203.0.113.2"], [404, 404, 404, 404]),
        (2, [f"198.51.100.{number}, 203.0.113.1, 10.0.0.1" for number in range(4)], [404, 404, 404, 429]),
    ],
)
def test_a_made_up_header_does_not_change_the_address_that_is_counted(
    make_own_app: MakeApp, town: LiveTown, proxies: int, forwarded: list[str], statuses: list[int]
) -> None:
    visitor = Visitor(make_own_app(trusted_proxies=proxies, code_limit=f"{LIMIT} per minute"))
    assert tries(visitor, forwarded) == statuses


@pytest.mark.parametrize(("proxies", "refused"), [(0, True), (1, False)])
def test_bookings_are_counted_by_the_same_address(
    make_own_app: MakeApp, town: LiveTown, proxies: int, refused: bool
) -> None:
    visitor = Visitor(make_own_app(trusted_proxies=proxies, bookings_from_one_address=LIMIT))
    answers = [
        visitor.open("/book", method="POST", data={"slot": "x"}, headers={"X-Forwarded-For": f"203.0.113.{number}"})
        for number in range(LIMIT + 1)
    ]
    assert (answers[-1].status == 429) is refused


@pytest.mark.parametrize("address", [
    "/visits/5-abc", "/visits/5-abc/erasure", "/tickets/5-abc", "/tickets/5-abc/now", "/feeds/abc.ics",
])  # fmt: skip
def test_links_that_nobody_has_are_counted(make_own_app: MakeApp, town: LiveTown, address: str) -> None:
    visitor = Visitor(make_own_app())
    token = town.token(town.book("10:00"))
    statuses = [visitor.open(address).status for _ in range(121)]
    assert set(statuses[:120]) == {404}
    assert statuses[120] == 429
    assert visitor.open(f"/visits/{token}").status == 429, "also the right one: a guess must learn nothing"
    own = visitor.open(f"/visits/{token}", environ_base={"REMOTE_ADDR": "203.0.113.7"})
    assert own.status == 200
