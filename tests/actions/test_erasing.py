"""A visit is erased: nothing of it remains but a count, its time is free, and nobody is written to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from scheduler.actions.booking import cancel
from scheduler.actions.calling import finish, start
from scheduler.actions.contacts import leave_contact
from scheduler.actions.counting import read_counts
from scheduler.actions.erasing import StillHere, erase_visit, find_by_code
from scheduler.actions.feeds import make_feed, publish_feed, stale_feeds
from scheduler.actions.once import KeyReused
from scheduler.actions.openings import UnknownOpening
from scheduler.actions.own_time import Client, OwnTime, book_own_time
from scheduler.actions.rulebook import RuleBook, read_rulebook
from scheduler.actions.sending import count_texts
from scheduler.actions.slots import find_slots
from scheduler.actions.steps import CLIENT
from scheduler.db import Base
from scheduler.domain.codes import spoken
from scheduler.domain.measures import Count
from scheduler.models import (
    CaseMark,
    Consultation,
    Contact,
    FreedTime,
    Hours,
    IdempotencyKey,
    Message,
    MonthlyCount,
    Opening,
    ShownForecast,
    Step,
    Visit,
)
from tests.actions.small_town import (
    STAFF,
    WEDNESDAY,
    adviser_of,
    arrive,
    ask,
    at,
    book_at,
    place_of,
    press_next,
    seat,
    take_in,
)
from tests.conftest import NOW, SECRET

MONTH = WEDNESDAY.replace(day=1)
OF_VISITS = (Contact, Message, CaseMark, Step, Consultation, ShownForecast)


def rows(session: Session, model: type[Base]) -> int:
    return session.scalars(select(func.count()).select_from(model)).one()


def leave_email(session: Session, visit: Visit, email: str = "ada@example.org") -> None:
    leave_contact(session, visit.id, email=email, phone=None, reminders=True, secret=SECRET, now=NOW)


def offered(session: Session, on: datetime, now: datetime = NOW, **question: Any) -> bool:
    rules = read_rulebook(session)
    found = find_slots(session, rules, ask(session, rules, **question), from_on=WEDNESDAY, until_on=WEDNESDAY, now=now)
    return on in {each.slot.starts_at for each in found}


def test_nothing_that_names_the_visit_remains_and_nothing_of_others_goes(session: Session, rulebook: RuleBook) -> None:
    other = book_at(session, rulebook, "11:00")
    leave_email(session, other, "bob@example.org")
    before = {model: rows(session, model) for model in (*OF_VISITS, Visit)}
    visit = book_at(session, rulebook, "10:00", idempotency_key="page")
    leave_email(session, visit)
    session.add(CaseMark(visit_id=visit.id, adviser_id=adviser_of(session, "awo-1").id, mark="K 17"))
    session.flush()
    erase_visit(session, visit.id, by=CLIENT, now=NOW)
    assert {model: rows(session, model) for model in (*OF_VISITS, Visit)} == before
    assert session.get(Visit, other.id) is not None


def test_what_remains_is_a_count(session: Session, rulebook: RuleBook) -> None:
    erase_visit(session, book_at(session, rulebook, "10:00", language="ar").id, by=CLIENT, now=NOW)
    place = "buergerbuero"
    assert read_counts(session) == {
        Count(MONTH, place, "", "MBE", "appointment", "cancelled"): 1,
        Count(MONTH, place, "", "MBE", "age_group", "unknown"): 1,
        Count(MONTH, place, "", "MBE", "concern", "letter"): 1,
        Count(MONTH, place, "", "MBE", "language", "ar"): 1,
        Count(MONTH, place, "", "MBE", "people"): 1,
    }


def test_a_finished_visit_is_counted_with_what_came_of_it(session: Session, rulebook: RuleBook) -> None:
    adviser = seat(session, rulebook, "awo-1", at("09:00"))
    visit = take_in(session, rulebook, at("09:00"), age_group="from_27", people=3)
    consultation = press_next(session, rulebook, adviser, at("09:20"))
    start(session, consultation.id, by=STAFF, now=at("09:21"))
    finish(session, consultation.id, by=STAFF, now=at("09:40"))
    consultation.case_kind, consultation.family_members, consultation.topics = "new", 2, ["housing"]
    session.flush()
    erase_visit(session, visit.id, by=STAFF, now=at("09:50"))
    found = {(each.carrier, each.measure, each.value): number for each, number in read_counts(session).items()}
    assert found[("awo", "walk_in", "done")] == 1
    assert found[("awo", "wait", "15")] == 1
    assert found[("awo", "people", "")] == 3
    assert found[("awo", "family_members", "new")] == 2
    assert found[("awo", "topic", "housing")] == 1


def test_a_second_visit_adds_to_the_same_count(session: Session, rulebook: RuleBook) -> None:
    for clock in ("10:00", "10:30"):
        erase_visit(session, book_at(session, rulebook, clock).id, by=CLIENT, now=NOW)
    number = select(MonthlyCount.number).where(MonthlyCount.measure == "appointment")
    assert session.scalars(number).all() == [2]


def test_the_time_is_held_back_like_any_that_a_client_gives_back(session: Session, rulebook: RuleBook) -> None:
    """Else whoever trades appointments would erase instead of cancelling."""
    session.execute(update(Hours).values(appointments_at_once=1))
    visit = book_at(session, rulebook, "10:00")
    erase_visit(session, visit.id, by=CLIENT, now=NOW)
    assert [each.visit_id for each in session.scalars(select(FreedTime))] == [None]
    assert not offered(session, at("10:00"))
    assert offered(session, at("10:00"), by_staff=True)


def test_what_the_office_erases_is_free_at_once(session: Session, rulebook: RuleBook) -> None:
    session.execute(update(Hours).values(appointments_at_once=1))
    visit = book_at(session, rulebook, "10:00")
    erase_visit(session, visit.id, by=STAFF, now=NOW)
    assert offered(session, at("10:00"))


def test_a_visit_that_is_going_on_is_refused(session: Session, rulebook: RuleBook) -> None:
    visit = book_at(session, rulebook, "10:00")
    arrive(session, rulebook, visit, at("09:50"))
    with pytest.raises(StillHere):
        erase_visit(session, visit.id, by=STAFF, now=at("09:55"))
    assert session.get(Visit, visit.id) is not None


@pytest.mark.parametrize("ended", ["cancelled", "missed"])
def test_a_visit_that_has_ended_is_erased_as_it_is(session: Session, rulebook: RuleBook, ended: str) -> None:
    visit = book_at(session, rulebook, "10:00")
    visit.state, visit.planned_adviser_id, visit.ended_at = ended, None, NOW  # type: ignore[assignment]
    session.flush()
    erase_visit(session, visit.id, by=STAFF, now=NOW + timedelta(days=40))
    assert Count(MONTH, "buergerbuero", "", "MBE", "appointment", ended) in read_counts(session)


def test_erasing_twice_finds_nothing(session: Session, rulebook: RuleBook) -> None:
    visit_id = book_at(session, rulebook, "10:00").id
    erase_visit(session, visit_id, by=CLIENT, now=NOW)
    with pytest.raises(UnknownOpening):
        erase_visit(session, visit_id, by=CLIENT, now=NOW)


def test_an_id_is_never_given_a_second_time(session: Session, rulebook: RuleBook) -> None:
    """The link follows from the id: whoever has the link of an erased visit must not see the next one."""
    first = book_at(session, rulebook, "10:00").id
    erase_visit(session, first, by=CLIENT, now=NOW)
    session.commit()
    assert book_at(session, read_rulebook(session), "10:30").id > first


def test_pages_and_calendars_hear_of_it(session: Session, rulebook: RuleBook) -> None:
    visit = book_at(session, rulebook, "10:00")
    opening = visit.opening_id
    version = session.scalars(select(Opening.version).where(Opening.id == opening)).one()
    cancel(session, visit.id, by=CLIENT, now=NOW)
    erase_visit(session, visit.id, by=CLIENT, now=NOW)
    session.commit()
    assert session.scalars(select(Opening.version).where(Opening.id == opening)).one() > version + 1


def test_it_leaves_the_calendars_that_show_it(session: Session, rulebook: RuleBook) -> None:
    visit = book_at(session, rulebook, "10:00", adviser_key="awo-1")
    adviser, code = adviser_of(session, "awo-1"), spoken(visit.code or "")
    feed, _ = make_feed(session, adviser, level="details", base_url="http://t", now=NOW)
    assert code.encode() in (feed.body or b"")
    erase_visit(session, visit.id, by=CLIENT, now=NOW)
    assert feed.id in stale_feeds(session, NOW)
    publish_feed(session, feed.id, base_url="http://t", now=NOW)
    session.refresh(feed)
    assert feed.body is not None
    assert f"visit-{visit.id}".encode() not in feed.body
    assert code.encode() not in feed.body


def test_an_own_time_leaves_the_rules_with_its_appointment(session: Session, rulebook: RuleBook) -> None:
    asked = OwnTime(WEDNESDAY, at("14:00").astimezone(rulebook.zone).time(), 30, place_of(session).id, "page")
    visit = book_own_time(session, adviser_of(session, "awo-1"), asked, Client("de"), by=STAFF, now=NOW)
    erase_visit(session, visit.id, by=STAFF, now=NOW)
    assert session.scalars(select(Hours).where(Hours.own_adviser_id.is_not(None))).one().retired_at == NOW


def test_texts_that_left_still_count_for_their_day(session: Session, rulebook: RuleBook) -> None:
    visit = book_at(session, rulebook, "10:00")
    for kind, sent_at in (("confirmation", NOW), ("reminder", NOW - timedelta(days=2))):
        message = Message(visit_id=visit.id, kind=kind, channel="sms", sequence=0, due_at=sent_at)
        message.state, message.sent_at = "sent", sent_at
        session.add(message)
    session.flush()
    erase_visit(session, visit.id, by=CLIENT, now=NOW)
    assert count_texts(session, NOW + timedelta(hours=1)) == 1
    assert count_texts(session, NOW + timedelta(hours=25)) == 0


def test_the_key_of_an_erased_booking_stays_spent(session: Session, rulebook: RuleBook) -> None:
    erase_visit(session, book_at(session, rulebook, "10:00", idempotency_key="page").id, by=CLIENT, now=NOW)
    assert session.scalars(select(IdempotencyKey)).one().visit_id is None
    with pytest.raises(KeyReused):
        book_at(session, rulebook, "10:00", idempotency_key="page")


def test_a_visit_is_found_by_its_code_whenever_it_was(session: Session, rulebook: RuleBook) -> None:
    visit = book_at(session, rulebook, "10:00")
    assert visit.code is not None
    assert find_by_code(session, visit.code) == visit.id
    with pytest.raises(UnknownOpening):
        find_by_code(session, "000000000")
