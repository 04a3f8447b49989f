"""Which times of a calendar are busy: kinds of entries, repetitions, the days of the time change, and faults."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from scheduler.busy_calendars import CalendarProblem
from scheduler.busy_calendars.reading import read_busy
from scheduler.domain.intervals import Interval, merged
from tests.busy_calendars.samples import BERLIN, WINDOW, at_ten, busy_times, calendar, event, weekly, zone_of

TEN = "11-25 10:00 – 11-25 11:00"
THE_DAY = "11-25 00:00 – 11-26 00:00"


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["TRANSP:OPAQUE"],
        ["STATUS:CONFIRMED"],
        ["STATUS:TENTATIVE"],
        ["CLASS:PRIVATE"],
        ["CLASS:CONFIDENTIAL"],
        ["X-MICROSOFT-CDO-BUSYSTATUS:BUSY"],
        ["X-MICROSOFT-CDO-BUSYSTATUS:OOF"],
        ["X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE"],
        ["BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-PT15M", "DURATION:PT5M", "REPEAT:1", "END:VALARM"],
        ["ATTACH:not a thing", "URL:::", "GEO:x", "LAST-MODIFIED:never", "X-ODD:\u0001"],
    ],
)
def test_an_entry_is_busy_whatever_else_it_says(lines: list[str]) -> None:
    assert busy_times(at_ten(*lines)) == [TEN]


@pytest.mark.parametrize(
    "line",
    [
        "TRANSP:TRANSPARENT",
        "transp:transparent",
        "STATUS:CANCELLED",
        "X-MICROSOFT-CDO-BUSYSTATUS:FREE",
        "X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE",
    ],
)
def test_what_is_cancelled_or_shown_as_free_is_not_busy(line: str) -> None:
    assert busy_times(at_ten(line)) == []


def test_our_own_appointments_make_nobody_busy() -> None:
    assert busy_times(at_ten(uid="visit-17@localhost"), at_ten(uid="duty-x-2026-11-25@LOCALHOST")) == []
    assert busy_times(at_ten(uid="visit-17@notlocalhost"), at_ten(uid="visit-17@localhost.example")) == [TEN]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["DTSTART:20261125T090000Z", "DTEND:20261125T100000Z"], TEN),
        (["DTSTART:20261125T090000Z", "DURATION:PT1H"], TEN),
        (["DTSTART:20261125T100000", "DTEND:20261125T110000"], TEN),
        (["DTSTART;TZID=W. Europe Standard Time:20261125T100000", "DURATION:PT1H"], TEN),
        (['DTSTART;TZID="W. Europe Standard Time":20261125T100000', "DURATION:PT1H"], TEN),
        (["DTSTART;TZID=America/New_York:20261125T040000", "DURATION:PT1H"], TEN),
        (["DTSTART;TZID=/vendor.example/Europe/Berlin:20261125T100000", "DURATION:PT1H"], TEN),
        (["DTSTART;VALUE=DATE:20261125"], THE_DAY),
        (["DTSTART;VALUE=DATE:20261125", "DTEND;VALUE=DATE:20261126"], THE_DAY),
        (["DTSTART;VALUE=DATE:20261125", "DTEND;VALUE=DATE:20261125"], THE_DAY),
        (["DTSTART;VALUE=DATE:20261125", "DURATION:P1D"], THE_DAY),
        (["DTSTART;VALUE=DATE:20261125", "DTEND;VALUE=DATE:20261128"], "11-25 00:00 – 11-28 00:00"),
        (["DTSTART:20261125T200000Z", "DTEND:20261127T050000Z"], "11-25 21:00 – 11-27 06:00"),
        (["DTSTART;VALUE=DATE:20261101", "DTEND;VALUE=DATE:20261126"], "11-24 00:00 – 11-26 00:00"),
        (["DTSTART;VALUE=DATE:20261201", "DTEND;VALUE=DATE:99991231"], "12-01 00:00 – 01-21 00:00"),
        (["DTSTART:00010101T000000Z", "DTEND:99991231T235959Z"], "11-24 00:00 – 01-21 00:00"),
    ],
)
def test_a_time_is_understood_however_it_is_written(lines: list[str], expected: str) -> None:
    assert busy_times(event(*lines)) == [expected]


@pytest.mark.parametrize(
    "lines",
    [
        ["DTSTART:20261125T090000Z"],
        ["DTSTART:20261125T090000Z", "DTEND:20261125T090000Z"],
        ["DTSTART:20261123T090000Z", "DTEND:20261123T230000Z"],
        ["DTSTART:20270121T000000Z", "DTEND:20270121T100000Z"],
        ["DTSTART;TZID=Long/Gone:20251125T090000", "DTEND;TZID=Long/Gone:20251125T080000"],
    ],
)
def test_what_has_no_length_or_lies_outside_takes_no_time(lines: list[str]) -> None:
    assert busy_times(event(*lines)) == []


def test_a_zone_that_the_calendar_brings_along_counts_wherever_it_stands() -> None:
    lines = ("DTSTART;TZID=Our Zone:20261125T140000", "DTEND;TZID=Our Zone:20261125T150000")
    assert busy_times(zone_of("Our Zone"), event(*lines)) == [TEN]
    assert busy_times(event(*lines), zone_of("Our Zone")) == [TEN]
    with pytest.raises(CalendarProblem, match="unknown_zone"):
        busy_times(event(*lines))  # nor is it remembered from the calendar before


def test_a_weekly_entry_keeps_its_wall_time_across_both_time_changes() -> None:
    lines = ("DTSTART;TZID=Europe/Berlin:20260107T100000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY")
    for around in (datetime(2026, 3, 29, 12, tzinfo=UTC), datetime(2026, 10, 25, 12, tzinfo=UTC)):
        window = Interval(around - timedelta(days=5), around + timedelta(days=5))
        before, after = read_busy(calendar(event(*lines)), window=window, zone=BERLIN, own_host="localhost")
        assert [each.starts_at.astimezone(BERLIN).hour for each in (before, after)] == [10, 10]
        assert before.starts_at.hour != after.starts_at.hour


def test_a_whole_day_is_23_or_25_hours_on_the_days_of_the_time_change() -> None:
    for on, hours in (("20260329", 23), ("20261025", 25)):
        day = datetime.strptime(on, "%Y%m%d").replace(tzinfo=UTC)
        window = Interval(day - timedelta(days=3), day + timedelta(days=3))
        (found,) = read_busy(
            calendar(event(f"DTSTART;VALUE=DATE:{on}")), window=window, zone=BERLIN, own_host="localhost"
        )
        assert found.ends_at - found.starts_at == timedelta(hours=hours)


def test_a_repeated_floating_entry_is_at_the_towns_time() -> None:
    lines = ("DTSTART:20261021T100000", "DTEND:20261021T110000", "RRULE:FREQ=WEEKLY;UNTIL=20261202T100000")
    assert busy_times(event(*lines)) == [TEN, "12-02 10:00 – 12-02 11:00"]


def test_repeated_days_leave_out_what_is_excepted() -> None:
    lines = ("DTSTART;VALUE=DATE:20261104", "RRULE:FREQ=WEEKLY;COUNT=5", "EXDATE;VALUE=DATE:20261202")
    assert busy_times(event(*lines)) == [THE_DAY]


def test_dates_are_left_out_and_added_one_by_one() -> None:
    lines = ("EXDATE;TZID=Europe/Berlin:20261125T090000", "RDATE;TZID=Europe/Berlin:20261127T140000,20261128T140000")
    expected = ["11-27 14:00 – 11-27 15:00", "11-28 14:00 – 11-28 15:00", "12-02 09:00 – 12-02 10:00"]
    assert busy_times(weekly(*lines))[:3] == expected


def test_an_added_span_has_a_length_of_its_own() -> None:
    lines = ("RDATE;VALUE=PERIOD:20261126T130000Z/PT2H,20261127T130000Z/20261127T133000Z",)
    assert busy_times(at_ten(*lines)) == [TEN, "11-26 14:00 – 11-26 16:00", "11-27 14:00 – 11-27 14:30"]


WEDNESDAYS = [f"{on} 09:00 – {on} 10:00" for on in ("11-25", "12-02", "12-09")]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (["STATUS:CANCELLED"], WEDNESDAYS[1:]),
        (["TRANSP:TRANSPARENT"], WEDNESDAYS[1:]),
        (["X-MICROSOFT-CDO-BUSYSTATUS:FREE"], WEDNESDAYS[1:]),
        ([], ["11-26 15:00 – 11-26 16:30", *WEDNESDAYS[1:]]),
    ],
)
def test_one_date_of_a_series_is_cancelled_made_free_or_moved(changed: list[str], expected: list[str]) -> None:
    moved = event(
        "RECURRENCE-ID;TZID=Europe/Berlin:20261125T090000",
        "DTSTART;TZID=Europe/Berlin:20261126T150000",
        "DTEND;TZID=Europe/Berlin:20261126T163000",
        *changed,
    )
    assert busy_times(weekly(), moved) == expected
    assert busy_times(moved, weekly()) == expected


def test_a_date_is_moved_into_the_window_and_out_of_it() -> None:
    into = event("RECURRENCE-ID:20261104T080000Z", "DTSTART:20261127T080000Z", "DTEND:20261127T090000Z")
    out = event("RECURRENCE-ID:20261125T080000Z", "DTSTART:20260901T080000Z", "DTEND:20260901T090000Z")
    assert busy_times(weekly(), into, out) == ["11-27 09:00 – 11-27 10:00", *WEDNESDAYS[1:]]


def test_one_busy_date_of_a_series_that_is_free_counts() -> None:
    busy = event("RECURRENCE-ID:20261125T080000Z", "DTSTART:20261125T080000Z", "DTEND:20261125T090000Z")
    assert busy_times(weekly("TRANSP:TRANSPARENT"), busy) == WEDNESDAYS[:1]


def test_a_long_entry_of_a_series_that_began_before_the_window_reaches_into_it() -> None:
    lines = ("DTSTART:20261116T100000Z", "DTEND:20261124T110000Z", "RRULE:FREQ=MONTHLY;COUNT=1")
    assert busy_times(event(*lines)) == ["11-24 00:00 – 11-24 12:00"]


def test_of_an_entry_that_is_there_twice_the_newer_one_counts() -> None:
    newer = event("SEQUENCE:2", "DTSTART:20261127T090000Z", "DTEND:20261127T100000Z")
    assert busy_times(at_ten("SEQUENCE:1"), newer) == ["11-27 10:00 – 11-27 11:00"]


def test_lists_of_busy_times_count_but_not_the_free_ones_in_them() -> None:
    part = "\r\n".join(
        [
            "BEGIN:VFREEBUSY", "UID:x", "FREEBUSY:20261125T090000Z/PT1H,20261126T090000Z/20261126T100000Z",
            "FREEBUSY;FBTYPE=FREE:20261127T090000Z/PT1H", "FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20261128T090000Z/PT1H",
            "END:VFREEBUSY",
        ]
    )  # fmt: skip
    assert busy_times(part) == [TEN, "11-26 10:00 – 11-26 11:00", "11-28 10:00 – 11-28 11:00"]


def test_tasks_and_journals_take_no_time() -> None:
    task = "BEGIN:VTODO\r\nUID:t\r\nDTSTART:20261125T090000Z\r\nDUE:20261125T100000Z\r\nEND:VTODO"
    assert busy_times(task, task.replace("VTODO", "VJOURNAL")) == []


def test_several_calendars_in_one_file_all_count() -> None:
    later = calendar(event("DTSTART:20261127T090000Z", "DURATION:PT1H", uid="two"))
    found = read_busy(calendar(at_ten()) + later, window=WINDOW, zone=BERLIN, own_host="localhost")
    assert len(found) == 2


def test_lines_may_be_folded_and_end_as_on_any_system() -> None:
    folded = calendar(at_ten()).replace(b"20261125T100000", b"2026112\r\n 5T100000")
    for body in (folded, folded.replace(b"\r\n", b"\n"), b"\xef\xbb\xbf" + folded):
        assert len(read_busy(body, window=WINDOW, zone=BERLIN, own_host="localhost")) == 1


def test_times_that_overlap_or_touch_become_one() -> None:
    parts = [
        event(f"DTSTART:20261125T{hour}0000Z", f"DTEND:20261125T{end}0000Z", uid=hour)
        for hour, end in (("09", "11"), ("10", "12"), ("12", "13"), ("15", "16"))
    ]
    assert busy_times(*parts) == ["11-25 10:00 – 11-25 14:00", "11-25 16:00 – 11-25 17:00"]


@pytest.mark.parametrize("rule", ["FREQ=DAILY;COUNT=1000000000", "FREQ=DAILY;UNTIL=99991231T235959Z"])
def test_a_rule_without_a_near_end_is_read_as_far_as_needed(rule: str) -> None:
    assert len(busy_times(at_ten(f"RRULE:{rule}"))) == 57


def test_an_empty_calendar_is_a_free_one() -> None:
    assert busy_times() == []


@pytest.mark.parametrize(
    ("spans", "expected"),
    [([], []), ([(1, 2), (3, 4)], [(1, 2), (3, 4)]), ([(3, 5), (1, 4)], [(1, 5)]), ([(1, 9), (2, 3)], [(1, 9)])],
)
def test_merged_times_are_disjoint_and_in_order(spans: list[tuple[int, int]], expected: list[tuple[int, int]]) -> None:
    def interval(hours: tuple[int, int]) -> Interval:
        return Interval(*(WINDOW.starts_at + timedelta(hours=each) for each in hours))

    assert merged(map(interval, spans)) == [interval(each) for each in expected]
