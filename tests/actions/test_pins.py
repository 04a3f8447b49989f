"""A PIN unlocks a screen: only with the password it is chosen, and after five wrong ones only the password helps."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from scheduler.actions.log_in import check_password, note_right_password
from scheduler.actions.staff import PinRefused, choose_pin, make_account, takes_pin, unlocks
from scheduler.models import Account
from tests.conftest import NOW

PASSWORD = "open sesame"


@pytest.fixture
def account(session: Session) -> Account:
    make_account(session, login="other", name="Other", password=PASSWORD, now=NOW)
    return make_account(session, login="desk", name="Desk", password=PASSWORD, now=NOW)


@pytest.mark.parametrize("pin", ["2580", "93715", "40283911"])
def test_a_pin_of_four_to_eight_digits_unlocks(session: Session, account: Account, pin: str) -> None:
    choose_pin(session, account.id, PASSWORD, pin)
    assert unlocks(session, account.id, pin)
    assert not unlocks(session, account.id, PASSWORD)
    assert not unlocks(session, account.id, "2581")


@pytest.mark.parametrize(
    ("pin", "reason"),
    [("258", "digits"), ("402839112", "digits"), ("25a0", "digits"), ("", "digits"), ("٢٥٨٠", "digits"),
     (" 2580", "digits"), ("1111", "too_simple"), ("1234", "too_simple"), ("87654321", "too_simple"),
     ("7890", "too_simple")],
)  # fmt: skip
def test_other_pins_are_refused(session: Session, account: Account, pin: str, reason: str) -> None:
    with pytest.raises(PinRefused, match=reason):
        choose_pin(session, account.id, PASSWORD, pin)
    assert account.pin_hash is None


def test_without_the_password_no_pin_is_chosen(session: Session, account: Account) -> None:
    with pytest.raises(PinRefused, match="password"):
        choose_pin(session, account.id, "open", "2580")
    assert account.pin_hash is None


def test_the_pin_is_not_kept_as_it_is(session: Session, account: Account) -> None:
    choose_pin(session, account.id, PASSWORD, "2580")
    assert (account.pin_hash or "").startswith("$argon2")


def test_without_a_pin_the_password_unlocks(session: Session, account: Account) -> None:
    assert not takes_pin(account)
    assert unlocks(session, account.id, PASSWORD)
    assert not unlocks(session, account.id, "")
    assert account.pin_failures == 0


def test_after_five_wrong_pins_only_the_password_unlocks(session: Session, account: Account) -> None:
    choose_pin(session, account.id, PASSWORD, "2580")
    for number in range(1, 6):
        assert not unlocks(session, account.id, "0852")
        assert takes_pin(account) is (number < 5)
    assert not unlocks(session, account.id, "2580")
    assert unlocks(session, account.id, PASSWORD)
    assert unlocks(session, account.id, "2580")


def test_the_right_pin_forgives_wrong_ones(session: Session, account: Account) -> None:
    choose_pin(session, account.id, PASSWORD, "2580")
    for _ in range(3):
        assert [unlocks(session, account.id, each) for each in ("1", "2", "3", "4", "2580")] == [False] * 4 + [True]


@pytest.mark.parametrize("again", ["log in", "choose"])
def test_the_password_opens_the_way_for_the_pin_again(session: Session, account: Account, again: str) -> None:
    choose_pin(session, account.id, PASSWORD, "2580")
    for _ in range(5):
        unlocks(session, account.id, "0852")
    if again == "choose":
        choose_pin(session, account.id, PASSWORD, "2580")
    else:
        assert check_password(session, "desk", PASSWORD, in_demo=False) == account
        note_right_password(session, account.id, PASSWORD)
    assert unlocks(session, account.id, "2580")
