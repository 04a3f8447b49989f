"""Who can take an appointment."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.intervals import Interval
from scheduler.domain.matching import Duty, Wanted, free_advisers, knows

START = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


def span(first: int, last: int) -> Interval:
    return Interval(START + timedelta(minutes=first), START + timedelta(minutes=last))


def duty(adviser_id: int, services: str = "MBE", languages: str = "de", busy: tuple[Interval, ...] = ()) -> Duty:
    return Duty(adviser_id, frozenset(services.split()), frozenset(languages.split()), busy)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(), True),
        (Wanted(frozenset({"MBE"})), True),
        (Wanted(frozenset({"JMD"})), False),
        (Wanted(frozenset({"MBE", "JMD"})), True),
        (Wanted(language="ar"), True),
        (Wanted(language="uk"), False),
        (Wanted(adviser_id=1), True),
        (Wanted(adviser_id=2), False),
        (Wanted(frozenset({"MBE"}), "ar", 1), True),
        (Wanted(frozenset({"JMD"}), "ar", 1), False),
        (Wanted(frozenset({"MBE"}), "uk", 1), False),
        (Wanted(frozenset({"MBE"}), "ar", 2), False),
    ],
)
def test_an_adviser_knows_what_meets_service_language_and_wish(wanted: Wanted, expected: bool) -> None:
    assert knows(duty(1, "MBE", "de ar"), wanted) is expected


@pytest.mark.parametrize(
    ("appointments", "at_once", "free"),
    [
        ([], 1, True),
        ([], 0, False),
        ([span(0, 30)], 1, False),
        ([span(-30, 0), span(30, 60)], 1, True),
        ([span(0, 15), span(15, 30)], 2, True),
        ([span(0, 15), span(10, 30)], 2, False),
        ([span(0, 30), span(0, 30)], None, True),
        ([span(100, 130), span(100, 130), span(100, 130)], 1, True),
    ],
)
def test_never_more_appointments_at_once_than_the_opening_allows(
    appointments: list[Interval], at_once: int | None, free: bool
) -> None:
    found = free_advisers(Wanted(), span(0, 30), [duty(1), duty(2), duty(3)], appointments, at_once)
    assert bool(found) is free


def test_an_adviser_is_free_right_before_and_right_after_another_appointment() -> None:
    touching = duty(1, busy=(span(-15, 0), span(30, 45)))
    assert free_advisers(Wanted(), span(0, 30), [touching], [], None) == [touching]
    assert free_advisers(Wanted(), span(0, 31), [touching], [], None) == []
    assert free_advisers(Wanted(), span(-1, 30), [touching], [], None) == []


def test_the_least_busy_adviser_comes_first_and_ties_keep_the_order_of_the_staff() -> None:
    busy, first, second = duty(1, busy=(span(60, 90),)), duty(3), duty(2)
    assert free_advisers(Wanted(), span(0, 30), [busy, first, second], [], None) == [first, second, busy]


spans = st.tuples(st.integers(0, 24), st.integers(1, 6)).map(lambda each: span(each[0] * 15, (each[0] + each[1]) * 15))
services = st.frozensets(st.sampled_from(["MBE", "JMD"]))
languages = st.frozensets(st.sampled_from(["de", "ar", "uk"]))
staff = st.lists(
    st.builds(Duty, st.integers(1, 6), services, languages, st.lists(spans, max_size=4).map(tuple)),
    max_size=6,
    unique_by=lambda each: each.adviser_id,
)
wishes = st.builds(
    Wanted,
    services,
    st.one_of(st.none(), st.sampled_from(["de", "ar", "uk"])),
    st.one_of(st.none(), st.integers(1, 6)),
)
caps = st.one_of(st.none(), st.integers(0, 4))


@given(wishes, spans, staff, st.lists(spans, max_size=6), caps)
def test_exactly_the_advisers_who_are_free_and_know_are_found_while_the_cap_allows(
    wanted: Wanted, during: Interval, duties: list[Duty], appointments: list[Interval], at_once: int | None
) -> None:
    ticks = [each for each in (span(15 * at, 15 * (at + 1)) for at in range(32)) if each.overlaps(during)]
    most = max(sum(one.overlaps(tick) for one in appointments) for tick in ticks) + 1
    fits = at_once is None or most <= at_once
    free = {
        each.adviser_id
        for each in duties
        if knows(each, wanted) and not any(busy.overlaps(during) for busy in each.busy)
    }
    found = [each.adviser_id for each in free_advisers(wanted, during, duties, appointments, at_once)]
    assert len(found) == len(set(found))
    assert set(found) == (free if fits else set())
