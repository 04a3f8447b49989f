"""Proof that a booking cost somebody a little work, or a little patience. Nothing is stored: all of it is signed.

A challenge hides a number below a bound. Whoever books finds it, by trying them one after another: SHA-256 of salt and
number is the hash that was given. So the work is bounded, unlike a lottery in which old phones lose. Whoever cannot
calculate waits instead, and shows the signed paper that says since when. A salt counts once: the booking keeps it.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from hmac import compare_digest
from typing import NamedTuple

from scheduler.domain.codes import keyed_hash

LONGEST = 400
"""Characters: no proof and no wait that we signed is longer."""


class Challenge(NamedTuple):
    """What has to be found: the number below `numbers`. `token`: all of it, signed; goes back with the number."""

    salt: str
    hash: str
    numbers: int
    expires_at: datetime
    token: str


class Proof(NamedTuple):
    """A challenge that somebody has solved. `salt`: what makes it another one than all others."""

    salt: str
    numbers: int


class Wait(NamedTuple):
    """A paper that says from when on its holder may book, and until when."""

    salt: str
    ready_at: datetime
    expires_at: datetime


def make_challenge(secret: str, *, salt: str, number: int, numbers: int, expires_at: datetime) -> Challenge:
    """A challenge whose secret is `number`, below `numbers`. Both it and `salt` are random; a salt has no full stop."""
    text = f"{salt}.{numbers}.{int(expires_at.timestamp())}.{hash_of(salt, number)}"
    return Challenge(salt, hash_of(salt, number), numbers, expires_at, f"{text}.{_sign(secret, 'challenge', text)}")


def hash_of(salt: str, number: int) -> str:
    """What a solver compares: 64 hexadecimal digits."""
    return hashlib.sha256(f"{salt}{number}".encode()).hexdigest()


def solve(salt: str, hash_: str, numbers: int) -> int | None:
    """The number that was hidden; None: there is none below the bound. For programs: browsers have their own."""
    return next((each for each in range(numbers) if hash_of(salt, each) == hash_), None)


def read_proof(secret: str, text: str, now: datetime) -> Proof | None:
    """The proof that `token.number` is; None: forged, too old or wrong. Costs two hashes, whatever is sent."""
    token, _, number = _short(text).rpartition(".")
    parts = _opened(secret, "challenge", token)
    if parts is None or len(parts) != 4 or not _is_number(number):
        return None
    salt, numbers, expires_at, hash_ = parts
    if _at(expires_at) < now or not compare_digest(hash_of(salt, int(number)), hash_):
        return None
    return Proof(salt, int(numbers))


def make_wait(secret: str, about: str, *, salt: str, ready_at: datetime, expires_at: datetime) -> str:
    """The signed paper. `about`: what is to be booked with it, and nothing else can be."""
    text = f"{salt}.{int(ready_at.timestamp())}.{int(expires_at.timestamp())}"
    return f"{text}.{_sign(secret, 'wait', f'{text}.{about}')}"


def read_wait(secret: str, about: str, text: str) -> Wait | None:
    """What the paper says; None: forged, or about something else. Whether its time has come, the caller asks."""
    head, _, signature = _short(text).rpartition(".")
    parts = head.split(".")
    if len(parts) != 3 or not compare_digest(signature.encode(), _sign(secret, "wait", f"{head}.{about}").encode()):
        return None
    salt, ready_at, expires_at = parts
    return Wait(salt, _at(ready_at), _at(expires_at))


def _opened(secret: str, purpose: str, token: str) -> list[str] | None:
    text, _, signature = token.rpartition(".")
    return text.split(".") if compare_digest(signature.encode(), _sign(secret, purpose, text).encode()) else None


def _sign(secret: str, purpose: str, text: str) -> str:
    """A key of its own for each purpose: what is signed for one can never be shown for another."""
    return keyed_hash(_key_for(secret, purpose), purpose, text)[:40]


@lru_cache(maxsize=16)
def _key_for(secret: str, purpose: str) -> str:
    return keyed_hash(secret, "key", purpose)


def _short(text: str) -> str:
    """What may be one that we signed; else nothing. Beyond ASCII there are characters that no hash takes."""
    return text if len(text) <= LONGEST and text.isascii() else ""


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 12


def _at(seconds: str) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)
