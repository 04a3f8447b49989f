"""The days and times that a client may choose from, for booking and for moving alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from scheduler.actions.rulebook import PlannedOpening
from scheduler.actions.slots import OfferedSlot, Question, find_slots
from scheduler.models import Place
from scheduler.web.edge import db, now, places, rulebook, split_opening_id, today

FIRST_DAYS = 3
MOST_DAYS_AHEAD = 62


@dataclass(frozen=True)
class Day:
    """One day's offer: free times by place, and openings that take people without an appointment."""

    on: date
    by_place: list[tuple[Place, list[OfferedSlot]]]
    walk_ins: list[tuple[Place, PlannedOpening]]


def read_chosen(text: str) -> tuple[str, date, datetime] | None:
    """The value of a time's button: `hours-key/original date/start with offset`."""
    opening_id, _, start = text.rpartition("/")
    parts = split_opening_id(opening_id)
    try:
        starts_at = datetime.fromisoformat(start)
    except ValueError:
        return None
    return (*parts, starts_at) if parts and starts_at.tzinfo else None


def read_days(text: str) -> int:
    """How many days with free times to show."""
    return (
        min(max(int(text), 1), MOST_DAYS_AHEAD) if text.isascii() and text.isdigit() and len(text) < 4 else FIRST_DAYS
    )


def offered_days(question: Question, most: int, ignoring_visit_id: int | None = None) -> tuple[list[Day], bool]:
    """The first days with something free, walk-in openings between them; and whether there are more days."""
    slots = find_slots(
        db(),
        rulebook(),
        question,
        from_on=today(),
        until_on=today() + timedelta(days=MOST_DAYS_AHEAD),
        now=now(),
        ignoring_visit_id=ignoring_visit_id,
    )
    zone = rulebook().zone
    by_day = {
        on: list(some) for on, some in groupby(slots, key=lambda each: each.slot.starts_at.astimezone(zone).date())
    }
    shown = sorted(by_day)[:most]
    walk_ins = _walk_ins(question, shown[-1]) if shown else []
    known = {place.id: place for place in places()}
    days = [
        Day(on, _by_place(by_day.get(on, []), known), [(known[each.hours.place_id], each) for each in some])
        for on, some in _with_walk_ins(shown, walk_ins)
    ]
    return days, len(by_day) > most


def _by_place(slots: list[OfferedSlot], known: dict[int, Place]) -> list[tuple[Place, list[OfferedSlot]]]:
    """Times of a day by place, each start once: two office hours at one place may offer the same."""
    grouped: dict[int, dict[datetime, OfferedSlot]] = {}
    for each in slots:
        grouped.setdefault(each.opening.hours.place_id, {}).setdefault(each.slot.starts_at, each)
    return [(known[place_id], list(starts.values())) for place_id, starts in grouped.items()]


def _walk_ins(question: Question, last: date) -> list[PlannedOpening]:
    return [
        each
        for each in rulebook().openings(today(), last, question.place_id)
        if each.takes_walk_ins
        and each.dated.ends_at > now()
        and (not question.services or question.services & each.hours.services)
        and question.adviser_id is None
    ]


def _with_walk_ins(shown: list[date], walk_ins: list[PlannedOpening]) -> Iterator[tuple[date, list[PlannedOpening]]]:
    for on in sorted({*shown, *(each.dated.on for each in walk_ins)}):
        yield on, [each for each in walk_ins if each.dated.on == on]
