"""A place's hours and changed dates as people say them: "Tuesday and Thursday 9:00–12:00 and 13:00–16:00".

Rules that belong together become one line; a rule without short words (`rule_texts.py`) is said by its next dates.
No page is written here, and Flask is not needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from scheduler.domain.changes import Change, Span
from scheduler.domain.recurrence import Texts
from scheduler.models.hours import Admits, Hours
from scheduler.models.town import text_in
from scheduler.rule_texts import last_day, plain_weekdays, say_rule, say_weekdays
from scheduler.texts import day_and_month, isolated, listed, spoken_date, translations_for

LOOK_AHEAD = timedelta(days=56)
"""How far the dates reach that are given to `say_hours`."""

_MOST_DATES = 6
_NEAR = timedelta(days=7)
_YEAR_IS_CLEAR = timedelta(days=300)
_ANY_ZONE = ZoneInfo("UTC")  # dates that are days already need none


class HoursLine(NamedTuple):
    """One line of a place's hours. `days` in words, or empty where `dates` say it; `next_on` where it helps."""

    days: str
    dates: tuple[str, ...]
    times: str
    period: str
    admits: str
    room: str
    next_on: date | None
    by_arrangement: bool


class ChangeLine(NamedTuple):
    """One changed date: "Wednesday, 25 November", "closed", "staff training"."""

    days: str
    words: str
    reason: str
    takes_place: bool


def say_hours(rows: Iterable[Hours], coming: Mapping[int, Sequence[date]], today: date, locale: str) -> list[HoursLine]:
    """The hours of one place, in the order of its rows; what is over is left out.

    `coming`: by id of the row, the dates in the next `LOOK_AHEAD` on which it takes place.
    """
    said = [each for row in rows for each in _patterns(row, tuple(coming.get(row.id, ())), today)]
    lines = [_line(each, today, locale) for each in _merge_times(_merge_days(said))]
    return [each for each in lines if each.days or each.dates or each.by_arrangement]


def say_change(change: Change, today: date, locale: str) -> ChangeLine:
    """What differs, as it is said next to the place."""
    _ = translations_for(locale).gettext
    on = change.first_on
    if change.actual is not None and on < today:
        on = change.actual.on  # the usual day is over, the one it was moved to is not
    days = _date(on, locale)
    if change.first_on < change.last_on and change.actual is None:
        last = _date(change.last_on, locale)
        days = _("%(first)s to %(last)s") % {"first": days, "last": last}
        if change.first_on <= today:
            days = _("until %(date)s") % {"date": last}
    words, reason = _say_difference(change, today, locale), _say_reason(change, locale)
    return ChangeLine(days, words, reason, takes_place=change.actual is not None)


def say_admits(admits: Admits, locale: str) -> str:
    """Whether one comes with or without appointment."""
    _ = translations_for(locale).gettext
    return {
        "mixed": _("with or without appointment"),
        "walk_in": _("without appointment"),
        "appointment": _("with appointment"),
        "by_arrangement": _("by arrangement, please call"),
    }[admits]


def say_times(spans: Iterable[tuple[time, time]], locale: str) -> str:
    """Times of day: "9:00–12:00 and 13:00–16:00". The digits keep their order in right-to-left text."""
    return listed([isolated(f"{_clock(begins)}–{_clock(ends)}", locale) for begins, ends in spans], locale)


# Rules that belong together


@dataclass(frozen=True)
class _Pattern:
    """What is said in one line: plain weekdays, or a rule, or single dates; and when on these days."""

    weekdays: frozenset[int]
    rrule: str
    dates: frozenset[date]
    spans: tuple[tuple[time, time], ...]
    terms: _Terms
    coming: tuple[date, ...]


class _Terms(NamedTuple):
    """What must be the same for two rules to stand in one line. The dates: only where they are still ahead."""

    valid_from: date | None
    valid_until: date | None
    admits: Admits
    room: str


def _patterns(row: Hours, coming: tuple[date, ...], today: date) -> list[_Pattern]:
    until = min((each for each in (row.valid_until, last_day(row.rrule or "")) if each), default=None)
    has_times = bool(row.from_time and row.until_time)
    if until and (until < today or (has_times and not coming and until <= today + LOOK_AHEAD)):
        return []
    spans = ((row.from_time, row.until_time),) if row.from_time and row.until_time else ()
    terms = _Terms(row.valid_from if row.valid_from > today else None, until, row.admits, row.room)
    found = []
    dates = frozenset(on for on in map(date.fromisoformat, row.dates) if on > today or on in coming)
    if row.rrule or (row.admits == "by_arrangement" and not row.dates):
        weekdays = plain_weekdays(row.rrule or "")
        rule = "" if weekdays else row.rrule or ""
        found.append(_Pattern(weekdays, rule, frozenset(), spans, terms, coming))
    if dates:
        found.append(_Pattern(frozenset(), "", dates, spans, terms._replace(valid_from=None, valid_until=None), coming))
    return found


def _merge_days(patterns: Iterable[_Pattern]) -> list[_Pattern]:
    """Weekdays, and single dates, with the same times become one line."""
    merged: dict[object, _Pattern] = {}
    for each in patterns:
        key = (bool(each.weekdays), each.rrule, bool(each.dates), each.spans, each.terms)
        known = merged.get(key, each)
        merged[key] = replace(
            known,
            weekdays=known.weekdays | each.weekdays,
            dates=known.dates | each.dates,
            coming=tuple(sorted({*known.coming, *each.coming})),
        )
    return list(merged.values())


def _merge_times(patterns: Iterable[_Pattern]) -> list[_Pattern]:
    """Several spans on the same days become one line."""
    merged: dict[object, _Pattern] = {}
    for each in patterns:
        key = (each.weekdays, each.rrule, each.dates, each.terms)
        known = merged.get(key)
        spans = _joined([*known.spans, *each.spans]) if known else each.spans
        merged[key] = replace(known or each, spans=spans)
    return list(merged.values())


def _joined(spans: Iterable[tuple[time, time]]) -> tuple[tuple[time, time], ...]:
    """Spans in order; those that touch or overlap are one."""
    found: list[tuple[time, time]] = []
    for begins, ends in sorted(spans):
        if found and begins <= found[-1][1]:
            found[-1] = (found[-1][0], max(ends, found[-1][1]))
        else:
            found.append((begins, ends))
    return tuple(found)


def _line(pattern: _Pattern, today: date, locale: str) -> HoursLine:
    days = say_weekdays(pattern.weekdays, locale) if pattern.weekdays else ""
    if pattern.rrule:
        days = say_rule(pattern.rrule, locale)
    dates = sorted(pattern.dates) if pattern.dates or days else pattern.coming
    following = pattern.coming[0] if pattern.coming and days else None
    if following and pattern.weekdays and following <= today + _NEAR:
        following = None  # a weekly rule says it by itself
    return HoursLine(
        days=days,
        dates=tuple(_date(on, locale) for on in dates[:_MOST_DATES]),
        times=say_times(pattern.spans, locale),
        period=_say_period(pattern.terms, today, locale),
        admits=say_admits(pattern.terms.admits, locale),
        room=pattern.terms.room,
        next_on=following,
        by_arrangement=pattern.terms.admits == "by_arrangement",
    )


# Words


def _say_period(terms: _Terms, today: date, locale: str) -> str:
    """From and until, where they lie ahead and near enough to matter."""
    _ = translations_for(locale).gettext
    until = terms.valid_until if terms.valid_until and terms.valid_until <= today + timedelta(days=365) else None
    first = _day(terms.valid_from, today, locale) if terms.valid_from else ""
    last = _day(until, today, locale) if until else ""
    if first and last:
        return _("from %(first)s until %(last)s") % {"first": first, "last": last}
    if first:
        return _("from %(date)s") % {"date": first}
    return _("until %(date)s") % {"date": last} if last else ""


def _say_difference(change: Change, today: date, locale: str) -> str:
    _ = translations_for(locale).gettext
    usual = _times_of(change.usual, locale)
    if change.actual is None:
        return _("closed") if change.all_day else _("closed %(times)s") % {"times": usual}
    times = _times_of([change.actual], locale)
    if not change.usual or (change.is_moved and change.first_on < today):
        return _("extra opening %(times)s") % {"times": times}
    if not change.is_moved:
        return _("%(times)s instead of %(usual)s") % {"times": times, "usual": usual}
    there = {"date": _date(change.actual.on, locale), "times": times, "usual": usual}
    return (
        _("moved to %(date)s, %(times)s") if change.all_day else _("%(usual)s moved to %(date)s, %(times)s")
    ) % there


def _say_reason(change: Change, locale: str) -> str:
    _ = translations_for(locale).gettext
    if not change.is_holiday:
        return _public_text(change.reason, locale)
    name = change.reason.get(locale)
    return _("public holiday: %(name)s") % {"name": name} if name else _("public holiday")


def _public_text(reason: Texts, locale: str) -> str:
    return text_in(reason, locale).strip()


def _times_of(spans: Iterable[Span], locale: str) -> str:
    return say_times([(each.from_time, each.until_time) for each in spans], locale)


def _date(on: date, locale: str) -> str:
    return spoken_date(on, locale, _ANY_ZONE)


def _day(on: date, today: date, locale: str) -> str:
    return day_and_month(on, locale, with_year=on > today + _YEAR_IS_CLEAR)


def _clock(at: time) -> str:
    return f"{at.hour}:{at.minute:02}"
