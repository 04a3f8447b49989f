"""A link by which a password is chosen: once, in time, and the newest alone."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.account_links import (
    PasswordRefused,
    choose_password_by_link,
    find_link,
    make_link,
)
from scheduler.actions.log_in import check_password, count_try, delay_key
from scheduler.actions.staff import make_account
from scheduler.models import Account, AccountLink, LoginDelay
from tests.actions.small_town import place_of
from tests.conftest import NOW, SECRET

PASSWORD = "correct horse battery"
A_SECOND = timedelta(seconds=1)


@pytest.fixture
def invited(session: Session) -> Account:
    other = make_account(session, login="other", name="Other", password=PASSWORD, now=NOW)
    make_link(session, other, made_by_id=None, now=NOW)
    return make_account(session, login="desk", name="Desk", password=None, now=NOW, desk_of=place_of(session))


@pytest.fixture
def account(session: Session, invited: Account) -> Account:
    """One that has a password already."""
    invited.password_hash = "-"
    return invited


def choose(
    session: Session, token: str, password: str = PASSWORD, at: datetime = NOW, browser: str = ""
) -> Account | None:
    link = link_of(session, token)
    return choose_password_by_link(session, link, password, browser=browser, secret=SECRET, now=at, in_demo=False)


def link_of(session: Session, token: str) -> AccountLink:
    found = find_link(session, token, NOW, in_demo=True)
    assert found is not None
    return found


def is_found(session: Session, token: str, at: datetime = NOW, *, in_demo: bool = False) -> bool:
    return find_link(session, token, at, in_demo=in_demo) is not None


def test_by_an_invitation_the_first_password_is_chosen(session: Session, invited: Account) -> None:
    link, token = make_link(session, invited, made_by_id=None, now=NOW)
    assert (link.purpose, link.expires_at) == ("invitation", NOW + timedelta(days=7))
    assert choose(session, token) is invited
    assert check_password(session, "desk", PASSWORD, in_demo=False) is invited


def test_a_reset_ends_log_ins_wrong_pins_and_delays(session: Session, account: Account) -> None:
    account.pin_failures, epoch = 5, account.epoch
    keys = [delay_key(SECRET, "password", "desk", each) for each in ("", "mine", "anothers")]
    for key in keys:
        count_try(session, key, NOW)
    link, token = make_link(session, account, made_by_id=None, now=NOW)
    assert (link.purpose, link.expires_at) == ("reset", NOW + timedelta(hours=24))
    choose(session, token, browser="mine")
    assert (account.pin_failures, account.epoch) == (0, epoch + 1)
    assert session.scalars(select(LoginDelay.key)).all() == [keys[2]]


def test_it_works_once(session: Session, account: Account) -> None:
    _link, token = make_link(session, account, made_by_id=None, now=NOW)
    link = link_of(session, token)
    choose(session, token)
    assert not is_found(session, token)
    again = choose_password_by_link(
        session, link, "another long password", browser="", secret=SECRET, now=NOW, in_demo=False
    )
    assert again is None
    assert check_password(session, "desk", PASSWORD, in_demo=False) is account


@pytest.mark.parametrize(("has_password", "valid"), [(False, timedelta(days=7)), (True, timedelta(hours=24))])
def test_it_works_until_its_end_and_not_then(
    session: Session, invited: Account, has_password: bool, valid: timedelta
) -> None:
    invited.password_hash = "-" if has_password else ""
    link, token = make_link(session, invited, made_by_id=None, now=NOW)
    assert is_found(session, token, NOW + valid - A_SECOND)
    assert not is_found(session, token, NOW + valid)
    late = choose_password_by_link(session, link, PASSWORD, browser="", secret=SECRET, now=NOW + valid, in_demo=False)
    assert late is None
    assert check_password(session, "desk", PASSWORD, in_demo=False) is None


def test_a_new_link_ends_earlier_ones_of_this_account_alone(session: Session, account: Account) -> None:
    other = session.scalars(select(Account).where(Account.login == "other")).one()
    tokens = [make_link(session, each, made_by_id=None, now=NOW)[1] for each in (other, account, account)]
    assert [is_found(session, each) for each in tokens] == [True, False, True]


def test_forged_links_are_none(session: Session, account: Account) -> None:
    link, token = make_link(session, account, made_by_id=None, now=NOW)
    for forged in ("", token[:-1], token + "x", token.swapcase(), link.token_hash, "%", str(link.id)):
        assert not is_found(session, forged), forged


def test_the_link_is_not_stored_and_cannot_be_guessed(session: Session, account: Account) -> None:
    link, token = make_link(session, account, made_by_id=None, now=NOW)
    assert len(token) == 43  # 256 bits
    assert token not in link.token_hash


@pytest.mark.parametrize("password", ["short", "desk" * 3, "Passwort1234", "x" * 201])
def test_after_a_refused_password_the_link_still_works(session: Session, invited: Account, password: str) -> None:
    _link, token = make_link(session, invited, made_by_id=None, now=NOW)
    with pytest.raises(PasswordRefused):
        choose(session, token, password)
    assert (invited.password_hash, is_found(session, token)) == ("", True)


def test_a_disabled_account_has_no_link(session: Session, account: Account) -> None:
    link, token = make_link(session, account, made_by_id=None, now=NOW)
    account.disabled_at = NOW
    session.flush()
    assert not is_found(session, token)
    arguments = {"browser": "", "secret": SECRET, "now": NOW, "in_demo": False}
    assert choose_password_by_link(session, link, PASSWORD, **arguments) is None  # type: ignore[arg-type]


def test_a_demo_account_has_links_in_the_demo_alone(session: Session, account: Account) -> None:
    account.is_demo = True
    _link, token = make_link(session, account, made_by_id=None, now=NOW)
    assert (is_found(session, token), is_found(session, token, in_demo=True)) == (False, True)
