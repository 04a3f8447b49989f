"""What is done to the accounts of others: invite, change roles, end. Who may do it stands in `domain/permissions.py`.

An installation never loses its last administrator who is able to log in.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, selectinload

from scheduler.actions.account_links import end_links, end_links_by, end_links_by_others
from scheduler.actions.feeds import revoke_feed
from scheduler.actions.staff import lock_account, normal_login
from scheduler.domain.permissions import Belongs
from scheduler.models import Account, AccountRole, Feed


class AccountRefused(Exception):
    """Nothing was changed. `reason`: "taken" (the log-in), "own" (not to oneself) or "last_administrator"."""

    def __init__(self, reason: Literal["taken", "own", "last_administrator"]) -> None:
        super().__init__(reason)
        self.reason = reason


def belongs_of(roles: Sequence[AccountRole]) -> Belongs:
    """To which carrier an account with these roles belongs: where all of them are of its advisers. Else to the town."""
    carriers = {each.adviser.carrier_id if each.adviser is not None else None for each in roles}
    carrier_id = carriers.pop() if len(carriers) == 1 else None
    advisers = frozenset(each.adviser.id for each in roles if each.adviser is not None)
    return Belongs(adviser_ids=advisers, carrier_id=carrier_id)


def list_accounts(session: Session) -> list[Account]:
    """All, with their roles: those that may log in first, then by name."""
    by_name = select(Account).order_by(Account.disabled_at.is_not(None), Account.name, Account.id)
    return list(session.scalars(by_name.options(selectinload(Account.roles))))


def invite(session: Session, *, login: str, name: str, roles: list[AccountRole], now: datetime) -> Account:
    """An account without a password: a link lets its owner choose one. Raises AccountRefused("taken")."""
    if session.scalar(select(Account.id).where(Account.login == normal_login(login))) is not None:
        raise AccountRefused("taken")
    account = Account(login=normal_login(login), name=name, password_hash="", created_at=now, roles=roles)
    session.add(account)
    session.flush()
    return account


def change_account(
    session: Session, account_id: int, *, name: str, roles: list[AccountRole], by_id: int, in_demo: bool
) -> Account:
    """Name and roles are these from now on, for log-ins that are open, too. Raises AccountRefused.

    With new roles links end that others made for this account, or it for others: their makers may no longer do that.
    """
    account = _lock_with_administrators(session, account_id)
    if _is_administrator(account) and not any(each.role == "administrator" for each in roles):
        _keep_administrators(session, account, by_id, in_demo=in_demo)
    account.name = name
    if {_what(each) for each in account.roles} != {_what(each) for each in roles}:
        account.roles.clear()
        session.flush()
        account.roles = roles
        end_links_by(session, account.id)
        end_links_by_others(session, account.id, by_id)
    session.flush()
    return account


def disable(session: Session, account_id: int, *, by_id: int, now: datetime, in_demo: bool) -> None:
    """Nobody can log in with it; every log-in and every link ends, also those it made. Raises AccountRefused.

    So do calendar addresses of its advisers, where no other account has them: nobody else would switch these off.
    """
    account = _lock_with_administrators(session, account_id)
    if account.id == by_id:
        raise AccountRefused("own")
    if _is_administrator(account):
        _keep_administrators(session, account, by_id, in_demo=in_demo)
    account.disabled_at = account.disabled_at or now
    account.epoch += 1
    end_links(session, account.id)
    end_links_by(session, account.id)
    for feed in _feeds_of_nobody_else(session, account):
        revoke_feed(session, feed, now)
    session.flush()


def enable(session: Session, account_id: int) -> None:
    lock_account(session, account_id).disabled_at = None
    session.flush()


def end_log_ins(session: Session, account_id: int) -> Account:
    """Every log-in of the account ends, on every computer."""
    account = lock_account(session, account_id)
    account.epoch += 1
    session.flush()
    return account


def _feeds_of_nobody_else(session: Session, account: Account) -> list[Feed]:
    others = select(AccountRole.adviser_id).join(AccountRole.account)
    others = others.where(AccountRole.adviser_id.is_not(None), Account.disabled_at.is_(None), Account.id != account.id)
    own = Feed.adviser_id.in_([each.adviser_id for each in account.roles if each.adviser_id is not None])
    return list(session.scalars(select(Feed).where(own, Feed.revoked_at.is_(None), Feed.adviser_id.not_in(others))))


def _lock_with_administrators(session: Session, account_id: int) -> Account:
    """The account; its row and all administrators' are locked, in one order: two who put out each other take turns."""
    administrators = select(AccountRole.account_id).where(AccountRole.role == "administrator")
    query = select(Account).where(or_(Account.id == account_id, Account.id.in_(administrators))).order_by(Account.id)
    session.execute(query.with_for_update())
    fresh = query.options(selectinload(Account.roles)).execution_options(populate_existing=True)
    return next(each for each in session.scalars(fresh).all() if each.id == account_id)


def _keep_administrators(session: Session, account: Account, by_id: int, *, in_demo: bool) -> None:
    if account.id == by_id:
        raise AccountRefused("own")
    holders = select(Account).join(Account.roles).where(AccountRole.role == "administrator", Account.id != account.id)
    if not any(_can_log_in(each, in_demo=in_demo) for each in session.scalars(holders)):
        raise AccountRefused("last_administrator")


def _can_log_in(account: Account, *, in_demo: bool) -> bool:
    return bool(account.password_hash) and account.disabled_at is None and (in_demo or not account.is_demo)


def _is_administrator(account: Account) -> bool:
    return any(each.role == "administrator" for each in account.roles)


def _what(role: AccountRole) -> tuple[object, ...]:
    """What a role is, whether its row is stored yet or not."""
    about = (role.place, role.adviser, role.carrier)
    return role.role, *(each.id if each is not None else None for each in about)
