"""Under pressure: the work grows, waiting is rationed, and what brings no proof is refused before Flask begins."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from flask import Flask, request

from scheduler.models import Visit
from scheduler.web import pressure
from tests.actions.small_town import at
from tests.conftest import NOW
from tests.web.api.program import GOOD, refusal
from tests.web.conftest import MakeApp
from tests.web.live_town import LiveTown
from tests.web.page import Form
from tests.web.test_book import ANSWERED, heading, slot, times
from tests.web.test_proofs import challenge_of, send_without_proof, solved_by, waiting_page
from tests.web.visitor import Visitor, solved


def numbers(visitor: Visitor, **options: Any) -> int:
    return int(challenge_of(visitor.open(ANSWERED, **options))["data-numbers"])


def attack(visitor: Visitor, times_: int, address: str = "203.0.113.9") -> None:
    for _ in range(times_):
        visitor.open("/book", method="POST", data={"slot": "x"}, environ_base={"REMOTE_ADDR": address})


def test_the_work_rises_under_attack_and_falls_again(visitor: Visitor, clock: time_machine.Coordinates) -> None:
    assert numbers(visitor) == 8
    attack(visitor, 60)
    assert numbers(visitor) == 16, "twice as many as usual"
    attack(visitor, 600)
    assert numbers(visitor) == 80, "ten times, and never more"
    clock.shift(timedelta(minutes=2))
    assert numbers(visitor) == 8


def test_an_easy_proof_of_before_is_no_good_under_attack(visitor: Visitor, town: LiveTown) -> None:
    form, before = times(visitor.open(ANSWERED)), town.count(Visit)
    attack(visitor, 600)
    answer = visitor.send(form, slot=slot("09:30"))
    assert answer.location.startswith("/book/waiting?")
    assert town.count(Visit) == before
    assert visitor.send(visitor.follow(answer).form("/book")).location.startswith("/visits/")


def test_one_address_works_harder_before_others_do(visitor: Visitor) -> None:
    attack(visitor, 30)
    assert numbers(visitor, environ_base={"REMOTE_ADDR": "203.0.113.9"}) == 24
    assert numbers(visitor) == 8


def test_addresses_of_one_house_count_together(visitor: Visitor) -> None:
    for number in range(30):
        attack(visitor, 1, f"2001:db8:1:2::{number:x}")
    assert numbers(visitor, environ_base={"REMOTE_ADDR": "2001:db8:1:2::ffff"}) == 24
    assert numbers(visitor, environ_base={"REMOTE_ADDR": "2001:db8:1:3::1"}) == 8


def test_a_start_that_is_tried_again_and_again_costs_more_and_is_looked_at_without_a_lock(
    app: Flask, visitor: Visitor, town: LiveTown
) -> None:
    town.book("09:30")
    for number in range(12):
        address = {"REMOTE_ADDR": f"198.51.100.{number}"}
        form = times(visitor.open(ANSWERED, environ_base=address))
        data = solved(form, {"slot": slot("09:30")})
        visitor.open("/book", method="POST", data=data, environ_base=address)
    with app.test_request_context():
        assert pressure.numbers_now("buergerbuero-mi/2026-11-25/1795595400") == 8 * 11 // 5, "the twelfth was too easy"
        assert pressure.numbers_now("buergerbuero-mi/2026-11-25/0") == 8


def test_a_time_that_many_want_is_booked_once_it_is_free(visitor: Visitor, town: LiveTown) -> None:
    visit_id = town.book("09:30")
    for _ in range(7):
        visitor.send(times(visitor.open(ANSWERED)), slot=slot("09:30"))
    town.set(Visit, visit_id, state="cancelled", planned_adviser_id=None)
    assert visitor.send(times(visitor.open(ANSWERED)), slot=slot("09:30")).location.startswith("/visits/")


def test_bookings_by_waiting_are_rationed_under_attack(
    make_own_app: MakeApp, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    visitor = Visitor(make_own_app(waiting_a_minute=2))
    clock.move_to(at("10:00", NOW.date()))
    forms = [waiting_page(visitor, hour).form("/book") for hour in ("09:00", "09:30", "10:00")]
    clock.shift(timedelta(seconds=20))
    attack(visitor, 120)
    answers = [send_without_proof(visitor, form) for form in forms]
    assert [each.location.partition("?")[0].startswith("/visits/") for each in answers] == [True, True, False]
    full = visitor.follow(answers[2])
    assert "Very many people are booking right now." in full.text
    clock.shift(timedelta(minutes=2))
    ready = visitor.open(answers[2].location)
    assert send_without_proof(visitor, ready.form("/book")).location.startswith("/visits/")


@pytest.mark.parametrize("pressed", [False, True])
def test_who_has_no_proof_hears_the_same_under_pressure(visitor: Visitor, town: LiveTown, pressed: bool) -> None:
    form, before = times(visitor.open(ANSWERED)), town.dump()
    if pressed:
        attack(visitor, 70)
    page = visitor.send(form, slot=slot("09:30"), proof="x")
    program = visitor.open("/api/v1/bookings", method="POST", json={**GOOD, "proof": "x"})
    assert (page.status, refusal(program)) == (303, (428, "proof_needed"))
    kept = parse_qs(urlsplit(page.location).query)
    assert page.location.startswith("/book/waiting?") and kept["slot"] == [slot("09:30")]
    assert heading(visitor.follow(page)) == "One moment, please"
    for each in (page, program):
        assert "default-src 'none'" in each.headers["Content-Security-Policy"]
        assert (each.headers["Referrer-Policy"], each.headers["Cache-Control"]) == ("no-referrer", "no-store")
    assert town.dump() == before
    assert visitor.open("/api/v1/bookings", method="POST", json={**GOOD, "proof": solved_by(program)}).status == 201


def passes_the_threshold(app: Flask, form: Form, **changes: Any) -> bool:
    """Whether Flask begins with it."""
    begun: list[str] = []
    app.before_request_funcs[None].insert(0, lambda: begun.append(request.path))
    try:
        Visitor(app).open("/book", method="POST", data=form.filled(**changes))
    finally:
        app.before_request_funcs[None].pop(0)
    return begun == ["/book"]


def test_under_pressure_a_paper_opens_the_threshold_when_its_time_has_come(
    app: Flask, visitor: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    form = waiting_page(visitor).form("/book")
    attack(visitor, 120)
    assert not passes_the_threshold(app, form, proof="")
    early = urlsplit(send_without_proof(visitor, form).location)
    assert parse_qs(early.query)["wait"] == form.filled()["wait"], "they wait on where they were"
    clock.shift(timedelta(seconds=20))
    assert passes_the_threshold(app, form, proof="")
    for changes in ({"wait": "x"}, {"wait": ""}, {"wait": "é"}, {"slot": slot("10:00")}):
        assert not passes_the_threshold(app, form, proof="", **changes), changes


def test_under_pressure_one_proof_opens_the_threshold_a_few_times_at_most(
    app: Flask, visitor: Visitor, town: LiveTown
) -> None:
    attack(visitor, 120)
    town.book("09:30")
    data = solved(times(visitor.open(ANSWERED)), {"slot": slot("09:30")})
    form = times(visitor.open(ANSWERED))
    tries = [passes_the_threshold(app, form, **data) for _ in range(pressure.MOST_TRIES_OF_A_PROOF + 3)]
    assert tries == [True] * (pressure.MOST_TRIES_OF_A_PROOF + 1) + [False] * 2


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"data": b"\xff\xfe"}, 303),
        ({"data": "&a" * 500}, 303),
        ({"data": "slot=x" + "y" * 9_000}, 303),
        ({"data": "9" * 70_000}, 413),
        ({}, 303),
    ],
)
def test_under_pressure_no_body_whatever_is_a_fault(visitor: Visitor, sent: dict[str, Any], status: int) -> None:
    attack(visitor, 70)
    form = {"content_type": "application/x-www-form-urlencoded"}
    assert visitor.open("/book", method="POST", **form, **sent).status == status
    odd = ["", "{", "[]", "7", '{"starts_at": 7}', '{"starts_at": 7, "proof": 7}', "\x00" * 100, "[" * 8_000]
    for body in (*odd, '{"starts_at": ' + "[" * 7_000, '{"starts_at": 7, "proof": "\\ud800.\\ud800"}'):
        program = visitor.open("/api/v1/bookings", method="POST", data=body, content_type="application/json")
        assert program.status in (400, 422, 428), body


def test_only_what_no_shelter_reaches_is_refused_in_words(make_own_app: MakeApp, town: LiveTown) -> None:
    visitor = Visitor(make_own_app(bookings_from_one_address=50))
    form = times(visitor.open(ANSWERED))
    attack(visitor, 50)
    refused = visitor.send(form, slot=slot("09:30"), proof="x")
    assert refused.status == 303, "50 others from elsewhere are nothing to this address"
    own = {"environ_base": {"REMOTE_ADDR": "203.0.113.9"}}
    answer = visitor.open("/book", method="POST", data={"slot": "x"}, **own)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "60")
    assert "Too many tries" in answer.text and "Or call the office." in answer.text
    german = Visitor(visitor.client.application, "de")
    assert german.open("/book", method="POST", data={"slot": "x"}, **own).root.one("html").attrs["lang"] == "de"
    program = visitor.open("/api/v1/bookings", method="POST", json={}, **own)
    assert program.status == 422, "what makes no sense is said first"


def test_the_process_forgets_what_it_counted(app: Flask) -> None:
    recent = pressure.Recent()
    for number in range(pressure.MOST_KEYS + 10):
        recent.note(f"address {number}", NOW)
    assert recent.count("address 5", NOW) == 1
    assert recent.count(f"address {pressure.MOST_KEYS + 5}", NOW) == 0
    assert recent.count("address 5", NOW + timedelta(seconds=90)) == pytest.approx(0.5)
    assert recent.count("address 5", NOW + timedelta(minutes=2)) == 0


def test_however_many_addresses_come_the_ration_holds(
    make_own_app: MakeApp, town: LiveTown, clock: time_machine.Coordinates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pressure, "MOST_KEYS", 100)
    visitor = Visitor(make_own_app(waiting_a_minute=1))
    forms = [waiting_page(visitor, hour).form("/book") for hour in ("09:00", "09:30")]
    clock.shift(timedelta(seconds=60))
    for number in range(120):
        attack(visitor, 1, f"2001:db8:{number:x}::1")
    answers = [send_without_proof(visitor, form).location.partition("?")[0] for form in forms]
    assert [each.startswith("/visits/") for each in answers] == [True, False]
