"""The small town's file as the tests talk about it: change a row, store it, see what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler import cli_town, town_file
from scheduler.models import Adviser, Hours, Opening, Service, Visit
from scheduler.town_file import Problem, TownFileErrors

SMALL = Path(__file__).parents[1] / "towns" / "small.toml"
OFFENBACH = Path(cli_town.__file__).parent / "towns" / "offenbach.toml"
LUEBECK = OFFENBACH.with_name("luebeck.toml")

Data = dict[str, Any]
Change = Callable[[Data], object]

HOURS = "buergerbuero-mi"
WEDNESDAY = date(2026, 11, 25)
NINE = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
"""Nine o'clock in the small town on that day."""


def row(data: Data, table: str, key: str) -> Data:
    found: Data = next(each for each in data[table] if each.get("key") == key)
    return found


def remove(data: Data, table: str, key: str) -> None:
    data[table].remove(row(data, table, key))


def session_hours(data: Data) -> Data:
    return row(data, "hours", "buergerbuero-mi")


def use_rota(data: Data, turns: list[list[str]], **fields: Any) -> list[Data]:
    del session_hours(data)["advisers"]
    data["rota"] = [{"hours": "buergerbuero-mi", "starts_on": date(2026, 1, 7), "turns": turns, **fields}]
    rota: list[Data] = data["rota"]
    return rota


def problems(data: Data) -> list[Problem]:
    with pytest.raises(TownFileErrors) as refused:
        town_file.parse(data)
    return refused.value.problems


def where(found: list[Problem]) -> list[tuple[str, str, str]]:
    return [(each.table, each.key, each.field) for each in found]


def store(session: Session, data: Data, now: datetime) -> town_file.Difference:
    return town_file.store(session, town_file.parse(data), now)


def an_opening(session: Session, on: date = WEDNESDAY) -> Opening:
    hours = session.scalars(select(Hours).where(Hours.key == HOURS)).one()
    opening = Opening(hours=hours, original_on=on)
    session.add(opening)
    session.flush()
    return opening


def a_booked_visit(session: Session, now: datetime, on: date = WEDNESDAY) -> Visit:
    """From nine to a quarter to ten, with awo-1, for a service that adults ask for."""
    opening = an_opening(session, on)
    starts_at = NINE + (on - WEDNESDAY)
    visit = Visit(
        opening=opening,
        place=opening.hours.place,
        local_on=on,
        kind="appointment",
        state="booked",
        locale="ar",
        service=session.scalars(select(Service).where(Service.key == "MBE")).one(),
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=45),
        planned_adviser=session.scalars(select(Adviser).where(Adviser.key == "awo-1")).one(),
        code="482917305" if on == WEDNESDAY else None,
        created_at=now,
        changed_at=now,
    )
    session.add(visit)
    session.flush()
    return visit
