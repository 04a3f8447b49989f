"""From rules in wall time to dated openings: clock changes, holidays, closures, exceptions, rota, validity."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.recurrence import (
    ClosedDays,
    DatedOpening,
    DateException,
    Rule,
    Turns,
    dated_opening,
    dated_openings,
    day_interval,
    local_date,
    public_holiday,
    wall_to_utc,
)

BERLIN = ZoneInfo("Europe/Berlin")
WEDNESDAYS = "FREQ=WEEKLY;BYDAY=WE"


def rule(**changes: Any) -> Rule:
    settings: dict[str, Any] = {
        "from_time": time(9),
        "until_time": time(12),
        "valid_from": date(2007, 7, 1),
        "rrule": WEDNESDAYS,
        "staff": ("awo-1",),
        "state": "HE",
    }
    return Rule(**{**settings, **changes})


def openings(of: Rule, from_on: date, until_on: date) -> list[DatedOpening]:
    return dated_openings(of, BERLIN, from_on, until_on)


def held(of: Rule, from_on: date, until_on: date) -> list[date]:
    """Days on which an opening takes place."""
    return [each.on for each in openings(of, from_on, until_on) if each.takes_place]


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

CORPUS_CHRISTI = date(2026, 6, 4)


@pytest.mark.parametrize(("state", "closed"), [("HE", True), ("NW", True), ("BE", False), ("", False)])
def test_a_public_holiday_closes_in_its_own_states(state: str, closed: bool) -> None:
    (found,) = openings(rule(rrule="FREQ=WEEKLY;BYDAY=TH", state=state), CORPUS_CHRISTI, CORPUS_CHRISTI)
    assert found.takes_place is not closed
    assert bool(public_holiday(state, CORPUS_CHRISTI)) is closed


def test_a_public_holiday_is_named_in_german_and_english() -> None:
    assert public_holiday("HE", CORPUS_CHRISTI) == {"de": "Fronleichnam", "en": "Corpus Christi"}
    assert public_holiday("HE", date(2026, 6, 5)) is None
    assert public_holiday("HE", date(2031, 12, 25)) is not None


CLOSURE = ClosedDays(date(2026, 12, 24), date(2027, 1, 1), {"de": "Weihnachtsferien"})


def test_a_closure_closes_its_first_and_last_day_and_says_why() -> None:
    daily = rule(rrule="FREQ=DAILY", closures=(CLOSURE,), state="")
    found = openings(daily, date(2026, 12, 23), date(2027, 1, 2))
    assert [each.on for each in found if each.takes_place] == [date(2026, 12, 23), date(2027, 1, 2)]
    assert found[1].closed_because == found[-2].closed_because == {"de": "Weihnachtsferien"}


def test_written_dates_ignore_public_holidays_but_not_closures() -> None:
    dates = frozenset({CORPUS_CHRISTI, date(2026, 12, 30)})
    written = rule(rrule=None, dates=dates, closures=(CLOSURE,))
    assert held(written, date(2026, 1, 1), date(2026, 12, 31)) == [CORPUS_CHRISTI]


# Exceptions

NOV_25 = date(2026, 11, 25)


def test_a_cancelled_date_is_listed_and_does_not_take_place() -> None:
    plain = rule(exceptions=(DateException(NOV_25, "cancelled"),))
    (found,) = openings(plain, NOV_25, NOV_25)
    assert not found.takes_place and found.closed_because == {}
    reasoned = rule(exceptions=(DateException(NOV_25, "cancelled", reason="Betriebsausflug"),))
    (found,) = openings(reasoned, NOV_25, NOV_25)
    assert not found.takes_place and "Betriebsausflug" in (found.closed_because or {}).values()


def test_a_moved_date_is_held_elsewhere_and_keeps_its_name() -> None:
    moved = rule(exceptions=(DateException(NOV_25, "moved", held_on=date(2026, 11, 27), from_time=time(13)),))
    moved = replace(moved, exceptions=(replace(moved.exceptions[0], until_time=time(15, 30)),))
    assert openings(moved, NOV_25, NOV_25) == []
    (found,) = openings(moved, date(2026, 11, 26), date(2026, 11, 28))
    assert (found.original_on, found.on) == (NOV_25, date(2026, 11, 27))
    assert found.starts_at == datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
    assert found.ends_at == datetime(2026, 11, 27, 14, 30, tzinfo=UTC)
    assert dated_opening(moved, BERLIN, NOV_25) == found
    assert dated_opening(moved, BERLIN, date(2026, 11, 27)) is None


def test_a_date_moved_onto_another_one_leaves_two_openings_with_two_names() -> None:
    moved = rule(exceptions=(DateException(NOV_25, "moved", held_on=date(2026, 12, 2), from_time=time(13),
                                           until_time=time(15)),))  # fmt: skip
    found = openings(moved, date(2026, 12, 2), date(2026, 12, 2))
    assert [each.original_on for each in found] == [date(2026, 12, 2), NOV_25]
    for each in found:
        assert dated_opening(moved, BERLIN, each.original_on) == each


def test_other_times_alone_keep_the_date() -> None:
    later = rule(exceptions=(DateException(NOV_25, "moved", from_time=time(10), until_time=time(11)),))
    (found,) = openings(later, NOV_25, NOV_25)
    assert found.starts_at == datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
    assert found.ends_at == datetime(2026, 11, 25, 10, 0, tzinfo=UTC)


def test_an_added_date_takes_place_whatever_holidays_closures_and_validity_say() -> None:
    on = [CORPUS_CHRISTI, date(2026, 12, 30), date(2028, 1, 5)]
    added = rule(
        valid_until=date(2026, 12, 31),
        closures=(CLOSURE,),
        exceptions=tuple(DateException(each, "added") for each in on),
    )
    for each in on:
        assert held(added, each, each) == [each]
        found = dated_opening(added, BERLIN, each)
        assert found is not None and found.takes_place


def test_an_exception_brings_its_own_staff_even_if_that_is_nobody() -> None:
    other = rule(exceptions=(DateException(NOV_25, "moved", staff=("ib-1",)),))
    assert [each.staff for each in openings(other, date(2026, 11, 18), NOV_25)] == [("awo-1",), ("ib-1",)]
    nobody = rule(exceptions=(DateException(NOV_25, "moved", staff=()),))
    assert openings(nobody, NOV_25, NOV_25)[0].staff == ()


@pytest.mark.parametrize("kind", ["cancelled", "moved"])
def test_an_exception_of_a_date_that_the_rule_no_longer_yields_makes_no_opening(kind: Any) -> None:
    """After the hours moved to Thursdays, or ended, an old exception of a Wednesday must not haunt the lists."""
    exception = DateException(NOV_25, kind, held_on=date(2026, 11, 27) if kind == "moved" else None)
    thursdays = rule(rrule="FREQ=WEEKLY;BYDAY=TH", exceptions=(exception,))
    assert held(thursdays, date(2026, 11, 23), date(2026, 11, 28)) == [date(2026, 11, 26)]
    assert [each.original_on for each in openings(thursdays, date(2026, 11, 23), date(2026, 11, 28))] == [
        date(2026, 11, 26)
    ]
    assert dated_opening(thursdays, BERLIN, NOV_25) is None


def test_a_date_that_the_rule_does_not_yield_names_no_opening() -> None:
    assert dated_opening(rule(), BERLIN, date(2026, 11, 24)) is None
    assert dated_opening(rule(valid_until=date(2026, 11, 24)), BERLIN, NOV_25) is None


# Rota

TURNS = (("a",), ("b",), ("c", "d"))


def staff(of: Rule, from_on: date, until_on: date) -> list[tuple[str, ...]]:
    return [each.staff for each in openings(of, from_on, until_on)]


def test_turns_advance_by_one_for_each_date_since_the_rota_began() -> None:
    rota = rule(rota=Turns(date(2026, 11, 4), TURNS), staff=(), state="")
    assert staff(rota, date(2026, 11, 4), date(2026, 12, 2)) == [("a",), ("b",), ("c", "d"), ("a",), ("b",)]


def test_the_turn_of_a_date_does_not_depend_on_what_is_asked() -> None:
    rota = rule(rota=Turns(date(2026, 1, 7), TURNS, "pass_on"), staff=(), closures=(CLOSURE,))
    whole = {each.on: each.staff for each in openings(rota, date(2026, 1, 1), date(2027, 3, 31))}
    for on, expected in whole.items():
        assert staff(rota, on, on) == [expected]
        found = dated_opening(rota, BERLIN, on)
        assert found is not None and found.staff == expected


@pytest.mark.parametrize(
    ("skipped", "expected"), [("used", [("c", "d"), ("a",), ("b",)]), ("pass_on", [("b",), ("c", "d"), ("a",)])]
)
def test_a_cancelled_date_uses_up_its_turn_or_passes_it_on(skipped: Any, expected: list[tuple[str, ...]]) -> None:
    cancelled = DateException(date(2026, 11, 11), "cancelled")
    rota = rule(rota=Turns(date(2026, 11, 4), TURNS, skipped), staff=(), exceptions=(cancelled,), state="")
    assert staff(rota, date(2026, 11, 18), date(2026, 12, 2)) == expected


@pytest.mark.parametrize(("skipped", "expected"), [("used", ("c", "d")), ("pass_on", ("b",))])
def test_a_public_holiday_counts_like_a_cancelled_date(skipped: Any, expected: tuple[str, ...]) -> None:
    rota = rule(rrule="FREQ=WEEKLY;BYDAY=TH", rota=Turns(date(2026, 5, 28), TURNS, skipped), staff=())
    assert staff(rota, date(2026, 6, 11), date(2026, 6, 11)) == [expected]


@pytest.mark.parametrize("skipped", ["used", "pass_on"])
@pytest.mark.parametrize("held_on", [date(2026, 11, 9), date(2026, 11, 20), date(2026, 10, 1)])
def test_a_moved_date_keeps_its_turn_and_the_others_theirs(skipped: Any, held_on: date) -> None:
    moved = DateException(date(2026, 11, 11), "moved", held_on=held_on)
    rota = rule(rota=Turns(date(2026, 11, 4), TURNS, skipped), staff=(), exceptions=(moved,), state="")
    found = {each.original_on: each.staff for each in openings(rota, date(2026, 9, 1), date(2026, 11, 20))}
    assert [found[date(2026, 11, each)] for each in (4, 11, 18)] == list(TURNS)
    assert staff(rota, held_on, held_on) == [("b",)]


def test_an_added_date_has_its_own_staff_and_takes_no_turn() -> None:
    added = DateException(date(2026, 11, 6), "added", staff=("x",))
    rota = rule(rota=Turns(date(2026, 11, 4), TURNS), staff=(), exceptions=(added,), state="")
    assert staff(rota, date(2026, 11, 4), date(2026, 11, 11)) == [("a",), ("x",), ("b",)]


# Both ways of asking agree

dates = st.dates(date(2026, 1, 1), date(2026, 12, 31))
exceptions = st.builds(
    DateException,
    original_on=dates,
    kind=st.sampled_from(["cancelled", "moved", "added"]),
    held_on=st.none(),
    staff=st.one_of(st.none(), st.just(("x",))),
)
moves = st.builds(DateException, original_on=dates, kind=st.just("moved"), held_on=dates)
rules = st.builds(
    rule,
    rrule=st.sampled_from([None, WEDNESDAYS, "FREQ=WEEKLY;BYDAY=MO,TH", "FREQ=MONTHLY;BYDAY=1WE,3WE"]),
    dates=st.frozensets(dates, max_size=3),
    valid_from=dates,
    valid_until=st.one_of(st.none(), dates),
    exceptions=st.lists(st.one_of(exceptions, moves), max_size=6, unique_by=lambda each: each.original_on).map(tuple),
    rota=st.one_of(st.none(), st.builds(Turns, dates, st.just(TURNS), st.sampled_from(["used", "pass_on"]))),
    closures=st.lists(
        st.tuples(dates, st.integers(0, 30)).map(lambda each: ClosedDays(each[0], each[0] + timedelta(each[1]), {})),
        max_size=2,
    ).map(tuple),
)


@given(rules, dates, st.integers(0, 60))
def test_one_opening_by_its_name_is_the_one_in_the_list(of: Rule, from_on: date, days: int) -> None:
    until_on = from_on + timedelta(days=days)
    listed = openings(of, from_on, until_on)
    assert len({each.original_on for each in listed}) == len(listed)
    assert [each.starts_at for each in listed] == sorted(each.starts_at for each in listed)
    for each in listed:
        assert from_on <= each.on <= until_on
        found = dated_opening(of, BERLIN, each.original_on)
        assert found == each
        assert found is not None and found.closed_because == each.closed_because


@given(rules, dates, st.integers(1, 60), st.integers(0, 60))
def test_two_windows_side_by_side_show_what_one_window_shows(of: Rule, from_on: date, first: int, rest: int) -> None:
    middle, until_on = from_on + timedelta(days=first), from_on + timedelta(days=first + rest)
    apart = openings(of, from_on, middle - timedelta(days=1)) + openings(of, middle, until_on)
    assert {each.original_on: each for each in apart} == {
        each.original_on: each for each in openings(of, from_on, until_on)
    }
