"""The accounts of others: an administrator handles all, a carrier's coordinator the own advisers', nobody else any."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
from flask import Flask
from sqlalchemy import select

from scheduler.models import Account, AccountLink, AccountRole
from tests.actions.small_town import adviser_of, place_of
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.second_factors import PASSWORD, give_password, log_in, turn_on
from tests.web.visitor import Visitor

ACTS = ("link", "log-ins/end", "disabling", "enabling", "second-factor/removal")


@pytest.fixture
def administrator(app: Flask, town: LiveTown, open_day: None) -> Visitor:
    return Visitor(app).log_in_as(town.account(administrator=True))


@pytest.fixture
def coordinator(app: Flask, town: LiveTown, open_day: None) -> Visitor:
    """Of the carrier awo."""
    return Visitor(app).log_in_as(town.account(carrier="awo"))


def id_of(town: LiveTown, adviser: str) -> str:
    return str(town.read(lambda session: adviser_of(session, adviser).id))


def place_id(town: LiveTown) -> str:
    return str(town.read(lambda session: place_of(session).id))


def invite(staff: Visitor, **fields: Any) -> Page:
    page = staff.open("/accounts/new")
    return staff.press(page, "/accounts", **{"login": "new", "name": "New colleague", **fields})


def newest(town: LiveTown) -> Account:
    return town.row(
        Account, town.read(lambda session: session.scalars(select(Account.id).order_by(-Account.id)).first()) or 0
    )


def roles_of(town: LiveTown, account_id: int) -> set[tuple[str, int | None]]:
    def look(session: Any) -> set[tuple[str, int | None]]:
        rows = session.scalars(select(AccountRole).where(AccountRole.account_id == account_id))
        return {(each.role, each.place_id or each.adviser_id or each.carrier_id) for each in rows}

    return town.read(look)


def link_on(page: Page) -> str:
    return page.root.one("input", id="address").attrs["value"]


def act(staff: Visitor, account_id: int, what: str) -> Page:
    return staff.post(f"/accounts/{account_id}/{what}", staff.open("/code"))


def test_an_invitation_is_shown_once_and_lets_its_owner_in(
    administrator: Visitor, visitor: Visitor, town: LiveTown
) -> None:
    page = invite(administrator, login=" New@Desk ", desk=place_id(town), adviser=id_of(town, "ib-1"))
    assert page.status == 201
    made, link = newest(town), link_on(page)
    assert (made.login, made.name, made.password_hash) == ("new@desk", "New colleague", "")
    assert {role for role, _id in roles_of(town, made.id)} == {"desk", "adviser"}
    assert link not in administrator.open(f"/accounts/{made.id}").html
    assert "invited, no password yet" in administrator.open("/accounts").text
    path = link.removeprefix("http://localhost")
    visitor.press(visitor.open(path), path, new_password=PASSWORD, again=PASSWORD)
    assert log_in(visitor, "new@desk").location == "/desk"


def test_the_mail_program_opens_with_the_link_and_without_an_address(administrator: Visitor) -> None:
    page = invite(administrator, administrator="y")
    (mail,) = (each for each in page.links if each.startswith("mailto:"))
    assert mail.startswith("mailto:?")
    assert link_on(page) in unquote(mail)


def test_who_made_a_link_is_kept_with_it(administrator: Visitor, town: LiveTown) -> None:
    invite(administrator, administrator="y")
    made_by = town.read(lambda session: session.scalars(select(AccountLink.made_by_id)).one())
    assert town.row(Account, made_by or 0).name == "Account 0"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"login": ""}, "login"),
        ({"login": "   "}, "login"),
        ({"login": "x" * 101}, "login"),
        ({"login": "a\x07b"}, "login"),
        ({"login": "a\u202eb"}, "login"),
        ({"login": "account-0"}, "login"),
        ({"login": " ACCOUNT-0"}, "login"),
        ({"name": ""}, "name"),
        ({"desk": "999"}, "desk"),
        ({"adviser": "x"}, "adviser"),
    ],
)
def test_a_refused_invitation_keeps_what_was_typed(
    administrator: Visitor, town: LiveTown, fields: dict[str, str], field: str
) -> None:
    before = town.dump()
    page = invite(administrator, **{"hours_at": place_id(town), "administrator": "y", **fields})
    assert (page.status, bool(page.wrong(field))) == (422, True)
    kept = page.form("/accounts").values
    assert (kept["hours_at"], kept["administrator"]) == (place_id(town), "y")
    if "name" not in fields:
        assert kept["name"] == "New colleague"
    assert town.dump() == before


def test_roles_change_at_once_for_whoever_is_logged_in(app: Flask, administrator: Visitor, town: LiveTown) -> None:
    account_id = town.account(desk="buergerbuero")
    colleague = Visitor(app).log_in_as(account_id)
    assert colleague.open("/desk").status == 200
    page = administrator.open(f"/accounts/{account_id}")
    assert page.form(f"/accounts/{account_id}").values["desk"] == place_id(town)
    answer = administrator.press(page, f"/accounts/{account_id}", desk="", adviser=id_of(town, "awo-1"), name="Ada")
    assert "Saved." in administrator.follow(answer).text
    assert roles_of(town, account_id) == {("adviser", int(id_of(town, "awo-1")))}
    assert (colleague.open("/desk").status, colleague.open("/my").status) == (403, 200)


def test_saving_a_page_as_it_is_changes_nothing(administrator: Visitor, town: LiveTown) -> None:
    account_id = town.account(
        desk="buergerbuero", adviser="awo-1", carrier="awo", hours_at="awo-buero", administrator=True
    )
    before = roles_of(town, account_id), town.row(Account, account_id).name
    assert len(before[0]) == 5
    administrator.press(administrator.open(f"/accounts/{account_id}"), f"/accounts/{account_id}")
    assert (roles_of(town, account_id), town.row(Account, account_id).name) == before


def test_a_new_link_ends_the_one_before_and_an_own_one_is_not_made(
    administrator: Visitor, visitor: Visitor, town: LiveTown
) -> None:
    account_id = town.account(desk="buergerbuero")
    links = [link_on(act(administrator, account_id, "link")) for _ in range(2)]
    assert [visitor.open(each.removeprefix("http://localhost")).status for each in links] == [404, 200]


def test_a_coordinator_comes_in_by_no_link_to_somebody_who_was_made_an_administrator(
    coordinator: Visitor, administrator: Visitor, visitor: Visitor, town: LiveTown
) -> None:
    path = link_on(invite(coordinator, adviser=id_of(town, "awo-1"))).removeprefix("http://localhost")
    invited = newest(town).id
    assert visitor.open(path).status == 200
    administrator.press(administrator.open(f"/accounts/{invited}"), f"/accounts/{invited}", administrator="y")
    assert visitor.open(path).status == 404


def test_ending_log_ins_and_switching_off(app: Flask, administrator: Visitor, visitor: Visitor, town: LiveTown) -> None:
    account_id = town.account(desk="buergerbuero")
    login = give_password(town, account_id)
    for what, then in (("log-ins/end", 303), ("disabling", 403)):
        colleague = Visitor(app).log_in_as(account_id)
        assert colleague.open("/desk").status == 200
        assert act(administrator, account_id, what).status == 303
        assert colleague.open("/desk").location.startswith("/login")
        assert log_in(visitor, login).status == then
    assert "switched off" in administrator.open("/accounts").text
    assert act(administrator, account_id, "link").status == 409
    act(administrator, account_id, "enabling")
    assert log_in(visitor, login).status == 303


def test_whose_phone_is_lost_logs_in_without_digits(
    app: Flask, administrator: Visitor, visitor: Visitor, town: LiveTown
) -> None:
    account_id = town.account(desk="buergerbuero")
    login = give_password(town, account_id)
    turn_on(town, account_id)
    colleague = Visitor(app).log_in_as(account_id)
    assert colleague.open("/desk").status == 200
    assert "Take off the second factor" in administrator.open(f"/accounts/{account_id}").text
    act(administrator, account_id, "second-factor/removal")
    assert colleague.open("/desk").status == 303
    assert log_in(visitor, login).location == "/desk"


def test_an_administrator_stays_one(administrator: Visitor, town: LiveTown) -> None:
    own = newest(town).id
    page = administrator.open(f"/accounts/{own}")
    assert page.has_form(f"/accounts/{own}")
    assert not page.has_form("/disabling")
    refused = [
        administrator.press(page, f"/accounts/{own}", administrator=None),
        act(administrator, own, "disabling"),
    ]
    assert [each.status for each in refused] == [409, 409]
    assert all("You cannot take this away from yourself." in each.text for each in refused)
    own_acts = ("link", "log-ins/end", "enabling", "second-factor/removal")
    assert [act(administrator, own, each).status for each in own_acts] == [403] * 4
    assert roles_of(town, own) == {("administrator", None)}


def test_a_coordinator_sees_the_own_advisers_accounts_alone(coordinator: Visitor, town: LiveTown) -> None:
    own = town.account(adviser="awo-1", is_demo=False)
    others = foreign_accounts(town)
    links = coordinator.open("/accounts").links
    assert f"/accounts/{own}" in links
    assert not {f"/accounts/{each}" for each in others} & set(links)


def foreign_accounts(town: LiveTown) -> list[int]:
    """Of another carrier, of the place, of the town; or of an own adviser who has a role besides."""
    return [
        town.account(adviser="ib-1"),
        town.account(desk="buergerbuero"),
        town.account(carrier="awo"),
        town.account(hours_at="buergerbuero"),
        town.account(administrator=True),
        town.account(adviser="awo-1", desk="buergerbuero"),
        town.account(adviser="awo-1", administrator=True),
        town.account(),
    ]


def test_of_all_others_there_is_nothing_for_a_coordinator(coordinator: Visitor, town: LiveTown) -> None:
    others = foreign_accounts(town)
    before = town.dump()
    for each in others:
        assert coordinator.open(f"/accounts/{each}").status == 404
        assert coordinator.post(f"/accounts/{each}", coordinator.open("/code"), name="x").status == 404
        assert [act(coordinator, each, what).status for what in ACTS] == [404] * len(ACTS)
    assert town.dump() == before


def test_an_invitation_to_nothing_is_refused_beside_the_roles(administrator: Visitor, town: LiveTown) -> None:
    before = town.count(Account)
    page = invite(administrator, login="typed")
    assert (page.status, town.count(Account)) == (422, before)
    assert "at least one" in page.root.one("p", id="roles-wrong").text
    assert page.form("/accounts").values["login"] == "typed"


def test_a_coordinator_invites_own_advisers_and_gives_no_other_role(coordinator: Visitor, town: LiveTown) -> None:
    offered = coordinator.open("/accounts/new").form("/accounts").offers("adviser")
    assert set(offered) == {id_of(town, "awo-1"), id_of(town, "awo-2")}
    refused = invite(coordinator, adviser=id_of(town, "ib-1"))
    assert (refused.status, bool(refused.wrong("adviser"))) == (422, True)
    forged = {"desk": place_id(town), "hours_at": place_id(town), "administrator": "y", "carrier": "1"}
    page = invite(coordinator, adviser=id_of(town, "awo-2"), **forged)
    assert page.status == 201
    assert roles_of(town, newest(town).id) == {("adviser", int(id_of(town, "awo-2")))}


def test_a_coordinator_handles_an_own_adviser_s_account(coordinator: Visitor, visitor: Visitor, town: LiveTown) -> None:
    account_id = town.account(adviser="awo-1")
    login = give_password(town, account_id)
    page = coordinator.open(f"/accounts/{account_id}")
    coordinator.press(page, f"/accounts/{account_id}", name="Ada", adviser=id_of(town, "awo-2"), administrator="y")
    assert roles_of(town, account_id) == {("adviser", int(id_of(town, "awo-2")))}
    assert act(coordinator, account_id, "link").status == 201
    assert act(coordinator, account_id, "disabling").status == 303
    assert log_in(visitor, login).status == 403
    act(coordinator, account_id, "enabling")
    assert log_in(visitor, login).status == 303


def test_a_coordinator_takes_off_nobody_s_second_factor(coordinator: Visitor, town: LiveTown) -> None:
    """With a link for a new password beside it that would open the account, and what clients told its adviser."""
    account_id = town.account(adviser="awo-1")
    turn_on(town, account_id)
    assert "Take off the second factor" not in coordinator.open(f"/accounts/{account_id}").text
    assert act(coordinator, account_id, "second-factor/removal").status == 404
    assert town.row(Account, account_id).totp_since is not None


@pytest.mark.parametrize("role", [{"desk": "buergerbuero"}, {"adviser": "awo-1"}, {"hours_at": "buergerbuero"}, {}])
def test_nobody_else_sees_or_changes_accounts(app: Flask, town: LiveTown, open_day: None, role: dict[str, str]) -> None:
    account_id = town.account(adviser="awo-2")
    staff = Visitor(app).log_in_as(town.account(**role))  # type: ignore[arg-type]
    before = town.dump()
    assert [staff.open(each).status for each in ("/accounts", "/accounts/new", f"/accounts/{account_id}")] == [403] * 3
    assert [act(staff, account_id, what).status for what in ACTS] == [403] * len(ACTS)
    token_page = staff.open("/code")
    assert staff.post("/accounts", token_page, login="x", name="x").status == 403
    assert "/accounts" not in staff.open("/account").links
    assert town.dump() == before


def test_an_account_that_is_none_is_not_found(administrator: Visitor) -> None:
    assert [administrator.open(f"/accounts/{each}").status for each in ("99", "0", "-1", "x", "9" * 30)] == [404] * 5


def test_an_adviser_who_left_keeps_the_role_until_it_is_changed(
    administrator: Visitor, town: LiveTown, clock: object
) -> None:
    account_id = town.account(adviser="ib-1")
    at = town.row(Account, account_id).created_at
    town.change(lambda session: setattr(adviser_of(session, "ib-1"), "retired_at", at))
    try:
        before = roles_of(town, account_id)
        page = administrator.open(f"/accounts/{account_id}")
        assert administrator.press(page, f"/accounts/{account_id}", name="Renamed").status == 303
        assert roles_of(town, account_id) == before
        assert id_of(town, "ib-1") not in administrator.open("/accounts/new").form("/accounts").offers("adviser")
    finally:
        town.change(lambda session: setattr(adviser_of(session, "ib-1"), "retired_at", None))  # all tests share it
