"""Sixteen processes guess at the same instant: each try is counted, and a link or a code that works once works once."""

from __future__ import annotations

import pyotp
import pytest
from sqlalchemy import select

from scheduler.actions.account_links import choose_password_by_link, make_link
from scheduler.actions.log_in import count_try
from scheduler.actions.second_factor import begin_set_up, confirm_set_up, is_second_factor
from scheduler.actions.staff import make_account
from scheduler.db import Database
from scheduler.models import Account, AccountLink, LoginDelay
from tests.conftest import NOW, SECRET
from tests.races.start_line import RUNNERS, Act, Outcome, race

ROUNDS = 3


def in_rounds(url: str, what: str) -> Act:
    """Each round does it once, in a transaction of its own."""
    database = Database(url)

    def act(number: int) -> Outcome:
        with database.writing() as session:
            if what == "try":
                outcome = str(count_try(session, f"key {number}", NOW))
            elif what == "link":
                link = session.scalars(select(AccountLink).order_by(AccountLink.id)).all()[number]
                chosen = choose_password_by_link(
                    session, link, "correct horse battery", browser="", secret=SECRET, now=NOW, in_demo=False
                )
                outcome = "chosen" if chosen else "gone"
            else:
                account = session.scalars(select(Account).order_by(Account.id)).all()[number]
                typed = pyotp.TOTP(account.totp_secret or "").at(NOW, counter_offset=1)
                outcome = "in" if is_second_factor(session, account.id, typed, NOW, SECRET) else "refused"
            session.commit()
            return outcome

    return act


def prepare(database_url: str, *, with_digits: bool) -> None:
    """An account for each round."""
    database = Database(database_url)
    with database.writing() as session:
        for number in range(ROUNDS):
            account = make_account(session, login=f"{number}", name="A", password="x", now=NOW, administrator=True)
            make_link(session, account, made_by_id=None, now=NOW)
            if with_digits:
                begin_set_up(session, account.id)
                assert confirm_set_up(session, account.id, pyotp.TOTP(account.totp_secret or "").at(NOW), NOW, SECRET)
        session.commit()
    database.engine.dispose()


def test_no_more_than_the_free_tries_pass_at_once(database_url: str) -> None:
    for outcomes in race(lambda _number: in_rounds(database_url, "try"), ROUNDS):
        assert sorted(outcomes) == ["0"] * 5 + ["1"] * (RUNNERS - 5)
    database = Database(database_url)
    with database.reading() as session:
        assert session.scalars(select(LoginDelay.failures)).all() == [5] * ROUNDS
    database.engine.dispose()


@pytest.mark.parametrize(("what", "won", "lost"), [("link", "chosen", "gone"), ("digits", "in", "refused")])
def test_what_works_once_works_once(database_url: str, what: str, won: str, lost: str) -> None:
    prepare(database_url, with_digits=what == "digits")
    for outcomes in race(lambda _number: in_rounds(database_url, what), ROUNDS):
        assert sorted(outcomes) == sorted([won] + [lost] * (RUNNERS - 1))
