"""Free starts of one opening: on the grid, inside everything, each with an adviser."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.intervals import Interval, most_at_once
from scheduler.domain.matching import Duty, Held, Wanted, knows
from scheduler.domain.slots import Supply, bookable_window, free_slots, grid_starts, slot_at

START = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


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
    found = free_slots(supply(odd), Wanted(), 15)
    assert minutes_of([each.starts_at for each in found]) == [30, 45]


@pytest.mark.parametrize(
    ("lead", "horizon", "start", "bookable"),
    [(15, 45, 14, False), (15, 45, 15, True), (15, 45, 44, True), (15, 45, 45, False), (0, 45, -1, False)],
)
def test_the_window_takes_in_the_lead_and_leaves_out_the_horizon(
    lead: int, horizon: int, start: int, bookable: bool
) -> None:
    window = bookable_window(START, timedelta(minutes=lead), timedelta(minutes=horizon))
    assert window.includes(START + timedelta(minutes=start)) is bookable


def test_a_slot_says_when_it_ends_who_takes_it_and_in_which_languages() -> None:
    busy, free = duty(1, busy=(span(0, 60),), languages="de ar"), duty(2, languages="de uk")
    other = duty(3, languages="en")
    slot = slot_at(START, supply(busy, free, other), Wanted(), 45)
    assert slot is not None
    assert (slot.starts_at, slot.ends_at) == (START, START + timedelta(minutes=45))
    assert (slot.adviser_id, slot.moves) == (3, ())
    assert slot.languages == {"de", "uk", "en"}


def test_a_slot_says_who_is_handed_on_to_make_room() -> None:
    standing = Held(7, span(0, 30), Wanted(), 1)
    given_supply = supply(duty(1, languages="de ar"), duty(2))._replace(held=(standing,), appointments=(span(0, 30),))
    slot = slot_at(START, given_supply, Wanted(language="ar"), 30)
    assert slot is not None
    assert (slot.adviser_id, slot.moves) == (1, ((7, 2),))


@pytest.mark.parametrize("minutes", [5, -15, 60, 46])
def test_a_start_off_the_grid_or_outside_is_never_free(minutes: int) -> None:
    assert slot_at(START + timedelta(minutes=minutes), supply(duty(1)), Wanted(), 15) is None


def test_nobody_on_duty_means_no_slot() -> None:
    assert list(free_slots(supply(), Wanted(), 15)) == []


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
    st.just(()),
)
wishes = st.builds(
    Wanted,
    st.frozensets(st.sampled_from(["MBE", "JMD"])),
    st.one_of(st.none(), st.sampled_from(["de", "ar"])),
    st.one_of(st.none(), st.integers(1, 5)),
)
lengths = st.sampled_from([15, 30, 45])


@given(supplies, wishes, lengths)
def test_every_slot_lies_on_the_grid_and_in_the_opening(given_supply: Supply, wanted: Wanted, minutes: int) -> None:
    for slot in free_slots(given_supply, wanted, minutes):
        since = slot.starts_at - given_supply.during.starts_at
        assert since % timedelta(minutes=given_supply.grid_minutes) == timedelta(0)
        assert slot.ends_at - slot.starts_at == timedelta(minutes=minutes)
        assert given_supply.during.starts_at <= slot.starts_at and slot.ends_at <= given_supply.during.ends_at


@given(supplies, wishes, lengths)
def test_every_slot_has_advisers_who_are_free_and_know_and_room_for_one_more(
    given_supply: Supply, wanted: Wanted, minutes: int
) -> None:
    by_id = {each.adviser_id: each for each in given_supply.duties}
    for slot in free_slots(given_supply, wanted, minutes):
        during = Interval(slot.starts_at, slot.ends_at)
        assert knows(by_id[slot.adviser_id], wanted)
        assert not any(busy.overlaps(during) for busy in by_id[slot.adviser_id].busy)
        if given_supply.at_once is not None:
            there = [each for each in given_supply.appointments if each.overlaps(during)]
            overlapping = [
                Interval(max(each.starts_at, during.starts_at), min(each.ends_at, during.ends_at)) for each in there
            ]
            assert most_at_once(overlapping) < given_supply.at_once


@given(supplies, wishes, lengths)
def test_asking_about_one_start_agrees_with_the_list(given_supply: Supply, wanted: Wanted, minutes: int) -> None:
    listed = list(free_slots(given_supply, wanted, minutes))
    assert len({each.starts_at for each in listed}) == len(listed)
    assert [each.starts_at for each in listed] == sorted(each.starts_at for each in listed)
    starts = (START + timedelta(minutes=each) for each in range(-5, 205, 5))
    asked = [slot for start in starts if (slot := slot_at(start, given_supply, wanted, minutes)) is not None]
    assert asked == listed
