"""The second factor of a log-in: six digits of an app (TOTP, RFC 6238), or a recovery code where the phone is lost."""

from __future__ import annotations

import secrets
from datetime import datetime
from hmac import compare_digest

import pyotp
from sqlalchemy import delete, func, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from scheduler.actions.staff import lock_account
from scheduler.domain.codes import keyed_hash
from scheduler.models import Account, RecoveryCode

STEP_SECONDS = 30
DIGITS = 6
RECOVERY_CODES = 10
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
"""Without those that are taken for others; 32 of them, so each carries five bits."""
_CODE_LETTERS = 12
_MISREAD = str.maketrans("oil", "011")


class AlreadyInUse(Exception):
    """The account has a second factor: it ends before another one begins."""


def begin_set_up(session: Session, account_id: int) -> Account:
    """A fresh key for the app, which counts only when its first digits were right. Raises AlreadyInUse."""
    account = lock_account(session, account_id)
    if account.totp_since is not None:
        raise AlreadyInUse
    account.totp_secret, account.totp_last_step = pyotp.random_base32(), None
    session.flush()
    return account


def key_address(account: Account, issuer: str) -> str:
    """What the picture says to the app (otpauth://…)."""
    assert account.totp_secret is not None
    return pyotp.TOTP(account.totp_secret).provisioning_uri(name=account.login, issuer_name=issuer)


def confirm_set_up(session: Session, account_id: int, digits: str, now: datetime, secret: str) -> list[str] | None:
    """From now on the log-in asks for digits. Gives the recovery codes, told here only; None: these are not the digits.

    Every other log-in of the account ends. Raises AlreadyInUse.
    """
    account = lock_account(session, account_id)
    if account.totp_since is not None:
        raise AlreadyInUse
    if not _takes_digits(account, digits_in(digits), now):
        return None
    account.totp_since = now
    account.epoch += 1
    return make_recovery_codes(session, account, secret)


def is_second_factor(session: Session, account_id: int, typed: str, now: datetime, secret: str) -> bool:
    """Whether these are digits of now, or a recovery code. Either is taken once."""
    account = lock_account(session, account_id)
    if account.totp_since is None:
        return False
    if len(digits_in(typed)) == DIGITS:
        return _takes_digits(account, digits_in(typed), now)
    return _takes_recovery_code(session, account, typed, now, secret)


def make_recovery_codes(session: Session, account: Account, secret: str) -> list[str]:
    """A new set; the old one ends. The codes are told here only: the rows keep keyed hashes."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account.id))
    codes = ["".join(secrets.choice(_LETTERS) for _ in range(_CODE_LETTERS)) for _ in range(RECOVERY_CODES)]
    session.add_all(RecoveryCode(account_id=account.id, code_hash=_hash(secret, account, each)) for each in codes)
    session.flush()
    return ["-".join(each[start : start + 4] for start in range(0, _CODE_LETTERS, 4)) for each in codes]


def count_recovery_codes(session: Session, account: Account) -> int:
    """How many still work."""
    unused = (RecoveryCode.account_id == account.id, RecoveryCode.used_at.is_(None))
    return session.scalars(select(func.count()).select_from(RecoveryCode).where(*unused)).one()


def end_second_factor(session: Session, account: Account) -> None:
    """No digits are asked for any more. Every log-in of the account ends."""
    account.totp_secret = account.totp_since = account.totp_last_step = None
    account.epoch += 1
    session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account.id))
    session.flush()


def digits_in(typed: str) -> str:
    """The digits, with whatever spaces between them and in any script; empty: there is something else, too."""
    plain = [each for each in typed if not each.isspace()]
    return "".join(str(int(each)) for each in plain) if all(each.isdecimal() for each in plain) else ""


def _takes_digits(account: Account, digits: str, now: datetime) -> bool:
    """Those of this step of time, of the one before and the one after: phones go wrong by seconds. None twice."""
    if account.totp_secret is None:
        return False
    app, this_step = pyotp.TOTP(account.totp_secret), int(now.timestamp()) // STEP_SECONDS
    right = [step for step in (this_step - 1, this_step, this_step + 1) if _is_same(app.generate_otp(step), digits)]
    fresh = [step for step in right if account.totp_last_step is None or step > account.totp_last_step]
    if fresh:
        account.totp_last_step = fresh[0]
    return bool(fresh)


def _takes_recovery_code(session: Session, account: Account, typed: str, now: datetime, secret: str) -> bool:
    code = "".join(each for each in typed.casefold().translate(_MISREAD) if each in _LETTERS)
    if len(code) != _CODE_LETTERS:
        return False
    asked = (RecoveryCode.account_id == account.id, RecoveryCode.code_hash == _hash(secret, account, code))
    used = session.execute(update(RecoveryCode).where(*asked, RecoveryCode.used_at.is_(None)).values(used_at=now))
    assert isinstance(used, CursorResult)
    return used.rowcount == 1


def _is_same(right: str, typed: str) -> bool:
    return compare_digest(right.encode(), typed.encode())


def _hash(secret: str, account: Account, code: str) -> str:
    return keyed_hash(secret, "recovery-code", f"{account.id}:{code}")
