"""Who serves on which date: turns, skipped dates, pairs, and that it never depends on what is asked."""

from datetime import date
from typing import Any

import pytest

from scheduler.domain.recurrence import DateException, Turns, dated_opening
from tests.domain.office_hours import BERLIN, CHRISTMAS, openings, rule, staff

TURNS = (("a",), ("b",), ("c", "d"))


def test_turns_advance_by_one_for_each_date_since_the_rota_began() -> None:
    rota = rule(rota=Turns(date(2026, 11, 4), TURNS), staff=(), state="")
    assert staff(rota, date(2026, 11, 4), date(2026, 12, 2)) == [("a",), ("b",), ("c", "d"), ("a",), ("b",)]


def test_the_turn_of_a_date_does_not_depend_on_what_is_asked() -> None:
    rota = rule(rota=Turns(date(2026, 1, 7), TURNS, "pass_on"), staff=(), closures=(CHRISTMAS,))
    whole = {each.on: each.staff for each in openings(rota, date(2026, 1, 1), date(2027, 3, 31))}
    for on, expected in whole.items():
        assert staff(rota, on, on) == [expected]
        found = dated_opening(rota, BERLIN, on)
        assert found is not None and found.staff == expected


@pytest.mark.parametrize(
    ("skipped", "expected"), [("used", [("c", "d"), ("a",), ("b",)]), ("pass_on", [("b",), ("c", "d"), ("a",)])]
)
def test_a_cancelled_date_uses_up_its_turn_or_passes_it_on(skipped: Any, expected: list[tuple[str, ...]]) -> None:
    cancelled = DateException(date(2026, 11, 11), "cancelled")
    rota = rule(rota=Turns(date(2026, 11, 4), TURNS, skipped), staff=(), exceptions=(cancelled,), state="")
    assert staff(rota, date(2026, 11, 18), date(2026, 12, 2)) == expected


@pytest.mark.parametrize(("skipped", "expected"), [("used", ("c", "d")), ("pass_on", ("b",))])
def test_a_public_holiday_counts_like_a_cancelled_date(skipped: Any, expected: tuple[str, ...]) -> None:
    rota = rule(rrule="FREQ=WEEKLY;BYDAY=TH", rota=Turns(date(2026, 5, 28), TURNS, skipped), staff=())
    assert staff(rota, date(2026, 6, 11), date(2026, 6, 11)) == [expected]


@pytest.mark.parametrize("skipped", ["used", "pass_on"])
@pytest.mark.parametrize("held_on", [date(2026, 11, 9), date(2026, 11, 20), date(2026, 10, 1)])
def test_a_moved_date_keeps_its_turn_and_the_others_theirs(skipped: Any, held_on: date) -> None:
    moved = DateException(date(2026, 11, 11), "moved", held_on=held_on)
    rota = rule(rota=Turns(date(2026, 11, 4), TURNS, skipped), staff=(), exceptions=(moved,), state="")
    found = {each.original_on: each.staff for each in openings(rota, date(2026, 9, 1), date(2026, 11, 20))}
    assert [found[date(2026, 11, each)] for each in (4, 11, 18)] == list(TURNS)
    assert staff(rota, held_on, held_on) == [("b",)]


def test_an_added_date_has_its_own_staff_and_takes_no_turn() -> None:
    added = DateException(date(2026, 11, 6), "added", staff=("x",))
    rota = rule(rota=Turns(date(2026, 11, 4), TURNS), staff=(), exceptions=(added,), state="")
    assert staff(rota, date(2026, 11, 4), date(2026, 11, 11)) == [("a",), ("x",), ("b",)]
