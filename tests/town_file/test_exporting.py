"""An export is the same file: loading it changes nothing."""

from __future__ import annotations

import tomllib
from datetime import date, datetime, time
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from scheduler import town_file
from tests.town_file.small_file import LUEBECK, OFFENBACH, SMALL, Data, row, session_hours, store, use_rota


@pytest.mark.parametrize("path", [SMALL, OFFENBACH, LUEBECK], ids=["small", "offenbach", "luebeck"])
def test_what_is_exported_loads_without_a_difference(session: Session, path: Path, now: datetime) -> None:
    town_file.store(session, town_file.read(path), now)
    exported = town_file.export(session)
    again = town_file.parse(tomllib.loads(exported))
    assert town_file.difference(session, again, now).is_empty
    assert store(session, tomllib.loads(exported), now).is_empty
    assert town_file.export(session) == exported


def test_an_export_keeps_all_that_a_file_can_say(session: Session, data: Data, now: datetime) -> None:
    data["town"].update(calls_before_missed=2, contact_days=3)
    data["topic"][0]["name"] = "Nur deutsch"
    use_rota(data, [["awo-1", "awo-2"], ["ib-1", "awo-2"]], skipped="pass_on")
    session_hours(data).update(
        ticket_limit=60,
        concerns=["letter"],
        room='Saal "Ost"',
        after_until=False,
        lead_hours=2,
        horizon_days=30,
        release_days=7,
        valid_until=date(2030, 12, 31),
        closed_on=[date(2026, 12, 2)],
        also_on=[{"date": date(2026, 11, 27), "from": time(8), "until": time(10), "advisers": ["awo-2"]}],
    )
    hours = row(data, "hours", "awo-do")
    hours.update(rrule="FREQ=MONTHLY;BYDAY=1TH,3TH", dates=[date(2026, 11, 30)])
    del hours["days"]
    data["hours"].append(
        {
            "key": "telefon",
            "place": "awo-buero",
            "services": ["MBE"],
            "valid_from": date(2026, 1, 1),
            "admits": "by_arrangement",
        }
    )
    store(session, data, now)
    session.expire_all()
    exported = tomllib.loads(town_file.export(session))
    assert exported["hours"][0]["also_on"] == session_hours(data)["also_on"]
    assert exported["hours"][1]["rrule"] == "FREQ=MONTHLY;BYDAY=1TH,3TH"
    assert exported["rota"] == data["rota"]
    assert exported["topic"][0]["name"] == {"de": "Nur deutsch"}
    assert store(session, exported, now).is_empty
    assert store(session, data, now).is_empty
