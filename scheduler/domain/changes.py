"""What is not as a place's rules say on the coming dates: closed, at other times, on another day, or extra.

Visitors know the rule ("Wednesdays 9 to 12"), so a date that differs must be told next to it. How it is said in words
stands in `scheduler/hours_texts.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from scheduler.domain.recurrence import (
    ClosedDays,
    DatedOpening,
    DateException,
    Rule,
    Texts,
    dated_opening,
    dated_openings,
)

_END_OF_DAY = time(23, 59)


class Span(NamedTuple):
    """From and until on one day, in wall time."""

    on: date
    from_time: time
    until_time: time


@dataclass(frozen=True)
class Change:
    """What differs on `first_on`, or on all days until `last_on`.

    `usual`: what the rules say and what does not happen so; empty: an extra date. `actual`: when it takes place
    instead; None: it does not. `all_day`: nothing at all takes place here on these days.
    """

    first_on: date
    last_on: date
    usual: tuple[Span, ...] = ()
    actual: Span | None = None
    all_day: bool = False
    reason: Texts = field(default_factory=dict)
    is_holiday: bool = False

    @property
    def spans(self) -> tuple[Span, ...]:
        """All times that it is about."""
        return self.usual if self.actual is None else (*self.usual, self.actual)

    @property
    def is_moved(self) -> bool:
        """Whether it takes place on another day than usual."""
        return self.actual is not None and any(each.on != self.actual.on for each in self.usual)

    def concerns(self, on: date) -> bool:
        """Whether somebody who comes on that day must know of it."""
        if self.actual is None:
            return self.first_on <= on <= self.last_on
        return on in {each.on for each in self.spans}

    def seen_on(self, on: date) -> Change:
        """The same for somebody who comes on that day: where it was moved to that day, it is extra there."""
        if self.actual is not None and self.is_moved and self.actual.on == on:
            return replace(self, first_on=on, last_on=on, usual=())
        return self

    def is_over(self, on: date, at: time) -> bool:
        """Whether all that it is about lies before this wall time."""
        ends = [(each.on, each.until_time) for each in self.spans]
        if self.actual is None and self.first_on < self.last_on:
            ends.append((self.last_on, _END_OF_DAY))
        return max(ends) <= (on, at)


def changes_at(rules: Sequence[Rule], zone: ZoneInfo, from_on: date, until_on: date) -> list[Change]:
    """What differs at a place with these rules on these days (both included), in order of time.

    A closure of several days is one change with its own first and last day, if it hits an opening at all.
    """
    openings = [(rule, dated) for rule in rules for dated in dated_openings(rule, zone, from_on, until_on)]
    open_on = {dated.on for _, dated in openings if dated.takes_place}
    closed = [
        each
        for rule, dated in openings
        if not dated.takes_place
        for each in _closings(rule, dated)
        if from_on <= each.span.on <= until_on
    ]
    found = [
        *_closed_periods(closed),
        *_closed_dates(closed, open_on),
        *(change for rule in rules for change in _differing(rule, zone, from_on, until_on, open_on)),
    ]
    return sorted(found, key=lambda each: (each.first_on, each.spans))


class _Closed(NamedTuple):
    """An opening that does not take place, and what closes it: a closure, or a holiday, or neither."""

    span: Span
    reason: Texts
    closure: ClosedDays | None
    is_holiday: bool

    @property
    def period(self) -> ClosedDays | None:
        """The closure, where it is longer than a day."""
        return self.closure if self.closure and self.closure.from_on < self.closure.until_on else None


def _closings(rule: Rule, dated: DatedOpening) -> Iterator[_Closed]:
    """The usual day; and the day that it had been moved to, where that is cancelled in turn."""
    on = dated.original_on
    exception = next((each for each in rule.exceptions if each.original_on == on and each.kind == "cancelled"), None)
    closure = next((each for each in rule.closures if each.from_on <= on <= each.until_on), None)
    reason = dated.closed_because or {}
    if exception is None:
        yield _Closed(_usual(rule, on), reason, closure, is_holiday=closure is None)
        return
    yield _Closed(_usual(rule, on), reason, None, is_holiday=False)
    if dated.on != on:
        yield _Closed(_held(rule, exception), reason, None, is_holiday=False)


def _closed_periods(closed: Iterable[_Closed]) -> Iterator[Change]:
    by_days: dict[tuple[date, date], list[_Closed]] = defaultdict(list)
    for each in closed:
        if each.period:
            by_days[each.period.from_on, each.period.until_on].append(each)
    for (first_on, last_on), some in by_days.items():
        usual = tuple(sorted({each.span for each in some}))
        yield Change(first_on, last_on, usual, all_day=True, reason=some[0].reason)


def _closed_dates(closed: Iterable[_Closed], open_on: set[date]) -> Iterator[Change]:
    by_date: dict[date, list[_Closed]] = defaultdict(list)
    for each in closed:
        if not each.period:
            by_date[each.span.on].append(each)
    for on, some in by_date.items():
        told = next((each for each in some if each.reason), some[0])
        usual = tuple(sorted({each.span for each in some}))
        yield Change(on, on, usual, None, on not in open_on, told.reason, told.is_holiday)


def _differing(rule: Rule, zone: ZoneInfo, from_on: date, until_on: date, open_on: set[date]) -> Iterator[Change]:
    """Dates that take place at other times, on another day, or beside the rule."""
    for exception in rule.exceptions:
        days = (exception.original_on, exception.held_on or exception.original_on)
        if exception.kind == "cancelled" or not any(from_on <= each <= until_on for each in days):
            continue
        dated = dated_opening(rule, zone, exception.original_on)
        if dated is None or not dated.takes_place:
            continue  # the rule no longer yields this date, or it is closed all the same
        change = _difference(rule, zone, exception)
        if change.usual != (change.actual,):
            yield replace(change, all_day=change.is_moved and exception.original_on not in open_on)


def _difference(rule: Rule, zone: ZoneInfo, exception: DateException) -> Change:
    on = exception.original_on
    actual = _held(rule, exception)
    held_on = actual.on
    plain = dated_opening(replace(rule, exceptions=()), zone, on)
    # What would be closed on that day anyway is extra when it takes place all the same.
    is_usual = plain is not None and (plain.takes_place or held_on != on)
    usual = (_usual(rule, on),) if is_usual else ()
    reason = {"": exception.reason} if exception.reason else {}
    return Change(on if usual else held_on, max(on, held_on) if usual else held_on, usual, actual, reason=reason)


def _usual(rule: Rule, on: date) -> Span:
    return Span(on, rule.from_time, rule.until_time)


def _held(rule: Rule, exception: DateException) -> Span:
    on = exception.held_on or exception.original_on
    return Span(on, exception.from_time or rule.from_time, exception.until_time or rule.until_time)
