"""From TOML to a checked town's file: all that is wrong is found at once, nothing is written."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from scheduler.town_file import check
from scheduler.town_file.entries import Entries
from scheduler.town_file.format import TABLES, Entry, TownEntry
from scheduler.town_file.problems import Problem, TownFileErrors, nearest, problems_of


@dataclass(frozen=True)
class TownFile:
    """A town's file that is in order. `warnings` tell what is allowed but probably not meant."""

    town: TownEntry
    entries: Entries
    warnings: list[Problem] = field(default_factory=list)


def read(path: Path) -> TownFile:
    """Read and check the file. Raises TownFileErrors with every problem, also where it is no readable TOML."""
    try:
        text = path.read_bytes().decode()
    except OSError as refused:
        raise TownFileErrors([Problem("file", path.name, "", refused.strerror or "cannot be read")]) from None
    except UnicodeDecodeError as refused:
        line = refused.object.count(b"\n", 0, refused.start) + 1
        raise TownFileErrors([Problem("file", path.name, "", f"is not UTF-8 text (line {line})")]) from None
    try:
        return parse(tomllib.loads(text))
    except tomllib.TOMLDecodeError as refused:
        raise TownFileErrors([Problem("file", path.name, "", f"is no TOML: {refused}")]) from None


def parse(data: Mapping[str, Any]) -> TownFile:
    """Check TOML that is parsed already. Raises TownFileErrors with every problem.

    Rows that are wrong in themselves take no part in the checks across rows, but what refers to them is not wrong.
    """
    problems: list[Problem] = [*_unknown_tables(data)]
    town = _town(data, problems)
    entries = _entries(data, problems)
    problems += check.duplicate_keys(data)
    problems += check.references(data)
    problems += check.unstaffed(entries, data)
    problems += check.rules(entries, town)
    if problems or town is None:
        raise TownFileErrors(_in_order(problems))
    return TownFile(town, entries, [*check.warnings(entries)])


def _unknown_tables(data: Mapping[str, Any]) -> Iterator[Problem]:
    known = ["town", *TABLES]
    for name in data:
        if name not in known:
            yield Problem(name, "", "", "there is no such table" + nearest(name, known))


def _town(data: Mapping[str, Any], problems: list[Problem]) -> TownEntry | None:
    row = data.get("town")
    if not isinstance(row, dict):
        problems.append(Problem("town", "", "", "is missing" if row is None else "must be one table [town]"))
        return None
    try:
        return TownEntry.model_validate(row)
    except ValidationError as refused:
        problems += problems_of(refused, "town", "", TownEntry)
        return None


def _entries(data: Mapping[str, Any], problems: list[Problem]) -> Entries:
    found: dict[str, list[Entry]] = {table: [] for table in TABLES}
    for table, entry in TABLES.items():
        problems += check.not_rows(data, table)
        for name, row in check.named_rows(data, table):
            try:
                found[table].append(entry.model_validate(row))
            except ValidationError as refused:
                problems += problems_of(refused, table, name, entry)
    return Entries.of(found)


def _in_order(problems: list[Problem]) -> list[Problem]:
    order = ["town", *TABLES]
    return sorted(
        dict.fromkeys(problems), key=lambda each: order.index(each.table) if each.table in order else len(order)
    )
