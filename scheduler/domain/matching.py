"""Who can take an appointment. First version: some eligible adviser who is free, nobody else is moved.

The exact version (appointments may be handed on to make room) will keep this signature.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from scheduler.domain.intervals import Interval, most_at_once


class Duty(NamedTuple):
    """One adviser on duty at the opening, and when that adviser is taken: appointments anywhere, absences."""

    adviser_id: int
    services: frozenset[str]
    languages: frozenset[str]
    busy: tuple[Interval, ...] = ()


class Wanted(NamedTuple):
    """What an appointment needs. Empty services: any will do. No language, no adviser: no wish."""

    services: frozenset[str] = frozenset()
    language: str | None = None
    adviser_id: int | None = None


def knows(duty: Duty, wanted: Wanted) -> bool:
    """Whether this adviser could serve, leaving time aside."""
    return (
        (not wanted.services or bool(wanted.services & duty.services))
        and (wanted.language is None or wanted.language in duty.languages)
        and (wanted.adviser_id is None or wanted.adviser_id == duty.adviser_id)
    )


def free_advisers(
    wanted: Wanted, during: Interval, duties: Sequence[Duty], appointments: Sequence[Interval], at_once: int | None
) -> list[Duty]:
    """The advisers who could take this appointment, the least busy first; empty: it does not fit.

    appointments: those that already stand at this opening; at_once: how many may overlap (None: as many as advisers).
    """
    if at_once is not None and most_at_once([*_within(appointments, during), during]) > at_once:
        return []
    free = [each for each in duties if knows(each, wanted) and not _within(each.busy, during)]
    return sorted(free, key=lambda each: len(each.busy))


def _within(intervals: Sequence[Interval], during: Interval) -> list[Interval]:
    return [
        Interval(max(each.starts_at, during.starts_at), min(each.ends_at, during.ends_at))
        for each in intervals
        if each.overlaps(during)
    ]
