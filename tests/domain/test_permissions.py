"""The one table of rights: what it says, how far each reach goes, and that the document shows the same table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scheduler.domain.permissions import (
    GRANTS,
    ROLES,
    THINGS,
    Belongs,
    Holder,
    Right,
    Role,
    Scope,
    may,
    may_any,
    scope_of,
)

DOCUMENT = Path(__file__).parents[2] / "docs" / "permissions.md"
DESK = Holder("desk", place_ids=frozenset({1}), account_id=11)
ADVISER = Holder("adviser", adviser_id=2, carrier_id=3, account_id=12, openings=frozenset({"here/2026-11-25"}))
CARRIER = Holder("carrier_coordinator", carrier_id=3)
HOURS = Holder("hours_coordinator", place_ids=frozenset({1}))
TOWN = Holder("administrator")
ALL = (DESK, ADVISER, CARRIER, HOURS, TOWN)


def reached(right: Right, thing: str, belongs: Belongs) -> list[Role]:
    return [each.role for each in ALL if may(each, right, thing, belongs)]


@pytest.mark.parametrize(
    ("right", "thing", "belongs", "roles"),
    [
        ("change", "queue", Belongs(place_id=1, opening="here/2026-11-25"), ["desk", "adviser"]),
        ("change", "queue", Belongs(place_id=2, opening="there/2026-11-25"), []),
        ("see", "answers", Belongs(place_id=1, opening="here/2026-11-25"), ["desk", "adviser"]),
        ("see", "answers", Belongs(adviser_ids=frozenset({2}), carrier_id=3), ["adviser"]),
        ("see", "answers", Belongs(adviser_ids=frozenset({9}), carrier_id=3), []),  # of a colleague
        ("see", "outcome", Belongs(adviser_ids=frozenset({2}), carrier_id=3, place_id=1), ["adviser"]),
        ("see", "outcome", Belongs(adviser_ids=frozenset({9}), carrier_id=3, place_id=1), []),
        ("see", "case_mark", Belongs(adviser_ids=frozenset({2}), place_id=1), ["adviser"]),
        ("change", "appointment", Belongs(place_id=1, adviser_ids=frozenset({9, None})), ["desk"]),
        ("change", "appointment", Belongs(place_id=7, account_ids=frozenset({11})), ["desk"]),
        ("change", "contact", Belongs(place_id=1, adviser_ids=frozenset({2})), []),
        ("change", "contact", Belongs(account_ids=frozenset({12})), ["adviser"]),
        ("change", "date", Belongs(place_id=1), ["desk", "hours_coordinator"]),
        ("see", "sums", Belongs(place_id=1, carrier_id=3), ["carrier_coordinator", "hours_coordinator"]),
        ("see", "sums", Belongs(place_id=2, carrier_id=4), []),
        ("change", "account", Belongs(carrier_id=3), ["carrier_coordinator", "administrator"]),
        ("change", "account", Belongs(), ["administrator"]),
        ("see", "audit", Belongs(), ["administrator"]),
        ("change", "audit", Belongs(), []),
    ],
)
def test_a_right_reaches_as_far_as_the_table_says(
    right: Right, thing: str, belongs: Belongs, roles: list[Role]
) -> None:
    assert reached(right, thing, belongs) == roles


@pytest.mark.parametrize("thing", THINGS)
def test_what_belongs_to_nobody_is_reached_by_nobody_but_the_towns_administrator(thing: str) -> None:
    assert set(reached("see", thing, Belongs(adviser_ids=frozenset({None})))) <= {"administrator"}
    nobody = [Holder(role) for role in ROLES if role != "administrator"]
    assert not any(may(each, "see", thing, Belongs(adviser_ids=frozenset({None}))) for each in nobody)


def test_neither_coordinators_nor_administrators_see_anything_of_a_visit() -> None:
    of_a_visit = {"number", "queue", "wishes", "answers", "appointment", "contact", "calls", "outcome", "case_mark"}
    of_a_visit |= {"call_list"}
    for role in ("carrier_coordinator", "hours_coordinator", "administrator"):
        assert {each for each in THINGS if may_any(role, "see", each)} & of_a_visit == set(), role


def test_what_an_adviser_did_with_a_client_is_that_advisers_alone() -> None:
    for thing in ("calls", "outcome", "case_mark"):
        grants = {role: grant and grant.reaches for role, grant in GRANTS[thing].items() if grant}
        assert grants == {"adviser": ("own",)}, thing


def test_whoever_may_change_may_see() -> None:
    assert may(DESK, "see", "queue", Belongs(place_id=1)) and may(DESK, "change", "queue", Belongs(place_id=1))
    assert may(DESK, "see", "number", Belongs(place_id=1)) and not may(DESK, "change", "number", Belongs(place_id=1))


def test_a_list_asks_for_what_its_roles_reach() -> None:
    both = scope_of([DESK, ADVISER], "change", "call_list")
    assert both == Scope(place_ids=frozenset({1}), adviser_ids=frozenset({2}))
    assert scope_of([CARRIER, TOWN], "see", "account") == Scope(carrier_ids=frozenset({3}), town=True)
    assert scope_of([CARRIER], "see", "call_list") == Scope()


def test_a_thing_that_the_table_does_not_name_is_a_fault() -> None:
    with pytest.raises(KeyError):
        may(DESK, "see", "everything", Belongs(place_id=1))


def test_the_document_shows_the_same_table_and_says_what_each_thing_is() -> None:
    text = DOCUMENT.read_text("utf-8")
    head, *rows = [_cells(line) for line in text.splitlines() if line.startswith("|") and not line.startswith("|--")]
    assert head == ["thing", "what it is", *ROLES]
    printed = {cells[0].strip("`"): cells[2:] for cells in rows if len(cells) == len(head)}
    assert printed == {thing: [_say(GRANTS[thing][role]) for role in ROLES] for thing in THINGS}
    assert all(cells[1] for cells in rows)


def _cells(line: str) -> list[str]:
    return [each.strip() for each in re.split(r"\|", line)[1:-1]]


def _say(grant: tuple[str, tuple[str, ...]] | None) -> str:
    return f"{grant[0]}: {', '.join(grant[1])}" if grant else "–"
