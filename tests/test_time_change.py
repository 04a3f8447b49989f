"""Both changes of clocks and the weeks around them: wall times hold, lengths are elapsed time, calendars agree.

Calendar files are read by two parsers that share no code with ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import vobject
from ical.calendar_stream import IcsCalendarStream
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.feeds import make_feed
from scheduler.domain.recurrence import DatedOpening, Rule, dated_openings
from scheduler.feed_calendars import (
    Duty,
    FeedEvent,
    PublicHours,
    Showing,
    appointment_event,
    calendar_bytes,
    duty_event,
    neutral_name,
    opening_event,
    stamp_events,
)
from scheduler.ical import invitation
from scheduler.models import Adviser, Place, Visit

BERLIN = ZoneInfo("Europe/Berlin")
SPRING, AUTUMN = (date(2026, 3, 29), date(2027, 3, 28)), (date(2026, 10, 25), date(2027, 10, 31))
CHANGES = (*SPRING, *AUTUMN)
WEEK = timedelta(days=7)
WEDNESDAY = 2
BASE_URL = "https://termine.example.org"
PLACE = Place(key="buergerbuero", name="Bürgerbüro", address="Marktplatz 1, 12345 Kleinstadt", phone="069 90009-001")
THEN = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


class Read(dict[str, tuple[datetime, datetime]]):
    """Begin and end in UTC of each event of a calendar file, by its UID."""


def read_by_vobject(body: bytes) -> Read:
    events = vobject.readOne(body.decode()).contents.get("vevent", [])
    return Read({each.uid.value: _in_utc(each.dtstart.value, each.dtend.value) for each in events})


def read_by_ical(body: bytes) -> Read:
    events = IcsCalendarStream.calendar_from_ics(body.decode()).events
    return Read({each.uid: _in_utc(each.dtstart, each.dtend) for each in events})


def _in_utc(*instants: datetime) -> tuple[datetime, datetime]:
    assert all(each.tzinfo is not None for each in instants), "a time without zone would float"
    begins, ends = (each.astimezone(UTC) for each in instants)
    return begins, ends


@pytest.fixture(params=[read_by_vobject, read_by_ical])
def read(request: pytest.FixtureRequest) -> Callable[[bytes], Read]:
    found: Callable[[bytes], Read] = request.param
    return found


def daily(from_time: time, until_time: time) -> Rule:
    return Rule(from_time, until_time, valid_from=date(2020, 1, 1), rrule="FREQ=DAILY", staff=("awo-1",))


def around(change_on: date, from_time: time, until_time: time) -> list[DatedOpening]:
    found = dated_openings(daily(from_time, until_time), BERLIN, change_on - WEEK, change_on + WEEK)
    assert len(found) == 15
    return found


def local(at: datetime) -> tuple[date, time]:
    there = at.astimezone(BERLIN)
    return there.date(), there.time()


# Openings


@pytest.mark.parametrize("change_on", CHANGES, ids=str)
@pytest.mark.parametrize(
    ("from_time", "until_time"),
    [
        (time(9), time(12)),
        (time(7, 30), time(15)),
        (time(0), time(1, 59)),
        (time(3), time(4)),
        (time(22), time(23, 59)),
    ],
)
def test_by_day_every_opening_keeps_its_wall_time_and_its_length(
    change_on: date, from_time: time, until_time: time
) -> None:
    length = datetime.combine(change_on, until_time) - datetime.combine(change_on, from_time)
    for each in around(change_on, from_time, until_time):
        assert local(each.starts_at) == (each.on, from_time)
        assert local(each.ends_at) == (each.on, until_time)
        assert each.ends_at - each.starts_at == length


@pytest.mark.parametrize("change_on", CHANGES, ids=str)
def test_over_the_change_an_opening_is_an_hour_shorter_or_longer_that_night_alone(change_on: date) -> None:
    lengths = {each.on: each.ends_at - each.starts_at for each in around(change_on, time(0), time(5))}
    that_night = timedelta(hours=4 if change_on in SPRING else 6)
    assert lengths.pop(change_on) == that_night
    assert set(lengths.values()) == {timedelta(hours=5)}


NIGHTS = [
    # In spring there is no time between 02:00 and 03:00: what lies there moves forward by an hour.
    *((on, *rest) for on in SPRING for rest in (
        ("01:30", "02:30", "00:30", "01:30"),
        ("01:30", "03:30", "00:30", "01:30"),
        ("02:00", "02:30", "01:00", "01:30"),
        ("02:15", "02:45", "01:15", "01:45"),
        ("02:30", "05:00", "01:30", "03:00"),
        # It would end before it begins: all of it moves.
        ("02:30", "03:15", "01:30", "02:15"),
        ("02:30", "03:30", "01:30", "02:30"),
        ("03:00", "04:00", "01:00", "02:00"),
    )),
    # In autumn the time between 02:00 and 03:00 comes twice and means the first.
    *((on, *rest) for on in AUTUMN for rest in (
        ("01:30", "02:30", "23:30", "00:30"),
        ("02:00", "02:30", "00:00", "00:30"),
        ("02:15", "02:45", "00:15", "00:45"),
        ("02:30", "03:30", "00:30", "02:30"),
        ("02:30", "05:00", "00:30", "04:00"),
        ("03:00", "04:00", "02:00", "03:00"),
    )),
]  # fmt: skip
"""Date, from and until in wall time, begin and end in UTC."""


def night_opening(on: date, from_text: str, until_text: str) -> DatedOpening:
    times = time.fromisoformat(from_text), time.fromisoformat(until_text)
    (found,) = dated_openings(daily(*times), BERLIN, on, on)
    return found


@pytest.mark.parametrize(("on", "from_text", "until_text", "begins", "ends"), NIGHTS)
def test_by_night_an_opening_begins_and_ends_as_decided(
    on: date, from_text: str, until_text: str, begins: str, ends: str
) -> None:
    found = night_opening(on, from_text, until_text)
    assert (f"{found.starts_at:%H:%M}", f"{found.ends_at:%H:%M}") == (begins, ends)
    assert timedelta() < found.ends_at - found.starts_at <= timedelta(hours=4)
    assert (found.on, found.original_on) == (on, on)


@pytest.mark.parametrize("on", CHANGES, ids=str)
@pytest.mark.parametrize("days", [-1, 1])
def test_the_nights_before_and_after_are_like_any_other(on: date, days: int) -> None:
    found = night_opening(on + timedelta(days=days), "02:30", "03:15")
    assert local(found.starts_at) == (found.on, time(2, 30))
    assert found.ends_at - found.starts_at == timedelta(minutes=45)


# Calendar files


def sample_openings() -> list[DatedOpening]:
    """Mornings in the weeks around each change, and the nights."""
    mornings = [each for on in CHANGES for each in around(on, time(9), time(12))]
    return mornings + [night_opening(on, begins, ends) for on, begins, ends, *_ in NIGHTS]


OPENINGS = sample_openings()


def appointments(openings: Iterable[DatedOpening]) -> list[Visit]:
    """One at the beginning of each opening, half an hour at most."""
    return [
        Visit(
            id=number,
            kind="appointment",
            state="booked",
            place=PLACE,
            locale="de",
            code="482917305",
            link_epoch=0,
            sequence=0,
            starts_at=each.starts_at,
            ends_at=min(each.starts_at + timedelta(minutes=30), each.ends_at),
            created_at=THEN,
            changed_at=THEN,
        )
        for number, each in enumerate(openings)
    ]


def test_an_appointment_s_own_file_says_the_same_instant_to_every_parser(read: Callable[[bytes], Read]) -> None:
    for visit in appointments(OPENINGS):
        body = invitation(visit, zone=BERLIN, base_url=BASE_URL, secret="s" * 32)
        assert list(read(body).values()) == [(visit.starts_at, visit.ends_at)]


def test_an_appointment_s_own_file_says_the_time_that_clocks_show() -> None:
    said = []
    for on, begins in ((date(2026, 10, 25), "02:30"), (date(2026, 3, 29), "02:30"), (date(2026, 3, 29), "09:00")):
        (visit,) = appointments([night_opening(on, begins, "12:00")])
        body = invitation(visit, zone=BERLIN, base_url=BASE_URL, secret="s" * 32)
        said += re.findall(r"\d+:\d\d", vobject.readOne(body.decode()).vevent.description.value)
    assert said == ["2:30", "3:30", "9:00"]


def feed_of(events: Iterable[FeedEvent]) -> bytes:
    stamped, _told = stamp_events(events, {}, now=THEN, forget_before=THEN, locale="de")
    return calendar_bytes("Sprechstunde", stamped)


def test_an_adviser_s_feed_says_the_same_instants_to_every_parser(read: Callable[[bytes], Read]) -> None:
    duties = [
        Duty(f"hours-{number}/{each.original_on}", each.starts_at, each.ends_at, PLACE, 1)
        for number, each in enumerate(OPENINGS)
    ]
    visits, showing = appointments(OPENINGS), Showing("busy", "de", BASE_URL)
    expected = {f"visit-{each.id}@termine.example.org": (each.starts_at, each.ends_at) for each in visits}
    for each in duties:
        expected[f"duty-{neutral_name(each.public_id, each.key)}@termine.example.org"] = (each.starts_at, each.ends_at)
    events = [*(appointment_event(each, showing) for each in visits), *(duty_event(each, showing) for each in duties)]
    assert read(feed_of(events)) == expected


def test_dates_that_stand_by_themselves_in_a_place_s_feed_say_the_same_instants_to_every_parser(
    read: Callable[[bytes], Read],
) -> None:
    hours = PublicHours("mi", PLACE, "ohne Termin", "", 1)
    events = [
        opening_event(hours, f"mi-{number}/{each.on}", *each.interval, locale="de", base_url=BASE_URL)
        for number, each in enumerate(OPENINGS)
    ]
    assert sorted(read(feed_of(events)).values()) == sorted((each.starts_at, each.ends_at) for each in OPENINGS)


@pytest.mark.parametrize("change_on", CHANGES, ids=str)
def test_a_published_feed_shows_the_session_at_nine_before_and_after_the_change(
    session: Session, read: Callable[[bytes], Read], change_on: date
) -> None:
    adviser = session.scalars(select(Adviser).where(Adviser.key == "awo-1")).one()
    now = datetime.combine(change_on - WEEK, time(9), tzinfo=UTC)
    feed, _token = make_feed(session, adviser, level="busy", base_url=BASE_URL, now=now)
    assert feed.body is not None
    spans = [span for uid, span in read(feed.body).items() if uid.startswith("duty-")]
    near = sorted(each for each in spans if abs(each[0].date() - change_on) < WEEK and each[0].weekday() == WEDNESDAY)
    wednesdays = [change_on - timedelta(days=4), change_on + timedelta(days=3)]
    assert [(local(begins), local(ends)) for begins, ends in near] == [
        ((on, time(9)), (on, time(12))) for on in wednesdays
    ]
    hours = [begins.hour for begins, _ in near]
    assert hours == ([8, 7] if change_on in SPRING else [7, 8])
