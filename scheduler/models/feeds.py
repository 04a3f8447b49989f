"""Feeds: what a calendar app subscribes to. Web serves the stored bytes; the jobs process renews them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from scheduler.db import Base, UtcDateTime
from scheduler.models.people import Adviser
from scheduler.models.town import Place

FeedLevel = Literal["busy", "details"]


class Feed(Base):
    """One secret address with an adviser's calendar, or the public one of a place."""

    __tablename__ = "feed"
    __table_args__ = (
        CheckConstraint("kind IN ('adviser', 'place', 'carrier', 'interpreter')", name="known_kind"),
        CheckConstraint("level IN ('busy', 'details')", name="known_level"),
        CheckConstraint("(kind = 'adviser') = (adviser_id IS NOT NULL)", name="adviser_feed_has_adviser"),
        CheckConstraint("(kind = 'place') = (place_id IS NOT NULL)", name="place_feed_has_place"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[Literal["adviser", "place", "carrier", "interpreter"]]
    adviser_id: Mapped[int | None] = mapped_column(ForeignKey("adviser.id"), index=True)
    place_id: Mapped[int | None] = mapped_column(ForeignKey("place.id"))
    level: Mapped[FeedLevel] = mapped_column(default="busy")
    """What it shows of a visit: only that the time is taken, or ticket or code, service and language."""
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    wanted: Mapped[int] = mapped_column(default=1)
    """Grows with each change that this feed shows; the feed is stale while it is ahead of `published`."""
    published: Mapped[int] = mapped_column(default=0)
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    body: Mapped[bytes | None]
    etag: Mapped[str | None]

    adviser: Mapped[Adviser | None] = relationship()
    place: Mapped[Place | None] = relationship()
