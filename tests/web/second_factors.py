"""Accounts with passwords and second factors, as the tests of the pages need them."""

from __future__ import annotations

from datetime import UTC, datetime

import pyotp
from sqlalchemy.orm import Session

from scheduler.actions.passwords import hash_secret
from scheduler.actions.second_factor import begin_set_up, confirm_set_up
from scheduler.models import Account
from tests.conftest import SECRET
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.visitor import Visitor

PASSWORD = "correct horse battery"


def give_password(town: LiveTown, account_id: int, password: str = PASSWORD) -> str:
    """Gives the log-in name."""
    town.set(Account, account_id, password_hash=hash_secret(password))
    return town.row(Account, account_id).login


def turn_on(town: LiveTown, account_id: int, *, anew: bool = True) -> list[str]:
    """The second factor of this account, by an app that was set up now; gives the recovery codes.

    `anew` False: by the key that a page has shown already.
    """

    def action(session: Session) -> list[str]:
        account = begin_set_up(session, account_id) if anew else session.get_one(Account, account_id)
        now = datetime.now(UTC)
        assert account.totp_secret is not None
        codes = confirm_set_up(session, account_id, pyotp.TOTP(account.totp_secret).at(now), now, SECRET)
        assert codes is not None
        return codes

    return town.change(action)


def digits(town: LiveTown, account_id: int) -> str:
    """What its app shows next, which may be typed already: those of now may have been taken."""
    secret = town.row(Account, account_id).totp_secret
    assert secret is not None
    return pyotp.TOTP(secret).at(datetime.now(UTC), counter_offset=1)


def log_in(visitor: Visitor, login: str, password: str = PASSWORD, address: str = "/login") -> Page:
    return visitor.press(visitor.open(address), "/login", login=login, password=password)
