"""Advisers' own calendars as rows, and a jobs process's work that reads them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from jobs.busy_calendars import Patience, read_due
from jobs.work import Work
from scheduler.actions.busy_calendars import add_calendar
from scheduler.busy_calendars.apart import Limits
from scheduler.db import Database
from scheduler.domain.intervals import Interval
from scheduler.models import Absence, BusyCalendar, Town
from tests.actions.small_town import adviser_of
from tests.busy_calendars.samples import BERLIN
from tests.conftest import NOW, SECRET, make_config

PATIENT = Patience()
IMPATIENT = Patience(fetch_seconds=0.6, reading=Limits(cpu_seconds=2, wall_seconds=8))
HASTY = Patience(fetch_seconds=0.6, reading=Limits(cpu_seconds=1, wall_seconds=8))


def work_with(database: Database, *hosts: str, now: datetime = NOW) -> Work:
    url = database.engine.url.render_as_string(hide_password=False)
    return Work(make_config(url, calendar_hosts=frozenset(hosts)), database, clock=lambda: now)


def read_all(database: Database, *hosts: str, now: datetime = NOW, patience: Patience = PATIENT) -> None:
    """One round of the jobs process at that instant."""
    read_due(work_with(database, *hosts, now=now), patience)


def add(database: Database, url: str, key: str = "awo-1", busy: Sequence[Interval] = ()) -> int:
    """The adviser enters a calendar. `busy`: it was read yesterday, and held this."""
    with database.writing() as session:
        row = add_calendar(session, adviser_of(session, key), url, "127.0.0.1", secret=SECRET, now=NOW)
        if busy:
            row.read_at = row.tried_at = NOW - timedelta(days=1)
        for each in busy:
            session.add(Absence(adviser_id=row.adviser_id, busy_calendar_id=row.id, source="imported",
                                starts_at=each.starts_at, ends_at=each.ends_at))  # fmt: skip
        session.commit()
        return row.id


def change(database: Database, calendar_id: int, **values: Any) -> None:
    with database.writing() as session:
        row = session.get_one(BusyCalendar, calendar_id)
        for name, value in values.items():
            setattr(row, name, value)
        session.commit()


def row_of(database: Database, calendar_id: int) -> BusyCalendar:
    with database.reading() as session:
        found = session.get_one(BusyCalendar, calendar_id)
        session.expunge(found)
        return found


def absences_of(database: Database, calendar_id: int) -> list[tuple[int, str]]:
    """Id and local time of each absence of this calendar."""
    with database.reading() as session:
        rows = session.scalars(
            select(Absence).where(Absence.busy_calendar_id == calendar_id).order_by(Absence.starts_at)
        )
        return [(each.id, _local(each.starts_at, each.ends_at)) for each in rows]


def times_of(database: Database, calendar_id: int) -> list[str]:
    return [words for _, words in absences_of(database, calendar_id)]


def stamp_of(database: Database) -> str:
    with database.reading() as session:
        return session.get_one(Town, 1).rules_stamp


def _local(starts_at: datetime, ends_at: datetime) -> str:
    return " – ".join(f"{each.astimezone(BERLIN):%m-%d %H:%M}" for each in (starts_at, ends_at))
