"""An adviser's feed: published at once, renewed after each change, and no change lost."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from icalendar import Calendar, Event
from sqlalchemy import select

from jobs.feeds import publish_stale
from scheduler.actions.feeds import (
    draft_feed,
    find_head,
    make_feed,
    publish_feed,
    revoke_feed,
    stale_feeds,
    store_draft,
)
from scheduler.db import Database
from scheduler.domain.codes import spoken
from scheduler.models import Feed, Visit
from scheduler.models.feeds import FeedLevel
from tests.conftest import NOW
from tests.jobs.samples import (
    TOMORROW,
    adviser,
    book_visit,
    cancel_visit,
    changing,
    leave_email,
    move_to_next_week,
    work_at,
)

BASE_URL = "http://localhost"
LOCAL_MIDNIGHT = datetime(2026, 11, 24, 23, 0, tzinfo=UTC)


@pytest.fixture
def feed_id(database: Database) -> int:
    """The feed of awo-1. Noise beside it: another adviser's feed, a revoked one, and a visit of awo-2."""
    with changing(database) as session:
        make_feed(session, adviser(session, "awo-2"), level="details", base_url=BASE_URL, now=NOW)
        revoked, _ = make_feed(session, adviser(session), level="busy", base_url=BASE_URL, now=NOW)
        revoke_feed(session, revoked, NOW)
        feed, _ = make_feed(session, adviser(session), level="details", base_url=BASE_URL, now=NOW)
    return feed.id


def stored(database: Database, feed_id: int) -> Feed:
    with changing(database) as session:
        return session.get_one(Feed, feed_id)


def stale(database: Database, at: datetime = NOW) -> list[int]:
    with database.reading() as session:
        return stale_feeds(session, at)


def publish(database: Database, at: datetime = NOW) -> None:
    publish_stale(work_at(database, Path("unused"), at))


def booked(database: Database) -> Visit:
    with changing(database) as session:
        return book_visit(session)


def appointments_in(feed: Feed) -> list[Event]:
    assert feed.body is not None
    return [each for each in Calendar.from_ical(feed.body).walk("VEVENT") if each["uid"].startswith("visit-")]


def test_a_new_feed_can_be_read_at_once_by_its_token_alone(database: Database) -> None:
    with changing(database) as session:
        visit = book_visit(session)
        feed, token = make_feed(session, adviser(session), level="busy", base_url=BASE_URL, now=NOW)
        head = find_head(session, token)
        assert head is not None and head.id == feed.id
        assert find_head(session, token[:-1]) is None
        assert find_head(session, "") is None
    assert [each["uid"] for each in appointments_in(feed)] == [f"visit-{visit.id}@localhost"]
    assert feed.body is not None and feed.etag == hashlib.sha256(feed.body).hexdigest()
    assert feed.token_hash == hashlib.sha256(token.encode()).hexdigest()
    assert stale(database) == []


def test_a_revoked_feed_is_neither_found_nor_published(database: Database) -> None:
    with changing(database) as session:
        feed, token = make_feed(session, adviser(session), level="busy", base_url=BASE_URL, now=NOW)
        revoke_feed(session, feed, NOW)
        revoke_feed(session, feed, NOW + timedelta(days=1))
        assert find_head(session, token) is None
        assert (feed.body, feed.gzipped, feed.etag, feed.told, feed.revoked_at) == (None, None, None, None, NOW)
        publish_feed(session, feed.id, base_url=BASE_URL, now=NOW)
        session.refresh(feed)
        assert feed.body is None
        feed.wanted += 1
    assert stale(database) == []


@pytest.mark.parametrize("level", ["busy", "details"])
def test_no_feed_shows_contact_or_link(database: Database, level: FeedLevel) -> None:
    visit = booked(database)
    leave_email(database, visit)
    with changing(database) as session:
        feed, _ = make_feed(session, adviser(session), level=level, base_url=BASE_URL, now=NOW)
    assert feed.body is not None and visit.code is not None
    body = feed.body.replace(b"\r\n ", b"").decode()
    for told in ("ada@", "/visits/", visit.code):
        assert told not in body
    assert (spoken(visit.code) in body) == (level == "details")


def test_duties_of_the_coming_eight_weeks_and_the_past_two_stand_in_the_feed(database: Database, feed_id: int) -> None:
    body = stored(database, feed_id).body
    assert body is not None
    duties = [each for each in Calendar.from_ical(body).walk("VEVENT") if each["uid"].startswith("duty-")]
    days = sorted(each.decoded("dtstart").date().isoformat() for each in duties)
    assert days[0] == "2026-11-11" and days[-1] == "2027-01-14"
    assert "2026-12-30" not in days  # closed
    thursdays = {each.decoded("dtstart").weekday() for each in duties} - {2}
    assert thursdays == {3}, "duties elsewhere, too"
    assert all(each["transp"] == "TRANSPARENT" for each in duties)


def test_a_booking_makes_its_advisers_feed_stale_and_the_next_round_publishes_it(
    database: Database, feed_id: int
) -> None:
    before = stored(database, feed_id)
    visit = booked(database)
    assert stale(database) == [feed_id]
    publish(database)
    after = stored(database, feed_id)
    assert [each["uid"] for each in appointments_in(after)] == [f"visit-{visit.id}@localhost"]
    assert after.etag != before.etag
    assert stale(database) == []


def test_the_etag_stays_while_nothing_changes(database: Database, feed_id: int) -> None:
    booked(database)
    publish(database)
    before = stored(database, feed_id)
    with changing(database) as session:
        session.get_one(Feed, feed_id).wanted += 1  # a change that this feed does not show
    publish(database, NOW + timedelta(hours=3))
    after = stored(database, feed_id)
    assert (after.etag, after.body) == (before.etag, before.body)
    assert after.published == before.published + 1


def test_a_feed_is_renewed_after_the_towns_midnight(database: Database, feed_id: int) -> None:
    assert stale(database, LOCAL_MIDNIGHT - timedelta(seconds=1)) == []
    assert feed_id in stale(database, LOCAL_MIDNIGHT)
    publish(database, LOCAL_MIDNIGHT)
    assert stale(database, LOCAL_MIDNIGHT) == []
    assert feed_id in stale(database, LOCAL_MIDNIGHT + timedelta(days=1))


def test_a_change_while_the_feed_is_built_is_not_lost(database: Database, feed_id: int) -> None:
    with database.reading() as session:
        draft = draft_feed(session, feed_id, base_url=BASE_URL, now=NOW)
    visit = booked(database)
    with changing(database) as session:
        store_draft(session, draft, NOW)
    assert appointments_in(stored(database, feed_id)) == []
    assert stale(database) == [feed_id]
    publish(database)
    assert [each["uid"] for each in appointments_in(stored(database, feed_id))] == [f"visit-{visit.id}@localhost"]


def test_a_slow_jobs_process_does_not_bring_back_the_older_feed(database: Database, feed_id: int) -> None:
    with database.reading() as session:
        slow = draft_feed(session, feed_id, base_url=BASE_URL, now=NOW)
    booked(database)
    publish(database)
    newer = stored(database, feed_id)
    with changing(database) as session:
        store_draft(session, slow, NOW + timedelta(minutes=1))
    assert stored(database, feed_id).etag == newer.etag
    assert stale(database) == []


def test_a_moved_appointment_keeps_its_uid_and_raises_its_sequence(database: Database, feed_id: int) -> None:
    visit = booked(database)
    move_to_next_week(database, visit)
    publish(database)
    [event] = appointments_in(stored(database, feed_id))
    assert event["uid"] == f"visit-{visit.id}@localhost"
    assert event["sequence"] == 1
    assert event.decoded("dtstart").date() == TOMORROW + timedelta(days=7)


def test_a_cancelled_appointment_shows_for_thirty_days(database: Database, feed_id: int) -> None:
    cancel_visit(database, booked(database))
    publish(database)
    [event] = appointments_in(stored(database, feed_id))
    assert (event["status"], event["transp"], event["sequence"]) == ("CANCELLED", "TRANSPARENT", 1)
    publish(database, NOW + timedelta(days=30))
    assert len(appointments_in(stored(database, feed_id))) == 1
    publish(database, NOW + timedelta(days=31))
    assert appointments_in(stored(database, feed_id)) == []


def test_other_advisers_see_nothing_of_it(database: Database, feed_id: int) -> None:
    cancel_visit(database, booked(database))
    booked(database)
    publish(database)
    with changing(database) as session:
        others = session.scalars(select(Feed).where(Feed.id != feed_id, Feed.revoked_at.is_(None))).all()
    assert {feed.kind for feed in others} == {"adviser", "place"}
    assert [appointments_in(feed) for feed in others] == [[]] * len(others)
