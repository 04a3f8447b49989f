"""What no parser complains about, and calendar apps stumble over: the bytes themselves."""

from __future__ import annotations

from collections import Counter

import pytest
from icalendar import Calendar

from tests.calendars.conftest import Calendars
from tests.calendars.sunday_town import FEEDS

every_calendar = pytest.mark.parametrize("name", [*FEEDS, "client"])


def unfolded(body: bytes) -> list[str]:
    return body.decode().replace("\r\n ", "").split("\r\n")


@every_calendar
def test_lines_end_in_crlf_and_have_at_most_75_octets(calendars: Calendars, name: str) -> None:
    body = calendars.bodies[name]
    assert body.endswith(b"END:VCALENDAR\r\n")
    lines = body.removesuffix(b"\r\n").split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert [each for each in lines if b"\r" in each or b"\n" in each or not each] == []


@every_calendar
def test_no_letter_is_cut_in_two(calendars: Calendars, name: str) -> None:
    for line in calendars.bodies[name].split(b"\r\n"):
        line.decode()  # raises where a line ends within a letter


@pytest.mark.parametrize("name", FEEDS)
def test_a_feed_says_its_name_and_how_often_to_come_but_has_no_uid_of_its_own(calendars: Calendars, name: str) -> None:
    body = calendars.bodies[name]
    head = [each for each in unfolded(body.split(b"BEGIN:V")[1]) if each]
    names = [each.partition(":")[0] for each in head[1:]]
    assert {"NAME", "REFRESH-INTERVAL;VALUE=DURATION", "X-PUBLISHED-TTL", "PRODID", "VERSION"} <= set(names)
    assert "UID" not in names
    assert len(names) == len(set(names))


@every_calendar
def test_every_event_can_be_recognised_and_told_from_its_older_self(calendars: Calendars, name: str) -> None:
    events = Calendar.from_ical(calendars.bodies[name]).walk("VEVENT")
    for event in events:
        assert {"UID", "DTSTAMP", "SEQUENCE", "LAST-MODIFIED", "DTSTART", "DTEND", "SUMMARY"} <= set(event)
    again = Counter((str(each["UID"]), str(each.get("RECURRENCE-ID", ""))) for each in events)
    assert set(again.values()) == {1}


@every_calendar
def test_every_zone_that_is_named_is_explained(calendars: Calendars, name: str) -> None:
    lines = unfolded(calendars.bodies[name])
    named = {each.partition("TZID=")[2].partition(":")[0] for each in lines if ";TZID=" in each}
    explained = {each.partition(":")[2] for each in lines if each.startswith("TZID:")}
    assert named == explained
    assert lines.count("BEGIN:VTIMEZONE") == len(explained)
