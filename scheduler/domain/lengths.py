"""What a town has measured: how long consultations take, how long until the next call, who leaves, who never comes.

Nothing here is by adviser: a forecast must not become a way to compare people at work.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil
from random import Random
from typing import Literal, NamedTuple

Basis = Literal["configured", "few", "learned"]
"""What a forecast rests on: the town's file alone, few consultations of this town, or many."""

CONFIGURED_COUNTS_FOR = 6
"""The configured length weighs as much as so many measured ones."""
LATEST = 200
"""Of each kind only so many of the latest count: offices change."""
POINTS = 40
"""A distribution is kept as so many values of equal probability."""
UNKNOWN_MINUTES = 25.0
"""Length of a consultation where neither the town's file nor the log knows any."""
FEW, MANY = 10, 60
"""Measured consultations from which a forecast counts as resting on few data, and as learned."""

_SHAPE = (0.25, 0.38, 0.48, 0.57, 0.66, 0.75, 0.85, 0.97, 1.12, 1.33, 1.66, 2.98)
"""Values of equal probability with mean 1 and a long tail: most are shorter than the mean, some far longer."""
_GAPS = (0.0, 0.5, 1.0, 1.0, 2.0, 3.0)
"""Minutes from the end of one consultation to the next call, before anything was measured."""
LONGEST_GAP = 8.0
"""Whoever calls nobody for longer was not about to."""
_OVERTIME = (1.0, 3.0, 5.0, 8.0, 12.0)
"""How many minutes a consultation still takes that is longer already than any that was measured."""
_LEAVING = 0.0005
"""Of those who wait, so many leave a minute, before anything was measured; it counts for so many minutes:"""
_LEAVING_COUNTS_FOR = 1000.0
_NO_SHOWS, _NO_SHOWS_COUNT_FOR = 0.15, 20
_LONGEST_WAIT = 300
_PATIENCE_STEPS = (20, 40, 60, 90, _LONGEST_WAIT)


class Kind(NamedTuple):
    """What decides how long it takes. None: not asked, which is a kind, too."""

    service: str | None = None
    concern: str | None = None


class Measured(NamedTuple):
    """One consultation that has ended. `minutes`: from the call to the end."""

    kind: Kind
    minutes: float


class Waited(NamedTuple):
    """How long somebody waited, and whether they then went away."""

    minutes: float
    left: bool


@dataclass(frozen=True)
class Experience:
    """All that was measured, oldest first, and the lengths of the town's file by concern."""

    configured: Mapping[str | None, float] = field(default_factory=dict)
    consultations: Sequence[Measured] = ()
    gaps: Sequence[float] = ()
    waits: Sequence[Waited] = ()
    came: int = 0
    missed: int = 0
    """Appointments whose client came, and did not."""
    _tables: dict[Kind, tuple[float, ...]] = field(default_factory=dict, init=False, compare=False, repr=False)

    @property
    def basis(self) -> Basis:
        many = len(self.consultations)
        return "configured" if many < FEW else "few" if many < MANY else "learned"

    @cached_property
    def mean(self) -> float:
        """T of the closed form: the mean length of all that was measured, in minutes."""
        measured = [each.minutes for each in self.consultations[-LATEST:]]
        of_file = list(self.configured.values()) or [UNKNOWN_MINUTES]
        known = sum(of_file) / len(of_file)
        return (known * CONFIGURED_COUNTS_FOR + sum(measured)) / (CONFIGURED_COUNTS_FOR + len(measured))

    @cached_property
    def gap(self) -> tuple[float, ...]:
        """Minutes until the next call, as values of equal probability."""
        return _merged(_GAPS, [each for each in self.gaps if each <= LONGEST_GAP])

    @cached_property
    def no_show(self) -> float:
        """How likely an appointment's client does not come."""
        return (self.missed + _NO_SHOWS * _NO_SHOWS_COUNT_FOR) / (self.missed + self.came + _NO_SHOWS_COUNT_FOR)

    @cached_property
    def leaving(self) -> tuple[float, ...]:
        """The hazard of leaving, summed up from the first minute on: one value for each minute of waiting."""
        rates = [
            self._leaving_rate(start, end) for start, end in zip((0, *_PATIENCE_STEPS), _PATIENCE_STEPS, strict=False)
        ]
        summed, total = [0.0], 0.0
        for minute in range(1, _LONGEST_WAIT + 1):
            total += rates[bisect_right(_PATIENCE_STEPS, minute - 1)]
            summed.append(total)
        return tuple(summed)

    def lengths(self, kind: Kind) -> tuple[float, ...]:
        """How long such a consultation takes, in minutes, as values of equal probability."""
        if kind not in self._tables:
            self._tables[kind] = self._table(kind)
        return self._tables[kind]

    def _table(self, kind: Kind) -> tuple[float, ...]:
        """What was measured of this kind, shrunk to that of its concern, and that to the configured length."""
        configured = self.configured.get(kind.concern, self.mean)
        of_concern = [each.minutes for each in self.consultations if each.kind.concern == kind.concern]
        of_kind = [each.minutes for each in self.consultations if each.kind == kind]
        return _merged(_merged([configured * each for each in _SHAPE], of_concern), of_kind)

    def _leaving_rate(self, start: float, end: float) -> float:
        waited = sum(min(each.minutes, end) - start for each in self.waits if each.minutes > start)
        left = sum(each.left and start <= each.minutes < end for each in self.waits)
        return (left + _LEAVING * _LEAVING_COUNTS_FOR) / (waited + _LEAVING_COUNTS_FOR)


def still_takes(lengths: Sequence[float], so_far: float, draw: Random) -> float:
    """How many minutes a consultation that has taken `so_far` will go on: one draw. `lengths` in ascending order."""
    first = bisect_right(lengths, so_far)
    if first == len(lengths):
        return _OVERTIME[int(draw.random() * len(_OVERTIME))]
    return lengths[first + int(draw.random() * (len(lengths) - first))] - so_far


def _merged(known: Sequence[float], measured: Sequence[float]) -> tuple[float, ...]:
    """Values of equal probability of both: `known` counts for some measured ones."""
    latest = measured[-LATEST:]
    weighted = sorted([(each, CONFIGURED_COUNTS_FOR / len(known)) for each in known] + [(each, 1.0) for each in latest])
    step = (CONFIGURED_COUNTS_FOR + len(latest)) / POINTS
    found: list[float] = []
    below = 0.0
    for value, weight in weighted:
        below += weight
        found += [value] * (ceil(below / step - 0.5) - len(found))
    return tuple(found[:POINTS] + [weighted[-1][0]] * (POINTS - len(found)))
