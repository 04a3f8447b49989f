"""Links by which staff choose a password: the first one of an account, or a new one. Whoever makes one passes it on."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from scheduler.actions.log_in import delay_key, forget_tries
from scheduler.actions.passwords import hash_secret
from scheduler.actions.staff import lock_account
from scheduler.domain.passwords import Problem, password_problem
from scheduler.models import Account, AccountLink

VALID_FOR = {"invitation": timedelta(days=7), "reset": timedelta(hours=24)}
_TOKEN_BYTES = 32


class PasswordRefused(Exception):
    """No password was set: see `domain/passwords.py` for the problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


def make_link(session: Session, account: Account, *, made_by_id: int | None, now: datetime) -> tuple[AccountLink, str]:
    """A fresh link; earlier ones of this account end. Gives its token, too, told here only: the row keeps its hash."""
    lock_account(session, account.id)  # two who make one at once: the second ends the first one's
    end_links(session, account.id)
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    link = AccountLink(account_id=account.id, made_by_id=made_by_id, token_hash=_hash(token), created_at=now)
    link.purpose = "reset" if account.password_hash else "invitation"
    link.expires_at = now + VALID_FOR[link.purpose]
    session.add(link)
    session.flush()
    return link, token


def find_link(session: Session, token: str, now: datetime, *, in_demo: bool) -> AccountLink | None:
    """The link of this token; None: there is none, it was used, it is too old, or the account may not log in."""
    link = session.scalar(select(AccountLink).where(AccountLink.token_hash == _hash(token)))
    return link if link is not None and _is_valid(link, now, in_demo=in_demo) else None


def choose_password_by_link(
    session: Session, link_id: int, password: str, *, browser: str, secret: str, now: datetime, in_demo: bool
) -> Account | None:
    """The account has this password from now on, and every log-in of it has ended. None: the link no longer works.

    Raises PasswordRefused, and then the link still works. `browser`: the id of the one that knows this log-in, or "".
    """
    account_id = session.scalar(select(AccountLink.account_id).where(AccountLink.id == link_id))
    account = lock_account(session, account_id) if account_id is not None else None
    link = session.get(AccountLink, link_id, with_for_update=True, populate_existing=True)
    if account is None or link is None or not _is_valid(link, now, in_demo=in_demo):
        return None
    put_password(account, password)
    account.pin_failures = 0
    link.used_at = now
    for each in {"", browser}:
        forget_tries(session, delay_key(secret, "password", account.login, each))
    session.flush()
    return account


def put_password(account: Account, password: str) -> None:
    """A new password; every log-in ends. Raises PasswordRefused."""
    problem = password_problem(password, account.login)
    if problem is not None:
        raise PasswordRefused(problem)
    account.password_hash = hash_secret(password)
    account.epoch += 1


def end_links(session: Session, account_id: int) -> None:
    """Its unused links no longer work."""
    session.execute(delete(AccountLink).where(AccountLink.account_id == account_id, AccountLink.used_at.is_(None)))


def delete_old_links(session: Session, now: datetime) -> None:
    """Those that were used or are too old."""
    session.execute(delete(AccountLink).where(or_(AccountLink.used_at.is_not(None), AccountLink.expires_at <= now)))


def _is_valid(link: AccountLink, now: datetime, *, in_demo: bool) -> bool:
    account = link.account
    is_open = account.disabled_at is None and (in_demo or not account.is_demo)
    return is_open and link.used_at is None and now < link.expires_at


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
