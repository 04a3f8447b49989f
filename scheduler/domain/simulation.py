"""The rest of an opening, played many times: who is called when.

An adviser who is free takes the first in the order of `queue_order` whom they may serve. Lengths, gaps, lateness,
leaving and not coming are drawn from what was measured. The same situation and seed give the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import heapify, heappop, heappush
from math import exp
from random import Random
from typing import NamedTuple

from scheduler.domain.lengths import Experience, Kind, still_takes
from scheduler.domain.queue_order import Server, Waiting, may_serve, rank

LATENESS = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 4.0, 7.0, 12.0, 20.0, 30.0)
"""Minutes by which advisers come late: values of equal probability."""
STILL_COMES = 0.7
"""How likely an adviser comes at all who is later than anybody is expected to be."""
BREAKS = (2.0, 4.0, 6.0, 8.0, 10.0, 15.0)
"""Minutes until somebody on a break is back."""
LATE_COMES = 0.5
"""How likely an appointment still comes whose time has begun."""


class Desk(NamedTuple):
    """One adviser who is here, or still expected."""

    server: Server
    busy_with: Kind | None = None
    busy_minutes: float = 0.0
    """Who is being served, and for how long already."""
    expected_in: float | None = None
    """Minutes until this adviser should be here (negative: is late); None: is here."""
    on_break: bool = False
    idle_minutes: float = 0.0
    """Since the last consultation ended."""


class Person(NamedTuple):
    """One visit that waits, or an appointment that is still to come (`here` False)."""

    waiting: Waiting
    kind: Kind
    here: bool = True


@dataclass(frozen=True)
class Situation:
    """An opening at one moment, as far as it is known."""

    now: datetime
    desks: Sequence[Desk]
    people: Sequence[Person]
    opens_in: float = 0.0
    """Minutes until the first number is called: numbers are given before."""
    more_desks: Sequence[Sequence[float]] = ()
    """Where no rota says who else comes: as on one of these days, each the minutes until further desks open."""


NEWCOMER = -1
"""Stands for whoever would get a number now."""

NEVER = 600.0
"""Minutes that stand for a call that does not come: nobody is here, and nobody expected."""

_DUE, _EARLY = 1, 3
"""Lines of the queue: urgent, appointments whose time has come, walk-ins, appointments that came early."""


def simulate(situation: Situation, experience: Experience, seed: int, runs: int) -> dict[int, list[float]]:
    """Minutes until the call, in each run, by visit id, and of a newcomer; who leaves before is counted as staying."""
    draw = Random(seed)  # noqa: S311 - a simulation, not a secret
    play = _Play(situation, experience)
    waits: dict[int, list[float]] = {each: [] for each in play.asked}
    for _ in range(runs):
        for visit_id, minutes in zip(play.asked, play.run(draw), strict=True):
            waits[visit_id].append(minutes)
    return waits


class _Play:
    """What is the same in every run, looked up once. People and desks are numbers in here: this is the hot path."""

    def __init__(self, situation: Situation, experience: Experience) -> None:
        newcomer = Person(Waiting(NEWCOMER, situation.now), Kind())
        ordered = sorted((*situation.people, newcomer), key=lambda each: _place_in_line(each, situation.now))
        self.people = ordered
        self.situation, self.experience = situation, experience
        self.desks = situation.desks
        servers = [each.server for each in situation.desks]
        many = len(servers) + max(map(len, situation.more_desks), default=0)
        anyone = (1 << many) - 1
        self.masks = [_mask(each.waiting, servers, anyone) for each in ordered]
        self.lengths = [experience.lengths(each.kind) for each in ordered]
        self.hazard = experience.leaving
        self.waited = [max(0, int((situation.now - each.waiting.arrived_at).total_seconds() // 60)) for each in ordered]
        self.stays = [each.waiting.starts_at is not None or each.waiting.visit_id == NEWCOMER for each in ordered]
        self.asked = [each.waiting.visit_id for each in ordered if each.here]
        self._answers = [number for number, each in enumerate(ordered) if each.here]
        self.lines = _lines(ordered, situation.now)
        self.to_come = _to_come(ordered, situation.now)

    def run(self, draw: Random) -> list[float]:
        """One rest of the morning: the minute of the call of each who is here."""
        called = [-1.0] * len(self.people)
        free, coming = self._free_desks(draw), self._appointments(draw)
        lines = [list(each) for each in self.lines]
        left_to_call = len(self.asked)
        while free and left_to_call:
            at, desk = heappop(free)
            while coming and coming[-1][0] <= at:
                arrived = coming.pop()[1]
                _arrive(arrived, self.people[arrived].here, lines)
            person = self._take(desk, lines)
            if person is None:
                if coming:  # nobody for this desk yet: it looks again when the next appointment comes
                    heappush(free, (max(at, coming[-1][0]), desk))
                continue
            called[person] = at
            left_to_call -= self.people[person].here
            heappush(free, (at + self._busy_for(person, at, draw), desk))
        return [called[each] if called[each] >= 0 else NEVER for each in self._answers]

    def _take(self, desk: int, lines: list[list[int]]) -> int | None:
        for line in lines:
            for place, person in enumerate(line):
                if self.masks[person] >> desk & 1:
                    del line[place]
                    return person
        return None

    def _busy_for(self, person: int, at: float, draw: Random) -> float:
        """Until this desk calls again; nothing where the person had left."""
        if not self.stays[person]:
            last = len(self.hazard) - 1
            waited = min(self.waited[person], last)
            hazard = self.hazard[min(waited + int(at), last)] - self.hazard[waited]
            if draw.random() > exp(-hazard):
                return 0.0
        lengths, gaps = self.lengths[person], self.experience.gap
        return lengths[int(draw.random() * len(lengths))] + gaps[int(draw.random() * len(gaps))]

    def _free_desks(self, draw: Random) -> list[tuple[float, int]]:
        """When each desk calls next."""
        opens_in = self.situation.opens_in
        free = [
            (max(minutes, opens_in), number)
            for number, desk in enumerate(self.desks)
            if (minutes := self._free_in(desk, draw)) is not None
        ]
        if self.situation.more_desks:
            day = self.situation.more_desks[int(draw.random() * len(self.situation.more_desks))]
            free += [(max(0.0, minutes), len(self.desks) + number) for number, minutes in enumerate(day)]
        heapify(free)
        return free

    def _free_in(self, desk: Desk, draw: Random) -> float | None:
        gaps = self.experience.gap
        if desk.expected_in is not None:
            return _comes_in(desk.expected_in, draw)
        if desk.busy_with is not None:
            served = still_takes(self.experience.lengths(desk.busy_with), desk.busy_minutes, draw)
            return served + gaps[int(draw.random() * len(gaps))]
        if desk.on_break:
            return BREAKS[int(draw.random() * len(BREAKS))]
        return still_takes(gaps, desk.idle_minutes, draw) if desk.idle_minutes < gaps[-1] else 0.0

    def _appointments(self, draw: Random) -> list[tuple[float, int]]:
        """Those whose time comes in this run, the last one first."""
        comes = 1 - self.experience.no_show
        return [
            (starts_in, person)
            for starts_in, person in self.to_come
            if self.people[person].here or draw.random() < (comes if starts_in > 0 else comes * LATE_COMES)
        ]


def _comes_in(expected_in: float, draw: Random) -> float | None:
    """Minutes until an expected adviser is here; None: does not come."""
    later = [each for each in LATENESS if expected_in + each > 0]
    if later:
        return expected_in + later[int(draw.random() * len(later))]
    return BREAKS[int(draw.random() * len(BREAKS))] if draw.random() < STILL_COMES else None


def _place_in_line(person: Person, now: datetime) -> tuple[object, ...]:
    return (not person.here, person.waiting.visit_id == NEWCOMER, *rank(person.waiting, now))


def _lines(people: Sequence[Person], now: datetime) -> list[list[int]]:
    """Who is here: urgent, appointments whose time has come, walk-ins; last, appointments that came early."""
    lines: list[list[int]] = [[], [], [], []]
    for number, person in enumerate(people):
        if person.here:
            lines[rank(person.waiting, now)[0]].append(number)
    return lines


def _to_come(people: Sequence[Person], now: datetime) -> list[tuple[float, int]]:
    """Appointments whose time is still to come, with the minutes until then; the last one first."""
    found = [
        (max(0.0, (person.waiting.starts_at - now).total_seconds() / 60), number)
        for number, person in enumerate(people)
        if person.waiting.starts_at is not None and (not person.here or person.waiting.starts_at > now)
    ]
    return sorted(found, reverse=True)


def _arrive(person: int, is_here: bool, lines: list[list[int]]) -> None:
    """An appointment's time has come: it stands before the walk-ins, unless it was here early and is served."""
    if is_here:
        if person not in lines[_EARLY]:
            return
        lines[_EARLY].remove(person)
    lines[_DUE].append(person)


def _mask(waiting: Waiting, servers: Sequence[Server], anyone: int) -> int:
    """Which desks may serve this visit, one bit each. Desks that nobody knows yet may."""
    unable = sum(1 << number for number, each in enumerate(servers) if not may_serve(each, waiting, servers))
    return anyone & ~unable
