"""Reading a file: those that are shipped, those that are no TOML, and how a problem reads."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest

from scheduler import town_file
from scheduler.town_file import TownFileErrors
from tests.town_file.small_file import (
    HOURS,
    LUEBECK,
    OFFENBACH,
    SMALL,
    Change,
    Data,
    problems,
    row,
    session_hours,
    where,
)


@pytest.mark.parametrize("path", [SMALL, OFFENBACH, LUEBECK], ids=["small", "offenbach", "luebeck"])
def test_the_files_of_this_project_are_in_order(path: Path) -> None:
    assert town_file.read(path).warnings == []


def test_every_turn_of_offenbach_serves_adults_and_young_people_in_german() -> None:
    entries = town_file.read(OFFENBACH).entries
    advisers = {each.key: each for each in entries.adviser}
    for turn in entries.rota[0].turns:
        assert len(turn) >= 2
        assert {service for key in turn for service in advisers[key].services} == {"MBE", "JMD"}
    assert all("de" in each.languages for each in entries.adviser)
    assert sum("fa" in each.languages for each in entries.adviser) == 1


def test_all_mistakes_of_a_file_are_reported_at_once(data: Data) -> None:
    data["town"]["state"] = "Hessen"
    data["carrier"][0]["nmae"] = "AWO"
    data["concern"][0]["minutes"] = 1
    data["place"][0].pop("address")
    data["adviser"][1]["carrier"] = "avo"
    data["adviser"][2]["languages"] = ["deutsch"]
    data["closure"][0]["reason"] = ""
    session_hours(data).update(place="rathaus", grid_minutes=0)
    row(data, "hours", "awo-do").update(until=time(12), advisers=["ib-1"])
    data["rota"] = [{"hours": "awo-fr", "starts_on": "2026-01-07", "turns": [["awo-3"]]}]
    assert sorted(where(problems(data))) == [
        ("adviser", "awo-2", "carrier"),
        ("adviser", "ib-1", "languages"),
        ("carrier", "awo", "nmae"),
        ("closure", "2026-12-24", "reason"),
        ("concern", "letter", "minutes"),
        ("hours", "awo-do", "until"),
        ("hours", HOURS, "grid_minutes"),
        ("hours", HOURS, "place"),
        ("place", "buergerbuero", "address"),
        ("rota", "awo-fr", "hours"),
        ("rota", "awo-fr", "starts_on"),
        ("rota", "awo-fr", "turns"),
        ("town", "", "state"),
    ]


def test_a_problem_reads_as_one_line(data: Data) -> None:
    session_hours(data)["place"] = "rathaus"
    assert str(problems(data)[0]) == 'hours "buergerbuero-mi" · place: there is no place "rathaus"'


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d["carrier"][0].update(nmae="AWO"), 'there is no such field; did you mean "name"?'),
        (lambda d: d.update(advisor=[]), 'there is no such table; did you mean "adviser"?'),
        (lambda d: d["adviser"][0].update(carrier="avo"), 'there is no carrier "avo"; did you mean "awo"?'),
        (
            lambda d: session_hours(d).update(also_on=[{"date": date(2026, 11, 27), "util": time(12)}]),
            'entry 1, util: there is no such field; did you mean "until"?',
        ),
        (lambda d: session_hours(d).update(admits="all"), "must be one of 'walk_in', 'appointment', 'mixed' or"),
        (lambda d: session_hours(d).update(grid_minutes=1), "must be at least 5"),
        (
            lambda d: session_hours(d).update(valid_from=datetime(2007, 7, 1, tzinfo=UTC)),
            "must be a date without quotes",
        ),
    ],
)
def test_the_reason_helps(data: Data, change: Change, words: str) -> None:
    change(data)
    assert words in problems(data)[0].reason


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'[town]\nname = "A\n', "line 2"),
        (b"[town]\nname = 'B'\nname = 'C'\n", "line 3"),
        (b'[town]\nname = "B\xfcro"\n', "is not UTF-8 text (line 2)"),
    ],
)
def test_what_is_no_toml_is_a_problem_too(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "town.toml"
    path.write_bytes(content)
    with pytest.raises(TownFileErrors) as refused:
        town_file.read(path)
    assert where(refused.value.problems) == [("file", "town.toml", "")]
    assert words in refused.value.problems[0].reason


def test_a_file_that_is_not_there_is_a_problem_too(tmp_path: Path) -> None:
    with pytest.raises(TownFileErrors, match="No such file"):
        town_file.read(tmp_path / "nowhere.toml")
