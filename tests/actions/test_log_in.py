"""Guessing is slow, nobody is locked out, and what a hash was made with is brought up to date."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from argon2 import PasswordHasher
from argon2.low_level import Type
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions import passwords
from scheduler.actions.log_in import (
    check_password,
    count_try,
    delay_after,
    delay_key,
    forget_tries,
    note_right_password,
)
from scheduler.actions.passwords import hash_secret, is_secret
from scheduler.actions.staff import make_account
from scheduler.models import LoginDelay
from tests.conftest import NOW, SECRET

KEY = delay_key(SECRET, "password", "desk")
PASSWORD = "correct horse battery"


def test_five_tries_are_free_then_the_delay_doubles_up_to_a_minute() -> None:
    seconds = [delay_after(failures).total_seconds() for failures in range(14)]
    assert seconds == [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert delay_after(10_000).total_seconds() == 60


def test_a_try_that_comes_too_early_is_told_how_long_to_wait_and_lengthens_nothing(session: Session) -> None:
    count_try(session, delay_key(SECRET, "password", "other"), NOW)
    assert [count_try(session, KEY, NOW) for _ in range(8)] == [0] * 5 + [1] * 3
    assert count_try(session, KEY, NOW + timedelta(seconds=0.4)) == 1
    assert count_try(session, KEY, NOW + timedelta(seconds=1)) == 0
    assert count_try(session, KEY, NOW + timedelta(seconds=1.5)) == 2
    assert count_try(session, KEY, NOW + timedelta(seconds=3)) == 0
    assert session.get_one(LoginDelay, KEY).failures == 7


def hammer(session: Session, key: str, at: datetime, times: int = 30) -> datetime:
    """So many tries, each as early as it may be; gives when the last one was."""
    for _ in range(times):
        at += timedelta(seconds=count_try(session, key, at))
        count_try(session, key, at)
    return at


def test_however_often_somebody_has_failed_the_next_try_is_a_minute_away_at_most(session: Session) -> None:
    last = hammer(session, KEY, NOW)
    assert count_try(session, KEY, last) == 60
    assert count_try(session, KEY, last + timedelta(seconds=60)) == 0


def test_an_hour_without_a_try_forgets_them(session: Session) -> None:
    last = hammer(session, KEY, NOW)
    assert [count_try(session, KEY, last + timedelta(hours=1)) for _ in range(6)] == [0] * 5 + [1]


def test_each_name_step_and_browser_is_counted_by_itself(session: Session) -> None:
    hammer(session, KEY, NOW)
    others = [
        delay_key(SECRET, "password", "desk", "known"),
        delay_key(SECRET, "digits", "desk"),
        delay_key(SECRET, "confirm", "desk"),
        delay_key(SECRET, "password", "desk2"),
        delay_key(SECRET + "x", "password", "desk"),
    ]
    assert len({KEY, *others}) == 6
    assert [count_try(session, each, NOW) for each in others] == [0] * 5
    assert delay_key(SECRET, "password", " DESK ") == KEY


def test_no_name_is_stored(session: Session) -> None:
    count_try(session, delay_key(SECRET, "password", "somebody@example.org"), NOW)
    assert all("somebody" not in each and len(each) == 64 for each in session.scalars(select(LoginDelay.key)))


def test_what_was_right_forgets_its_own_tries_alone(session: Session) -> None:
    other = delay_key(SECRET, "password", "other")
    hammer(session, KEY, NOW)
    count_try(session, other, NOW)
    forget_tries(session, KEY)
    assert session.scalars(select(LoginDelay.key)).all() == [other]
    assert count_try(session, KEY, NOW) == 0


def test_a_hash_of_other_parameters_is_made_anew_at_the_next_log_in(session: Session) -> None:
    account = make_account(session, login="desk", name="Desk", password=PASSWORD, now=NOW)
    account.password_hash = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash(PASSWORD)
    account.pin_failures = 5
    session.flush()
    assert check_password(session, "desk", PASSWORD, in_demo=False) is account
    note_right_password(session, account, PASSWORD)
    renewed = account.password_hash
    assert "m=8,t=1,p=1" in renewed  # what the tests' hasher makes
    assert check_password(session, "desk", PASSWORD, in_demo=False) is account
    note_right_password(session, account, PASSWORD)
    assert (account.password_hash, account.pin_failures) == (renewed, 0)


def test_an_account_without_a_password_is_opened_by_none(session: Session) -> None:
    make_account(session, login="invited", name="Invited", password=None, now=NOW)
    tries = ("", "no account has this password", PASSWORD)
    assert [check_password(session, "invited", each, in_demo=True) for each in tries] == [None] * 3


def test_a_name_that_nobody_has_costs_a_hash_like_any_other(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    make_account(session, login="desk", name="Desk", password=PASSWORD, now=NOW)
    make_account(session, login="invited", name="Invited", password=None, now=NOW)
    asked: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hashed: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
            asked.append(str(hashed))
            return super().verify(hashed, password)

    monkeypatch.setattr(passwords, "_hasher", Counting(time_cost=1, memory_cost=8, parallelism=1))
    for login in ("desk", "nobody", "invited"):
        check_password(session, login, "wrong", in_demo=False)
    assert len(asked) == 3
    assert all(each.startswith("$argon2id$") for each in asked)


def test_hashes_are_argon2id_with_the_work_that_its_authors_advise() -> None:
    advised = PasswordHasher(type=Type.ID)
    assert not advised.check_needs_rehash(PasswordHasher(type=Type.ID).hash("x"))
    assert hash_secret("x").startswith("$argon2id$")


def test_an_umlaut_is_the_same_however_a_keyboard_sends_it(session: Session) -> None:
    assert is_secret(hash_secret("viele gru\u0308ne Äpfel"), "viele gr\u00fcne A\u0308pfel")
