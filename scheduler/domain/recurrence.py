"""From rules in local wall time to dated openings in UTC. The only place that converts between the two.

A wall time in the spring gap moves forward by the gap; an ambiguous one in autumn means the first. Openings do not
cross midnight. A rule's dates fall out on public holidays and closures; dates written out one by one are meant as
written and only a closure closes them; an exception that says when a date is held goes before all of that.

What a rule yields is worked out a year at a time and kept in the process: searches ask again and again.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rruleset, rrulestr
from holidays import country_holidays

from scheduler.domain.intervals import Interval

Texts = dict[str, str]
Staff = tuple[str, ...]
"""Keys of advisers."""


@dataclass(frozen=True)
class DateException:
    """What one date of a rule is instead. `held_on`, times and staff: None leaves them as the rule has them."""

    original_on: date
    kind: Literal["cancelled", "moved", "added"]
    held_on: date | None = None
    from_time: time | None = None
    until_time: time | None = None
    staff: Staff | None = None
    reason: str = ""

    def over(self, earlier: DateException) -> DateException:
        """This one, where an earlier one had changed the date already: what this one leaves open stays as it was."""
        was_added = earlier.kind == "added"
        return DateException(
            self.original_on,
            "added" if was_added and self.kind == "moved" else self.kind,
            # A cancelled date that the rule never had says so by the day on which it would have been held.
            self.held_on or earlier.held_on or (self.original_on if was_added else None),
            self.from_time or earlier.from_time,
            self.until_time or earlier.until_time,
            self.staff if self.staff is not None else earlier.staff,
            self.reason,
        )

    @property
    def says_when(self) -> bool:
        """Whether it makes the date take place whatever is closed: other staff alone opens no closed door."""
        return self.kind == "added" or bool(self.held_on or self.from_time or self.until_time)


@dataclass(frozen=True)
class Turns:
    """A rota: `turns[0]` serves the rule's first date since `starts_on`, then one further each date."""

    starts_on: date
    turns: tuple[Staff, ...]
    skipped: Literal["used", "pass_on"] = "used"


@dataclass(frozen=True)
class ClosedDays:
    """A closure of this rule's place: both days included."""

    from_on: date
    until_on: date
    reason: Texts


@dataclass(frozen=True)
class Rule:
    """Office hours as the domain needs them."""

    from_time: time
    until_time: time
    valid_from: date
    valid_until: date | None = None
    rrule: str | None = None
    dates: frozenset[date] = frozenset()
    staff: Staff = ()
    rota: Turns | None = None
    exceptions: tuple[DateException, ...] = ()
    closures: tuple[ClosedDays, ...] = ()
    state: str = ""
    """Federal state whose public holidays count; empty: none."""


@dataclass(frozen=True)
class DatedOpening:
    """One dated occurrence of office hours. `original_on` names it for good, also when it is moved."""

    original_on: date
    on: date
    starts_at: datetime
    ends_at: datetime
    staff: Staff
    closed_because: Texts | None = field(default=None, compare=False)
    """Why it does not take place ({} where no reason was given); None: it takes place."""

    @property
    def takes_place(self) -> bool:
        return self.closed_because is None

    @property
    def interval(self) -> Interval:
        return Interval(self.starts_at, self.ends_at)


def wall_to_utc(on: date, at: time, zone: ZoneInfo) -> datetime:
    """The instant of a wall time. fold=0 takes the first of two, and moves a skipped one forward by the gap."""
    return datetime.combine(on, at, tzinfo=zone).astimezone(UTC)


def local_date(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def day_interval(on: date, zone: ZoneInfo) -> Interval:
    """From midnight to midnight: 23 or 25 hours on the days of the time change."""
    return Interval(wall_to_utc(on, time(), zone), wall_to_utc(on + timedelta(days=1), time(), zone))


def dated_openings(rule: Rule, zone: ZoneInfo, from_on: date, until_on: date) -> list[DatedOpening]:
    """All openings held on `from_on` to `until_on` (both included), cancelled ones too, in order of time."""
    exceptions = {each.original_on: each for each in rule.exceptions}
    changed = [
        each.original_on
        for each in rule.exceptions
        if from_on <= (each.held_on or each.original_on) <= until_on and _stands(rule, each)
    ]
    originals = {*_rule_dates(rule, from_on, until_on), *changed}
    turns = _turns_on(rule, originals)
    found = [_dated(rule, zone, on, exceptions.get(on), turns.get(on, rule.staff)) for on in originals]
    return sorted(
        (each for each in found if from_on <= each.on <= until_on), key=lambda each: (each.starts_at, each.original_on)
    )


def dated_opening(rule: Rule, zone: ZoneInfo, original_on: date) -> DatedOpening | None:
    """The opening that this date names, wherever it was moved to; None: the rule yields none (any more)."""
    moved = next((each.held_on for each in rule.exceptions if each.original_on == original_on and each.held_on), None)
    on = moved or original_on
    return next((each for each in dated_openings(rule, zone, on, on) if each.original_on == original_on), None)


def _stands(rule: Rule, exception: DateException) -> bool:
    """An exception of a date that the rule no longer yields is void, unless it is the one that adds the date."""
    on = exception.original_on
    was_added = exception.kind == "added" or (exception.kind == "cancelled" and exception.held_on is not None)
    return was_added or bool(_rule_dates(rule, on, on))


def _dated(
    rule: Rule, zone: ZoneInfo, original_on: date, exception: DateException | None, staff: Staff
) -> DatedOpening:
    change = exception or DateException(original_on, "added")
    on = change.held_on or original_on
    starts_at, ends_at = _instants(on, change.from_time or rule.from_time, change.until_time or rule.until_time, zone)
    return DatedOpening(
        original_on=original_on,
        on=on,
        starts_at=starts_at,
        ends_at=ends_at,
        staff=change.staff if change.staff is not None else staff,
        closed_because=_closed_because(rule, original_on, exception),
    )


def _instants(on: date, from_time: time, until_time: time, zone: ZoneInfo) -> tuple[datetime, datetime]:
    starts_at, ends_at = wall_to_utc(on, from_time, zone), wall_to_utc(on, until_time, zone)
    if starts_at < ends_at:
        return starts_at, ends_at
    # It begins within the spring gap and would end before it begins: all of it moves forward. Times that do not fit
    # each other (an exception of one of them, made before the rule changed) leave nothing.
    length = datetime.combine(on, until_time) - datetime.combine(on, from_time)
    return starts_at, starts_at + max(length, timedelta())


def _closed_because(rule: Rule, on: date, exception: DateException | None) -> Texts | None:
    if exception is not None and exception.kind == "cancelled":
        return {"": exception.reason} if exception.reason else {}
    if exception is not None and exception.says_when:
        return None
    for closure in rule.closures:
        if closure.from_on <= on <= closure.until_on:
            return closure.reason
    if on in rule.dates:
        return None
    return public_holiday(rule.state, on)


def public_holiday(state: str, on: date) -> Texts | None:
    """The names of the public holiday on that day in a federal state, by locale; None on any other day."""
    return _holidays(state, on.year).get(on) if state else None


@lru_cache(maxsize=256)
def _holidays(state: str, year: int) -> dict[date, Texts]:
    found: dict[date, Texts] = {}
    for locale, language in (("de", "de"), ("en", "en_US")):
        for on, name in country_holidays("DE", subdiv=state, years=year, language=language).items():
            found.setdefault(on, {})[locale] = name
    return found


def _rule_dates(rule: Rule, from_on: date, until_on: date) -> list[date]:
    """The dates that the rule itself yields, before holidays, closures and exceptions."""
    first = max(from_on, rule.valid_from)
    last = min(until_on, rule.valid_until) if rule.valid_until else until_on
    recurring = _recurring(rule, first, last)
    written = {on for on in rule.dates if first <= on <= last}
    return sorted(written.union(recurring)) if written else recurring


def _recurring(rule: Rule, first: date, last: date) -> list[date]:
    if rule.rrule is None or first > last:
        return []
    found: list[date] = []
    for year in range(first.year, last.year + 1):
        began_on = date(year, 1, 1) if _begins_anew_each_year(rule.rrule) else rule.valid_from
        found += _dates_of_year(rule.rrule, began_on, year)
    return found[bisect_left(found, first) : bisect_right(found, last)]


@lru_cache(maxsize=512)
def _begins_anew_each_year(text: str) -> bool:
    """Whether the rule yields the same dates wherever it begins, so that no year needs the years before it.

    Without days, with an interval or a count, it depends on its beginning; so do positions in a week, which the
    turn of the year cuts in two.
    """
    parts = dict(part.partition("=")[::2] for part in text.upper().split(";"))
    names_days = parts["FREQ"] == "DAILY" or not parts.keys().isdisjoint(_NAME_DAYS)
    counts = parts.get("INTERVAL", "1") != "1" or "COUNT" in parts
    return names_days and not counts and not (parts["FREQ"] == "WEEKLY" and "BYSETPOS" in parts)


_NAME_DAYS = ("BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYEASTER")


@lru_cache(maxsize=4096)
def _dates_of_year(text: str, began_on: date, year: int) -> tuple[date, ...]:
    found = _recurrence(text, began_on).between(datetime(year, 1, 1), datetime(year, 12, 31), inc=True)
    return tuple(at.date() for at in found)


@lru_cache(maxsize=512)
def _recurrence(text: str, began_on: date) -> rrule | rruleset:
    return rrulestr(text, dtstart=datetime.combine(began_on, time()), cache=True)  # wall time: no zone on purpose


def _turns_on(rule: Rule, wanted: Collection[date]) -> dict[date, Staff]:
    """Whose turn it is on the dates of the rule, from the rota's start to the last one that is wanted."""
    if rule.rota is None or not rule.rota.turns or not wanted:
        return {}
    dates = _rule_dates(rule, rule.rota.starts_on, max(wanted))
    turns, count = rule.rota.turns, len(rule.rota.turns)
    if rule.rota.skipped == "used":
        return {on: turns[turn % count] for turn, on in enumerate(dates)}
    exceptions = {each.original_on: each for each in rule.exceptions}
    staff: dict[date, Staff] = {}
    turn = 0
    for on in dates:
        staff[on] = turns[turn % count]
        turn += _closed_because(rule, on, exceptions.get(on)) is None
    return staff
