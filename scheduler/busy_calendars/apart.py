"""Read a calendar in a process of its own: one that takes too long, or too much memory, is ended without harm.

That process is given no secret of ours, and answers with times or with the key of a problem.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from scheduler.busy_calendars import PROBLEMS, CalendarProblem
from scheduler.domain.intervals import Interval

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Limits:
    """Of that process: seconds of the processor and by the clock, and bytes of memory."""

    cpu_seconds: int = 15
    wall_seconds: float = 30
    memory: int = 768 * 1024 * 1024


def read_apart(
    body: bytes, *, window: Interval, zone: ZoneInfo, own_host: str, limits: Limits = Limits()
) -> list[Interval]:
    """As `reading.read_busy`, within these limits. Raises CalendarProblem."""
    asked = {
        "window": [each.isoformat() for each in window],
        "zone": zone.key,
        "own_host": own_host,
        "cpu_seconds": limits.cpu_seconds,
        "memory": limits.memory,
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "scheduler.busy_calendars"],
            input=json.dumps(asked).encode() + b"\n" + body,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # an error's words may repeat what stands in the calendar
            timeout=limits.wall_seconds,
            cwd=ROOT,
            env={"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CalendarProblem("takes_too_long") from error
    return _answer(done.stdout)


def _answer(said: bytes) -> list[Interval]:
    """What the process said; nothing: it was ended by one of its limits."""
    answer: dict[str, Any] = json.loads(said) if said else {"problem": "takes_too_long"}
    if "busy" not in answer:
        raise CalendarProblem(answer["problem"] if answer["problem"] in PROBLEMS else "unreadable")
    return [Interval(*map(datetime.fromisoformat, each)) for each in answer["busy"]]
