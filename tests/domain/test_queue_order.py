"""In which order visits are called, and who serves whom."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.queue_order import (
    LATE_GRACE,
    Server,
    Waiting,
    has_server,
    in_order,
    keeps_place,
    may_serve,
    next_for,
    runs_into,
)

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


def at(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def walk_in(visit_id: int, arrived: int, **wishes: object) -> Waiting:
    return Waiting(visit_id, at(arrived), **wishes)  # type: ignore[arg-type]


def appointment(visit_id: int, starts: int, arrived: int, **wishes: object) -> Waiting:
    return Waiting(visit_id, at(arrived), at(starts), **wishes)  # type: ignore[arg-type]


def server(adviser_id: int, services: str = "MBE", languages: str = "de") -> Server:
    return Server(adviser_id, frozenset(services.split()), frozenset(languages.split()))


def ids(queue: list[Waiting]) -> list[int]:
    return [each.visit_id for each in in_order(queue, NOW)]


@pytest.mark.parametrize(
    ("queue", "expected"),
    [
        ([], []),
        ([walk_in(1, -5), walk_in(2, -10)], [2, 1]),
        ([walk_in(2, -5), walk_in(1, -5)], [1, 2]),
        ([walk_in(1, -60), walk_in(2, -1, urgent=True)], [2, 1]),
        ([walk_in(1, -1, urgent=True), walk_in(2, -2, urgent=True)], [2, 1]),
        ([walk_in(1, -60), appointment(2, starts=0, arrived=-1)], [2, 1]),
        ([appointment(1, starts=0, arrived=-90), appointment(2, starts=-5, arrived=-1)], [2, 1]),
        ([appointment(1, starts=-5, arrived=-30), walk_in(2, -1, urgent=True)], [2, 1]),
        # Who is early waits for the time, also behind a walk-in that came later.
        ([appointment(1, starts=15, arrived=-60), walk_in(2, -1)], [2, 1]),
        ([appointment(1, starts=30, arrived=-60), appointment(2, starts=15, arrived=-1)], [2, 1]),
    ],
)
def test_urgent_then_appointments_whose_time_has_come_then_walk_ins_then_early_ones(
    queue: list[Waiting], expected: list[int]
) -> None:
    assert ids(queue) == expected


def test_an_appointment_keeps_its_place_until_ten_minutes_late() -> None:
    assert timedelta(minutes=10) == LATE_GRACE
    walk_ins = [walk_in(1, -30), walk_in(3, -2)]
    assert ids([*walk_ins, appointment(2, starts=-15, arrived=-5)]) == [2, 1, 3]
    late = Waiting(2, at(-5) + timedelta(microseconds=1), at(-15))
    assert ids([*walk_ins, late]) == [1, 2, 3]


def test_an_early_appointment_is_called_when_nobody_else_is_left() -> None:
    early = appointment(1, starts=30, arrived=-1)
    assert next_for(server(1), [early], [server(1)], NOW) == early


def test_next_skips_whom_a_colleague_serves_better() -> None:
    jmd, mbe = walk_in(1, -20, services=frozenset({"JMD"})), walk_in(2, -10, services=frozenset({"MBE"}))
    both = [server(1, "MBE"), server(2, "JMD")]
    assert next_for(both[0], [jmd, mbe], both, NOW) == mbe
    assert next_for(both[1], [jmd, mbe], both, NOW) == jmd
    assert next_for(both[0], [jmd], both, NOW) is None


def test_anyone_serves_where_nobody_meets_the_wish() -> None:
    dari = walk_in(1, -20, language="prs")
    assert not has_server(dari, [server(1), server(2)])
    assert next_for(server(1), [dari], [server(1), server(2)], NOW) == dari


def test_a_wished_adviser_is_waited_for_while_expected_and_not_after_leaving() -> None:
    wish = walk_in(1, -20, wished_adviser_id=2)
    assert next_for(server(1), [wish], [server(1), server(2)], NOW) is None
    assert next_for(server(1), [wish], [server(1)], NOW) == wish


def test_a_language_that_nobody_speaks_does_not_hide_who_knows_the_service() -> None:
    """Each wish counts for itself: a young person whose language is missing still goes to that service."""
    young = walk_in(1, -20, services=frozenset({"JMD"}), language="other")
    both = [server(1, "MBE"), server(2, "JMD")]
    assert may_serve(both[1], young, both)
    assert not may_serve(both[0], young, both)


def test_a_wished_adviser_who_has_gone_leaves_service_and_language_as_wishes() -> None:
    known = walk_in(1, -20, services=frozenset({"JMD"}), language="uk", wished_adviser_id=9)
    staff = [server(1, "MBE", "de"), server(2, "JMD", "de"), server(3, "JMD", "de uk")]
    assert [each.adviser_id for each in staff if may_serve(each, known, staff)] == [3]
    assert [each.adviser_id for each in staff[:2] if may_serve(each, known, staff[:2])] == [2]


def test_who_asks_for_an_adviser_who_is_here_gets_this_one_in_whatever_language_and_service() -> None:
    asked = walk_in(1, -20, services=frozenset({"JMD"}), language="uk", wished_adviser_id=1)
    staff = [server(1, "MBE", "de"), server(2, "JMD", "de uk")]
    assert [each.adviser_id for each in staff if may_serve(each, asked, staff)] == [1]
    assert has_server(asked, staff)  # a person has decided that: nothing for the red list
    assert not has_server(asked, staff[1:])


def test_a_visit_does_not_lead_back_to_whom_it_was_handed_over_by() -> None:
    handed = walk_in(1, -20, services=frozenset({"MBE"}), language="ar", handed_over_by=frozenset({1}))
    speaks, other, young = server(1, "MBE", "ar"), server(2, "MBE", "de"), server(3, "JMD", "de")
    assert next_for(speaks, [handed], [speaks, other], NOW) is None
    assert next_for(other, [handed], [speaks, other], NOW) == handed
    # Rather somebody of another service than back again; the desk sees it in the red list.
    assert next_for(young, [handed], [speaks, young], NOW) == handed
    assert not has_server(handed, [speaks, young])
    # Nobody else is left, or it was handed back to exactly this adviser.
    assert next_for(speaks, [handed], [speaks], NOW) == handed
    back = handed._replace(wished_adviser_id=1)
    assert next_for(speaks, [back], [speaks, other], NOW) == back
    assert has_server(back, [speaks, other])


def test_two_advisers_do_not_hand_a_visit_to_and_fro() -> None:
    both = walk_in(1, -20, services=frozenset({"MBE"}), handed_over_by=frozenset({1, 2}))
    staff = [server(1), server(2), server(3)]
    assert [each.adviser_id for each in staff if may_serve(each, both, staff)] == [3]


@pytest.mark.parametrize(("minutes_after", "kept"), [(0, True), (10, True), (11, False)])
def test_who_comes_back_within_ten_minutes_of_a_missed_call_keeps_the_place(minutes_after: int, kept: bool) -> None:
    assert keeps_place(at(0), at(minutes_after)) is kept


@pytest.mark.parametrize(("minutes", "starts", "hit"), [(15, 15, False), (16, 15, True), (1, 0, True), (30, 60, False)])
def test_a_long_visit_runs_into_an_appointment_that_begins_before_its_end(minutes: int, starts: int, hit: bool) -> None:
    assert runs_into(minutes, at(starts), NOW) is hit


times = st.integers(-120, 60).map(at)
wishes = {
    "services": st.frozensets(st.sampled_from(["MBE", "JMD"])),
    "language": st.one_of(st.none(), st.sampled_from(["de", "ar", "uk", "other"])),
    "wished_adviser_id": st.one_of(st.none(), st.integers(1, 5)),
    "handed_over_by": st.frozensets(st.integers(1, 5), max_size=2),
}
waiting = st.builds(
    Waiting,
    visit_id=st.integers(1, 30),
    arrived_at=st.integers(-120, 0).map(at),
    starts_at=st.one_of(st.none(), times),
    urgent=st.booleans(),
    **wishes,
)
queues = st.lists(waiting, max_size=10, unique_by=lambda each: each.visit_id)
servers = st.lists(
    st.builds(
        Server,
        st.integers(1, 5),
        st.frozensets(st.sampled_from(["MBE", "JMD"])),
        st.frozensets(st.sampled_from(["de", "ar", "uk"])),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda each: each.adviser_id,
)


def meets_all(each: Server, visit: Waiting) -> bool:
    if visit.wished_adviser_id is not None:
        return visit.wished_adviser_id == each.adviser_id
    return (
        (not visit.services or bool(visit.services & each.services))
        and visit.language in (None, *each.languages)
        and each.adviser_id not in visit.handed_over_by
    )


@given(queues)
def test_the_order_is_total_and_urgent_ones_lead(queue: list[Waiting]) -> None:
    ordered = in_order(queue, NOW)
    assert sorted(each.visit_id for each in ordered) == sorted(each.visit_id for each in queue)
    assert in_order(reversed(queue), NOW) == ordered
    urgent = [each.urgent for each in ordered]
    assert urgent == sorted(urgent, reverse=True)


@given(queues, servers)
def test_nobody_whom_a_fit_colleague_could_serve_is_given_to_an_unfit_one(
    queue: list[Waiting], staff: list[Server]
) -> None:
    for each in staff:
        found = next_for(each, queue, staff, NOW)
        if found is not None and any(meets_all(other, found) for other in staff):
            assert meets_all(each, found)


@given(queues, servers)
def test_nobody_starves_while_an_adviser_is_there(queue: list[Waiting], staff: list[Server]) -> None:
    assert all(any(may_serve(each, visit, staff) for each in staff) for visit in queue)
    assert not queue or any(next_for(each, queue, staff, NOW) for each in staff)


@given(queues, servers)
def test_next_is_the_first_in_order_whom_the_adviser_may_serve(queue: list[Waiting], staff: list[Server]) -> None:
    servable = [each for each in in_order(queue, NOW) if may_serve(staff[0], each, staff)]
    assert next_for(staff[0], queue, staff, NOW) == (servable[0] if servable else None)


@given(waiting, servers)
def test_the_desk_is_told_exactly_when_nobody_meets_all_wishes(visit: Waiting, staff: list[Server]) -> None:
    assert has_server(visit, staff) is any(meets_all(each, visit) for each in staff)


@given(queues, servers)
def test_every_waiting_visit_is_servable_or_in_the_red_list(queue: list[Waiting], staff: list[Server]) -> None:
    """With all its wishes by somebody here or expected; else the desk knows, and somebody serves it all the same."""
    for visit in queue:
        serving = [each for each in staff if may_serve(each, visit, staff)]
        assert serving
        assert not has_server(visit, staff) or all(meets_all(each, visit) for each in serving)


@given(queues, servers)
def test_two_advisers_who_call_one_after_the_other_never_get_the_same_visit(
    queue: list[Waiting], staff: list[Server]
) -> None:
    waiting_still, called = list(queue), []
    for each in staff:
        found = next_for(each, waiting_still, staff, NOW)
        if found is not None:
            called.append(found.visit_id)
            waiting_still.remove(found)
    assert len(called) == len(set(called))
    assert len(called) + len(waiting_still) == len(queue)


@given(waiting, servers)
def test_a_visit_leads_back_to_whom_it_came_from_only_where_nobody_else_is_left(
    visit: Waiting, staff: list[Server]
) -> None:
    others = [each for each in staff if each.adviser_id not in visit.handed_over_by]
    for each in staff:
        if each.adviser_id in visit.handed_over_by and each.adviser_id != visit.wished_adviser_id:
            assert not (others and may_serve(each, visit, staff))
