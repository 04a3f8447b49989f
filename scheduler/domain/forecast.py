"""How long until somebody is called, as a range, and the chance to be served before closing."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import Literal

Basis = Literal["configured", "few", "learned"]
"""What it rests on: the town's file alone, few visits of this town, or many."""

ROUND_TO = 5
"""A range that is shown is rounded outward to so many minutes."""


@dataclass(frozen=True)
class Forecast:
    """For one person who waits, or who would come now. Minutes from now; `low` and `high`: 20th and 80th percentile."""

    ahead: int
    """So many will be called before."""
    centre: float
    low: float
    high: float
    chance: float
    """To be called before closing: 0 to 1."""
    basis: Basis

    @property
    def shown(self) -> tuple[int, int]:
        """The range as it is shown: whole minutes, rounded outward."""
        return floor(self.low / ROUND_TO) * ROUND_TO, ceil(self.high / ROUND_TO) * ROUND_TO
