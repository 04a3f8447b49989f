"""Clients who book, move and cancel by the API while its processes are killed, and whoever kills them.

A client repeats a request until there is an answer: a booking under the same Idempotency-Key, a move and a
cancellation as they are. So each knows at its end what it was told.
"""

from __future__ import annotations

import http.client
import json
import random
import secrets
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from threading import Event, Lock
from typing import Any, NamedTuple

from bench.processes import Process
from bench.soak_check import Change, Story, Verb
from scheduler.domain.proofs import solve

TIMEOUT = 60
"""Seconds. So long that no request is repeated while the first one may still be carried out: a late one would move back
what was moved on. One whose process is killed ends at once."""
AGAIN_AFTER = (0.05, 0.3)
HANG_UP, HANG_UP_ON = 0.2, ("POST", "DELETE")
"""So many do not wait for the answer at first: what was carried out and not acknowledged is asked for again. Moves are
left out, see above."""
PLANS: Sequence[tuple[Verb, ...]] = (
    (),
    (),
    (),
    ("move",),
    ("move",),
    ("move", "move"),
    ("cancel",),
    ("cancel",),
    ("move", "cancel"),
    ("move", "move", "cancel"),
)
"""What clients do after they have booked, in turns."""


class Load(NamedTuple):
    """How much, and how long at most."""

    visits: int = 1000
    kills: int = 100
    clients: int = 24
    gap: tuple[float, float] = (0.3, 2.7)
    """Seconds between two kills."""
    think: float = 2
    """Seconds at most between two changes of one client: some messages have left, some are on their way, some wait."""
    lease: int = 10
    """Seconds for which a process has a message to itself. In real life minutes."""
    every: int = 1
    """Seconds between two looks for messages that are due."""
    workers: int = 2
    """Processes of the application, as deploy/ has it."""
    within: float = 1200
    """Seconds after which it ends in any case, and has failed."""


class OutOfTime(Exception):
    """The soak is over, and a client has no answer."""


class Time(NamedTuple):
    opening: str
    starts_at: str


class Tally:
    """What all threads have seen."""

    def __init__(self) -> None:
        self.stories: list[Story] = []
        self.faults: list[str] = []
        """Answers that nobody should get."""
        self.counts: Counter[str] = Counter()
        self.stop = Event()
        self._lock = Lock()

    def count(self, what: str) -> None:
        with self._lock:
            self.counts[what] += 1

    @contextmanager
    def watching(self, who: str) -> Iterator[None]:
        """Whoever falls over must not go unnoticed."""
        try:
            yield
        except Exception as error:
            self.faults.append(f"{who}: {type(error).__name__}: {error}")


class Api:
    """The API as a client uses it, on a connection that may break at any moment."""

    def __init__(self, base_url: str, tally: Tally) -> None:
        self.address = urllib.parse.urlsplit(base_url).netloc
        self.tally, self.chance = tally, random.Random()

    def ask(self, method: str, path: str, body: object = None, key: str = "") -> tuple[int, dict[str, Any]]:
        """Status and answer; asks again until there is one. Raises OutOfTime."""
        while not self.tally.stop.is_set():
            hangs_up = method in HANG_UP_ON and self.chance.random() < HANG_UP
            try:
                status, answer = self._send(method, path, body, key, hangs_up)
            except (OSError, http.client.HTTPException):
                self.tally.count("no answer")
            else:
                if status != 503:
                    return status, answer
                self.tally.count("busy")
            self.rest(*AGAIN_AFTER)
        raise OutOfTime(f"{method} was never answered")

    def rest(self, least: float, most: float) -> None:
        self.tally.stop.wait(self.chance.uniform(least, most))

    def _send(self, method: str, path: str, body: object, key: str, hangs_up: bool) -> tuple[int, dict[str, Any]]:
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        connection = http.client.HTTPConnection(self.address, timeout=TIMEOUT)
        try:
            connection.request(method, f"/api/v1{path}", json.dumps(body) if body else None, headers)
            if hangs_up:
                raise ConnectionAbortedError
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()


class Client:
    """One person with one visit."""

    def __init__(self, number: int, api: Api, times: list[Time], think: float) -> None:
        self.number = number
        self.plan = PLANS[number % len(PLANS)]
        self.email = f"client-{number}@example.org"
        self.wants_reminder = number % 3 > 0
        self.api, self.times, self.think = api, times, think
        self.token = self.starts_at = ""
        self.changes: list[Change] = []

    def live(self) -> Story:
        self.change("book")
        for verb in self.plan:
            self.api.rest(0, self.think)
            self.change(verb)
        return Story(int(self.token.partition("-")[0]), self.email, self.wants_reminder, tuple(self.changes))

    def change(self, verb: Verb) -> None:
        """Where a time was just taken, the next one will do. Raises ValueError at an answer that nobody should get."""
        while True:
            wanted = None if verb == "cancel" else self.another_time()
            status, answer = self.request(verb, wanted)
            if (status, answer.get("code")) != (409, "taken"):
                break
            self.api.tally.count("taken")
        if status not in (200, 201) or (wanted and answer["starts_at"] != wanted.starts_at):
            raise ValueError(f"{verb} {self.token} to {wanted}: {status} {answer}")
        self.token, self.starts_at = answer["token"], answer["starts_at"]
        self.changes.append(Change(verb, datetime.fromisoformat(self.starts_at), time.monotonic()))
        self.api.tally.count(verb)

    def another_time(self) -> Time:
        """The times hold each start as often as there are advisers; a move to where one is would be none."""
        wanted = self.times.pop()
        while wanted.starts_at == self.starts_at:
            wanted = self.times.pop()
        return wanted

    def request(self, verb: Verb, wanted: Time | None) -> tuple[int, dict[str, Any]]:
        if wanted is None:
            return self.api.ask("DELETE", f"/bookings/{self.token}")
        if verb == "move":
            return self.api.ask("PATCH", f"/bookings/{self.token}", wanted._asdict())
        contact = {"email": self.email, "reminders": self.wants_reminder}
        body = {**wanted._asdict(), "concern": "letter", "locale": "de", "contact": contact}
        key, status, answer = secrets.token_urlsafe(16), 428, dict[str, Any]()
        while status == 428:  # the first time without a proof; again where one was sent too often on a bad line
            proof = prove(answer["challenge"]) if answer else None
            status, answer = self.api.ask("POST", "/bookings", {**body, "proof": proof}, key)
        return status, answer


def prove(challenge: dict[str, Any]) -> str:
    return f"{challenge['token']}.{solve(challenge['salt'], challenge['hash'], challenge['numbers'])}"


class Killer:
    """Kills one of the processes at random, again and again, and starts it anew at once.

    One that has not come back yet is left alone: nothing would be done at all. Kills and visits keep pace.
    """

    def __init__(self, victims: Mapping[str, Process], load: Load, tally: Tally) -> None:
        self.victims, self.load, self.tally = victims, load, tally
        self.chance = random.Random()
        self.next: list[str] = []
        self.kills: Counter[str] = Counter()
        self.fell_over: list[str] = []
        """Those that were found to have ended by themselves."""

    def live(self) -> None:
        stop = self.tally.stop
        for number in range(self.load.kills):
            stop.wait(self.chance.uniform(*self.load.gap))
            name = self.choose(number)
            if stop.is_set():
                return
            if not self.victims[name].is_running:
                self.fell_over.append(name)
            self.victims[name].kill()
            self.victims[name].start()
            self.kills[name] += 1

    def choose(self, number: int) -> str:
        """One that is at work; not before the visits have come as far as the kills."""
        enough = number * self.load.visits // self.load.kills - self.load.clients
        self._wait(lambda: len(self.tally.stories) >= enough)
        if not self.next:
            self.next = self.chance.sample(sorted(self.victims), len(self.victims))  # each has its turn, in any order
        name = self.next.pop()
        self._wait(lambda: self.victims[name].has_come_up)
        return name

    def wait_for(self, kills: int) -> None:
        """Until so many were made: visits go on as long as the killing does."""
        self._wait(lambda: self.kills.total() >= kills)

    def _wait(self, true: Callable[[], bool]) -> None:
        while not true() and not self.tally.stop.wait(0.02):
            pass
