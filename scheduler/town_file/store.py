"""Write a checked file: insert, update and retire rows, and say what changed and which booked visits no longer fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from scheduler.models import (
    Adviser,
    Agency,
    Carrier,
    Closure,
    Concern,
    Feed,
    Hours,
    HoursException,
    Opening,
    Place,
    Rota,
    Service,
    Topic,
    Town,
)
from scheduler.models.town import Keyed, Texts
from scheduler.town_file.conflicts import Conflict, find_conflicts
from scheduler.town_file.entries import Entries
from scheduler.town_file.fields import WRITTEN_ONCE
from scheduler.town_file.format import AdviserEntry, ClosureEntry, HoursEntry, KeyedEntry
from scheduler.town_file.reading import TownFile
from scheduler.town_file.wording import change_line

_Row = TypeVar("_Row", bound=Keyed)
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Difference:
    """What a file changes, as readable lines, and the booked visits that then no longer fit."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    standing: list[Conflict] = field(default_factory=list)
    """Visits that did not fit before, and still do not: an earlier load was confirmed."""

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.changed or self.retired)

    @property
    def lines(self) -> list[str]:
        """All of it but the conflicts: `+` for what is added, `~` for what changes, `-` for what is retired."""
        marked = (("+", self.added), ("~", self.changed), ("-", self.retired))
        return [f"{mark} {line}" for mark, lines in marked for line in lines]


def difference(session: Session, town_file: TownFile, now: datetime) -> Difference:
    """What `store` would do. The session must be one that may write: all is tried out and taken back."""
    trial = session.begin_nested()
    try:
        return _Writing(session, now).write(town_file)
    finally:
        trial.rollback()
        session.expire_all()


def store(session: Session, town_file: TownFile, now: datetime) -> Difference:
    """Write the file, flush, do not commit. A key that is missing from it is retired; what comes back counts again.

    Where anything changed, all that was computed or published from the rules is void: revision, openings and feeds.
    """
    found = _Writing(session, now).write(town_file)
    if not found.is_empty:
        session.execute(update(Town).values(rules_revision=Town.rules_revision + 1))
        session.execute(update(Opening).values(version=Opening.version + 1))
        session.execute(update(Feed).where(Feed.revoked_at.is_(None)).values(wanted=Feed.wanted + 1))
    return found


class _Writing:
    """One pass over a file, collecting what it changes."""

    def __init__(self, session: Session, now: datetime) -> None:
        self.session = session
        self.now = now
        self.found = Difference()

    def write(self, town_file: TownFile) -> Difference:
        known = self._known_conflicts()
        self._write_town(town_file)
        locale, entries = town_file.town.locales[0], town_file.entries
        self._write_rows(Carrier, "carrier", _plain(entries.carrier))
        self._write_rows(Service, "service", _translated(entries.service, locale))
        self._write_rows(Concern, "concern", _translated(entries.concern, locale))
        self._write_rows(Topic, "topic", _translated(entries.topic, locale))
        self._write_rows(Agency, "agency", _plain(entries.agency))
        places = self._write_rows(Place, "place", _plain(entries.place))
        carriers = self._rows(Carrier)
        self._write_rows(Adviser, "adviser", {e.key: _adviser_values(e, carriers) for e in entries.adviser})
        hours = self._write_rows(Hours, "hours", {e.key: _hours_values(e, places) for e in entries.hours})
        self._write_closures(entries.closure, places, locale)
        for each in entries.hours:
            self._write_rota(hours[each.key], entries)
            self._write_exceptions(hours[each.key], each)
        self.session.flush()
        if not self.found.is_empty:
            self._note_conflicts(known)
        return self.found

    def _known_conflicts(self) -> set[int]:
        if self.session.get(Town, 1) is None:
            return set()
        return {each.visit_id for each in find_conflicts(self.session, self.now)}

    def _note_conflicts(self, known: set[int]) -> None:
        """Only what this load hits needs a confirmation: one that is asked for every time is soon given unread."""
        for each in find_conflicts(self.session, self.now):
            (self.found.standing if each.visit_id in known else self.found.conflicts).append(each)

    def _write_town(self, town_file: TownFile) -> None:
        values = town_file.town.model_dump()
        town = self.session.get(Town, 1)
        if town is None:
            self.session.add(Town(**values))
            self.found.added.append(f'town "{town_file.town.name}"')
        else:
            self._update(town, "town", values)

    def _rows(self, model: type[_Row]) -> dict[str, _Row]:
        query = select(model).order_by(model.id)
        if model is Hours:
            query = query.where(Hours.own_adviser_id.is_(None))  # an adviser's own appointment is not of the file
        return {row.key: row for row in self.session.scalars(query)}

    def _write_rows(self, model: type[_Row], table: str, wanted: Mapping[str, Values]) -> dict[str, _Row]:
        """Make the table's rows as wanted, by key. Returns those that are in force."""
        rows = self._rows(model)
        for key, row in rows.items():
            if key not in wanted and row.retired_at is None:
                row.retired_at = self.now
                self.found.retired.append(f'{table} "{key}"')
        for position, (key, values) in enumerate(wanted.items()):
            if key in rows:
                self._update(rows[key], f'{table} "{key}"', values)
            else:
                rows[key] = _made(model, {"key": key, "position": position, **values})
                self.session.add(rows[key])
                self.found.added.append(f'{table} "{key}"')
        self._order(table, [rows[key] for key in wanted])
        self.session.flush()
        return {key: rows[key] for key in wanted}

    def _order(self, table: str, rows: Sequence[Keyed]) -> None:
        """One line for the order of a table: a row put in the middle would else change all that follow."""
        if any(row.position != position for position, row in enumerate(rows)):
            self.found.changed.append(f"{table}: order of the rows")
        for position, row in enumerate(rows):
            row.position = position

    def _update(self, row: Town | Keyed | Rota | Closure | HoursException, name: str, values: Values) -> None:
        if isinstance(row, Keyed) and row.retired_at is not None:
            row.retired_at = None
            self.found.added.append(f"{name} (back again)")
        for attribute, value in values.items():
            before = getattr(row, attribute)
            if before != value:
                self.found.changed.append(change_line(name, attribute, before, value))
                setattr(row, attribute, value)

    def _write_closures(self, entries: Iterable[ClosureEntry], places: Mapping[str, Place], locale: str) -> None:
        rows = {(row.place, row.from_on, row.until_on): row for row in self.session.scalars(select(Closure))}
        wanted = {(_place(e.place, places), e.from_on, e.until_on): in_locale(e.reason, locale) for e in entries}
        for days in rows.keys() - wanted.keys():
            self.session.delete(rows[days])
            self.found.retired.append(_closure_name(*days))
        for days, reason in wanted.items():
            if days in rows:
                self._update(rows[days], _closure_name(*days), {"reason": reason})
            else:
                place, from_on, until_on = days
                self.session.add(Closure(place=place, from_on=from_on, until_on=until_on, reason=reason))
                self.found.added.append(_closure_name(*days))

    def _write_rota(self, row: Hours, entries: Entries) -> None:
        entry = next((each for each in entries.rota if each.hours == row.key), None)
        name = f'rota "{row.key}"'
        if entry is None and row.rota is not None:
            row.rota = None
            self.found.retired.append(name)
        elif entry is not None and row.rota is None:
            row.rota = Rota(**entry.model_dump(exclude={"hours"}))
            self.found.added.append(name)
        elif entry is not None and row.rota is not None:
            self._update(row.rota, name, entry.model_dump(exclude={"hours"}))

    def _write_exceptions(self, row: Hours, entry: HoursEntry) -> None:
        """Those of the file alone: what somebody changed on the day has rows of its own, which go before these."""
        known = {each.original_on: each for each in row.exceptions if each.from_file}
        wanted = _exception_values(entry)
        for on in sorted(known.keys() - wanted.keys()):
            row.exceptions.remove(known[on])
            self.found.retired.append(_exception_name(row, on))
        for on, values in wanted.items():
            if on in known:
                self._update(known[on], _exception_name(row, on), values)
            else:
                row.exceptions.append(HoursException(original_on=on, from_file=True, **values))
                self.found.added.append(_exception_name(row, on))


def _made(model: type[_Row], values: Values) -> _Row:
    row = model()
    for attribute, value in values.items():
        setattr(row, attribute, value)
    return row


def in_locale(texts: Texts, locale: str) -> Texts:
    """The texts by locale; one that was written without a locale is in the town's first."""
    return {name if name != WRITTEN_ONCE else locale: text for name, text in texts.items()}


def _plain(entries: Iterable[KeyedEntry]) -> dict[str, Values]:
    return {each.key: each.model_dump(exclude={"key"}) for each in entries}


def _translated(entries: Iterable[KeyedEntry], locale: str) -> dict[str, Values]:
    return {key: {**values, "name": in_locale(values["name"], locale)} for key, values in _plain(entries).items()}


def _adviser_values(entry: AdviserEntry, carriers: Mapping[str, Carrier]) -> Values:
    return {**entry.model_dump(exclude={"key", "carrier"}), "carrier": carriers[entry.carrier]}


def _hours_values(entry: HoursEntry, places: Mapping[str, Place]) -> Values:
    values = entry.model_dump(exclude={"key", "place", "days", "rrule", "dates", "closed_on", "also_on", "changed_on"})
    dates = sorted(each.isoformat() for each in entry.dates)
    return {**values, "place": places[entry.place], "rrule": entry.rule, "dates": dates}


def _exception_values(entry: HoursEntry) -> dict[date, Values]:
    nothing = {"held_on": None, "from_time": None, "until_time": None, "advisers": None, "reason": ""}
    closed: dict[date, Values] = {on: {"kind": "cancelled", **nothing} for on in entry.closed_on}
    written = [("added", each) for each in entry.also_on] + [("moved", each) for each in entry.changed_on]
    return closed | {each.on: {"kind": kind, **nothing, **each.model_dump(exclude={"on"})} for kind, each in written}


def _place(key: str | None, places: Mapping[str, Place]) -> Place | None:
    return places[key] if key else None


def _closure_name(place: Place | None, from_on: date, until_on: date) -> str:
    return f"closure {from_on} to {until_on} at {place.key if place else 'all places'}"


def _exception_name(row: Hours, on: date) -> str:
    return f'hours "{row.key}" on {on}'
