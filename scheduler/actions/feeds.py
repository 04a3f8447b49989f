"""Feeds: make one, find and revoke it, and publish its bytes. Web serves what is stored here and builds nothing.

A change raises `wanted` in its own transaction (`openings.mark_changed`). Publishing notes the `wanted` that it read
before it built; a change that arrives meanwhile leaves the feed stale, so the next round publishes again. What a
place's public feed shows comes from the rules alone: it is published for a `rules_revision` of the town instead.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session, selectinload

from scheduler.actions.openings import insert_for
from scheduler.actions.rulebook import RuleBook, read_rulebook
from scheduler.domain.recurrence import day_interval, local_date
from scheduler.hours_texts import say_admits
from scheduler.ical import Duty, PublicOpening, adviser_feed, place_feed
from scheduler.models import Adviser, Feed, Hours, Place, Step, Town, Visit
from scheduler.models.feeds import FeedLevel
from scheduler.texts import translations_for

SHOWS_PAST = timedelta(days=14)
SHOWS_AHEAD = timedelta(days=56)
"""How far ahead duties stand in a feed; appointments stand there as soon as they are booked."""
SHOWS_CANCELLED = timedelta(days=30)

_TOKEN_BYTES = 24


@dataclass(frozen=True)
class FeedDraft:
    """The bytes of a feed, and the `wanted` (of a place: the `rules_revision`) that stood before they were built."""

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


def find_place_feed(session: Session, place: Place) -> Feed | None:
    """The public feed of a place; None: the place is new, and its feed is not made yet."""
    return session.scalar(select(Feed).where(Feed.place_id == place.id))


def places_without_feed(session: Session) -> list[int]:
    """Places in use whose public feed is not made yet."""
    have_one = select(Feed.place_id).where(Feed.kind == "place")
    return list(session.scalars(select(Place.id).where(Place.retired_at.is_(None), Place.id.not_in(have_one))))


def make_place_feed(session: Session, place_id: int, now: datetime) -> None:
    """The public feed of a place, not published yet. Does nothing where another jobs process was faster."""
    insert = insert_for(session, Feed.metadata.tables["feed"]).values(
        kind="place",
        place_id=place_id,
        level="busy",
        token_hash=f"place {place_id}",  # it has no token: no hash looks like this, and it is there only once
        created_at=now,
        wanted=1,
        published=0,
    )
    session.execute(insert.on_conflict_do_nothing())


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
    behind = or_(
        and_(Feed.kind == "adviser", Feed.wanted > Feed.published),
        and_(Feed.kind == "place", Feed.published < town.rules_revision),
        Feed.published_at.is_(None),
        Feed.published_at < midnight,
    )
    published_here = Feed.kind.in_(("adviser", "place"))
    query = select(Feed.id).outerjoin(Feed.place).where(published_here, Feed.revoked_at.is_(None), behind)
    return list(session.scalars(query.where(Place.retired_at.is_(None)).order_by(Feed.id)))


def publish_feed(session: Session, feed_id: int, *, base_url: str, now: datetime) -> None:
    """Build a feed and store it. Raises LookupError where no town is loaded."""
    store_draft(session, draft_feed(session, feed_id, base_url=base_url, now=now), now)


def draft_feed(session: Session, feed_id: int, *, base_url: str, now: datetime) -> FeedDraft:
    """The bytes of a feed as of now; only reads, so that building holds no write lock.

    They depend on the day in the town's zone, not on the time of day: nothing changed means the same bytes.
    """
    # Read first: whatever changes from here on raises `wanted` above this, and the feed stays stale.
    wanted, revision = session.execute(
        select(Feed.wanted, Town.rules_revision).join(Town, Town.id == 1).where(Feed.id == feed_id)
    ).one()
    feed = session.get_one(Feed, feed_id)
    if feed.kind == "place":
        return FeedDraft(feed_id, revision, _place_body(session, feed, base_url, now))
    return FeedDraft(feed_id, wanted, _adviser_body(session, feed, base_url, now))


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


def _adviser_body(session: Session, feed: Feed, base_url: str, now: datetime) -> bytes:
    assert feed.adviser is not None
    town, rulebook = session.get_one(Town, 1), read_rulebook(session)
    locale = town.locales[0]
    return adviser_feed(
        _visits_of(session, feed.adviser, rulebook, now),
        _duties_of(session, feed.adviser, rulebook, now),
        level=feed.level,
        locale=locale,
        name=f"{translations_for(locale).gettext('Consultation hours')} · {town.name}",
        base_url=base_url,
        stamp=feed.created_at,
    )


def _place_body(session: Session, feed: Feed, base_url: str, now: datetime) -> bytes:
    assert feed.place is not None
    town, rulebook = session.get_one(Town, 1), read_rulebook(session)
    return place_feed(
        feed.place,
        _public_openings_of(session, feed.place, rulebook, town.locales[0], now),
        locale=town.locales[0],
        base_url=base_url,
        stamp=feed.created_at,
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


def _public_openings_of(
    session: Session, place: Place, rulebook: RuleBook, locale: str, now: datetime
) -> list[PublicOpening]:
    """What is open to the public there, cancelled dates too; not what is by arrangement or an adviser's own."""
    listed = set(
        session.scalars(
            select(Hours.id).where(
                Hours.place_id == place.id, Hours.own_adviser_id.is_(None), Hours.admits != "by_arrangement"
            )
        )
    )
    today = local_date(now, rulebook.zone)
    return [
        PublicOpening(
            public_id=opening.public_id,
            starts_at=opening.dated.starts_at,
            ends_at=opening.dated.ends_at,
            admits=say_admits(opening.hours.admits, locale),
            room=opening.hours.room,
            sequence=rulebook.revision,
            closed_because=opening.dated.closed_because,
        )
        for opening in rulebook.openings(today - SHOWS_PAST, today + SHOWS_AHEAD)
        if opening.hours.id in listed
    ]


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
