"""Dates that hours name one by one: which are refused, and that an added one may open a closed day."""

from __future__ import annotations

from datetime import date, time
from typing import Any

import pytest

from scheduler import town_file
from tests.town_file.small_file import (
    HOURS,
    WEDNESDAY,
    Data,
    problems,
    row,
    session_hours,
    use_rota,
    where,
)

DEC_2 = date(2026, 12, 2)
HOLIDAY = date(2028, 11, 1)
"""A Wednesday: All Saints' Day, in Hesse an ordinary one, in Rhineland-Palatinate a public holiday."""
IN_CLOSURE = date(2026, 12, 30)
"""A Wednesday between Christmas and New Year."""


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"date": date(2026, 11, 26), "until": time(11)}, "2026-11-26 is no date of these hours"),
        ({"date": WEDNESDAY}, "2026-11-25 changes nothing: give held_on, from, until or advisers"),
        ({"date": WEDNESDAY, "held_on": WEDNESDAY}, "2026-11-25 is held on that day anyway: leave held_on out"),
        ({"date": WEDNESDAY, "from": time(12)}, "2026-11-25 must begin before it ends"),
        ({"date": WEDNESDAY, "until": time(9)}, "2026-11-25 must begin before it ends"),
        ({"date": WEDNESDAY, "advisers": ["awo-4"]}, 'there is no adviser "awo-4"; did you mean "awo-2"?'),
        ({"date": WEDNESDAY, "advisers": []}, "entry 1, advisers: must not be empty"),
        ({"until": time(11)}, "entry 1, date: is missing"),
        (
            {"date": WEDNESDAY, "held": date(2026, 11, 26)},
            'entry 1, held: there is no such field; did you mean "held_on"?',
        ),
    ],
)
def test_a_change_that_cannot_be_meant_is_refused(data: Data, changed: dict[str, Any], words: str) -> None:
    session_hours(data)["changed_on"] = [changed]
    assert [(each.field, each.reason) for each in problems(data)] == [("changed_on", words)]


def test_a_substitute_without_any_of_the_services_is_refused(data: Data) -> None:
    changed = {"date": date(2026, 11, 26), "advisers": ["ib-1"]}
    row(data, "hours", "awo-do")["changed_on"] = [changed]
    assert where(problems(data)) == [("hours", "awo-do", "changed_on")]


@pytest.mark.parametrize("other", ["closed_on", "changed_on"])
def test_a_date_is_closed_or_changed_but_not_twice(data: Data, other: str) -> None:
    changed = {"date": WEDNESDAY, "until": time(11)}
    session_hours(data)["changed_on"] = [changed]
    town_file.parse(data)
    session_hours(data).setdefault(other, []).append({**changed} if other == "changed_on" else WEDNESDAY)
    assert where(problems(data)) == [("hours", HOURS, "changed_on")]


def test_hours_without_times_have_no_dates_to_change(data: Data) -> None:
    hours = row(data, "hours", "awo-do")
    hours.update(admits="by_arrangement", changed_on=[{"date": date(2026, 11, 26), "until": time(15)}])
    town_file.parse(data)
    del hours["from"], hours["until"]
    assert where(problems(data)) == [("hours", "awo-do", "changed_on")]


@pytest.mark.parametrize("on", [HOLIDAY, IN_CLOSURE])
def test_an_added_date_may_open_a_day_on_which_the_rule_is_closed(data: Data, on: date) -> None:
    data["town"]["state"] = "RP"
    session_hours(data)["also_on"] = [{"date": on, "until": time(11)}]
    assert town_file.parse(data).warnings == []
    data["town"]["state"], data["closure"] = "HE", []
    reason = f"{on} is a date of these hours already; to change it, use changed_on"
    assert [each.reason for each in problems(data)] == [reason]


def test_a_date_of_the_rule_that_is_opened_again_keeps_its_turn(data: Data) -> None:
    use_rota(data, [["awo-1", "awo-2"], ["ib-1", "awo-2"]])
    session_hours(data)["also_on"] = [{"date": IN_CLOSURE}]
    assert town_file.parse(data).warnings == []


def test_a_date_cannot_be_closed_and_added(data: Data) -> None:
    session_hours(data).update(closed_on=[IN_CLOSURE], also_on=[{"date": IN_CLOSURE}])
    assert where(problems(data)) == [("hours", HOURS, "also_on")]


def test_without_a_sound_town_holidays_are_not_looked_at(data: Data) -> None:
    session_hours(data)["also_on"] = [{"date": DEC_2}]
    assert where(problems(data)) == [("hours", HOURS, "also_on")]
    data["town"]["state"] = "XX"
    assert where(problems(data)) == [("town", "", "state")]
