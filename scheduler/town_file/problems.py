"""What can be wrong with a town's file, in words that the person who writes it understands."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from scheduler.town_file.format import Entry


class Problem(NamedTuple):
    """One thing that is wrong. `key` names the row of the table; empty where the table has only one."""

    table: str
    key: str
    field: str
    reason: str

    def __str__(self) -> str:
        row = f'{self.table} "{self.key}"' if self.key else self.table
        return f"{row} · {self.field}: {self.reason}" if self.field else f"{row}: {self.reason}"


class TownFileErrors(Exception):
    """The file cannot be used; `problems` says all that is wrong with it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(str(each) for each in self.problems))


def problems_of(error: ValidationError, table: str, key: str, entry: type[Entry]) -> list[Problem]:
    """What pydantic found in one row, one problem for each field and part of it."""
    return [
        Problem(table, key, str(details["loc"][0]), _part(details["loc"]) + _reason(details, entry))
        for details in error.errors(include_url=False)
    ]


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean "places"?`, or nothing where no known word is near."""
    found = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f'; did you mean "{found[0]}"?' if found else ""


def _part(path: tuple[int | str, ...]) -> str:
    """Where inside the field: people count from one."""
    parts = [f"entry {each + 1}" if isinstance(each, int) else each for each in path[1:]]
    return ", ".join(parts) + ": " if parts else ""


_REASONS = {
    "missing": "is missing",
    "string_type": "must be a text in quotes",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "date_type": "must be a date without quotes, such as 2026-11-25",
    "time_type": "must be a time without quotes, such as 09:00:00",
    "list_type": "must be a list in [ ]",
    "model_type": "must be a table in {{ }}",
    "too_short": "must not be empty",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be one of {expected}",
    "value_error": "{error}",
}


def _reason(details: ErrorDetails, entry: type[Entry]) -> str:
    if details["type"] == "extra_forbidden":
        return "there is no such field" + nearest(str(details["loc"][-1]), _fields_at(entry, details["loc"]))
    words = _REASONS.get(details["type"])
    return words.format(**details.get("ctx", {})) if words else details["msg"]


def _fields_at(entry: type[Entry], path: tuple[int | str, ...]) -> list[str]:
    """The names that the file may use where the unknown one stands."""
    inner = entry.nested.get(str(path[0]), entry) if len(path) > 1 else entry
    return [field.alias or name for name, field in inner.model_fields.items()]
