"""Feeds: make one, find and revoke it, and publish its bytes. Web serves what is stored here and builds nothing.

A change raises `wanted` in its own transaction (`openings.mark_changed`). Publishing notes the `wanted` that it read
before it built; a change that arrives meanwhile leaves the feed stale, so the next round publishes again.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session, selectinload

from scheduler.actions.rulebook import RuleBook, read_rulebook
from scheduler.domain.recurrence import day_interval, local_date
from scheduler.ical import Duty, adviser_feed
from scheduler.models import Adviser, Feed, Place, Step, Town, Visit
from scheduler.models.feeds import FeedLevel
from scheduler.texts import translations_for

SHOWS_PAST = timedelta(days=14)
SHOWS_AHEAD = timedelta(days=56)
"""How far ahead duties stand in a feed; appointments stand there as soon as they are booked."""
SHOWS_CANCELLED = timedelta(days=30)

_TOKEN_BYTES = 24


@dataclass(frozen=True)
class FeedDraft:
    """The bytes of a feed, and the `wanted` that stood before they were built."""

    feed_id: int
    wanted: int
    body: bytes


def make_feed(
    session: Session, adviser: Adviser, *, level: FeedLevel, base_url: str, now: datetime
) -> tuple[Feed, str]:
    """A new feed of the adviser's own calendar, published at once; and its token.

    The token is told here only: the row keeps its hash. Raises LookupError where no town is loaded.
    """
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    feed = Feed(kind="adviser", adviser_id=adviser.id, level=level, token_hash=_hash(token), created_at=now)
    session.add(feed)
    session.flush()
    publish_feed(session, feed.id, base_url=base_url, now=now)
    session.refresh(feed)
    return feed, token


def find_feed(session: Session, token: str) -> Feed | None:
    """The feed of this token; None: there is none, or it was revoked."""
    return session.scalar(select(Feed).where(Feed.token_hash == _hash(token), Feed.revoked_at.is_(None)))


def revoke_feed(session: Session, feed: Feed, now: datetime) -> None:
    """Its address ends for good, and its bytes go. Revoking twice is fine."""
    if feed.revoked_at is None:
        feed.revoked_at, feed.body, feed.etag = now, None, None
        session.flush()


def stale_feeds(session: Session, now: datetime) -> list[int]:
    """Feeds behind a change, or published on an earlier day of the town: the days that they show move on."""
    town = session.get(Town, 1)
    if town is None:
        return []
    midnight = day_interval(local_date(now, town.zone), town.zone).starts_at
    behind = or_(Feed.wanted > Feed.published, Feed.published_at.is_(None), Feed.published_at < midnight)
    query = select(Feed.id).where(Feed.kind == "adviser", Feed.revoked_at.is_(None), behind)
    return list(session.scalars(query.order_by(Feed.id)))


def publish_feed(session: Session, feed_id: int, *, base_url: str, now: datetime) -> None:
    """Build a feed and store it. Raises LookupError where no town is loaded."""
    store_draft(session, draft_feed(session, feed_id, base_url=base_url, now=now), now)


def draft_feed(session: Session, feed_id: int, *, base_url: str, now: datetime) -> FeedDraft:
    """The bytes of a feed as of now; only reads, so that building holds no write lock.

    They depend on the day in the town's zone, not on the time of day: nothing changed means the same bytes.
    """
    # Read first: whatever changes from here on raises `wanted` above this, and the feed stays stale.
    wanted = session.scalars(select(Feed.wanted).where(Feed.id == feed_id)).one()
    feed = session.get_one(Feed, feed_id)
    assert feed.adviser is not None
    town, rulebook = session.get_one(Town, 1), read_rulebook(session)
    locale = town.locales[0]
    body = adviser_feed(
        _visits_of(session, feed.adviser, rulebook, now),
        _duties_of(session, feed.adviser, rulebook, now),
        level=feed.level,
        locale=locale,
        name=f"{translations_for(locale).gettext('Consultation hours')} · {town.name}",
        base_url=base_url,
        stamp=feed.created_at,
    )
    return FeedDraft(feed_id, wanted, body)


def store_draft(session: Session, draft: FeedDraft, now: datetime) -> None:
    """Store the bytes and their ETag, unless another jobs process has stored newer ones meanwhile."""
    session.execute(
        update(Feed)
        .where(Feed.id == draft.feed_id, Feed.published <= draft.wanted, Feed.revoked_at.is_(None))
        .values(
            published=draft.wanted,
            published_at=now,
            body=draft.body,
            etag=hashlib.sha256(draft.body).hexdigest(),
        )
        .execution_options(synchronize_session=False)
    )


def _visits_of(session: Session, adviser: Adviser, rulebook: RuleBook, now: datetime) -> list[Visit]:
    """Appointments whose place this adviser holds, and cancelled ones whose place this adviser held."""
    midnight = day_interval(local_date(now, rulebook.zone), rulebook.zone).starts_at
    held = select(Visit).where(Visit.planned_adviser_id == adviser.id, Visit.starts_at >= midnight - SHOWS_PAST)
    # A cancelled visit holds nobody: the last step that gave a place up says whose it was.
    released = (
        select(Step.released_adviser_id)
        .where(Step.visit_id == Visit.id, Step.released_adviser_id.is_not(None))
        .order_by(Step.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    cancelled = select(Visit).where(
        Visit.ended_at >= midnight - SHOWS_CANCELLED,
        Visit.state == "cancelled",
        Visit.kind == "appointment",
        released == adviser.id,
    )
    shown = (selectinload(Visit.place), selectinload(Visit.service), selectinload(Visit.concern))
    return [visit for query in (held, cancelled) for visit in session.scalars(query.options(*shown))]


def _duties_of(session: Session, adviser: Adviser, rulebook: RuleBook, now: datetime) -> list[Duty]:
    today = local_date(now, rulebook.zone)
    places = {place.id: place for place in session.scalars(select(Place))}
    return [
        Duty(
            public_id=opening.public_id,
            starts_at=opening.dated.starts_at,
            ends_at=opening.dated.ends_at,
            place=places[opening.hours.place_id],
            sequence=rulebook.revision,
        )
        for opening in rulebook.openings(today - SHOWS_PAST, today + SHOWS_AHEAD)
        if opening.dated.takes_place and adviser.key in opening.dated.staff
    ]


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
