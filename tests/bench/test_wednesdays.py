"""The synthetic Wednesdays: the same each time, possible, and like an office."""

from __future__ import annotations

import csv
import random
import sys
from collections import defaultdict
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles

import pytest

from bench import wednesdays as generator
from bench.wednesdays import COLUMNS, rota, wednesdays

Row = dict[str, str]
YEAR = wednesdays()
SEEDS = (generator.SEED, 1, 2)


def read(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def minutes_waited(row: Row) -> float:
    return (datetime.fromisoformat(row["called_at"]) - datetime.fromisoformat(row["arrived_at"])).total_seconds() / 60


def test_the_same_seed_gives_the_same_rows_and_another_seed_others() -> None:
    assert wednesdays(7) == wednesdays(7)
    assert wednesdays(7) != wednesdays(8)


def test_the_file_holds_the_rows_of_the_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "year.csv"
    monkeypatch.setattr(sys, "argv", ["wednesdays", str(path)])
    assert generator.main() == 0
    with path.open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    on_duty = rota()
    assert [{**row, "on_duty_from": ""} for row in YEAR] == written[len(on_duty) :]
    assert on_duty == written[: len(on_duty)]


def test_the_rota_names_every_desk_that_serves_and_nobody_it_does_not_know() -> None:
    planned = {(datetime.fromisoformat(row["on_duty_from"]).date(), row["desk"]): row for row in rota()}
    served = {(datetime.fromisoformat(row["called_at"]).date(), row["desk"]) for row in YEAR if row["called_at"]}
    assert served <= set(planned)
    assert {row["service"] for row in planned.values()} <= {"MBE", "JMD", "JMD MBE"}


def test_there_are_52_wednesdays_of_2025_in_both_offsets() -> None:
    days = {datetime.fromisoformat(row["arrived_at"] or row["starts_at"]) for row in YEAR}
    assert len({each.date() for each in days}) == 52
    assert {each.weekday() for each in days} == {2}
    assert {each.year for each in days} == {2025}
    assert {each.utcoffset() for each in days} == {timedelta(hours=1), timedelta(hours=2)}
    assert min(each.date() for each in days) == date(2025, 1, 8)


@pytest.mark.parametrize("seed", SEEDS)
def test_times_are_in_order_and_everybody_is_served_or_leaves(seed: int) -> None:
    for row in wednesdays(seed):
        assert tuple(row) == COLUMNS
        arrived, called, finished, left = (
            read(row[each]) for each in ("arrived_at", "called_at", "finished_at", "left_at")
        )
        if arrived is None:
            assert row["starts_at"] and not (called or finished or left or row["desk"])
        elif called is None:
            assert left is not None and left > arrived and not finished and not row["desk"]
        else:
            assert finished is not None and arrived <= called < finished and left is None and row["desk"]


@pytest.mark.parametrize("seed", SEEDS)
def test_no_desk_serves_two_at_once(seed: int) -> None:
    served: dict[tuple[str, str], list[tuple[datetime, datetime]]] = defaultdict(list)
    for row in wednesdays(seed):
        if row["called_at"]:
            during = datetime.fromisoformat(row["called_at"]), datetime.fromisoformat(row["finished_at"])
            served[row["desk"], row["called_at"][:10]].append(during)
    for spans in served.values():
        assert all(earlier[1] + timedelta(minutes=1) <= later[0] for earlier, later in pairwise(sorted(spans)))


def test_two_to_five_desks_work_and_no_day_starts_before_the_advisers() -> None:
    desks: dict[str, set[str]] = defaultdict(set)
    for row in YEAR:
        if row["called_at"]:
            desks[row["called_at"][:10]].add(row["desk"])
            assert "08:55" <= row["called_at"][11:16] <= "12:45"
    assert {len(each) for each in desks.values()} == {2, 3, 4, 5}


@pytest.mark.parametrize("seed", SEEDS)
def test_shares_and_waits_are_those_of_an_office(seed: int) -> None:
    rows = wednesdays(seed)
    appointments = [row for row in rows if row["starts_at"]]
    came = [row for row in rows if row["arrived_at"]]
    waits = [minutes_waited(row) for row in came if row["called_at"] and not row["starts_at"]]
    fifths = quantiles(waits, n=5)
    assert 0.12 <= sum(not row["arrived_at"] for row in appointments) / len(appointments) <= 0.24
    assert 0.03 <= sum(bool(row["left_at"]) and row["left_at"][11:13] < "12" for row in came) / len(came) <= 0.10
    assert 5 <= fifths[0] <= 20 and 20 <= median(waits) <= 40 and 45 <= fifths[-1] <= 75
    assert len(waits) >= 700 and 15 <= len(came) / 52 <= 40


def test_who_has_an_appointment_waits_less() -> None:
    """Otherwise the order of calling is not that of the application."""
    served = [row for row in YEAR if row["called_at"]]
    waited = [
        median(minutes_waited(row) for row in served if bool(row["starts_at"]) is booked) for booked in (False, True)
    ]
    assert waited[1] < waited[0] / 2


def test_what_happens_later_changes_nothing_before() -> None:
    """Nobody is called with knowledge of what comes: earlier calls do not depend on who comes later."""
    chance, factors = random.Random("one day"), [1.0] * len(generator.POOL)
    whole = generator.one_morning(chance, date(2025, 3, 5), factors)
    chance = random.Random("one day")
    cut = generator.one_morning(chance, date(2025, 3, 5), factors)
    half_past_ten = datetime.fromisoformat("2025-03-05T10:30:00+01:00")
    cut.expected = [each for each in cut.expected if each.arrived_at is None or each.arrived_at < half_past_ten]
    calls = [
        {
            (each.number, each.called_at, each.desk)
            for each in day.play()
            if each.called_at and each.called_at < half_past_ten
        }
        for day in (whole, cut)
    ]
    assert len(whole.expected) > len(cut.expected)
    assert calls[0] == calls[1] and calls[0]
