"""Who can take an appointment."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.domain.intervals import Interval
from scheduler.domain.matching import (
    Arrangement,
    Duty,
    Held,
    Wanted,
    able,
    arrange,
    has_room,
    knows,
    rearrange,
)

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
    ("appointments", "at_once", "room"),
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
    appointments: list[Interval], at_once: int | None, room: bool
) -> None:
    assert has_room(span(0, 30), appointments, at_once) is room


@pytest.mark.parametrize(("during", "expected"), [(span(0, 30), [1]), (span(0, 31), []), (span(-1, 30), [])])
def test_who_is_busy_until_the_start_or_from_the_end_on_is_able(during: Interval, expected: list[int]) -> None:
    touching = duty(1, busy=(span(-30, 0), span(30, 60)))
    assert [each.adviser_id for each in able([touching], Wanted(), during)] == expected


def held(visit_id: int, during: Interval, adviser_id: int, services: str = "MBE", language: str | None = None) -> Held:
    return Held(visit_id, during, Wanted(frozenset(services.split()), language), adviser_id)


def test_the_least_busy_is_planned_first_and_among_equals_whoever_speaks_fewest_languages() -> None:
    duties = [duty(1, languages="de ar"), duty(2, languages="de"), duty(3, languages="de ar uk")]
    assert arrange(Wanted(), span(0, 30), duties, []) == Arrangement(2)
    assert arrange(Wanted(), span(0, 30), duties, [held(9, span(60, 90), 2)]) == Arrangement(1)


def test_an_appointment_is_handed_on_to_make_room() -> None:
    duties = [duty(1, languages="de ar"), duty(2)]
    standing = [held(7, span(0, 30), 1)]
    assert arrange(Wanted(language="ar"), span(0, 30), duties, standing) == Arrangement(1, ((7, 2),))


def test_a_chain_is_handed_on_where_one_step_is_not_enough() -> None:
    duties = [duty(1, languages="de ar"), duty(2, languages="de uk"), duty(3)]
    standing = [held(7, span(0, 30), 1), held(8, span(15, 45), 2, language="uk"), held(9, span(0, 30), 3)]
    assert arrange(Wanted(language="ar"), span(0, 30), duties, standing) is None
    standing = [held(7, span(0, 30), 1), held(8, span(15, 45), 3)]
    found = arrange(Wanted(language="ar"), span(0, 45), duties, standing)
    assert found is not None and found.adviser_id == 1
    assert dict(found.moves) == {7: 2}


def test_as_few_as_possible_are_handed_on() -> None:
    duties = [duty(1, languages="de ar"), duty(2), duty(3), duty(4)]
    standing = [held(6, span(0, 15), 2), held(7, span(0, 30), 1), held(8, span(15, 30), 3)]
    found = arrange(Wanted(language="ar"), span(0, 30), duties, standing)
    assert found == Arrangement(1, ((7, 4),))


def test_a_search_that_takes_too_long_is_given_up_and_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("scheduler.domain.matching.MOST_STATES", 1)
    duties = [duty(1, languages="de ar"), duty(2)]
    assert arrange(Wanted(language="ar"), span(0, 30), duties, [held(7, span(0, 30), 1)]) is None
    assert "matching given up: 2 appointments, 2 advisers" in caplog.text


def test_who_is_away_hands_on_to_whoever_is_left() -> None:
    hit = [held(1, span(0, 30), 9), held(2, span(30, 60), 9), held(3, span(0, 30), 9)]
    assert rearrange(hit, [duty(1)], []) == ({1: 1, 2: 1}, [3])


def test_others_are_handed_on_to_keep_whoever_is_hit() -> None:
    duties = [duty(1, languages="de ar"), duty(2)]
    found = rearrange([held(5, span(0, 30), 9, language="ar")], duties, [held(7, span(0, 30), 1)])
    assert found == ({7: 2, 5: 1}, [])


def test_two_short_ones_are_kept_rather_than_a_long_one() -> None:
    hit = [held(1, span(0, 60), 9), held(2, span(0, 30), 9), held(3, span(30, 60), 9)]
    assert rearrange(hit, [duty(1)], []) == ({2: 1, 3: 1}, [1])


LANGUAGES = ("de", "ar", "uk")
SERVICES = ("MBE", "JMD")
spans = st.builds(
    lambda first, length: span(first * 15, (first + length) * 15), st.integers(0, 9), st.sampled_from((1, 2, 3))
)
wishes = st.builds(
    Wanted,
    st.sampled_from((frozenset({"MBE"}), frozenset({"JMD"}), frozenset(SERVICES))),
    st.sampled_from((None, None, *LANGUAGES)),
)
adviser_sets = st.lists(
    st.tuples(
        st.sampled_from((frozenset({"MBE"}), frozenset({"JMD"}), frozenset(SERVICES))),
        st.frozensets(st.sampled_from(LANGUAGES), min_size=1),
        st.lists(spans, max_size=1),
    ),
    min_size=1,
    max_size=5,
)


def every_way(tasks: list[tuple[Wanted, Interval]], duties: list[Duty]) -> bool:
    """The exhaustive search: each appointment with each adviser, nothing cut short but what already clashes."""

    def place(index: int, chosen: list[tuple[int, Interval]]) -> bool:
        if index == len(tasks):
            return True
        wanted, during = tasks[index]
        return any(
            place(index + 1, [*chosen, (each.adviser_id, during)])
            for each in duties
            if knows(each, wanted)
            and not any(busy.overlaps(during) for busy in each.busy)
            and not any(who == each.adviser_id and when.overlaps(during) for who, when in chosen)
        )

    return place(0, [])


def seat_one_by_one(asked: list[tuple[Wanted, Interval]], duties: list[Duty]) -> list[Held]:
    """Appointments as a day brings them: each as the matching places it, refused ones fall out."""
    standing: list[Held] = []
    for visit_id, (wanted, during) in enumerate(asked):
        found = arrange(wanted, during, duties, standing)
        if found is None:
            continue
        moves = dict(found.moves)
        standing = [each._replace(adviser_id=moves.get(each.visit_id, each.adviser_id)) for each in standing]
        standing.append(Held(visit_id, during, wanted, found.adviser_id))
    return standing


@settings(max_examples=400, deadline=None)
@given(adviser_sets, st.lists(st.tuples(wishes, spans), max_size=8), wishes, spans)
def test_nobody_is_refused_whom_an_exhaustive_search_could_place(
    advisers: list[tuple[frozenset[str], frozenset[str], list[Interval]]],
    asked: list[tuple[Wanted, Interval]],
    wanted: Wanted,
    during: Interval,
) -> None:
    duties = [Duty(number, *each[:2], tuple(each[2])) for number, each in enumerate(advisers, 1)]
    standing = seat_one_by_one(asked, duties)
    found = arrange(wanted, during, duties, standing)
    tasks = [(each.wanted, each.during) for each in standing]
    assert (found is not None) == every_way([*tasks, (wanted, during)], duties)
    if found is not None:
        assert_stands(found, wanted, during, duties, standing)


def assert_stands(
    found: Arrangement, wanted: Wanted, during: Interval, duties: list[Duty], standing: list[Held]
) -> None:
    """Everybody is with somebody who can, and nobody has two at once or is away."""
    by_id = {each.adviser_id: each for each in duties}
    moves = dict(found.moves)
    after = [(moves.get(each.visit_id, each.adviser_id), each.wanted, each.during) for each in standing]
    after.append((found.adviser_id, wanted, during))
    for adviser_id, need, when in after:
        assert knows(by_id[adviser_id], need)
        assert not any(busy.overlaps(when) for busy in by_id[adviser_id].busy)
    for one, (adviser_id, _, when) in enumerate(after):
        assert not any(who == adviser_id and when.overlaps(other) for who, _, other in after[one + 1 :])
    assert all(to != each.adviser_id for each in standing for visit, to in found.moves if visit == each.visit_id)
