"""Publish the feeds that are behind a change, or that show yesterday's days; make those of new places."""

from __future__ import annotations

from jobs.work import Work, do_each, log
from scheduler.actions.feeds import draft_feed, make_place_feed, places_without_feed, stale_feeds, store_draft


def publish_stale(work: Work) -> None:
    """Publish each stale feed by itself."""
    _make_place_feeds(work)
    with work.database.reading() as session:
        stale = stale_feeds(session, work.clock())
    do_each(work, "feed", stale, lambda feed_id: _publish(work, feed_id))


def _make_place_feeds(work: Work) -> None:
    """Asked by reading: no round takes the write lock for nothing."""
    with work.database.reading() as session:
        missing = places_without_feed(session)
    if missing:
        with work.database.writing() as session:
            for place_id in missing:
                make_place_feed(session, place_id, work.clock())
            session.commit()


def _publish(work: Work, feed_id: int) -> None:
    # Built in a transaction that only reads, so that a long calendar keeps no writer waiting.
    now = work.clock()
    with work.database.reading() as session:
        draft = draft_feed(session, feed_id, base_url=work.config.base_url, now=now)
    with work.database.writing() as session:
        store_draft(session, draft, now)
        session.commit()
    log.info("feed %d was published", feed_id)
