"""An opening's queue by the API: numbers in order and counts, of this opening alone; unchanged it costs one read."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import Session

from scheduler.actions.calling import miss_call
from scheduler.actions.presence import change_presence
from scheduler.actions.rulebook import read_rulebook
from scheduler.models import Consultation, Visit
from tests.actions.small_town import NEXT_WEDNESDAY, STAFF, THURSDAY, WEDNESDAY, adviser_of, at, change_date, opening_of
from tests.web.api.program import ON_THURSDAY, ON_WEDNESDAY, get, refusal
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.visitor import Visitor

EMPTY: dict[str, Any] = {
    "opening": ON_WEDNESDAY,
    "place": "buergerbuero",
    "state": "open",
    "as_of": "2026-11-25T09:05:00+01:00",
    "called": [],
    "waiting_numbers": [],
    "waiting": 0,
    "expected_appointments": 0,
    "advisers_present": 0,
}
"""Without the forecast, which tests of its own look at."""


def queue(visitor: Visitor, opening: str = ON_WEDNESDAY, known: Page | None = None) -> Page:
    headers = {"If-None-Match": known.headers["ETag"]} if known else {}
    return visitor.open(f"/api/v1/openings/{opening}/queue", headers=headers)


def facts(answer: Page) -> dict[str, Any]:
    return {name: value for name, value in answer.json.items() if name != "forecast"}


def test_numbers_are_in_order_and_counted(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    town.seat("awo-1")
    town.seat("awo-2")
    appointment = town.book("10:30")
    town.book("11:00")
    for _ in range(4):
        town.take_in()
    town.take_in(urgent=True)
    town.arrive(appointment)
    called = [town.call_next(key) for key in ("awo-1", "awo-2")]
    town.change(lambda session: setattr(session.get_one(Consultation, called[0]), "started_at", at("09:05")))
    assert facts(queue(visitor)) == {
        **EMPTY,
        "called": [{"number": 1, "station": "Tisch 2"}, {"number": 5, "station": "Tisch 1"}],
        "waiting_numbers": [2, 3, 4, 6],
        "waiting": 4,
        "expected_appointments": 1,
        "advisers_present": 2,
    }


def test_an_appointment_is_before_walk_ins_from_its_time_on(
    visitor: Visitor, town: LiveTown, open_day: None, clock: time_machine.Coordinates
) -> None:
    appointment = town.book("09:30")
    town.take_in()
    town.arrive(appointment)
    orders = []
    for moment in ("09:29", "09:30"):
        clock.move_to(at(moment))
        orders.append(queue(visitor).json["waiting_numbers"])
    assert orders == [[1, 2], [2, 1]]


def test_who_was_served_or_called_in_vain_is_no_longer_called(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    town.seat("awo-1")
    for _ in range(3):
        town.take_in()
    town.serve(town.call_next("awo-1"))
    town.change(miss_call, town.call_next("awo-1"), by=STAFF, now=at("09:05"))
    assert facts(queue(visitor)) == {**EMPTY, "waiting_numbers": [3], "waiting": 1, "advisers_present": 1}


def test_an_opening_where_nothing_has_happened_is_empty(visitor: Visitor, open_day: None) -> None:
    assert facts(queue(visitor)) == EMPTY


def test_other_openings_do_not_count(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    town.take_in()
    town.seat("awo-1")
    assert facts(queue(visitor, f"buergerbuero-mi/{NEXT_WEDNESDAY}")) == {
        **EMPTY,
        "opening": f"buergerbuero-mi/{NEXT_WEDNESDAY}",
        "state": "planned",
        "expected_appointments": 1,
    }
    assert queue(visitor, ON_THURSDAY).json["waiting"] == 0


def test_who_is_served_without_a_number_is_not_shown(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    """At an adviser's own office there may be no desk: the appointment sits down without a number."""
    visit_id = town.book("09:15")
    carrier, adviser = town.read(lambda session: (adviser_of(session, "awo-1").carrier_id, town.visit(visit_id)))
    town.set(Visit, visit_id, state="in_consultation")
    consultation = Consultation(
        visit_id=visit_id,
        adviser_id=adviser.planned_adviser_id,
        carrier_id=carrier,
        station="Tisch 1",
        called_at=at("09:05"),
        last_called_at=at("09:05"),
        started_at=at("09:05"),
    )
    town.change(lambda session: session.add(consultation))
    assert facts(queue(visitor)) == EMPTY


def test_breaks_and_gone_are_not_present(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    for key in ("awo-1", "awo-2", "ib-1"):
        town.seat(key)

    def go(session: Session) -> None:
        opening = opening_of(read_rulebook(session))
        change_presence(session, opening, adviser_of(session, "awo-1"), "break", at("09:05"))
        change_presence(session, opening, adviser_of(session, "awo-2"), "gone", at("09:05"))

    town.change(go)
    assert queue(visitor).json["advisers_present"] == 1


def test_it_tells_numbers_and_nothing_of_a_person(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    visit_id = town.book("10:30", language="ar")
    town.arrive(visit_id)
    town.take_in(language="uk", concern="advice", age_group="under_27", people=7)
    visit = town.visit(visit_id)
    text = queue(visitor).html
    for secret in (visit.code, town.token(visit_id), "ar", "uk", "MBE", "JMD", "advice", "10:30", "urgent", "7"):
        assert f'"{secret}"' not in text
        assert secret not in text or len(secret) < 4, secret
    assert set(queue(visitor).json) == {*EMPTY, "forecast"}


@pytest.mark.parametrize(
    "opening",
    [
        "nothing/2026-11-25",
        "buergerbuero-mi/2026-11-26",
        "buergerbuero-mi/2026-12-30",
        "buergerbuero-mi/2026-13-01",
        "buergerbuero-mi/x",
        "buergerbuero-mi/9999-12-31",
        "buergerbuero-mi/0001-01-03",
        "%00/2026-11-25",
    ],
)
def test_what_is_unknown_or_does_not_take_place_is_404(visitor: Visitor, opening: str) -> None:
    assert refusal(queue(visitor, opening)) == (404, "unknown_opening")


def test_the_day_after_it_is_410(visitor: Visitor, town: LiveTown, clock: time_machine.Coordinates) -> None:
    clock.move_to(at("23:59"))
    known = queue(visitor)
    assert (known.status, known.json["state"]) == (200, "over")
    clock.move_to(at("00:00", THURSDAY))
    assert refusal(queue(visitor, known=known)) == (410, "opening_over")
    assert refusal(queue(visitor, "buergerbuero-mi/2026-11-18")) == (410, "opening_over")


def test_a_moved_opening_is_over_after_the_day_that_it_is_held_on(
    visitor: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    town.change(change_date, WEDNESDAY, "moved", held_on=date(2026, 11, 27))
    clock.move_to(at("10:00", date(2026, 11, 27)))
    assert queue(visitor).json["state"] == "open"
    clock.move_to(at("00:00", date(2026, 11, 28)))
    assert refusal(queue(visitor)) == (410, "opening_over")


def test_unchanged_it_is_304_by_one_statement(visitor: Visitor, town: LiveTown, app: Flask, open_day: None) -> None:
    town.take_in()
    known = queue(visitor)
    statements: list[str] = []
    engine = app.extensions["database"].engine

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        again = queue(visitor, known=known)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert (again.status, again.html, again.headers["ETag"]) == (304, "", known.headers["ETag"])
    assert len([each for each in statements if each.startswith("SELECT")]) == 1


def test_what_has_changed_is_sent(
    visitor: Visitor, town: LiveTown, open_day: None, clock: time_machine.Coordinates
) -> None:
    def changed(known: Page) -> Page:
        answer = queue(visitor, known=known)
        assert answer.status == 200
        return answer

    answer = queue(visitor)
    town.take_in()
    answer = changed(answer)
    town.seat("awo-1")
    answer = changed(answer)
    town.call_next("awo-1")
    answer = changed(answer)
    town.book("11:00")
    answer = changed(answer)
    clock.move_to(at("09:06"))
    answer = changed(answer)
    clock.move_to(datetime.fromisoformat("2026-11-25T09:06:59+01:00"))
    assert queue(visitor, known=answer).status == 304
    clock.move_to(at("09:06", date(2026, 11, 24)))
    changed(answer)


def test_what_the_rules_say_anew_is_sent_within_the_same_minute(
    visitor: Visitor, town: LiveTown, open_day: None
) -> None:
    known = queue(visitor)
    town.change(change_date, WEDNESDAY, "cancelled")
    assert refusal(queue(visitor, known=known)) == (404, "unknown_opening")


def test_the_etag_of_another_opening_does_not_count(visitor: Visitor, open_day: None) -> None:
    assert queue(visitor, ON_THURSDAY, known=queue(visitor)).status == 200


def test_the_numbers_are_those_of_the_board(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    town.seat("awo-1")
    for _ in range(3):
        town.take_in()
    town.call_next("awo-1")
    board = visitor.open("/board/buergerbuero").text
    found = get(visitor, f"openings/{ON_WEDNESDAY}/queue").json
    assert all(str(number) in board for number in (found["called"][0]["number"], *found["waiting_numbers"]))
    assert found["called"][0]["station"] in board
