"""A time that a client gives back comes to the public after some minutes, to staff and on its own day at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from jobs.freed_times import offer_freed
from jobs.timetable import TIMETABLE
from scheduler.actions.booking import SlotTaken, book, cancel, move
from scheduler.actions.dates import Away
from scheduler.actions.day_changes import carry_out
from scheduler.actions.freed_times import LONGEST, MOST_OF_A_VISIT, SHORTEST
from scheduler.actions.rulebook import RuleBook, read_rulebook
from scheduler.actions.slots import find_slots
from scheduler.actions.steps import CLIENT, By, undo
from scheduler.db import Database
from scheduler.domain.intervals import Interval
from scheduler.models import FreedTime, Opening, Visit
from tests.actions.small_town import (
    NEXT_WEDNESDAY,
    OFFICE,
    SESSION,
    STAFF,
    THURSDAY,
    WEDNESDAY,
    adviser_of,
    ask,
    at,
    book_at,
    booking_at,
    change_date,
)
from tests.conftest import NOW
from tests.jobs.samples import work_at

SOON = NOW + timedelta(minutes=1, seconds=59)
LATER = NOW + LONGEST
Start = tuple[str, datetime]


def free(session: Session, now: datetime, **question: object) -> list[Start]:
    rules = read_rulebook(session)
    asked = ask(session, rules, **question)
    found = find_slots(session, rules, asked, from_on=WEDNESDAY, until_on=NEXT_WEDNESDAY, now=now)
    return [(each.opening.hours.key, each.slot.starts_at) for each in found]


def rows(session: Session) -> list[FreedTime]:
    return list(session.scalars(select(FreedTime).order_by(FreedTime.id)))


def cancelled(session: Session, rulebook: RuleBook, by: By = CLIENT, now: datetime = NOW) -> Visit:
    visit = book_at(session, rulebook, "10:00", adviser_key="awo-1")
    return cancel(session, visit.id, by=by, now=now)


def moved(session: Session, rulebook: RuleBook, by: By = CLIENT) -> Visit:
    visit = book_at(session, rulebook, "10:00", adviser_key="awo-1")
    return move(session, rulebook, visit.id, OFFICE, THURSDAY, at("14:00", THURSDAY), by=by, now=NOW)


GIVEN_BACK: dict[str, Callable[..., Visit]] = {"cancelled": cancelled, "moved": moved}


@pytest.mark.parametrize("how", GIVEN_BACK)
def test_what_a_client_gives_back_is_offered_again_after_2_to_15_minutes(
    session: Session, rulebook: RuleBook, how: str
) -> None:
    GIVEN_BACK[how](session, rulebook)
    (row,) = rows(session)
    assert SHORTEST <= row.offered_from - NOW <= LONGEST
    assert (SESSION, at("10:00")) not in free(session, row.offered_from - timedelta(seconds=1))
    assert (SESSION, at("10:00")) in free(session, row.offered_from)


def test_the_delay_differs(session: Session, rulebook: RuleBook) -> None:
    for _ in range(12):
        cancelled_again = book(session, rulebook, booking_at(session, rulebook, "10:00"), by=STAFF, now=NOW)
        cancel(session, cancelled_again.id, by=CLIENT, now=NOW)
    assert len({each.offered_from for each in rows(session)}) > 3


def test_it_cannot_be_booked_either_while_it_is_not_shown(session: Session, rulebook: RuleBook) -> None:
    cancelled(session, rulebook)
    with pytest.raises(SlotTaken):
        book_at(session, rulebook, "10:00", now=SOON)
    assert book_at(session, rulebook, "10:00", now=LATER).state == "booked"


def test_it_counts_to_the_appointments_at_once_and_holds_its_adviser(session: Session, rulebook: RuleBook) -> None:
    """One at a time at the session; at the office the adviser's own time."""
    cancelled(session, rulebook)
    assert (SESSION, at("10:00")) not in free(session, SOON, adviser_key="awo-2")
    office = book_at(session, rulebook, "14:00", key=OFFICE, on=THURSDAY)
    cancel(session, office.id, by=CLIENT, now=NOW)
    assert (OFFICE, at("14:00", THURSDAY)) not in free(session, SOON)
    assert (OFFICE, at("14:15", THURSDAY)) in free(session, SOON)


def test_it_holds_its_adviser_at_other_openings_too(session: Session, rulebook: RuleBook) -> None:
    """The office's Thursday is held on the session's Wednesday, by one of the session's advisers."""
    cancelled(session, rulebook)
    change_date(session, THURSDAY, "moved", key=OFFICE, held_on=WEDNESDAY, from_time=at("09:00").time())
    assert (OFFICE, at("10:00")) not in free(session, SOON)
    assert (OFFICE, at("10:00")) in free(session, LATER)


@pytest.mark.parametrize("how", GIVEN_BACK)
def test_what_staff_give_back_is_free_at_once(session: Session, rulebook: RuleBook, how: str) -> None:
    GIVEN_BACK[how](session, rulebook, by=STAFF)
    assert rows(session) == []
    assert (SESSION, at("10:00")) in free(session, NOW)


def test_what_was_to_be_today_is_free_at_once(session: Session, rulebook: RuleBook) -> None:
    """From the town's midnight on, which comes an hour before that of UTC."""
    cancelled(session, rulebook, now=at("00:01"))
    assert rows(session) == []
    assert book_at(session, rulebook, "10:00", now=at("08:00")).state == "booked"


def test_before_the_towns_midnight_it_is_held_back(session: Session, rulebook: RuleBook) -> None:
    cancelled(session, rulebook, now=at("00:00") - timedelta(seconds=1))
    assert len(rows(session)) == 1


def test_staff_see_it_and_book_it_at_once(session: Session, rulebook: RuleBook) -> None:
    cancelled(session, rulebook)
    assert (SESSION, at("10:00")) in free(session, NOW, by_staff=True)
    again = book(session, rulebook, booking_at(session, rulebook, "10:00", adviser_key="awo-1"), by=STAFF, now=NOW)
    assert again.state == "booked"
    cancel(session, again.id, by=STAFF, now=LATER)
    assert (SESSION, at("10:00")) in free(session, LATER)


def test_an_appointment_of_staff_there_stands_as_if_nothing_had_been_given_back(
    session: Session, rulebook: RuleBook
) -> None:
    """Counted once: the public is refused for the appointment alone, and it may be handed on like any other."""
    cancelled(session, rulebook)
    book(session, rulebook, booking_at(session, rulebook, "10:00", adviser_key="awo-1"), by=STAFF, now=NOW)
    with_rows = free(session, SOON)
    session.execute(delete(FreedTime))
    assert free(session, SOON) == with_rows


def test_a_client_may_move_back_to_the_time_they_gave_up(session: Session, rulebook: RuleBook) -> None:
    visit = moved(session, rulebook)
    move(session, rulebook, visit.id, SESSION, WEDNESDAY, at("10:00"), by=CLIENT, now=SOON)
    assert held_back(session) == [(OFFICE, at("14:00", THURSDAY))]


def test_a_move_within_the_own_time_holds_back_nothing_of_it(session: Session, rulebook: RuleBook) -> None:
    visit = book_at(session, rulebook, "10:00", concern="advice", adviser_key="awo-1")
    move(session, rulebook, visit.id, SESSION, WEDNESDAY, at("10:15"), by=CLIENT, now=NOW)
    assert held_back(session) == []


def test_a_visit_that_moves_on_and_on_holds_back_few_times(session: Session, rulebook: RuleBook) -> None:
    """One appointment must not empty the whole list, and what it held first stays out of a trader's reach."""
    visit = book_at(session, rulebook, "09:00", adviser_key="awo-1")
    for clock in ("09:30", "10:00", "10:30", "11:00", "11:30"):
        move(session, rulebook, visit.id, SESSION, WEDNESDAY, at(clock), by=CLIENT, now=NOW)
    held = [row.starts_at for row in rows(session)]
    assert held == [at("09:00"), at("09:30"), at("10:00")]
    assert len(held) == MOST_OF_A_VISIT


def test_a_cancellation_that_is_taken_back_takes_its_place_again(session: Session, rulebook: RuleBook) -> None:
    visit = cancelled(session, rulebook)
    undo(session, visit, by=STAFF, now=SOON)
    session.expire_all()
    assert (visit.state, visit.planned_adviser_id) == ("booked", adviser_of(session, "awo-1").id)
    assert rows(session) == []


def test_an_absence_may_hand_an_appointment_to_the_time_given_back(session: Session, rulebook: RuleBook) -> None:
    """Only one of the two advisers of adults is left, and her time has just been given back."""
    given_back = book_at(session, rulebook, "10:00", adviser_key="awo-2")
    cancel(session, given_back.id, by=CLIENT, now=NOW)
    visit = book(session, rulebook, booking_at(session, rulebook, "10:00"), by=STAFF, now=NOW)
    if visit.planned_adviser_id != adviser_of(session, "awo-1").id:
        visit.planned_adviser_id = adviser_of(session, "awo-1").id
        session.flush()
    away = Away(adviser_of(session, "awo-1").id, Interval(at("09:00"), at("12:00")))
    assert carry_out(session, away, by=STAFF, now=SOON).kept == [visit.id]


def test_the_jobs_offer_it_again_and_lists_that_were_kept_show_it(database: Database, tmp_path: Path) -> None:
    with database.writing() as session:
        cancelled(session, read_rulebook(session))
        session.commit()
    with database.reading() as session:
        assert (SESSION, at("10:00")) not in free(session, SOON)  # kept from now on
        version = session.scalars(select(Opening.version).where(Opening.original_on == WEDNESDAY)).all()
    offer_freed(work_at(database, tmp_path, SOON))
    with database.reading() as session:
        assert len(rows(session)) == 1
    offer_freed(work_at(database, tmp_path, LATER))
    with database.reading() as session:
        assert rows(session) == []
        assert (SESSION, at("10:00")) in free(session, SOON)
        assert session.scalars(select(Opening.version).where(Opening.original_on == WEDNESDAY)).all() != version


def test_a_round_with_nothing_due_changes_nothing(database: Database, tmp_path: Path) -> None:
    with database.writing() as session:
        cancelled(session, read_rulebook(session))
        session.commit()
        versions = session.scalars(select(Opening.version).order_by(Opening.id)).all()
    offer_freed(work_at(database, tmp_path, SOON))
    with database.reading() as session:
        assert session.scalars(select(Opening.version).order_by(Opening.id)).all() == versions


def test_the_timetable_asks_often_enough() -> None:
    (tick,) = [each for each in TIMETABLE if each.run is offer_freed]
    assert tick.every_seconds <= 20


STEPS = st.tuples(st.sampled_from(["book", "cancel", "move"]), st.integers(0, 11), st.booleans())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, min_size=1, max_size=8))
@example([("book", 3, False), ("move", 4, False), ("book", 3, True), ("cancel", 0, False)])
def test_after_the_delay_the_same_times_are_free_as_if_nothing_had_been_held_back(
    session: Session, steps: list[tuple[str, int, bool]]
) -> None:
    nested = session.begin_nested()
    try:
        rules = read_rulebook(session)
        for verb, number, by_staff in steps:
            take(session, rules, verb, number, STAFF if by_staff else CLIENT)
        during, public = free(session, NOW), free(session, LATER)
        assert set(during) <= set(free(session, NOW, by_staff=True))
        session.execute(delete(FreedTime))
        session.flush()
        assert free(session, LATER) == public
        assert set(during) <= set(free(session, NOW))
    finally:
        nested.rollback()


def take(session: Session, rules: RuleBook, verb: str, number: int, by: By) -> None:
    """One step, if it can be taken: at the session's quarter of an hour of this number."""
    starts_at = at("09:00") + number * timedelta(minutes=15)
    open_ones = select(Visit).where(Visit.state == "booked", Visit.local_on == WEDNESDAY).order_by(Visit.id)
    visits = session.scalars(open_ones).all()
    chosen = visits[number % len(visits)] if visits else None
    try:
        if verb == "book":
            book(
                session,
                rules,
                booking_at(session, rules, f"{9 + number // 4}:{number % 4 * 15:02}".zfill(5)),
                by=by,
                now=NOW,
            )
        elif chosen is not None and verb == "cancel":
            cancel(session, chosen.id, by=by, now=NOW)
        elif chosen is not None:
            move(session, rules, chosen.id, SESSION, WEDNESDAY, starts_at, by=by, now=NOW)
    except SlotTaken:
        pass


def held_back(session: Session) -> list[Start]:
    found = select(FreedTime, Opening).join(Opening, Opening.id == FreedTime.opening_id).order_by(FreedTime.id)
    return [(opening.hours.key, row.starts_at) for row, opening in session.execute(found)]
