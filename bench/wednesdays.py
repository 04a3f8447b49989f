"""A year of made-up Wednesdays at one place, 9 to 12, as a service log: `python -m bench.wednesdays FILE.csv`.

An event simulation, so that waits come about as they do in an office: nobody is called with knowledge of what comes.
The order of calling is the application's own (`scheduler/domain/queue_order`). The same seed gives the same rows.
A no-show is a row without `arrived_at`; whom the desk turns away (full house) has no row.
"""

from __future__ import annotations

import csv
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from heapq import heapify, heappop, heappush
from itertools import count
from typing import TypeVar
from zoneinfo import ZoneInfo

from scheduler.domain.queue_order import Server, Waiting, in_order, next_for

Kind = TypeVar("Kind")

SEED = 2007
COLUMNS = ("arrived_at", "called_at", "finished_at", "desk", "service", "concern", "left_at", "starts_at", "language")
BERLIN = ZoneInfo("Europe/Berlin")
FIRST_DAY, DAYS = date(2025, 1, 8), 52  # 1 January is a holiday
OPENS, CLOSES = time(9), time(12)
MINUTES_OPEN = 180

# Who serves. Five carriers send people in turn; who comes differs by week, and few speak a language that is asked for.
POOL = (
    ("MBE",), ("MBE", "JMD"), ("MBE",), ("JMD",), ("MBE", "JMD"), ("MBE",), ("JMD",), ("MBE", "JMD"), ("MBE",),
)  # fmt: skip
SPOKEN = (("ar",), ("tr",), (), ("uk", "ru"), ("fa",), ("uk", "ru"), ("ar",), (), ("ar", "fa"))
ADVISERS_A_DAY = {2: 0.10, 3: 0.32, 4: 0.38, 5: 0.20}
ADVISER_FACTOR = (0.8, 1.25)  # the slowest takes half as long again as the fastest
LATE_SHARE, LATE_MINUTES = 0.2, (5, 30)  # buses, keys, a client at the own office
EARLY_LEAVING_SHARE, EARLY_MINUTES = 0.08, (100, 165)  # another appointment elsewhere
BREAK_SHARE, BREAK_MINUTES, BREAK_AT = 0.4, (5, 10), (60, 120)
NOTE_MINUTES = (1, 4)  # writing it down, airing the room, walking to the door

# Who comes. The load belongs to the day: a letter from the job centre to all brings a packed one.
DAY_LOADS = {0.65: 0.30, 0.9: 0.45, 1.15: 0.25}  # calm, usual, packed
DOORS_MINUTES = {-10: 0.75, -30: 0.25}  # before nine; tickets are given from then
BURST, BURST_PER_ADVISER = (8, 15), 2.7  # people who stood at the door, never fewer nor more
BURST_SCATTER = 5.0  # mean minutes until one of them has a number
STREAM_PER_ADVISER = 1.4  # an hour at nine; known hours draw fewer people when fewer advisers sit there
STREAM_FALLS = 0.6  # by this share until noon: whoever wants to be served comes early
SERVICES = {"MBE": 0.62, "JMD": 0.28, "": 0.10}  # empty: a family, or not asked
CONCERNS = {"letter": 0.54, "advice": 0.16, "knows adviser": 0.12, "unknown": 0.18}
LANGUAGES = {"": 0.80, "ar": 0.08, "uk": 0.05, "fa": 0.04, "tr": 0.03}
URGENT_SHARE = 0.02
PATIENCE_MEDIAN, PATIENCE_SIGMA = 100, 0.35  # minutes; nearly nobody leaves within half an hour

# How long it takes: minutes in the median, spread of the logarithm. "Unknown" turns out to be one of the others.
LENGTHS = {"letter": (12, 0.45), "advice": (35, 0.4), "knows adviser": (25, 0.45)}
SERVICE_FACTOR = {"MBE": 1.0, "JMD": 0.9, "": 1.1}
DAY_FACTOR_SIGMA = 0.08

# Appointments: one or two advisers' worth, not all booked.
APPOINTMENT_EVERY, APPOINTMENT_BOOKED = (15, 20, 30), {15: 0.35, 20: 0.45, 30: 0.65}
APPOINTMENT_CONCERNS = {"letter": 0.25, "advice": 0.45, "knows adviser": 0.3}
NO_SHOW_SHARE = 0.18
APPOINTMENT_EARLY, APPOINTMENT_LATE = 10, 5

# The end. The desk gives no number when a rule of thumb says that it is in vain; given tickets are served a while.
THUMB_MINUTES, THUMB_SLACK = 22, 10
LAST_CALL_MINUTES = (15, 45)  # after closing; whoever is left is sent home with a time elsewhere


@dataclass
class Client:
    """One row to be. `minutes` is what an average adviser needs, which nobody knows before."""

    number: int
    arrived_at: datetime | None
    starts_at: datetime | None
    service: str
    concern: str
    language: str
    urgent: bool
    minutes: float
    patience: timedelta
    called_at: datetime | None = None
    finished_at: datetime | None = None
    left_at: datetime | None = None
    desk: str = ""

    def as_waiting(self) -> Waiting:
        assert self.arrived_at is not None
        services = frozenset({self.service} - {""})
        return Waiting(self.number, self.arrived_at, self.starts_at, self.urgent, services, self.language or None)


@dataclass
class Desk:
    """One adviser at a table on this day: not before `free_at`, calls nobody from `leaves_at`."""

    name: str
    server: Server
    factor: float
    free_at: datetime
    leaves_at: datetime
    break_at: datetime | None


@dataclass
class Morning:
    """One Wednesday while it goes on."""

    chance: random.Random
    closes_at: datetime
    desks: list[Desk]
    expected: list[Client]
    """Walk-ins on their way and appointments, by nothing that the desk would know."""
    moments: list[tuple[datetime, int, Client | None]] = field(default_factory=list)
    """What happens next: somebody comes, or (None) it is time to look again."""
    came: list[Client] = field(default_factory=list)
    queue: dict[int, Client] = field(default_factory=dict)
    serial: Iterator[int] = field(default_factory=count)

    def play(self) -> list[Client]:
        """Who came, with what became of them, and the no-shows."""
        self.moments = [(each.arrived_at, next(self.serial), each) for each in self.expected if each.arrived_at]
        heapify(self.moments)
        for each in self.desks:
            self.look_again(each.free_at)
            self.look_again(each.leaves_at)
        while self.moments:
            now, _, newcomer = heappop(self.moments)
            self.let_go(now)
            if newcomer:
                self.take_in(newcomer, now)
            self.call(now)
        self.send_home()
        return self.came + [each for each in self.expected if each.arrived_at is None]

    def look_again(self, at: datetime) -> None:
        heappush(self.moments, (at, next(self.serial), None))

    def take_in(self, newcomer: Client, now: datetime) -> None:
        """A number, unless the house is full. Appointments always get one."""
        if newcomer.starts_at is None and not newcomer.urgent and self.is_full(now):
            return
        self.came.append(newcomer)
        self.queue[newcomer.number] = newcomer
        self.look_again(gives_up_at(newcomer))
        if newcomer.starts_at and newcomer.starts_at > now:
            self.look_again(newcomer.starts_at)

    def is_full(self, now: datetime) -> bool:
        rest = (self.closes_at - now) / timedelta(minutes=1) + THUMB_SLACK
        working = sum(each.leaves_at > now for each in self.desks)
        return working == 0 or len(self.queue) * THUMB_MINUTES / working > rest

    def let_go(self, now: datetime) -> None:
        """Whoever has waited too long is gone."""
        for each in [each for each in self.queue.values() if gives_up_at(each) <= now]:
            each.left_at = gives_up_at(each)
            del self.queue[each.number]

    def call(self, now: datetime) -> None:
        """Each adviser who is free takes the first whom they can serve; who has been free longest is first."""
        here_or_expected = [each.server for each in self.desks if each.leaves_at > now]
        for desk in sorted(self.desks, key=lambda each: each.free_at):
            if desk.free_at > now or desk.leaves_at <= now or self.takes_a_break(desk, now):
                continue
            waiting = [each.as_waiting() for each in self.queue.values()]
            if found := next_for(desk.server, waiting, here_or_expected, now):
                self.serve(desk, self.queue.pop(found.visit_id), now)

    def takes_a_break(self, desk: Desk, now: datetime) -> bool:
        if desk.break_at is None or desk.break_at > now:
            return False
        desk.break_at, desk.free_at = None, now + minutes(self.chance.uniform(*BREAK_MINUTES))
        self.look_again(desk.free_at)
        return True

    def serve(self, desk: Desk, client: Client, now: datetime) -> None:
        client.called_at, client.desk = now, desk.name
        client.finished_at = now + minutes(max(2.0, client.minutes * desk.factor))
        desk.free_at = client.finished_at + minutes(self.chance.uniform(*NOTE_MINUTES))
        self.look_again(desk.free_at)

    def send_home(self) -> None:
        """Nobody calls any more: the rest go within the time that was left for them."""
        last_call = max(each.leaves_at for each in self.desks)
        for each in in_order([each.as_waiting() for each in self.queue.values()], last_call):
            self.queue[each.visit_id].left_at = max(last_call, each.arrived_at)


def wednesdays(seed: int = SEED) -> list[dict[str, str]]:
    """All rows of the year, by arrival (a no-show by its start)."""
    rows = []
    for morning in mornings(seed):
        clients = morning.play()
        rows += [as_row(each) for each in sorted(clients, key=begins_at)]
    return rows


def rota(seed: int = SEED) -> list[dict[str, str]]:
    """Who was on duty, as the rota said before each day: which desks with which services and languages, from nine."""
    rows = []
    for morning in mornings(seed):
        nine = morning.closes_at - timedelta(minutes=MINUTES_OPEN)
        for each in morning.desks:
            services, languages = (" ".join(sorted(known)) for known in (each.server.services, each.server.languages))
            row = {"desk": each.name, "service": services, "language": languages, "on_duty_from": as_text(nine)}
            rows.append(dict.fromkeys(COLUMNS, "") | row)
    return rows


def mornings(seed: int) -> Iterator[Morning]:
    """The days of the year, none of them played yet."""
    factors = adviser_factors(random.Random(f"{seed}:advisers"))
    for week in range(DAYS):
        yield one_morning(random.Random(f"{seed}:{week}"), FIRST_DAY + timedelta(weeks=week), factors)


def adviser_factors(chance: random.Random) -> list[float]:
    """Spread evenly over the pool, so that a seed changes who is slow, but not how slow all are."""
    low, high = ADVISER_FACTOR
    even = [low + (high - low) * each / (len(POOL) - 1) for each in range(len(POOL))]
    return chance.sample(even, len(even))


def one_morning(chance: random.Random, on: date, factors: list[float]) -> Morning:
    nine, noon = (datetime.combine(on, each, BERLIN).astimezone(ZoneInfo("UTC")) for each in (OPENS, CLOSES))
    last_call = noon + minutes(chance.uniform(*LAST_CALL_MINUTES))
    how_many, load = draw(chance, ADVISERS_A_DAY), draw(chance, DAY_LOADS)
    day_factor, numbers = chance.lognormvariate(0, DAY_FACTOR_SIGMA), count(1)
    desks = [
        some_desk(chance, f"Tisch {table}", who, factors[who], nine, last_call)
        for table, who in enumerate(chance.sample(range(len(POOL)), how_many), 1)
    ]
    expected = [
        *(walk_in(chance, next(numbers), at, day_factor) for at in arrivals(chance, nine, how_many, load)),
        *(appointment(chance, next(numbers), at, day_factor) for at in booked_starts(chance, nine, how_many)),
    ]
    return Morning(chance, noon, desks, expected)


def some_desk(chance: random.Random, name: str, who: int, factor: float, nine: datetime, last_call: datetime) -> Desk:
    late = chance.uniform(*LATE_MINUTES) if chance.random() < LATE_SHARE else chance.uniform(-3, 2)
    leaves = nine + minutes(chance.uniform(*EARLY_MINUTES)) if chance.random() < EARLY_LEAVING_SHARE else last_call
    pause = nine + minutes(chance.uniform(*BREAK_AT)) if chance.random() < BREAK_SHARE else None
    server = Server(who, frozenset(POOL[who]), frozenset({"de", *SPOKEN[who]}))
    return Desk(name, server, factor, nine + minutes(late), leaves, pause)


def arrivals(chance: random.Random, nine: datetime, how_many: int, load: float) -> list[datetime]:
    """The burst at the doors, then a stream that grows thinner (Poisson, by thinning)."""
    doors = nine + minutes(draw(chance, DOORS_MINUTES))
    burst = min(max(round(chance.gauss(BURST_PER_ADVISER * how_many * load, 1.5)), BURST[0]), BURST[1])
    found = [doors + minutes(chance.expovariate(1 / BURST_SCATTER)) for _ in range(burst)]
    rate, at = STREAM_PER_ADVISER * how_many * load / 60, 0.0
    while (at := at + chance.expovariate(rate)) < MINUTES_OPEN:
        if chance.random() > STREAM_FALLS * at / MINUTES_OPEN:
            found.append(nine + minutes(at))
    return sorted(found)


def booked_starts(chance: random.Random, nine: datetime, how_many: int) -> list[datetime]:
    every, columns = chance.choice(APPOINTMENT_EVERY), 2 if how_many >= 4 else 1
    grid = [nine + minutes(each) for each in range(0, MINUTES_OPEN - 15, every) for _ in range(columns)]
    return [each for each in grid if chance.random() < APPOINTMENT_BOOKED[every]]


def walk_in(chance: random.Random, number: int, at: datetime, day_factor: float) -> Client:
    return some_client(chance, number, at, None, draw(chance, CONCERNS), day_factor)


def appointment(chance: random.Random, number: int, starts_at: datetime, day_factor: float) -> Client:
    comes_at = starts_at + minutes(chance.triangular(-APPOINTMENT_EARLY, APPOINTMENT_LATE))
    came = chance.random() >= NO_SHOW_SHARE
    return some_client(
        chance, number, comes_at if came else None, starts_at, draw(chance, APPOINTMENT_CONCERNS), day_factor
    )


def some_client(
    chance: random.Random, number: int, at: datetime | None, starts_at: datetime | None, concern: str, factor: float
) -> Client:
    service, language = draw(chance, SERVICES), draw(chance, LANGUAGES)
    median, sigma = LENGTHS[concern if concern in LENGTHS else chance.choice(list(LENGTHS))]
    length = median * SERVICE_FACTOR[service] * factor * chance.lognormvariate(0, sigma)
    urgent = starts_at is None and chance.random() < URGENT_SHARE
    patience = minutes(PATIENCE_MEDIAN * chance.lognormvariate(0, PATIENCE_SIGMA))
    return Client(number, at, starts_at, service, concern, language, urgent, length, patience)


def begins_at(client: Client) -> datetime:
    """When it arrived, or should have."""
    found = client.arrived_at or client.starts_at
    assert found is not None
    return found


def gives_up_at(client: Client) -> datetime:
    """An appointment's patience begins with its time."""
    assert client.arrived_at is not None
    return max(client.arrived_at, client.starts_at or client.arrived_at) + client.patience


def draw(chance: random.Random, shares: dict[Kind, float]) -> Kind:
    return chance.choices(list(shares), list(shares.values()))[0]


def minutes(number: float) -> timedelta:
    """Whole seconds, as a log has them."""
    return timedelta(seconds=round(number * 60))


def as_row(client: Client) -> dict[str, str]:
    return {name: as_text(getattr(client, name)) for name in COLUMNS}


def as_text(value: datetime | str | None) -> str:
    return value.astimezone(BERLIN).isoformat() if isinstance(value, datetime) else value or ""


def main() -> int:
    with open(sys.argv[1], "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, (*COLUMNS, "on_duty_from"), restval="")
        writer.writeheader()
        writer.writerows(rota())
        writer.writerows(wednesdays())
    return 0


if __name__ == "__main__":
    sys.exit(main())
