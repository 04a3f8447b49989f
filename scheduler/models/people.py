"""Advisers and the accounts of staff: roles, links, second factor, trail. Clients have no account and no row here."""

from __future__ import annotations

import secrets
from datetime import datetime
from functools import partial
from typing import Literal

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from scheduler.db import Base, Encrypted, UtcDateTime
from scheduler.domain.permissions import Role
from scheduler.models.town import Carrier, Keyed, Place


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
    """Argon2id; empty: none was chosen yet, and none is right."""
    pin_hash: Mapped[str | None]
    """Of the PIN that unlocks a shared computer's screen; None: none was chosen."""
    pin_failures: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    """Wrong PINs since the password was last right: after some, only the password opens."""
    is_demo: Mapped[bool] = mapped_column(default=False)
    """Refused at log-in outside the demo."""
    totp_secret: Mapped[str | None] = mapped_column(Encrypted)
    """Base32, of the app that shows six digits as the second factor."""
    totp_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When its first digits were right; None: the second factor is not in use."""
    totp_last_step: Mapped[int | None]
    """The time step whose digits were last taken: none is taken twice."""
    epoch: Mapped[int] = mapped_column(default=partial(secrets.randbelow, 2**30))
    """Raising it ends every log-in of this account everywhere. It begins anywhere: after a restore the id of an account
    that was lost is given again, and no log-in of the lost one may open the new one."""
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    roles: Mapped[list[AccountRole]] = relationship(back_populates="account", cascade="all, delete-orphan")


class AccountRole(Base):
    """What an account may do, and where. What each role may stands in `domain/permissions.py`."""

    __tablename__ = "account_role"
    __table_args__ = (
        CheckConstraint(
            "role IN ('desk', 'adviser', 'carrier_coordinator', 'hours_coordinator', 'administrator')",
            name="known_role",
        ),
        CheckConstraint("(role IN ('desk', 'hours_coordinator')) = (place_id IS NOT NULL)", name="has_place"),
        CheckConstraint("(role = 'adviser') = (adviser_id IS NOT NULL)", name="adviser_has_adviser"),
        CheckConstraint("(role = 'carrier_coordinator') = (carrier_id IS NOT NULL)", name="coordinator_has_carrier"),
        UniqueConstraint("account_id", "role", "place_id", "adviser_id", "carrier_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    role: Mapped[Role]
    place_id: Mapped[int | None] = mapped_column(ForeignKey("place.id"))
    adviser_id: Mapped[int | None] = mapped_column(ForeignKey("adviser.id"))
    carrier_id: Mapped[int | None] = mapped_column(ForeignKey("carrier.id"))

    account: Mapped[Account] = relationship(back_populates="roles")
    place: Mapped[Place | None] = relationship()
    adviser: Mapped[Adviser | None] = relationship()
    carrier: Mapped[Carrier | None] = relationship()

    @property
    def counts(self) -> bool:
        """Whether it gives any right: whoever left the town's file keeps the account, not the work."""
        return all(each is None or each.retired_at is None for each in (self.adviser, self.carrier))


class AccountLink(Base):
    """A link by which somebody chooses the first password of an account, or a new one. Works once, for a while."""

    __tablename__ = "account_link"
    __table_args__ = (CheckConstraint("purpose IN ('invitation', 'reset')", name="known_purpose"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    purpose: Mapped[Literal["invitation", "reset"]]
    token_hash: Mapped[str] = mapped_column(unique=True)
    """The link itself is shown once, to whoever makes it."""
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    """None: made on the command line."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    account: Mapped[Account] = relationship(foreign_keys=[account_id])


class RecoveryCode(Base):
    """Stands in once for the six digits, when the phone is lost."""

    __tablename__ = "recovery_code"
    __table_args__ = (UniqueConstraint("account_id", "code_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    code_hash: Mapped[str]
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class LoginDelay(Base):
    """After wrong log-ins the next one has to wait, for a minute or so at most: slow for a guesser, no lock-out."""

    __tablename__ = "login_delay"

    key: Mapped[str] = mapped_column(primary_key=True)
    """Keyed hash of the name that was typed, or of a browser that has logged in with it before: each waits alone."""
    failures: Mapped[int] = mapped_column(default=0)
    failed_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class AuditLine(Base):
    """What a member of staff changed: which action on which rows. Ids, never contents."""

    __tablename__ = "audit_line"
    __table_args__ = (Index("ix_audit_line_account_at", "account_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    """None: the command line."""
    action: Mapped[str]
    """The route's or the command's name: "desk.do_register"."""
    things: Mapped[dict[str, int | str]] = mapped_column(JSON)
    """Ids and the town file's keys, by what they name: {"visit_id": 17}."""
