"""What every job gets, and how a failing one is kept from stopping the others. No job lives here."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import TypeVar

from config import Config
from scheduler.db import Database

log = logging.getLogger("jobs")
Id = TypeVar("Id", int, str)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Work:
    """Settings, database, the clock, and whether the process is about to end."""

    config: Config
    database: Database
    clock: Callable[[], datetime] = _utc_now
    stopping: Event = field(default_factory=Event)


def do_each(work: Work, what: str, ids: Iterable[Id], do: Callable[[Id], None]) -> None:
    """Do it for each row by itself: one that fails is logged and stops nobody. Ends early when the process does."""
    for each in ids:
        if work.stopping.is_set():
            return
        try:
            do(each)
        except Exception as error:
            log.error("%s %s failed: %s", what, each, describe(error))


def describe(error: Exception) -> str:
    """Kind and line of an error. Its words stay out of the log: they may hold what a row or a letter says."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}{where}"
