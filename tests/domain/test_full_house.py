"""Full below 50 %, open again only above 65 %: the edges, and that nothing flickers between them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.full_house import FULL_BELOW, OPEN_AGAIN_ABOVE, is_full, will_hardly_be_served

NOON = datetime(2026, 11, 25, 11, 0, tzinfo=UTC)
chances = st.floats(0, 1)


@pytest.mark.parametrize(
    ("chance", "from_open", "from_full"),
    [
        (0.0, True, True),
        (0.499, True, True),
        (0.5, False, True),
        (0.6, False, True),
        (0.65, False, True),
        (0.651, False, False),
        (1.0, False, False),
    ],
)
def test_it_fills_below_one_half_and_opens_above_065(chance: float, from_open: bool, from_full: bool) -> None:
    assert (is_full(chance, was_full=False), is_full(chance, was_full=True)) == (from_open, from_full)


@given(chances, st.booleans())
def test_the_same_chance_asked_twice_changes_nothing(chance: float, was_full: bool) -> None:
    full = is_full(chance, was_full)
    assert is_full(chance, full) is full


@given(st.lists(st.floats(FULL_BELOW, OPEN_AGAIN_ABOVE), min_size=1), st.booleans())
def test_between_the_thresholds_it_stays_as_it_was(between: list[float], was_full: bool) -> None:
    full = was_full
    for chance in between:
        full = is_full(chance, full)
    assert full is was_full


@given(chances, chances, st.booleans())
def test_a_better_chance_never_closes_the_door(one: float, other: float, was_full: bool) -> None:
    worse, better = sorted((one, other))
    assert is_full(worse, was_full) or not is_full(better, was_full)


@pytest.mark.parametrize(
    ("minutes_left", "chance", "told"),
    [(46, 0.1, False), (45, 0.1, True), (45, 0.499, True), (45, 0.5, False), (0, 0.0, True), (-20, 0.0, True)],
)
def test_from_three_quarters_of_an_hour_before_closing_the_desk_is_told(
    minutes_left: int, chance: float, told: bool
) -> None:
    assert will_hardly_be_served(chance, NOON, NOON - timedelta(minutes=minutes_left)) is told
