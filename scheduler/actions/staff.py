"""Accounts of staff: make one with its roles; choose a PIN and check it.

A hash takes its time, so it is made and checked while no row is locked; `lock_as_read` says whether it still counts.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy.orm import Session

from scheduler.actions.passwords import hash_secret, is_secret
from scheduler.models import Account, AccountRole, Adviser, Carrier, Place

MOST_WRONG_PINS = 5
PIN_DIGITS = (4, 8)
"""The fewest and the most."""
_ROW = "01234567890"


class AccountChanged(Exception):
    """Password, PIN or log-ins of the account have changed since it was read: what was checked counts no more."""


class PinRefused(Exception):
    """No PIN was set. `reason`: "password" (wrong), "digits" (not four to eight) or "too_simple" (1111, 1234)."""

    def __init__(self, reason: Literal["password", "digits", "too_simple"]) -> None:
        super().__init__(reason)
        self.reason = reason


def make_account(
    session: Session,
    *,
    login: str,
    name: str,
    password: str | None,
    now: datetime,
    desk_of: Place | None = None,
    adviser: Adviser | None = None,
    carrier: Carrier | None = None,
    hours_at: Place | None = None,
    administrator: bool = False,
    is_demo: bool = False,
) -> Account:
    """An account with these roles: desk of a place, an adviser, coordinator of a carrier or of a place's hours …

    Without a password nobody can log in until one is chosen by a link. Raises IntegrityError where the log-in is taken.
    """
    hashed = hash_secret(password) if password is not None else ""
    account = Account(login=normal_login(login), name=name, password_hash=hashed, created_at=now, is_demo=is_demo)
    account.roles = roles_of(desk_of, adviser, carrier, hours_at, administrator=administrator)
    session.add(account)
    session.flush()
    return account


def roles_of(
    desk_of: Place | None = None,
    adviser: Adviser | None = None,
    carrier: Carrier | None = None,
    hours_at: Place | None = None,
    *,
    administrator: bool = False,
) -> list[AccountRole]:
    """The rows of these roles, for one account."""
    return [
        *([AccountRole(role="desk", place=desk_of)] if desk_of else []),
        *([AccountRole(role="adviser", adviser=adviser)] if adviser else []),
        *([AccountRole(role="carrier_coordinator", carrier=carrier)] if carrier else []),
        *([AccountRole(role="hours_coordinator", place=hours_at)] if hours_at else []),
        *([AccountRole(role="administrator")] if administrator else []),
    ]


def choose_pin(session: Session, account: Account, password: str, pin: str) -> None:
    """The PIN that unlocks a screen of this account from now on. Raises PinRefused, AccountChanged."""
    if not is_secret(account.password_hash, password):
        raise PinRefused("password")
    if not (pin.isascii() and pin.isdigit() and PIN_DIGITS[0] <= len(pin) <= PIN_DIGITS[1]):
        raise PinRefused("digits")
    if pin in _ROW or pin in _ROW[::-1] or len(set(pin)) == 1:
        raise PinRefused("too_simple")
    hashed = hash_secret(pin)
    locked = lock_as_read(session, account)
    locked.pin_hash, locked.pin_failures = hashed, 0
    session.flush()


def begin_unlocking(session: Session, account_id: int) -> bool:
    """Whether it takes the PIN, which counts as wrong from now on; `end_unlocking` takes that back. Else the password.

    So PINs that are tried at once are counted one by one: commit this before `unlocks` checks.
    """
    account = lock_account(session, account_id)
    by_pin = takes_pin(account)
    account.pin_failures += by_pin
    session.flush()
    return by_pin


def unlocks(account: Account, secret: str, *, by_pin: bool) -> bool:
    """Whether this is the PIN, or the password. It asks no database, so nobody waits for the hash."""
    return is_secret(account.pin_hash if by_pin else account.password_hash, secret)


def end_unlocking(session: Session, account: Account) -> None:
    """It was right: PINs may be tried again. Raises AccountChanged."""
    lock_as_read(session, account).pin_failures = 0
    session.flush()


def takes_pin(account: Account) -> bool:
    """Whether a PIN opens this account's locked screens; else its password does."""
    return account.pin_hash is not None and account.pin_failures < MOST_WRONG_PINS


def normal_login(login: str) -> str:
    return login.replace("\0", "\ufffd").strip().casefold()  # PostgreSQL refuses NUL in text


def lock_account(session: Session, account_id: int) -> Account:
    """The account, its row locked: tries at once are counted one by one."""
    return session.get_one(Account, account_id, with_for_update=True, populate_existing=True)


def lock_as_read(session: Session, account: Account) -> Account:
    """The account, its row locked, if whatever was checked meanwhile is still its own. Raises AccountChanged.

    Every new password raises the epoch.
    """
    read = account.epoch, account.pin_hash
    locked = lock_account(session, account.id)
    if (locked.epoch, locked.pin_hash) != read:
        raise AccountChanged
    return locked
