"""Reads a service log: who came, was called and went, one visit a line (CSV with a head).

`arrived_at, called_at, finished_at, desk, service, concern, left_at`: ISO times, or seconds of one day; empty where it
did not happen. Three more columns may stand there. `starts_at`: an appointment's time, without `arrived_at` one that
nobody came to. `language`: the one that was asked for. `on_duty_from`: this line is no visit but says that the rota
names `desk` from then on, with its services in `service` and its languages in `language`, separated by blanks.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scheduler.domain.replay import LogRow, OnDuty

NEEDED = ("arrived_at", "called_at", "finished_at", "desk", "service", "concern", "left_at")
_SECONDS_BEGIN = datetime(2001, 1, 1, tzinfo=UTC)
"""The day of a log in seconds; any would do."""


class LogRefused(ValueError):
    """The log cannot be read. The words say which line, and why."""


def read_log(file: Path) -> tuple[list[LogRow], list[OnDuty]]:
    """All visits, and who was on duty. Raises LogRefused, or OSError where there is no such file."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            return parse_log(lines)
    except UnicodeDecodeError:
        raise LogRefused("the file is not text in UTF-8") from None
    except csv.Error as error:
        raise LogRefused(f"the file is no CSV: {error}") from None


def parse_log(lines: Iterable[str]) -> tuple[list[LogRow], list[OnDuty]]:
    """The same from lines of text."""
    reader = csv.DictReader(lines, restval="")
    missing = [name for name in NEEDED if name not in (reader.fieldnames or ())]
    if missing:
        raise LogRefused(f"the head lacks {', '.join(missing)}; it needs {', '.join(NEEDED)}")
    rows: list[LogRow] = []
    rota: list[OnDuty] = []
    for line in _stripped(reader):
        number = reader.line_num
        if line.get("on_duty_from"):
            rota.append(_on_duty(line, number))
        elif any(line.values()):
            rows.append(_row(line, number))
    return rows, rota


def _stripped(reader: Iterable[Mapping[str, object]]) -> Iterator[dict[str, str]]:
    for line in reader:
        yield {name: value.strip() for name, value in line.items() if isinstance(value, str)}


def _row(line: Mapping[str, str], number: int) -> LogRow:
    row = LogRow(
        arrived_at=_time(line, "arrived_at", number),
        called_at=_time(line, "called_at", number),
        finished_at=_time(line, "finished_at", number),
        desk=line["desk"],
        service=line["service"],
        concern=line["concern"],
        left_at=_time(line, "left_at", number),
        language=line.get("language", ""),
        starts_at=_time(line, "starts_at", number),
    )
    if row.arrived_at is None and row.called_at is None and row.starts_at is None:
        raise LogRefused(f"line {number}: nobody came, was called or had an appointment")
    in_order = [each for each in (row.arrived_at, row.called_at, row.finished_at) if each is not None]
    if in_order != sorted(in_order):
        raise LogRefused(f"line {number}: called before they came, or finished before they were called")
    if row.left_at is not None and row.arrived_at is not None and row.left_at < row.arrived_at:
        raise LogRefused(f"line {number}: left before they came")
    return row


def _on_duty(line: Mapping[str, str], number: int) -> OnDuty:
    from_at = _time(line, "on_duty_from", number)
    assert from_at is not None
    return OnDuty(
        desk=line["desk"],
        from_at=from_at,
        services=frozenset(line["service"].split()),
        languages=frozenset(line.get("language", "").split()),
    )


def _time(line: Mapping[str, str], name: str, number: int) -> datetime | None:
    text = line.get(name, "")
    if not text:
        return None
    try:
        return _SECONDS_BEGIN + timedelta(seconds=float(text))
    except (ValueError, OverflowError):
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise LogRefused(f"line {number}: {name} is neither an ISO time nor seconds: {text!r}") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)  # no offset: wall times of one place
