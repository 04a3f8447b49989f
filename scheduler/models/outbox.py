"""The outbox: messages that are due at a time, and the sign of life of the process that sends them.

A message's row holds no address, body or token; it is rendered when sent.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from scheduler.db import Base, UtcDateTime
from scheduler.models.visits import Visit

MessageKind = Literal["confirmation", "reminder", "moved", "cancelled", "nearly"]
"""`nearly`: whoever waits with a number is nearly called. All others are about an appointment."""
Channel = Literal["email", "sms", "call"]
"""`call`: nobody can be written to; the desk tells it by phone, or when the person comes."""


class Message(Base):
    """One message to one visit's contact. Unique per visit, kind, channel and the visit's sequence."""

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("visit_id", "kind", "channel", "sequence"),
        CheckConstraint("state IN ('pending', 'sent', 'dropped', 'dead')", name="known_state"),
        CheckConstraint("kind IN ('confirmation', 'reminder', 'moved', 'cancelled', 'nearly')", name="known_kind"),
        CheckConstraint("channel IN ('email', 'sms', 'call')", name="known_channel"),
        Index("ix_message_state_due", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"))
    kind: Mapped[MessageKind]
    channel: Mapped[Channel]
    sequence: Mapped[int]
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """From then on it helps nobody and is not sent; None: it always helps."""
    unasked: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """The office did on its own what this tells: if it cannot be sent, somebody must say it."""
    state: Mapped[Literal["pending", "sent", "dropped", "dead"]] = mapped_column(default="pending")
    """`dropped`: no longer right, or settled by people. `dead`: given up, and nobody has looked at it yet."""
    claimed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Lease of the worker that is sending it; past it another worker may try."""
    attempts: Mapped[int] = mapped_column(default=0)
    """How often sending failed."""
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str | None]

    visit: Mapped[Visit] = relationship()


class SentText(Base):
    """A text message that left for a visit which was erased since: it still counts among those of its day."""

    __tablename__ = "sent_text"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class Heartbeat(Base):
    """When the jobs process was last at work: where that is long ago, nothing is sent, and staff must hear of it."""

    __tablename__ = "heartbeat"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
