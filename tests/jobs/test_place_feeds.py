"""A place's public calendar: made and published by the jobs process, renewed with the rules and at midnight."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import recurring_ical_events
from icalendar import Calendar, Event
from sqlalchemy import select, update

from jobs.feeds import publish_stale
from scheduler.actions.feeds import draft_feed, make_place_feed, stale_feeds, store_draft
from scheduler.db import Database
from scheduler.models import Feed, Hours, HoursException, Place, Town
from scheduler.texts import translations_for
from tests.actions.small_town import NEXT_WEDNESDAY, SESSION, WEDNESDAY, change_date, hours_of, place_of
from tests.conftest import NOW
from tests.jobs.samples import adviser, book_visit, changing, work_at

LOCAL_MIDNIGHT = datetime(2026, 11, 24, 23, 0, tzinfo=UTC)
CANCELLED = translations_for("de").gettext("Cancelled: %(what)s")
SUMMARY = f"{translations_for('de').gettext('Consultation hours')} · Bürgerbüro"


def publish(database: Database, at: datetime = NOW) -> None:
    publish_stale(work_at(database, Path("unused"), at))


def stored(database: Database, place: str = "buergerbuero") -> Feed:
    with changing(database) as session:
        return session.scalars(select(Feed).where(Feed.place_id == place_of(session, place).id)).one()


def body(database: Database, at: datetime = NOW) -> bytes:
    """The calendar of the Bürgerbüro after one round of the jobs process."""
    publish(database, at)
    found = stored(database).body
    assert found is not None
    return found


def events(body: bytes, from_on: date = date(2026, 1, 1), until_on: date = date(2028, 12, 31)) -> dict[str, Event]:
    """What a calendar app shows, by day and hour in UTC of its beginning: each date of what repeats by itself."""
    found = recurring_ical_events.of(Calendar.from_ical(body)).between(from_on, until_on)
    return {in_utc(each, "dtstart").strftime("%Y-%m-%d %H:%M"): each for each in found}


def components(body: bytes) -> dict[str, Event]:
    """The events as they stand in the file, by UID without the host."""
    return {str(each["uid"]).partition("@")[0]: each for each in Calendar.from_ical(body).walk("VEVENT")}


def in_utc(event: Event, name: str) -> datetime:
    at: datetime = event.decoded(name)
    return at.astimezone(UTC)


def is_stale(database: Database, at: datetime = NOW) -> bool:
    feed_id = stored(database).id
    with database.reading() as session:
        return feed_id in stale_feeds(session, at)


def change(database: Database, on: date, kind: Any, **what: Any) -> None:
    """Somebody changes a date on the day: the rules have a new revision."""
    with changing(database) as session:
        change_date(session, on, kind, **what)
        session.execute(update(Town).values(rules_revision=Town.rules_revision + 1))


def test_the_first_round_makes_and_publishes_a_calendar_for_each_place(database: Database) -> None:
    publish(database)
    with database.reading() as session:
        feeds = session.execute(select(Place.key, Feed.body.is_not(None)).join(Feed.place).order_by(Place.key)).all()
    assert feeds == [("awo-buero", True), ("buergerbuero", True)]
    publish(database, NOW + timedelta(days=1))
    with database.reading() as session:
        assert len(session.scalars(select(Feed.id)).all()) == 2


def test_two_jobs_processes_make_one_calendar(database: Database) -> None:
    with changing(database) as session:
        for _ in range(2):
            make_place_feed(session, place_of(session).id, NOW)
        assert len(session.scalars(select(Feed)).all()) == 1


def test_a_retired_place_gets_no_calendar_and_its_old_one_rests(database: Database) -> None:
    publish(database)
    with changing(database) as session:
        place_of(session).retired_at = NOW
        session.execute(update(Town).values(rules_revision=Town.rules_revision + 1))
    assert not is_stale(database, NOW + timedelta(days=1))
    with changing(database) as session:
        session.execute(Feed.__table__.delete())
    publish(database)
    with database.reading() as session:
        assert session.scalars(select(Place.key).join(Feed, Feed.place_id == Place.id)).all() == ["awo-buero"]


def test_office_hours_are_one_event_that_repeats_in_the_town_s_own_time(database: Database) -> None:
    found = body(database)
    event = components(found)["hours-buergerbuero-mi"]
    lines = event.to_ical().decode().split("\r\n")
    assert {
        "DTSTART;TZID=Europe/Berlin:20260107T090000",
        "DTEND;TZID=Europe/Berlin:20260107T120000",
        "RRULE:FREQ=WEEKLY;UNTIL=20271231T225959Z;BYDAY=WE",
        "EXDATE;TZID=Europe/Berlin:20261230T090000",
        "TRANSP:TRANSPARENT",
    } <= set(lines)
    assert (event["summary"], event["status"]) == (SUMMARY, "CONFIRMED")
    assert event["location"] == "Bürgerbüro, Marktplatz 1, 12345 Kleinstadt"
    assert event["url"] == "http://localhost/places/buergerbuero"
    assert "069 90009-001" in event["description"]
    assert translations_for("de").gettext("with or without appointment") in event["description"]
    assert found.count(b"BEGIN:VTIMEZONE") == 1


def test_it_shows_each_wednesday_of_this_year_and_the_next_and_no_other_place(database: Database) -> None:
    found = [key for key, each in events(body(database)).items() if each["status"] == "CONFIRMED"]
    assert [min(found), max(found), len(found)] == ["2026-01-07 08:00", "2027-12-29 08:00", 51 + 52]
    assert not any(key.startswith("2026-11-26") for key in found)  # Thursdays are another place's


def test_closed_dates_are_cancelled_and_say_so_in_their_name_and_why(database: Database) -> None:
    change(database, WEDNESDAY, "cancelled", reason="Fortbildung")
    found = events(body(database))
    for begins, reason in (("2026-11-25 08:00", "Fortbildung"), ("2026-12-30 08:00", "Weihnachtsferien")):
        event = found[begins]
        assert (event["status"], event["summary"]) == ("CANCELLED", CANCELLED % {"what": SUMMARY})
        assert event["description"].startswith(reason)
    assert found["2026-12-02 08:00"]["status"] == "CONFIRMED"


@pytest.mark.parametrize(("days_before", "shown"), [(57, 0), (56, 1), (-14, 1), (-15, 0)])
def test_a_cancelled_date_is_said_eight_weeks_ahead_and_two_weeks_after(
    database: Database, days_before: int, shown: int
) -> None:
    change(database, WEDNESDAY, "cancelled")
    at = datetime(2026, 11, 25, 12, 0, tzinfo=UTC) - timedelta(days=days_before)
    found = body(database, at)
    assert len([uid for uid in components(found) if uid == "opening-buergerbuero-mi-2026-11-25"]) == shown
    assert "CONFIRMED" not in [str(each["status"]) for key, each in events(found).items() if key[:10] == "2026-11-25"]


def test_a_date_held_at_other_times_stands_by_itself_under_its_own_name(database: Database) -> None:
    before = components(body(database))["hours-buergerbuero-mi"]
    change(database, NEXT_WEDNESDAY, "moved", held_on=date(2026, 12, 3), from_time=time(10))
    change(database, date(2027, 7, 7), "moved", until_time=time(11))
    change(database, date(2027, 7, 10), "added")
    found = body(database)
    moved = components(found)["opening-buergerbuero-mi-2026-12-02"]
    assert moved.decoded("dtstart") == datetime(2026, 12, 3, 9, 0, tzinfo=UTC)
    assert (str(moved["status"]), in_utc(moved, "dtend")) == ("CONFIRMED", datetime(2026, 12, 3, 11, 0, tzinfo=UTC))
    assert components(found)["hours-buergerbuero-mi"]["sequence"] > before["sequence"]
    shown = events(found)
    assert "2026-12-02 08:00" not in shown
    assert in_utc(shown["2027-07-07 07:00"], "dtend") == datetime(2027, 7, 7, 9, 0, tzinfo=UTC)
    assert shown["2027-07-14 07:00"]["uid"] == before["uid"]
    assert shown["2027-07-10 07:00"]["uid"] == components(found)["opening-buergerbuero-mi-2027-07-10"]["uid"]


def test_a_date_moved_twice_keeps_its_name_and_raises_its_sequence(database: Database) -> None:
    sequences = []
    for hour in (10, 11):
        with changing(database) as session:
            session.execute(HoursException.__table__.delete())
            session.expire_all()
        change(database, NEXT_WEDNESDAY, "moved", from_time=time(hour))
        sequences.append(int(components(body(database))["opening-buergerbuero-mi-2026-12-02"]["sequence"]))
    assert sequences[1] > sequences[0]


def test_the_stamps_of_hours_that_stay_as_they_are_stay_too(database: Database) -> None:
    before = components(body(database))["hours-buergerbuero-mi"].to_ical()
    with changing(database) as session:
        session.execute(update(Town).values(rules_revision=Town.rules_revision + 3))  # of other hours
    assert components(body(database, NOW + timedelta(days=30)))["hours-buergerbuero-mi"].to_ical() == before


def test_the_bytes_move_with_the_year_and_not_with_the_day(database: Database) -> None:
    change(database, date(2026, 12, 30), "moved", from_time=time(9))  # nothing is closed near the days that follow
    days = [NOW + timedelta(days=each) for each in (0, 1, 30)]
    assert len({body(database, each) for each in days}) == 1
    new_year = body(database, datetime(2027, 1, 1, 9, 0, tzinfo=UTC))
    assert "DTSTART;TZID=Europe/Berlin:20270106T090000" in new_year.decode()


def test_hours_with_dates_alone_stand_date_by_date_in_utc(database: Database) -> None:
    with changing(database) as session:
        hours = hours_of(session, SESSION)
        hours.rrule, hours.dates = None, ["2026-12-02", "2027-07-01"]
        session.execute(update(Town).values(rules_revision=Town.rules_revision + 1))
    found = body(database)
    assert b"TZID" not in found and b"RRULE" not in found
    assert sorted(events(found)) == ["2026-12-02 08:00", "2027-07-01 07:00"]


def test_it_is_stale_when_the_rules_have_a_new_revision_and_after_that_no_more(database: Database) -> None:
    publish(database)
    assert not is_stale(database)
    change(database, WEDNESDAY, "cancelled")
    assert is_stale(database)
    publish(database)
    assert not is_stale(database)


def test_it_is_renewed_after_the_towns_midnight(database: Database) -> None:
    publish(database)
    assert not is_stale(database, LOCAL_MIDNIGHT - timedelta(seconds=1))
    assert is_stale(database, LOCAL_MIDNIGHT)
    publish(database, LOCAL_MIDNIGHT)
    assert not is_stale(database, LOCAL_MIDNIGHT)


def test_visits_and_what_advisers_do_leave_it_as_it_is(database: Database) -> None:
    before = body(database)
    with changing(database) as session:
        book_visit(session)
        adviser(session).name = "Somebody else"
    assert not is_stale(database)
    with changing(database) as session:
        session.get_one(Feed, stored(database).id).published_at = None  # published once more, for no reason
    assert body(database, NOW + timedelta(hours=5)) == before


def test_the_bytes_are_the_same_while_nothing_changes_and_the_etag_with_them(database: Database) -> None:
    first, etag = body(database), stored(database).etag
    with changing(database) as session:
        session.execute(update(Feed).values(published=0))
    assert body(database, NOW + timedelta(hours=3)) == first
    assert stored(database).etag == etag


def test_a_change_while_it_is_built_is_not_lost(database: Database) -> None:
    publish(database)
    with database.reading() as session:
        draft = draft_feed(session, stored(database).id, base_url="http://localhost", now=NOW)
    change(database, WEDNESDAY, "cancelled")
    with changing(database) as session:
        store_draft(session, draft, NOW)
    assert is_stale(database)
    assert events(body(database))["2026-11-25 08:00"]["status"] == "CANCELLED"
    with changing(database) as session:
        store_draft(session, draft, NOW)  # a slow process comes late with the older bytes
    assert events(body(database))["2026-11-25 08:00"]["status"] == "CANCELLED"


def test_by_arrangement_and_an_adviser_s_own_appointment_are_no_open_hours(database: Database) -> None:
    with changing(database) as session:
        hours_of(session, SESSION).admits = "by_arrangement"
    assert events(body(database)) == {}
    with changing(database) as session:
        session.execute(update(Hours).values(admits="appointment", own_adviser_id=adviser(session).id))
        session.execute(update(Town).values(rules_revision=Town.rules_revision + 1))
    assert events(body(database)) == {}


@pytest.mark.parametrize(
    ("at", "begins"),
    [
        (datetime(2027, 3, 20, 9, 0, tzinfo=UTC), ["2027-03-24 08:00", "2027-03-28 07:00", "2027-03-31 07:00"]),
        (datetime(2026, 10, 15, 9, 0, tzinfo=UTC), ["2026-10-21 07:00", "2026-10-25 08:00", "2026-10-28 08:00"]),
    ],
)
def test_the_time_of_day_stays_over_both_changes_of_the_clock(
    database: Database, at: datetime, begins: list[str]
) -> None:
    with changing(database) as session:
        hours_of(session).rrule = "FREQ=WEEKLY;BYDAY=WE,SU"
    assert set(begins) <= events(body(database, at)).keys()


def test_lines_are_what_calendar_apps_take(database: Database) -> None:
    with changing(database) as session:
        place_of(session).name = "مكتب خدمات المواطنين " * 5
    found = body(database)
    assert found.endswith(b"END:VCALENDAR\r\n")
    lines = found.removesuffix(b"\r\n").split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert not any(b"\r" in each or b"\n" in each for each in lines)
    assert b"UID" not in found.split(b"BEGIN:VEVENT")[0]
