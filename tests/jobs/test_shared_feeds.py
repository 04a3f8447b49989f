"""Feeds of carriers and interpreters, stamps and bytes that move only with a change, and who is told of which one."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from icalendar import Calendar, Event
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from jobs.feeds import publish_stale
from scheduler.actions.booking import hand_on
from scheduler.actions.feeds import draft_feed, make_feed, stale_feeds, store_draft
from scheduler.actions.registration import Answers, answer, check_in
from scheduler.actions.rulebook import read_rulebook
from scheduler.actions.steps import undo
from scheduler.db import Database
from scheduler.domain.codes import spoken
from scheduler.models import Adviser, Carrier, Feed, HoursException, Town, Visit
from scheduler.models.feeds import FeedLevel
from scheduler.texts import translations_for
from tests.actions.small_town import STAFF, WEDNESDAY, at, change_date
from tests.conftest import NOW
from tests.jobs.samples import adviser, book_visit, cancel_visit, changing, move_to_next_week, work_at

BASE_URL = "http://localhost"
CANCELLED = translations_for("de").gettext("Cancelled: %(what)s")
APPOINTMENT = translations_for("de").gettext("Appointment")


def carrier(session: Session, key: str = "awo") -> Carrier:
    return session.scalars(select(Carrier).where(Carrier.key == key)).one()


def make(database: Database, owner: str, level: FeedLevel = "busy") -> int:
    """A feed of "awo" (the carrier), of "awo-1" (the adviser), or of "ar" (the language); gives its id."""
    with changing(database) as session:
        if owner in ("awo", "ib"):
            return make_feed(session, carrier(session, owner), level=level, base_url=BASE_URL, now=NOW)[0].id
        if "-" in owner:
            return make_feed(session, adviser(session, owner), level=level, base_url=BASE_URL, now=NOW)[0].id
        return make_feed(session, owner, level=level, base_url=BASE_URL, now=NOW)[0].id


def publish(database: Database, at_: datetime = NOW) -> None:
    publish_stale(work_at(database, Path("unused"), at_))


def stored(database: Database, feed_id: int) -> Feed:
    with changing(database) as session:
        return session.get_one(Feed, feed_id)


def body_of(database: Database, feed_id: int) -> bytes:
    found = stored(database, feed_id).body
    assert found is not None
    return found


def events(database: Database, feed_id: int, kind: str = "visit") -> list[Event]:
    found = Calendar.from_ical(body_of(database, feed_id)).walk("VEVENT")
    return [each for each in found if str(each["uid"]).startswith(f"{kind}-")]


def stale(database: Database) -> set[int]:
    with database.reading() as session:
        return set(stale_feeds(session, NOW))


def booked(database: Database, adviser_key: str | None = "awo-1") -> Visit:
    """An appointment tomorrow, for advice in Arabic."""
    with changing(database) as session:
        return book_visit(session, adviser_key=adviser_key)


@pytest.fixture
def feeds(database: Database) -> dict[int, str]:
    """One of each owner, by id; all published."""
    owners = ("awo-1", "awo-2", "ib-1", "awo", "ib", "ar", "uk")
    made = {make(database, owner): owner for owner in owners}
    publish(database)
    assert stale(database) == set()
    return made


def touched(database: Database, feeds: dict[int, str]) -> set[str]:
    """Whose feeds are stale now; they are published."""
    found = {feeds[each] for each in stale(database)}
    publish(database)
    return found


# What they show


def test_a_carriers_details_name_each_adviser_by_function(database: Database) -> None:
    visit = booked(database)
    feed_id = make(database, "awo", "details")
    (event,) = events(database, feed_id)
    assert visit.code is not None
    assert event["summary"] == f"Beratung AWO 1 · {spoken(visit.code)} · MBE"
    what = translations_for("de").gettext("Consultation hours")
    tomorrow = [each for each in events(database, feed_id, "duty") if each.decoded("dtstart").date() == WEDNESDAY]
    assert {str(each["summary"]) for each in tomorrow} == {f"Beratung AWO 1 · {what}", f"Beratung AWO 2 · {what}"}
    assert "Beratung IB" not in body_of(database, feed_id).decode()


def test_a_carriers_busy_feed_tells_times_alone_one_event_each(database: Database) -> None:
    booked(database)
    feed_id = make(database, "awo")
    (event,) = events(database, feed_id)
    assert event["summary"] == APPOINTMENT
    assert not {"LOCATION", "DESCRIPTION"} & set(event)
    text = body_of(database, feed_id).replace(b"\r\n ", b"").decode()
    for told in ("Beratung", "awo-", "MBE", "Arabisch", "Arbeiterwohlfahrt Kleinstadt"):
        assert told not in "\n".join(
            line for line in text.split("\r\n") if not line.startswith(("LOCATION", "UID:duty"))
        )
    tomorrow = [each for each in events(database, feed_id, "duty") if each.decoded("dtstart").date() == WEDNESDAY]
    assert len(tomorrow) == 1


def test_a_carrier_sees_nothing_of_another_one(database: Database) -> None:
    booked(database)
    assert events(database, make(database, "ib", "details")) == []


def test_a_cancelled_visit_stays_in_the_carriers_feed_with_its_adviser(database: Database) -> None:
    feed_id = make(database, "awo", "details")
    visit = booked(database)
    cancel_visit(database, visit)
    publish(database)
    (event,) = events(database, feed_id)
    assert visit.code is not None
    what = f"Beratung AWO 1 · {spoken(visit.code)} · MBE"
    assert (event["status"], event["summary"]) == ("CANCELLED", CANCELLED % {"what": what})


def test_an_interpreters_feed_tells_time_and_place_of_the_language_alone(database: Database) -> None:
    visit = booked(database)
    feed_id, other = make(database, "ar", "details"), make(database, "uk")
    (event,) = events(database, feed_id)
    assert (event["summary"], event.decoded("dtstart")) == (APPOINTMENT, visit.starts_at)
    assert event["location"] == "Bürgerbüro, Marktplatz 1, 12345 Kleinstadt"
    assert "DESCRIPTION" not in event
    assert events(database, feed_id, "duty") == [] and events(database, other) == []
    assert stored(database, feed_id).level == "busy"
    cancel_visit(database, visit)
    publish(database)
    assert [each["status"] for each in events(database, feed_id)] == ["CANCELLED"]


def test_no_byte_of_an_interpreters_feed_tells_the_language(database: Database) -> None:
    booked(database)
    arabic = body_of(database, make(database, "ar"))
    with changing(database) as session:
        for visit in session.scalars(select(Visit).where(Visit.language == "ar")):
            visit.language = "uk"
    assert body_of(database, make(database, "uk")) == arabic


# Who is told of which change


def test_a_booking_a_move_and_a_cancellation_touch_the_feeds_that_show_them(
    database: Database, feeds: dict[int, str]
) -> None:
    visit = booked(database)
    assert touched(database, feeds) == {"awo-1", "awo", "ar"}
    move_to_next_week(database, visit)
    assert touched(database, feeds) == {"awo-1", "awo", "ar"}
    cancel_visit(database, visit)
    assert touched(database, feeds) == {"awo-1", "awo", "ar"}
    with changing(database) as session:
        undo(session, session.get_one(Visit, visit.id), by=STAFF, now=NOW)
    assert touched(database, feeds) == {"awo-1", "awo", "ar"}


def test_handing_on_touches_both_advisers_and_no_interpreter(database: Database, feeds: dict[int, str]) -> None:
    visit = booked(database)
    publish(database)
    with changing(database) as session:
        row = session.get_one(Visit, visit.id)
        hand_on(session, row.opening, {visit.id: adviser(session, "ib-1").id}, now=NOW)
    assert touched(database, feeds) == {"awo-1", "awo", "ib-1", "ib"}
    by_owner = {owner: feed_id for feed_id, owner in feeds.items()}
    assert [len(events(database, by_owner[each])) for each in ("awo-1", "ib-1", "ar")] == [0, 1, 1]


def test_another_language_at_the_desk_touches_the_old_one_and_the_new(
    database: Database, feeds: dict[int, str]
) -> None:
    visit = booked(database)
    publish(database)
    with changing(database) as session:
        rulebook = read_rulebook(session)
        here = at("09:00")
        check_in(session, rulebook, visit.id, visit.place_id, by=STAFF, now=here)
        answer(session, rulebook, visit.id, Answers(language="uk"), by=STAFF, now=here)
    assert touched(database, feeds) == {"awo-1", "awo", "ar", "uk"}
    by_owner = {owner: feed_id for feed_id, owner in feeds.items()}
    assert [len(events(database, by_owner[each])) for each in ("ar", "uk")] == [0, 1]


def test_all_are_published_anew_at_midnight(database: Database, feeds: dict[int, str]) -> None:
    with database.reading() as session:
        midnight = datetime(2026, 11, 24, 23, 0, tzinfo=UTC)
        assert set(stale_feeds(session, midnight)) >= feeds.keys()


# Stamps and bytes


def test_the_compressed_bytes_are_the_same_calendar(database: Database) -> None:
    feed = stored(database, make(database, "awo"))
    assert feed.gzipped is not None and gzip.decompress(feed.gzipped) == feed.body


def test_it_was_modified_when_its_bytes_became_others(database: Database) -> None:
    feed_id = make(database, "awo-1")
    visit = booked(database)
    publish(database, NOW + timedelta(minutes=1))
    before = stored(database, feed_id)
    assert before.modified_at == NOW + timedelta(minutes=1)
    with changing(database) as session:
        check_in(session, read_rulebook(session), visit.id, visit.place_id, by=STAFF, now=at("09:00"))
    publish(database, NOW + timedelta(minutes=2))
    after = stored(database, feed_id)
    assert (after.modified_at, after.etag, after.gzipped) == (before.modified_at, before.etag, before.gzipped)
    assert (after.published_at, after.published) == (NOW + timedelta(minutes=2), after.wanted)


def test_a_change_of_one_event_leaves_the_stamps_of_the_others(database: Database) -> None:
    feed_id = make(database, "awo-1")
    first, second = booked(database), booked(database)
    publish(database)
    move_to_next_week(database, second)
    publish(database, NOW + timedelta(hours=1))
    stamps = {str(each["uid"]): (each["sequence"], each.decoded("last-modified")) for each in events(database, feed_id)}
    assert stamps[f"visit-{first.id}@localhost"] == (0, NOW)
    assert stamps[f"visit-{second.id}@localhost"] == (1, NOW + timedelta(hours=1))
    assert len(stamps) == 2


def test_of_two_processes_with_the_same_news_one_publishes(database: Database) -> None:
    feed_id = make(database, "awo-1")
    booked(database)
    drafts = []
    for minutes in (1, 2):
        with database.reading() as session:
            drafts.append(draft_feed(session, feed_id, base_url=BASE_URL, now=NOW + timedelta(minutes=minutes)))
    for draft in drafts:
        with changing(database) as session:
            store_draft(session, draft, NOW + timedelta(minutes=3))
    assert body_of(database, feed_id) == drafts[0].body != drafts[1].body


def test_a_duty_that_is_cancelled_on_the_day_is_told_so_and_comes_back(database: Database) -> None:
    feed_id = make(database, "awo-1")
    for kind, status in (("cancelled", "CANCELLED"), (None, "CONFIRMED")):
        with changing(database) as session:
            if kind:
                change_date(session, WEDNESDAY, "cancelled")
            else:
                session.execute(delete(HoursException))
            session.get_one(Feed, feed_id).wanted += 1
            session.get_one(Town, 1).rules_revision += 1
        publish(database)
        (duty,) = [each for each in events(database, feed_id, "duty") if each.decoded("dtstart").date() == WEDNESDAY]
        assert duty["status"] == status and duty["transp"] == "TRANSPARENT"


def test_an_adviser_who_changes_the_carrier_takes_the_appointments_along(database: Database) -> None:
    booked(database)
    with changing(database) as session:
        session.scalars(select(Adviser).where(Adviser.key == "awo-1")).one().carrier_id = carrier(session, "ib").id
    assert [len(events(database, make(database, each))) for each in ("awo", "ib")] == [0, 1]
