"""Which passwords staff may choose. Long ones: nobody has to mix signs, and nobody has to change it every month."""

from __future__ import annotations

import re
from typing import Literal

FEWEST, MOST = 12, 200
"""Letters of a password."""
_FEWEST_DIFFERENT = 5
_WEAK_WORDS = frozenset(
    {
        "administrator", "beratung", "bürgerbüro", "buergerbuero", "changeme", "geheim", "hallo", "iloveyou", "letmein",
        "passwort", "password", "qwerty", "qwertz", "qwertyuiop", "qwertzuiop", "asdfghjkl", "schatz", "secret",
        "sommer", "sprechstunde", "test", "welcome", "willkommen", "winter", "admin",
    }
)  # fmt: skip
_ROW = "0123456789" * (MOST // 10 + 1)

Problem = Literal["short", "long", "login", "weak"]


def password_problem(password: str, login: str) -> Problem | None:
    """What is wrong with this new password of this log-in; None: it will do."""
    if len(password) < FEWEST:
        return "short"
    if len(password) > MOST:
        return "long"
    plain = password.casefold().strip()
    if login.casefold() in (plain, plain[::-1]) or _only_repeats(plain, login.casefold()):
        return "login"
    return "weak" if _is_weak(plain) else None


def _is_weak(plain: str) -> bool:
    words = "".join(re.findall(r"[^\W\d_]+", plain))
    digits = "".join(re.findall(r"\d+", plain))
    return (
        len(set(plain)) < _FEWEST_DIFFERENT
        or any(_only_repeats(words, each) for each in _WEAK_WORDS)
        or (not words and any(digits in each for each in (_ROW, _ROW[::-1])))
    )


def _only_repeats(text: str, word: str) -> bool:
    return bool(word) and text == word * (len(text) // len(word)) and bool(text)
