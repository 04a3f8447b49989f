"""Log in and out, and that nothing of staff is open without it. Who may do what: test_permissions.py."""

from __future__ import annotations

from dataclasses import replace

import pytest
import time_machine
from flask import Flask
from sqlalchemy.orm import Session

from scheduler.actions.staff import make_account
from scheduler.models import Account
from scheduler.web.rules import EVERYBODY, RULES
from tests.actions.small_town import adviser_of, at, place_of
from tests.conftest import NOW
from tests.web.conftest import MakeApp
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.visitor import Visitor


def staff_routes(app: Flask) -> list[tuple[str, str, str]]:
    """Endpoint, method and an address of every route that is not public."""
    with app.test_request_context():
        return [
            (rule.endpoint, method, rule.build(dict.fromkeys(rule.arguments, 1), append_unknown=False)[1])
            for rule in app.url_map.iter_rules()
            if RULES[rule.endpoint] != EVERYBODY
            for method in sorted(rule.methods - {"HEAD", "OPTIONS"})
        ]


def log_in(visitor: Visitor, login: str, password: str, address: str = "/login") -> Page:
    return visitor.press(visitor.open(address), "/login", login=login, password=password)


@pytest.fixture
def account_id(town: LiveTown) -> int:
    """The desk of the Bürgerbüro, with a real password."""

    def make(session: Session) -> int:
        desk = place_of(session)
        return make_account(session, login="Desk", name="Front desk", password="open sesame", now=NOW, desk_of=desk).id

    return town.change(make)


def test_every_route_that_is_not_public_leads_to_the_log_in(app: Flask, visitor: Visitor, town: LiveTown) -> None:
    routes, token_page, before = staff_routes(app), visitor.open("/code"), town.dump()
    assert len(routes) > 25
    for endpoint, method, address in routes:
        answer = visitor.post(address, token_page) if method == "POST" else visitor.open(address, method=method)
        if method == "POST" and answer.status == 403:  # the page to log in, which keeps what was sent
            assert answer.has_form("/login"), endpoint
        else:
            assert (answer.status, answer.location[:6]) == (303, "/login"), endpoint
    assert town.dump() == before


def test_an_account_may_have_both_roles(app: Flask, town: LiveTown, open_day: None) -> None:
    both = Visitor(app).log_in_as(town.account(desk="buergerbuero", adviser="awo-1"))
    assert [both.open(each).status for each in ("/desk", "/my")] == [200, 200]


def test_an_account_without_a_role_sees_nothing(app: Flask, town: LiveTown) -> None:
    nobody = Visitor(app).log_in_as(town.account())
    assert [nobody.open(each).status for each in ("/desk", "/my", "/my/feeds", "/desk/queue")] == [403] * 4


def test_the_right_password_leads_to_the_desk(visitor: Visitor, account_id: int) -> None:
    answer = log_in(visitor, " DESK ", "open sesame")
    assert (answer.status, answer.location) == (303, "/desk")
    assert "Front desk" in visitor.follow(answer).root.one("div", class_="who").text


def test_an_adviser_is_led_to_the_own_day(visitor: Visitor, town: LiveTown) -> None:
    town.change(
        lambda session: (
            make_account(session, login="a", name="A", password="b", now=NOW, adviser=adviser_of(session, "awo-1")).id
        )
    )
    assert log_in(visitor, "a", "b").location == "/my"


def test_wrong_names_and_passwords_get_the_same_answer(visitor: Visitor, account_id: int) -> None:
    tries = [("desk", "wrong"), ("nobody", "open sesame"), ("desk", ""), ("", ""), ("desk", "Open sesame")]
    tries += [("desk\x00", "open sesame"), ("desk", "\x00"), ("ü" * 99, "x"), ("d" * 5000, "x"), ("desk", "x" * 5000)]
    answers = [log_in(visitor, *each) for each in tries]
    assert [each.status for each in answers] == [403] * len(tries)
    assert {each.root.one("p", class_="notice--wrong").text for each in answers} == {"Name or password is wrong."}
    assert visitor.open("/desk").status == 303
    assert answers[0].root.one("input", id="login").attrs["value"] == "desk"


def test_the_password_is_never_sent_back(visitor: Visitor, account_id: int) -> None:
    assert "a wrong secret" not in log_in(visitor, "desk", "a wrong secret").html


def test_failed_log_ins_are_throttled(app: Flask, visitor: Visitor, account_id: int) -> None:
    app.extensions["settings"] = replace(app.extensions["settings"], code_limit="2 per minute")
    assert [log_in(visitor, "desk", "wrong").status for _ in range(3)] == [403, 403, 429]
    assert log_in(visitor, "desk", "open sesame").status == 429


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "evil",
     "/\t/evil.example", "/\n/evil.example", " //evil.example", "http:evil.example", "///evil.example", ""],
)  # fmt: skip
def test_the_log_in_never_leads_off_the_site(visitor: Visitor, account_id: int, elsewhere: str) -> None:
    page = visitor.open("/login", query_string={"next": elsewhere})
    for form_next in (page.form("/login").values["next"], elsewhere):
        answer = visitor.press(page, "/login", login="desk", password="open sesame", next=form_next)
        assert answer.status == 303
        assert answer.location.startswith("/")
        assert not answer.location.startswith(("//", "/\\", "/\t", "/\n"))


def test_the_log_in_leads_back_to_where_one_was_going(visitor: Visitor, account_id: int, open_day: None) -> None:
    asked = visitor.open("/desk?opening=buergerbuero-mi/2026-11-25")
    answer = log_in(visitor, "desk", "open sesame", asked.location)
    assert answer.location.startswith("/desk?opening=buergerbuero-mi/2026-11-25")


def test_a_demo_account_is_refused_outside_the_demo(app: Flask, visitor: Visitor, town: LiveTown) -> None:
    demo = town.account(desk="buergerbuero", is_demo=True)
    town.change(
        lambda session: (
            make_account(
                session, login="demo", name="D", password="demo", now=NOW, desk_of=place_of(session), is_demo=True
            ).id
        )
    )
    logged_in = Visitor(app).log_in_as(demo)
    assert logged_in.open("/desk").status == 200
    page = visitor.open("/login")
    app.extensions["settings"] = replace(app.extensions["settings"], demo=False)
    assert visitor.press(page, "/login", login="demo", password="demo").status == 403
    assert logged_in.open("/desk").status == 303


@pytest.mark.parametrize("change", [{"disabled_at": NOW}, {"epoch": 1}])
def test_disabling_or_raising_the_epoch_ends_every_log_in(
    app: Flask, town: LiveTown, open_day: None, change: dict[str, object]
) -> None:
    account = town.account(desk="buergerbuero")
    desk = Visitor(app).log_in_as(account)
    page = desk.open("/desk")
    town.set(Account, account, **change)
    assert desk.open("/desk").status == 303
    answer = desk.press(page, "/desk/visits")
    assert (answer.status, answer.has_form("/login")) == (403, True)


def test_a_disabled_account_cannot_log_in(visitor: Visitor, town: LiveTown, account_id: int) -> None:
    town.set(Account, account_id, disabled_at=NOW)
    assert log_in(visitor, "desk", "open sesame").status == 403


def test_logging_out_ends_it(desk: Visitor) -> None:
    answer = desk.press(desk.open("/desk"), "/logout")
    assert answer.location == "/login"
    assert desk.open("/desk").status == 303
    assert desk.open("/logout").status == 405


def test_a_log_in_ends_after_twelve_hours(desk: Visitor, clock: time_machine.Coordinates) -> None:
    desk.open("/desk")
    clock.move_to(at("21:04"))
    assert desk.open("/desk").status == 200
    clock.move_to(at("21:06"))
    assert desk.open("/desk").status == 303


def test_a_forged_or_broken_cookie_is_nobody(app: Flask, town: LiveTown, open_day: None) -> None:
    account = town.account(desk="buergerbuero")
    visitor = Visitor(app)
    for identity in (f"{account}", f"{account}:", f"{account}:1", ":0", "x:0", f"-{account}:0"):
        with visitor.client.session_transaction() as session:
            session["_user_id"] = identity
        assert visitor.open("/desk").status == 303, identity
    visitor.client.set_cookie("session", "eyJfdXNlcl9pZCI6IjE6MCJ9.forged.forged")
    assert visitor.open("/desk").status == 303


def test_forms_without_their_token_change_nothing(app: Flask, desk: Visitor, town: LiveTown) -> None:
    visit_id = town.book("10:00")
    address = f"/visits/{town.token(visit_id)}"
    desk.open("/desk")
    before = town.dump()
    posts = [
        "/desk/visits",
        "/desk/check-ins",
        f"/desk/visits/{visit_id}/check-in",
        "/code",
        "/login",
        "/logout",
    ]
    posts += [f"{address}/cancellation", f"{address}/contact", f"{address}/move"]
    for each in posts:
        for data in ({}, {"csrf_token": ""}, {"csrf_token": "forged"}):
            page = desk.open(each, method="POST", data=data)
            assert page.status == 400, each
            assert "Please send this once more" in page.text
            assert "/" in page.links
    assert town.dump() == before
    assert desk.open("/desk").status == 200


def test_every_form_works_over_https_as_browsers_send_it(make_own_app: MakeApp, town: LiveTown) -> None:
    """The pages forbid the Referer header (Referrer-Policy), so no form may depend on it."""
    visitor = Visitor(make_own_app(base_url="https://localhost", demo=False), https=True)
    page = visitor.open("/book?age=from_27&concern=letter&language=de")
    answer = visitor.press(page, "/book", slot=page.form("/book").offers("slot")[0])
    assert answer.status == 303
    assert answer.location.startswith("/visits/")


def test_outside_the_demo_no_mail_is_shown(make_own_app: MakeApp, town: LiveTown) -> None:
    visitor = Visitor(make_own_app(demo=False))
    assert visitor.open("/demo/mail").status == 404
    assert "demo" not in visitor.open("/").html
