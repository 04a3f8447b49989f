"""Dates that differ from their rule: cancelled, moved, added, at other times, with other staff."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from scheduler.domain.recurrence import DateException, dated_opening
from tests.domain.office_hours import BERLIN, CHRISTMAS, CORPUS_CHRISTI, held, openings, rule

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
        closures=(CHRISTMAS,),
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


def test_other_staff_alone_does_not_open_a_closed_day() -> None:
    """A substitute is entered; later the house is closed on that day, or it turns out to be a holiday."""
    for on, weekday in ((CORPUS_CHRISTI, "TH"), (date(2026, 12, 30), "WE")):
        substitute = DateException(on, "moved", staff=("ib-1",))
        closed = rule(rrule=f"FREQ=WEEKLY;BYDAY={weekday}", closures=(CHRISTMAS,), exceptions=(substitute,))
        (found,) = openings(closed, on, on)
        assert not found.takes_place
        assert found.closed_because == openings(replace(closed, exceptions=()), on, on)[0].closed_because


@pytest.mark.parametrize("change", [{"from_time": time(10)}, {"until_time": time(11)}, {"held_on": date(2026, 6, 3)}])
def test_a_change_that_says_when_takes_place_whatever_is_closed(change: dict[str, Any]) -> None:
    closure = replace(CHRISTMAS, from_on=date(2026, 6, 1), until_on=date(2026, 6, 5))
    changed = rule(
        rrule="FREQ=WEEKLY;BYDAY=TH",
        closures=(closure,),
        exceptions=(DateException(CORPUS_CHRISTI, "moved", **change),),
    )
    assert held(changed, date(2026, 6, 1), date(2026, 6, 5)) == [change.get("held_on", CORPUS_CHRISTI)]


def test_of_two_openings_at_the_same_instant_the_earlier_named_comes_first() -> None:
    moved = rule(exceptions=(DateException(NOV_25, "moved", held_on=date(2026, 12, 2)),))
    found = openings(moved, date(2026, 12, 2), date(2026, 12, 2))
    assert [each.original_on for each in found] == [NOV_25, date(2026, 12, 2)]


def test_times_that_no_longer_fit_each_other_leave_an_empty_opening() -> None:
    """Somebody let one day begin at eleven; then the rule was changed to end at half past ten."""
    later = rule(until_time=time(10, 30), exceptions=(DateException(NOV_25, "moved", from_time=time(11)),))
    (found,) = openings(later, NOV_25, NOV_25)
    assert found.starts_at == found.ends_at == datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
