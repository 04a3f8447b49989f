"""What the forecast is worth, and how long it takes. `make bench`.

A year of synthetic Wednesdays is replayed (`bench/wednesdays.py`): once with the rota that an office knows, once with
nothing but the log. Aims, with the rota: the mean absolute error at least a quarter below that of the closed form with
learned T; 55 to 65 % of the waits within the 20–80 % range. And one forecast for 60 waiting people and 5 advisers takes
at most 30 ms, with what was learned at hand.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median

from bench import wednesdays
from scheduler.domain.calibration import Calibration, CameTrue, Simulated
from scheduler.domain.forecast import Forecast, forecast
from scheduler.domain.lengths import Experience, Kind, Measured, Waited
from scheduler.domain.queue_order import Server, Waiting
from scheduler.domain.replay import LogRow, OnDuty, Score, replay, score
from scheduler.domain.simulation import Desk, Person, Situation
from scheduler.service_log import parse_log

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
WAITING, ADVISERS, TO_COME = 60, 5, 8
MOST_SECONDS = 0.030
REPEATS = 30
LEAST_BETTER = 0.25
COVERAGE = (0.55, 0.65)


def main() -> int:
    visits, rota = read_year()
    with_rota, without = score_of(visits, rota), score_of(visits, [])
    say(with_rota, "with the rota", f"aims: at least {LEAST_BETTER:.0%} better, {COVERAGE[0]:.0%} to {COVERAGE[1]:.0%}")
    say(without, "by the log alone", "no aim: nobody tells it who comes, or who serves whom")
    seconds = median(in_seconds(one_forecast()) for _ in range(REPEATS))
    sys.stdout.write(
        f"{WAITING} waiting, {ADVISERS} advisers: {seconds * 1000:.1f} ms (at most {MOST_SECONDS * 1000:g})\n"
    )
    is_better = better(with_rota) >= LEAST_BETTER and COVERAGE[0] <= with_rota.coverage <= COVERAGE[1]
    return int(not is_better or seconds > MOST_SECONDS)


def read_year() -> tuple[list[LogRow], list[OnDuty]]:
    columns = (*wednesdays.COLUMNS, "on_duty_from")
    rows = [*wednesdays.rota(), *wednesdays.wednesdays()]
    return parse_log([",".join(columns), *(",".join(row.get(name, "") for name in columns) for row in rows)])


def score_of(visits: list[LogRow], rota: list[OnDuty]) -> Score:
    found = score([each for each in replay(visits, rota) if each is not None])
    assert found is not None
    return found


def better(found: Score) -> float:
    """By how much the error is below that of the closed form."""
    return 1 - found.mae / found.closed_form_mae


def say(found: Score, how: str, aims: str) -> None:
    sys.stdout.write(
        f"a year of Wednesdays {how}: {found.forecasts} forecasts, mean wait {found.mean_wait:.1f} min\n"
        f"  mean absolute error {found.mae:.1f} min, closed form {found.closed_form_mae:.1f} min: "
        f"{better(found):.0%} better; {found.coverage:.0%} of the waits within a range of {found.mean_width:.1f} min "
        f"({aims})\n"
    )


def in_seconds(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def one_forecast() -> Callable[[], dict[int, Forecast]]:
    """A packed morning, an office with a year behind it; seeded, so each run asks the same."""
    chance = random.Random(2007)
    situation = Situation(NOW, busy_desks(), [*full_queue(chance), *appointments()])
    learned, calibration = experience(chance), Calibration.of(earlier(chance))
    closes_at = NOW + timedelta(hours=2)
    for each in situation.people:
        learned.lengths(each.kind)  # kept by a process for ten minutes, as actions/experience.py does
    learned.leaving, learned.gap  # noqa: B018
    return lambda: forecast(situation, learned, calibration, closes_at)


def busy_desks() -> list[Desk]:
    services = (frozenset({"MBE"}), frozenset({"MBE", "JMD"}), frozenset({"JMD"}))
    return [
        Desk(Server(number, services[number % 3], frozenset({"de", "ar"} if number == 2 else {"de"})), Kind(), 7.0)
        for number in range(ADVISERS)
    ]


def full_queue(chance: random.Random) -> list[Person]:
    return [
        Person(
            Waiting(
                number,
                NOW - timedelta(minutes=chance.uniform(0, 60)),
                services=frozenset({chance.choice(("MBE", "JMD"))}),
                language=chance.choice((None, None, "ar")),
            ),
            some_kind(chance),
        )
        for number in range(WAITING)
    ]


def appointments() -> list[Person]:
    starts = (NOW + timedelta(minutes=15 * number) for number in range(TO_COME))
    return [
        Person(Waiting(1000 + number, at, at), Kind("MBE", "advice"), here=False) for number, at in enumerate(starts)
    ]


def experience(chance: random.Random) -> Experience:
    return Experience(
        configured={None: 30.0, "letter": 15.0, "advice": 45.0},
        consultations=[Measured(some_kind(chance), chance.lognormvariate(3, 0.5)) for _ in range(600)],
        gaps=[chance.uniform(0, 5) for _ in range(300)],
        waits=[Waited(chance.uniform(0, 80), chance.random() < 0.05) for _ in range(600)],
        came=80,
        missed=20,
    )


def earlier(chance: random.Random) -> list[CameTrue]:
    return [CameTrue(Simulated(chance.uniform(0, 100), 8.0), 30.0, chance.uniform(0, 100)) for _ in range(600)]


def some_kind(chance: random.Random) -> Kind:
    return Kind(chance.choice(("MBE", "JMD")), chance.choice(("letter", "advice", None)))


if __name__ == "__main__":
    sys.exit(main())
