"""Which starts clients may take while a share stays for the desk, and when it is released."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.desk_share import (
    FIRST_MINUTE,
    LAST_MINUTE,
    Kept,
    count_starts,
    is_enough,
    is_office_day,
    leaves_share,
    minute_of,
    released_at,
)
from scheduler.domain.intervals import Interval
from scheduler.domain.matching import Duty, Held, Wanted
from scheduler.domain.slots import Supply, free_slots, slot_at

START = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def span(first: int, last: int) -> Interval:
    return Interval(START + timedelta(minutes=first), START + timedelta(minutes=last))


def kept(
    share: float,
    *appointments: Interval,
    advisers: int = 1,
    at_once: int | None = None,
    minutes: int = 60,
    grid: int = 15,
    away: tuple[Interval, ...] = (),
) -> Kept:
    """Of an opening in which the first adviser is away then."""
    everybody = [list(away) if each == 0 else [] for each in range(advisers)]
    return count_starts(span(0, minutes), grid, at_once, everybody, appointments, share)


@pytest.mark.parametrize(
    ("found", "total", "free"),
    [
        (kept(0.5), 4, (1, 1, 1, 1)),
        (kept(0.5, advisers=3), 12, (3, 3, 3, 3)),
        (kept(0.5, advisers=3, at_once=2), 8, (2, 2, 2, 2)),
        (kept(0.5, advisers=1, at_once=2), 4, (1, 1, 1, 1)),
        (kept(0.5, advisers=0), 0, (0, 0, 0, 0)),
        (kept(0.5, span(15, 30)), 4, (1, 0, 1, 1)),
        (kept(0.5, span(15, 45), advisers=2), 8, (2, 1, 1, 2)),
        (kept(0.5, span(15, 35), advisers=2), 8, (2, 1, 1, 2)),
        (kept(0.5, away=(span(0, 20),)), 2, (0, 0, 1, 1)),
        (kept(0.5, span(0, 60), span(0, 60)), 4, (0, 0, 0, 0)),
        (kept(0.5, minutes=55, grid=20), 3, (1, 1, 1)),
    ],
)
def test_starts_are_points_of_the_grid_once_for_each_adviser_who_may_be_in_an_appointment(
    found: Kept, total: int, free: tuple[int, ...]
) -> None:
    assert (found.total, found.free) == (total, free)


@pytest.mark.parametrize(
    ("found", "asked", "may"),
    [
        (kept(0.5), span(0, 15), True),
        (kept(0.5), span(0, 30), True),
        (kept(0.5), span(0, 45), False),
        (kept(0.5, span(30, 45)), span(0, 15), True),
        (kept(0.5, span(30, 60)), span(0, 15), False),
        (kept(0.0, span(0, 45)), span(45, 60), True),
        (kept(1.0), span(0, 15), False),
        (kept(0.25, span(0, 15), span(15, 30)), span(30, 45), True),
        (kept(0.26, span(0, 15), span(15, 30)), span(30, 45), False),
        (kept(0.1, *[span(15 * each, 15 * each + 15) for each in range(8)], minutes=150), span(120, 135), True),
        (kept(0.3, *[span(15 * each, 15 * each + 15) for each in range(6)], minutes=150), span(90, 105), True),
        (kept(0.3, *[span(15 * each, 15 * each + 15) for each in range(7)], minutes=150), span(105, 120), False),
        (kept(0.5, advisers=2, away=(span(0, 60),)), span(0, 30), True),
        (kept(0.5, span(0, 20)), span(30, 45), False),
    ],
)
def test_a_client_may_take_what_leaves_the_share_free(found: Kept, asked: Interval, may: bool) -> None:
    assert leaves_share(found, START, 15, asked) is may


openings = st.builds(
    Supply,
    st.integers(1, 16).map(lambda quarters: span(0, 15 * quarters - 5 * (quarters % 3))),
    st.sampled_from([5, 15, 20]),
    st.one_of(st.none(), st.integers(1, 3)),
    st.integers(0, 3).map(lambda many: tuple(Duty(each, frozenset(), frozenset()) for each in range(many))),
    st.just(()),
    st.just(()),
    st.none(),
)
shares = st.sampled_from([0.0, 0.1, 0.2, 0.25, 0.3, 1 / 3, 0.5, 0.75, 0.9, 1.0])
lengths = st.sampled_from([15, 20, 30, 45])


def with_share(opening: Supply, taken: list[Held], share: float) -> Supply:
    """The opening as a client finds it, with these appointments."""
    appointments = tuple(each.during for each in taken)
    found = count_starts(
        opening.during, opening.grid_minutes, opening.at_once, [[] for _ in opening.duties], appointments, share
    )
    return opening._replace(appointments=appointments, held=tuple(taken), kept=found)


def book_all(data: st.DataObject, opening: Supply, share: float) -> list[Held]:
    """Clients take times of any length until nothing is offered, or they stop."""
    taken: list[Held] = []
    for number in range(data.draw(st.integers(0, 20))):
        offered = list(free_slots(with_share(opening, taken, share), Wanted(), data.draw(lengths)))
        if not offered:
            break
        slot = data.draw(st.sampled_from(offered))
        moves = dict(slot.moves)
        taken = [each._replace(adviser_id=moves.get(each.visit_id, each.adviser_id)) for each in taken]
        taken.append(Held(number, Interval(slot.starts_at, slot.ends_at), Wanted(), slot.adviser_id))
    return taken


@given(st.data(), openings, shares)
def test_after_any_bookings_by_clients_the_share_is_free(data: st.DataObject, opening: Supply, share: float) -> None:
    taken = book_all(data, opening, share)
    found = with_share(opening, taken, share).kept
    assert found is not None
    if taken:
        assert sum(found.free) >= round(share, 3) * found.total - 1e-6


@given(st.data(), openings, shares, lengths)
def test_nobody_is_refused_a_time_that_would_leave_the_share(
    data: st.DataObject, opening: Supply, share: float, minutes: int
) -> None:
    taken = book_all(data, opening, share)
    here = with_share(opening, taken, share)
    offered = {each.starts_at for each in free_slots(here, Wanted(), minutes)}
    for slot in free_slots(here._replace(kept=None), Wanted(), minutes):
        would_be = [*taken, Held(99, Interval(slot.starts_at, slot.ends_at), Wanted(), slot.adviser_id)]
        after = with_share(opening, would_be, share).kept
        assert after is not None and here.kept is not None
        assert (slot.starts_at in offered) == is_enough(after, sum(after.free))


@given(st.data(), openings, shares, shares, lengths)
def test_a_smaller_share_and_fewer_appointments_never_offer_less(
    data: st.DataObject, opening: Supply, one: float, other: float, minutes: int
) -> None:
    smaller, larger = sorted((one, other))
    taken = book_all(data, opening, 0.0)

    def starts(appointments: list[Held], share: float) -> set[datetime]:
        return {each.starts_at for each in free_slots(with_share(opening, appointments, share), Wanted(), minutes)}

    assert starts(taken, larger) <= starts(taken, smaller)
    assert starts(taken, larger) <= starts(taken[:-1], larger)


@given(st.data(), openings, shares, lengths)
def test_what_is_listed_can_be_booked_and_nothing_else(
    data: st.DataObject, opening: Supply, share: float, minutes: int
) -> None:
    here = with_share(opening, book_all(data, opening, share), share)
    listed = list(free_slots(here, Wanted(), minutes))
    every = (here.during.starts_at + timedelta(minutes=each) for each in range(0, 260, 5))
    assert [slot for at in every if (slot := slot_at(at, here, Wanted(), minutes))] == listed


WEDNESDAY = date(2026, 11, 25)


def release(days: int, minute: int = FIRST_MINUTE, held_on: date = WEDNESDAY, clock: int = 9) -> datetime:
    opens = datetime(held_on.year, held_on.month, held_on.day, clock, tzinfo=BERLIN)
    return released_at(opens.astimezone(UTC), held_on, days, minute, BERLIN, "HE").astimezone(BERLIN)


@pytest.mark.parametrize(
    ("days", "minute", "held_on", "expected"),
    [
        (1, 8 * 60, WEDNESDAY, "2026-11-24T08:00"),
        (1, 9 * 60, WEDNESDAY, "2026-11-24T09:00"),
        (1, 9 * 60 + 1, WEDNESDAY, "2026-11-23T09:01"),
        (0, 8 * 60 + 30, WEDNESDAY, "2026-11-25T08:30"),
        (0, 15 * 60, WEDNESDAY, "2026-11-24T15:00"),
        (3, 8 * 60, WEDNESDAY, "2026-11-20T08:00"),
        (2, 12 * 60, date(2026, 12, 28), "2026-12-24T12:00"),
        (7, 8 * 60, date(2026, 10, 28), "2026-10-21T08:00"),
    ],
)
def test_a_share_is_released_on_an_office_day_not_later_than_so_many_days_before(
    days: int, minute: int, held_on: date, expected: str
) -> None:
    assert release(days, minute, held_on).strftime("%Y-%m-%dT%H:%M") == expected


@given(st.integers(0, 60), st.integers(), st.dates(date(2026, 1, 1), date(2030, 12, 31)), st.integers(7, 20))
def test_a_release_is_at_a_minute_of_an_office_day_and_at_most_a_few_days_early(
    days: int, number: int, held_on: date, clock: int
) -> None:
    found = release(days, minute_of(number), held_on, clock)
    assert is_office_day(found.date(), "HE")
    assert FIRST_MINUTE <= found.hour * 60 + found.minute <= LAST_MINUTE
    latest = datetime(held_on.year, held_on.month, held_on.day, clock, tzinfo=BERLIN) - timedelta(days=days)
    assert latest - timedelta(days=8) < found <= latest
