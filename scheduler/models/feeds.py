"""Calendars in both directions: feeds that calendar apps subscribe to, and advisers' own calendars that we read.

Web serves a feed's stored bytes; the jobs process renews them, and fetches the calendars.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NotRequired, TypedDict

from sqlalchemy import JSON, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from scheduler.db import Base, Encrypted, UtcDateTime
from scheduler.models.people import Adviser
from scheduler.models.town import Carrier, Place

FeedLevel = Literal["busy", "details"]


class ToldEvent(TypedDict):
    """What a feed said of one event when it was published: only what differs moves its SEQUENCE and LAST-MODIFIED."""

    digest: str
    sequence: int
    changed_at: str
    """ISO 8601, in UTC."""
    was: NotRequired[list[str]]
    """Of a duty: begin, end, summary and location, to tell that it is cancelled once the rules no longer yield it."""
    gone_at: NotRequired[str]
    """Since when the feed's rows and rules no longer yield it; remembered for as long as it might come back."""


class Feed(Base):
    """A secret address with the calendar of an adviser, a carrier or a language's interpreters; or a place's own."""

    __tablename__ = "feed"
    __table_args__ = (
        CheckConstraint("kind IN ('adviser', 'place', 'carrier', 'interpreter')", name="known_kind"),
        CheckConstraint("level IN ('busy', 'details')", name="known_level"),
        CheckConstraint("(kind = 'adviser') = (adviser_id IS NOT NULL)", name="adviser_feed_has_adviser"),
        CheckConstraint("(kind = 'place') = (place_id IS NOT NULL)", name="place_feed_has_place"),
        CheckConstraint("(kind = 'carrier') = (carrier_id IS NOT NULL)", name="carrier_feed_has_carrier"),
        CheckConstraint("(kind = 'interpreter') = (language IS NOT NULL)", name="interpreter_feed_has_language"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[Literal["adviser", "place", "carrier", "interpreter"]]
    adviser_id: Mapped[int | None] = mapped_column(ForeignKey("adviser.id"), index=True)
    place_id: Mapped[int | None] = mapped_column(ForeignKey("place.id"))
    carrier_id: Mapped[int | None] = mapped_column(ForeignKey("carrier.id"))
    language: Mapped[str | None]
    """Of an interpreter's feed: the language that appointments ask for. The feed itself does not say it."""
    level: Mapped[FeedLevel] = mapped_column(default="busy")
    """What it shows of a visit: only that the time is taken, or ticket or code, service and language."""
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    wanted: Mapped[int] = mapped_column(default=1)
    """Grows with each change that this feed shows; the feed is stale while it is ahead of `published`."""
    published: Mapped[int] = mapped_column(default=0)
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    modified_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the bytes last became others: publishing the same again moves nothing."""
    fetched_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When a calendar app last came for it, to within some minutes."""
    body: Mapped[bytes | None]
    gzipped: Mapped[bytes | None]
    """The same body, compressed once."""
    etag: Mapped[str | None]
    told: Mapped[dict[str, ToldEvent] | None] = mapped_column(JSON(none_as_null=True))
    """By UID, what the published body says of each event."""

    adviser: Mapped[Adviser | None] = relationship()
    place: Mapped[Place | None] = relationship()
    carrier: Mapped[Carrier | None] = relationship()


class BusyCalendar(Base):
    """An adviser's own calendar elsewhere, read for its busy times and nothing else.

    Those become absences (`Absence.busy_calendar_id`); no title, place or person of it is kept anywhere.
    """

    __tablename__ = "busy_calendar"
    __table_args__ = (UniqueConstraint("adviser_id", "url_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    adviser_id: Mapped[int] = mapped_column(ForeignKey("adviser.id"), index=True)
    url: Mapped[str] = mapped_column(Encrypted)
    """Such addresses are secrets: whoever knows one reads the calendar."""
    url_key: Mapped[str]
    """Keyed hash of the address: nobody enters the same one twice."""
    host: Mapped[str]
    """What is shown of the address."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    """When it is fetched next."""
    claimed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Lease of the jobs process that is fetching it."""
    tried_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it was last read well: its busy times are as old as that."""
    etag: Mapped[str | None]
    last_modified: Mapped[str | None]
    """As the server said them, for the next conditional request."""
    failures: Mapped[int] = mapped_column(default=0)
    """Failed attempts since it was last read."""
    problem: Mapped[str | None]
    """Why the last attempt failed, by a key that pages have words for; None: it did not."""

    adviser: Mapped[Adviser] = relationship()
