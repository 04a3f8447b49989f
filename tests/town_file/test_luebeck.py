"""Lübeck's file: two advisers, each at several places in one week, with dates taken from a calendar by hand."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler import town_file
from scheduler.actions.rulebook import RuleBook, read_rulebook
from scheduler.actions.slots import Question, find_slots
from scheduler.models import Hours, Place
from tests.town_file.small_file import LUEBECK

BERLIN = ZoneInfo("Europe/Berlin")
TURKISH, ARABIC = "diakonie-1", "diakonie-2"

MARCH_2026 = """
02 hudekamp-mo 08:00-10:00
03 diakonie-di 07:30-09:30
03 vhs-di 08:00-10:00
05 diakonie-do 09:00-11:00
09 hudekamp-mo 08:00-10:00
10 diakonie-di 07:30-09:30
10 vhs-di 08:00-10:00
12 diakonie-do 09:00-11:00
16 hudekamp-mo 08:00-10:00
17 diakonie-di 07:30-09:30
17 vhs-di 08:00-10:00
19 diakonie-do 09:00-11:00
23 hudekamp-mo 08:00-10:00
24 diakonie-di 07:30-09:30
24 vhs-di 08:00-10:00
26 diakonie-do 09:00-11:00
30 hudekamp-mo 07:00-09:00
31 diakonie-di 06:30-08:30
31 vhs-di 07:00-09:00
"""
"""In UTC; clocks change on the 29th."""

MAY_2026 = """
04 hudekamp-mo 07:00-09:00
05 diakonie-di 06:30-08:30
05 vhs-di 07:00-09:00
07 diakonie-do 08:00-10:00
11 hudekamp-mo 07:00-09:00
12 diakonie-di 06:30-08:30
12 vhs-di 07:00-09:00
14 diakonie-do Christi Himmelfahrt
18 hudekamp-mo 07:00-09:00
19 diakonie-di 06:30-08:30
19 vhs-di 07:00-09:00
21 diakonie-do 08:00-10:00
25 hudekamp-mo Pfingstmontag
26 diakonie-di 06:30-08:30
26 vhs-di 07:00-09:00
28 diakonie-do 08:00-10:00
"""
"""In UTC, with two public holidays of Schleswig-Holstein."""


@pytest.fixture
def rulebook(session: Session, now: datetime) -> RuleBook:
    town_file.store(session, town_file.read(LUEBECK), now)
    session.expire_all()
    return read_rulebook(session)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [(date(2026, 3, 1), date(2026, 3, 31), MARCH_2026), (date(2026, 5, 1), date(2026, 5, 31), MAY_2026)],
    ids=["March", "May"],
)
def test_a_month_has_the_dates_that_the_office_publishes(
    rulebook: RuleBook, first: date, last: date, expected: str
) -> None:
    lines = []
    for each in rulebook.openings(first, last):
        dated = each.dated
        span = f"{dated.starts_at:%H:%M}-{dated.ends_at:%H:%M}"
        lines.append(f"{dated.on:%d} {each.hours.key} {(dated.closed_because or {'de': span})['de']}")
    assert lines == expected.strip().splitlines()


def test_each_is_at_the_published_place_and_room_with_the_published_languages(rulebook: RuleBook) -> None:
    assert {
        each.hours.key: (
            rulebook.places[each.hours.place_id],
            each.hours.room,
            f"{each.dated.starts_at.astimezone(BERLIN):%a %H:%M}",
            each.dated.staff,
        )
        for each in rulebook.openings(date(2026, 6, 1), date(2026, 6, 7))
    } == {
        "hudekamp-mo": ("hudekamp", "", "Mon 09:00", (ARABIC,)),
        "diakonie-di": ("haus-der-diakonie", "Zimmer 0.03", "Tue 08:30", (ARABIC,)),
        "vhs-di": ("vhs", "Zimmer 0.06", "Tue 09:00", (TURKISH,)),
        "diakonie-do": ("haus-der-diakonie", "Zimmer 0.09", "Thu 10:00", (TURKISH,)),
    }
    assert {key: each.languages for key, each in rulebook.advisers.items()} == {
        TURKISH: {"de", "tr", "en"},
        ARABIC: {"de", "ar", "ku"},
    }


def test_all_of_it_is_without_appointment_and_the_rest_by_telephone(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    assert {each.admits for each in rulebook.hours.values()} == {"walk_in"}
    window = {"from_on": date(2026, 11, 24), "until_on": date(2027, 1, 18), "now": now}
    assert find_slots(session, rulebook, Question(frozenset({"MBE"}), minutes=15), **window) == []
    telephone = session.scalars(select(Hours).where(Hours.admits == "by_arrangement")).one()
    assert (telephone.place.key, telephone.advisers) == ("haus-der-diakonie", [TURKISH, ARABIC])
    assert telephone.place.phone


def test_no_person_and_no_number_of_anybody_is_in_the_file() -> None:
    text = LUEBECK.read_text("utf-8")
    entries = town_file.read(LUEBECK).entries
    assert [each.name for each in entries.adviser] == ["Beratung Diakonie 1", "Beratung Diakonie 2"]
    assert not any(each.email for each in entries.adviser)
    phones = [each.phone for each in (*entries.place, *entries.agency) if each.phone]
    assert phones and all(each.startswith("040 66969-") for each in phones), "the range reserved for fiction"
    assert "not confirmed" in text


def test_places_are_those_that_the_office_publishes(session: Session, rulebook: RuleBook) -> None:
    in_use = select(Place).where(Place.retired_at.is_(None)).order_by(Place.position)
    assert [each.address.split(",")[0] for each in session.scalars(in_use)] == [
        "Falkenplatz 10",
        "Bäckerstraße 3–5",
        "Hudekamp 25a",
    ]
