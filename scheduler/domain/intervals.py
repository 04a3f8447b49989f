"""Spans of time. Half open: an interval that ends at 9:15 does not touch one that begins at 9:15."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple


class Interval(NamedTuple):
    starts_at: datetime
    ends_at: datetime

    def includes(self, at: datetime) -> bool:
        return self.starts_at <= at < self.ends_at

    def overlaps(self, other: Interval) -> bool:
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


def most_at_once(intervals: Iterable[Interval]) -> int:
    """How many of the intervals share the busiest moment."""
    edges = [edge for each in intervals for edge in ((each.starts_at, 1), (each.ends_at, -1))]
    most = current = 0
    for _, change in sorted(edges):  # at one instant -1 sorts before 1: half open
        current += change
        most = max(most, current)
    return most


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """The same time as disjoint intervals in order; those that touch become one."""
    found: list[Interval] = []
    for each in sorted(intervals):
        if found and each.starts_at <= found[-1].ends_at:
            found[-1] = Interval(found[-1].starts_at, max(found[-1].ends_at, each.ends_at))
        else:
            found.append(each)
    return found
