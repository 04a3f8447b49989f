"""Every kind of office hours with its dates, taken from a calendar by hand: also where calendars are awkward."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

import pytest

from scheduler.domain.recurrence import ClosedDays, DateException
from tests.domain.office_hours import WEDNESDAYS, held, openings, rule


class Kind(NamedTuple):
    rrule: str
    valid_from: str
    window: tuple[str, str]
    dates: str


KINDS: dict[str, Kind] = {
    "every second week, over week 53 and the new year": Kind(
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=WE",
        "2026-12-16",
        ("2026-12-01", "2027-02-10"),
        "2026-12-16 2026-12-30 2027-01-13 2027-01-27 2027-02-10",
    ),
    "every second week on two days, begun on the second": Kind(
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH",
        "2026-11-05",
        ("2026-11-01", "2026-12-05"),
        "2026-11-05 2026-11-16 2026-11-19 2026-11-30 2026-12-03",
    ),
    "every third week, over the change of clocks": Kind(
        "FREQ=WEEKLY;INTERVAL=3;BYDAY=WE",
        "2026-03-11",
        ("2026-03-01", "2026-05-31"),
        "2026-03-11 2026-04-01 2026-04-22 2026-05-13",
    ),
    "every fourth week since 2007": Kind(
        "FREQ=WEEKLY;INTERVAL=4;BYDAY=WE",
        "2007-07-04",
        ("2026-10-20", "2027-01-31"),
        "2026-10-28 2026-11-25 2026-12-23 2027-01-20",
    ),
    "calendar weeks with even numbers: three weeks between 52 and 2": Kind(
        "FREQ=YEARLY;BYWEEKNO=2,4,48,50,52;BYDAY=WE",
        "2026-01-01",
        ("2026-11-20", "2027-01-31"),
        "2026-11-25 2026-12-09 2026-12-23 2027-01-13 2027-01-27",
    ),
    "calendar weeks with odd numbers: 53 and 1 follow each other": Kind(
        "FREQ=YEARLY;BYWEEKNO=1,3,49,51,53;BYDAY=WE,FR",
        "2026-01-01",
        ("2026-12-10", "2027-01-20"),
        "2026-12-16 2026-12-18 2026-12-30 2027-01-01 2027-01-06 2027-01-08 2027-01-20",
    ),
    "first and third of the month": Kind(
        "FREQ=MONTHLY;BYDAY=1WE,3WE",
        "2026-01-01",
        ("2026-09-01", "2026-10-31"),
        "2026-09-02 2026-09-16 2026-10-07 2026-10-21",
    ),
    "fifth of the month: four months of 2026 have one": Kind(
        "FREQ=MONTHLY;BYDAY=5WE",
        "2026-01-01",
        ("2026-01-01", "2026-12-31"),
        "2026-04-29 2026-07-29 2026-09-30 2026-12-30",
    ),
    "last of the month": Kind(
        "FREQ=MONTHLY;BYDAY=-1FR", "2026-01-01", ("2026-01-01", "2026-03-31"), "2026-01-30 2026-02-27 2026-03-27"
    ),
    "last but one of the month": Kind(
        "FREQ=MONTHLY;BYDAY=-2FR", "2026-01-01", ("2026-01-01", "2026-03-31"), "2026-01-23 2026-02-20 2026-03-20"
    ),
    "last working day of the month": Kind(
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "2026-01-15",
        ("2026-01-20", "2026-05-31"),
        "2026-01-30 2026-02-27 2026-03-31 2026-04-30 2026-05-29",
    ),
    "first Monday of every other month, over the new year": Kind(
        "FREQ=MONTHLY;INTERVAL=2;BYDAY=1MO",
        "2026-11-01",
        ("2026-11-01", "2027-05-31"),
        "2026-11-02 2027-01-04 2027-03-01 2027-05-03",
    ),
    "the 31st: short months have none": Kind(
        "FREQ=MONTHLY;BYMONTHDAY=31", "2026-01-01", ("2026-01-01", "2026-06-30"), "2026-01-31 2026-03-31 2026-05-31"
    ),
    "the last day of the month, in a leap year": Kind(
        "FREQ=MONTHLY;BYMONTHDAY=-1", "2026-01-01", ("2028-01-01", "2028-04-30"),
        "2028-01-31 2028-02-29 2028-03-31 2028-04-30",
    ),
    "29 February, in leap years alone": Kind(
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "2023-03-01", ("2023-01-01", "2033-12-31"),
        "2024-02-29 2028-02-29 2032-02-29",
    ),
    "weekly over a 29 February": Kind(
        "FREQ=WEEKLY;BYDAY=TU", "2026-01-01", ("2028-02-21", "2028-03-08"), "2028-02-22 2028-02-29 2028-03-07"
    ),
    "every fifth day over a 29 February": Kind(
        "FREQ=DAILY;INTERVAL=5", "2028-02-20", ("2028-02-24", "2028-03-08"), "2028-02-25 2028-03-01 2028-03-06"
    ),
    "once a year, on the second Thursday of March": Kind(
        "FREQ=YEARLY;BYMONTH=3;BYDAY=2TH", "2026-01-01", ("2026-01-01", "2028-12-31"),
        "2026-03-12 2027-03-11 2028-03-09",
    ),
    "Tuesday after Easter": Kind(
        "FREQ=YEARLY;BYEASTER=2", "2026-01-01", ("2026-01-01", "2028-12-31"), "2026-04-07 2027-03-30 2028-04-18"
    ),
    "six times": Kind(
        "FREQ=WEEKLY;BYDAY=WE;COUNT=6", "2026-11-01", ("2026-11-20", "2027-12-31"),
        "2026-11-25 2026-12-02 2026-12-09",
    ),
    "until a day": Kind(
        "FREQ=WEEKLY;BYDAY=WE;UNTIL=20261202", "2026-11-01", ("2026-11-20", "2027-12-31"), "2026-11-25 2026-12-02"
    ),
}  # fmt: skip


def dates(text: str) -> list[date]:
    return [date.fromisoformat(each) for each in text.split()]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_rule_has_the_dates_of_the_calendar(kind: Kind) -> None:
    of = rule(rrule=kind.rrule, valid_from=date.fromisoformat(kind.valid_from), state="")
    first, last = dates(" ".join(kind.window))
    assert held(of, first, last) == dates(kind.dates)
    for each in (first + timedelta(days=n) for n in range((last - first).days + 1)):
        assert held(of, each, each) == [on for on in dates(kind.dates) if on == each]


def test_dates_written_out_are_held_on_these_dates_alone() -> None:
    of = rule(rrule=None, dates=frozenset(dates("2026-11-21 2027-02-06 2028-02-29")))
    assert held(of, date(2026, 1, 1), date(2030, 12, 31)) == dates("2026-11-21 2027-02-06 2028-02-29")


# Regimes


def test_one_regime_follows_the_other_without_gap_or_double() -> None:
    """Weekly until the end of June, then every second week; the last and the first day are both Wednesdays."""
    before = rule(valid_until=date(2026, 7, 1), state="")
    after = rule(rrule="FREQ=WEEKLY;INTERVAL=2;BYDAY=WE", valid_from=date(2026, 7, 8), state="")
    window = (date(2026, 6, 20), date(2026, 8, 10))
    assert held(before, *window) == dates("2026-06-24 2026-07-01")
    assert held(after, *window) == dates("2026-07-08 2026-07-22 2026-08-05")


def test_a_temporary_regime_interrupts_the_usual_one_for_its_span() -> None:
    usual = [rule(valid_until=date(2026, 7, 31), state=""), rule(valid_from=date(2026, 9, 1), state="")]
    summer = rule(rrule="FREQ=MONTHLY;BYDAY=1WE", valid_from=date(2026, 8, 1), valid_until=date(2026, 8, 31), state="")
    found = sorted(on for each in [*usual, summer] for on in held(each, date(2026, 7, 20), date(2026, 9, 10)))
    assert found == dates("2026-07-22 2026-07-29 2026-08-05 2026-09-02 2026-09-09")


# Closed days

ASCENSION, BRIDGE_DAY = date(2027, 5, 6), date(2027, 5, 7)
THURSDAYS_AND_FRIDAYS = rule(
    rrule="FREQ=WEEKLY;BYDAY=TH,FR", closures=(ClosedDays(BRIDGE_DAY, BRIDGE_DAY, {"de": "Brückentag"}),)
)


def test_a_bridge_day_is_closed_between_the_holiday_and_the_weekend() -> None:
    week = (date(2027, 5, 3), date(2027, 5, 14))
    assert held(THURSDAYS_AND_FRIDAYS, *week) == dates("2027-05-13 2027-05-14")
    reasons = [each.closed_because for each in openings(THURSDAYS_AND_FRIDAYS, ASCENSION, BRIDGE_DAY)]
    assert reasons == [{"de": "Christi Himmelfahrt", "en": "Ascension Day"}, {"de": "Brückentag"}]


@pytest.mark.parametrize("on", [ASCENSION, BRIDGE_DAY])
def test_a_date_that_is_named_opens_a_holiday_or_a_closure_for_itself_alone(on: date) -> None:
    opened = replace(THURSDAYS_AND_FRIDAYS, exceptions=(DateException(on, "added"),))
    assert held(opened, ASCENSION, BRIDGE_DAY) == [on]


def test_the_holidays_are_those_of_the_state_and_of_the_year() -> None:
    """Reformation Day is one in Brandenburg and Schleswig-Holstein; in 2017 it was one everywhere."""
    on = {2017: date(2017, 10, 31), 2023: date(2023, 10, 31)}
    tuesdays = {state: rule(rrule="FREQ=WEEKLY;BYDAY=TU", state=state) for state in ("BB", "SH", "NW", "HE")}
    assert {state: bool(held(each, on[2023], on[2023])) for state, each in tuesdays.items()} == {
        "BB": False,
        "SH": False,
        "NW": True,
        "HE": True,
    }
    assert not any(held(each, on[2017], on[2017]) for each in tuesdays.values())


def test_weekly_hours_over_a_year_with_week_53_miss_no_week() -> None:
    found = held(rule(rrule=WEDNESDAYS, state=""), date(2026, 1, 1), date(2027, 12, 31))
    assert len(found) == 52 + 52
    assert {after - before for before, after in pairwise(found)} == {timedelta(days=7)}
