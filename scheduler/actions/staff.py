"""Accounts of staff: make one, check a log-in."""

from __future__ import annotations

from datetime import datetime

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.models import Account, AccountRole, Adviser, Place

_hasher = PasswordHasher()
_NOBODY = _hasher.hash("no account has this password")


def make_account(
    session: Session,
    *,
    login: str,
    name: str,
    password: str,
    now: datetime,
    desk_of: Place | None = None,
    adviser: Adviser | None = None,
    is_demo: bool = False,
) -> Account:
    """An account for the desk of a place, for an adviser, or for both."""
    account = Account(
        login=normal_login(login), name=name, password_hash=_hasher.hash(password), created_at=now, is_demo=is_demo
    )
    if desk_of is not None:
        account.roles.append(AccountRole(role="desk", place=desk_of))
    if adviser is not None:
        account.roles.append(AccountRole(role="adviser", adviser=adviser))
    session.add(account)
    session.flush()
    return account


def log_in(session: Session, login: str, password: str, *, in_demo: bool) -> Account | None:
    """The account, or None. An unknown name takes as long as a wrong password; demo log-ins work in the demo alone."""
    account = session.scalar(select(Account).where(Account.login == normal_login(login)))
    try:
        _hasher.verify(account.password_hash if account else _NOBODY, password)
    except VerifyMismatchError:
        return None
    if account is None or account.disabled_at is not None or (account.is_demo and not in_demo):
        return None
    return account


def normal_login(login: str) -> str:
    return login.replace("\0", "\ufffd").strip().casefold()  # PostgreSQL refuses NUL in text
