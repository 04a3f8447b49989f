"""Nobody is on duty at two places at once: found at load, with the first date."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest

from scheduler import town_file
from scheduler.town_file import Problem
from tests.town_file.small_file import HOURS, WEDNESDAY, Data, problems, row, session_hours, use_rota


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


def test_an_adviser_may_be_at_several_places_in_one_week_and_on_one_day(data: Data) -> None:
    days = (("MO", 9, 11), ("TU", 8, 10), ("WE", 12, 14), ("WE", 14, 16))
    for number, (day, begins, ends) in enumerate(days):
        hours = {**row(data, "hours", "awo-do"), "key": f"office-{number}", "days": day}
        data["hours"].append({**hours, "from": time(begins), "until": time(ends)})
    assert town_file.parse(data).warnings == []


def test_an_overlap_years_ahead_is_found(data: Data) -> None:
    """Every eleventh week meets every thirteenth for the first time after 66 weeks."""
    begins_on = date(2026, 1, 7)
    for key, every, begins in ((HOURS, 11, begins_on), ("awo-do", 13, begins_on + timedelta(weeks=1))):
        hours = row(data, "hours", key)
        hours.pop("days")
        hours.update(rrule=f"FREQ=WEEKLY;INTERVAL={every};BYDAY=WE", valid_from=begins)
        hours.update({"from": time(9), "until": time(12)})
    assert "first on 2027-04-14" in problems(data)[0].reason


def test_two_regimes_that_follow_each_other_do_not_overlap(data: Data) -> None:
    longer = {**session_hours(data), "key": "mi-lang", "until": time(13), "valid_from": date(2026, 7, 1)}
    session_hours(data)["valid_until"] = date(2026, 6, 30)
    data["hours"].append(longer)
    assert town_file.parse(data).warnings == []
    session_hours(data)["valid_until"] = date(2026, 7, 1)
    assert {each.key for each in problems(data)} == {"mi-lang"}
    assert "first on 2026-07-01" in problems(data)[0].reason


@pytest.mark.parametrize("on", [date(2026, 12, 3), date(2044, 11, 24)], ids=["soon", "after many years"])
def test_a_date_that_moves_into_other_hours_of_its_adviser_overlaps(data: Data, on: date) -> None:
    moved = {"date": on - timedelta(days=1), "held_on": on, "from": time(15), "until": time(17)}
    session_hours(data)["changed_on"] = [moved]
    assert [each.reason.split(", ")[-1] for each in problems(data)] == [f"first on {on}"]


def test_a_substitute_who_is_elsewhere_at_that_time_overlaps(data: Data) -> None:
    data["adviser"].append({**row(data, "adviser", "awo-1"), "key": "awo-3"})
    data["hours"].append({**row(data, "hours", "awo-do"), "key": "awo-mi", "days": "WE", "from": time(11)})
    data["hours"][-1]["advisers"] = ["awo-3"]
    town_file.parse(data)
    session_hours(data)["changed_on"] = [{"date": WEDNESDAY, "advisers": ["awo-2", "awo-3"]}]
    assert [each.reason.split()[1] for each in problems(data)] == ['"awo-3"']
    session_hours(data)["changed_on"][0]["until"] = time(11)
    assert town_file.parse(data).warnings == []


@pytest.mark.parametrize(("times", "clash"), [({}, True), ({"from": time(12), "until": time(14)}, False)])
def test_a_date_cannot_move_onto_one_that_is_held_at_the_same_time(
    data: Data, times: dict[str, time], clash: bool
) -> None:
    session_hours(data)["changed_on"] = [{"date": WEDNESDAY, "held_on": date(2026, 12, 2), **times}]
    if clash:
        reason = "2026-11-25 and 2026-12-02 would be held at the same time, on 2026-12-02"
        assert problems(data) == [Problem("hours", HOURS, "changed_on", reason)]
    else:
        assert town_file.parse(data).warnings == []
