"""The trail of staff's changes: every route leaves one line, of ids only; what did not happen leaves none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import click
import pytest
import time_machine
from flask import Flask
from sqlalchemy import select
from werkzeug.routing import Rule as Address

from bench.statements import statements_of
from scheduler.actions.audit import THINGS
from scheduler.actions.staff import choose_pin, make_account
from scheduler.models import Account, AuditLine
from scheduler.web.action_words import action_words
from scheduler.web.edge import db
from scheduler.web.rules import RULES, Rule
from tests.actions.small_town import WEDNESDAY, at, place_of
from tests.conftest import NOW
from tests.web.live_town import LiveTown
from tests.web.test_desk_booking import ask_times
from tests.web.test_login import log_in
from tests.web.visitor import Visitor

LEAVE_NOTES = {"login.do_login", "login.do_code", "login.do_logout", "lock.do_unlock", "lock.do_take_over"}
"""They say by themselves what has happened: log_in, log_out, lock.…"""
CHANGE_NOTHING = {
    "lock.do_lock",
    "lock.do_keep_form",
    "lock.do_keep_fields",
    "lock.do_give_fields_back",
    "visits.do_code",
}
PASSWORD = "open sesame"


def changing_routes(app: Flask) -> list[Address]:
    """All that a browser may send a form to."""
    found = [
        each for each in app.url_map.iter_rules() if "POST" in each.methods and not each.endpoint.startswith("api.")
    ]
    return [each for each in found if each.endpoint not in LEAVE_NOTES | CHANGE_NOTHING]


def of_staff(routes: list[Address]) -> list[Address]:
    return [each for each in routes if isinstance(RULES[each.endpoint], Rule)]


def address_of(app: Flask, route: Address) -> str:
    """With numbers where ids stand, and with words that no line may hold where text stands."""
    values = {name: 17 if name.endswith("_id") else f"unsayable-{name}" for name in route.arguments}
    known = {"hours_key": "buergerbuero-mi", "original_on": "2026-11-25"}
    with app.test_request_context():
        built = route.build({**values, **{name: known[name] for name in known if name in values}}, append_unknown=False)
    assert built
    return built[1]


def lines_of(town: LiveTown) -> list[AuditLine]:
    def look(session: Any) -> list[AuditLine]:
        found = list(session.scalars(select(AuditLine).order_by(AuditLine.id)))
        session.expunge_all()
        return found

    return town.read(look)


@pytest.fixture
def stubs(app: Flask) -> Iterator[Callable[[str, Callable[..., str]], None]]:
    """Puts another function in the place of a route's, for this test."""
    kept: dict[str, Any] = {}

    def put(endpoint: str, function: Callable[..., str]) -> None:
        kept.setdefault(endpoint, app.view_functions[endpoint])
        app.view_functions[endpoint] = function

    yield put
    app.view_functions.update(kept)


@pytest.fixture
def everybody(app: Flask, town: LiveTown, open_day: None) -> Visitor:
    """All roles in one account."""
    account_id = town.account(
        desk="buergerbuero", adviser="awo-1", carrier="awo", hours_at="buergerbuero", administrator=True
    )
    return Visitor(app).log_in_as(account_id)


def change_a_row(**_arguments: object) -> str:
    account = db().scalars(select(Account).order_by(Account.id)).first()
    assert account is not None
    account.name += "+"
    db().commit()
    return ""


def take_it_back(**_arguments: object) -> str:
    account = db().scalars(select(Account).order_by(Account.id)).first()
    assert account is not None
    account.name += "+"
    db().flush()
    db().rollback()
    return ""


def test_every_route_that_changes_something_leaves_one_line_with_ids_only(
    app: Flask, town: LiveTown, everybody: Visitor, stubs: Callable[[str, Callable[..., str]], None]
) -> None:
    """Whatever the route does: not one of them has to think of the trail."""
    page, routes = everybody.open("/code"), of_staff(changing_routes(app))
    assert len(routes) > 60
    for route in routes:
        before = len(lines_of(town))
        stubs(route.endpoint, change_a_row)
        answer = everybody.post(address_of(app, route), page, reason="unsayable-reason", code="482917305")
        assert answer.status == 200, route.endpoint
        lines = lines_of(town)[before:]
        assert [line.action for line in lines] == [route.endpoint]
        assert set(lines[0].things) == route.arguments & THINGS, route.endpoint
        assert "unsayable" not in str(lines[0].things)
        assert "482917305" not in str(lines[0].things)


def test_what_is_rolled_back_or_changes_nothing_leaves_no_line(
    app: Flask, town: LiveTown, everybody: Visitor, stubs: Callable[[str, Callable[..., str]], None]
) -> None:
    page = everybody.open("/code")
    for route in of_staff(changing_routes(app)):
        for function in (take_it_back, lambda **_arguments: str(db().commit() or "")):
            stubs(route.endpoint, function)
            assert everybody.post(address_of(app, route), page).status == 200
    assert lines_of(town) == []


def test_a_request_that_fails_after_its_change_leaves_no_line(
    app: Flask, town: LiveTown, everybody: Visitor, stubs: Callable[[str, Callable[..., str]], None]
) -> None:
    def fail(**_arguments: object) -> str:
        db().scalars(select(Account)).first().name = "x"  # type: ignore[union-attr]
        db().flush()
        raise ValueError("on purpose")

    stubs("desk.do_register", fail)
    assert everybody.post("/desk/visits", everybody.open("/code")).status == 500
    assert lines_of(town) == []


def test_a_change_costs_one_statement_more(desk: Visitor, town: LiveTown) -> None:
    page = desk.open("/desk")
    with statements_of(town.database) as seen:
        desk.press(page, "/desk/visits")
    assert sum("audit_line" in each for each in seen) == 1


def test_a_client_leaves_no_line(visitor: Visitor, town: LiveTown) -> None:
    page = visitor.open("/book?age=from_27&concern=letter&language=de")
    assert visitor.press(page, "/book", slot=page.form("/book").offers("slot")[0]).status == 303
    assert lines_of(town) == []


def test_a_morning_leaves_who_did_what_to_which_row(
    desk: Visitor, adviser: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    """With the real routes: each change of a row, and nothing else of it."""
    desk.press(desk.open("/desk"), "/desk/visits", language="ar")
    visit_id = town.newest_visit().id
    adviser.press(adviser.open("/my"), "/presence", station="Tisch 1")
    adviser.press(adviser.open("/my"), "/calls")
    adviser.open("/my")
    desk.open("/desk")
    found = [(line.account_id, line.action, line.things) for line in lines_of(town)]
    desk_id, adviser_id = (
        town.read(lambda s, n=n: s.scalar(select(Account.id).where(Account.login == n))) for n in _LOGINS
    )
    assert [each[:2] for each in found] == [
        (desk_id, "desk.do_register"), (adviser_id, "my.do_sit_down"), (adviser_id, "my.do_call_next"),
    ]  # fmt: skip
    assert found[0][2] == {"visit_id": visit_id}
    assert list(found[2][2]) == ["consultation_id"]
    assert "ar" not in str([each[2].values() for each in found])


_LOGINS = ("account-0", "account-1")


@pytest.fixture
def account_id(town: LiveTown) -> int:
    def make(session: Any) -> int:
        made = make_account(session, login="desk", name="D", password=PASSWORD, now=NOW, desk_of=place_of(session))
        choose_pin(session, made, PASSWORD, "2580")
        return made.id

    return town.change(make)


def test_log_in_log_out_and_a_forgotten_pin_stand_in_the_trail(
    visitor: Visitor, town: LiveTown, account_id: int, open_day: None
) -> None:
    log_in(visitor, "desk", "wrong")
    log_in(visitor, "desk", PASSWORD)
    lock = visitor.follow(visitor.press(visitor.open("/desk"), "/lock"))
    visitor.press(lock, "/unlock", secret="0000")
    visitor.press(lock, "/unlock", secret="2580")
    lock = visitor.follow(visitor.press(visitor.open("/desk"), "/lock"))
    for _ in range(5):
        visitor.press(lock, "/unlock", secret="0000")
    log_in(visitor, "desk", PASSWORD)
    visitor.press(visitor.open("/desk"), "/logout")
    found = [(line.account_id, line.action, line.things) for line in lines_of(town)]
    assert found == [(account_id, each, {}) for each in ("log_in", "lock.wrong_pins", "log_out", "log_in", "log_out")]


def test_a_password_that_is_only_tried_leaves_no_line(visitor: Visitor, town: LiveTown, account_id: int) -> None:
    """The try itself is counted and committed, whatever comes of it."""
    log_in(visitor, "desk", PASSWORD)
    new = {"new_password": "another open sesame", "again": "another open sesame"}
    too_short = {"new_password": "short", "again": "short"}
    for password, given in (("wrong", new), (PASSWORD, too_short), (PASSWORD, new)):
        visitor.press(visitor.open("/account/password"), "/account/password", password=password, **given)
    assert [line.action for line in lines_of(town)] == ["log_in", "account.do_change_password"]


def test_who_logs_out_at_a_locked_screen_is_known(
    visitor: Visitor, town: LiveTown, account_id: int, open_day: None
) -> None:
    log_in(visitor, "desk", PASSWORD)
    lock = visitor.follow(visitor.press(visitor.open("/desk"), "/lock"))
    visitor.press(lock, "/lock/take-over")
    assert [(line.account_id, line.action) for line in lines_of(town)][-1] == (account_id, "log_out")


def test_a_command_leaves_a_line_without_an_account(app: Flask, town: LiveTown) -> None:
    runner = app.test_cli_runner()
    made = runner.invoke(args=["feed", "make", "--adviser", "awo-1"])
    assert made.exit_code == 0, made.output
    feed_id = lines_of(town)[0].things["feed_id"]
    assert runner.invoke(args=["feed", "list"]).exit_code == 0
    assert runner.invoke(args=["feed", "revoke", str(feed_id)]).exit_code == 0
    found = [(line.account_id, line.action, line.things) for line in lines_of(town)]
    assert found == [(None, "cli.feed make", {"feed_id": feed_id}), (None, "cli.feed revoke", {"feed_id": feed_id})]
    assert made.output.strip().rpartition("/")[2].removesuffix(".ics") not in str(found)


def test_a_line_names_the_visit_that_was_made(desk: Visitor, town: LiveTown) -> None:
    """A walk-in and an appointment are stored by statements of their own, for speed."""
    desk.press(desk.open("/desk"), "/desk/visits", quick="1")
    walk_in = town.newest_visit().id
    page = ask_times(desk)
    desk.press(page, "/desk/bookings", slot=page.form("/desk/bookings").offers("slot")[0])
    booked = town.newest_visit().id
    found = [(line.action, line.things) for line in lines_of(town)]
    assert found == [("desk.do_register", {"visit_id": walk_in}), ("desk.do_book", {"visit_id": booked})]


def test_every_action_has_words(app: Flask) -> None:
    missing = {each.endpoint for each in changing_routes(app)} - set(action_words())
    assert missing == set()


def test_no_words_are_left_over(app: Flask) -> None:
    endpoints = {each.endpoint for each in app.url_map.iter_rules()}
    alone = {"log_in", "log_out", "lock.wrong_pins", "lock.opened_by_password"}
    assert {each for each in action_words() if not each.startswith("cli.")} - endpoints == alone


READING_COMMANDS = {
    "new-key", "check", "export", "feed list", "privacy report", "backtest", "doctor",
}  # fmt: skip


def commands_of(group: click.Group) -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from (f"{name} {each}" for each in commands_of(command))
        else:
            yield name


def test_every_command_that_changes_something_has_words(app: Flask) -> None:
    commands = set(commands_of(app.cli)) - {"routes", "run", "shell"}
    said = {each.removeprefix("cli.") for each in action_words() if each.startswith("cli.")}
    assert said == commands - READING_COMMANDS


def write_line(town: LiveTown, account_id: int | None, action: str, **more: Any) -> None:
    line = {"at": at("09:00"), "things": {}, **more}
    town.change(lambda session: session.add(AuditLine(account_id=account_id, action=action, **line)))


@pytest.fixture
def administrator(app: Flask, town: LiveTown, open_day: None) -> Visitor:
    return Visitor(app).log_in_as(town.account(administrator=True))


def test_the_page_says_it_in_words_newest_first(administrator: Visitor, town: LiveTown) -> None:
    desk_id = town.account(desk="buergerbuero")
    write_line(town, desk_id, "desk.do_register", things={"visit_id": 17})
    write_line(town, None, "cli.load", at=at("10:00"))
    page = administrator.open("/manage/trail")
    lines = [each.text for each in page.root.one("ul", class_="trail").all("li")]
    assert [each.split(",")[0].split(" Wednesday")[0] for each in lines] == [
        "Command: town's file loaded",
        "Number handed out",
    ]
    assert "command line" in lines[0]
    assert "visit 17" in lines[1]
    assert page.headers["Cache-Control"] == "no-store"


def test_the_page_is_filtered_by_account_and_day_and_paged(administrator: Visitor, town: LiveTown) -> None:
    one, other = town.account(desk="buergerbuero"), town.account(desk="buergerbuero")
    for minute in range(60):
        write_line(town, one, "desk.do_register", at=at("09:00") + timedelta(minutes=minute))
    write_line(town, other, "desk.do_leave", at=at("00:00"))
    write_line(town, other, "desk.do_park", at=at("00:00") - timedelta(seconds=1))

    def shown(query: str) -> int:
        return len(
            administrator.open(f"/manage/trail?{query}").root.one("ul", class_="trail").all("span", class_="words")
        )

    assert [shown(""), shown("page=2"), shown("page=3")] == [50, 12, 0]
    assert shown(f"account={other}") == 2
    assert shown(f"account={other}&on={WEDNESDAY}") == 1
    assert shown(f"on={date(2026, 11, 24)}") == 1
    for hostile in ("on=x", "account=x", "page=-1", "page=99999999999", "account=99999999999"):
        assert administrator.open(f"/manage/trail?{hostile}").status == 200


@pytest.mark.parametrize(
    "roles", [{"desk": "buergerbuero"}, {"adviser": "awo-1"}, {"carrier": "awo"}, {"hours_at": "buergerbuero"}]
)
def test_nobody_else_reads_the_trail(app: Flask, town: LiveTown, open_day: None, roles: dict[str, Any]) -> None:
    assert Visitor(app).log_in_as(town.account(**roles)).open("/manage/trail").status == 403
