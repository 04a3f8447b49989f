"""Booked visits that a changed file no longer holds."""

from __future__ import annotations

from copy import deepcopy
from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy.orm import Session

from scheduler import town_file
from tests.town_file.small_file import (
    HOURS,
    NINE,
    WEDNESDAY,
    Change,
    Data,
    a_booked_visit,
    remove,
    session_hours,
    store,
    use_rota,
)


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
    "held on another day": (
        lambda d: session_hours(d).update(changed_on=[{"date": WEDNESDAY, "held_on": date(2026, 11, 27)}]),
        "the time lies outside of the opening",
    ),
    "that day begins later": (
        lambda d: session_hours(d).update(changed_on=[{"date": WEDNESDAY, "from": time(10)}]),
        "the time lies outside of the opening",
    ),
    "a substitute comes": (
        lambda d: session_hours(d).update(changed_on=[{"date": WEDNESDAY, "advisers": ["awo-2", "ib-1"]}]),
        "the adviser is not on duty there",
    ),
    "the regime has ended": (
        lambda d: session_hours(d).update(valid_until=date(2026, 11, 24)),
        "there is no such opening any more",
    ),
    "every other week": (
        lambda d: session_hours(d).update(
            days=None, rrule="FREQ=WEEKLY;INTERVAL=2;BYDAY=WE", valid_from=date(2026, 11, 18)
        ),
        "there is no such opening any more",
    ),
    "no appointments": (
        lambda d: session_hours(d).update(admits="walk_in", appointments_at_once=None),
        "the opening takes no appointments any more",
    ),
    "not this service": (
        lambda d: session_hours(d).update(services=["JMD"], advisers=["awo-2", "ib-1"]),
        "the opening does not offer the service any more",
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


def test_an_added_date_that_is_taken_back_leaves_its_visit_without_an_opening(
    session: Session, data: Data, now: datetime
) -> None:
    friday = date(2026, 11, 27)
    with_friday = deepcopy(data)
    session_hours(with_friday)["also_on"] = [{"date": friday}]
    store(session, with_friday, now)
    a_booked_visit(session, now, friday)
    found = town_file.difference(session, town_file.parse(data), now).conflicts
    assert [(each.starts_at.date(), each.reason) for each in found] == [(friday, "there is no such opening any more")]


def test_a_visit_that_did_not_fit_before_is_no_new_conflict(session: Session, data: Data, now: datetime) -> None:
    visit = a_booked_visit(session, now)
    session_hours(data)["from"] = time(10)
    assert [each.visit_id for each in store(session, data, now).conflicts] == [visit.id]
    later = a_booked_visit(session, now, WEDNESDAY + timedelta(days=7))
    data["carrier"][0]["name"] = "AWO"
    found = store(session, data, now)
    assert (found.conflicts, [each.visit_id for each in found.standing]) == ([], [visit.id, later.id])
    session_hours(data)["from"] = time(9)
    found = store(session, data, now)
    assert (found.conflicts, found.standing) == ([], [])


@pytest.mark.parametrize("when", ["it is over", "it was cancelled"])
def test_only_booked_visits_to_come_can_conflict(session: Session, data: Data, now: datetime, when: str) -> None:
    visit = a_booked_visit(session, now)
    if when == "it was cancelled":
        visit.state, visit.planned_adviser = "cancelled", None
    remove(data, "hours", HOURS)
    at = NINE + timedelta(hours=1) if when == "it is over" else now
    assert town_file.difference(session, town_file.parse(data), at).conflicts == []
