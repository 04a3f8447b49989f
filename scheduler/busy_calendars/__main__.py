"""The process apart that `apart.py` starts: the question as a line of JSON, then the calendar; answers in JSON."""

from __future__ import annotations

import json
import resource
import sys
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from scheduler.busy_calendars import CalendarProblem
from scheduler.busy_calendars.reading import read_busy
from scheduler.domain.intervals import Interval


def main() -> None:
    asked = json.loads(sys.stdin.buffer.readline())
    zone = ZoneInfo(asked["zone"])
    _limit(asked["cpu_seconds"], asked["memory"])
    json.dump(_answer(asked, zone), sys.stdout)


def _answer(asked: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    window = Interval(*map(datetime.fromisoformat, asked["window"]))
    try:
        busy = read_busy(sys.stdin.buffer.read(), window=window, zone=zone, own_host=asked["own_host"])
    except CalendarProblem as problem:
        return {"problem": problem.key}
    except MemoryError:
        return {"problem": "too_many"}
    return {"busy": [[each.isoformat() for each in during] for during in busy]}


def _limit(cpu_seconds: int, memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    for nothing in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC):
        resource.setrlimit(nothing, (0, 0))


if __name__ == "__main__":
    main()
