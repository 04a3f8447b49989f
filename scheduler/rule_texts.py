"""The days of a recurrence rule in words: "1st and 3rd Wednesday of the month", "every 2 weeks on Monday"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from itertools import pairwise

from scheduler.texts import listed, month_name, translations_for, weekday_name

_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_ALL_WEEK = 7
_SAID = {"FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST", "UNTIL"}


def say_rule(rrule: str, locale: str) -> str:
    """The days of a recurrence rule in words; empty where no short words fit: then its next dates must be told."""
    parts = _rule_parts(rrule)
    if parts.keys() - _SAID:
        return ""
    interval = int(parts.get("INTERVAL", "1"))
    match parts["FREQ"]:
        case "DAILY":
            days = _say_daily(parts, interval, locale)
        case "WEEKLY":
            days = _say_weekly(parts, interval, locale)
        case "MONTHLY":
            days = _say_monthly(parts, interval, locale)
        case _:
            days = ""
    return _within_months(days, parts.get("BYMONTH"), locale)


def say_weekdays(weekdays: Iterable[int], locale: str) -> str:
    """Days of the week, 0 for Monday: "Tuesday and Thursday", "Monday to Friday", "every day"."""
    _ = translations_for(locale).gettext
    days = sorted(weekdays)
    if len(days) == _ALL_WEEK:
        return _("every day")
    names = [weekday_name(each, locale) for each in days]
    if len(days) > 2 and all(after - before == 1 for before, after in pairwise(days)):
        return _("%(first)s to %(last)s") % {"first": names[0], "last": names[-1]}
    return listed(names, locale)


def plain_weekdays(rrule: str) -> frozenset[int]:
    """The days of a rule that says nothing but weekdays, every week; empty for any other."""
    parts = _rule_parts(rrule)
    weekly = parts.get("FREQ") == "WEEKLY" and parts.get("INTERVAL", "1") == "1"
    if not weekly or parts.keys() - {"FREQ", "INTERVAL", "BYDAY", "WKST", "UNTIL"}:
        return frozenset()
    return frozenset(_weekdays_in(parts))


def last_day(rrule: str) -> date | None:
    """The last day that the rule itself names."""
    written = _rule_parts(rrule).get("UNTIL")
    return date.fromisoformat(written) if written else None


def _rule_parts(rrule: str) -> dict[str, str]:
    return dict(part.split("=") for part in rrule.split(";")) if rrule else {}


def _weekdays_in(parts: Mapping[str, str]) -> list[int]:
    """The weekdays of BYDAY; empty where one of them has a position in the month."""
    days = parts.get("BYDAY", "").split(",")
    return [_WEEKDAYS.index(each) for each in days] if all(each in _WEEKDAYS for each in days) else []


def _say_daily(parts: Mapping[str, str], interval: int, locale: str) -> str:
    if parts.keys() & {"BYMONTHDAY", "BYSETPOS"}:
        return ""
    if interval == 1:
        return say_weekdays(_weekdays_in(parts) if "BYDAY" in parts else range(_ALL_WEEK), locale)
    if "BYDAY" in parts:
        return ""
    ngettext = translations_for(locale).ngettext
    return ngettext("every %(num)s day", "every %(num)s days", interval) % {"num": interval}


def _say_weekly(parts: Mapping[str, str], interval: int, locale: str) -> str:
    weekdays = _weekdays_in(parts)
    if not weekdays or parts.keys() & {"BYMONTHDAY", "BYSETPOS"}:
        return ""
    days = say_weekdays(weekdays, locale)
    if interval == 1:
        return days
    ngettext = translations_for(locale).ngettext
    return ngettext("every %(num)s week on %(days)s", "every %(num)s weeks on %(days)s", interval) % {
        "num": interval,
        "days": days,
    }


def _say_monthly(parts: Mapping[str, str], interval: int, locale: str) -> str:
    weekdays = _weekdays_in(parts)
    if weekdays and interval == 1 and not parts.keys() & {"BYMONTHDAY", "BYSETPOS"}:
        return say_weekdays(weekdays, locale)  # every week, however it is written
    days = _say_month_days(parts, locale) if "BYMONTHDAY" in parts else _say_positions(parts, locale)
    if not days:
        return ""
    ngettext = translations_for(locale).ngettext
    return ngettext("%(days)s of the month", "%(days)s, every %(num)s months", interval) % {
        "num": interval,
        "days": days,
    }


def _say_positions(parts: Mapping[str, str], locale: str) -> str:
    """ "1st and 3rd Wednesday" of BYDAY=1WE,3WE, or of BYDAY=WE;BYSETPOS=1,3."""
    _ = translations_for(locale).gettext
    named = {1: _("1st"), 2: _("2nd"), 3: _("3rd"), 4: _("4th"), 5: _("5th"), -1: _("last")}
    by_day: dict[str, list[int]] = {}
    for each in _positions(parts):
        by_day.setdefault(each[-2:], []).append(int(each[:-2] or 0))
    if not by_day or not all(position in named for some in by_day.values() for position in some):
        return ""
    return listed(
        [
            _("%(positions)s %(day)s")
            % {
                "positions": listed([named[each] for each in sorted(some, key=lambda each: each % 7)], locale),
                "day": weekday_name(_WEEKDAYS.index(day), locale),
            }
            for day, some in by_day.items()
        ],
        locale,
    )


def _positions(parts: Mapping[str, str]) -> list[str]:
    """BYDAY with the positions that BYSETPOS would give, where that is the same thing: for one weekday."""
    days = parts.get("BYDAY", "").split(",")
    if "BYSETPOS" not in parts:
        return [each for each in days if each]
    if len(days) == 1 and days[0] in _WEEKDAYS:
        return [f"{position}{days[0]}" for position in parts["BYSETPOS"].split(",")]
    return []


def _say_month_days(parts: Mapping[str, str], locale: str) -> str:
    _ = translations_for(locale).gettext
    numbers = [int(each) for each in parts["BYMONTHDAY"].split(",")]
    if parts.keys() & {"BYDAY", "BYSETPOS"} or any(each < -1 for each in numbers):
        return ""
    named = [_("last day") if each == -1 else _("day %(num)s") % {"num": each} for each in numbers]
    return listed(named, locale)


def _within_months(days: str, months: str | None, locale: str) -> str:
    if not days or not months:
        return days
    _ = translations_for(locale).gettext
    some = {int(each) for each in months.split(",")}
    others = set(range(1, 13)) - some
    if not others:
        return days
    if len(some) <= len(others):
        return _("%(days)s (only in %(months)s)") % {"days": days, "months": _months(some, locale)}
    return _("%(days)s (not in %(months)s)") % {"days": days, "months": _months(others, locale)}


def _months(months: Iterable[int], locale: str) -> str:
    return listed([month_name(each, locale) for each in sorted(months)], locale)
