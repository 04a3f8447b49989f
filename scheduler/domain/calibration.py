"""What earlier forecasts were worth, and by how much a new one is corrected.

A plain simulation is too sure of itself: on a real day's log its 20–80 % range held 33–44 % of the true waits. So each
forecast that was shown is kept with what came true. Its error, in units of its own spread, says how far off such
forecasts are; a new one is moved and widened by the errors of those that were most like it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

LOWER, UPPER = 0.2, 0.8
"""Of the true waits, so many are below the range and below its upper end."""
ALIKE = 80
"""A forecast is corrected by so many earlier ones, those of the most similar length."""
LATEST = 200
"""So many of the latest forecasts count: of a day with hundreds of visits its own, of a weekly session some weeks."""
ENOUGH_TO_COMPARE = 40
"""Before so many came true the simulation's centre stands, whatever the closed form would have said."""
LEAST_SPREAD = 2.0
"""Minutes; no wait is known better than that."""
_MIX = 229
"""Shares no factor with LATEST."""

# Before anything came true: errors of a simulation whose 20–80 % range holds half of the true waits.
_EXPECTED_ERRORS = (
    -3.0,
    -2.1,
    -1.6,
    -1.25,
    -0.95,
    -0.7,
    -0.45,
    -0.25,
    -0.1,
    0.1,
    0.25,
    0.45,
    0.7,
    0.95,
    1.25,
    1.6,
    2.1,
    3.0,
)


class Simulated(NamedTuple):
    """What the simulation says, in minutes. `spread`: half the width of its 20–80 % range."""

    centre: float
    spread: float


class CameTrue(NamedTuple):
    """An earlier forecast, and the minutes that it really took."""

    simulated: Simulated
    closed_form: float
    minutes: float

    @property
    def error(self) -> float:
        return (self.minutes - self.simulated.centre) / self.simulated.spread


class Corrected(NamedTuple):
    """Minutes. `errors` of the forecasts most like this one, in ascending order, and its own simulation."""

    centre: float
    low: float
    high: float
    simulated: Simulated
    errors: list[float]

    def chance_within(self, minutes: float) -> float:
        """How likely it takes no longer than that."""
        error = (minutes - self.simulated.centre) / self.simulated.spread
        return bisect_left(self.errors, error) / len(self.errors)


def simulated(waits: Iterable[float]) -> Simulated:
    """The simulation's runs of one person in two figures."""
    ordered = sorted(waits)
    spread = (quantile(ordered, UPPER) - quantile(ordered, LOWER)) / 2
    return Simulated(quantile(ordered, 0.5), max(spread, LEAST_SPREAD))


def quantile(ordered: list[float], level: float) -> float:
    """The value below which this share lies, between the two nearest. `ordered` holds at least one."""
    place = level * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


@dataclass(frozen=True)
class Calibration:
    """Corrects forecasts by earlier ones: `past` in ascending order of what the simulation had said."""

    past: tuple[CameTrue, ...] = ()

    @cached_property
    def _centres(self) -> list[float]:
        return [each.simulated.centre for each in self.past]

    @classmethod
    def of(cls, came_true: Iterable[CameTrue]) -> Calibration:
        """From all that came true, oldest first."""
        latest = enumerate(list(came_true)[-LATEST:])
        # Many have the same centre (no wait at all): old and new ones are mixed among them.
        ordered = sorted(latest, key=lambda each: (each[1].simulated.centre, each[0] * _MIX % LATEST))
        return cls(tuple(each for _, each in ordered))

    def correct(self, found: Simulated, closed_form: float) -> Corrected:
        """The range that such a wait really had, around the centre that has been nearer."""
        alike = self._alike(found.centre)
        errors = sorted([*_EXPECTED_ERRORS, *(each.error for each in alike)])
        low, centre, high = (
            max(0.0, found.centre + quantile(errors, level) * found.spread) for level in (LOWER, 0.5, UPPER)
        )
        if len(alike) >= ENOUGH_TO_COMPARE and _closed_form_was_nearer(alike, quantile(errors, 0.5)):
            centre = min(max(closed_form, low), high)
        return Corrected(centre, low, high, found, errors)

    def _alike(self, centre: float) -> tuple[CameTrue, ...]:
        place = (bisect_left(self._centres, centre) + bisect_right(self._centres, centre)) // 2
        first = max(0, min(place - ALIKE // 2, len(self.past) - ALIKE))
        return self.past[first : first + ALIKE]


def _closed_form_was_nearer(alike: tuple[CameTrue, ...], shift: float) -> bool:
    ours = sum(abs(each.minutes - each.simulated.centre - shift * each.simulated.spread) for each in alike)
    closed = sum(abs(each.minutes - each.closed_form) for each in alike)
    return closed < ours
