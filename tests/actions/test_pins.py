"""A PIN unlocks a screen: only with the password it is chosen, and after five wrong ones only the password helps."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from scheduler.actions.log_in import check_password, note_right_password
from scheduler.actions.staff import (
    AccountChanged,
    PinRefused,
    begin_unlocking,
    choose_pin,
    end_unlocking,
    lock_as_read,
    make_account,
    takes_pin,
    unlocks,
)
from scheduler.models import Account
from tests.conftest import NOW

PASSWORD = "open sesame"


@pytest.fixture
def account(session: Session) -> Account:
    make_account(session, login="other", name="Other", password=PASSWORD, now=NOW)
    return make_account(session, login="desk", name="Desk", password=PASSWORD, now=NOW)


def unlock(session: Session, account: Account, secret: str) -> bool:
    by_pin = begin_unlocking(session, account.id)
    right = unlocks(account, secret, by_pin=by_pin)
    if right:
        end_unlocking(session, account)
    return right


@pytest.mark.parametrize("pin", ["2580", "93715", "40283911"])
def test_a_pin_of_four_to_eight_digits_unlocks(session: Session, account: Account, pin: str) -> None:
    choose_pin(session, account, PASSWORD, pin)
    assert unlock(session, account, pin)
    assert not unlock(session, account, PASSWORD)
    assert not unlock(session, account, "2581")


@pytest.mark.parametrize(
    ("pin", "reason"),
    [("258", "digits"), ("402839112", "digits"), ("25a0", "digits"), ("", "digits"), ("٢٥٨٠", "digits"),
     (" 2580", "digits"), ("1111", "too_simple"), ("1234", "too_simple"), ("87654321", "too_simple"),
     ("7890", "too_simple")],
)  # fmt: skip
def test_other_pins_are_refused(session: Session, account: Account, pin: str, reason: str) -> None:
    with pytest.raises(PinRefused, match=reason):
        choose_pin(session, account, PASSWORD, pin)
    assert account.pin_hash is None


def test_without_the_password_no_pin_is_chosen(session: Session, account: Account) -> None:
    with pytest.raises(PinRefused, match="password"):
        choose_pin(session, account, "open", "2580")
    assert account.pin_hash is None


def test_the_pin_is_not_kept_as_it_is(session: Session, account: Account) -> None:
    choose_pin(session, account, PASSWORD, "2580")
    assert (account.pin_hash or "").startswith("$argon2")


def test_without_a_pin_the_password_unlocks(session: Session, account: Account) -> None:
    assert not takes_pin(account)
    assert unlock(session, account, PASSWORD)
    assert not unlock(session, account, "")
    assert account.pin_failures == 0


def test_after_five_wrong_pins_only_the_password_unlocks(session: Session, account: Account) -> None:
    choose_pin(session, account, PASSWORD, "2580")
    for number in range(1, 6):
        assert not unlock(session, account, "0852")
        assert takes_pin(account) is (number < 5)
    assert not unlock(session, account, "2580")
    assert unlock(session, account, PASSWORD)
    assert unlock(session, account, "2580")


def test_the_right_pin_forgives_wrong_ones(session: Session, account: Account) -> None:
    choose_pin(session, account, PASSWORD, "2580")
    for _ in range(3):
        assert [unlock(session, account, each) for each in ("1", "2", "3", "4", "2580")] == [False] * 4 + [True]


@pytest.mark.parametrize("again", ["log in", "choose"])
def test_the_password_opens_the_way_for_the_pin_again(session: Session, account: Account, again: str) -> None:
    choose_pin(session, account, PASSWORD, "2580")
    for _ in range(5):
        unlock(session, account, "0852")
    if again == "choose":
        choose_pin(session, account, PASSWORD, "2580")
    else:
        assert check_password(session, "desk", PASSWORD, in_demo=False) == account
        note_right_password(session, account, PASSWORD)
    assert unlock(session, account, "2580")


def test_pins_that_are_tried_at_once_are_all_counted(session: Session, account: Account) -> None:
    """None of them has been checked yet, and the sixth takes the password."""
    choose_pin(session, account, PASSWORD, "2580")
    assert [begin_unlocking(session, account.id) for _ in range(6)] == [True] * 5 + [False]


@pytest.mark.parametrize("change", [{"epoch": 9}, {"pin_hash": "another"}])
def test_what_was_checked_counts_no_more_when_the_secret_has_changed_meanwhile(
    session: Session, account: Account, change: dict[str, object]
) -> None:
    """The hash is checked while nothing is locked: somebody may choose a new password or PIN just then."""
    choose_pin(session, account, PASSWORD, "2580")
    session.execute(update(Account).values(**change).execution_options(synchronize_session=False))
    with pytest.raises(AccountChanged):
        lock_as_read(session, account)
