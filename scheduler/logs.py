"""How web and jobs write their log: one line an event on stderr, as text or as JSON, in UTC.

A log holds ids, names of routes and of errors. It holds no address of a page (those carry tokens), no contact, no code
and no address of a network. So of an error only kinds and places in the code are written: its own words may repeat what
a row, a form or a letter says, and a database's do.
"""

from __future__ import annotations

import logging
import sys
import time
import traceback
from types import TracebackType
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from config import LogFormat

REQUESTS = "scheduler.requests"
"""The logger that gets one line a request."""
_OURS = ("scheduler", "jobs")
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
_CHAINED = {True: "The above was the direct cause of:", False: "While that was handled:"}


def set_up(log_format: LogFormat, *, requests: bool = True) -> None:
    """Log to stderr from now on. Of other libraries only warnings; without `requests` only those that failed."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(make_formatter(log_format))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in _OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    logging.getLogger(REQUESTS).setLevel(logging.INFO if requests else logging.ERROR)
    # It names the address of each request, and there is a line of our own.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)


def make_formatter(log_format: LogFormat) -> logging.Formatter:
    return _Json() if log_format == "json" else _Text()


def describe_error(error: BaseException | None) -> str:
    """Its traceback, with that of what caused it, in order: files, lines, names and kinds. None of their words."""
    parts: list[str] = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        frames = "".join(traceback.format_list(traceback.extract_tb(error.__traceback__)))
        kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
        parts.append(f"Traceback (most recent call last):\n{frames}{kind}")
        before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if before is not None:
            parts.append(_CHAINED[error.__cause__ is not None])
        error = before
    return "\n\n".join(reversed(parts))


class _Text(logging.Formatter):
    """`2026-11-24T09:00:00Z INFO …`, and what else belongs to the line as `name=value`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
        self.converter = time.gmtime

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging calls it by this name
        return " ".join(
            [super().formatMessage(record), *(f"{name}={value}" for name, value in _fields(record).items())]
        )

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802
        return describe_error(ei[1])


class _Json(JsonFormatter):
    """One object a line: `time`, `level`, `logger`, `message`, and the fields of the line."""

    def __init__(self) -> None:
        self.converter = time.gmtime
        super().__init__(
            "%(asctime)s %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%SZ", json_ensure_ascii=False
        )

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        names = {"asctime": "time", "levelname": "level", "name": "logger", "exc_info": "error"}
        return {
            names.get(name, name): value for name, value in log_data.items() if value is not None and name != "fields"
        }

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        super().add_fields(log_data, record, message_dict)
        log_data.update(_fields(record))

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802
        return describe_error(ei[1])


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    """What was given as `extra={"fields": …}`."""
    found: dict[str, Any] = getattr(record, "fields", {})
    return {name: value for name, value in found.items() if value is not None}
