"""Hashes of what staff type in secret: passwords and PINs, by Argon2id.

Each hash takes 64 MiB and about a twentieth of a second, on purpose. So a process makes only two at once: whoever
hammers the log-in page fills neither the memory nor all threads.
"""

from __future__ import annotations

import unicodedata
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

_AT_ONCE = 2
_hasher = PasswordHasher(type=Type.ID)
_NOBODY = _hasher.hash("no account has this password")
_turn = BoundedSemaphore(_AT_ONCE)


def hash_secret(secret: str) -> str:
    with _turn:
        return _hasher.hash(_normal(secret))


def is_secret(hashed: str | None, secret: str) -> bool:
    """Whether this hash is of that secret. Without a hash it takes as long, and none is right."""
    with _turn:
        try:
            return _hasher.verify(hashed or _NOBODY, _normal(secret)) and bool(hashed)
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(hashed: str) -> bool:
    """Whether it was made with other parameters than today's: then it is made anew at the next log-in."""
    return _hasher.check_needs_rehash(hashed)


def _normal(secret: str) -> str:
    # A phone may send ü as one letter, a laptop as two: the same to whoever types it.
    return unicodedata.normalize("NFC", secret)
