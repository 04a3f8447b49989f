"""Accounts of others: invite, change, switch off; the last administrator who can log in stays."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.account_links import find_link, make_link
from scheduler.actions.accounts import (
    AccountRefused,
    belongs_of,
    change_account,
    disable,
    enable,
    end_log_ins,
    invite,
    list_accounts,
)
from scheduler.actions.feeds import find_head, make_feed
from scheduler.actions.log_in import check_password
from scheduler.actions.staff import make_account, roles_of
from scheduler.domain.permissions import Belongs
from scheduler.models import Account, AccountRole, Carrier
from tests.actions.small_town import adviser_of, place_of
from tests.conftest import NOW

PASSWORD = "correct horse battery"


def make(session: Session, login: str, password: str | None = PASSWORD, **roles: object) -> Account:
    return make_account(session, login=login, name=login, password=password, now=NOW, **roles)  # type: ignore[arg-type]


@pytest.fixture
def first(session: Session) -> Account:
    """An administrator, among accounts that cannot stand in: no password, disabled, of the demo, no administrator."""
    make(session, "invited", None, administrator=True)
    make(session, "disabled", administrator=True).disabled_at = NOW
    make(session, "demo", administrator=True, is_demo=True)
    make(session, "desk", desk_of=place_of(session))
    return make(session, "first", administrator=True)


@pytest.fixture
def second(session: Session, first: Account) -> Account:
    return make(session, "second", administrator=True)


def carrier_of(session: Session, key: str) -> Carrier:
    return session.scalars(select(Carrier).where(Carrier.key == key)).one()


def roles(account: Account) -> list[tuple[object, ...]]:
    return sorted((each.role, each.place_id or each.adviser_id or each.carrier_id or 0) for each in account.roles)


def test_who_is_invited_has_roles_and_no_password(session: Session) -> None:
    wanted = roles_of(adviser=adviser_of(session, "awo-1"), administrator=True)
    account = invite(session, login=" New@Example ", name="New", roles=wanted, now=NOW)
    session.expire_all()
    assert (account.login, account.password_hash) == ("new@example", "")
    assert roles(account) == [("administrator", 0), ("adviser", adviser_of(session, "awo-1").id)]


def test_a_log_in_is_given_once_however_it_is_typed(session: Session, first: Account) -> None:
    with pytest.raises(AccountRefused, match="taken"):
        invite(session, login=" FIRST", name="Second", roles=[], now=NOW)


def test_roles_change_and_unchanged_ones_keep_their_rows(session: Session, first: Account) -> None:
    desk = session.scalars(select(Account).where(Account.login == "desk")).one()
    row = desk.roles[0].id

    def change(name: str, wanted: list[AccountRole]) -> None:
        change_account(session, desk.id, name=name, roles=wanted, by_id=first.id, in_demo=False)
        session.expire_all()

    change("Renamed", roles_of(place_of(session)))
    assert (desk.name, desk.roles[0].id) == ("Renamed", row)
    change("Renamed", roles_of(place_of(session, "awo-buero"), carrier=carrier_of(session, "awo")))
    assert roles(desk) == [
        ("carrier_coordinator", carrier_of(session, "awo").id),
        ("desk", place_of(session, "awo-buero").id),
    ]
    change("Renamed", [])
    assert roles(desk) == []


def test_switched_off_nobody_logs_in_and_links_end(session: Session, first: Account, second: Account) -> None:
    _link, token = make_link(session, second, made_by_id=first.id, now=NOW)
    epoch = second.epoch
    disable(session, second.id, by_id=first.id, now=NOW, in_demo=False)
    assert (second.disabled_at, second.epoch) == (NOW, epoch + 1)
    assert check_password(session, "second", PASSWORD, in_demo=False) is None
    enable(session, second.id)
    assert check_password(session, "second", PASSWORD, in_demo=False) is second
    assert find_link(session, token, NOW, in_demo=True) is None


@pytest.mark.parametrize("shared", [False, True])
def test_whoever_is_switched_off_reads_no_calendar_any_more(session: Session, first: Account, shared: bool) -> None:
    """Unless a colleague has the same adviser: those may be theirs."""
    leaving = make(session, "leaving", adviser=adviser_of(session, "awo-1"))
    make(session, "left before", adviser=adviser_of(session, "awo-1")).disabled_at = NOW
    make(session, "another", adviser=adviser_of(session, "awo-1" if shared else "awo-2"))
    owners = (adviser_of(session, "awo-1"), adviser_of(session, "awo-2"), carrier_of(session, "awo"))
    feeds = [make_feed(session, each, level="details", base_url="http://x", now=NOW) for each in owners]
    disable(session, leaving.id, by_id=first.id, now=NOW, in_demo=False)
    assert [find_head(session, token) is None for _feed, token in feeds] == [not shared, False, False]


@pytest.mark.parametrize("how", ["switched off", "role taken"])
def test_links_that_somebody_made_end_with_what_allowed_it(
    session: Session, first: Account, second: Account, how: str
) -> None:
    """Whoever leaves may have kept one, and would come back by it as somebody else."""
    desk = session.scalars(select(Account).where(Account.login == "desk")).one()
    _link, kept = make_link(session, desk, made_by_id=second.id, now=NOW)
    invited = session.scalars(select(Account).where(Account.login == "invited")).one()
    _link, anothers = make_link(session, invited, made_by_id=first.id, now=NOW)
    if how == "switched off":
        disable(session, second.id, by_id=first.id, now=NOW, in_demo=False)
    else:
        change_account(session, second.id, name="x", roles=[], by_id=first.id, in_demo=False)
    assert find_link(session, kept, NOW, in_demo=False) is None
    assert find_link(session, anothers, NOW, in_demo=False) is not None


@pytest.mark.parametrize(("maker", "ends"), [("coordinator", True), ("first", False), ("the command line", False)])
def test_with_new_roles_links_end_that_others_made(session: Session, first: Account, maker: str, ends: bool) -> None:
    """A coordinator who invited an adviser must not choose the password of an administrator."""
    coordinator = make(session, "coordinator", carrier=carrier_of(session, "awo"))
    adviser = make(session, "adviser", None, adviser=adviser_of(session, "awo-1"))
    made_by_id = {"coordinator": coordinator.id, "first": first.id}.get(maker)
    _link, token = make_link(session, adviser, made_by_id=made_by_id, now=NOW)
    same = roles_of(adviser=adviser_of(session, "awo-1"))
    change_account(session, adviser.id, name="Renamed", roles=same, by_id=first.id, in_demo=False)
    assert find_link(session, token, NOW, in_demo=False) is not None
    wanted = roles_of(adviser=adviser_of(session, "awo-1"), administrator=True)
    change_account(session, adviser.id, name="Renamed", roles=wanted, by_id=first.id, in_demo=False)
    assert (find_link(session, token, NOW, in_demo=False) is None) is ends


def test_ending_log_ins_touches_no_other_account(session: Session, first: Account, second: Account) -> None:
    before = (first.epoch, second.epoch)
    end_log_ins(session, second.id)
    assert (first.epoch, second.epoch) == (before[0], before[1] + 1)


def test_nobody_takes_administration_from_oneself(session: Session, first: Account, second: Account) -> None:
    with pytest.raises(AccountRefused, match="own"):
        disable(session, first.id, by_id=first.id, now=NOW, in_demo=False)
    with pytest.raises(AccountRefused, match="own"):
        change_account(session, first.id, name="x", roles=[], by_id=first.id, in_demo=False)
    assert roles(first) == [("administrator", 0)]


def test_other_own_roles_may_change(session: Session, first: Account) -> None:
    wanted = roles_of(place_of(session), administrator=True)
    change_account(session, first.id, name="x", roles=wanted, by_id=first.id, in_demo=False)
    assert {each.role for each in first.roles} == {"desk", "administrator"}


@pytest.mark.parametrize("how", ["disable", "take the role"])
def test_the_last_administrator_who_can_log_in_stays(session: Session, first: Account, how: str) -> None:
    """By somebody who no longer is one: two administrators have put out each other at the same moment."""
    desk = session.scalars(select(Account).where(Account.login == "desk")).one()

    def put_out(in_demo: bool) -> None:
        if how == "disable":
            disable(session, first.id, by_id=desk.id, now=NOW, in_demo=in_demo)
        else:
            change_account(session, first.id, name="x", roles=[], by_id=desk.id, in_demo=in_demo)

    with pytest.raises(AccountRefused, match="last_administrator"):
        put_out(in_demo=False)
    assert (first.disabled_at, roles(first)) == (None, [("administrator", 0)])
    put_out(in_demo=True)  # in the demo its own administrator can log in, too


def test_one_of_two_administrators_may_go(session: Session, first: Account, second: Account) -> None:
    disable(session, first.id, by_id=second.id, now=NOW, in_demo=False)
    with pytest.raises(AccountRefused, match="last_administrator"):
        disable(session, second.id, by_id=first.id, now=NOW, in_demo=False)


def test_an_account_belongs_to_a_carrier_only_by_nothing_but_its_advisers(session: Session) -> None:
    awo, other_awo, ib = (adviser_of(session, each) for each in ("awo-1", "awo-2", "ib-1"))
    of_awo = Belongs(adviser_ids=frozenset({awo.id}), carrier_id=awo.carrier_id)
    assert belongs_of(roles_of(adviser=awo)) == of_awo
    assert belongs_of([*roles_of(adviser=awo), *roles_of(adviser=other_awo)]).carrier_id == awo.carrier_id
    mixed = [
        [*roles_of(adviser=awo), *roles_of(adviser=ib)],
        roles_of(place_of(session), awo),
        roles_of(adviser=awo, carrier=awo.carrier),
        roles_of(adviser=awo, hours_at=place_of(session)),
        roles_of(adviser=awo, administrator=True),
        roles_of(carrier=awo.carrier),
        roles_of(administrator=True),
        [],
    ]
    assert [belongs_of(each).carrier_id for each in mixed] == [None] * len(mixed)


def test_the_list_ends_with_those_that_are_switched_off(session: Session, second: Account) -> None:
    assert [each.login for each in list_accounts(session)] == ["demo", "desk", "first", "invited", "second", "disabled"]
