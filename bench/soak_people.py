"""Who uses the application while it is soaked: screens that poll, advisers who serve, a desk that gives numbers.

Each lives in a thread of its own, and asks as its page would: polls with ETags at the page's intervals, forms with
their token.
"""

from __future__ import annotations

import http.client
import random
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable
from http.cookiejar import CookieJar
from itertools import count
from threading import Event, Lock
from typing import NamedTuple

TIMEOUT = 15
THINK = (1, 4)
"""Seconds between two clicks of one person: so fast that a minute is a busy morning."""
ALL_HERE_WITHIN = 10
"""Seconds: screens are switched on one after another."""
FINE = (200, 303, 304)


class Call(NamedTuple):
    """One request. Status 0: no answer."""

    kind: str
    seconds: float
    status: int

    @property
    def is_fine(self) -> bool:
        return self.status in FINE


class Tally:
    """What all threads have seen."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.steps: Counter[str] = Counter()
        self._lock = Lock()

    def watch_over(self, live: Callable[[Event], None], stop: Event) -> None:
        """Whoever falls over counts as a request that failed, and does not go unnoticed."""
        try:
            live(stop)
        except Exception as error:
            self.note(Call(f"{type(error).__name__}: {error}", 0, 0))

    def note(self, call: Call) -> None:
        with self._lock:
            self.calls.append(call)

    def acknowledge(self, verb: str) -> None:
        with self._lock:
            self.steps[verb] += 1


class Watcher:
    """A board, or the phone of somebody who waits: loads its page once, then polls the part that changes."""

    def __init__(self, base_url: str, kind: str, path: str, number: int, hurry: float, tally: Tally) -> None:
        self.address = urllib.parse.urlsplit(base_url).netloc
        self.kind, self.path, self.hurry, self.tally = kind, path, hurry, tally
        self.chance = random.Random(number)

    def live(self, stop: Event) -> None:
        stop.wait(self.chance.uniform(0, ALL_HERE_WITHIN / self.hurry))
        page, _ = self.ask(f"{self.kind}", self.path, None)
        polled, seconds = attribute(page, "poll"), float(attribute(page, "poll-seconds") or 30)
        etag = None
        while polled and not stop.wait(seconds / self.hurry * self.chance.uniform(0.95, 1.05)):
            part, etag = self.ask(f"{self.kind}, poll", polled, etag)
            seconds = float(attribute(part, "poll-again") or seconds)

    def ask(self, kind: str, path: str, etag: str | None) -> tuple[str, str | None]:
        connection = http.client.HTTPConnection(self.address, timeout=TIMEOUT)
        began = time.perf_counter()
        body, status, found = "", 0, etag
        try:
            connection.request("GET", path, headers={"If-None-Match": etag} if etag else {})
            answer = connection.getresponse()
            body, status, found = answer.read().decode(), answer.status, answer.headers.get("ETag", etag)
        except OSError:
            pass  # counted as a call without an answer
        finally:
            connection.close()
        self.tally.note(Call(kind, time.perf_counter() - began, status))
        return body, found


class StayHere(urllib.request.HTTPRedirectHandler):
    """Where a form leads is looked at before it is followed."""

    def redirect_request(self, *_: object) -> None:
        return None


class Staff:
    """A browser with cookies that is logged in."""

    def __init__(self, base_url: str, login: str, password: str, tally: Tally) -> None:
        self.base_url, self.login, self.password, self.tally = base_url, login, password, tally
        self.browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()), StayHere)
        self.chance = random.Random(login)
        self.page = ""

    def come_in(self) -> None:
        """Before the morning begins."""
        self.open("log-in page", "/login")
        self.post("log-in", "/login", login=self.login, password=self.password)

    def live(self, stop: Event) -> None:
        """Until it is over."""
        raise NotImplementedError

    def think(self, stop: Event) -> None:
        stop.wait(self.chance.uniform(*THINK))

    def open(self, kind: str, path: str) -> str:
        self.page, _ = self.send(kind, path)
        return self.page

    def post(self, kind: str, path: str, **fields: str) -> str | None:
        """Send a form; gives where it leads. None: it was refused, or failed."""
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.page)
        data = {"csrf_token": token[1] if token else "", **fields}
        _, location = self.send(kind, path, urllib.parse.urlencode(data).encode())
        return location

    def send(self, kind: str, path: str, data: bytes | None = None) -> tuple[str, str | None]:
        began = time.perf_counter()
        body, status, location = "", 0, None
        try:
            with self.browser.open(self.base_url + path, data, TIMEOUT) as answer:
                body, status = answer.read().decode(), answer.status
        except urllib.error.HTTPError as answer:  # that is how urllib tells of a redirect, too
            status, location = answer.code, answer.headers.get("Location")
            answer.close()
        except OSError:
            pass  # counted as a call without an answer
        self.tally.note(Call(kind, time.perf_counter() - began, status))
        return body, location


class Adviser(Staff):
    """Calls the next, starts, finishes; sometimes calls twice, or puts the visit back."""

    def __init__(self, base_url: str, login: str, password: str, station: str, tally: Tally) -> None:
        super().__init__(base_url, login, password, tally)
        self.station = station

    def come_in(self) -> None:
        super().come_in()
        opening = opening_on(self.open("adviser, page", "/my"))
        self.post("adviser, step sit down", "/my/presence", opening=opening, station=self.station)

    def live(self, stop: Event) -> None:
        for number in count(1):
            self.open("adviser, page", "/my")
            location = self.post("adviser, step call", "/my/calls")
            if location is not None and "message=" not in location:
                self.tally.acknowledge("call")
                self.serve(stop, number)
            self.think(stop)
            if stop.is_set():
                return

    def serve(self, stop: Event, number: int) -> None:
        """Not cut short when the time is up: nobody is left standing at a table."""
        found = re.search(r"/my/consultations/(\d+)/start", self.open("adviser, page", "/my"))
        assert found, "whoever was called is not on the page"
        if number % 7 == 0:
            self.step(found[1], "calls", "call_again")
        if number % 10 == 0:
            self.step(found[1], "not-now", "put_back")
            return
        self.think(stop)
        self.step(found[1], "start", "start")
        self.think(stop)
        self.step(found[1], "finish", "finish")

    def step(self, consultation: str, action: str, verb: str) -> None:
        if self.post(f"adviser, step {verb}", f"/my/consultations/{consultation}/{action}") is not None:
            self.tally.acknowledge(verb)


class Desk(Staff):
    """Gives one number after another, with the answers known or not, and looks at the list in between."""

    def live(self, stop: Event) -> None:
        for number in count():
            opening = opening_on(self.open("desk, page", "/desk"))
            answers = {"quick": "1"} if number % 3 == 0 else {"age": "under_27", "concern": "letter", "people": "1"}
            if self.post("desk, step register", "/desk/visits", opening=opening, **answers) is not None:
                self.tally.acknowledge("register")
            self.think(stop)
            if stop.is_set():
                return


def opening_on(page: str) -> str:
    found = re.search(r'name="opening" value="([^"]+)"', page)
    return found[1] if found else ""


def attribute(page: str, name: str) -> str | None:
    found = re.search(rf'data-{name}="([^"]*)"', page)
    return found[1] if found else None
