"""An appointment goes to another adviser where that makes room for one more; its client notices nothing."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.booking import SlotTaken
from scheduler.actions.rulebook import RuleBook, read_rulebook
from scheduler.actions.slots import find_slots
from scheduler.db import Database
from scheduler.models import Feed, Message, Opening, Visit
from tests.actions.small_town import NEXT_WEDNESDAY, SESSION, adviser_of, ask, at, be_away, book_at, hours_of, verbs_of

LATER = date(2026, 12, 9)
"""A Wednesday further ahead than 24 hours, without noise."""


@pytest.fixture
def rulebook(session: Session) -> RuleBook:
    """All advisers of the session may be in appointments at once."""
    hours_of(session).appointments_at_once = 3
    session.flush()
    return read_rulebook(session)


def book_later(session: Session, rulebook: RuleBook, clock: str, **what: object) -> Visit:
    return book_at(session, rulebook, clock, on=LATER, **what)


def hand_to(session: Session, visit: Visit, key: str) -> None:
    visit.planned_adviser_id = adviser_of(session, key).id
    session.flush()


def test_a_client_is_refused_only_where_no_arrangement_exists(session: Session, rulebook: RuleBook) -> None:
    german = book_later(session, rulebook, "09:00", service="MBE")
    hand_to(session, german, "awo-1")
    arabic = book_later(session, rulebook, "09:00", service="MBE", language="ar")
    assert german.planned_adviser_id == adviser_of(session, "awo-2").id
    assert arabic.planned_adviser_id == adviser_of(session, "awo-1").id
    with pytest.raises(SlotTaken):
        book_later(session, rulebook, "09:00", service="MBE")


def test_whoever_is_handed_on_keeps_all_that_the_client_knows(session: Session, rulebook: RuleBook) -> None:
    german = book_later(session, rulebook, "09:00", service="MBE")
    hand_to(session, german, "awo-1")
    before = (german.starts_at, german.code, german.sequence, german.state, verbs_of(session, german))
    book_later(session, rulebook, "09:00", service="MBE", language="ar")
    assert (german.starts_at, german.code, german.sequence, german.state, verbs_of(session, german)) == before
    assert session.scalars(select(Message).where(Message.visit_id == german.id)).all() == []


def test_the_feeds_of_both_advisers_are_renewed(session: Session, rulebook: RuleBook, now: datetime) -> None:
    german = book_later(session, rulebook, "09:00", service="MBE")
    hand_to(session, german, "awo-1")
    for number, key in enumerate(("awo-1", "awo-2", "ib-1")):
        adviser_id = adviser_of(session, key).id
        session.add(Feed(kind="adviser", adviser_id=adviser_id, token_hash=f"t{number}", created_at=now, wanted=1))
    session.flush()
    book_later(session, rulebook, "09:00", service="MBE", language="ar")
    session.expire_all()
    wanted = dict(session.execute(select(Feed.token_hash, Feed.wanted)).all())
    assert wanted["t0"] > 1 and wanted["t1"] > 1
    assert wanted["t2"] == 1


def test_who_asked_for_an_adviser_is_not_handed_on(session: Session, rulebook: RuleBook) -> None:
    wished = book_later(session, rulebook, "09:00", service="MBE", adviser_key="awo-1")
    with pytest.raises(SlotTaken):
        book_later(session, rulebook, "09:00", service="MBE", language="ar")
    assert wished.planned_adviser_id == adviser_of(session, "awo-1").id


@pytest.mark.parametrize(("clock", "handed_on"), [("08:59", True), ("09:00", False)])
def test_within_a_day_of_the_opening_nobody_is_handed_on(
    session: Session, rulebook: RuleBook, clock: str, handed_on: bool
) -> None:
    day_before = at(clock, date(2026, 12, 8))
    german = book_later(session, rulebook, "09:00", service="MBE")
    hand_to(session, german, "awo-1")
    offered = find_slots(
        session,
        rulebook,
        ask(session, rulebook, service="MBE", language="ar"),
        from_on=LATER,
        until_on=LATER,
        now=day_before,
    )
    assert (at("09:00", LATER) in [each.slot.starts_at for each in offered]) is handed_on
    if handed_on:
        book_later(session, rulebook, "09:00", service="MBE", language="ar", now=day_before)
    else:
        with pytest.raises(SlotTaken):
            book_later(session, rulebook, "09:00", service="MBE", language="ar", now=day_before)


def test_nobody_is_handed_to_an_adviser_who_is_away_or_booked_elsewhere(session: Session, rulebook: RuleBook) -> None:
    german = book_later(session, rulebook, "09:00", service="MBE")
    hand_to(session, german, "awo-1")
    be_away(session, "awo-2", "09:10", "09:20", LATER)
    with pytest.raises(SlotTaken):
        book_later(session, read_rulebook(session), "09:00", service="MBE", language="ar")


QUESTIONS = st.fixed_dictionaries(
    {
        "service": st.sampled_from(["MBE", "JMD", None]),
        "concern": st.sampled_from(["letter", "advice", None]),
        "language": st.sampled_from([None, "de", "ar", "uk", "other"]),
        "adviser_key": st.sampled_from([None, None, None, "awo-1", "ib-1"]),
    }
)
CLOCKS = st.sampled_from([f"{hour:02}:{minute:02}" for hour in (9, 10, 11) for minute in (0, 15, 30, 45)])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(QUESTIONS, CLOCKS), max_size=8), QUESTIONS, st.booleans())
def test_a_start_is_offered_exactly_when_it_can_be_booked(
    database: Database, asked: list[tuple[dict[str, str], str]], question: dict[str, str], away: bool
) -> None:
    with database.writing() as session:  # rolled back at its end: every example finds the same town
        hours_of(session).appointments_at_once = 3
        if away:
            be_away(session, "awo-2", "10:00", "10:40", LATER)
        session.flush()
        rules = read_rulebook(session)
        for wishes, clock in asked:
            try_to_book(session, rules, clock, wishes)
        offered = find_slots(
            session,
            rules,
            ask(session, rules, **question),
            from_on=LATER,
            until_on=LATER,
            now=at("09:00", NEXT_WEDNESDAY),
        )
        starts = {each.slot.starts_at for each in offered}
        for hour in (9, 10, 11):
            for minute in (0, 15, 30, 45):
                clock = f"{hour:02}:{minute:02}"
                assert try_to_book(session, rules, clock, question, undo=True) == (at(clock, LATER) in starts), clock


def try_to_book(session: Session, rules: RuleBook, clock: str, wishes: dict[str, str], undo: bool = False) -> bool:
    trial = session.begin_nested()
    try:
        book_at(session, rules, clock, on=LATER, now=at("09:00", NEXT_WEDNESDAY), **wishes)
    except SlotTaken:
        trial.rollback()
        return False
    if undo:
        trial.rollback()
    else:
        trial.commit()
    return True


def test_a_date_that_nothing_has_happened_on_has_no_row(session: Session, rulebook: RuleBook) -> None:
    find_slots(
        session, rulebook, ask(session, rulebook), from_on=LATER, until_on=LATER, now=at("09:00", NEXT_WEDNESDAY)
    )
    assert session.scalars(select(Opening).where(Opening.original_on == LATER)).all() == []
    assert SESSION in rulebook.hours
