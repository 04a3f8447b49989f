"""A share of an opening's starts is kept for the desk: what clients are offered, what they can book, and until when."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from scheduler.actions.booking import SlotTaken, book, move
from scheduler.actions.rulebook import RuleBook, read_rulebook
from scheduler.actions.slots import find_slots, share_released_at
from scheduler.actions.steps import CLIENT
from scheduler.db import Database
from tests.actions.small_town import (
    SESSION,
    STAFF,
    WEDNESDAY,
    ask,
    at,
    be_away,
    book_at,
    booking_at,
    hours_of,
    opening_of,
)
from tests.conftest import NOW

QUARTERS = [f"{hour:02}:{minute:02}" for hour in (9, 10, 11) for minute in (0, 15, 30, 45)]


def keep(session: Session, share: float, release_days: int | None = None, at_once: int = 1) -> RuleBook:
    """The session keeps this share; its rules, read anew."""
    hours = hours_of(session)
    hours.desk_share, hours.release_days, hours.appointments_at_once = share, release_days, at_once
    session.flush()
    return read_rulebook(session)


def offered(session: Session, rules: RuleBook, now: datetime = NOW, **question: object) -> list[str]:
    """The starts at the session, by the clock on the wall."""
    asked = ask(session, rules, **question)  # type: ignore[arg-type]
    found = find_slots(session, rules, asked, from_on=WEDNESDAY, until_on=WEDNESDAY, now=now)
    zone = rules.zone
    return [each.slot.starts_at.astimezone(zone).strftime("%H:%M") for each in found]


def test_clients_take_three_quarters_and_the_desk_the_rest(session: Session) -> None:
    rules = keep(session, 0.25)
    for clock in QUARTERS[:9]:
        assert clock in offered(session, rules)
        book_at(session, rules, clock)
    assert offered(session, rules) == []
    with pytest.raises(SlotTaken):
        book_at(session, rules, "11:30")
    assert offered(session, rules, by_staff=True) == ["11:15", "11:30", "11:45"]
    visit = book(session, rules, booking_at(session, rules, "11:30"), by=STAFF, now=NOW)
    assert visit.starts_at == at("11:30")


def test_what_the_desk_books_counts_against_the_share(session: Session) -> None:
    """What stays free after a client's booking is what counts, whoever took the rest."""
    rules = keep(session, 0.25)
    for clock in QUARTERS[:9]:
        book(session, rules, booking_at(session, rules, clock), by=STAFF, now=NOW)
    assert offered(session, rules) == []


def test_a_longer_appointment_takes_more_of_it(session: Session) -> None:
    rules = keep(session, 0.5)
    book_at(session, rules, "09:00", concern="advice")
    book_at(session, rules, "09:45")
    assert offered(session, rules, concern="advice") == []
    assert offered(session, rules, concern="unsure")[:2] == ["10:00", "10:15"]


def test_an_absence_makes_the_opening_smaller_not_the_share(session: Session) -> None:
    rules = keep(session, 0.5, at_once=3)
    for key in ("awo-1", "awo-2", "ib-1"):
        be_away(session, key, "10:00", "12:00")
    rules = read_rulebook(session)
    for number in range(6):
        book_at(session, rules, QUARTERS[number % 4], service=None)
    assert offered(session, rules) == []


def test_without_a_share_all_can_be_booked(session: Session) -> None:
    rules = keep(session, 0.0)
    for clock in QUARTERS:
        book_at(session, rules, clock)


def test_a_move_within_the_opening_gives_back_what_it_takes(session: Session) -> None:
    rules = keep(session, 0.25)
    visits = [book_at(session, rules, clock) for clock in QUARTERS[:9]]
    moved = move(session, rules, visits[0].id, SESSION, WEDNESDAY, at("11:45"), by=CLIENT, now=NOW)
    assert moved.starts_at == at("11:45")


def test_from_the_release_on_clients_are_offered_all(session: Session) -> None:
    rules = keep(session, 1.0, release_days=2)
    released = share_released_at(session, rules, opening_of(rules), 2)
    assert offered(session, rules, released - timedelta(seconds=1)) == []
    assert offered(session, rules, released) == QUARTERS
    with pytest.raises(SlotTaken):
        book_at(session, rules, "09:00", now=released - timedelta(seconds=1))
    assert book_at(session, rules, "09:00", now=released).state == "booked"


def test_a_share_without_a_release_is_never_given_away(session: Session) -> None:
    rules = keep(session, 1.0)
    assert offered(session, rules, at("08:59")) == []


def test_openings_are_released_at_minutes_of_their_own_that_follow_from_a_secret(session: Session) -> None:
    rules = keep(session, 0.5, release_days=2)
    openings = rules.openings(WEDNESDAY, WEDNESDAY + timedelta(weeks=12))
    found = [each for each in openings if each.hours.key == SESSION and each.dated.takes_place]

    def minutes() -> list[str]:
        instants = [share_released_at(session, rules, each, 2) for each in found]
        assert all(two - one > timedelta(days=2) for one, two in pairwise(instants))
        return [each.astimezone(rules.zone).strftime("%H:%M") for each in instants]

    usual = minutes()
    assert len(set(usual)) > 6 and usual == minutes()
    session.info["release_key"] = "another installation"
    assert usual != minutes()


def test_what_is_kept_in_the_process_knows_of_the_release(database: Database) -> None:
    """The same question, before and after: the second answer is not the first one kept."""
    with database.writing() as session:
        rules = keep(session, 1.0, release_days=2)
        released = share_released_at(session, rules, opening_of(rules), 2)
        session.commit()
    with database.reading() as session:
        rules = read_rulebook(session)
        assert [offered(session, rules, released - timedelta(minutes=1)) for _ in range(2)] == [[], []]
        assert offered(session, rules, released) == QUARTERS
        assert offered(session, rules, released - timedelta(minutes=1), by_staff=True) == QUARTERS


acts = st.lists(
    st.tuples(st.sampled_from(QUARTERS), st.sampled_from(["letter", "advice", "unsure"]), st.booleans()), max_size=8
)


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=acts, share=st.sampled_from([0.0, 0.2, 1 / 3, 0.5, 0.9]), at_once=st.integers(1, 3))
def test_after_any_bookings_offered_and_bookable_are_the_same(
    session: Session, acts: list[tuple[str, str, bool]], share: float, at_once: int
) -> None:
    with session.begin_nested() as savepoint:
        rules = keep(session, share, at_once=at_once)
        for clock, concern, by_staff in acts:
            is_offered = clock in offered(session, rules, service="MBE", concern=concern, by_staff=by_staff)
            try:
                booking = booking_at(session, rules, clock, concern=concern)
                book(session, rules, booking, by=STAFF if by_staff else CLIENT, now=NOW)
            except SlotTaken:
                assert not is_offered, (clock, concern, by_staff)
            else:
                assert is_offered, (clock, concern, by_staff)
        savepoint.rollback()
