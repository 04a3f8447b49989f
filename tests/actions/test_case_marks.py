"""A case mark stays with its adviser: it goes as soon as another one has the appointment."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.booking import hand_on, move
from scheduler.actions.case_marks import NotOwn, put_mark, read_marks
from scheduler.actions.rulebook import RuleBook
from scheduler.actions.steps import CLIENT
from scheduler.models import CaseMark, Opening, Visit
from tests.actions.small_town import NEXT_WEDNESDAY, SESSION, adviser_of, at, book_at
from tests.conftest import NOW


def marked(session: Session, rulebook: RuleBook, clock: str, mark: str, **wishes: object) -> Visit:
    visit = book_at(session, rulebook, clock, **wishes)
    assert visit.planned_adviser_id is not None
    put_mark(session, visit.id, visit.planned_adviser_id, mark)
    return visit


def marks(session: Session) -> dict[int, str]:
    return {each.visit_id: each.mark for each in session.scalars(select(CaseMark))}


def test_it_goes_with_the_appointment_to_another_time_of_the_same_adviser(session: Session, rulebook: RuleBook) -> None:
    visit = marked(session, rulebook, "10:00", "K 17", adviser_key="awo-1")
    move(session, rulebook, visit.id, SESSION, NEXT_WEDNESDAY, at("11:00", NEXT_WEDNESDAY), by=CLIENT, now=NOW)
    assert marks(session) == {visit.id: "K 17"}


def test_it_is_gone_when_a_colleague_gets_the_appointment(session: Session, rulebook: RuleBook) -> None:
    one, other = marked(session, rulebook, "10:00", "one"), marked(session, rulebook, "10:30", "other")
    colleague = "awo-2" if one.planned_adviser_id == adviser_of(session, "awo-1").id else "awo-1"
    hand_on(session, session.get_one(Opening, one.opening_id), {one.id: adviser_of(session, colleague).id}, now=NOW)
    assert marks(session) == {other.id: "other"}


def test_it_is_gone_when_the_appointment_moves_to_a_colleague(session: Session, rulebook: RuleBook) -> None:
    visit = marked(session, rulebook, "10:00", "K 17", adviser_key="awo-1")
    visit.wished_adviser_id = adviser_of(session, "awo-2").id
    session.flush()
    move(session, rulebook, visit.id, SESSION, NEXT_WEDNESDAY, at("10:00", NEXT_WEDNESDAY), by=CLIENT, now=NOW)
    assert visit.planned_adviser_id == visit.wished_adviser_id
    assert marks(session) == {}


def test_nobody_marks_what_is_a_colleagues(session: Session, rulebook: RuleBook) -> None:
    visit = book_at(session, rulebook, "10:00", adviser_key="awo-1")
    with pytest.raises(NotOwn):
        put_mark(session, visit.id, adviser_of(session, "awo-2").id, "mine")


def test_nobody_reads_what_is_a_colleagues(session: Session, rulebook: RuleBook) -> None:
    visit = marked(session, rulebook, "10:00", "K 17", adviser_key="awo-1")
    found = [read_marks(session, adviser_of(session, key).id, [visit.id]) for key in ("awo-1", "awo-2")]
    assert found == [{visit.id: "K 17"}, {}]
