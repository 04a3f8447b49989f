"""Hours and changed dates in words: every kind of rule, merged as people say it, in German, English and Arabic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, time, timedelta
from typing import Any

import pytest
from babel.dates import get_day_names

from scheduler.domain.changes import Change, Span
from scheduler.hours_texts import ChangeLine, HoursLine, say_admits, say_change, say_hours, say_times
from scheduler.models import Hours
from scheduler.rule_texts import say_rule, say_weekdays

TODAY = date(2026, 11, 24)
WEDNESDAY = date(2026, 11, 25)
THURSDAY = date(2026, 11, 26)
FAR = TODAY + timedelta(days=30)
ISOLATED = "\u2066{}\u2069"


def hours(id_: int = 1, days: str | None = None, span: str = "9-12", **changes: Any) -> Hours:
    begins, _, ends = span.partition("-")
    settings: dict[str, Any] = {
        "id": id_,
        "rrule": f"FREQ=WEEKLY;BYDAY={days}" if days else None,
        "dates": [],
        "from_time": time(int(begins)) if begins else None,
        "until_time": time(int(ends)) if ends else None,
        "valid_from": date(2007, 7, 1),
        "valid_until": None,
        "admits": "mixed",
        "room": "",
    }
    return Hours(**{**settings, **changes})


def say(*rows: Hours, coming: Mapping[int, Sequence[date]] | None = None, locale: str = "en") -> list[HoursLine]:
    """As on a page; unless told otherwise each row takes place tomorrow."""
    return say_hours(rows, {row.id: [WEDNESDAY] for row in rows} if coming is None else coming, TODAY, locale)


def lines(*rows: Hours, **how: Any) -> list[str]:
    return [" ".join(part for part in (each.days, each.times, each.period) if part) for each in say(*rows, **how)]


# Rules in words


@pytest.mark.parametrize(
    ("rrule", "english", "german"),
    [
        ("FREQ=WEEKLY;BYDAY=WE", "Wednesday", "Mittwoch"),
        ("FREQ=WEEKLY;BYDAY=TH,TU", "Tuesday and Thursday", "Dienstag und Donnerstag"),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "Monday to Friday", "Montag bis Freitag"),
        ("FREQ=WEEKLY;BYDAY=MO,WE,FR", "Monday, Wednesday, and Friday", "Montag, Mittwoch und Freitag"),
        ("FREQ=DAILY", "every day", "jeden Tag"),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU", "every day", "jeden Tag"),
        ("FREQ=DAILY;INTERVAL=3", "every 3 days", "alle 3 Tage"),
        ("FREQ=DAILY;BYDAY=MO,TU", "Monday and Tuesday", "Montag und Dienstag"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", "every 2 weeks on Monday", "alle 2 Wochen am Montag"),
        ("FREQ=WEEKLY;BYDAY=MO;UNTIL=20261231;WKST=MO", "Monday", "Montag"),
        ("FREQ=MONTHLY;BYDAY=1WE,3WE", "1st and 3rd Wednesday of the month", "1. und 3. Mittwoch im Monat"),
        ("FREQ=MONTHLY;BYDAY=-1TH,+1TH", "1st and last Thursday of the month", "1. und letzter Donnerstag im Monat"),
        ("FREQ=MONTHLY;BYDAY=WE;BYSETPOS=1,3", "1st and 3rd Wednesday of the month", "1. und 3. Mittwoch im Monat"),
        (
            "FREQ=MONTHLY;BYDAY=1MO,3WE",
            "1st Monday and 3rd Wednesday of the month",
            "1. Montag und 3. Mittwoch im Monat",
        ),
        ("FREQ=MONTHLY;INTERVAL=2;BYDAY=2TU", "2nd Tuesday, every 2 months", "2. Dienstag, alle 2 Monate"),
        ("FREQ=MONTHLY;BYDAY=WE", "Wednesday", "Mittwoch"),
        ("FREQ=MONTHLY;BYMONTHDAY=1,15", "day 1 and day 15 of the month", "1. und 15. im Monat"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "last day of the month", "letzter Tag im Monat"),
        ("FREQ=WEEKLY;BYDAY=WE;BYMONTH=6,7", "Wednesday (only in June and July)", "Mittwoch (nur im Juni und Juli)"),
        (
            "FREQ=WEEKLY;BYDAY=WE;BYMONTH=1,2,3,4,5,6,9,10,11,12",
            "Wednesday (not in July and August)",
            "Mittwoch (nicht im Juli und August)",
        ),
    ],
)
def test_a_rule_is_said_in_words(rrule: str, english: str, german: str) -> None:
    assert say_rule(rrule, "en") == english
    assert say_rule(rrule, "de") == german


@pytest.mark.parametrize(
    "rrule",
    [
        "FREQ=WEEKLY;BYDAY=WE;COUNT=5",
        "FREQ=YEARLY;BYDAY=1WE;BYMONTH=3",
        "FREQ=YEARLY;BYEASTER=1",
        "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "FREQ=MONTHLY;BYDAY=-2WE",
        "FREQ=MONTHLY;BYMONTHDAY=-3",
        "FREQ=MONTHLY;INTERVAL=2;BYDAY=WE",
        "FREQ=WEEKLY;BYDAY=WE;BYWEEKNO=2,4",
        "FREQ=DAILY;INTERVAL=2;BYDAY=WE",
        "FREQ=DAILY;BYMONTHDAY=3",
    ],
)
def test_a_rule_without_short_words_is_said_by_its_next_dates(rrule: str) -> None:
    assert say_rule(rrule, "en") == ""
    [line] = say(hours(rrule=rrule), coming={1: [WEDNESDAY, THURSDAY]})
    assert (line.days, line.dates) == ("", ("Wednesday, 25 November", "Thursday, 26 November"))


@pytest.mark.parametrize("locale", ["ar", "de", "en", "fa", "uk"])
def test_days_have_the_names_that_readers_know(locale: str) -> None:
    names = get_day_names("wide", "stand-alone", locale)
    assert [say_weekdays([day], locale) for day in range(7)] == [names[day] for day in range(7)]
    assert names[1] in say_weekdays([1, 3], locale) and names[3] in say_weekdays([1, 3], locale)
    assert names[2] in say_rule("FREQ=MONTHLY;BYDAY=1WE,3WE", locale)


# Hours


def test_rules_that_belong_together_become_one_line() -> None:
    assert lines(hours(1, "TU,TH", "9-12"), hours(2, "TU,TH", "13-16")) == [
        "Tuesday and Thursday 9:00–12:00 and 13:00–16:00"
    ]
    assert lines(hours(1, "TU"), hours(2, "TH"), hours(3, "TU", "13-16"), hours(4, "TH", "13-16")) == [
        "Tuesday and Thursday 9:00–12:00 and 13:00–16:00"
    ]
    assert lines(hours(1, "TU,TH", "10-12"), hours(2, "TU", "16-18")) == [
        "Tuesday and Thursday 10:00–12:00",
        "Tuesday 16:00–18:00",
    ]
    assert lines(hours(1, "TU"), hours(2, "TU", "12-14"), hours(3, "TU", "13-15")) == ["Tuesday 9:00–15:00"]
    monthly = "FREQ=MONTHLY;BYDAY=1WE"
    assert lines(hours(1, rrule=monthly), hours(2, rrule=monthly, span="13-16")) == [
        "1st Wednesday of the month 9:00–12:00 and 13:00–16:00"
    ]


@pytest.mark.parametrize(
    "other",
    [{"admits": "walk_in"}, {"room": "0.06"}, {"valid_until": FAR}, {"valid_from": WEDNESDAY}],
    ids=lambda each: next(iter(each)),
)
def test_what_differs_in_more_than_days_and_times_stays_apart(other: dict[str, Any]) -> None:
    assert len(say(hours(1, "TU"), hours(2, "TU", "13-16", **other))) == 2
    assert len(say(hours(1, "TU"), hours(2, "TH", **other))) == 2


def test_temporary_hours_say_from_when_and_until_when() -> None:
    until, begins = date(2026, 12, 18), date(2027, 1, 7)
    assert lines(hours(1, "WE", valid_until=until), hours(2, "WE", "9-11", valid_from=begins)) == [
        "Wednesday 9:00–12:00 until 18 December",
        "Wednesday 9:00–11:00 from 7 January",
    ]
    both = hours(1, "WE", valid_from=begins, valid_until=date(2027, 3, 1))
    assert lines(both, locale="de") == ["Mittwoch 9:00–12:00 ab 7. Januar, bis 1. März"]
    assert lines(hours(1, "WE", rrule="FREQ=WEEKLY;BYDAY=WE;UNTIL=20261218")) == [
        "Wednesday 9:00–12:00 until 18 December"
    ]


def test_an_end_far_away_is_not_told_and_one_next_autumn_has_its_year() -> None:
    assert lines(hours(1, "WE", valid_until=date(2029, 12, 31))) == ["Wednesday 9:00–12:00"]
    assert lines(hours(1, "WE", valid_until=date(2027, 10, 31))) == ["Wednesday 9:00–12:00 until 31 October 2027"]


def test_hours_that_are_over_are_left_out() -> None:
    yesterday = TODAY - timedelta(days=1)
    assert say(hours(1, "WE", valid_until=yesterday)) == []
    assert say(hours(1, "WE", valid_until=FAR), coming={}) == []
    assert say(hours(1, dates=[yesterday.isoformat()]), coming={}) == []


def test_hours_that_are_closed_for_weeks_stay() -> None:
    assert lines(hours(1, "WE"), coming={}) == ["Wednesday 9:00–12:00"]


def test_single_dates_are_written_out_those_ahead_alone() -> None:
    dates = [each.isoformat() for each in (TODAY, WEDNESDAY, THURSDAY)]
    [line] = say(hours(1, dates=dates, valid_until=THURSDAY), coming={1: [WEDNESDAY, THURSDAY]})
    assert line.dates == ("Wednesday, 25 November", "Thursday, 26 November")
    assert (line.days, line.times, line.period, line.next_on) == ("", "9:00–12:00", "", None)


def test_todays_date_stays_until_it_is_over() -> None:
    [line] = say(hours(1, dates=[TODAY.isoformat()]), coming={1: [TODAY]})
    assert line.dates == ("Tuesday, 24 November",)


def test_single_dates_of_two_rules_with_the_same_times_are_one_line() -> None:
    [line] = say(hours(1, dates=[THURSDAY.isoformat()]), hours(2, dates=[WEDNESDAY.isoformat()]))
    assert line.dates == ("Wednesday, 25 November", "Thursday, 26 November")


def test_the_next_date_is_told_where_the_rule_does_not_say_it() -> None:
    every_other = hours(1, rrule="FREQ=WEEKLY;INTERVAL=2;BYDAY=WE")
    assert say(every_other)[0].next_on == WEDNESDAY
    assert say(hours(1, "WE"))[0].next_on is None
    after_the_holidays = TODAY + timedelta(days=14)
    assert say(hours(1, "WE"), coming={1: [after_the_holidays]})[0].next_on == after_the_holidays


def test_by_arrangement_needs_neither_days_nor_times() -> None:
    bare = hours(1, span="", admits="by_arrangement")
    [line] = say(bare, coming={})
    assert line == HoursLine("", (), "", "", "by arrangement, please call", "", None, by_arrangement=True)
    [line] = say(hours(1, "MO", admits="by_arrangement"), coming={})
    assert (line.days, line.times, line.by_arrangement) == ("Monday", "9:00–12:00", True)


def test_the_order_is_that_of_the_towns_file() -> None:
    assert lines(hours(1, "FR"), hours(2, "MO", "10-12"), hours(3, span="", admits="by_arrangement"))[:2] == [
        "Friday 9:00–12:00",
        "Monday 10:00–12:00",
    ]


def test_it_is_said_in_words_who_may_come() -> None:
    assert [say_admits(each, "en") for each in ("mixed", "walk_in", "appointment")] == [
        "with or without appointment",
        "without appointment",
        "with appointment",
    ]


def test_times_keep_their_order_in_right_to_left_text() -> None:
    spans = [(time(9), time(12)), (time(13), time(16, 5))]
    assert say_times(spans, "de") == "9:00–12:00 und 13:00–16:05"
    assert say_times(spans, "ar") == f"{ISOLATED.format('9:00–12:00')} و{ISOLATED.format('13:00–16:05')}"


# Changes


def usual(on: date = WEDNESDAY, from_hour: int = 9, until_hour: int = 12) -> Span:
    return Span(on, time(from_hour), time(until_hour))


def change(**fields: Any) -> Change:
    settings: dict[str, Any] = {"first_on": WEDNESDAY, "last_on": WEDNESDAY, "usual": (usual(),)}
    return Change(**{**settings, **fields})


@pytest.mark.parametrize(
    ("what", "english", "german"),
    [
        (
            change(all_day=True, reason={"": "staff training"}),
            ("Wednesday, 25 November", "closed", "staff training"),
            ("Mittwoch, 25. November", "geschlossen", "staff training"),
        ),
        (
            change(actual=usual(WEDNESDAY, 9, 11)),
            ("Wednesday, 25 November", "9:00–11:00 instead of 9:00–12:00", ""),
            ("Mittwoch, 25. November", "9:00–11:00 statt 9:00–12:00", ""),
        ),
        (
            change(usual=(), actual=usual()),
            ("Wednesday, 25 November", "extra opening 9:00–12:00", ""),
            ("Mittwoch, 25. November", "zusätzlich 9:00–12:00", ""),
        ),
        (
            change(usual=(usual(), usual(WEDNESDAY, 13, 16))),
            ("Wednesday, 25 November", "closed 9:00–12:00 and 13:00–16:00", ""),
            ("Mittwoch, 25. November", "9:00–12:00 und 13:00–16:00 geschlossen", ""),
        ),
        (
            change(last_on=THURSDAY, actual=usual(THURSDAY, 10, 12), all_day=True),
            ("Wednesday, 25 November", "moved to Thursday, 26 November, 10:00–12:00", ""),
            ("Mittwoch, 25. November", "verlegt auf Donnerstag, 26. November, 10:00–12:00", ""),
        ),
        (
            change(last_on=THURSDAY, actual=usual(THURSDAY)),
            ("Wednesday, 25 November", "9:00–12:00 moved to Thursday, 26 November, 9:00–12:00", ""),
            ("Mittwoch, 25. November", "9:00–12:00 verlegt auf Donnerstag, 26. November, 9:00–12:00", ""),
        ),
        (
            change(last_on=date(2026, 12, 1), all_day=True, reason={"de": "Ferien", "en": "Holidays"}),
            ("Wednesday, 25 November to Tuesday, 1 December", "closed", "Holidays"),
            ("Mittwoch, 25. November bis Dienstag, 1. Dezember", "geschlossen", "Ferien"),
        ),
        (
            change(first_on=TODAY, last_on=date(2026, 12, 1), all_day=True),
            ("until Tuesday, 1 December", "closed", ""),
            ("bis Dienstag, 1. Dezember", "geschlossen", ""),
        ),
        (
            change(all_day=True, is_holiday=True, reason={"de": "1. Weihnachtstag", "en": "Christmas Day"}),
            ("Wednesday, 25 November", "closed", "public holiday: Christmas Day"),
            ("Mittwoch, 25. November", "geschlossen", "Feiertag: 1. Weihnachtstag"),
        ),
    ],
)
def test_a_change_is_said_in_words(what: Change, english: tuple[str, ...], german: tuple[str, ...]) -> None:
    takes_place = what.actual is not None
    assert say_change(what, TODAY, "en") == ChangeLine(*english, takes_place)
    assert say_change(what, TODAY, "de") == ChangeLine(*german, takes_place)


def test_after_its_usual_day_a_moved_date_is_extra() -> None:
    moved = change(last_on=THURSDAY, actual=usual(THURSDAY), all_day=True)
    assert say_change(moved, THURSDAY, "en")[:2] == ("Thursday, 26 November", "extra opening 9:00–12:00")


def test_a_holiday_without_a_name_in_the_language_is_a_public_holiday() -> None:
    holiday = change(all_day=True, is_holiday=True, reason={"de": "Neujahr"})
    assert say_change(holiday, TODAY, "en").reason == "public holiday"


def test_arabic_says_days_and_dates_its_own_way() -> None:
    line = say_change(change(all_day=True), TODAY, "ar")
    assert line.days == "الأربعاء، 25 نوفمبر"
    assert line.words != "closed"
