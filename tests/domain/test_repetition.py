"""A rule as calendars repeat it: read back by somebody else, it yields what the town's rules yield."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rruleset, rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.domain.intervals import Interval
from scheduler.domain.recurrence import ClosedDays, DatedOpening, DateException, Rule, dated_openings
from scheduler.domain.repetition import Repetition, find_repetition

BERLIN = ZoneInfo("Europe/Berlin")
FROM_ON, UNTIL_ON = date(2026, 1, 1), date(2027, 12, 31)
WEDNESDAYS = "FREQ=WEEKLY;BYDAY=WE"


def rule(rrule: str | None = WEDNESDAYS, **changes: object) -> Rule:
    values = {"from_time": time(9), "until_time": time(12), "valid_from": date(2020, 1, 1), "rrule": rrule, **changes}
    return Rule(**values)  # type: ignore[arg-type]


def read_back(found: Repetition, rule: Rule) -> set[tuple[datetime, datetime]]:
    """Begin and end in UTC of what a calendar app shows: it adds up wall times and knows nothing of our rules."""
    dates = rruleset()
    begins = datetime.combine(found.first_on, rule.from_time)
    last = datetime.combine(found.last_on, time(23, 59))
    dates.rrule(rrulestr(f"{found.rrule};UNTIL={last:%Y%m%dT%H%M%S}", dtstart=begins))
    for on in found.left_out:
        dates.exdate(datetime.combine(on, rule.from_time))
    length = datetime.combine(found.first_on, rule.until_time) - begins
    starts = [each.replace(tzinfo=BERLIN).astimezone(UTC) for each in dates]
    return {(each, each + length) for each in starts}


def check(rule: Rule) -> tuple[Repetition | None, list[DatedOpening]]:
    """Whatever is found, together it is exactly what takes place."""
    found, apart = find_repetition(rule, BERLIN, FROM_ON, UNTIL_ON)
    held = [each.interval for each in dated_openings(rule, BERLIN, FROM_ON, UNTIL_ON) if each.takes_place]
    repeated = [Interval(*each) for each in read_back(found, rule)] if found else []
    assert sorted([*repeated, *(each.interval for each in apart)]) == sorted(held)
    return found, apart


def test_a_plain_rule_is_one_event_from_its_first_date_of_the_year_to_the_end_of_the_next() -> None:
    found, apart = check(rule())
    assert found is not None and apart == []
    assert found[:4] == (date(2026, 1, 7), UNTIL_ON, WEDNESDAYS, ())


def test_it_begins_with_a_year_and_not_with_each_day() -> None:
    found, _ = find_repetition(rule(valid_from=date(2026, 3, 2)), BERLIN, FROM_ON, UNTIL_ON)
    assert found is not None and found[:4] == (date(2026, 3, 4), UNTIL_ON, WEDNESDAYS, ())


def test_public_holidays_and_closures_are_left_out() -> None:
    closed = ClosedDays(date(2026, 12, 24), date(2027, 1, 6), {"de": "Ferien"})
    found, apart = check(rule("FREQ=WEEKLY;BYDAY=FR", state="HE", closures=(closed,)))
    assert found is not None and apart == []
    assert date(2026, 4, 3) in found.left_out  # Good Friday
    assert {date(2026, 12, 25), date(2027, 1, 1)} <= set(found.left_out)


def test_a_first_date_that_is_closed_is_not_where_it_begins() -> None:
    found, _ = check(rule("FREQ=WEEKLY;BYDAY=TH", state="HE"))
    assert found is not None and found.first_on == date(2026, 1, 8)


def test_dates_that_differ_stand_by_themselves_and_so_do_extra_ones() -> None:
    changes = (
        DateException(date(2026, 3, 4), "cancelled"),
        DateException(date(2026, 3, 11), "moved", held_on=date(2026, 3, 12)),
        DateException(date(2026, 3, 18), "moved", until_time=time(11)),
        DateException(date(2026, 3, 27), "added"),
        DateException(date(2026, 3, 28), "added", from_time=time(14), until_time=time(15)),
        DateException(date(2026, 1, 2), "added"),
    )
    found, apart = check(rule(exceptions=changes))
    assert found is not None
    assert found.left_out == (date(2026, 3, 4), date(2026, 3, 11), date(2026, 3, 18))
    by_themselves = ["2026-01-02", "2026-03-12", "2026-03-18", "2026-03-27", "2026-03-28"]
    assert [each.on.isoformat() for each in apart] == by_themselves


def test_one_moved_onto_another_s_day_stands_beside_it() -> None:
    found, apart = check(
        rule(exceptions=(DateException(date(2026, 3, 4), "moved", date(2026, 3, 11), time(14), time(16)),))
    )
    assert found is not None and found.left_out == (date(2026, 3, 4),)
    assert [each.original_on for each in apart] == [date(2026, 3, 4)]


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=WE",
        "FREQ=WEEKLY;INTERVAL=3;BYDAY=TU,TH",
        "FREQ=MONTHLY;BYDAY=1WE,3WE",
        "FREQ=MONTHLY;BYDAY=-1FR",
        "FREQ=MONTHLY;INTERVAL=5;BYDAY=2MO",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "FREQ=MONTHLY;BYMONTHDAY=31",
        "FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=9",
        "FREQ=YEARLY;BYMONTH=6;BYDAY=WE",
        "FREQ=WEEKLY;BYDAY=WE;UNTIL=20260630",
        "FREQ=WEEKLY;BYDAY=WE;COUNT=340",
    ],
)
def test_rules_of_all_kinds_are_one_event(text: str) -> None:
    found, apart = check(rule(text, valid_from=date(2020, 1, 8)))
    assert found is not None and apart == []
    assert "COUNT" not in found.rrule and "UNTIL" not in found.rrule
    if "COUNT" in text or "UNTIL" in text:
        assert found.last_on < UNTIL_ON


@pytest.mark.parametrize(
    "text", ["FREQ=YEARLY;BYEASTER=1", "FREQ=YEARLY;BYYEARDAY=100,200", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO"]
)
def test_what_no_calendar_reads_alike_stands_date_by_date(text: str) -> None:
    found, apart = check(rule(text))
    assert found is None and len(apart) >= 2


def test_dates_alone_stand_date_by_date() -> None:
    found, apart = check(rule(None, dates=frozenset({date(2026, 5, 5), date(2026, 7, 1)})))
    assert found is None and len(apart) == 2


def test_where_most_dates_differ_there_is_no_rule_to_tell() -> None:
    closed = ClosedDays(date(2026, 2, 1), date(2027, 11, 30), {})
    found, apart = check(rule(closures=(closed,)))
    assert found is None and len(apart) == 9


def test_rules_that_are_over_or_yield_nothing_give_nothing() -> None:
    for each in (rule(valid_until=date(2025, 12, 31)), rule("FREQ=WEEKLY;BYDAY=WE;UNTIL=20251231"), rule(None)):
        assert check(each) == (None, [])


@pytest.mark.parametrize(
    ("from_time", "until_time"),
    [(time(2, 30), time(3, 30)), (time(1, 30), time(2, 30)), (time(0), time(5)), (time(2), time(3))],
)
def test_in_the_nights_of_the_time_change_a_date_stands_by_itself(from_time: time, until_time: time) -> None:
    found, apart = check(rule("FREQ=DAILY", from_time=from_time, until_time=until_time))
    nights = [date(2026, 3, 29), date(2026, 10, 25), date(2027, 3, 28), date(2027, 10, 31)]
    assert found is not None and set(found.left_out) <= set(nights)
    assert [each.on for each in apart] == list(found.left_out)
    assert len(apart) >= 2


def test_by_day_the_days_of_the_time_change_are_like_any_other() -> None:
    found, apart = check(rule("FREQ=WEEKLY;BYDAY=SU"))
    assert found is not None and found.left_out == () and apart == []


days = st.dates(date(2026, 1, 1), date(2027, 12, 31))
exceptions = st.lists(
    st.builds(
        DateException,
        original_on=days,
        kind=st.sampled_from(["cancelled", "moved", "added"]),
        held_on=st.none() | days,
        from_time=st.none() | st.sampled_from([time(8), time(9)]),
    ),
    max_size=12,
    unique_by=lambda each: each.original_on,
)
texts = st.builds(
    lambda freq, every, on: f"FREQ={freq};INTERVAL={every};BYDAY={','.join(sorted(on))}",
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY"]),
    st.integers(1, 6),
    st.sets(st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), min_size=1),
)


@settings(max_examples=60, deadline=None)
@given(
    text=texts,
    changes=exceptions,
    valid_from=st.dates(date(2024, 1, 1), date(2026, 12, 31)),
    state=st.sampled_from(["", "HE"]),
)
def test_any_rule_with_any_changes_is_read_back_as_it_takes_place(
    text: str, changes: list[DateException], valid_from: date, state: str
) -> None:
    check(rule(text, valid_from=valid_from, state=state, exceptions=tuple(changes)))
