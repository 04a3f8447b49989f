"""Real calendar apps subscribed to the running application: vdirsyncer + khal over HTTP, and calcurse.

On SQLite alone: which database holds a feed changes nothing in its bytes (tests/calendars/test_parsers.py compares
them on both), and each of these programs takes a second to start.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

import pytest
import time_machine

from tests.actions.small_town import BERLIN
from tests.browser.conftest import serve
from tests.calendars.clients import CALCURSE_MISSING, CalendarApp, Listed, has_calcurse, list_by_calcurse
from tests.calendars.conftest import Published, copy_sqlite, publish_town
from tests.calendars.readers import read_by_icalendar
from tests.calendars.sunday_town import APPOINTMENT_FEEDS, FEEDS, PLACE_FEEDS, PUBLISHED_AT, Occurrence

CALENDARS = (*FEEDS, "client")
needs_calcurse = pytest.mark.skipif(not has_calcurse(), reason=CALCURSE_MISSING)


class Shown(NamedTuple):
    """What khal lists of every calendar after one sync, and the bytes that an app gets at each address."""

    published: Published
    app: CalendarApp
    listed: dict[str, list[Listed]]
    fetched: dict[str, bytes]


@pytest.fixture(scope="module")
def shown(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    with copy_sqlite(sqlite_template, tmp_path_factory) as url:
        published = publish_town(url)
        with time_machine.travel(PUBLISHED_AT), serve(url) as base_url:
            addresses = {name: base_url + path for name, path in published.paths.items()}
            app = CalendarApp(tmp_path_factory.mktemp("app"), addresses)
            app.sync()
            fetched = {name: _fetch(address) for name, address in addresses.items()}
        yield Shown(published, app, app.list_year(), fetched)


def _fetch(address: str) -> bytes:
    with urlopen(address) as answer:
        return answer.read()


def read(body: bytes) -> list[tuple[Occurrence, bool]]:
    """When, and whether it is cancelled."""
    return sorted((each.when, each.is_cancelled) for each in read_by_icalendar(body))


def told(listed: Iterable[Listed]) -> list[tuple[Occurrence, bool]]:
    return sorted((each.when, each.is_cancelled) for each in listed)


def at_hard_hours(shown: Shown, listed: list[Listed]) -> list[Occurrence]:
    return sorted(each.when for each in listed if each.when in shown.published.booked)


@pytest.mark.parametrize("feed", APPOINTMENT_FEEDS)
def test_khal_lists_each_appointment_once_at_its_instant(shown: Shown, feed: str) -> None:
    assert at_hard_hours(shown, shown.listed[feed]) == sorted(shown.published.booked)


@pytest.mark.parametrize("calendar", CALENDARS)
def test_khal_lists_what_the_parsers_read(shown: Shown, calendar: str) -> None:
    assert told(shown.listed[calendar]) == read(shown.fetched[calendar])


@pytest.mark.parametrize("feed", PLACE_FEEDS)
def test_khal_lists_a_place_s_whole_year_as_the_rules_say(shown: Shown, feed: str) -> None:
    held = sorted(each.when for each in shown.listed[feed] if not each.is_cancelled)
    assert held == sorted(shown.published.openings[feed])


@needs_calcurse
@pytest.mark.parametrize("calendar", [*APPOINTMENT_FEEDS, "client"])
def test_calcurse_shows_each_appointment_at_its_instant(shown: Shown, calendar: str, tmp_path: Path) -> None:
    listed = list_by_calcurse(tmp_path, shown.fetched[calendar], "UTC")
    expected = shown.published.booked if calendar != "client" else shown.published.booked[1:2]
    assert at_hard_hours(shown, listed) == sorted(expected)
    assert told(set(listed)) == read(shown.fetched[calendar])  # what goes over midnight stands there on both days


@needs_calcurse
@pytest.mark.parametrize("feed", PLACE_FEEDS)
def test_calcurse_shows_a_place_s_whole_year_as_the_rules_say(shown: Shown, feed: str, tmp_path: Path) -> None:
    """In the town's own zone, by the clock on the wall: calcurse repeats by it, and keeps nothing else in its file.

    So it cannot tell the two half past twos apart.
    """
    listed = list_by_calcurse(tmp_path, shown.fetched[feed], "Europe/Berlin")
    held = [on_the_wall(each.when) for each in listed if not each.is_cancelled]
    expected = [on_the_wall(each) for each in shown.published.openings[feed]]
    assert sorted(held) == sorted(expected)


def on_the_wall(when: Occurrence) -> list[str]:
    return [f"{each.astimezone(BERLIN):%Y-%m-%d %H:%M}" for each in when]
