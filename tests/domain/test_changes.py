"""What differs on the coming dates of a place: closed, at other times, on another day, extra."""

from datetime import date, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.changes import Change, Span, changes_at
from scheduler.domain.recurrence import ClosedDays, DateException, Rule, dated_openings

BERLIN = ZoneInfo("Europe/Berlin")
TUESDAY = date(2026, 11, 24)
WEDNESDAY = date(2026, 11, 25)
THURSDAY = date(2026, 11, 26)
NEXT = date(2026, 12, 2)
FOUR_WEEKS = timedelta(days=28)


def rule(**changes: Any) -> Rule:
    settings: dict[str, Any] = {
        "from_time": time(9),
        "until_time": time(12),
        "valid_from": date(2007, 7, 1),
        "rrule": "FREQ=WEEKLY;BYDAY=WE",
        "state": "HE",
    }
    return Rule(**{**settings, **changes})


def changes(*rules: Rule, from_on: date = TUESDAY, until_on: date = TUESDAY + FOUR_WEEKS) -> list[Change]:
    return changes_at(rules, BERLIN, from_on, until_on)


def usual(on: date, from_hour: int = 9, until_hour: int = 12) -> Span:
    return Span(on, time(from_hour), time(until_hour))


def cancelled(on: date, reason: str = "", **more: Any) -> DateException:
    return DateException(on, "cancelled", reason=reason, **more)


def moved(on: date, **to: Any) -> DateException:
    return DateException(on, "moved", **to)


def test_dates_as_the_rule_says_are_no_change() -> None:
    assert changes(rule(), rule(rrule="FREQ=WEEKLY;BYDAY=TH")) == []


def test_a_cancelled_date_is_closed_for_its_reason() -> None:
    [found] = changes(rule(exceptions=(cancelled(WEDNESDAY, "Staff training"),)))
    assert found == Change(
        WEDNESDAY, WEDNESDAY, (usual(WEDNESDAY),), None, all_day=True, reason={"": "Staff training"}, is_holiday=False
    )


def test_other_times_stand_beside_the_usual_ones() -> None:
    [found] = changes(rule(exceptions=(moved(WEDNESDAY, until_time=time(11)),)))
    assert (found.usual, found.actual) == ((usual(WEDNESDAY),), usual(WEDNESDAY, 9, 11))
    assert not found.is_moved


def test_a_moved_date_concerns_both_days_and_no_other() -> None:
    [found] = changes(rule(exceptions=(moved(WEDNESDAY, held_on=THURSDAY),)))
    assert found.is_moved and found.all_day
    assert [on for on in (TUESDAY, WEDNESDAY, THURSDAY, NEXT) if found.concerns(on)] == [WEDNESDAY, THURSDAY]
    assert found.seen_on(WEDNESDAY) is found
    there = found.seen_on(THURSDAY)
    assert (there.first_on, there.usual, there.actual) == (THURSDAY, (), usual(THURSDAY))


def test_a_moved_date_shows_as_long_as_one_of_its_days_is_in_view() -> None:
    is_moved = rule(exceptions=(moved(WEDNESDAY, held_on=THURSDAY),))
    for first, last, shown in (
        (THURSDAY, NEXT, True),
        (TUESDAY, WEDNESDAY, True),
        (TUESDAY, TUESDAY, False),
        (NEXT, NEXT + FOUR_WEEKS, False),
    ):
        assert bool(changes(is_moved, from_on=first, until_on=last)) is shown


def test_an_added_date_is_extra() -> None:
    [found] = changes(rule(exceptions=(DateException(THURSDAY, "added", until_time=time(11)),)))
    assert (found.first_on, found.usual, found.actual) == (THURSDAY, (), usual(THURSDAY, 9, 11))


def test_other_staff_alone_is_no_change_for_visitors() -> None:
    assert changes(rule(exceptions=(moved(WEDNESDAY, staff=("awo-2",)),))) == []


def test_an_exception_of_a_date_that_the_rule_no_longer_yields_is_not_told() -> None:
    assert changes(rule(exceptions=(moved(THURSDAY, until_time=time(11)), cancelled(THURSDAY)))) == []


def test_a_date_that_was_moved_and_then_cancelled_is_closed_on_both_days() -> None:
    found = changes(rule(exceptions=(cancelled(WEDNESDAY, held_on=THURSDAY, from_time=time(10)),)))
    assert [(each.first_on, each.usual, each.actual) for each in found] == [
        (WEDNESDAY, (usual(WEDNESDAY),), None),
        (THURSDAY, (usual(THURSDAY, 10, 12),), None),
    ]


def test_a_public_holiday_closes_what_a_rule_yields() -> None:
    friday = date(2026, 12, 25)
    [found] = changes(rule(rrule="FREQ=WEEKLY;BYDAY=FR"), until_on=date(2026, 12, 31))
    assert (found.first_on, found.actual, found.is_holiday) == (friday, None, True)
    assert found.reason["en"] == "Christmas Day"


def test_what_takes_place_on_a_holiday_all_the_same_is_extra() -> None:
    friday = date(2026, 12, 25)
    [found] = changes(
        rule(rrule="FREQ=WEEKLY;BYDAY=FR", exceptions=(moved(friday, until_time=time(11)),)), until_on=friday
    )
    assert (found.usual, found.actual) == ((), usual(friday, 9, 11))


CHRISTMAS = ClosedDays(date(2026, 12, 24), date(2027, 1, 1), {"en": "Christmas holidays"})


def test_a_closure_of_several_days_is_one_change_for_all_rules() -> None:
    rules = [rule(rrule=f"FREQ=WEEKLY;BYDAY={day}", closures=(CHRISTMAS,), state="") for day in ("WE", "TH")]
    [found] = changes(*rules, until_on=date(2027, 1, 10))
    assert (found.first_on, found.last_on, found.all_day) == (CHRISTMAS.from_on, CHRISTMAS.until_on, True)
    assert [each.on.day for each in found.usual] == [24, 30, 31]
    assert found.reason == CHRISTMAS.reason


def test_a_closure_is_not_told_where_it_hits_no_opening() -> None:
    assert changes(rule(closures=(ClosedDays(THURSDAY, date(2026, 12, 1), {}),))) == []


def test_what_is_cancelled_within_a_closure_is_told_by_itself() -> None:
    closed = rule(closures=(CHRISTMAS,), exceptions=(cancelled(date(2026, 12, 30), "Removal"),))
    [found] = changes(closed, from_on=date(2026, 12, 28), until_on=date(2027, 1, 3))
    assert (found.first_on, found.last_on, found.reason) == (date(2026, 12, 30), date(2026, 12, 30), {"": "Removal"})


def test_two_rules_that_are_closed_on_one_day_are_one_change() -> None:
    training = ClosedDays(WEDNESDAY, WEDNESDAY, {"en": "Staff training"})
    morning = rule(closures=(training,))
    afternoon = rule(from_time=time(13), until_time=time(16), closures=(training,))
    [found] = changes(afternoon, morning)
    assert (found.usual, found.all_day) == ((usual(WEDNESDAY), usual(WEDNESDAY, 13, 16)), True)


def test_where_something_else_is_open_that_day_only_a_part_is_closed() -> None:
    afternoon = rule(from_time=time(13), until_time=time(16), exceptions=(cancelled(WEDNESDAY),))
    [found] = changes(rule(), afternoon)
    assert (found.usual, found.all_day) == ((usual(WEDNESDAY, 13, 16),), False)


def test_a_move_leaves_the_rest_of_the_day_open() -> None:
    afternoon = rule(from_time=time(13), until_time=time(16), exceptions=(moved(WEDNESDAY, held_on=THURSDAY),))
    [found] = changes(rule(), afternoon)
    assert not found.all_day


@pytest.mark.parametrize(
    ("change", "on", "at", "over"),
    [
        (Change(WEDNESDAY, WEDNESDAY, (usual(WEDNESDAY),)), WEDNESDAY, time(11, 59), False),
        (Change(WEDNESDAY, WEDNESDAY, (usual(WEDNESDAY),)), WEDNESDAY, time(12), True),
        (Change(WEDNESDAY, WEDNESDAY, (usual(WEDNESDAY),), usual(WEDNESDAY, 9, 11)), WEDNESDAY, time(11, 30), False),
        (Change(WEDNESDAY, THURSDAY, (usual(WEDNESDAY),), usual(THURSDAY)), THURSDAY, time(9), False),
        (Change(WEDNESDAY, THURSDAY, (usual(WEDNESDAY),), usual(THURSDAY)), THURSDAY, time(12), True),
        (Change(TUESDAY, THURSDAY, (usual(WEDNESDAY),)), THURSDAY, time(20), False),
        (Change(TUESDAY, THURSDAY, (usual(WEDNESDAY),)), NEXT, time(0), True),
    ],
)
def test_a_change_is_over_when_all_its_times_are(change: Change, on: date, at: time, over: bool) -> None:
    assert change.is_over(on, at) is over


def test_changes_stand_in_order_of_time() -> None:
    some = (cancelled(NEXT), moved(WEDNESDAY, until_time=time(11)), DateException(THURSDAY, "added"))
    assert [each.first_on for each in changes(rule(exceptions=some))] == [WEDNESDAY, THURSDAY, NEXT]


DAYS = st.dates(TUESDAY, TUESDAY + FOUR_WEEKS)


@given(on=DAYS, to=DAYS, closed=st.lists(DAYS, max_size=3))
def test_every_day_that_differs_is_told_and_every_other_is_not(on: date, to: date, closed: list[date]) -> None:
    plain = rule(rrule="FREQ=WEEKLY;BYDAY=WE,FR", state="")
    closures = tuple(ClosedDays(each, each, {}) for each in closed)
    real = rule(rrule=plain.rrule, state="", closures=closures, exceptions=(moved(on, held_on=to),))
    found = changes(real)
    for day in (TUESDAY + timedelta(days=number) for number in range(29)):
        as_usual = [each.interval for each in dated_openings(plain, BERLIN, day, day)]
        now = [each.interval for each in dated_openings(real, BERLIN, day, day) if each.takes_place]
        if as_usual != now:
            assert any(each.concerns(day) for each in found), day
        elif day not in closed and not any(each.is_moved for each in found):
            assert not any(each.concerns(day) for each in found), day
