"""How hard booking is pressed right now, in this process: what decides how much work a proof must cost, and who waits.

Counts of the last minute or so, by address, by start and together; nothing else is known of anybody, and nothing is
stored. Under pressure everybody's device works a little longer, at most ten times as long. Only counts that no shelter
with one address for all its people comes near to are refused.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from threading import Lock
from typing import cast

from flask import Flask, current_app, g, request

from scheduler.web.edge import now, settings

WINDOW_SECONDS = 60
ALL, WAITED = "all", "waited"
"""Counted whatever comes: all attempts, and bookings by waiting."""
MOST_KEYS = 20_000
"""So many addresses and starts are counted one by one in a minute; whoever comes after that counts in the sum."""
HARDEST = 10
"""Times the usual work, at most: two seconds on a phone of 2016."""
USUAL_FROM_ONE_ADDRESS, USUAL_AT_ONE_START = 10, 5
"""Attempts a minute that cost no more than usual."""
PRESSED_FROM = 2
"""From so many times the usual work on, bookings by waiting are rationed, and the rest is refused at the threshold."""
MOST_TRIES_OF_A_PROOF = 5
"""For a double click and a bad line. A booking spends the proof for good."""


class Recent:
    """How often each key came within the last minute: this minute's count and the fading rest of the last one's."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._minute = 0
        self._this: Counter[str] = Counter()
        self._last: Counter[str] = Counter()

    def note(self, key: str, at: datetime) -> None:
        with self._lock:
            self._turn(at)
            if key in self._this or len(self._this) < MOST_KEYS or key in (ALL, WAITED):
                self._this[key] += 1

    def count(self, key: str, at: datetime) -> float:
        with self._lock:
            self._turn(at)
            fading = 1 - at.timestamp() % WINDOW_SECONDS / WINDOW_SECONDS
            return self._this[key] + self._last[key] * fading

    def forget(self) -> None:
        with self._lock:
            self._this, self._last = Counter(), Counter()

    def _turn(self, at: datetime) -> None:
        minute = int(at.timestamp() // WINDOW_SECONDS)
        if minute != self._minute:
            self._last = self._this if minute == self._minute + 1 else Counter()
            self._this, self._minute = Counter(), minute


def set_up(app: Flask) -> None:
    app.extensions["pressure"] = Recent()


def note_attempt() -> None:
    """Somebody wants to book, whatever comes of it."""
    for key in (ALL, _address()):
        _recent().note(key, now())


def note_start(start: str) -> None:
    """Somebody who has worked or waited wants this start."""
    _recent().note(f"start {start}", now())


def is_refused() -> bool:
    """Whether this address asks more often than any shelter does."""
    return _recent().count(_address(), now()) > settings().bookings_from_one_address


def tries_again(salt: str) -> bool:
    """Count one more try with this proof; whether it is one too many."""
    _recent().note(f"proof {salt}", now())
    return is_worn(salt)


def is_worn(salt: str) -> bool:
    """Whether this proof was tried too often by now."""
    return _recent().count(f"proof {salt}", now()) > MOST_TRIES_OF_A_PROOF


def takes_waiting() -> bool:
    """Whether one more may book by waiting, and count it: under pressure only so many a minute."""
    if is_pressed() and _recent().count(WAITED, now()) >= settings().waiting_a_minute:
        return False
    _recent().note(WAITED, now())
    return True


def numbers_now(start: str = "") -> int:
    """Among so many numbers the secret one must be found now: for this address, and for this start."""
    return int(settings().booking_work * min(HARDEST, max(1, _hardness(start))))


def is_tried_hard(start: str) -> bool:
    """Whether one start is wanted so often that it is looked at before anybody locks anything for it."""
    return _recent().count(f"start {start}", now()) > USUAL_AT_ONE_START


def _hardness(start: str = "") -> float:
    """How many times as often as usual."""
    found = (
        _recent().count(ALL, now()) / settings().bookings_a_minute,
        _recent().count(_address(), now()) / USUAL_FROM_ONE_ADDRESS,
        _recent().count(f"start {start}", now()) / USUAL_AT_ONE_START if start else 0,
    )
    return max(found)


def is_pressed() -> bool:
    """Whether it is time to refuse at the threshold, and to ration bookings by waiting."""
    return _hardness() >= PRESSED_FROM


def _address() -> str:
    found: str = g.get("house") or house_of(request.remote_addr or "")
    return found


@lru_cache(maxsize=1_000)
def house_of(address: str) -> str:
    """Whose attempts count together: one address, or the network of a house (IPv6: /64)."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return "address ?"
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or IPv6Address(int(found) >> 64 << 64)
    return f"address {found}"


def _recent() -> Recent:
    return cast(Recent, current_app.extensions["pressure"])
