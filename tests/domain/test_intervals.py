"""Spans of time: half open, and the busiest moment."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.intervals import Interval, most_at_once

START = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


def span(first: int, last: int) -> Interval:
    """Minutes after START."""
    return Interval(START + timedelta(minutes=first), START + timedelta(minutes=last))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((0, 15), (15, 30), False),
        ((15, 30), (0, 15), False),
        ((0, 16), (15, 30), True),
        ((0, 60), (15, 30), True),
        ((15, 30), (0, 60), True),
        ((0, 15), (0, 15), True),
        ((0, 15), (45, 60), False),
    ],
)
def test_spans_that_only_touch_do_not_overlap(one: tuple[int, int], other: tuple[int, int], expected: bool) -> None:
    assert span(*one).overlaps(span(*other)) is expected


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], 0),
        ([(0, 15)], 1),
        ([(0, 15), (15, 30)], 1),
        ([(0, 20), (15, 30)], 2),
        ([(0, 60), (0, 10), (10, 20), (20, 30)], 2),
        ([(0, 60), (0, 60), (59, 61)], 3),
    ],
)
def test_the_busiest_moment(spans: list[tuple[int, int]], expected: int) -> None:
    assert most_at_once(span(*each) for each in spans) == expected


spans = st.tuples(st.integers(0, 100), st.integers(1, 40)).map(lambda each: span(each[0], each[0] + each[1]))


@given(spans, spans)
def test_overlap_means_that_some_minute_lies_in_both(one: Interval, other: Interval) -> None:
    minutes = [START + timedelta(minutes=each) for each in range(150)]
    shared = any(one.starts_at <= at < one.ends_at and other.starts_at <= at < other.ends_at for at in minutes)
    assert one.overlaps(other) is other.overlaps(one) is shared


@given(st.lists(spans, max_size=12))
def test_the_busiest_moment_counted_minute_by_minute(found: list[Interval]) -> None:
    minutes = [START + timedelta(minutes=each) for each in range(150)]
    assert most_at_once(found) == max(sum(each.starts_at <= at < each.ends_at for each in found) for at in minutes)
