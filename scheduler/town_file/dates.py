"""Checks of the dates that office hours name one by one: closed, added, changed, or simply written out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from scheduler.town_file.duties import regular_opening
from scheduler.town_file.entries import Entries
from scheduler.town_file.format import AddedDate, ChangedDate, HoursEntry, TownEntry

Wrong = tuple[str, str]
"""A field and a reason."""


def wrong_dates(hours: HoursEntry, entries: Entries, town: TownEntry | None) -> Iterator[Wrong]:
    """All that is wrong with `closed_on`, `also_on` and `changed_on`."""
    yield from (("closed_on", f"{on} is no date of these hours") for on in hours.closed_on if not _yields(hours, on))
    for field, dates in (("also_on", hours.also_on), ("changed_on", hours.changed_on)):
        for each in dates:
            yield from ((field, f"{each.on} {reason}") for reason in _wrong_with_any(each, hours))
    for added in hours.also_on:
        yield from (("also_on", f"{added.on} {reason}") for reason in _wrong_with_added(added, hours, entries, town))
    for changed in hours.changed_on:
        yield from (("changed_on", f"{changed.on} {reason}") for reason in _wrong_with_changed(changed, hours))


def dates_outside(hours: HoursEntry) -> Iterator[str]:
    """Dates written out that are none, because the hours are not valid then."""
    for on in hours.dates:
        if on < hours.valid_from or (hours.valid_until and on > hours.valid_until):
            yield f"{on} is left out: it lies outside of valid_from and valid_until"


def _wrong_with_any(named: AddedDate, hours: HoursEntry) -> Iterator[str]:
    listed = [*hours.closed_on, *(each.on for each in [*hours.also_on, *hours.changed_on])]
    if listed.count(named.on) > 1:
        yield "is listed more than once in closed_on, also_on and changed_on"
    from_time, until_time = named.from_time or hours.from_time, named.until_time or hours.until_time
    if from_time and until_time and from_time >= until_time:
        yield "must begin before it ends"


def _wrong_with_added(added: AddedDate, hours: HoursEntry, entries: Entries, town: TownEntry | None) -> Iterator[str]:
    regular = regular_opening(hours, entries, town, added.on)
    if regular and regular.takes_place and town:  # whether it is a holiday, only a sound town can tell
        yield "is a date of these hours already; to change it, use changed_on"
    if hours.times is None:
        yield "cannot be added to hours without times"
    if not added.advisers and not regular and hours.takes_appointments and entries.rota_of(hours):
        yield "needs advisers: a date beside the rule has no turn in the rota"


def _wrong_with_changed(changed: ChangedDate, hours: HoursEntry) -> Iterator[str]:
    if not _yields(hours, changed.on):
        yield "is no date of these hours"
    if changed.held_on == changed.on:
        yield "is held on that day anyway: leave held_on out"
    if not (changed.held_on or changed.from_time or changed.until_time or changed.advisers):
        yield "changes nothing: give held_on, from, until or advisers"


def _yields(hours: HoursEntry, on: date) -> bool:
    return regular_opening(hours, None, None, on) is not None
