"""What is stored, held against the plan: how many rows, since when, and whether anything is older than it may be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Date, Table, and_, func, select, true
from sqlalchemy.orm import Session

from scheduler.actions.deleting import limits_of
from scheduler.db import Base, Encrypted
from scheduler.domain.recurrence import day_interval
from scheduler.domain.retention import SLACK, TABLES, Kept, Whose, goes_at, goes_before, goes_through, say_term
from scheduler.models import Account, Town


class Part(NamedTuple):
    """A table, or a column that is emptied before its row goes (`table.column`). `full`: which rows it is about."""

    name: str
    what: str
    whose: Whose
    kept: Kept
    table: Table
    full: ColumnElement[bool]


class Stored(NamedTuple):
    """What is stored of one part.

    `oldest`: from when the oldest row is counted that has an end; `goes`: when that one goes. `late`: how many rows are
    older than their limit by more than a day.
    """

    part: Part
    kept: str
    rows: int
    oldest: datetime | None
    goes: datetime | None
    late: int


def survey(session: Session, now: datetime) -> Iterator[Stored]:
    """All parts of the plan that hold anything, in its order. Raises LookupError where no town is loaded."""
    town = session.get(Town, 1)
    if town is None:
        raise LookupError("no town is loaded: run `flask --app wsgi load FILE`")
    for part in parts():
        rows = session.scalars(select(func.count()).select_from(part.table).where(part.full)).one()
        if rows:
            yield _stored(session, part, rows, town, now)


def parts() -> Iterator[Part]:
    """All tables, and all columns with a term of their own."""
    for plan in TABLES.values():
        table = Base.metadata.tables[plan.name]
        yield Part(plan.name, plan.what, plan.whose, plan.kept, table, true())
        for column in plan.columns.values():
            if column.kept is not None:
                name = f"{plan.name}.{column.name}"
                full = _is_full(table.c[column.name])
                yield Part(name, f"{column.what}; then emptied", column.whose, column.kept, table, full)


def late_rows(part: Part, town: Town, now: datetime) -> ColumnElement[bool]:
    """Which rows of a part with an end should be gone `now`. They are counted by `_since(part)`."""
    since, limits = _since(part), limits_of(town)
    if isinstance(since.type, Date):
        return since <= goes_through(part.kept.term, limits, town.zone, now)
    return since < goes_before(part.kept.term, limits, town.zone, now)


def _stored(session: Session, part: Part, rows: int, town: Town, now: datetime) -> Stored:
    kept = say_term(part.kept.term, limits_of(town))
    if not part.kept.ends:
        return Stored(part, kept, rows, None, None, 0)
    since = _since(part)
    found = select(func.min(since)).select_from(_joined(part)).where(part.full)
    late = select(func.count()).select_from(_joined(part)).where(part.full, late_rows(part, town, now - SLACK))
    oldest = _instant(session.scalar(found), town.zone)
    goes = goes_at(part.kept.term, limits_of(town), town.zone, oldest) if oldest else None
    return Stored(part, kept, rows, oldest, goes, session.scalars(late).one())


def _since(part: Part) -> ColumnElement[Any]:
    """From what its rows are counted: a column of their own, or of the row that they name."""
    name, _, column = part.kept.since.rpartition(".")
    table = Base.metadata.tables[name] if name else part.table
    return table.c[column]


def _joined(part: Part) -> Any:
    name, _, _ = part.kept.since.rpartition(".")
    return part.table.join(Base.metadata.tables[name]) if name else part.table


def _is_full(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether it still says anything."""
    if column is Account.metadata.tables["account"].c.login:
        return column.not_like("gone-%")
    return and_(column.is_not(None), column != "") if not isinstance(column.type, Encrypted) else column.is_not(None)


def _instant(since: date | datetime | None, zone: ZoneInfo) -> datetime | None:
    if since is None or isinstance(since, datetime):
        return since
    return day_interval(since, zone).starts_at
