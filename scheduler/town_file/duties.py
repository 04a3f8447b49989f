"""Who is on duty when, by the rules of a file that is not stored yet: the domain is asked, as it will be later."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, time, timedelta
from itertools import combinations
from zoneinfo import ZoneInfo

from scheduler.domain.recurrence import (
    ClosedDays,
    DatedOpening,
    DateException,
    Rule,
    Staff,
    Turns,
    dated_opening,
    dated_openings,
)
from scheduler.town_file.entries import Entries
from scheduler.town_file.format import AddedDate, ChangedDate, HoursEntry, RotaEntry, TownEntry
from scheduler.town_file.problems import Problem

COMPARED = timedelta(weeks=5 * 52)
"""How far overlaps are looked for: a 29 February lies within it, and all that long rotas and intervals can meet."""

_ANY_ZONE = ZoneInfo("UTC")

Pairs = Iterator[tuple[DatedOpening, DatedOpening]]


def regular_opening(
    hours: HoursEntry, entries: Entries | None, town: TownEntry | None, on: date
) -> DatedOpening | None:
    """What the rule has on that day before any exception. Closures are those of `entries`, holidays those of `town`."""
    if hours.times is None:
        return None
    rule = _plain_rule(hours, *hours.times)
    if entries:
        rule = replace(rule, closures=_closures(hours, entries), state=town.state if town else "")
    return dated_opening(rule, _ANY_ZONE, on)


def overlapping_duties(entries: Entries, town: TownEntry | None) -> Iterator[Problem]:
    """Each adviser who would be in two places at once: one problem for each pair of hours, with the first date.

    And each date that would be held while another one of the same hours is.
    """
    found = [Duties(each, entries, town) for each in entries.hours if each.times and each.times[0] < each.times[1]]
    for each in found:
        yield from _dates_at_once(each)
    known = {each.key for each in entries.adviser}
    for one, other in combinations(found, 2):
        for adviser in sorted(one.advisers & other.advisers & known):
            on = _first_overlap(one, other, adviser)
            if on:
                both = f'at "{one.hours.key}" and here at the same time, first on {on}'
                yield Problem("hours", other.hours.key, "advisers", f'adviser "{adviser}" would be {both}')


class Duties:
    """One rule of the file as the domain knows it."""

    def __init__(self, hours: HoursEntry, entries: Entries, town: TownEntry | None) -> None:
        self.hours = hours
        self.rota = entries.rota_of(hours)
        self.zone = ZoneInfo(town.timezone) if town else _ANY_ZONE
        self.rule = _rule(hours, self.rota, entries, town.state if town else "")
        changed = {day for each in hours.changed_on for day in (each.on, each.held_on) if day}
        self.written = {*hours.dates, *(each.on for each in hours.also_on), *changed}
        self._known: dict[tuple[date, date], list[DatedOpening]] = {}

    @property
    def advisers(self) -> set[str]:
        staffs = [
            self.rule.staff,
            *(self.rota.turns if self.rota else []),
            *(e.staff or () for e in self.rule.exceptions),
        ]
        return {key for staff in staffs for key in staff}

    @property
    def begins_on(self) -> date:
        return max(self.hours.valid_from, self.rota.starts_on) if self.rota else self.hours.valid_from

    def openings(self, from_on: date, until_on: date) -> list[DatedOpening]:
        span = (from_on, until_on)
        if span not in self._known:
            every = dated_openings(self.rule, self.zone, *span)
            self._known[span] = [each for each in every if each.takes_place]
        return self._known[span]


def _dates_at_once(duties: Duties) -> Iterator[Problem]:
    for on in sorted(each.held_on for each in duties.hours.changed_on if each.held_on):
        for one, other in combinations(duties.openings(on, on), 2):
            if one.interval.overlaps(other.interval):
                both = f"{one.original_on} and {other.original_on} would be held at the same time, on {on}"
                yield Problem("hours", duties.hours.key, "changed_on", both)


def _first_overlap(one: Duties, other: Duties, adviser: str) -> date | None:
    begins_on = max(one.begins_on, other.begins_on)
    spans = [(begins_on, begins_on + COMPARED), *((on, on) for on in one.written | other.written)]
    return min(
        (
            mine.on
            for span in spans
            for mine, theirs in _on_one_day(one.openings(*span), other.openings(*span))
            if adviser in mine.staff and adviser in theirs.staff and mine.interval.overlaps(theirs.interval)
        ),
        default=None,
    )


def _on_one_day(ours: Iterable[DatedOpening], others: Iterable[DatedOpening]) -> Pairs:
    by_day: dict[date, list[DatedOpening]] = defaultdict(list)
    for each in others:
        by_day[each.on].append(each)
    return ((mine, theirs) for mine in ours for theirs in by_day.get(mine.on, ()))


def _rule(hours: HoursEntry, rota: RotaEntry | None, entries: Entries, state: str) -> Rule:
    assert hours.times
    return replace(
        _plain_rule(hours, *hours.times),
        rota=Turns(rota.starts_on, tuple(tuple(turn) for turn in rota.turns), rota.skipped) if rota else None,
        exceptions=(
            *(DateException(on, "cancelled") for on in hours.closed_on),
            *(
                DateException(each.on, "added", None, each.from_time, each.until_time, _staff(each))
                for each in hours.also_on
            ),
            *(_change(each) for each in hours.changed_on),
        ),
        closures=_closures(hours, entries),
        state=state,
    )


def _change(changed: ChangedDate) -> DateException:
    times = (changed.from_time, changed.until_time)
    return DateException(changed.on, "moved", changed.held_on, *times, _staff(changed))


def _staff(date: AddedDate) -> Staff | None:
    return tuple(date.advisers) if date.advisers else None


def _closures(hours: HoursEntry, entries: Entries) -> tuple[ClosedDays, ...]:
    return tuple(
        ClosedDays(each.from_on, each.until_on, each.reason)
        for each in entries.closure
        if each.place in (None, hours.place)
    )


def _plain_rule(hours: HoursEntry, from_time: time, until_time: time) -> Rule:
    return Rule(
        from_time=from_time,
        until_time=until_time,
        valid_from=hours.valid_from,
        valid_until=hours.valid_until,
        rrule=hours.rule,
        dates=frozenset(hours.dates),
        staff=tuple(hours.advisers),
    )
