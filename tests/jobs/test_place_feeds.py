"""A place's public calendar: made and published by the jobs process, renewed with the rules and at midnight."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import vobject
from ical.calendar_stream import IcsCalendarStream
from icalendar import Calendar, Event
from sqlalchemy import select, update

from jobs.feeds import publish_stale
from scheduler.actions.feeds import draft_feed, find_place_feed, make_place_feed, stale_feeds, store_draft
from scheduler.db import Database
from scheduler.models import Feed, Hours, Place, Town
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
        feed = find_place_feed(session, place_of(session, place))
        assert feed is not None
        return feed


def body(database: Database, at: datetime = NOW) -> bytes:
    """The calendar of the Bürgerbüro after one round of the jobs process."""
    publish(database, at)
    found = stored(database).body
    assert found is not None
    return found


def events(body: bytes) -> dict[str, Event]:
    """By day and hour in UTC of their beginning."""
    return {
        each.decoded("dtstart").strftime("%Y-%m-%d %H:%M"): each for each in Calendar.from_ical(body).walk("VEVENT")
    }


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


def test_it_holds_the_dated_openings_of_this_place_from_two_weeks_ago_to_eight_weeks_ahead(database: Database) -> None:
    found = events(body(database))
    assert [min(found), max(found)] == ["2026-11-11 08:00", "2027-01-13 08:00"]
    assert len(found) == 10
    event = found["2026-11-25 08:00"]
    assert (event["uid"], event["summary"], event["status"]) == (
        "opening-buergerbuero-mi-2026-11-25@localhost",
        SUMMARY,
        "CONFIRMED",
    )
    assert event["location"] == "Bürgerbüro, Marktplatz 1, 12345 Kleinstadt"
    assert event.decoded("dtend") == datetime(2026, 11, 25, 11, 0, tzinfo=UTC)
    assert event["url"] == "http://localhost/places/buergerbuero"
    assert event["transp"] == "TRANSPARENT"
    assert "069 90009-001" in event["description"]
    assert translations_for("de").gettext("with or without appointment") in event["description"]


def test_closed_dates_are_cancelled_and_say_so_in_their_name_and_why(database: Database) -> None:
    change(database, WEDNESDAY, "cancelled", reason="Fortbildung")
    found = events(body(database))
    for begins, reason in (("2026-11-25 08:00", "Fortbildung"), ("2026-12-30 08:00", "Weihnachtsferien")):
        event = found[begins]
        assert (event["status"], event["summary"]) == ("CANCELLED", CANCELLED % {"what": SUMMARY})
        assert event["description"].startswith(reason)
    assert found["2026-12-02 08:00"]["status"] == "CONFIRMED"


def test_a_moved_date_keeps_its_uid_and_has_a_higher_sequence(database: Database) -> None:
    before = events(body(database))["2026-12-02 08:00"]
    change(database, NEXT_WEDNESDAY, "moved", held_on=date(2026, 12, 3), from_time=time(10))
    found = events(body(database))
    assert "2026-12-02 08:00" not in found
    after = found["2026-12-03 09:00"]
    assert after["uid"] == before["uid"]
    assert after["sequence"] == before["sequence"] + 1
    assert after["status"] == "CONFIRMED"


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
        (datetime(2027, 3, 20, 9, 0, tzinfo=UTC), ["2027-03-24 08:00", "2027-03-31 07:00"]),
        (datetime(2026, 10, 15, 9, 0, tzinfo=UTC), ["2026-10-21 07:00", "2026-10-28 08:00"]),
    ],
)
def test_the_time_of_day_stays_over_both_changes_of_the_clock(
    database: Database, at: datetime, begins: list[str]
) -> None:
    assert set(begins) <= events(body(database, at)).keys()


def test_other_parsers_read_the_same(database: Database) -> None:
    change(database, WEDNESDAY, "cancelled", reason="Fortbildung, ganztägig; bis 12 Uhr\nDanke")
    change(database, NEXT_WEDNESDAY, "moved", until_time=time(11))
    text = body(database).decode()
    ours = {
        (str(each["uid"]), str(each["status"]), each.decoded("dtstart"), each.decoded("dtend"))
        for each in events(text.encode()).values()
    }
    assert len(ours) == 10
    by_vobject = vobject.readOne(text).contents["vevent"]
    assert {
        (each.uid.value, each.status.value, each.dtstart.value.astimezone(UTC), each.dtend.value.astimezone(UTC))
        for each in by_vobject
    } == ours
    by_ical = IcsCalendarStream.calendar_from_ics(text).events
    assert {
        (each.uid, each.status.value, each.dtstart.astimezone(UTC), each.dtend.astimezone(UTC)) for each in by_ical
    } == ours
    assert {each.description.value for each in by_vobject} == {each.description for each in by_ical}


def test_lines_are_what_calendar_apps_take(database: Database) -> None:
    with changing(database) as session:
        place_of(session).name = "مكتب خدمات المواطنين " * 5
    found = body(database)
    assert found.endswith(b"END:VCALENDAR\r\n")
    lines = found.removesuffix(b"\r\n").split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert not any(b"\r" in each or b"\n" in each for each in lines)
    assert b"UID" not in found.split(b"BEGIN:VEVENT")[0]
