"""What can become of a visit. This table alone decides; nothing else in the code compares states to permit a step."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

State = Literal[
    "held", "booked", "waiting", "parked", "called", "in_consultation",
    "done", "cancelled", "missed", "left", "expired", "not_served",
]  # fmt: skip
Verb = Literal[
    "book", "register", "check_in", "serve", "cancel", "miss", "call", "call_again", "park", "unpark", "leave",
    "start", "put_back", "finish", "hand_over", "move", "answer", "expire", "close", "undo",
]  # fmt: skip

OPEN: tuple[State, ...] = ("held", "booked", "waiting", "parked", "called", "in_consultation")
HERE: tuple[State, ...] = ("waiting", "parked", "called", "in_consultation")
"""The client is in the house."""

UNDO_WITHIN = timedelta(minutes=10)

_TABLE: dict[tuple[State | None, Verb], State] = {
    (None, "book"): "booked",
    (None, "register"): "waiting",
    ("held", "book"): "booked",
    ("held", "expire"): "expired",
    ("booked", "move"): "booked",
    ("booked", "check_in"): "waiting",
    ("booked", "serve"): "in_consultation",
    ("booked", "cancel"): "cancelled",
    ("booked", "miss"): "missed",
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
    # The close of the day, marked by_rule.
    ("booked", "close"): "missed",
    ("waiting", "close"): "not_served",
    ("parked", "close"): "not_served",
    ("called", "close"): "not_served",
    ("in_consultation", "close"): "done",
}

_UNDOABLE: frozenset[Verb] = frozenset(
    {
        "register",
        "check_in",
        "serve",
        "cancel",
        "miss",
        "call",
        "park",
        "unpark",
        "leave",
        "start",
        "put_back",
        "finish",
        "hand_over",
    }
)


class StepRefused(Exception):
    """This visit cannot take this step now. `state` is where it stands."""

    def __init__(self, state: State | None, verb: Verb) -> None:
        super().__init__(f"a visit that is {state} cannot {verb}")
        self.state = state
        self.verb = verb


def next_state(state: State | None, verb: Verb) -> State:
    """Where `verb` takes a visit that is in `state`. Raises StepRefused."""
    found = _TABLE.get((state, verb))
    if found is None:
        raise StepRefused(state, verb)
    return found


def may(state: State | None, verb: Verb) -> bool:
    """Whether a button for `verb` makes sense."""
    return (state, verb) in _TABLE


def may_undo(verb: str, stepped_at: datetime, now: datetime) -> bool:
    """Whether the latest step may still be taken back: its kind, and within 10 minutes."""
    return verb in _UNDOABLE and now - stepped_at <= UNDO_WITHIN
