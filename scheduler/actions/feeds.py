"""Feeds: make one, find and revoke it, and publish its bytes. Web serves what is stored here and builds nothing.

A change raises `wanted` in its own transaction (`openings.renew_feeds`). Publishing notes the `wanted` that it read
before it built; a change that arrives meanwhile leaves the feed stale, so the next round publishes again. What a
place's public feed shows comes from the rules alone: it is published for a `rules_revision` of the town instead.
"""

from __future__ import annotations

import gzip
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, or_, select, update
from sqlalchemy.orm import Session

from scheduler.actions.feed_contents import read_contents
from scheduler.actions.openings import insert_for
from scheduler.domain.recurrence import day_interval, local_date
from scheduler.feed_calendars import calendar_bytes, stamp_events
from scheduler.models import Adviser, Carrier, Feed, Place, Town
from scheduler.models.feeds import FeedLevel, ToldEvent

NOTED_EVERY = timedelta(minutes=10)
"""Within that time it is noted once that a calendar app came."""
_TOKEN_BYTES = 24


@dataclass(frozen=True)
class FeedDraft:
    """A feed as it would be published, and what stood there before it was built.

    `wanted`: of a place's, the `rules_revision`. `replaces`: the ETag of the bytes whose stamps were carried on.
    """

    feed_id: int
    wanted: int
    body: bytes
    told: dict[str, ToldEvent]
    replaces: str | None


class FeedHead(NamedTuple):
    """What is known of a published feed without reading its bytes."""

    id: int
    etag: str
    modified_at: datetime | None
    fetched_at: datetime | None


class FeedBody(NamedTuple):
    """The bytes of a feed, with their own ETag: they may be newer than the head that was read before."""

    etag: str
    modified_at: datetime | None
    data: bytes


def make_feed(
    session: Session, owner: Adviser | Carrier | str, *, level: FeedLevel, base_url: str, now: datetime
) -> tuple[Feed, str]:
    """A new feed of an adviser, of all advisers of a carrier, or of all appointments in a language, published at once.

    Gives its token, too, which is told here only: the row keeps its hash. A language's feed is busy whatever is asked.
    Raises LookupError where no town is loaded.
    """
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    feed = Feed(**_owned_by(owner), level="busy" if isinstance(owner, str) else level)
    feed.token_hash, feed.created_at = _hash(token), now
    session.add(feed)
    session.flush()
    publish_feed(session, feed.id, base_url=base_url, now=now)
    session.refresh(feed)
    return feed, token


def find_head(session: Session, token: str) -> FeedHead | None:
    """Of the feed of this token; None: there is none, or it was revoked. One small statement."""
    found = session.execute(_HEAD_OF_TOKEN, {"token_hash": _hash(token)}).one_or_none()
    return FeedHead._make(found) if found else None


def find_place_head(session: Session, place: Place) -> FeedHead | None:
    """Of the public feed of a place; None: it is not published yet."""
    found = session.execute(_HEAD_OF_PLACE, {"place_id": place.id}).one_or_none()
    return FeedHead._make(found) if found else None


def read_body(session: Session, feed_id: int, *, gzipped: bool) -> FeedBody | None:
    """The published bytes, as they are or compressed; None: it was revoked meanwhile."""
    found = session.execute(_GZIPPED if gzipped else _BODY, {"feed_id": feed_id}).one_or_none()
    return FeedBody._make(found) if found else None


def note_fetched(session: Session, feed_id: int, now: datetime) -> None:
    """A calendar app has come for it."""
    not_noted = or_(Feed.fetched_at.is_(None), Feed.fetched_at <= now - NOTED_EVERY)
    session.execute(update(Feed).where(Feed.id == feed_id, not_noted).values(fetched_at=now))


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
        feed.revoked_at, feed.body, feed.gzipped, feed.etag, feed.told = now, None, None, None, None
        session.flush()


def stale_feeds(session: Session, now: datetime) -> list[int]:
    """Feeds behind a change, or published on an earlier day of the town: the days that they show move on."""
    town = session.get(Town, 1)
    if town is None:
        return []
    midnight = day_interval(local_date(now, town.zone), town.zone).starts_at
    behind = or_(
        and_(Feed.kind != "place", Feed.wanted > Feed.published),
        and_(Feed.kind == "place", Feed.published < town.rules_revision),
        Feed.published_at.is_(None),
        Feed.published_at < midnight,
    )
    query = select(Feed.id).outerjoin(Feed.place).where(Feed.revoked_at.is_(None), behind)
    return list(session.scalars(query.where(Place.retired_at.is_(None)).order_by(Feed.id)))


def publish_feed(session: Session, feed_id: int, *, base_url: str, now: datetime) -> None:
    """Build a feed and store it. Raises LookupError where no town is loaded."""
    store_draft(session, draft_feed(session, feed_id, base_url=base_url, now=now), now)


def draft_feed(session: Session, feed_id: int, *, base_url: str, now: datetime) -> FeedDraft:
    """The bytes of a feed as of now; only reads, so that building holds no write lock.

    They depend on the day in the town's zone, not on the time of day, and on what was told before: nothing changed
    means the same bytes.
    """
    # Read first: whatever changes from here on raises `wanted` above this, and the feed stays stale.
    wanted, revision = session.execute(
        select(Feed.wanted, Town.rules_revision).join(Town, Town.id == 1).where(Feed.id == feed_id)
    ).one()
    feed = session.get_one(Feed, feed_id)
    found = read_contents(session, feed, base_url=base_url, now=now)
    events, told = stamp_events(
        found.events, feed.told or {}, now=now, forget_before=found.forget_before, locale=found.locale
    )
    body = calendar_bytes(found.name, events, zone=found.zone, first_year=found.first_year)
    return FeedDraft(feed_id, revision if feed.kind == "place" else wanted, body, told, feed.etag)


def store_draft(session: Session, draft: FeedDraft, now: datetime) -> None:
    """Store the bytes and their ETag, unless another jobs process has stored others since this draft was begun."""
    etag = hashlib.sha256(draft.body).hexdigest()
    values: dict[str, Any] = {"published": draft.wanted, "published_at": now, "told": draft.told}
    if etag != draft.replaces:
        values |= {"etag": etag, "modified_at": now, "body": draft.body, "gzipped": gzip.compress(draft.body, mtime=0)}
    as_it_was = Feed.etag.is_(None) if draft.replaces is None else Feed.etag == draft.replaces
    session.execute(
        update(Feed)
        .where(Feed.id == draft.feed_id, Feed.published <= draft.wanted, Feed.revoked_at.is_(None), as_it_was)
        .values(values)
        .execution_options(synchronize_session=False)
    )


def _owned_by(owner: Adviser | Carrier | str) -> dict[str, Any]:
    if isinstance(owner, Adviser):
        return {"kind": "adviser", "adviser_id": owner.id}
    if isinstance(owner, Carrier):
        return {"kind": "carrier", "carrier_id": owner.id}
    return {"kind": "interpreter", "language": owner}


# By the table, and put together once: calendar apps ask all day, mostly for what they have.
_FEED = Feed.metadata.tables["feed"]
_HEAD = select(*(_FEED.c[name] for name in FeedHead._fields)).where(_FEED.c.etag.is_not(None))
_HEAD_OF_TOKEN = _HEAD.where(_FEED.c.token_hash == bindparam("token_hash"), _FEED.c.revoked_at.is_(None))
_HEAD_OF_PLACE = _HEAD.where(_FEED.c.place_id == bindparam("place_id"))
_BODY, _GZIPPED = (
    select(_FEED.c.etag, _FEED.c.modified_at, column).where(_FEED.c.id == bindparam("feed_id"), column.is_not(None))
    for column in (_FEED.c.body, _FEED.c.gzipped)
)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
