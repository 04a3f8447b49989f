"""Every calendar in four parsers that share no code with ours or with each other: each instant is the same in all.

Summer, winter, the night that has half past two twice and the night that has none; single appointments and the whole
year of a place's recurring hours.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from scheduler.actions.feed_contents import SHOWS_AHEAD
from tests.calendars.conftest import Calendars
from tests.calendars.readers import READERS, Read, Seen
from tests.calendars.sunday_town import APPOINTMENT_FEEDS, FEEDS, PLACE_FEEDS, PUBLISHED_AT, Occurrence

by_every_parser = pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)


def visits_in(seen: list[Seen]) -> list[Seen]:
    return [each for each in seen if each.uid.startswith("visit-")]


@pytest.mark.parametrize("feed", [*FEEDS, "client"])
def test_all_parsers_see_the_same_instants(calendars: Calendars, feed: str) -> None:
    first, *others = (read(calendars.bodies[feed]) for read in READERS)
    assert first
    assert others == [first] * 3


@pytest.mark.parametrize("feed", APPOINTMENT_FEEDS)
@by_every_parser
def test_appointments_stand_at_their_instant_once(calendars: Calendars, feed: str, read: Read) -> None:
    seen = visits_in(read(calendars.bodies[feed]))
    booked = sorted(each.when for each in seen if not each.is_cancelled)
    assert booked == sorted(calendars.published.booked)
    assert len({each.uid for each in seen}) == len(seen)
    if feed.startswith("adviser"):
        assert [each.when for each in seen if each.is_cancelled] == [calendars.published.cancelled]


@by_every_parser
def test_a_client_s_own_file_stands_at_the_second_half_past_two(calendars: Calendars, read: Read) -> None:
    [seen] = read(calendars.bodies["client"])
    assert (seen.when, seen.is_cancelled) == (calendars.published.booked[1], False)


@pytest.mark.parametrize("feed", PLACE_FEEDS)
@by_every_parser
def test_a_place_s_whole_year_is_what_the_rules_say(calendars: Calendars, feed: str, read: Read) -> None:
    seen = read(calendars.bodies[feed])
    assert sorted(each.when for each in seen if not each.is_cancelled) == sorted(calendars.published.openings[feed])


@by_every_parser
def test_duties_stand_at_their_instant(calendars: Calendars, read: Read) -> None:
    until = PUBLISHED_AT + SHOWS_AHEAD - timedelta(days=1)
    at_half_past_two = calendars.published.booked[0].starts_at  # then a colleague is on duty elsewhere
    openings = set().union(*calendars.published.openings.values())
    expected = {each for each in openings if each.starts_at < until and each.starts_at != at_half_past_two}
    duties = [each for each in read(calendars.bodies["adviser-busy"]) if each.uid.startswith("duty-")]
    assert expected == {each.when for each in duties if each.starts_at < until}


def test_the_hour_that_comes_twice_is_two_appointments(calendars: Calendars) -> None:
    first, second = calendars.published.booked[:2]
    assert second == Occurrence(*(each + timedelta(hours=1) for each in first))
