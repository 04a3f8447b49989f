"""A log-in by name and password: check it, and make guessing slow without locking anybody out.

A try is counted before it is checked, so that a hundred at once are a hundred. Who has failed too often waits a minute
at most. Names that nobody has are counted alike, so nothing is learned by it; a browser that has logged in with a name
before is counted by itself, so a stranger who hammers that name delays nobody there.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil
from typing import Literal

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from scheduler.actions.openings import insert_for
from scheduler.actions.passwords import hash_secret, is_outdated, is_secret
from scheduler.actions.staff import lock_as_read, normal_login
from scheduler.domain.codes import keyed_hash
from scheduler.models import Account, LoginDelay

FREE_TRIES = 5
LONGEST_DELAY = timedelta(seconds=60)
FORGOTTEN_AFTER = timedelta(hours=1)
Step = Literal["password", "digits", "confirm", "unlock"]
"""What is tried: log in by password, then by digits; when logged in, confirm a change by either; unlock a screen."""


def delay_key(secret: str, step: Step, login: str, browser: str = "") -> str:
    """Under which the tries at this name are counted. `browser`: its id, where it has logged in with it before."""
    return keyed_hash(secret, "login-delay", f"{step}|{browser}|{normal_login(login)}")


def delay_after(failures: int) -> timedelta:
    """How long the next try has to wait after so many wrong ones."""
    beyond = failures - FREE_TRIES
    if beyond < 0:
        return timedelta(0)
    return min(timedelta(seconds=2 ** min(beyond, 6)), LONGEST_DELAY)


def count_try(session: Session, key: str, now: datetime) -> int:
    """Count a try that is about to be checked. Gives 0, or for how many seconds it is too early: then do not check."""
    insert = insert_for(session, LoginDelay.metadata.tables["login_delay"])
    session.execute(insert.values(key=key, failures=0, failed_at=now).on_conflict_do_nothing())
    row = session.get_one(LoginDelay, key, with_for_update=True, populate_existing=True)
    if row.failed_at <= now - FORGOTTEN_AFTER:
        row.failures = 0
    wait = row.failed_at + delay_after(row.failures) - now
    if wait > timedelta(0):
        return ceil(wait.total_seconds())
    row.failures, row.failed_at = row.failures + 1, now
    session.flush()
    return 0


def forget_tries(session: Session, key: str) -> None:
    """What was tried was right, or a new password makes all tries void."""
    session.execute(delete(LoginDelay).where(LoginDelay.key == key))


def check_password(session: Session, login: str, password: str, *, in_demo: bool) -> Account | None:
    """The account, or None. An unknown name takes as long as a wrong password; demo log-ins work in the demo alone.

    It only reads, so no writer waits for the hash.
    """
    account = session.scalar(select(Account).where(Account.login == normal_login(login)))
    if not is_secret(account.password_hash if account else None, password):
        return None
    if account is None or account.disabled_at is not None or (account.is_demo and not in_demo):
        return None
    return account


def note_right_password(session: Session, account: Account, password: str) -> Account:
    """PINs may be tried again, and an old hash is made anew. Gives the account, its row locked.

    Raises AccountChanged: a new password was chosen while this one was checked.
    """
    renewed = hash_secret(password) if is_outdated(account.password_hash) else account.password_hash
    locked = lock_as_read(session, account)
    locked.pin_failures, locked.password_hash = 0, renewed
    session.flush()
    return locked
