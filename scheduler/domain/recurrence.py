"""From rules in local wall time to dated openings in UTC. The only place that converts between the two.

A wall time in the spring gap moves forward by the gap; an ambiguous one in autumn means the first. Openings do not
cross midnight. A rule's dates fall out on public holidays and closures; dates written out one by one are meant as
written and only a closure closes them; a date added by exception takes place whatever the rest says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr
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
    staff_on = _staff_by_date(rule, max(originals, default=until_on))
    found = [_dated(rule, zone, on, exceptions.get(on), staff_on) for on in originals]
    return sorted((each for each in found if from_on <= each.on <= until_on), key=lambda each: each.starts_at)


def dated_opening(rule: Rule, zone: ZoneInfo, original_on: date) -> DatedOpening | None:
    """The opening that this date names, wherever it was moved to; None: the rule yields none (any more)."""
    moved = next((each.held_on for each in rule.exceptions if each.original_on == original_on and each.held_on), None)
    on = moved or original_on
    return next((each for each in dated_openings(rule, zone, on, on) if each.original_on == original_on), None)


def _stands(rule: Rule, exception: DateException) -> bool:
    """An exception of a date that the rule no longer yields is void, unless it is the one that adds the date."""
    on = exception.original_on
    return exception.kind == "added" or bool(_rule_dates(rule, on, on))


def _dated(
    rule: Rule, zone: ZoneInfo, original_on: date, exception: DateException | None, staff_on: dict[date, Staff]
) -> DatedOpening:
    change = exception or DateException(original_on, "added")
    on = change.held_on or original_on
    return DatedOpening(
        original_on=original_on,
        on=on,
        starts_at=wall_to_utc(on, change.from_time or rule.from_time, zone),
        ends_at=wall_to_utc(on, change.until_time or rule.until_time, zone),
        staff=change.staff if change.staff is not None else staff_on.get(original_on, rule.staff),
        closed_because=_closed_because(rule, original_on, exception),
    )


def _closed_because(rule: Rule, on: date, exception: DateException | None) -> Texts | None:
    if exception is not None:
        if exception.kind == "cancelled":
            return {"": exception.reason} if exception.reason else {}
        return None
    for closure in rule.closures:
        if closure.from_on <= on <= closure.until_on:
            return closure.reason
    if on in rule.dates:
        return None
    return public_holiday(rule.state, on)


def public_holiday(state: str, on: date) -> Texts | None:
    """The names of the public holiday on that day in a federal state, by locale; None on any other day."""
    if not state:
        return None
    names = {locale: _holidays(state, on.year, language).get(on) for locale, language in _HOLIDAY_LANGUAGES.items()}
    found = {locale: name for locale, name in names.items() if name}
    return found or None


_HOLIDAY_LANGUAGES = {"de": "de", "en": "en_US"}


@lru_cache(maxsize=64)
def _holidays(state: str, year: int, language: str) -> dict[date, str]:
    return dict(country_holidays("DE", subdiv=state, years=year, language=language).items())


def _rule_dates(rule: Rule, from_on: date, until_on: date) -> list[date]:
    """The dates that the rule itself yields, before holidays, closures and exceptions."""
    first = max(from_on, rule.valid_from)
    last = min(until_on, rule.valid_until) if rule.valid_until else until_on
    written = {on for on in rule.dates if first <= on <= last}
    return sorted(written | set(_recurring(rule, first, last)))


def _recurring(rule: Rule, first: date, last: date) -> Iterator[date]:
    if rule.rrule is None or first > last:
        return
    # A rule that names its days may start at the window; without days, or with an interval or a count, it
    # depends on where it began.
    text = rule.rrule.upper()
    names_days = "DAY=" in text or "FREQ=DAILY" in text
    began_on = first if names_days and "INTERVAL" not in text and "COUNT" not in text else rule.valid_from
    recurring = rrulestr(rule.rrule, dtstart=datetime.combine(began_on, time()))  # wall time: no zone on purpose
    for at in recurring.between(datetime.combine(first, time()), datetime.combine(last, time()), inc=True):
        yield at.date()


def _staff_by_date(rule: Rule, last: date) -> dict[date, Staff]:
    """Whose turn it is on each date of the rule from the rota's start to `last`."""
    if rule.rota is None or not rule.rota.turns:
        return {}
    exceptions = {each.original_on: each for each in rule.exceptions}
    staff: dict[date, Staff] = {}
    turn = 0
    for on in _rule_dates(rule, rule.rota.starts_on, last):
        staff[on] = rule.rota.turns[turn % len(rule.rota.turns)]
        if rule.rota.skipped == "used" or _closed_because(rule, on, exceptions.get(on)) is None:
            turn += 1
    return staff
