"""Checks across rows. Keys and references are read from the raw tables, so that one broken field hides no other error;
what combines several fields looks only at rows that are sound in themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from scheduler.town_file.dates import dates_outside, wrong_dates
from scheduler.town_file.duties import overlapping_duties
from scheduler.town_file.entries import Entries
from scheduler.town_file.fields import WRITTEN_ONCE
from scheduler.town_file.format import REFERENCES, TABLES, HoursEntry, TownEntry
from scheduler.town_file.problems import Problem, nearest

MOST_CONCERNS = 4
"""More answers than these delay the queue at the desk and the client on a small screen."""


def not_rows(data: Mapping[str, Any], table: str) -> Iterator[Problem]:
    """A table that is written [table] where [[table]] belongs."""
    rows = data.get(table, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        yield Problem(table, "", "", f"must be written as [[{table}]], once for each row")


def named_rows(data: Mapping[str, Any], table: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows as they are written, each with what people call it: its key, or its number where it has none."""
    rows = data.get(table, [])
    for number, row in enumerate(rows if isinstance(rows, list) else [], start=1):
        if isinstance(row, dict):
            yield _name_of(table, row) or f"#{number}", row


def _name_of(table: str, row: dict[str, Any]) -> str:
    field = {"rota": "hours", "closure": "from"}.get(table, "key")
    value = row.get(field)
    return value if isinstance(value, str) else value.isoformat() if isinstance(value, date) else ""


def duplicate_keys(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Two rows of one table with the same key; two rotas of the same hours."""
    for table in TABLES:
        field = "hours" if table == "rota" else "key"
        names = [row[field] for _, row in named_rows(data, table) if isinstance(row.get(field), str)]
        for name in dict.fromkeys(each for each in names if names.count(each) > 1):
            yield Problem(table, name, field, f"is used {names.count(name)} times in this table")


def references(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Every key that names a row which the file does not have."""
    for (table, field), target in REFERENCES.items():
        known = {row["key"] for _, row in named_rows(data, target) if isinstance(row.get("key"), str)}
        for name, row in named_rows(data, table):
            for key in dict.fromkeys(_keys_in(row.get(field))):
                if key not in known:
                    yield Problem(table, name, field, f'there is no {target} "{key}"{nearest(key, known)}')


def _keys_in(value: Any) -> Iterator[str]:
    """The keys in a field: one, a list, lists of lists, or tables that each have `advisers`."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _keys_in(each.get("advisers") if isinstance(each, dict) else each)


def rules(entries: Entries, town: TownEntry | None) -> Iterator[Problem]:
    """What combines fields of rows that are sound. Without a sound town, holidays and locales are not looked at."""
    yield from _texts(entries, town)
    yield from _ages(entries)
    if len(entries.concern) > MOST_CONCERNS:
        last = entries.concern[MOST_CONCERNS].key
        yield Problem("concern", last, "key", f"is one too many: there are at most {MOST_CONCERNS} concerns")
    yield from _closures(entries)
    for hours in entries.hours:
        for check in _HOURS_CHECKS:
            yield from (Problem("hours", hours.key, field, reason) for field, reason in check(hours, entries))
        yield from (Problem("hours", hours.key, *wrong) for wrong in wrong_dates(hours, entries, town))
    yield from _services_of_staff(entries)
    yield from overlapping_duties(entries, town)


def _texts(entries: Entries, town: TownEntry | None) -> Iterator[Problem]:
    locales = town.locales if town else None
    texts = [
        *((table, each.key, "name", each.name) for table in _TRANSLATED for each in getattr(entries, table)),
        *(("closure", each.from_on.isoformat(), "reason", each.reason) for each in entries.closure),
    ]
    for table, key, field, by_locale in texts:
        for locale in by_locale:
            if locales is not None and locale not in (*locales, WRITTEN_ONCE):
                yield Problem(table, key, field, f'"{locale}" is not among the town\'s locales ({", ".join(locales)})')


_TRANSLATED = ("service", "concern", "topic")


def _ages(entries: Entries) -> Iterator[Problem]:
    for each in entries.service:
        if each.from_age is not None and each.until_age is not None and each.from_age >= each.until_age:
            yield Problem("service", each.key, "until_age", "must be above from_age")


def _closures(entries: Entries) -> Iterator[Problem]:
    seen = set()
    for each in entries.closure:
        name = each.from_on.isoformat()
        if each.from_on > each.until_on:
            yield Problem("closure", name, "until", "must not be before from")
        same = (each.place, each.from_on, each.until_on)
        if same in seen:
            yield Problem("closure", name, "from", "is listed more than once with these days and place")
        seen.add(same)


def _times(hours: HoursEntry, _entries: Entries) -> Iterator[tuple[str, str]]:
    for field, value in (("from", hours.from_time), ("until", hours.until_time)):
        if value is None and (hours.admits != "by_arrangement" or hours.from_time or hours.until_time):
            yield field, "is missing; only hours by arrangement may have no times at all"
    if hours.times and hours.times[0] >= hours.times[1]:
        yield "until", "must be later than from, on the same day"
    if hours.valid_until and hours.valid_until < hours.valid_from:
        yield "valid_until", "must not be before valid_from"


def _days(hours: HoursEntry, _entries: Entries) -> Iterator[tuple[str, str]]:
    if hours.days and hours.rrule:
        yield "rrule", "must not stand beside days: write one of the two"
    if not (hours.rule or hours.dates or hours.admits == "by_arrangement"):
        yield "days", "is missing: say when, with days, rrule or dates"


def _staff(hours: HoursEntry, entries: Entries) -> Iterator[tuple[str, str]]:
    if entries.rota_of(hours) and hours.advisers:
        yield "advisers", "must not stand beside a rota: write one of the two"


def unstaffed(entries: Entries, data: Mapping[str, Any]) -> Iterator[Problem]:
    """Hours with appointments and nobody to give them. A rota that is wrong in itself is still a rota."""
    in_turn = [row.get("hours") for _, row in named_rows(data, "rota")]
    for hours in entries.hours:
        if hours.takes_appointments and not hours.advisers and hours.key not in in_turn:
            yield Problem("hours", hours.key, "advisers", "is missing: appointments need advisers or a rota")


_HOURS_CHECKS: list[Callable[[HoursEntry, Entries], Iterator[tuple[str, str]]]] = [
    _times,
    _days,
    _staff,
]


def _services_of_staff(entries: Entries) -> Iterator[Problem]:
    for hours in entries.hours:
        rota = entries.rota_of(hours)
        yield from _useless(entries, hours, hours.advisers, "hours", "advisers")
        yield from _useless(entries, hours, _all(rota.turns if rota else []), "rota", "turns")
        yield from _useless(entries, hours, _all(each.advisers or [] for each in hours.also_on), "hours", "also_on")
        substitutes = _all(each.advisers or [] for each in hours.changed_on)
        yield from _useless(entries, hours, substitutes, "hours", "changed_on")


def _useless(entries: Entries, hours: HoursEntry, advisers: Iterable[str], table: str, field: str) -> Iterator[Problem]:
    known = {each.key for each in entries.service}
    services = {each.key: set(each.services) for each in entries.adviser if known.issuperset(each.services)}
    for key in advisers if known.issuperset(hours.services) else ():
        if key in services and not services[key] & set(hours.services):
            offered = ", ".join(hours.services)
            yield Problem(
                table, hours.key, field, f'adviser "{key}" has none of the services of these hours ({offered})'
            )


def _all(lists: Iterable[list[str]]) -> list[str]:
    return list(dict.fromkeys(key for each in lists for key in each))


def warnings(entries: Entries) -> Iterator[Problem]:
    """What is allowed but probably not meant."""
    stations = {each.key: each.stations for each in entries.place}
    yield from _without_phone(entries)
    yield from _telling_places(entries)
    for hours in entries.hours:
        yield from (Problem("hours", hours.key, "dates", reason) for reason in dates_outside(hours))
        if hours.appointments_at_once is not None and hours.admits != "mixed":
            yield Problem("hours", hours.key, "appointments_at_once", "counts for mixed hours only")
        fewest = min((len(staff) for staff in entries.staff_of(hours)), default=0)
        if hours.admits == "mixed" and (hours.appointments_at_once or fewest) >= fewest:
            yield Problem("hours", hours.key, "appointments_at_once", "leaves nobody for the queue")
    for place in dict.fromkeys(each.place for each in entries.hours if each.takes_walk_ins):
        if not stations[place]:
            yield Problem("place", place, "stations", "is empty, although people are called to one here")


def _telling_places(entries: Entries) -> Iterator[Problem]:
    """Places whose name or address says what a visit there is about: both stand in messages and calendars."""
    for place in entries.place:
        for field, text in (("name", place.name), ("address", place.address)):
            if any(each in text.casefold() for each in _TELLING):
                reason = "stands in messages and calendars that others may see, and says what a visit is about"
                yield Problem("place", place.key, field, reason)


_TELLING = ("migra", "asyl", "flücht", "ausländ", "integration", "refugee", "asylum")


def _without_phone(entries: Entries) -> Iterator[Problem]:
    phones = {each.key: each.phone for each in entries.place}
    for place in dict.fromkeys(each.place for each in entries.hours if each.admits == "by_arrangement"):
        if not phones[place]:
            yield Problem("place", place, "phone", "is empty, although people are asked to call here")
