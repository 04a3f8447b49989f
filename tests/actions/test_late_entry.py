"""What happened on paper is entered later: as the steps that it tells, marked, in order, each number once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from bench.statements import statements_of
from scheduler.actions.closing import close_visit, find_left_open
from scheduler.actions.late_entry import (
    LineRefused,
    PaperLine,
    advisers_at,
    enter_appointment,
    enter_walk_in,
    entered_for,
    expected_for,
)
from scheduler.actions.paper_day import next_number
from scheduler.actions.registration import Answers
from scheduler.actions.rulebook import RuleBook
from scheduler.db import Database
from scheduler.models import Visit
from tests.actions.small_town import (
    LAST_WEDNESDAY,
    OFFICE,
    SESSION,
    STAFF,
    THURSDAY,
    WEDNESDAY,
    adviser_of,
    arrive,
    at,
    book_at,
    opening_of,
    place_of,
    press_next,
    seat,
    take_in,
    verbs_of,
)

NOON = at("12:00")
NEXT_DAY = at("09:00", THURSDAY)


def line(session: Session, *clocks: str | None, **more: Any) -> PaperLine:
    """Arrived, called, finished, served by awo-1 unless another is named."""
    times = [at(each) if each else None for each in (*clocks, None, None)[:3]]
    return PaperLine(times[0], times[1], times[2], **{"adviser": adviser_of(session, "awo-1"), **more})


def enter(
    session: Session, rulebook: RuleBook, number: int, *clocks: str | None, now: datetime = NOON, **more: Any
) -> Visit:
    asked = more.pop("answers", Answers())
    noted = line(session, *clocks, **more)
    return enter_walk_in(session, rulebook, opening_of(rulebook), number, noted, asked, locale="de", by=STAFF, now=now)


def test_a_line_becomes_a_visit_with_its_own_number_times_and_steps(session: Session, rulebook: RuleBook) -> None:
    answers = Answers(age_group="from_27", concern="letter", language="ar", people=3)
    visit = enter(session, rulebook, 17, "09:05", "09:20", "09:50", answers=answers, now=NEXT_DAY)
    assert (visit.ticket, visit.state, visit.kind, visit.local_on) == (17, "done", "walk_in", WEDNESDAY)
    assert (visit.arrived_at, visit.ended_at, visit.created_at) == (at("09:05"), at("09:50"), NEXT_DAY)
    assert (visit.language, visit.people, visit.service.key if visit.service else "") == ("ar", 3, "MBE")
    assert [(step.verb, step.at) for step in visit.steps] == [
        ("register", at("09:05")), ("call", at("09:20")), ("start", at("09:20")), ("finish", at("09:50")),
    ]  # fmt: skip
    [consultation] = visit.consultations
    assert (consultation.adviser.key, consultation.carrier.key) == ("awo-1", "awo")
    assert (consultation.called_at, consultation.started_at) == (at("09:20"), at("09:20"))
    assert (consultation.ended_at, consultation.ended_as) == (at("09:50"), "finished")
    assert visit.times_unreliable
    assert consultation.times_unreliable


def test_the_station_is_where_the_adviser_sat_if_it_is_known(session: Session, rulebook: RuleBook) -> None:
    seat(session, rulebook, "awo-1", at("08:55"))
    assert enter(session, rulebook, 1, "09:00", "09:01", "09:02").consultations[0].station == "Tisch 1"
    other = enter(session, rulebook, 2, "09:00", "09:01", "09:02", adviser=adviser_of(session, "ib-1"))
    assert other.consultations[0].station == ""


def test_an_adviser_who_has_somebody_right_now_can_have_served_before(session: Session, rulebook: RuleBook) -> None:
    adviser = seat(session, rulebook, "awo-1", at("08:55"))
    take_in(session, rulebook, at("11:00"))
    current = press_next(session, rulebook, adviser, at("11:01"))
    assert enter(session, rulebook, 40, "09:05", "09:20", "09:50").state == "done"
    assert current.ended_at is None


@pytest.mark.parametrize(
    ("clocks", "left_at"),
    [(("09:05",), "09:05"), (("09:05", "09:20"), "09:20"), (("09:05", None, "09:30"), "09:30")],
)
def test_who_went_away_has_left_at_the_last_time_that_was_noted(
    session: Session, rulebook: RuleBook, clocks: tuple[str | None, ...], left_at: str
) -> None:
    visit = enter(session, rulebook, 3, *clocks, left=True, adviser=None, now=NEXT_DAY)
    assert (visit.state, visit.ended_at, visit.consultations) == ("left", at(left_at), [])


def test_on_the_day_itself_who_still_waits_is_in_the_queue(session: Session, rulebook: RuleBook) -> None:
    adviser = seat(session, rulebook, "awo-1", at("10:00"))
    first = enter(session, rulebook, 21, "09:05")
    assert first.state == "waiting"
    take_in(session, rulebook, at("11:00"))
    assert press_next(session, rulebook, adviser, NOON).visit_id == first.id


def test_on_the_day_itself_a_consultation_may_go_on(session: Session, rulebook: RuleBook) -> None:
    visit = enter(session, rulebook, 21, "09:05", "09:20")
    assert (visit.state, visit.consultations[0].ended_at) == ("in_consultation", None)
    refused(session, rulebook, "adviser_busy", 22, "09:05", "09:30")
    assert (
        enter(session, rulebook, 22, "09:05", "09:30", adviser=adviser_of(session, "awo-2")).state == "in_consultation"
    )


def refused(session: Session, rulebook: RuleBook, fault: str, number: int, *clocks: str | None, **more: Any) -> None:
    with pytest.raises(LineRefused) as error:
        enter(session, rulebook, number, *clocks, **more)
    assert error.value.fault == fault


@pytest.mark.parametrize(
    ("clocks", "fault"),
    [
        ((None, "09:20", "09:50"), "arrived"),
        (("09:05", None, "09:50"), "called"),
        (("09:20", "09:05", "09:50"), "order"),
        (("09:05", "09:50", "09:20"), "order"),
        (("09:50", None, "09:20"), "order"),
        (("09:05", "09:20", "12:01"), "future"),
        (("12:01",), "future"),
    ],
)  # fmt: skip
def test_times_that_cannot_be_true_are_refused(
    session: Session, rulebook: RuleBook, clocks: tuple[str | None, ...], fault: str
) -> None:
    refused(session, rulebook, fault, 5, *clocks)
    assert next_number(session, place_of(session).id, WEDNESDAY) == 1


def test_times_may_be_the_same_minute_up_to_now(session: Session, rulebook: RuleBook) -> None:
    assert enter(session, rulebook, 5, "12:00", "12:00", "12:00").state == "done"


def test_a_time_of_another_day_is_refused(session: Session, rulebook: RuleBook) -> None:
    noted = PaperLine(at("09:05", LAST_WEDNESDAY), left=True)
    with pytest.raises(LineRefused, match="another_day"):
        enter_walk_in(session, rulebook, opening_of(rulebook), 5, noted, Answers(), locale="de", by=STAFF, now=NEXT_DAY)


def test_who_was_called_was_served_by_somebody(session: Session, rulebook: RuleBook) -> None:
    refused(session, rulebook, "adviser", 5, "09:05", "09:20", "09:50", adviser=None)


@pytest.mark.parametrize("clocks", [("09:05",), ("09:05", "09:20")])
def test_a_visit_of_a_day_that_is_over_must_be_over(
    session: Session, rulebook: RuleBook, clocks: tuple[str, ...]
) -> None:
    refused(session, rulebook, "not_over", 5, *clocks, now=NEXT_DAY)


def test_what_is_entered_for_a_past_day_is_not_found_by_the_nightly_close(session: Session, rulebook: RuleBook) -> None:
    entered = [
        enter(session, rulebook, 1, "09:05", "09:20", "09:50", now=NEXT_DAY).id,
        enter(session, rulebook, 2, "09:05", left=True, now=NEXT_DAY).id,
    ]
    assert not set(entered) & set(find_left_open(session, NEXT_DAY))


@pytest.mark.parametrize("number", [0, -1, 10_000, 10**12])
def test_only_real_numbers_are_taken(session: Session, rulebook: RuleBook, number: int) -> None:
    refused(session, rulebook, "number", number, "09:05", left=True)


def test_a_number_is_entered_once_whoever_had_it(session: Session, rulebook: RuleBook) -> None:
    take_in(session, rulebook, at("09:00"))
    refused(session, rulebook, "number_taken", 1, "09:05", left=True)
    enter(session, rulebook, 2, "09:05", left=True)
    refused(session, rulebook, "number_taken", 2, "09:06", left=True)


def test_the_computer_never_gives_a_number_from_paper_again(session: Session, rulebook: RuleBook) -> None:
    enter(session, rulebook, 30, "09:05", left=True)
    enter(session, rulebook, 12, "09:05", left=True)
    assert take_in(session, rulebook, at("11:00")).ticket == 31


def test_an_appointment_is_entered_by_what_became_of_it(session: Session, rulebook: RuleBook) -> None:
    visit = book_at(session, rulebook, "10:00")
    planned = visit.planned_adviser
    noted = line(session, "09:55", "10:05", "10:20", adviser=None)
    enter_appointment(session, opening_of(rulebook), visit.id, noted, by=STAFF, now=NOON)
    assert verbs_of(session, visit) == ["book", "check_in", "call", "start", "finish"]
    assert (visit.state, visit.arrived_at, visit.ticket, visit.times_unreliable) == ("done", at("09:55"), None, True)
    assert visit.consultations[0].adviser == planned
    assert visit.consultations[0].times_unreliable


def test_an_appointment_that_the_night_held_missed_can_still_be_entered(session: Session, rulebook: RuleBook) -> None:
    visit = book_at(session, rulebook, "10:00")
    close_visit(session, visit.id, at("02:00", THURSDAY))
    assert visit.state == "missed"
    with pytest.raises(LineRefused, match="adviser"):  # its place was given up: nobody is planned any more
        enter_appointment(
            session, opening_of(rulebook), visit.id, line(session, "09:55", "10:05", "10:20", adviser=None),
            by=STAFF, now=NEXT_DAY,
        )  # fmt: skip
    noted = line(session, "09:55", "10:05", "10:20")
    assert enter_appointment(session, opening_of(rulebook), visit.id, noted, by=STAFF, now=NEXT_DAY).state == "done"


def test_an_appointment_that_still_waits_gets_a_number(session: Session, rulebook: RuleBook) -> None:
    visit = book_at(session, rulebook, "10:00")
    enter_appointment(session, opening_of(rulebook), visit.id, line(session, "09:55"), by=STAFF, now=at("10:00"))
    assert (visit.state, visit.ticket) == ("waiting", 1)


def test_an_appointment_of_another_day_or_that_has_come_is_refused(session: Session, rulebook: RuleBook) -> None:
    here, elsewhere = book_at(session, rulebook, "10:00"), book_at(session, rulebook, "15:00", key=OFFICE, on=THURSDAY)
    arrive(session, rulebook, here, at("09:50"))
    noted = line(session, "09:55", "10:05", "10:20")
    with pytest.raises(LineRefused, match="has_come"):
        enter_appointment(session, opening_of(rulebook), here.id, noted, by=STAFF, now=NOON)
    with pytest.raises(LineRefused, match="not_here"):
        enter_appointment(session, opening_of(rulebook), elsewhere.id, noted, by=STAFF, now=NOON)


def test_the_page_lists_what_was_entered_and_what_can_be(session: Session, rulebook: RuleBook) -> None:
    booked = book_at(session, rulebook, "10:00")
    take_in(session, rulebook, at("09:00"))
    first = enter(session, rulebook, 5, "09:05", left=True, now=at("11:00"))
    second = enter(session, rulebook, 4, "09:05", left=True, now=at("11:01"))
    assert entered_for(session, opening_of(rulebook)) == [second, first]
    assert expected_for(session, opening_of(rulebook)) == [booked]
    assert entered_for(session, opening_of(rulebook, SESSION, LAST_WEDNESDAY)) == []


def test_whoever_was_on_duty_or_came_may_have_served(session: Session, rulebook: RuleBook) -> None:
    office = opening_of(rulebook, OFFICE, THURSDAY)
    assert [each.key for each in advisers_at(session, rulebook, office)] == ["awo-1"]
    assert [each.key for each in advisers_at(session, rulebook, opening_of(rulebook))] == ["awo-1", "awo-2", "ib-1"]
    last = opening_of(rulebook, SESSION, LAST_WEDNESDAY)
    assert [each.key for each in advisers_at(session, rulebook, last)] == ["awo-1", "awo-2", "ib-1"]


def test_whoever_draws_a_number_meanwhile_waits_at_the_counter_before_either_has_one(
    session: Session, rulebook: RuleBook, database: Database
) -> None:
    """Another opening of this place shares the numbers, and its lock is another one."""
    with statements_of(database) as seen:
        enter(session, rulebook, 5, "09:05", left=True)
    written = [next(n for n, each in enumerate(seen) if each.startswith(f"INSERT INTO {name} ")) for name in TABLES]
    assert written == sorted(written)


TABLES = ("ticket_counter", "visit")
