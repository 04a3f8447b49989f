"""Advisers and the accounts of staff. Clients have no account and no row here."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import JSON, CheckConstraint, ForeignKey, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from scheduler.db import Base, UtcDateTime
from scheduler.models.town import Carrier, Keyed, Place

Role = Literal["desk", "adviser"]


class Adviser(Keyed, Base):
    """Someone of a carrier who gives consultations. Services and languages are keys."""

    __tablename__ = "adviser"

    carrier_id: Mapped[int] = mapped_column(ForeignKey("carrier.id"))
    name: Mapped[str]
    email: Mapped[str] = mapped_column(default="")
    services: Mapped[list[str]] = mapped_column(JSON)
    languages: Mapped[list[str]] = mapped_column(JSON)

    carrier: Mapped[Carrier] = relationship()


class Account(Base):
    """A log-in of one member of staff."""

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    """By function ("Front desk"), as colleagues say it."""
    password_hash: Mapped[str]
    pin_hash: Mapped[str | None]
    """Of the PIN that unlocks a shared computer's screen; None: none was chosen."""
    pin_failures: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    """Wrong PINs since the password was last right: after some, only the password opens."""
    is_demo: Mapped[bool] = mapped_column(default=False)
    """Refused at log-in outside the demo."""
    epoch: Mapped[int] = mapped_column(default=0)
    """Raising it ends every log-in of this account everywhere."""
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    roles: Mapped[list[AccountRole]] = relationship(back_populates="account", cascade="all, delete-orphan")


class AccountRole(Base):
    """What an account may do, and where: the desk of one place, or one adviser's own work."""

    __tablename__ = "account_role"
    __table_args__ = (
        CheckConstraint("role IN ('desk', 'adviser')", name="known_role"),
        CheckConstraint("(role = 'desk') = (place_id IS NOT NULL)", name="desk_has_place"),
        CheckConstraint("(role = 'adviser') = (adviser_id IS NOT NULL)", name="adviser_has_adviser"),
        UniqueConstraint("account_id", "role", "place_id", "adviser_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    role: Mapped[Role]
    place_id: Mapped[int | None] = mapped_column(ForeignKey("place.id"))
    adviser_id: Mapped[int | None] = mapped_column(ForeignKey("adviser.id"))

    account: Mapped[Account] = relationship(back_populates="roles")
    place: Mapped[Place | None] = relationship()
    adviser: Mapped[Adviser | None] = relationship()
