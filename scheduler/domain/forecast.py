"""How long until somebody is called, as a range, and the chance to be served before closing.

The rest of the opening is simulated (`simulation`) with what this town has measured (`lengths`), and the answer is
corrected by what came true of earlier ones (`calibration`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil, floor

from scheduler.domain.calibration import Calibration, CameTrue, Simulated, simulated
from scheduler.domain.lengths import Basis, Experience, Kind, Measured, Waited
from scheduler.domain.queue_order import in_order
from scheduler.domain.simulation import NEVER, NEWCOMER, Desk, Person, Situation, simulate

__all__ = [
    "NEWCOMER", "Basis", "Calibration", "CameTrue", "Desk", "Experience", "Forecast", "Kind", "Measured", "Person",
    "Simulated", "Situation", "Waited", "closed_form", "forecast",
]  # fmt: skip

PAST_CLOSING = 60.0
"""Minutes after closing that stand for a call which does not come any more."""
ROUND_TO = 5
"""A range that is shown is rounded outward to so many minutes."""
MOST_CALLS, MOST_RUNS, FEWEST_RUNS = 6000, 120, 80
"""So many calls are simulated, shared out to runs: the longer the queue, the fewer, the shorter, the more."""


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
    simulated: Simulated
    """Before it was corrected: kept, so that later ones can be."""
    closed_form: float
    """The centre of the closed form's range, and its upper end."""
    closed_form_latest: float = 0.0
    comes: float = 1.0
    """The chance to be called at all, however late: 0 where nobody is here or expected."""

    @property
    def shown(self) -> tuple[int, int]:
        """The range as it is shown: whole minutes, rounded outward."""
        return floor(self.low / ROUND_TO) * ROUND_TO, ceil(self.high / ROUND_TO) * ROUND_TO


def forecast(
    situation: Situation, experience: Experience, calibration: Calibration, closes_at: datetime, seed: int = 0
) -> dict[int, Forecast]:
    """For each visit that waits, by its id, and for a newcomer (`NEWCOMER`). The same for the same seed."""
    order = [each.visit_id for each in in_order((p.waiting for p in situation.people if p.here), situation.now)]
    runs = max(FEWEST_RUNS, min(MOST_RUNS, MOST_CALLS // (len(situation.people) + 1)))
    waits = simulate(situation, experience, seed, runs)
    teller = _Teller(situation, experience, calibration, closes_at)
    return {visit_id: teller.tell(ahead, waits[visit_id]) for ahead, visit_id in enumerate((*order, NEWCOMER))}


class _Teller:
    """What is the same for all who ask at one moment."""

    def __init__(
        self, situation: Situation, experience: Experience, calibration: Calibration, closes_at: datetime
    ) -> None:
        self.opens_in = situation.opens_in
        self.rest = (closes_at - situation.now).total_seconds() / 60
        self.experience, self.calibration = experience, calibration
        self.desks = count_desks(situation)

    def tell(self, ahead: int, waits: Sequence[float]) -> Forecast:
        """One person's answer, from the minutes until the call in each run."""
        at_most = max(0.0, self.rest) + PAST_CLOSING
        earliest, latest = closed_form(ahead, self.experience.mean, self.desks)
        in_middle = self.opens_in + (earliest + latest) / 2
        corrected = self.calibration.correct(simulated(min(each, at_most) for each in waits), in_middle)
        comes = sum(each < NEVER for each in waits) / len(waits)
        low, centre, high = (max(each, self.opens_in) for each in (corrected.low, corrected.centre, corrected.high))
        return Forecast(
            ahead=ahead,
            centre=centre,
            low=low,
            high=high,
            chance=min(comes, corrected.chance_within(self.rest)),
            basis=self.experience.basis,
            simulated=corrected.simulated,
            closed_form=in_middle,
            closed_form_latest=self.opens_in + latest,
            comes=comes,
        )


def closed_form(ahead: int, minutes: float, desks: int) -> tuple[int, int]:
    """The earliest and the latest minute by the formula that large offices use, to compare with.

    `ahead` people before; `minutes` (T) each takes; so many `desks` (W). People in service, lengths and closing count
    as nothing in it. Its published cases: T = 10, two ahead: one desk 8 to 20, two desks 0 to 10.
    """
    ticks, at_work = max(0, ahead - 1) if ahead else -1, max(1, desks)
    latest = floor((ticks + 1) * minutes / at_work)
    earliest = floor(max(0, ticks - at_work + 1) * 0.8 * minutes / at_work)
    return earliest, latest


def count_desks(situation: Situation) -> int:
    """W of the closed form: who is here; before anybody is, who is expected."""
    here = sum(each.expected_in is None for each in situation.desks)
    expected = len(situation.desks) - here
    usual: Sequence[int] = sorted(len(each) for each in situation.more_desks)
    return here or expected or (usual[len(usual) // 2] if usual else 0) or 1
