"""Before a client books: a proof of work, or a wait. What is refused reads, writes and locks nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from flask import Flask
from sqlalchemy import event

from scheduler.domain.proofs import make_challenge
from scheduler.models import Contact, Town, Visit
from scheduler.web import pressure
from tests.actions.small_town import at
from tests.conftest import NOW
from tests.web.api.program import solved as solve_challenge
from tests.web.live_town import LiveTown
from tests.web.page import Form, Page
from tests.web.test_book import ANSWERED, heading, slot, times
from tests.web.visitor import Visitor


def send_without_proof(visitor: Visitor, form: Form, **changes: Any) -> Page:
    """As a browser without JavaScript."""
    return visitor.send(form, **{"proof": "", **changes})


def waiting_page(visitor: Visitor, clock: str = "09:30") -> Page:
    return visitor.follow(send_without_proof(visitor, times(visitor.open(ANSWERED)), slot=slot(clock)))


def solved_by(refused: Page) -> str:
    """The proof that a refused program is asked for."""
    return solve_challenge(refused.json["challenge"])


def challenge_of(page: Page) -> dict[str, str]:
    return times(page).element.attrs


def test_the_page_of_times_carries_a_challenge_for_the_browser(visitor: Visitor) -> None:
    one, other = (challenge_of(visitor.open(ANSWERED)) for _ in range(2))
    assert one["data-salt"] != other["data-salt"]
    assert one["data-numbers"] == "8"
    assert visitor.open(one["data-worker"]).status == 200


def test_a_proof_books_at_once(visitor: Visitor, town: LiveTown) -> None:
    booked = visitor.send(times(visitor.open(ANSWERED)), slot=slot("09:30"))
    assert booked.location.startswith("/visits/")
    assert town.newest_visit().starts_at == at("09:30")


FORGED = make_challenge("another secret", salt="x", number=1, numbers=8, expires_at=NOW + timedelta(hours=1)).token
NO_PROOFS = ["", "x", "....", "\x00", "9" * 5000, "é" * 300, "é.é", f"{FORGED}.1"]


@pytest.mark.parametrize("proof", NO_PROOFS)
def test_without_a_proof_nothing_is_booked_and_all_answers_are_kept(
    visitor: Visitor, town: LiveTown, proof: str
) -> None:
    form, before = times(visitor.open(ANSWERED)), town.dump()
    answer = visitor.send(form, slot=slot("09:30"), proof=proof)
    assert answer.status == 303
    address = urlsplit(answer.location)
    kept = {name: value for name, (value,) in parse_qs(address.query).items() if name != "wait"}
    assert address.path == "/book/waiting"
    assert kept == {"age": "from_27", "concern": "letter", "language": "de", "slot": slot("09:30")}
    assert town.dump() == before


def test_a_refusal_sends_no_statement_to_the_database(visitor: Visitor, app: Flask, town: LiveTown) -> None:
    form = times(visitor.open(ANSWERED))
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    engine = app.extensions["database"].engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        assert send_without_proof(visitor, form, slot=slot("09:30")).status == 303
        assert visitor.open("/book", method="POST", data={"slot": slot("09:30")}).status == 303, "no token either"
        assert visitor.open("/api/v1/bookings", method="POST", json={"starts_at": "x"}).status == 422
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert sent == []


def test_without_javascript_one_waits_twenty_seconds_and_then_books(
    visitor: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    page, before = waiting_page(visitor), town.count(Visit)
    assert heading(page) == "One moment, please"
    assert "Wednesday, 25 November, at 9:30" in page.text and "Bürgerbüro" in page.text
    assert "Please wait 20 seconds." in page.text
    (refresh,) = page.root.one("noscript").all("meta")
    assert refresh.attrs == {"http-equiv": "refresh", "content": "20"}
    address = page.form("/book").element.all("a")[0].attrs["href"]
    clock.shift(timedelta(seconds=19))
    early = visitor.open(address)
    assert "Please wait one second." in early.text
    clock.shift(timedelta(seconds=1))
    ready = visitor.open(address)
    assert heading(ready) == "You can book now"
    assert ready.root.all("noscript") == []
    booked = send_without_proof(visitor, ready.form("/book"))
    assert booked.location.startswith("/visits/")
    assert town.count(Visit) == before + 1
    visit = town.newest_visit()
    assert (visit.starts_at, visit.age_group, visit.language) == (at("09:30"), "from_27", "de")


def test_whoever_presses_too_early_waits_on_where_they_were(
    visitor: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    page, before = waiting_page(visitor), town.count(Visit)
    clock.shift(timedelta(seconds=5))
    again = visitor.follow(send_without_proof(visitor, page.form("/book")))
    assert "Please wait 15 seconds." in again.text
    assert town.count(Visit) == before


def test_a_wait_is_good_for_one_booking_of_that_time_alone(
    visitor: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    page, before = waiting_page(visitor), town.count(Visit)
    clock.shift(timedelta(seconds=20))
    form = page.form("/book")
    for changes in ({"slot": slot("10:00")}, {"age": "under_27"}, {"wait": "x"}, {"wait": None}):
        refused = send_without_proof(visitor, form, **changes)
        assert refused.location.startswith("/book/waiting?"), changes
    assert town.count(Visit) == before
    assert send_without_proof(visitor, form).location.startswith("/visits/")
    town.change(lambda session: session.query(Visit).filter(Visit.starts_at == at("09:30")).update({"state": "done"}))
    again = send_without_proof(visitor, form, key="another page")
    assert again.status in (303, 409) and not again.headers.get("Location", "").startswith("/visits/")
    assert town.count(Visit) == before + 1


def test_a_wait_that_is_long_over_asks_to_choose_again(
    visitor: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    answer = send_without_proof(visitor, times(visitor.open(ANSWERED)), slot=slot("09:30"))
    clock.shift(timedelta(minutes=31))
    assert heading(visitor.open(answer.location)) == "When and where?"


def test_a_browser_that_calculates_needs_no_wait_there(visitor: Visitor, town: LiveTown) -> None:
    """Its challenge was too old or too easy: the page gives a fresh one, and goes on by itself."""
    page = waiting_page(visitor)
    assert "data-goes-on" in challenge_of(page)
    assert visitor.send(page.form("/book")).location.startswith("/visits/")


@pytest.mark.parametrize("query", ["", "?slot=x", f"?slot={slot('09:30').replace('+', '%2B')}&wait=forged"])
def test_the_waiting_page_without_a_paper_asks_the_questions(visitor: Visitor, query: str) -> None:
    assert heading(visitor.open(f"/book/waiting{query}")) == "How old is the person?"


def test_a_proof_is_good_for_one_booking(visitor: Visitor, town: LiveTown) -> None:
    form = times(visitor.open(ANSWERED))
    assert visitor.send(form, slot=slot("09:30")).location.startswith("/visits/")
    before = town.count(Visit)
    assert visitor.send(form, slot=slot("10:00")).location.startswith("/book/waiting?")
    assert town.count(Visit) == before


def test_a_proof_does_not_replace_the_token_of_the_form(visitor: Visitor, town: LiveTown) -> None:
    """Else another site could book in a visitor's browser."""
    before = town.count(Visit)
    for token in (None, "", "forged"):
        form = times(visitor.open(ANSWERED))
        assert visitor.send(form, slot=slot("09:30"), csrf_token=token).status == 400
    assert town.count(Visit) == before


def test_a_double_click_leads_to_the_same_appointment(visitor: Visitor, town: LiveTown) -> None:
    form, before = times(visitor.open(ANSWERED)), town.count(Visit)
    assert len({visitor.send(form, slot=slot("09:30")).location for _ in range(2)}) == 1
    assert town.count(Visit) == before + 1


def test_a_proof_for_a_taken_time_is_tried_a_few_times_at_most(visitor: Visitor, town: LiveTown) -> None:
    form = times(visitor.open(ANSWERED))
    town.book("09:30")
    answers = [visitor.send(form, slot=slot("09:30")).status for _ in range(pressure.MOST_TRIES_OF_A_PROOF + 1)]
    assert answers == [409] * pressure.MOST_TRIES_OF_A_PROOF + [303]


def test_a_challenge_expires(visitor: Visitor, clock: time_machine.Coordinates) -> None:
    form = times(visitor.open(ANSWERED))
    clock.shift(timedelta(minutes=31))
    assert visitor.send(form, slot=slot("09:30")).location.startswith("/book/waiting?")


def test_staff_need_no_proof(desk: Visitor, town: LiveTown) -> None:
    page = desk.open("/desk?age=from_27&concern=letter&language=de")
    assert "data-challenge" not in page.html


def test_a_third_appointment_of_one_contact_is_refused_in_words_that_help(visitor: Visitor, town: LiveTown) -> None:
    for clock in ("09:00", "09:30"):
        town.leave_contact(town.book(clock))
    third = town.book("10:00")
    page = visitor.open(f"/visits/{town.token(third)}")
    refused = visitor.press(page, "/contact", email="Ada@example.org")
    assert refused.status == 409
    assert refused.wrong("email").startswith("There are already 2 appointments with this contact.")
    assert "Please cancel one first." in refused.wrong("email")
    assert town.read(lambda session: session.get(Contact, third)) is None
    assert town.visit(third).state == "booked"
    town.change(lambda session: setattr(session.get_one(Town, 1), "bookings_per_contact", 3))
    try:
        assert visitor.press(page, "/contact", email="ada@example.org").status == 303
    finally:
        town.change(lambda session: setattr(session.get_one(Town, 1), "bookings_per_contact", 2))


def test_a_move_onto_an_own_other_appointment_is_refused_in_words(
    visitor: Visitor, town: LiveTown, three_at_once: None
) -> None:
    first, second = town.book("09:00"), town.book("10:00")
    for each in (first, second):
        town.leave_contact(each)
    page = visitor.open(f"/visits/{town.token(second)}/move")
    refused = visitor.press(page, "/move", slot=slot("09:00"))
    assert refused.status == 409
    assert "This contact has another appointment at this time." in refused.text
    assert town.visit(second).starts_at == at("10:00")


def test_a_form_of_nothing_but_fields_is_too_long(visitor: Visitor) -> None:
    answer = visitor.open("/code", method="POST", data="&a" * 20_000, content_type="application/x-www-form-urlencoded")
    assert answer.status == 413
