"""Who can take an appointment, exactly: a client is refused only if no arrangement exists.

An appointment that may be handed on goes to another adviser where that makes room. Only the appointments that overlap
the new one, directly or through each other, are looked at. Most impossible cases fall out in a check of one instant;
the rest is a depth-first sweep in order of time that remembers dead ends.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from scheduler.domain.intervals import Interval, most_at_once

MOST_STATES = 50_000
"""A search longer than this is given up: the start is not offered, and the log says so."""
MOST_STATES_FOR_FEWER = 2_000

log = logging.getLogger(__name__)


class Duty(NamedTuple):
    """One adviser on duty at the opening. `busy`: what no arrangement changes: absences, appointments that stay."""

    adviser_id: int
    services: frozenset[str]
    languages: frozenset[str]
    busy: tuple[Interval, ...] = ()


class Wanted(NamedTuple):
    """What an appointment needs. Empty services: any will do. No language, no adviser: no wish."""

    services: frozenset[str] = frozenset()
    language: str | None = None
    adviser_id: int | None = None


class Held(NamedTuple):
    """An appointment that stands at this opening and may be handed on: what it needs and whose time it holds."""

    visit_id: int
    during: Interval
    wanted: Wanted
    adviser_id: int


class Arrangement(NamedTuple):
    """Who takes the new appointment, and which visits go to whom to make room."""

    adviser_id: int
    moves: tuple[tuple[int, int], ...] = ()


class Rearrangement(NamedTuple):
    """Whom each visit goes to, by visit id, and those for whom no place is left."""

    advisers: dict[int, int]
    lost: list[int]


def knows(duty: Duty, wanted: Wanted) -> bool:
    """Whether this adviser could serve, leaving time aside."""
    return (
        (not wanted.services or not wanted.services.isdisjoint(duty.services))
        and (wanted.language is None or wanted.language in duty.languages)
        and (wanted.adviser_id is None or wanted.adviser_id == duty.adviser_id)
    )


def has_room(during: Interval, appointments: Sequence[Interval], at_once: int | None) -> bool:
    """Whether one more appointment keeps within `at_once` (None: as many as advisers) at every moment."""
    if at_once is None:
        return True
    within = (
        Interval(max(each.starts_at, during.starts_at), min(each.ends_at, during.ends_at))
        for each in appointments
        if each.overlaps(during)
    )
    return most_at_once([*within, during]) <= at_once


def able(duties: Sequence[Duty], wanted: Wanted, during: Interval) -> list[Duty]:
    """Who knows what is wanted and could be free then, if others handed their appointments on."""
    return [each for each in duties if knows(each, wanted) and not any(busy.overlaps(during) for busy in each.busy)]


def arrange(wanted: Wanted, during: Interval, duties: Sequence[Duty], held: Sequence[Held]) -> Arrangement | None:
    """Somebody for this appointment, by the fewest hand-overs that a short search finds; None: there is no way.

    held: the appointments of this opening that may be handed on. Ask `has_room` first.
    """
    candidates = able(duties, wanted, during)
    if not candidates:
        return None
    taken = {each.adviser_id for each in held if each.during.overlaps(during)}
    free = [each for each in candidates if each.adviser_id not in taken]
    if free:
        return Arrangement(_first_choice(free, held).adviser_id)
    return _hand_on(wanted, during, duties, _component(during, held))


def rearrange(hit: Sequence[Held], duties: Sequence[Duty], held: Sequence[Held]) -> Rearrangement:
    """Keep as many of the appointments whose adviser is away as can be: in the order given, or the short ones first.

    duties: without those who are away; held: the other appointments, which may be handed on to make room.
    """
    ways = (_keep_in_order(order, duties, held) for order in (hit, sorted(hit, key=_length)))
    return min(ways, key=lambda each: len(each.lost))


def _keep_in_order(hit: Sequence[Held], duties: Sequence[Duty], held: Sequence[Held]) -> Rearrangement:
    standing = {each.visit_id: each for each in held}
    found = Rearrangement({}, [])
    for each in hit:
        arranged = arrange(each.wanted, each.during, duties, list(standing.values()))
        if arranged is None:
            found.lost.append(each.visit_id)
            continue
        standing[each.visit_id] = each
        for visit_id, adviser_id in (*arranged.moves, (each.visit_id, arranged.adviser_id)):
            found.advisers[visit_id] = adviser_id
            standing[visit_id] = standing[visit_id]._replace(adviser_id=adviser_id)
    return found


def _length(held: Held) -> float:
    return (held.during.ends_at - held.during.starts_at).total_seconds()


def _first_choice(free: Sequence[Duty], held: Sequence[Held]) -> Duty:
    """The least busy one; among equals, whoever speaks fewest languages: the rare ones stay free for others."""
    load = [each.adviser_id for each in held]
    return min(free, key=lambda each: (load.count(each.adviser_id) + len(each.busy), len(each.languages)))


def _component(during: Interval, held: Sequence[Held]) -> list[Held]:
    """The appointments that overlap `during`, and all that overlap one of these, and so on."""
    rest, found, edge = list(held), list[Held](), [during]
    while edge:
        reached = [each for each in rest if any(each.during.overlaps(one) for one in edge)]
        found += reached
        rest = [each for each in rest if each not in reached]
        edge = [each.during for each in reached]
    return found


class _Task(NamedTuple):
    """One appointment of the sweep: who could take it, whoever holds it now (None: the new one) first."""

    during: Interval
    able: tuple[int, ...]
    visit_id: int | None
    present: int | None


def _hand_on(wanted: Wanted, during: Interval, duties: Sequence[Duty], component: Sequence[Held]) -> Arrangement | None:
    tasks = [_task(duties, each.wanted, each.during, each.visit_id, each.adviser_id) for each in component]
    tasks = sorted([*tasks, _task(duties, wanted, during, None, None)], key=lambda each: each.during)
    if not all(_fits_at(each.during.starts_at, tasks) for each in tasks):
        return None
    try:
        found = _Sweep(tasks, MOST_STATES).search()
    except _TooLong:
        log.warning("matching given up: %d appointments, %d advisers at %s", len(tasks), len(duties), during.starts_at)
        return None
    return _with_fewest_moves(tasks, found) if found is not None else None


def _task(duties: Sequence[Duty], wanted: Wanted, during: Interval, visit_id: int | None, present: int | None) -> _Task:
    ids = [each.adviser_id for each in able(duties, wanted, during)]
    return _Task(during, tuple(sorted(ids, key=lambda each: each != present)), visit_id, present)


def _fits_at(at: datetime, tasks: Sequence[_Task]) -> bool:
    """Whether all that go on at this instant could have different advisers: a bipartite matching by augmenting."""
    chosen: dict[int, _Task] = {}

    def place(task: _Task, tried: set[int]) -> bool:
        for adviser_id in task.able:
            if adviser_id not in tried:
                tried.add(adviser_id)
                if adviser_id not in chosen or place(chosen[adviser_id], tried):
                    chosen[adviser_id] = task
                    return True
        return False

    return all(place(each, set()) for each in tasks if each.during.includes(at))


def _with_fewest_moves(tasks: Sequence[_Task], found: Sequence[int]) -> Arrangement:
    moves = _moves(tasks, found)
    for fewer in range(1, len(moves)):
        try:
            better = _Sweep(tasks, MOST_STATES_FOR_FEWER, most_moves=fewer).search()
        except _TooLong:
            break
        if better is not None:
            found, moves = better, _moves(tasks, better)
            break
    (mine,) = (adviser_id for task, adviser_id in zip(tasks, found, strict=True) if task.visit_id is None)
    return Arrangement(mine, moves)


def _moves(tasks: Sequence[_Task], found: Sequence[int]) -> tuple[tuple[int, int], ...]:
    pairs = zip(tasks, found, strict=True)
    return tuple((task.visit_id, to) for task, to in pairs if task.visit_id is not None and to != task.present)


class _TooLong(Exception):
    """More states than allowed."""


class _Sweep:
    """Depth first through the tasks in order of time; a state that led nowhere is not entered twice."""

    def __init__(self, tasks: Sequence[_Task], most_states: int, most_moves: int | None = None) -> None:
        self.tasks = tasks
        self.states_left = most_states
        self.most_moves = len(tasks) if most_moves is None else most_moves
        self.dead: set[tuple[int, int, frozenset[tuple[int, datetime]]]] = set()

    def search(self) -> list[int] | None:
        """An adviser for each task; None: there is no way. Raises _TooLong."""
        chosen: list[int] = []
        return chosen if self._place(0, {}, self.most_moves, chosen) else None

    def _place(self, index: int, until: Mapping[int, datetime], moves_left: int, chosen: list[int]) -> bool:
        if index == len(self.tasks):
            return True
        now = self.tasks[index].during.starts_at
        taken = {adviser_id: at for adviser_id, at in until.items() if at > now}
        state = (index, moves_left if self.most_moves < len(self.tasks) else 0, frozenset(taken.items()))
        if state in self.dead:
            return False
        self._count()
        for adviser_id, moves in self._choices(index, taken):
            if moves > moves_left:
                continue
            chosen.append(adviser_id)
            then = {**taken, adviser_id: self.tasks[index].during.ends_at}
            if self._place(index + 1, then, moves_left - moves, chosen):
                return True
            chosen.pop()
        self.dead.add(state)
        return False

    def _choices(self, index: int, taken: Mapping[int, datetime]) -> Iterator[tuple[int, int]]:
        task = self.tasks[index]
        for adviser_id in task.able:
            if adviser_id not in taken:
                yield adviser_id, int(task.present is not None and adviser_id != task.present)

    def _count(self) -> None:
        self.states_left -= 1
        if self.states_left < 0:
            raise _TooLong
