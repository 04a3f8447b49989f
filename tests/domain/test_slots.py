"""Free starts of one opening: on the grid, inside everything, each with an adviser."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.intervals import Interval, most_at_once
from scheduler.domain.matching import Duty, Wanted, knows
from scheduler.domain.slots import Supply, bookable_window, free_slots, grid_starts

START = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
ALWAYS = Interval(START - timedelta(days=365), START + timedelta(days=365))


def span(first: int, last: int) -> Interval:
    return Interval(START + timedelta(minutes=first), START + timedelta(minutes=last))


def duty(adviser_id: int, busy: tuple[Interval, ...] = (), languages: str = "de") -> Duty:
    return Duty(adviser_id, frozenset({"MBE"}), frozenset(languages.split()), busy)


def supply(*duties: Duty, minutes: int = 60, grid: int = 15, at_once: int | None = None) -> Supply:
    appointments = tuple(busy for each in duties for busy in each.busy)
    return Supply(span(0, minutes), grid, at_once, duties, appointments)


def minutes_of(slots: list[datetime]) -> list[int]:
    return [int((each - START).total_seconds() // 60) for each in slots]


@pytest.mark.parametrize(
    ("opening", "grid", "length", "expected"),
    [
        (60, 15, 15, [0, 15, 30, 45]),
        (60, 15, 45, [0, 15]),
        (60, 15, 60, [0]),
        (60, 15, 61, []),
        (50, 20, 15, [0, 20]),
        (55, 20, 15, [0, 20, 40]),
        (60, 7, 30, [0, 7, 14, 21, 28]),
    ],
)
def test_the_grid_is_anchored_to_the_start_and_ends_inside(
    opening: int, grid: int, length: int, expected: list[int]
) -> None:
    assert minutes_of(list(grid_starts(span(0, opening), grid, length))) == expected


def test_an_appointment_elsewhere_on_the_grid_does_not_make_the_starts_drift() -> None:
    odd = duty(1, busy=(span(7, 22),))
    found = free_slots(supply(odd), Wanted(), 15, ALWAYS)
    assert minutes_of([each.starts_at for each in found]) == [30, 45]


def test_the_window_takes_in_the_lead_and_leaves_out_the_horizon() -> None:
    window = bookable_window(START, timedelta(minutes=15), timedelta(minutes=45))
    found = free_slots(supply(duty(1)), Wanted(), 15, window)
    assert minutes_of([each.starts_at for each in found]) == [15, 30]


def test_a_start_that_has_passed_is_not_offered() -> None:
    window = bookable_window(START + timedelta(minutes=15, seconds=1), timedelta(0), timedelta(days=1))
    found = free_slots(supply(duty(1)), Wanted(), 15, window)
    assert minutes_of([each.starts_at for each in found]) == [30, 45]


def test_a_slot_says_when_it_ends_who_could_take_it_and_in_which_languages() -> None:
    busy, free = duty(1, busy=(span(0, 60),), languages="de ar"), duty(2, languages="de uk")
    other = duty(3, languages="en")
    (slot,) = free_slots(supply(busy, free, other), Wanted(), 45, ALWAYS, only=START)
    assert (slot.starts_at, slot.ends_at) == (START, START + timedelta(minutes=45))
    assert slot.adviser_ids == (2, 3)
    assert slot.languages == {"de", "uk", "en"}


def test_a_start_off_the_grid_is_never_free() -> None:
    assert list(free_slots(supply(duty(1)), Wanted(), 15, ALWAYS, only=START + timedelta(minutes=5))) == []
    assert list(free_slots(supply(duty(1)), Wanted(), 15, ALWAYS, only=START - timedelta(minutes=15))) == []
    assert list(free_slots(supply(duty(1)), Wanted(), 15, ALWAYS, only=START + timedelta(minutes=60))) == []


def test_nobody_on_duty_means_no_slot() -> None:
    assert list(free_slots(supply(), Wanted(), 15, ALWAYS)) == []


spans = st.tuples(st.integers(0, 36), st.integers(1, 12)).map(lambda each: span(5 * each[0], 5 * sum(each)))
duties = st.lists(
    st.builds(
        Duty,
        st.integers(1, 5),
        st.frozensets(st.sampled_from(["MBE", "JMD"])),
        st.frozensets(st.sampled_from(["de", "ar"])),
        st.lists(spans, max_size=4).map(tuple),
    ),
    max_size=5,
    unique_by=lambda each: each.adviser_id,
).map(tuple)
supplies = st.builds(
    Supply,
    st.integers(0, 200).map(lambda minutes: span(0, minutes)),
    st.sampled_from([5, 10, 15, 20, 30]),
    st.one_of(st.none(), st.integers(1, 3)),
    duties,
    st.lists(spans, max_size=5).map(tuple),
)
wishes = st.builds(
    Wanted,
    st.frozensets(st.sampled_from(["MBE", "JMD"])),
    st.one_of(st.none(), st.sampled_from(["de", "ar"])),
    st.one_of(st.none(), st.integers(1, 5)),
)
windows = st.tuples(st.integers(-100, 200), st.integers(0, 200)).map(lambda each: span(each[0], sum(each)))
lengths = st.sampled_from([15, 30, 45])


@given(supplies, wishes, lengths, windows)
def test_every_slot_lies_on_the_grid_in_the_opening_and_in_the_window(
    given_supply: Supply, wanted: Wanted, minutes: int, window: Interval
) -> None:
    for slot in free_slots(given_supply, wanted, minutes, window):
        since = slot.starts_at - given_supply.during.starts_at
        assert since % timedelta(minutes=given_supply.grid_minutes) == timedelta(0)
        assert slot.ends_at - slot.starts_at == timedelta(minutes=minutes)
        assert given_supply.during.starts_at <= slot.starts_at and slot.ends_at <= given_supply.during.ends_at
        assert window.starts_at <= slot.starts_at < window.ends_at


@given(supplies, wishes, lengths)
def test_every_slot_has_advisers_who_are_free_and_know_and_room_for_one_more(
    given_supply: Supply, wanted: Wanted, minutes: int
) -> None:
    by_id = {each.adviser_id: each for each in given_supply.duties}
    for slot in free_slots(given_supply, wanted, minutes, ALWAYS):
        during = Interval(slot.starts_at, slot.ends_at)
        assert slot.adviser_ids
        for adviser_id in slot.adviser_ids:
            assert knows(by_id[adviser_id], wanted)
            assert not any(busy.overlaps(during) for busy in by_id[adviser_id].busy)
        if given_supply.at_once is not None:
            there = [each for each in given_supply.appointments if each.overlaps(during)]
            overlapping = [
                Interval(max(each.starts_at, during.starts_at), min(each.ends_at, during.ends_at)) for each in there
            ]
            assert most_at_once(overlapping) < given_supply.at_once


@given(supplies, wishes, lengths, windows)
def test_asking_about_one_start_agrees_with_the_list(
    given_supply: Supply, wanted: Wanted, minutes: int, window: Interval
) -> None:
    listed = list(free_slots(given_supply, wanted, minutes, window))
    assert len({each.starts_at for each in listed}) == len(listed)
    assert [each.starts_at for each in listed] == sorted(each.starts_at for each in listed)
    asked = [
        slot
        for start in (START + timedelta(minutes=each) for each in range(-5, 205, 5))
        for slot in free_slots(given_supply, wanted, minutes, window, only=start)
    ]
    assert asked == listed
