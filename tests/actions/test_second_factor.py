"""Six digits of an app, each taken once; recovery codes, each taken once; and what ends with them."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from scheduler.actions import second_factor
from scheduler.actions.second_factor import (
    AlreadyInUse,
    begin_set_up,
    confirm_set_up,
    count_recovery_codes,
    digits_in,
    end_second_factor,
    is_second_factor,
    key_address,
    make_recovery_codes,
)
from scheduler.actions.staff import make_account
from scheduler.models import Account, RecoveryCode
from tests.conftest import NOW, SECRET

LATER = NOW + timedelta(minutes=10)


@pytest.fixture
def account(session: Session) -> Account:
    other = make_account(session, login="other", name="Other", password="x", now=NOW)
    begin_set_up(session, other.id)
    confirm_set_up(session, other.id, digits_of(other, NOW), NOW, SECRET)
    return make_account(session, login="admin", name="Admin", password="x", now=NOW, administrator=True)


@pytest.fixture
def codes(session: Session, account: Account) -> list[str]:
    """The account uses a second factor since NOW."""
    begin_set_up(session, account.id)
    found = confirm_set_up(session, account.id, digits_of(account, NOW), NOW, SECRET)
    assert found is not None
    return found


def digits_of(account: Account, at: datetime) -> str:
    """What the app shows at that instant."""
    assert account.totp_secret is not None
    return pyotp.TOTP(account.totp_secret).at(at)


def takes(session: Session, account: Account, typed: str, at: datetime = LATER) -> bool:
    return is_second_factor(session, account.id, typed, at, SECRET)


def test_it_is_in_use_only_after_the_first_right_digits(session: Session, account: Account) -> None:
    begin_set_up(session, account.id)
    assert (account.totp_since, takes(session, account, digits_of(account, LATER))) == (None, False)
    assert confirm_set_up(session, account.id, "000000", NOW, SECRET) is None
    assert account.totp_since is None
    assert count_recovery_codes(session, account) == 0
    epoch = account.epoch
    assert confirm_set_up(session, account.id, digits_of(account, NOW), NOW, SECRET) is not None
    assert (account.totp_since, account.epoch) == (NOW, epoch + 1)


def test_beginning_again_makes_another_key_until_it_is_in_use(session: Session, account: Account) -> None:
    keys = {begin_set_up(session, account.id).totp_secret for _ in range(3)}
    assert len(keys) == 3
    confirm_set_up(session, account.id, digits_of(account, NOW), NOW, SECRET)
    for change in (begin_set_up, lambda s, id_: confirm_set_up(s, id_, digits_of(account, LATER), LATER, SECRET)):
        with pytest.raises(AlreadyInUse):
            change(session, account.id)


@pytest.mark.parametrize("seconds", [-30, 0, 30])
def test_digits_of_the_step_before_and_after_are_right(
    session: Session, account: Account, codes: list[str], seconds: int
) -> None:
    assert takes(session, account, digits_of(account, LATER + timedelta(seconds=seconds)))


@pytest.mark.parametrize("seconds", [-90, -60, 60, 90])
def test_digits_further_away_are_wrong(session: Session, account: Account, codes: list[str], seconds: int) -> None:
    assert not takes(session, account, digits_of(account, LATER + timedelta(seconds=seconds)))


def test_no_digits_are_taken_twice_nor_earlier_ones_afterwards(
    session: Session, account: Account, codes: list[str]
) -> None:
    before, now, after = (digits_of(account, LATER + timedelta(seconds=each)) for each in (-30, 0, 30))
    assert [takes(session, account, each) for each in (now, now, before, after, after, now)] == [
        True, False, False, True, False, False,
    ]  # fmt: skip


def test_the_digits_of_the_set_up_open_no_log_in(session: Session, account: Account, codes: list[str]) -> None:
    assert not takes(session, account, digits_of(account, NOW), NOW)


def test_digits_may_be_typed_with_spaces_and_in_any_script(
    session: Session, account: Account, codes: list[str]
) -> None:
    shown = digits_of(account, LATER)
    arabic = "".join(chr(0x660 + int(each)) for each in shown)
    assert takes(session, account, f" {arabic[:3]} {arabic[3:]} ")
    assert (digits_in("12 34"), digits_in("12a4"), digits_in("")) == ("1234", "", "")


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "\x00", "²²²²²²", "-" * 200, "0000-0000-0000"])
def test_anything_else_is_wrong(session: Session, account: Account, codes: list[str], typed: str) -> None:
    assert not takes(session, account, typed)


def test_anothers_digits_and_codes_are_wrong(session: Session, account: Account, codes: list[str]) -> None:
    other = session.scalars(select(Account).where(Account.login == "other")).one()
    assert not takes(session, account, digits_of(other, LATER))
    assert not takes(session, other, codes[0])
    assert count_recovery_codes(session, account) == 10


def test_recovery_codes_are_ten_different_ones_that_nobody_guesses(codes: list[str]) -> None:
    assert len(set(codes)) == 10
    for code in codes:
        groups = code.split("-")
        assert [len(each) for each in groups] == [4, 4, 4]  # of 32 letters: 60 bits
        assert not set("".join(groups)) & set("ilou")


def test_each_recovery_code_works_once_and_is_counted(session: Session, account: Account, codes: list[str]) -> None:
    assert [takes(session, account, each) for each in (codes[3], codes[3], codes[4])] == [True, False, True]
    assert count_recovery_codes(session, account) == 8


def test_a_recovery_code_may_be_typed_as_it_was_written_down(
    session: Session, account: Account, codes: list[str]
) -> None:
    misread = codes[0].upper().replace("0", "O").replace("1", "l").replace("-", " ")
    assert takes(session, account, misread)


def test_a_new_set_ends_the_old_one(session: Session, account: Account, codes: list[str]) -> None:
    fresh = make_recovery_codes(session, account, SECRET)
    assert not set(fresh) & set(codes)
    assert [takes(session, account, each) for each in (codes[0], fresh[0])] == [False, True]
    assert count_recovery_codes(session, account) == 9


def test_neither_key_nor_codes_are_stored_as_they_are(session: Session, account: Account, codes: list[str]) -> None:
    stored = session.scalars(select(RecoveryCode.code_hash).where(RecoveryCode.account_id == account.id)).all()
    assert len(stored) == 10
    assert not any(each.replace("-", "") in hashed for each in codes for hashed in stored)
    raw = session.execute(text("SELECT totp_secret FROM account WHERE login = 'admin'")).scalar_one()
    assert account.totp_secret is not None
    assert account.totp_secret.encode() not in bytes(raw)


def test_ending_it_ends_codes_and_every_log_in(session: Session, account: Account, codes: list[str]) -> None:
    epoch = account.epoch
    end_second_factor(session, account)
    assert (account.totp_secret, account.totp_since, account.epoch) == (None, None, epoch + 1)
    assert not takes(session, account, codes[0])
    other = session.scalars(select(Account).where(Account.login == "other")).one()
    assert count_recovery_codes(session, other) == 10


def test_the_picture_names_town_and_log_in(session: Session, account: Account) -> None:
    begin_set_up(session, account.id)
    address = urlsplit(key_address(account, "Kleinstadt"))
    assert (address.scheme, address.netloc, address.path) == ("otpauth", "totp", "/Kleinstadt:admin")
    assert parse_qs(address.query) == {"secret": [account.totp_secret], "issuer": ["Kleinstadt"]}


def test_digits_are_compared_in_constant_time(
    session: Session, account: Account, codes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All three steps, by compare_digest, whether the first one is right or none."""
    compared: list[tuple[bytes, bytes]] = []

    def compare(right: bytes, typed: bytes) -> bool:
        compared.append((right, typed))
        return right == typed

    monkeypatch.setattr(second_factor, "compare_digest", compare)
    takes(session, account, digits_of(account, LATER - timedelta(seconds=30)))
    takes(session, account, "000000")
    assert len(compared) == 6
