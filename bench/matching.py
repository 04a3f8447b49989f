"""How long one decision of the matching takes: mornings with eight advisers, filled until they refuse.

`make bench`. Aims: at most 1 ms in the median, 10 ms at the 99th percentile. Seeded, so each run asks the same.
"""

from __future__ import annotations

import random
import sys
import time
from datetime import UTC, datetime, timedelta
from statistics import median, quantiles

from scheduler.domain.intervals import Interval
from scheduler.domain.matching import Duty, Held, Wanted, arrange

NINE = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
ADVISERS = 8
MORNINGS = 60
ASKED_EACH = 90
LANGUAGES = ("de", "ar", "uk", "fa", "tr")
SERVICES = (frozenset({"MBE"}), frozenset({"JMD"}), frozenset({"MBE", "JMD"}))
MOST_MEDIAN, MOST_P99 = 0.001, 0.010


def main() -> int:
    chance = random.Random(2007)
    seconds, refused, handed_on = [], 0, 0
    for _ in range(MORNINGS):
        for taken, found in fill_a_morning(chance):
            seconds.append(taken)
            refused += found is None
            handed_on += found or 0
    middle, p99 = median(seconds), quantiles(seconds, n=100)[-1]
    sys.stdout.write(
        f"{len(seconds)} decisions for {ADVISERS} advisers, {refused} refused, {handed_on} appointments handed on\n"
        f"median {middle * 1000:.3f} ms (at most {MOST_MEDIAN * 1000:g}), "
        f"p99 {p99 * 1000:.2f} ms (at most {MOST_P99 * 1000:g}), longest {max(seconds) * 1000:.1f} ms\n"
    )
    return int(middle > MOST_MEDIAN or p99 > MOST_P99)


def fill_a_morning(chance: random.Random) -> list[tuple[float, int | None]]:
    """Seconds of each decision, and how many were handed on (None: refused)."""
    duties = [random_duty(chance, number) for number in range(ADVISERS)]
    standing: list[Held] = []
    decisions: list[tuple[float, int | None]] = []
    for visit_id in range(ASKED_EACH):
        wanted, during = random_wish(chance)
        began = time.perf_counter()
        found = arrange(wanted, during, duties, standing)
        decisions.append((time.perf_counter() - began, None if found is None else len(found.moves)))
        if found is not None:
            moves = dict(found.moves)
            standing = [each._replace(adviser_id=moves.get(each.visit_id, each.adviser_id)) for each in standing]
            standing.append(Held(visit_id, during, wanted, found.adviser_id))
    return decisions


def random_duty(chance: random.Random, number: int) -> Duty:
    spoken = frozenset(chance.sample(LANGUAGES, chance.randint(1, 3)))
    return Duty(number, chance.choice(SERVICES), spoken)


def random_wish(chance: random.Random) -> tuple[Wanted, Interval]:
    minutes = chance.choice((15, 30, 45))
    starts_at = NINE + timedelta(minutes=15 * chance.randint(0, (180 - minutes) // 15))
    wanted = Wanted(chance.choice(SERVICES), chance.choice((None, *LANGUAGES)))
    return wanted, Interval(starts_at, starts_at + timedelta(minutes=minutes))


if __name__ == "__main__":
    sys.exit(main())
