"""Advisers' own calendars from outside: check an address, fetch what is there, read its busy times in a process apart.

Both meet strangers' bytes: nothing here knows the database, and nothing but times leaves the reading.
"""

from __future__ import annotations

from typing import Literal, get_args

Problem = Literal[
    "not_https", "private_address", "unknown_host", "unreachable", "bad_certificate", "too_slow", "too_large",
    "too_many_redirects", "not_found", "not_allowed", "server_error", "incomplete", "not_a_calendar", "unreadable",
    "unknown_zone", "wrong_times", "repeats_too_often", "too_many", "takes_too_long",
]  # fmt: skip
"""All that can be wrong with a calendar. Pages have words for each: `web/busy_calendars.py`."""

PROBLEMS: frozenset[Problem] = frozenset(get_args(Problem))


class CalendarProblem(Exception):
    """A calendar could not be fetched or read; `key` says why. Its words never hold an address."""

    def __init__(self, key: Problem) -> None:
        super().__init__(key)
        self.key: Problem = key
