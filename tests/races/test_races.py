"""Races of sixteen processes on one database: one place, one visit, one number is never given to two."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scheduler.actions.booking import SlotTaken, book, cancel, move
from scheduler.actions.calling import NobodyWaits, StillServing, call_next, finish, start
from scheduler.actions.dates import mark_duties
from scheduler.actions.openings import lock_opening, lock_visit
from scheduler.actions.presence import sit_down
from scheduler.actions.registration import Answers, register
from scheduler.actions.rulebook import RuleBook, read_rulebook
from scheduler.actions.steps import CLIENT, By, UndoRefused, undo
from scheduler.db import Database
from scheduler.domain.intervals import Interval
from scheduler.models import Adviser, Carrier, Hours, Visit
from tests.actions.small_town import (
    NEXT_WEDNESDAY,
    OFFICE,
    SESSION,
    WEDNESDAY,
    adviser_of,
    at,
    book_at,
    booking_at,
    opening_of,
)
from tests.conftest import NOW
from tests.races.start_line import RUNNERS, Act, SetUp, counted, race

STAFF = By("staff")
THURSDAYS = [date(2026, 11, 26), date(2026, 12, 3), date(2026, 12, 10), date(2026, 12, 17), date(2027, 1, 7)]
STARTS = [(on, f"{13 + quarter // 4}:{15 * (quarter % 4):02d}") for on in THURSDAYS for quarter in range(12)]
"""Sixty starts at an office with one adviser: each has one place."""

Do = Callable[[Session, RuleBook, int], str]


def runner(url: str, do: Do, refusals: tuple[type[Exception], ...]) -> Act:
    """One transaction a round, committed at its end as a web route does."""
    database = Database(url)
    with database.reading() as session:
        rulebook = read_rulebook(session)

    def act(round_number: int) -> str:
        with database.writing() as session:
            try:
                outcome = do(session, rulebook, round_number)
                session.commit()
            except refusals as refused:
                session.rollback()
                return type(refused).__name__
        return outcome

    return act


def book_start(session: Session, rulebook: RuleBook, number: int, concern: str = "letter") -> Visit:
    on, clock = STARTS[number]
    booking = booking_at(session, rulebook, clock, concern=concern, key=OFFICE, on=on)
    return book(session, rulebook, booking, by=CLIENT, now=NOW)


def prepare(url: str, do: Callable[[Session, RuleBook], list[int]]) -> list[int]:
    """What stands before the start, on a connection that is closed before anybody is forked."""
    database = Database(url)
    with database.writing() as session:
        found = do(session, read_rulebook(session))
        session.commit()
    database.engine.dispose()
    return found


def visits_at(url: str, number: int) -> int:
    """How many visits hold this start."""
    database = Database(url)
    on, clock = STARTS[number]
    with database.reading() as session:
        held = select(func.count(Visit.id)).where(
            Visit.starts_at == at(clock, on), Visit.planned_adviser_id.is_not(None)
        )
        found = session.scalars(held).one()
    database.engine.dispose()
    return found


def test_of_sixteen_who_book_one_start_one_gets_it(database_url: str) -> None:
    def book_once(session: Session, rulebook: RuleBook, number: int) -> str:
        book_start(session, rulebook, number)
        return "booked"

    rounds = race(lambda _: runner(database_url, book_once, (SlotTaken,)), rounds=20)
    assert len(rounds) == 20
    for number, outcomes in enumerate(rounds):
        assert counted(outcomes) == {"booked": 1, "SlotTaken": RUNNERS - 1}, number
        assert visits_at(database_url, number) == 1


def test_of_those_who_book_move_and_take_a_cancellation_back_one_gets_the_start(database_url: str) -> None:
    """Each start was cancelled a minute ago; one visit elsewhere wants to move there; fourteen want to book it."""
    rounds, elsewhere = 12, 30
    cancelled: list[int] = []

    def set_the_scene(session: Session, rulebook: RuleBook) -> list[int]:
        for number in range(rounds):
            visit = book_start(session, rulebook, number)
            cancelled.append(cancel(session, visit.id, by=CLIENT, now=NOW).id)
        return [book_start(session, rulebook, elsewhere + number).id for number in range(rounds)]

    movers = prepare(database_url, set_the_scene)

    def act_as(runner_number: int) -> Do:
        def do(session: Session, rulebook: RuleBook, number: int) -> str:
            on, clock = STARTS[number]
            if runner_number == 0:
                undo(session, lock_visit(session, cancelled[number]), by=STAFF, now=NOW + timedelta(minutes=1))
                return "taken back"
            if runner_number == 1:
                move(session, rulebook, movers[number], OFFICE, on, at(clock, on), by=CLIENT, now=NOW)
                return "moved"
            book_start(session, rulebook, number)
            return "booked"

        return do

    def set_up(runner_number: int) -> Act:
        return runner(database_url, act_as(runner_number), (SlotTaken, UndoRefused))

    for number, outcomes in enumerate(race(set_up, rounds)):
        assert set(outcomes) <= {"booked", "moved", "taken back", "SlotTaken", "UndoRefused"}, number
        winners = [each for each in outcomes if each in ("booked", "moved", "taken back")]
        assert len(winners) == 1, (number, outcomes)
        assert visits_at(database_url, number) == 1


def test_visits_that_move_crosswise_all_arrive(database_url: str) -> None:
    """Half go from the first Thursday to the second, half the other way: nobody may wait for each other for ever."""
    rounds = 4

    def set_the_scene(session: Session, rulebook: RuleBook) -> list[int]:
        hours = session.scalars(select(Hours).where(Hours.key == OFFICE)).one()
        hours.grid_minutes = 5
        carrier = session.scalars(select(Carrier.id).where(Carrier.key == "awo")).one()
        keys = [f"more-{number}" for number in range(2 * RUNNERS)]
        for key in keys:
            session.add(Adviser(key=key, carrier_id=carrier, name=key, services=["MBE"], languages=["de"]))
        hours.advisers = [*hours.advisers, *keys]
        session.flush()
        crowded = read_rulebook(session)
        return [book_on(session, crowded, THURSDAYS[number % 2]).id for number in range(RUNNERS)]

    def book_on(session: Session, rulebook: RuleBook, on: date) -> Visit:
        booking = booking_at(session, rulebook, "13:00", key=OFFICE, on=on)
        return book(session, rulebook, booking, by=CLIENT, now=NOW)

    visits = prepare(database_url, set_the_scene)

    def set_up(runner_number: int) -> Act:
        def do(session: Session, rulebook: RuleBook, number: int) -> str:
            on = THURSDAYS[(runner_number + number + 1) % 2]
            move(session, rulebook, visits[runner_number], OFFICE, on, at("14:00", on), by=CLIENT, now=NOW)
            return "moved"

        return runner(database_url, do, ())

    for outcomes in race(set_up, rounds):
        assert counted(outcomes) == {"moved": RUNNERS}


def test_times_that_a_calendar_brings_meet_visits_that_move(database_url: str) -> None:
    """The later session was stored first: whoever locked both in order of time waited for the movers for ever."""

    def set_the_scene(session: Session, rulebook: RuleBook) -> list[int]:
        for on in (NEXT_WEDNESDAY, WEDNESDAY):
            lock_opening(session, opening_of(rulebook, SESSION, on))
        clocks = ("10:00", "10:30", "11:00")
        return [book_at(session, rulebook, clock, adviser_key="awo-2").id for clock in clocks]

    movers = prepare(database_url, set_the_scene)
    mornings = [Interval(at("09:00", on), at("12:00", on)) for on in (WEDNESDAY, NEXT_WEDNESDAY)]

    def act_as(runner_number: int) -> Do:
        def do(session: Session, rulebook: RuleBook, number: int) -> str:
            if runner_number < 3:
                mark_duties(session, rulebook, adviser_of(session, "awo-1"), mornings)
                return "marked"
            on, clock = (NEXT_WEDNESDAY, WEDNESDAY)[number % 2], ("10:00", "10:30", "11:00")[runner_number - 3]
            move(session, rulebook, movers[runner_number - 3], SESSION, on, at(clock, on), by=STAFF, now=NOW)
            return "moved"

        return do

    rounds = race(lambda runner_number: runner(database_url, act_as(runner_number), ()), rounds=20, runners=6)
    for number, outcomes in enumerate(rounds):
        assert counted(outcomes) == {"marked": 3, "moved": 3}, (number, outcomes)


def test_sixteen_advisers_who_press_next_at_once_get_sixteen_visits(database_url: str) -> None:
    rounds = 3

    def set_the_scene(session: Session, _: RuleBook) -> list[int]:
        advisers = seat_many(session)
        rulebook = read_rulebook(session)
        for _number in range(rounds * RUNNERS - 3):  # in the last round some find nobody
            register(session, rulebook, opening_of(rulebook), Answers(), locale="de", by=STAFF, now=at("08:45"))
        return advisers

    advisers = prepare(database_url, set_the_scene)

    def set_up(runner_number: int) -> Act:
        def do(session: Session, rulebook: RuleBook, number: int) -> str:
            adviser = session.get_one(Adviser, advisers[runner_number])
            now = at("09:00") + timedelta(minutes=number)
            consultation = call_next(session, rulebook, opening_of(rulebook), adviser, by=STAFF, now=now)
            start(session, consultation.id, by=STAFF, now=now)
            finish(session, consultation.id, by=STAFF, now=now)
            return f"visit {consultation.visit_id}"

        return runner(database_url, do, (NobodyWaits,))

    outcomes = [each for one_round in race(set_up, rounds) for each in one_round]
    called = [each for each in outcomes if each.startswith("visit ")]
    assert len(set(called)) == len(called) == rounds * RUNNERS - 3
    assert counted(outcomes)["NobodyWaits"] == 3
    assert len(outcomes) == rounds * RUNNERS


def test_one_adviser_who_presses_next_sixteen_times_calls_one_visit(database_url: str) -> None:
    def set_the_scene(session: Session, rulebook: RuleBook) -> list[int]:
        adviser = adviser_of(session, "awo-1")
        sit_down(session, opening_of(rulebook), adviser, "Tisch 1", at("08:50"))
        for _number in range(RUNNERS):
            register(session, rulebook, opening_of(rulebook), Answers(), locale="de", by=STAFF, now=at("08:45"))
        return [adviser.id]

    (adviser_id,) = prepare(database_url, set_the_scene)

    def press(session: Session, rulebook: RuleBook, _: int) -> str:
        adviser = session.get_one(Adviser, adviser_id)
        call_next(session, rulebook, opening_of(rulebook), adviser, by=STAFF, now=at("09:00"))
        return "called"

    (outcomes,) = race(lambda _: runner(database_url, press, (StillServing,)), rounds=1)
    assert counted(outcomes) == {"called": 1, "StillServing": RUNNERS - 1}


def test_numbers_drawn_at_once_are_all_different(database_url: str) -> None:
    rounds = 4
    moments: list[tuple[date, datetime]] = [(WEDNESDAY, at("08:50")), (NEXT_WEDNESDAY, at("08:50", NEXT_WEDNESDAY))]

    def draw(session: Session, rulebook: RuleBook, number: int) -> str:
        on, now = moments[number % 2]
        opening = opening_of(rulebook, SESSION, on)
        visit = register(session, rulebook, opening, Answers(), locale="de", by=STAFF, now=now, override=True)
        return f"{on} {visit.ticket}"

    set_up: SetUp = lambda _: runner(database_url, draw, ())  # noqa: E731
    drawn = [each for one_round in race(set_up, rounds) for each in one_round]
    expected = {f"{on} {number}" for on, _ in moments for number in range(1, rounds // 2 * RUNNERS + 1)}
    assert len(drawn) == rounds * RUNNERS
    assert set(drawn) == expected


def seat_many(session: Session) -> list[int]:
    """Sixteen more advisers, on duty at the session and signed in."""
    carrier = session.scalars(select(Carrier.id).where(Carrier.key == "ib")).one()
    keys = [f"more-{number}" for number in range(RUNNERS)]
    for key in keys:
        session.add(Adviser(key=key, carrier_id=carrier, name=key, services=["MBE", "JMD"], languages=["de"]))
    hours = session.scalars(select(Hours).where(Hours.key == SESSION)).one()
    hours.advisers = [*hours.advisers, *keys]
    session.flush()
    rulebook = read_rulebook(session)
    for key in keys:
        sit_down(session, opening_of(rulebook), adviser_of(session, key), f"Platz {key}", at("08:55"))
    return [adviser_of(session, key).id for key in keys]


@pytest.mark.parametrize("clock", ["10:00", "11:15"])
def test_one_appointment_at_a_time_holds_in_a_race_too(database_url: str, clock: str) -> None:
    """Three advisers would be free: only the opening's own limit stands in the way, and no constraint knows it."""

    def book_session(session: Session, rulebook: RuleBook, _: int) -> str:
        booking = booking_at(session, rulebook, clock, service=None, concern="advice")
        book(session, rulebook, booking, by=CLIENT, now=NOW)
        return "booked"

    (outcomes,) = race(lambda _: runner(database_url, book_session, (SlotTaken,)), rounds=1)
    assert counted(outcomes) == {"booked": 1, "SlotTaken": RUNNERS - 1}
