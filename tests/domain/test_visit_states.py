"""The table of states: what may follow what, as the design says it."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from scheduler.domain.visit_states import HERE, OPEN, UNDO_WITHIN, State, StepRefused, Verb, may, may_undo, next_state

STATES: tuple[State, ...] = get_args(State)
VERBS: tuple[Verb, ...] = get_args(Verb)
NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)

ALLOWED: dict[tuple[State | None, Verb], State] = {
    (None, "book"): "booked",
    (None, "register"): "waiting",
    ("held", "book"): "booked",
    ("held", "expire"): "expired",
    ("booked", "check_in"): "waiting",
    ("booked", "serve"): "in_consultation",
    ("booked", "cancel"): "cancelled",
    ("booked", "miss"): "missed",
    ("booked", "move"): "booked",
    ("waiting", "answer"): "waiting",
    ("waiting", "call"): "called",
    ("waiting", "park"): "parked",
    ("waiting", "leave"): "left",
    ("waiting", "cancel"): "cancelled",
    ("parked", "unpark"): "waiting",
    ("parked", "call"): "called",
    ("parked", "leave"): "left",
    ("called", "call_again"): "called",
    ("called", "start"): "in_consultation",
    ("called", "put_back"): "waiting",
    ("called", "miss"): "missed",
    ("called", "leave"): "left",
    ("in_consultation", "finish"): "done",
    ("in_consultation", "hand_over"): "waiting",
    ("missed", "check_in"): "waiting",
    ("booked", "close"): "missed",
    ("waiting", "close"): "not_served",
    ("parked", "close"): "not_served",
    ("called", "close"): "not_served",
    ("in_consultation", "close"): "done",
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("state", [None, *STATES])
def test_each_state_takes_the_steps_of_the_design_and_no_other(state: State | None, verb: Verb) -> None:
    expected = ALLOWED.get((state, verb))
    assert may(state, verb) is (expected is not None)
    if expected is not None:
        assert next_state(state, verb) == expected
        return
    with pytest.raises(StepRefused) as refusal:
        next_state(state, verb)
    assert (refusal.value.state, refusal.value.verb) == (state, verb)


def _reachable(state: State | None) -> set[State]:
    found: set[State] = set()
    fresh: list[State | None] = [state]
    while fresh:
        at = fresh.pop()
        following = {next_state(at, verb) for verb in VERBS if may(at, verb)} - found
        found |= following
        fresh.extend(following)
    return found


def test_every_state_can_be_reached() -> None:
    assert _reachable(None) | _reachable("held") | {"held"} == set(STATES)


@pytest.mark.parametrize("state", sorted(set(STATES) - set(OPEN) - {"missed"}))
def test_nothing_leads_out_of_an_ended_state(state: State) -> None:
    assert _reachable(state) == set()


def test_whoever_missed_may_only_come_back() -> None:
    assert [verb for verb in VERBS if may("missed", verb)] == ["check_in"]


@pytest.mark.parametrize("state", OPEN)
def test_every_open_state_can_end(state: State) -> None:
    assert _reachable(state) - set(OPEN)


@pytest.mark.parametrize("state", [each for each in OPEN if each != "held"])
def test_the_close_of_the_day_ends_every_open_visit(state: State) -> None:
    assert next_state(state, "close") not in OPEN


def test_whoever_is_in_the_house_has_an_open_visit() -> None:
    assert set(HERE) < set(OPEN)
    assert "booked" not in HERE


UNDOABLE = {
    "register", "check_in", "serve", "cancel", "miss", "call", "park", "unpark", "leave", "start", "put_back",
    "finish", "hand_over",
}  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
def test_which_steps_can_be_taken_back(verb: Verb) -> None:
    assert may_undo(verb, NOW, NOW) is (verb in UNDOABLE)


@pytest.mark.parametrize(
    ("age", "expected"),
    [(timedelta(0), True), (timedelta(minutes=10), True), (timedelta(minutes=10, microseconds=1), False)],
)
def test_a_step_can_be_taken_back_for_ten_minutes(age: timedelta, expected: bool) -> None:
    assert timedelta(minutes=10) == UNDO_WITHIN
    assert may_undo("call", NOW - age, NOW) is expected
