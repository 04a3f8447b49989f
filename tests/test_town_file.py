"""The town's file: what is refused and in which words, what a load changes, and that an export is the same file."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler import cli_town, town_file
from scheduler.actions.rulebook import read_rulebook
from scheduler.db import Database
from scheduler.models import (
    Adviser,
    Carrier,
    Closure,
    Concern,
    Feed,
    Hours,
    HoursException,
    Opening,
    Place,
    Rota,
    Town,
    Visit,
)
from scheduler.town_file import Problem, TownFileErrors

SMALL = Path(__file__).parent / "towns" / "small.toml"
OFFENBACH = Path(cli_town.__file__).parent / "towns" / "offenbach.toml"

Data = dict[str, Any]
Change = Callable[[Data], object]

WEDNESDAY = date(2026, 11, 25)
NINE = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
"""Nine o'clock in the small town on that day."""


@pytest.fixture
def data() -> Data:
    """The small town as parsed TOML, to be changed."""
    return tomllib.loads(SMALL.read_text())


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


# Reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [SMALL, OFFENBACH], ids=["small", "offenbach"])
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


HOURS = "buergerbuero-mi"

BROKEN: dict[str, tuple[Change, list[tuple[str, str, str]]]] = {
    "no town": (lambda d: d.pop("town"), [("town", "", "")]),
    "town is a list": (lambda d: d.update(town=[d["town"]]), [("town", "", "")]),
    "unknown table": (lambda d: d.update(plaza=[]), [("plaza", "", "")]),
    "table instead of rows": (lambda d: d.update(topic={"key": "a"}), [("topic", "", "")]),
    "unknown time zone": (lambda d: d["town"].update(timezone="Europe/Offenbach"), [("town", "", "timezone")]),
    "time zone is a folder": (lambda d: d["town"].update(timezone="Europe"), [("town", "", "timezone")]),
    "unknown state": (lambda d: d["town"].update(state="XX"), [("town", "", "state")]),
    "no locales": (lambda d: d["town"].update(locales=[]), [("town", "", "locales")]),
    "unknown locale": (lambda d: d["town"].update(locales=["de", "en", "ar", "qq"]), [("town", "", "locales")]),
    "contacts kept for years": (lambda d: d["town"].update(contact_days=999), [("town", "", "contact_days")]),
    "unknown field": (lambda d: d["carrier"][0].update(nmae="AWO"), [("carrier", "awo", "nmae")]),
    "empty name": (lambda d: d["carrier"][0].update(name=" "), [("carrier", "awo", "name")]),
    "number as text": (lambda d: d["concern"][0].update(minutes="15"), [("concern", "letter", "minutes")]),
    "truth as number": (lambda d: d["concern"][0].update(minutes=True), [("concern", "letter", "minutes")]),
    "concern too short": (lambda d: d["concern"][0].update(minutes=4), [("concern", "letter", "minutes")]),
    "concern too long": (lambda d: d["concern"][0].update(minutes=241), [("concern", "letter", "minutes")]),
    "five concerns": (
        lambda d: d["concern"].append({"key": "fifth", "name": "Noch etwas", "minutes": 15}),
        [("concern", "fifth", "key")],
    ),
    "name in a locale the town lacks": (
        lambda d: d["topic"][0]["name"].update(fr="Cours"),
        [("topic", "language-course", "name")],
    ),
    "name is a number": (lambda d: d["topic"][0].update(name=3), [("topic", "language-course", "name")]),
    "name by locale is empty": (lambda d: d["topic"][0]["name"].update(en=""), [("topic", "language-course", "name")]),
    "ages upside down": (lambda d: row(d, "service", "JMD").update(until_age=12), [("service", "JMD", "until_age")]),
    "no key": (lambda d: d["agency"][0].pop("key"), [("agency", "#1", "key")]),
    "key with capitals": (lambda d: d["agency"][0].update(key="Jobcenter"), [("agency", "Jobcenter", "key")]),
    "duplicate key": (lambda d: d["agency"].append(d["agency"][0]), [("agency", "jobcenter", "key")]),
    "phone of letters": (lambda d: d["agency"][0].update(phone="call us"), [("agency", "jobcenter", "phone")]),
    "phone too short": (lambda d: d["agency"][0].update(phone="12"), [("agency", "jobcenter", "phone")]),
    "no address": (lambda d: d["place"][0].pop("address"), [("place", "buergerbuero", "address")]),
    "station twice": (lambda d: d["place"][0].update(stations=["A", "A"]), [("place", "buergerbuero", "stations")]),
    "station is a number": (lambda d: d["place"][0].update(stations=["A", 2]), [("place", "buergerbuero", "stations")]),
    "unknown carrier": (lambda d: d["adviser"][0].update(carrier="caritas"), [("adviser", "awo-1", "carrier")]),
    "unknown service": (lambda d: d["adviser"][0].update(services=["MEB"]), [("adviser", "awo-1", "services")]),
    "no language": (lambda d: d["adviser"][0].update(languages=[]), [("adviser", "awo-1", "languages")]),
    "unknown language": (lambda d: d["adviser"][0].update(languages=["de", "xx"]), [("adviser", "awo-1", "languages")]),
    "mail without an at": (lambda d: d["adviser"][0].update(email="awo.example.org"), [("adviser", "awo-1", "email")]),
    "unknown place": (lambda d: session_hours(d).update(place="rathaus"), [("hours", HOURS, "place")]),
    "unknown adviser": (lambda d: session_hours(d)["advisers"].append("awo-9"), [("hours", HOURS, "advisers")]),
    "adviser twice": (lambda d: session_hours(d)["advisers"].append("awo-1"), [("hours", HOURS, "advisers")]),
    "unknown concern": (lambda d: session_hours(d).update(concerns=["visa"]), [("hours", HOURS, "concerns")]),
    "until before from": (lambda d: session_hours(d).update(until=time(8)), [("hours", HOURS, "until")]),
    "no from": (lambda d: session_hours(d).pop("from"), [("hours", HOURS, "from")]),
    "half a minute": (lambda d: session_hours(d).update(until=time(11, 0, 30)), [("hours", HOURS, "until")]),
    "valid until before it begins": (
        lambda d: session_hours(d).update(valid_until=date(2007, 6, 30)),
        [("hours", HOURS, "valid_until")],
    ),
    "instant where a date belongs": (
        lambda d: session_hours(d).update(valid_from=datetime(2007, 7, 1, tzinfo=UTC)),
        [("hours", HOURS, "valid_from")],
    ),
    "valid from year one": (
        lambda d: session_hours(d).update(valid_from=date(1, 1, 1)),
        [("hours", HOURS, "valid_from")],
    ),
    "grid of a minute": (lambda d: session_hours(d).update(grid_minutes=1), [("hours", HOURS, "grid_minutes")]),
    "unknown kind of hours": (lambda d: session_hours(d).update(admits="all"), [("hours", HOURS, "admits")]),
    "days and rrule": (lambda d: session_hours(d).update(rrule="FREQ=MONTHLY;BYDAY=1WE"), [("hours", HOURS, "rrule")]),
    "no days at all": (lambda d: session_hours(d).pop("days"), [("hours", HOURS, "days")]),
    "day in German": (lambda d: session_hours(d).update(days="MI"), [("hours", HOURS, "days")]),
    "appointments without staff": (lambda d: session_hours(d).pop("advisers"), [("hours", HOURS, "advisers")]),
    "staff and rota": (
        lambda d: d.update(rota=[{"hours": HOURS, "starts_on": WEDNESDAY, "turns": [["awo-1"]]}]),
        [("hours", HOURS, "advisers")],
    ),
    "rota of unknown hours": (
        lambda d: d.update(rota=[{"hours": "mittwochs", "starts_on": WEDNESDAY, "turns": [["awo-1"]]}]),
        [("rota", "mittwochs", "hours")],
    ),
    "rota with an unknown adviser": (lambda d: use_rota(d, [["awo-1"], ["awo-8"]]), [("rota", HOURS, "turns")]),
    "rota with an empty turn": (lambda d: use_rota(d, [["awo-1"], []]), [("rota", HOURS, "turns")]),
    "rota without turns": (lambda d: use_rota(d, []), [("rota", HOURS, "turns")]),
    "two rotas": (
        lambda d: (rota := use_rota(d, [["awo-1"]])).append(rota[0]),
        [("rota", HOURS, "hours")],
    ),
    "adviser without any of the services": (
        lambda d: row(d, "hours", "awo-do").update(advisers=["ib-1"]),
        [("hours", "awo-do", "advisers")],
    ),
    "adviser in a turn without any of the services": (
        lambda d: (use_rota(d, [["awo-1"], ["ib-1"]]), session_hours(d).update(services=["MBE"])),
        [("rota", HOURS, "turns")],
    ),
    "closed on another weekday": (
        lambda d: session_hours(d).update(closed_on=[date(2026, 11, 26)]),
        [("hours", HOURS, "closed_on")],
    ),
    "added on a date of the rule": (
        lambda d: session_hours(d).update(also_on=[{"date": WEDNESDAY}]),
        [("hours", HOURS, "also_on")],
    ),
    "added, but no table": (lambda d: session_hours(d).update(also_on=[WEDNESDAY]), [("hours", HOURS, "also_on")]),
    "added twice": (
        lambda d: session_hours(d).update(also_on=[{"date": date(2026, 11, 27)}] * 2),
        [("hours", HOURS, "also_on")],
    ),
    "added without a date": (lambda d: session_hours(d).update(also_on=[{}]), [("hours", HOURS, "also_on")]),
    "added, unknown field": (
        lambda d: session_hours(d).update(also_on=[{"date": date(2026, 11, 27), "util": time(12)}]),
        [("hours", HOURS, "also_on")],
    ),
    "added, ends before it begins": (
        lambda d: session_hours(d).update(also_on=[{"date": date(2026, 11, 27), "from": time(13)}]),
        [("hours", HOURS, "also_on")],
    ),
    "added beside a rota without staff": (
        lambda d: (use_rota(d, [["awo-1"]]), session_hours(d).update(also_on=[{"date": date(2026, 11, 27)}])),
        [("hours", HOURS, "also_on")],
    ),
    "added with an unknown adviser": (
        lambda d: session_hours(d).update(also_on=[{"date": date(2026, 11, 27), "advisers": ["awo-7"]}]),
        [("hours", HOURS, "also_on")],
    ),
    "closure ends before it begins": (
        lambda d: d["closure"][0].update(until=date(2026, 12, 1)),
        [("closure", "2026-12-24", "until")],
    ),
    "closure twice": (lambda d: d["closure"].append(d["closure"][0]), [("closure", "2026-12-24", "from")]),
    "closure without a reason": (lambda d: d["closure"][0].pop("reason"), [("closure", "2026-12-24", "reason")]),
    "closure of an unknown place": (
        lambda d: d["closure"][0].update(place="rathaus"),
        [("closure", "2026-12-24", "place")],
    ),
    "overlapping duties": (
        lambda d: row(d, "hours", "awo-do").update({"days": "WE,TH", "from": time(11)}),
        [("hours", "awo-do", "advisers")],
    ),
}


@pytest.mark.parametrize(("change", "expected"), BROKEN.values(), ids=BROKEN)
def test_a_mistake_is_reported_where_it_is(data: Data, change: Change, expected: list[tuple[str, str, str]]) -> None:
    change(data)
    assert where(problems(data)) == expected


@pytest.mark.parametrize(
    "rrule",
    [
        "every wednesday",
        "freq=weekly;byday=WE",
        "RRULE:FREQ=WEEKLY;BYDAY=WE",
        "FREQ=WEEKLY",
        "FREQ=HOURLY;BYDAY=WE",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;BYDAY=WE;BYHOUR=9",
        "FREQ=WEEKLY;BYDAY=WE;UNTIL=20261231T120000Z",
        "FREQ=WEEKLY;BYDAY=WE;COUNT=3;UNTIL=20261231",
        "FREQ=WEEKLY;BYDAY=WE;INTERVAL=x",
        "FREQ=WEEKLY;BYDAY=WE;INTERVAL=0",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    ],
)
def test_a_recurrence_that_cannot_be_meant_is_refused(data: Data, rrule: str) -> None:
    del session_hours(data)["days"]
    session_hours(data)["rrule"] = rrule
    assert where(problems(data)) == [("hours", HOURS, "rrule")]


@pytest.mark.parametrize("rrule", ["FREQ=MONTHLY;BYDAY=1WE,3WE", "FREQ=WEEKLY;INTERVAL=2;BYDAY=WE", "FREQ=DAILY"])
def test_other_recurrences_are_taken_as_written(data: Data, rrule: str) -> None:
    row(data, "hours", "awo-do").update(advisers=["awo-1"], **{"from": time(13), "until": time(16)})
    del session_hours(data)["days"]
    session_hours(data)["rrule"] = rrule
    assert town_file.parse(data).entries.hours[0].rule == rrule


def test_hours_by_arrangement_need_neither_times_nor_days(data: Data) -> None:
    data["hours"].append(
        {
            "key": "telefon",
            "place": "awo-buero",
            "services": ["MBE"],
            "valid_from": date(2026, 1, 1),
            "admits": "by_arrangement",
        }
    )
    assert town_file.parse(data).warnings == []


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


def test_overlapping_duties_name_the_hours_the_adviser_and_the_first_date(data: Data) -> None:
    use_rota(data, [["awo-2"], ["awo-1"], ["ib-1"]])
    row(data, "hours", "awo-do").update(days="WE", **{"from": time(11), "until": time(14)})
    reason = 'adviser "awo-1" would be at "buergerbuero-mi" and here at the same time, first on 2026-01-14'
    assert problems(data) == [Problem("hours", "awo-do", "advisers", reason)]


def test_a_duty_that_begins_when_the_other_ends_does_not_overlap(data: Data) -> None:
    row(data, "hours", "awo-do").update(days="WE", **{"from": time(12), "until": time(14)})
    assert town_file.parse(data).warnings == []


def test_dates_written_out_are_compared_however_far_off(data: Data) -> None:
    row(data, "hours", "awo-do").update(dates=[date(2031, 5, 7)], **{"from": time(10), "until": time(13)})
    assert "first on 2031-05-07" in problems(data)[0].reason


def test_openings_that_do_not_take_place_overlap_nothing(data: Data) -> None:
    row(data, "hours", "awo-do").update(dates=[date(2026, 12, 30)], **{"from": time(10), "until": time(13)})
    assert town_file.parse(data).warnings == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda d: session_hours(d).update(appointments_at_once=3), ("hours", HOURS, "appointments_at_once")),
        (lambda d: session_hours(d).pop("appointments_at_once"), ("hours", HOURS, "appointments_at_once")),
        (
            lambda d: row(d, "hours", "awo-do").update(appointments_at_once=1),
            ("hours", "awo-do", "appointments_at_once"),
        ),
        (lambda d: d["place"][0].update(stations=[]), ("place", "buergerbuero", "stations")),
    ],
)
def test_what_is_probably_not_meant_is_a_warning(data: Data, change: Change, expected: tuple[str, str, str]) -> None:
    change(data)
    assert where(town_file.parse(data).warnings) == [expected]


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


# Storing ----------------------------------------------------------------------------------------------------------


def test_storing_twice_changes_nothing(session: Session, data: Data, now: datetime) -> None:
    before = session.get_one(Town, 1).rules_revision
    assert store(session, data, now).is_empty
    assert session.get_one(Town, 1).rules_revision == before


@pytest.mark.parametrize("path", [SMALL, OFFENBACH], ids=["small", "offenbach"])
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


def test_a_difference_is_told_and_nothing_is_written(session: Session, data: Data, now: datetime) -> None:
    before = town_file.export(session)
    session_hours(data)["until"] = time(13)
    data["carrier"].append({"key": "vkb", "name": "Verein"})
    remove(data, "topic", "housing")
    found = town_file.difference(session, town_file.parse(data), now)
    assert found.lines == [
        '+ carrier "vkb"',
        '~ hours "buergerbuero-mi" · until: 12:00:00 → 13:00:00',
        '- topic "housing"',
    ]
    assert town_file.export(session) == before
    assert session.get_one(Town, 1).rules_revision == 1


def test_a_change_voids_what_was_computed_from_the_rules(session: Session, data: Data, now: datetime) -> None:
    opening = an_opening(session)
    place = session.scalars(select(Place)).first()
    live = Feed(kind="place", place=place, token_hash="live", created_at=now)
    revoked = Feed(kind="place", place=place, token_hash="revoked", created_at=now, revoked_at=now)
    session.add_all([live, revoked])
    session.flush()
    data["carrier"][0]["name"] = "AWO"
    store(session, data, now)
    session.expire_all()
    assert (opening.version, live.wanted, revoked.wanted) == (1, 2, 1)
    assert session.get_one(Town, 1).rules_revision == 2


def test_nothing_is_voided_where_nothing_changes(session: Session, data: Data, now: datetime) -> None:
    opening = an_opening(session)
    store(session, data, now)
    session.expire_all()
    assert opening.version == 0


def test_what_leaves_the_file_is_retired_and_counts_again_when_it_comes_back(
    session: Session, data: Data, now: datetime
) -> None:
    full = deepcopy(data)
    remove(data, "concern", "unsure")
    remove(data, "hours", "awo-do")
    assert store(session, data, now).retired == ['concern "unsure"', 'hours "awo-do"']
    retired = session.scalars(select(Concern).where(Concern.key == "unsure")).one()
    number = retired.id
    assert retired.retired_at == now
    assert 'key = "unsure"' not in town_file.export(session)
    assert "awo-do" not in read_rulebook(session).hours
    later = now + timedelta(days=1)
    assert store(session, data, later).is_empty
    assert retired.retired_at == now, "it was retired only once"

    assert store(session, full, later).added == ['concern "unsure" (back again)', 'hours "awo-do" (back again)']
    comeback = session.scalars(select(Concern).where(Concern.key == "unsure")).one()
    assert comeback.id == number
    assert comeback.retired_at is None
    assert "awo-do" in read_rulebook(session).hours


def test_the_order_of_the_file_is_the_order_of_the_rows(session: Session, data: Data, now: datetime) -> None:
    data["carrier"].reverse()
    assert store(session, data, now).lines == ["~ carrier: order of the rows"]
    assert session.scalars(select(Carrier.key).order_by(Carrier.position)).all() == ["ib", "awo"]


def test_a_rota_comes_and_goes_with_the_file(session: Session, data: Data, now: datetime) -> None:
    with_staff = deepcopy(data)
    use_rota(data, [["awo-1", "awo-2"], ["ib-1", "awo-2"]])
    assert 'rota "buergerbuero-mi"' in store(session, data, now).added
    data["rota"][0]["turns"].reverse()
    assert len(store(session, data, now).changed) == 1
    assert 'rota "buergerbuero-mi"' in store(session, with_staff, now).retired
    assert session.scalars(select(Rota)).all() == []


def test_exceptions_follow_the_file_but_for_those_made_on_the_day(session: Session, data: Data, now: datetime) -> None:
    hours = session.scalars(select(Hours).where(Hours.key == HOURS)).one()
    by_hand = HoursException(hours=hours, original_on=date(2026, 12, 9), kind="cancelled", from_file=False)
    session.add(by_hand)
    session.flush()
    session_hours(data).update(closed_on=[date(2026, 12, 2), date(2026, 12, 9)], also_on=[{"date": date(2026, 11, 27)}])
    assert store(session, data, now).added == [
        'hours "buergerbuero-mi" on 2026-12-02',
        'hours "buergerbuero-mi" on 2026-11-27',
    ]
    assert store(session, data, now).is_empty
    session_hours(data).update(closed_on=[], also_on=[{"date": date(2026, 11, 27), "until": time(13)}])
    store(session, data, now)
    session.expire_all()
    assert {(each.original_on, each.kind, each.from_file) for each in hours.exceptions} == {
        (date(2026, 12, 9), "cancelled", False),
        (date(2026, 11, 27), "added", True),
    }


def test_closures_are_replaced_as_a_set(session: Session, data: Data, now: datetime) -> None:
    christmas = data["closure"][0]
    data["closure"] = [
        {"place": "awo-buero", "from": date(2027, 2, 8), "until": date(2027, 2, 8), "reason": "Rosenmontag"},
        {**christmas, "reason": "Ferien"},
    ]
    assert store(session, data, now).lines[0] == "+ closure 2027-02-08 to 2027-02-08 at awo-buero"
    data["closure"].pop()
    assert store(session, data, now).lines == ["- closure 2026-12-24 to 2027-01-01 at all places"]
    assert [each.reason for each in session.scalars(select(Closure))] == [{"de": "Rosenmontag"}]


# Conflicts and commands -------------------------------------------------------------------------------------------


def an_opening(session: Session) -> Opening:
    hours = session.scalars(select(Hours).where(Hours.key == HOURS)).one()
    opening = Opening(hours=hours, original_on=WEDNESDAY)
    session.add(opening)
    session.flush()
    return opening


def a_booked_visit(session: Session, now: datetime) -> Visit:
    """Wednesday from nine to a quarter to ten, with awo-1."""
    opening = an_opening(session)
    visit = Visit(
        opening=opening,
        place=opening.hours.place,
        local_on=WEDNESDAY,
        kind="appointment",
        state="booked",
        locale="ar",
        starts_at=NINE,
        ends_at=NINE + timedelta(minutes=45),
        planned_adviser=session.scalars(select(Adviser).where(Adviser.key == "awo-1")).one(),
        code="482917305",
        created_at=now,
        changed_at=now,
    )
    session.add(visit)
    session.flush()
    return visit


def retire_awo_1(data: Data) -> None:
    remove(data, "adviser", "awo-1")
    remove(data, "hours", "awo-do")
    session_hours(data)["advisers"].remove("awo-1")


CONFLICTS: dict[str, tuple[Change, str]] = {
    "the rule is gone": (lambda d: remove(d, "hours", HOURS), "there is no such opening any more"),
    "another weekday": (lambda d: session_hours(d).update(days="TU"), "there is no such opening any more"),
    "cancelled": (lambda d: session_hours(d).update(closed_on=[WEDNESDAY]), "the opening does not take place"),
    "closed": (
        lambda d: d["closure"].append({"from": WEDNESDAY, "until": WEDNESDAY, "reason": "Umzug"}),
        "the opening does not take place",
    ),
    "begins later": (lambda d: session_hours(d).update({"from": time(9, 15)}), "the time lies outside of the opening"),
    "ends sooner": (lambda d: session_hours(d).update(until=time(9, 30)), "the time lies outside of the opening"),
    "another place": (lambda d: session_hours(d).update(place="awo-buero"), "the opening is at another place"),
    "adviser not on duty": (
        lambda d: session_hours(d)["advisers"].remove("awo-1"),
        "the adviser is not on duty there",
    ),
    "adviser retired": (retire_awo_1, "the adviser is not on duty there"),
    "not the adviser's turn": (
        lambda d: use_rota(d, [["awo-1", "awo-2"], ["ib-1", "awo-2"]], starts_on=date(2026, 11, 18)),
        "the adviser is not on duty there",
    ),
}


@pytest.mark.parametrize(("change", "reason"), CONFLICTS.values(), ids=CONFLICTS)
def test_a_booked_visit_that_no_longer_fits_is_a_conflict(
    session: Session, data: Data, now: datetime, change: Change, reason: str
) -> None:
    a_booked_visit(session, now)
    change(data)
    found = town_file.difference(session, town_file.parse(data), now).conflicts
    assert [str(each) for each in found] == [f"2026-11-25 09:00 · Bürgerbüro · 482 917 305 · {reason}"]


def test_a_visit_that_still_fits_is_no_conflict(session: Session, data: Data, now: datetime) -> None:
    a_booked_visit(session, now)
    session_hours(data).update({"from": time(8), "until": time(13)})
    found = town_file.difference(session, town_file.parse(data), now)
    assert found.changed
    assert found.conflicts == []


@pytest.mark.parametrize("when", ["it is over", "it was cancelled"])
def test_only_booked_visits_to_come_can_conflict(session: Session, data: Data, now: datetime, when: str) -> None:
    visit = a_booked_visit(session, now)
    if when == "it was cancelled":
        visit.state, visit.planned_adviser = "cancelled", None
    remove(data, "hours", HOURS)
    at = NINE + timedelta(hours=1) if when == "it is over" else now
    assert town_file.difference(session, town_file.parse(data), at).conflicts == []


@pytest.fixture
def runner(database: Database, monkeypatch: pytest.MonkeyPatch, now: datetime) -> FlaskCliRunner:
    """The commands on a minimal app, at the tests' hour."""

    class Clock:
        @staticmethod
        def now(_zone: object) -> datetime:
            return now

    monkeypatch.setattr(cli_town, "datetime", Clock)
    app = Flask("commands")
    app.extensions["database"] = database
    return app.test_cli_runner()


@pytest.fixture
def booked(database: Database, now: datetime) -> None:
    with database.writing() as session:
        a_booked_visit(session, now)
        session.commit()


def written(folder: Path, *replacements: tuple[str, str]) -> str:
    """The small town's file with some text replaced."""
    text = SMALL.read_text()
    for before, after in replacements:
        assert before in text
        text = text.replace(before, after, 1)
    path = folder / "town.toml"
    path.write_text(text)
    return str(path)


LATER = ("from = 09:00:00", "from = 10:00:00")


def test_check_says_that_a_file_is_in_order(runner: FlaskCliRunner) -> None:
    result = runner.invoke(cli_town.check, [str(SMALL)])
    assert (result.exit_code, result.stdout) == (0, f"{SMALL} is in order.\n")


def test_check_tells_warnings(runner: FlaskCliRunner, tmp_path: Path) -> None:
    result = runner.invoke(cli_town.check, [written(tmp_path, ("appointments_at_once = 1", ""))])
    assert result.exit_code == 0
    assert result.stderr == f'warning: hours "{HOURS}" · appointments_at_once: leaves nobody for the queue\n'


@pytest.mark.parametrize("command", [cli_town.check, cli_town.load])
def test_commands_tell_every_problem_one_a_line_and_write_nothing(
    runner: FlaskCliRunner, database: Database, tmp_path: Path, command: Any
) -> None:
    path = written(tmp_path, ('name = "Kleinstadt"', 'name = "Andere"'), ('"HE"', '"XX"'), ('"awo-buero"', '"büro"'))
    result = runner.invoke(command, [path])
    assert result.exit_code == 1
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == [
        "town · state",
        'place "büro" · key',
        'hours "awo-do" · place',
    ]
    with database.reading() as session:
        assert session.get_one(Town, 1).name == "Kleinstadt"


def test_load_writes_and_prints_the_difference(runner: FlaskCliRunner, database: Database, tmp_path: Path) -> None:
    result = runner.invoke(cli_town.load, [written(tmp_path, LATER)])
    assert result.stdout == f'~ hours "{HOURS}" · from: 09:00:00 → 10:00:00\n'
    assert result.exit_code == 0
    with database.reading() as session:
        assert session.scalars(select(Hours.from_time).where(Hours.key == HOURS)).one() == time(10)


def test_load_says_that_nothing_changes(runner: FlaskCliRunner) -> None:
    assert runner.invoke(cli_town.load, [str(SMALL)]).stdout == "Nothing changes.\n"


@pytest.mark.usefixtures("booked")
def test_load_refuses_to_break_bookings_in_silence(runner: FlaskCliRunner, database: Database, tmp_path: Path) -> None:
    result = runner.invoke(cli_town.load, [written(tmp_path, LATER)])
    assert result.exit_code == 3
    assert "2026-11-25 09:00 · Bürgerbüro · 482 917 305" in result.stdout
    assert "Nothing was written" in result.stderr
    with database.reading() as session:
        assert session.scalars(select(Hours.from_time).where(Hours.key == HOURS)).one() == time(9)
        assert session.get_one(Town, 1).rules_revision == 1


@pytest.mark.usefixtures("booked")
def test_confirmed_load_keeps_the_visits_booked(runner: FlaskCliRunner, database: Database, tmp_path: Path) -> None:
    result = runner.invoke(cli_town.load, [written(tmp_path, LATER), "--confirm"])
    assert result.exit_code == 0
    assert "482 917 305" in result.stdout
    with database.reading() as session:
        visit = session.scalars(select(Visit)).one()
        assert (visit.state, visit.starts_at, visit.planned_adviser_id is not None) == ("booked", NINE, True)
        assert visit.opening.hours.from_time == time(10)


def test_export_prints_a_file_that_changes_nothing(runner: FlaskCliRunner, tmp_path: Path) -> None:
    exported = tmp_path / "exported.toml"
    exported.write_text(runner.invoke(cli_town.export).stdout)
    assert runner.invoke(cli_town.load, [str(exported)]).stdout == "Nothing changes.\n"


def test_export_without_a_town_says_so(tmp_path: Path) -> None:
    from scheduler import schema

    app = Flask("commands")
    database = app.extensions["database"] = Database(f"sqlite:///{tmp_path}/empty.db")
    schema.upgrade(database.engine)
    result = app.test_cli_runner().invoke(cli_town.export)
    database.engine.dispose()
    assert result.exit_code == 1
    assert "no town is loaded" in result.stderr
