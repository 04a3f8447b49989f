"""Load, export, load: nothing changes, whatever a file can say; and what was made on the day stays."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler import town_file
from scheduler.actions.rulebook import read_rulebook
from scheduler.db import Database
from scheduler.models import Adviser, Hours, HoursException
from scheduler.town_file.format import TABLES, AddedDate, ChangedDate, TownEntry
from tests.conftest import NOW
from tests.town_file.random_towns import town_files
from tests.town_file.small_file import HOURS, WEDNESDAY, Change, Data, row, session_hours, store, use_rota

FEBRUARY_29 = "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"


def office(data: Data) -> Data:
    return row(data, "hours", "awo-do")


def by_rrule(data: Data, rrule: str) -> None:
    del office(data)["days"]
    office(data)["rrule"] = rrule


def telephone(**fields: Any) -> Data:
    hours = {"key": "telefon", "place": "awo-buero", "services": ["MBE"], "valid_from": date(2026, 1, 1)}
    return {**hours, "admits": "by_arrangement", **fields}


CLOSURES: list[Data] = [
    {"place": "awo-buero", "from": date(2027, 5, 7), "until": date(2027, 5, 7), "reason": "Brückentag"},
    {"from": date(2026, 12, 24), "until": date(2027, 1, 1), "reason": {"de": "Ferien", "ar": "عطلة"}},
]

FEATURES: dict[str, Change] = {
    "several weekdays": lambda d: office(d).update(days="TU,TH"),
    "every third week": lambda d: by_rrule(d, "FREQ=WEEKLY;INTERVAL=3;BYDAY=TH"),
    "first and third of a month": lambda d: by_rrule(d, "FREQ=MONTHLY;BYDAY=1TH,3TH"),
    "last of a month": lambda d: by_rrule(d, "FREQ=MONTHLY;BYDAY=-1TH"),
    "leap day": lambda d: by_rrule(d, FEBRUARY_29),
    "calendar weeks": lambda d: by_rrule(d, "FREQ=YEARLY;BYWEEKNO=1,27,53;BYDAY=TH"),
    "dates only": lambda d: (office(d).pop("days"), office(d).update(dates=[date(2026, 11, 21), date(2027, 2, 6)])),
    "dates beside days": lambda d: office(d).update(dates=[date(2026, 11, 21)]),
    "two regimes": lambda d: (
        d["hours"].append({**deepcopy(office(d)), "key": "awo-neu", "until": time(17), "valid_from": date(2027, 1, 1)}),
        office(d).update(valid_until=date(2026, 12, 31)),
    ),
    "closures": lambda d: d.update(closure=deepcopy(CLOSURES)),
    "closed and added dates": lambda d: session_hours(d).update(
        closed_on=[date(2026, 12, 2), date(2026, 12, 9)],
        also_on=[
            {"date": date(2026, 11, 27)},
            {"date": date(2026, 12, 30), "from": time(8), "until": time(10), "advisers": ["awo-2"]},
        ],
    ),
    "changed dates": lambda d: session_hours(d).update(
        changed_on=[
            {"date": WEDNESDAY, "held_on": date(2026, 11, 27), "from": time(13), "until": time(15, 30)},
            {"date": date(2026, 12, 2), "until": time(11)},
            {"date": date(2026, 12, 9), "advisers": ["awo-2", "ib-1"]},
        ]
    ),
    "rota": lambda d: use_rota(d, [["awo-1", "awo-2"], ["ib-1", "awo-2"]]),
    "rota that passes on": lambda d: use_rota(d, [["awo-1", "awo-2"], ["ib-1", "awo-2"]], skipped="pass_on"),
    "by arrangement": lambda d: d["hours"].append(telephone()),
    "by arrangement, with days": lambda d: d["hours"].append(telephone(days="MO", advisers=["awo-2"])),
    "by arrangement, with days and times": lambda d: d["hours"].append(
        telephone(days="MO", **{"from": time(9), "until": time(12)})
    ),
    "walk-in with a cap": lambda d: office(d).update(
        admits="walk_in", ticket_limit=12, tickets_minutes_before=20, after_until=False
    ),
    "all about appointments": lambda d: office(d).update(
        grid_minutes=20,
        lead_hours=2,
        horizon_days=30,
        release_days=0,
        desk_share=0.25,
        concerns=["letter"],
        room='Saal "Ost" \\ 2',
    ),
    "all about the town": lambda d: d["town"].update(
        calls_before_missed=2, contact_days=0, visit_months=6, bookings_per_contact=3, state="SH"
    ),
    "all about people and places": lambda d: (
        d["place"][0].update(first_ticket=100),
        d["adviser"][0].update(email="awo-1@example.org"),
    ),
    "texts written once, of all characters": lambda d: (
        d["topic"][0].update(name='Nur "deutsch"\n\tund \\ schräg'),
        d["carrier"][0].update(name="🙂 ’x’ #1 = [a]"),
    ),
}


def assert_round_trip(session: Session, data: Data) -> None:
    store(session, data, NOW)
    session.expire_all()
    exported = town_file.export(session)
    again = tomllib.loads(exported)
    assert town_file.difference(session, town_file.parse(again), NOW).lines == []
    assert store(session, again, NOW).is_empty
    assert store(session, data, NOW).is_empty
    assert town_file.export(session) == exported
    loaded, read = town_file.parse(data).entries, town_file.parse(again).entries
    assert (read.hours, read.rota) == (loaded.hours, loaded.rota)


@pytest.mark.parametrize("change", FEATURES.values(), ids=FEATURES)
def test_a_feature_survives_a_round_trip(session: Session, data: Data, change: Change) -> None:
    change(data)
    assert_round_trip(session, data)


def test_a_weekly_rule_comes_back_as_days(session: Session, data: Data, now: datetime) -> None:
    by_rrule(data, "FREQ=WEEKLY;BYDAY=TH")
    assert store(session, data, now).is_empty
    assert 'days = "TH"' in town_file.export(session)
    assert "rrule" not in town_file.export(session)


def test_these_features_are_all_that_a_file_can_say(data: Data) -> None:
    """A field that is added to the file must be added to the round trips."""
    used: dict[str, set[str]] = {table: set() for table in (*TABLES, "town", "also_on", "changed_on")}
    for change in FEATURES.values():
        changed = deepcopy(data)
        change(changed)
        used["town"] |= changed.pop("town").keys()
        for table, rows in changed.items():
            used[table] |= {name for each in rows for name in each}
        for name in ("also_on", "changed_on"):
            used[name] |= {field for hours in changed["hours"] for each in hours.get(name, []) for field in each}
    known = {**TABLES, "town": TownEntry, "also_on": AddedDate, "changed_on": ChangedDate}
    for table, entry in known.items():
        assert {each.alias or name for name, each in entry.model_fields.items()} == used[table], table


@pytest.fixture(scope="module")
def one_database(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """For all random files: each one's transaction is rolled back."""
    path = tmp_path_factory.mktemp("round-trips") / "towns.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.engine.dispose()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=town_files())
def test_random_files_survive_a_round_trip(one_database: Database, data: Data) -> None:
    with one_database.writing() as session:
        assert_round_trip(session, data)


def test_what_was_made_on_the_day_survives_loads_and_is_not_exported(
    session: Session, data: Data, now: datetime
) -> None:
    friday, moved = date(2026, 11, 27), date(2026, 12, 9)
    hours = session.scalars(select(Hours).where(Hours.key == HOURS)).one()
    hours.exceptions += [
        HoursException(original_on=WEDNESDAY, kind="cancelled", reason="Wasserschaden", from_file=False),
        HoursException(original_on=friday, kind="added", until_time=time(11), from_file=False),
        HoursException(original_on=moved, kind="moved", advisers=["awo-2"], from_file=False),
    ]
    session.flush()
    before = taking_place(session)
    exported = town_file.export(session)
    assert "closed_on" not in exported and "also_on" not in exported and "changed_on" not in exported
    assert store(session, tomllib.loads(exported), now).is_empty
    session_hours(data).update(
        changed_on=[{"date": WEDNESDAY, "until": time(10)}, {"date": moved, "advisers": ["ib-1"]}],
        also_on=[{"date": friday, "until": time(12)}],
    )
    store(session, data, now)
    assert taking_place(session) == before, "what somebody decided on the day goes before an older file"
    assert store(session, tomllib.loads(town_file.export(session)), now).is_empty
    assert {each.reason for each in hours.exceptions} == {"Wasserschaden", ""}


def taking_place(session: Session) -> list[tuple[date, datetime, tuple[str, ...]]]:
    session.expire_all()
    found = read_rulebook(session).openings(date(2026, 11, 23), date(2026, 12, 13))
    return [(each.dated.on, each.dated.ends_at, each.dated.staff) for each in found if each.dated.takes_place]


def test_an_appointment_that_an_adviser_entered_alone_is_not_of_the_file(
    session: Session, data: Data, now: datetime
) -> None:
    office_hours = session.scalars(select(Hours).where(Hours.key == "awo-do")).one()
    own = Hours(
        key="own-1",
        place=office_hours.place,
        services=["MBE"],
        dates=["2026-11-27"],
        from_time=time(9),
        until_time=time(10),
        valid_from=date(2026, 11, 27),
        admits="appointment",
        advisers=["awo-1"],
        position=99,
        own_adviser_id=session.scalars(select(Adviser.id).where(Adviser.key == "awo-1")).one(),
    )
    session.add(own)
    session.flush()
    assert store(session, data, now).is_empty
    assert own.retired_at is None
    assert "own-1" not in town_file.export(session)
