"""Links by which staff choose a password: the first one of an account, or a new one. Whoever makes one passes it on."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from scheduler.actions.log_in import delay_key, forget_tries
from scheduler.actions.passwords import hash_secret
from scheduler.actions.staff import lock_account, lock_as_read
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
    session: Session, link: AccountLink, password: str, *, browser: str, secret: str, now: datetime, in_demo: bool
) -> Account | None:
    """The account has this password from now on, and every log-in of it has ended. None: the link no longer works.

    Raises PasswordRefused, and then the link still works. `browser`: the id of the one that knows this log-in, or "".
    Like `change_password` it hashes before it asks the database for anything: nobody waits for that.
    """
    hashed = _hash_new(password, link.account.login)
    account = lock_account(session, link.account_id)
    fresh = session.get(AccountLink, link.id, with_for_update=True, populate_existing=True)
    if fresh is None or not _is_valid(fresh, now, in_demo=in_demo):
        return None
    _put_password(account, hashed)
    account.pin_failures = 0
    fresh.used_at = now
    for each in {"", browser}:
        forget_tries(session, delay_key(secret, "password", account.login, each))
    session.flush()
    return account


def change_password(session: Session, account: Account, password: str) -> None:
    """A new password; every log-in and every link ends. Raises PasswordRefused, AccountChanged."""
    hashed = _hash_new(password, account.login)
    _put_password(lock_as_read(session, account), hashed)
    end_links(session, account.id)
    session.flush()


def end_links(session: Session, account_id: int) -> None:
    """Its unused links no longer work."""
    session.execute(delete(AccountLink).where(AccountLink.account_id == account_id, AccountLink.used_at.is_(None)))


def end_links_by(session: Session, account_id: int) -> None:
    """Unused links that this account has made for others no longer work: whoever made one may have kept it."""
    session.execute(delete(AccountLink).where(AccountLink.made_by_id == account_id, AccountLink.used_at.is_(None)))


def end_links_by_others(session: Session, account_id: int, maker_id: int) -> None:
    """Unused links to this account that another account than this maker's has made no longer work."""
    by_others = AccountLink.account_id == account_id, AccountLink.made_by_id != maker_id
    session.execute(delete(AccountLink).where(*by_others, AccountLink.used_at.is_(None)))


def _hash_new(password: str, login: str) -> str:
    problem = password_problem(password, login)
    if problem is not None:
        raise PasswordRefused(problem)
    return hash_secret(password)


def _put_password(account: Account, hashed: str) -> None:
    account.password_hash = hashed
    account.epoch += 1


def _is_valid(link: AccountLink, now: datetime, *, in_demo: bool) -> bool:
    account = link.account
    is_open = account.disabled_at is None and (in_demo or not account.is_demo)
    return is_open and link.used_at is None and now < link.expires_at


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
