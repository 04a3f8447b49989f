"""Office hours as offices publish them, each with one month of dates and UTC times taken from a calendar by hand.

The months are those in which something comes between: a public holiday of that federal state, the change of clocks,
or the first or last day of a regime. Lübeck's hours are tested through the town file that is shipped.
"""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import NamedTuple

import pytest

from scheduler.domain.recurrence import Rule
from tests.domain.office_hours import openings, rule


class Published(NamedTuple):
    """`held`: one line a date, its times in UTC; `closed`: dates that do not take place, and why."""

    text: str
    rules: tuple[Rule, ...]
    month: str
    held: str
    closed: str = ""


def weekly(state: str, days: str, from_time: str, until_time: str, **validity: date) -> Rule:
    settings = {"valid_from": date(2020, 1, 1), **validity}
    begins, ends = time.fromisoformat(from_time), time.fromisoformat(until_time)
    return rule(rrule=f"FREQ=WEEKLY;BYDAY={days}", from_time=begins, until_time=ends, state=state, **settings)


PUBLISHED: dict[str, Published] = {
    "Offenbach, five carriers in the Bürgerbüro": Published(
        "wöchentliche Sprechstunde mittwochs von 9.00 bis 12.00 Uhr",
        (weekly("HE", "WE", "09:00", "12:00"),),
        "2026-10",  # clocks change on the 25th
        """
        2026-10-07 07:00-10:00
        2026-10-14 07:00-10:00
        2026-10-21 07:00-10:00
        2026-10-28 08:00-11:00
        """,
    ),
    "Frankfurt (Oder), youth migration service": Published(
        "Dienstag und Donnerstag 9:00 - 12:00 Uhr, 13:00 - 16:00 Uhr; individuelle Terminvereinbarung ist möglich",
        (weekly("BB", "TU,TH", "09:00", "12:00"), weekly("BB", "TU,TH", "13:00", "16:00")),
        "2024-10",  # both holidays are Thursdays; clocks change on the 27th
        """
        2024-10-01 07:00-10:00 11:00-14:00
        2024-10-08 07:00-10:00 11:00-14:00
        2024-10-10 07:00-10:00 11:00-14:00
        2024-10-15 07:00-10:00 11:00-14:00
        2024-10-17 07:00-10:00 11:00-14:00
        2024-10-22 07:00-10:00 11:00-14:00
        2024-10-24 07:00-10:00 11:00-14:00
        2024-10-29 08:00-11:00 12:00-15:00
        """,
        "2024-10-03 Tag der Deutschen Einheit; 2024-10-31 Reformationstag",
    ),
    "Krefeld": Published(
        "offene Sprechstunde dienstags von 10:30 Uhr bis 13:00 Uhr",
        (weekly("NW", "TU", "10:30", "13:00"),),
        "2023-10",  # the 31st is a holiday elsewhere; clocks change on the 29th
        """
        2023-10-10 08:30-11:00
        2023-10-17 08:30-11:00
        2023-10-24 08:30-11:00
        2023-10-31 09:30-12:00
        """,
        "2023-10-03 Tag der Deutschen Einheit",
    ),
    "Wolfenbüttel": Published(
        "ab Februar, immer donnerstags von 9.30 bis 13 Uhr",
        (weekly("NI", "TH", "09:30", "13:00", valid_from=date(2024, 2, 1)),),
        "2024-02",  # begins and ends with a Thursday: the regime's first day, and a 29 February
        """
        2024-02-01 08:30-12:00
        2024-02-08 08:30-12:00
        2024-02-15 08:30-12:00
        2024-02-22 08:30-12:00
        2024-02-29 08:30-12:00
        """,
    ),
    "Lorsch": Published(
        "Dienstag und Donnerstag von 10 – 12 Uhr, auch an Dienstagnachmittagen von 16 – 18 Uhr",
        (weekly("HE", "TU,TH", "10:00", "12:00"), weekly("HE", "TU", "16:00", "18:00")),
        "2026-06",
        """
        2026-06-02 08:00-10:00 14:00-16:00
        2026-06-09 08:00-10:00 14:00-16:00
        2026-06-11 08:00-10:00
        2026-06-16 08:00-10:00 14:00-16:00
        2026-06-18 08:00-10:00
        2026-06-23 08:00-10:00 14:00-16:00
        2026-06-25 08:00-10:00
        2026-06-30 08:00-10:00 14:00-16:00
        """,
        "2026-06-04 Fronleichnam",
    ),
    "Holzwickede": Published(
        "jeden Donnerstag von 17 - 19 Uhr",
        (weekly("NW", "TH", "17:00", "19:00"),),
        "2027-05",
        """
        2027-05-13 15:00-17:00
        2027-05-20 15:00-17:00
        """,
        "2027-05-06 Christi Himmelfahrt; 2027-05-27 Fronleichnam",
    ),
    "Speyer": Published(
        "testweise dienstags von 7.30 bis 15 Uhr und mittwochs von 7.30 bis 12 Uhr ohne vorherige Terminvereinbarung",
        tuple(
            weekly("RP", day, "07:30", until, valid_from=date(2023, 10, 1), valid_until=date(2023, 11, 22))
            for day, until in (("TU", "15:00"), ("WE", "12:00"))
        ),
        "2023-11",  # the trial ends on a Wednesday
        """
        2023-11-07 06:30-14:00
        2023-11-08 06:30-11:00
        2023-11-14 06:30-14:00
        2023-11-15 06:30-11:00
        2023-11-21 06:30-14:00
        2023-11-22 06:30-11:00
        """,
        "2023-11-01 Allerheiligen",
    ),
    "Filderstadt": Published(
        "ab 7. Juli immer nur donnerstags von 8 bis 12 Uhr und von 14 bis 18 Uhr ohne Voranmeldung",
        tuple(
            weekly("BW", "TH", begins, ends, valid_from=date(2022, 7, 7))
            for begins, ends in (("08:00", "12:00"), ("14:00", "18:00"))
        ),
        "2022-07",  # the 7th is a Thursday
        """
        2022-07-07 06:00-10:00 12:00-16:00
        2022-07-14 06:00-10:00 12:00-16:00
        2022-07-21 06:00-10:00 12:00-16:00
        2022-07-28 06:00-10:00 12:00-16:00
        """,
    ),
}


@pytest.mark.parametrize("published", PUBLISHED.values(), ids=PUBLISHED)
def test_published_hours_have_the_dates_of_that_month(published: Published) -> None:
    first = date.fromisoformat(f"{published.month}-01")
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    found = [each for of in published.rules for each in openings(of, first, last)]
    spans: dict[str, list[str]] = {}
    for each in sorted(found, key=lambda each: each.starts_at):
        if each.takes_place:
            assert each.starts_at.date() == each.ends_at.date() == each.on
            spans.setdefault(str(each.on), []).append(f"{each.starts_at:%H:%M}-{each.ends_at:%H:%M}")
    assert [" ".join([on, *times]) for on, times in spans.items()] == [
        line.strip() for line in published.held.strip().splitlines()
    ]
    closed = {f"{each.on} {each.closed_because['de']}" for each in found if each.closed_because}
    assert closed == set(filter(None, published.closed.split("; ")))


@pytest.mark.parametrize(
    ("name", "from_on", "until_on"),
    [
        ("Wolfenbüttel", date(2023, 1, 1), date(2024, 1, 31)),
        ("Speyer", date(2023, 11, 23), date(2024, 12, 31)),
        ("Filderstadt", date(2022, 1, 1), date(2022, 7, 6)),
    ],
)
def test_a_regime_has_no_dates_before_it_begins_or_after_it_has_ended(name: str, from_on: date, until_on: date) -> None:
    assert [openings(of, from_on, until_on) for of in PUBLISHED[name].rules] == [[]] * len(PUBLISHED[name].rules)
