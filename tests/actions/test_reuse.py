"""A process reuses what it worked out, and never shows what is no longer so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from bench.statements import statements_of
from scheduler.actions.booking import book, cancel
from scheduler.actions.rulebook import read_rulebook
from scheduler.actions.slots import Question, find_slots
from scheduler.actions.steps import CLIENT
from scheduler.db import Database
from scheduler.models import Absence, Adviser, Closure, Concern, Hours, Visit
from tests.actions.small_town import (
    NEXT_WEDNESDAY,
    OFFICE,
    SESSION,
    THURSDAY,
    WEDNESDAY,
    adviser_of,
    ask,
    at,
    be_away,
    book_at,
    booking_at,
    change_date,
    hours_of,
    place_of,
)
from tests.conftest import NOW

UNTIL = date(2026, 12, 16)
Change = Callable[[Session], Any]


def offered(session: Session, now: datetime = NOW, **question: Any) -> list[tuple[str, datetime]]:
    rules = read_rulebook(session)
    found = find_slots(session, rules, ask(session, rules, **question), from_on=WEDNESDAY, until_on=UNTIL, now=now)
    return [(each.opening.hours.key, each.slot.starts_at) for each in found]


def read(database: Database, now: datetime = NOW) -> list[tuple[str, datetime]]:
    with database.reading() as session:
        return offered(session, now)


def read_anew(database: Database, now: datetime = NOW) -> list[tuple[str, datetime]]:
    """What a writer sees: nothing of it is reused."""
    with database.writing() as session:
        return offered(session, now)


def book_wednesday(session: Session) -> Visit:
    return book_at(session, read_rulebook(session), "10:00", on=NEXT_WEDNESDAY, adviser_key="awo-2", concern="advice")


def cancel_a_booking(session: Session) -> None:
    cancel(session, book_wednesday(session).id, by=CLIENT, now=NOW)


CHANGES: dict[str, Change] = {
    "a booking": book_wednesday,
    "a booking at another place": lambda s: book_at(s, read_rulebook(s), "14:00", key=OFFICE, on=THURSDAY),
    "an absence": lambda s: be_away(s, "awo-1", "13:00", "16:00", THURSDAY),
    "a cancelled date": lambda s: change_date(s, NEXT_WEDNESDAY, "cancelled"),
    "other times on one date": lambda s: change_date(s, NEXT_WEDNESDAY, "moved", from_time=time(10)),
    "a closure": lambda s: s.add(Closure(from_on=THURSDAY, until_on=THURSDAY, reason={})),
    "a shorter horizon": lambda s: setattr(hours_of(s), "horizon_days", 7),
    "another length": lambda s: s.execute(update(Concern).values(minutes=20)),
    "advisers who serve something else": lambda s: s.execute(update(Adviser).values(services=["JMD"])),
    "other staff": lambda s: setattr(hours_of(s, OFFICE), "advisers", []),
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_is_seen_at_once(database: Database, name: str) -> None:
    before = read(database)
    with database.writing() as session:
        CHANGES[name](session)
        session.commit()
    after = read(database)
    assert after == read_anew(database)
    assert after != before


@pytest.mark.parametrize("name", CHANGES)
def test_what_was_rolled_back_is_never_shown(database: Database, name: str) -> None:
    before = read(database)
    with database.writing() as session:
        CHANGES[name](session)
        offered(session)
        session.rollback()
    with database.writing() as session:  # another change, which may well count up to the same version
        book_at(session, read_rulebook(session), "11:00", on=NEXT_WEDNESDAY, adviser_key="awo-1")
        session.commit()
    after = read(database)
    assert after == read_anew(database)
    assert len(after) == len(before) - 1


def test_a_deleted_absence_is_seen_too(database: Database) -> None:
    with database.writing() as session:
        be_away(session, "awo-1", "13:00", "16:00", THURSDAY)
        session.commit()
    before = read(database)
    with database.writing() as session:
        session.execute(delete(Absence).where(Absence.adviser_id == adviser_of(session, "awo-1").id))
        session.commit()
    assert read(database) == read_anew(database) != before


def test_an_appointment_at_another_opening_of_the_day_is_seen(database: Database) -> None:
    """The same adviser stands in elsewhere on that day: one opening's change concerns the other."""
    with database.writing() as session:
        hours_of(session, OFFICE).rrule = "FREQ=WEEKLY;BYDAY=WE,TH"
        hours_of(session, OFFICE).from_time = hours_of(session, SESSION).from_time
        session.commit()
    before = read(database)
    with database.writing() as session:
        book_at(session, read_rulebook(session), "10:00", key=OFFICE, on=NEXT_WEDNESDAY)
        session.commit()
    assert read(database) == read_anew(database) != before


def test_an_appointment_at_an_opening_that_was_moved_to_the_day_is_seen(database: Database) -> None:
    with database.writing() as session:
        # The office's Thursday is held on the session's Wednesday, by one of the session's advisers.
        change_date(session, THURSDAY, "moved", key=OFFICE, held_on=NEXT_WEDNESDAY, from_time=time(9))
        session.commit()
    before = read_session(database)
    with database.writing() as session:
        rules = read_rulebook(session)
        at_office = booking_at(session, rules, "11:00", key=OFFICE, on=NEXT_WEDNESDAY)
        book(session, rules, replace(at_office, original_on=THURSDAY), by=CLIENT, now=NOW)
        session.commit()
    assert read_session(database) == [each for each in before if each != at("11:00", NEXT_WEDNESDAY)] != before


def read_session(database: Database) -> list[datetime]:
    """The session's own starts for somebody who needs Arabic: only the adviser who is at the office, too."""
    with database.reading() as session:
        return [starts_at for key, starts_at in offered(session, language="ar") if key == SESSION]


def test_the_next_day_starts_that_have_passed_are_gone(database: Database) -> None:
    before, later = read(database), NOW + timedelta(days=1, hours=1)
    assert read(database, later) == read_anew(database, later) != before


def test_a_cold_search_takes_seven_statements_a_later_one_two_and_after_a_booking_three(database: Database) -> None:
    with database.writing() as session:  # a stamp that no process has seen
        place_of(session).phone = "069 90009-777"
        session.commit()
    assert count_statements_of(database) == 7
    assert count_statements_of(database) == 2
    with database.writing() as session:
        book_wednesday(session)
        session.commit()
    assert count_statements_of(database) == 3
    assert count_statements_of(database) == 2


def count_statements_of(database: Database) -> int:
    question = Question(frozenset({"MBE"}), minutes=15, concern="letter")
    with database.reading() as session, statements_of(database) as seen:
        find_slots(session, read_rulebook(session), question, from_on=WEDNESDAY, until_on=UNTIL, now=NOW)
    return len(seen)


def test_hours_without_a_rule_any_more_stay_out(database: Database) -> None:
    read(database)
    with database.writing() as session:
        session.execute(update(Hours).where(Hours.key == OFFICE).values(retired_at=NOW))
        session.commit()
    assert {key for key, _ in read(database)} == {SESSION}
