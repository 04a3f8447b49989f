"""How values of the file are shown to people, and written."""

from __future__ import annotations

from typing import Any

import tomli_w

from scheduler.models.town import Keyed

WORDS = {"from_time": "from", "until_time": "until"}
"""Fields whose column has another name, because the file's word is taken in Python or SQL."""


def change_line(name: str, attribute: str, before: Any, after: Any) -> str:
    """`hours "awo-do" · until: 16:00:00 → 17:00:00`."""
    return f"{name} · {WORDS.get(attribute, attribute)}: {_shown(before)} → {_shown(after)}"


def _shown(value: Any) -> str:
    return "nothing" if value is None else literal(value.key if isinstance(value, Keyed) else value)


def literal(value: Any) -> str:
    """The value as TOML in one line."""
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {literal(each)}" for name, each in value.items()) + " }"
    return tomli_w.dumps({"value": value}).removeprefix("value = ").rstrip("\n")
