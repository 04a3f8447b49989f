"""From rules in wall time to dated openings: clock changes, validity, holidays, closures."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from dateutil.rrule import rrulestr

from scheduler.domain.recurrence import day_interval, local_date, public_holiday, wall_to_utc
from tests.domain.office_hours import BERLIN, CHRISTMAS, CORPUS_CHRISTI, WEDNESDAYS, held, openings, rule

# Time


@pytest.mark.parametrize(
    ("on", "at", "expected"),
    [
        (date(2026, 1, 7), time(9), datetime(2026, 1, 7, 8, 0, tzinfo=UTC)),
        (date(2026, 7, 1), time(9), datetime(2026, 7, 1, 7, 0, tzinfo=UTC)),
        # In the spring gap (02:00 to 03:00) a time moves forward by the gap: 02:30 is 03:30 summer time.
        (date(2026, 3, 29), time(1, 59), datetime(2026, 3, 29, 0, 59, tzinfo=UTC)),
        (date(2026, 3, 29), time(2), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        (date(2026, 3, 29), time(2, 30), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        (date(2026, 3, 29), time(3), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        # What comes twice in autumn (02:00 to 03:00) means the first, in summer time.
        (date(2026, 10, 25), time(2), datetime(2026, 10, 25, 0, 0, tzinfo=UTC)),
        (date(2026, 10, 25), time(2, 30), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        (date(2026, 10, 25), time(3), datetime(2026, 10, 25, 2, 0, tzinfo=UTC)),
    ],
)
def test_wall_time_to_instant(on: date, at: time, expected: datetime) -> None:
    found = wall_to_utc(on, at, BERLIN)
    assert found == expected
    assert found.utcoffset() == timedelta(0)


@pytest.mark.parametrize(("on", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 11, 25), 24)])
def test_a_day_has_23_24_or_25_hours(on: date, hours: int) -> None:
    day = day_interval(on, BERLIN)
    assert day.ends_at - day.starts_at == timedelta(hours=hours)
    assert local_date(day.starts_at, BERLIN) == on
    assert local_date(day.ends_at - timedelta(microseconds=1), BERLIN) == on
    assert local_date(day.ends_at, BERLIN) == on + timedelta(days=1)


@pytest.mark.parametrize("change_on", [date(2026, 3, 29), date(2026, 10, 25)])
def test_a_weekly_rule_keeps_its_wall_time_over_the_change_of_clocks(change_on: date) -> None:
    found = openings(rule(), change_on - timedelta(days=14), change_on + timedelta(days=14))
    assert len(found) == 4
    for each in found:
        assert each.on.weekday() == 2
        assert each.starts_at.astimezone(BERLIN).time() == time(9)
        assert each.ends_at - each.starts_at == timedelta(hours=3)
    assert len({each.starts_at.time() for each in found}) == 2


@pytest.mark.parametrize(("on", "hours"), [(date(2026, 3, 29), 4), (date(2026, 10, 25), 6), (date(2026, 10, 18), 5)])
def test_the_length_of_an_opening_is_elapsed_time(on: date, hours: int) -> None:
    night = rule(rrule="FREQ=WEEKLY;BYDAY=SU", from_time=time(0), until_time=time(5), state="")
    (found,) = openings(night, on, on)
    assert found.ends_at - found.starts_at == timedelta(hours=hours)


# Dates of the rule


def test_valid_from_and_valid_until_are_both_included() -> None:
    short = rule(valid_from=date(2026, 11, 11), valid_until=date(2026, 11, 25))
    assert held(short, date(2026, 10, 1), date(2026, 12, 23)) == [date(2026, 11, each) for each in (11, 18, 25)]
    inside = rule(valid_from=date(2026, 11, 12), valid_until=date(2026, 11, 24))
    assert held(inside, date(2026, 10, 1), date(2026, 12, 23)) == [date(2026, 11, 18)]


def test_both_ends_of_the_question_are_included_and_a_reversed_one_is_empty() -> None:
    assert held(rule(), date(2026, 11, 18), date(2026, 11, 25)) == [date(2026, 11, 18), date(2026, 11, 25)]
    assert held(rule(), date(2026, 11, 25), date(2026, 11, 25)) == [date(2026, 11, 25)]
    assert held(rule(), date(2026, 11, 25), date(2026, 11, 18)) == []


def test_every_second_week_counts_from_valid_from_whatever_is_asked() -> None:
    fortnightly = rule(rrule="FREQ=WEEKLY;INTERVAL=2;BYDAY=WE", valid_from=date(2026, 11, 4))
    assert held(fortnightly, date(2026, 11, 5), date(2026, 12, 2)) == [date(2026, 11, 18), date(2026, 12, 2)]
    assert held(fortnightly, date(2026, 11, 11), date(2026, 11, 11)) == []


@pytest.mark.parametrize(
    "rrule",
    [
        WEDNESDAYS,
        "FREQ=WEEKLY;BYDAY=MO,TH",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=WE",
        "freq=weekly;interval=2;byday=we",
        "FREQ=WEEKLY;INTERVAL=3;BYDAY=SU,MO;WKST=SU",
        "FREQ=WEEKLY",
        "FREQ=MONTHLY",
        "FREQ=YEARLY",
        "FREQ=YEARLY;BYMONTH=3,11",
        "FREQ=MONTHLY;BYDAY=1WE,3WE",
        "FREQ=MONTHLY;BYDAY=-1FR",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "FREQ=MONTHLY;INTERVAL=3;BYDAY=1MO",
        "FREQ=MONTHLY;BYMONTHDAY=1,15",
        "FREQ=YEARLY;BYMONTH=11;BYDAY=4WE",
        "FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=-1",
        "FREQ=WEEKLY;BYDAY=WE;COUNT=30",
        "FREQ=WEEKLY;BYDAY=WE;UNTIL=20261118",
        "FREQ=DAILY;INTERVAL=10",
    ],
)
def test_a_window_shows_what_the_whole_rule_yields_there(rrule: str) -> None:
    began_on = date(2026, 2, 3)
    whole = [
        at.date()
        for at in rrulestr(rrule, dtstart=datetime.combine(began_on, time())).between(
            datetime.combine(began_on, time()), datetime.combine(date(2027, 12, 31), time()), inc=True
        )
    ]
    windowed = rule(rrule=rrule, valid_from=began_on, state="")
    for week in range(60):
        from_on = began_on + timedelta(days=7 * week - 3)
        until_on = from_on + timedelta(days=13)
        expected = [each for each in whole if from_on <= each <= until_on]
        assert held(windowed, from_on, until_on) == expected, (from_on, until_on)


def test_written_dates_stand_beside_the_rule_without_doubling() -> None:
    both = rule(dates=frozenset({date(2026, 11, 18), date(2026, 11, 21)}))
    assert held(both, date(2026, 11, 16), date(2026, 11, 25)) == [date(2026, 11, each) for each in (18, 21, 25)]


def test_written_dates_outside_validity_are_no_openings() -> None:
    dates = rule(rrule=None, dates=frozenset({date(2026, 11, 21), date(2027, 2, 6)}), valid_until=date(2026, 12, 31))
    assert held(dates, date(2026, 1, 1), date(2027, 12, 31)) == [date(2026, 11, 21)]


# Closed days


@pytest.mark.parametrize(("state", "closed"), [("HE", True), ("NW", True), ("BE", False), ("", False)])
def test_a_public_holiday_closes_in_its_own_states(state: str, closed: bool) -> None:
    (found,) = openings(rule(rrule="FREQ=WEEKLY;BYDAY=TH", state=state), CORPUS_CHRISTI, CORPUS_CHRISTI)
    assert found.takes_place is not closed
    assert bool(public_holiday(state, CORPUS_CHRISTI)) is closed


def test_a_public_holiday_is_named_in_german_and_english() -> None:
    assert public_holiday("HE", CORPUS_CHRISTI) == {"de": "Fronleichnam", "en": "Corpus Christi"}
    assert public_holiday("HE", date(2026, 6, 5)) is None
    assert public_holiday("HE", date(2031, 12, 25)) is not None


def test_a_closure_closes_its_first_and_last_day_and_says_why() -> None:
    daily = rule(rrule="FREQ=DAILY", closures=(CHRISTMAS,), state="")
    found = openings(daily, date(2026, 12, 23), date(2027, 1, 2))
    assert [each.on for each in found if each.takes_place] == [date(2026, 12, 23), date(2027, 1, 2)]
    assert found[1].closed_because == found[-2].closed_because == {"de": "Weihnachtsferien"}


def test_written_dates_ignore_public_holidays_but_not_closures() -> None:
    dates = frozenset({CORPUS_CHRISTI, date(2026, 12, 30)})
    written = rule(rrule=None, dates=dates, closures=(CHRISTMAS,))
    assert held(written, date(2026, 1, 1), date(2026, 12, 31)) == [CORPUS_CHRISTI]
