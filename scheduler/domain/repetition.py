"""Office hours as calendars repeat them: a rule with a beginning and an end, and dates left out.

Dates beside the rule stand by themselves: some calendar apps pass over those that are added to a rule (RDATE).
Right by construction: what calendar apps will work out from the rule is worked out here, too, and compared with what
the rules of the town yield (public holidays, closures and exceptions follow no rule that a calendar knows).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from scheduler.domain.recurrence import DatedOpening, Rule, dated_openings, wall_to_utc


class Repetition(NamedTuple):
    """One event that repeats, at the rule's own times. `rrule` bears neither UNTIL nor COUNT: `last_on` is the end."""

    first_on: date
    last_on: date
    rrule: str
    left_out: tuple[date, ...]
    """Dates that `rrule` yields and that are not held as usual."""
    dates: frozenset[date]
    """All others that it yields."""


def find_repetition(
    rule: Rule, zone: ZoneInfo, from_on: date, until_on: date
) -> tuple[Repetition | None, list[DatedOpening]]:
    """What of these days (both included) can be said by one repeating event, and the openings that stand by themselves.

    Cancelled dates are in neither. No repetition: the rule has no words in iCalendar, or hardly any date follows it.
    """
    held = [each for each in dated_openings(rule, zone, from_on, until_on) if each.takes_place]
    usual = [each.on for each in held if _is_usual(each, rule, zone)]
    found = _repeat(rule, usual, until_on)
    if found is None:
        return None, held
    covered = {on for on in usual if on in found.dates}
    return found, [each for each in held if each.on not in covered or not _is_usual(each, rule, zone)]


def _is_usual(opening: DatedOpening, rule: Rule, zone: ZoneInfo) -> bool:
    """Whether it is held on its own day at the rule's times, on a day on which calendars cannot read these amiss.

    In a night of the time change a wall time may not exist, or come twice, and a length may mean two things.
    """
    begins, ends = (datetime.combine(opening.on, at) for at in (rule.from_time, rule.until_time))
    offsets = {each.replace(tzinfo=zone, fold=fold).utcoffset() for each in (begins, ends) for fold in (0, 1)}
    usual = wall_to_utc(opening.on, rule.from_time, zone), wall_to_utc(opening.on, rule.until_time, zone)
    return opening.original_on == opening.on and (opening.starts_at, opening.ends_at) == usual and len(offsets) == 1


def _repeat(rule: Rule, usual: list[date], until_on: date) -> Repetition | None:
    parts = dict(part.partition("=")[::2] for part in (rule.rrule or "").upper().split(";"))
    if not usual or not parts.keys() <= _WELL_KNOWN or "FREQ" not in parts:
        return None
    text = ";".join(f"{name}={value}" for name, value in parts.items() if name not in _ENDS)
    first_on = next((on for on in usual if on in _dates(text, on, on)), None)
    if first_on is None:
        return None
    ends_by_itself = rule.valid_until is not None or not parts.keys().isdisjoint(_ENDS)
    last_on = usual[-1] if ends_by_itself else until_on
    yielded = set(_dates(text, first_on, last_on))
    dates, left_out = yielded.intersection(usual), yielded.difference(usual)
    if len(left_out) > len(dates):
        return None
    return Repetition(first_on, last_on, text, tuple(sorted(left_out)), frozenset(dates))


_ENDS = {"COUNT", "UNTIL"}
_WELL_KNOWN = _ENDS | {"FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST"}
"""What every calendar app reads alike; BYEASTER is no iCalendar at all."""


def _dates(text: str, first_on: date, last_on: date) -> Iterable[date]:
    """What a calendar makes of the rule if it begins on `first_on`. Dates only: no zone on purpose."""
    begins = datetime.combine(first_on, time())
    found = rrulestr(text, dtstart=begins).between(begins, begins + (last_on - first_on + timedelta(hours=1)), inc=True)
    return [at.date() for at in found]
