"""A zone's rules in a calendar: what another reader makes of them is what the zone data says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from icalendar import Timezone, TimezoneStandard
from icalendar.cal.component import Component

from scheduler.time_zones import describe_zone


def parts_of(zone: str, first_year: int = 2026) -> dict[str, list[str]]:
    """By kind, the rule of each part; "RDATE" where its changes are written out."""
    found: dict[str, list[str]] = {}
    for each in describe_zone(ZoneInfo(zone), first_year).subcomponents:
        said = each["RRULE"].to_ical().decode() if "RRULE" in each else "RDATE" if "RDATE" in each else ""
        found.setdefault(each.name, []).append(said)
    return found


def rule(nth_day: str, month: int) -> str:
    return f"FREQ=YEARLY;BYDAY={nth_day};BYMONTH={month}"


@pytest.mark.parametrize(
    ("zone", "daylight", "standard"),
    [
        ("Europe/Berlin", rule("-1SU", 3), rule("-1SU", 10)),
        ("America/New_York", rule("2SU", 3), rule("1SU", 11)),
        ("Australia/Sydney", rule("1SU", 10), rule("1SU", 4)),
        ("Europe/Dublin", rule("-1SU", 3), rule("-1SU", 10)),  # whose data counts winter as the exception
    ],
)
def test_clocks_that_change_by_a_rule_are_said_by_it(zone: str, daylight: str, standard: str) -> None:
    assert parts_of(zone) == {"DAYLIGHT": [daylight], "STANDARD": [standard]}


def test_the_rules_of_berlin_in_full() -> None:
    lines = describe_zone(ZoneInfo("Europe/Berlin"), 2026).to_ical().decode().split("\r\n")
    assert lines[:2] == ["BEGIN:VTIMEZONE", "TZID:Europe/Berlin"]
    summer = lines[lines.index("BEGIN:DAYLIGHT") : lines.index("END:DAYLIGHT")]
    assert {"DTSTART:20250330T020000", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200", "TZNAME:CEST"} <= set(summer)


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "UTC", "Asia/Tehran"])
def test_a_zone_whose_clocks_stand_has_one_part(zone: str) -> None:
    assert parts_of(zone) == {"STANDARD": [""]}


@pytest.mark.parametrize("zone", ["Africa/Casablanca", "Asia/Jerusalem"])
def test_changes_without_a_rule_are_written_out(zone: str) -> None:
    assert "RDATE" in [each for parts in parts_of(zone).values() for each in parts]


@pytest.mark.parametrize(
    "zone",
    [
        "Europe/Berlin", "Europe/Dublin", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Tokyo",
        "Africa/Casablanca", "Asia/Jerusalem", "America/Nuuk", "Pacific/Chatham", "Asia/Kathmandu",
    ],
)  # fmt: skip
@pytest.mark.parametrize("first_year", [2019, 2026])
def test_another_reader_finds_the_same_instants_for_three_years(zone: str, first_year: int) -> None:
    described = Timezone.from_ical(describe_zone(ZoneInfo(zone), first_year).to_ical())
    at, end = datetime(first_year, 1, 2, tzinfo=UTC), datetime(first_year + 3, 1, 1, tzinfo=UTC)
    while at < end:
        expected = at.astimezone(ZoneInfo(zone))
        at += timedelta(hours=11)
        if not expected.fold:  # of a time that comes twice, calendars mean the first
            assert offset_at(described, expected.replace(tzinfo=None)) == expected.utcoffset(), expected


def offset_at(described: Component, wall: datetime) -> timedelta:
    """The offset at a wall time as RFC 5545 has it: that of the part whose change came last."""
    latest: list[tuple[datetime, timedelta]] = []
    for part in described.subcomponents:
        assert isinstance(part, TimezoneStandard) or part.name == "DAYLIGHT"
        latest += [(each, part.TZOFFSETTO) for each in onsets_of(part, wall) if each <= wall]
    return max(latest)[1]


def onsets_of(part: Component, until: datetime) -> list[datetime]:
    begins: datetime = part["DTSTART"].dt
    written = part.get("RDATE", [])
    found = [begins, *(each.dts[0].dt for each in (written if isinstance(written, list) else [written]))]
    if "RRULE" in part:
        found += rrulestr(part["RRULE"].to_ical().decode(), dtstart=begins).between(begins, until, inc=True)
    return found
