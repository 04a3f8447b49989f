"""From the database back to a town's file. What is retired is left out, and so is what equals the default."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from scheduler.models import (
    Adviser,
    Agency,
    Carrier,
    Closure,
    Concern,
    Hours,
    HoursException,
    Place,
    Rota,
    Service,
    Topic,
    Town,
)
from scheduler.models.town import Keyed
from scheduler.town_file.format import (
    AdviserEntry,
    AgencyEntry,
    CarrierEntry,
    ClosureEntry,
    ConcernEntry,
    Entry,
    HoursEntry,
    PlaceEntry,
    RotaEntry,
    ServiceEntry,
    TopicEntry,
    TownEntry,
)
from scheduler.town_file.wording import literal

Fields = dict[str, Any]

_KEYED: list[tuple[str, type[Keyed], type[Entry]]] = [
    ("carrier", Carrier, CarrierEntry),
    ("service", Service, ServiceEntry),
    ("concern", Concern, ConcernEntry),
    ("topic", Topic, TopicEntry),
    ("agency", Agency, AgencyEntry),
    ("place", Place, PlaceEntry),
    ("adviser", Adviser, AdviserEntry),
]


def export(session: Session) -> str:
    """The town as the text of a file: loading it into the same database changes nothing. Raises LookupError where
    no town is loaded.
    """
    town = session.get(Town, 1)
    if town is None:
        raise LookupError("no town is loaded: there is nothing to export")
    parts = [_written("[town]", _fields(TownEntry, town))]
    for table, model, entry in _KEYED:
        parts += [_written(f"[[{table}]]", _fields(entry, row)) for row in _in_force(session, model)]
    closures = session.scalars(select(Closure)).all()
    parts += [_written("[[closure]]", each) for each in sorted(map(_closure, closures), key=_by_date)]
    parts += _office_hours(session)
    return "\n".join(parts)


def _in_force(session: Session, model: type[Keyed]) -> Iterable[Keyed]:
    return session.scalars(select(model).where(model.retired_at.is_(None)).order_by(model.position, model.id))


def _office_hours(session: Session) -> Iterator[str]:
    rows = session.scalars(
        select(Hours)
        .where(Hours.retired_at.is_(None), Hours.own_adviser_id.is_(None))
        .options(selectinload(Hours.exceptions), selectinload(Hours.rota))
        .order_by(Hours.position, Hours.id)
    ).all()
    yield from (_written("[[hours]]", _hours(row)) for row in rows)
    yield from (_written("[[rota]]", _rota(row.rota)) for row in rows if row.rota)


def _fields(entry: type[Entry], row: object) -> Fields:
    """The fields of the row that say something, under the names and in the order of the file."""
    found: Fields = {}
    for name, described in entry.model_fields.items():
        value = getattr(row, name, None)
        value = value.key if isinstance(value, Keyed) else value
        if value is not None and value != described.default:
            found[described.alias or name] = value
    return found


def _closure(row: Closure) -> Fields:
    return _fields(ClosureEntry, row)


def _by_date(closure: Fields) -> tuple[date, date, str]:
    return closure["from"], closure["until"], closure.get("place", "")


def _hours(row: Hours) -> Fields:
    found = _fields(HoursEntry, row)
    weekly = re.fullmatch(r"FREQ=WEEKLY;BYDAY=([A-Z]{2}(?:,[A-Z]{2})*)", row.rrule or "")
    if weekly:
        found = {("days" if name == "rrule" else name): value for name, value in found.items()}
        found["days"] = weekly[1]
    if row.dates:
        found["dates"] = [date.fromisoformat(each) for each in row.dates]
    exceptions = sorted((each for each in row.exceptions if each.from_file), key=lambda each: each.original_on)
    found["closed_on"] = [each.original_on for each in exceptions if each.kind == "cancelled"]
    found["also_on"] = [_date(each) for each in exceptions if each.kind == "added"]
    found["changed_on"] = [_date(each) for each in exceptions if each.kind == "moved"]
    return {name: value for name, value in found.items() if value != []}


def _date(row: HoursException) -> Fields:
    """The table of one date in `also_on` or `changed_on`."""
    fields = {
        "date": row.original_on,
        "held_on": row.held_on,
        "from": row.from_time,
        "until": row.until_time,
        "advisers": row.advisers,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _rota(row: Rota) -> Fields:
    return _fields(RotaEntry, row)


def _written(heading: str, fields: Fields) -> str:
    return "\n".join([heading, *(f"{name} = {literal(value)}" for name, value in fields.items()), ""])
