"""What a check gets and gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from config import Config
from scheduler.db import Database

Level = Literal["ok", "warning", "broken"]


class Finding(NamedTuple):
    level: Level
    words: str


@dataclass(frozen=True)
class Patient:
    """What the checks look at. `mail_to`: where a test letter goes; empty: none is sent."""

    config: Config
    database: Database
    now: datetime
    mail_to: str = ""


Check = Callable[[Patient], Finding]


def said(span: timedelta) -> str:
    """A time span in its largest fitting unit: "3 h"."""
    seconds = span.total_seconds()
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
