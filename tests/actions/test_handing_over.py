"""An adviser hands a visit over: same ticket, old arrival, another consultation."""

from __future__ import annotations

from datetime import time

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.calling import NobodyWaits, Outcome, call_next, finish, read_queue, record_outcome, start
from scheduler.actions.handing_over import NobodyThere, Recipient, find_recipients, hand_over, service_of
from scheduler.actions.own_time import Client, OwnTime, book_own_time
from scheduler.actions.presence import change_presence
from scheduler.actions.rulebook import RuleBook, read_rulebook
from scheduler.actions.serving import serve
from scheduler.actions.steps import UndoRefused, undo
from scheduler.domain.visit_states import StepRefused
from scheduler.models import Adviser, Consultation, Visit
from tests.actions.small_town import (
    STAFF,
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

JMD, AWO_2, IB_1 = Recipient(service="JMD"), Recipient(adviser="awo-2"), Recipient(adviser="ib-1")


@pytest.fixture
def served(session: Session, rulebook: RuleBook) -> Consultation:
    """awo-1 (adults, German and Arabic) talks with an adult."""
    take_in(session, rulebook, at("09:00"), age_group="from_27", language="ar")
    consultation = press_next(session, rulebook, seat(session, rulebook, "awo-1", at("09:00")), at("09:05"))
    return start(session, consultation.id, by=STAFF, now=at("09:06"))


def give(session: Session, rulebook: RuleBook, served: Consultation, to: Recipient) -> Visit:
    return hand_over(session, rulebook, served.id, to, by=STAFF, now=at("09:20")).visit


def service_key(session: Session, consultation: Consultation) -> str | None:
    service = service_of(session, consultation)
    return service.key if service else None


def test_the_visit_waits_again_at_its_old_place_with_its_ticket(
    session: Session, rulebook: RuleBook, served: Consultation
) -> None:
    visit = give(session, rulebook, served, JMD)
    session.expire_all()
    assert (visit.state, visit.ticket, visit.arrived_at, visit.ended_at) == ("waiting", 1, at("09:00"), None)
    assert (visit.service and visit.service.key, visit.wished_adviser_id) == ("JMD", None)
    assert (served.ended_at, served.ended_as) == (at("09:20"), "handed_over")
    take_in(session, rulebook, at("09:01"), age_group="under_27")
    following = press_next(session, rulebook, seat(session, rulebook, "ib-1", at("09:00")), at("09:21"))
    assert (following.visit_id, following.carrier.key, following.id != served.id) == (visit.id, "ib", True)
    assert verbs_of(session, visit) == ["register", "call", "start", "hand_over", "call"]


def test_each_carrier_keeps_its_own_outcome(session: Session, rulebook: RuleBook, served: Consultation) -> None:
    visit = give(session, rulebook, served, JMD)
    record_outcome(session, served, Outcome("new", 1, ("housing",)), at("09:22"))
    following = press_next(session, rulebook, seat(session, rulebook, "ib-1", at("09:00")), at("09:23"))
    start(session, following.id, by=STAFF, now=at("09:24"))
    finish(session, following.id, by=STAFF, now=at("09:40"))
    session.expire_all()
    assert (visit.state, served.case_kind, served.carrier.key) == ("done", "new", "awo")
    assert (following.case_kind, following.topics, following.outcome_at) == (None, [], None)
    assert [service_key(session, each) for each in (served, following)] == ["MBE", "JMD"]


def test_next_does_not_lead_back_to_who_handed_over(session: Session, rulebook: RuleBook, served: Consultation) -> None:
    """awo-1 alone speaks Arabic, and gives the service that the visit is handed over to."""
    visit = give(session, rulebook, served, Recipient(service="MBE"))
    assert [each.handed_over_by for each in read_queue(session, visit.opening)] == [{served.adviser_id}]
    with pytest.raises(NobodyWaits):
        press_next(session, rulebook, served.adviser, at("09:21"))
    other = seat(session, rulebook, "awo-2", at("09:21"))
    assert press_next(session, rulebook, other, at("09:22")).visit_id == visit.id


def test_where_nobody_else_is_left_it_leads_back(session: Session, rulebook: RuleBook, served: Consultation) -> None:
    visit = give(session, rulebook, served, JMD)
    for key in ("awo-2", "ib-1"):
        adviser = seat(session, rulebook, key, at("09:21"))
        change_presence(session, opening_of(rulebook), adviser, "gone", at("09:22"))
    assert press_next(session, rulebook, served.adviser, at("09:23")).visit_id == visit.id


def test_a_certain_adviser_gets_it_in_whatever_language_and_service(
    session: Session, rulebook: RuleBook, served: Consultation
) -> None:
    visit = give(session, rulebook, served, IB_1)
    session.expire_all()
    chosen = adviser_of(session, "ib-1")
    assert (visit.service and visit.service.key, visit.wished_adviser_id) == ("JMD", chosen.id)
    with pytest.raises(NobodyWaits):
        press_next(session, rulebook, seat(session, rulebook, "awo-2", at("09:00")), at("09:21"))
    assert press_next(session, rulebook, seat(session, rulebook, "ib-1", at("09:00")), at("09:22")).visit_id == visit.id


def test_an_adviser_who_gives_the_service_leaves_it_as_it_is(
    session: Session, rulebook: RuleBook, served: Consultation
) -> None:
    visit = give(session, rulebook, served, AWO_2)
    session.expire_all()
    assert visit.service is not None and visit.service.key == "MBE"
    assert service_key(session, served) == "MBE"


def test_handed_over_and_back_to_a_certain_adviser(session: Session, rulebook: RuleBook, served: Consultation) -> None:
    visit = give(session, rulebook, served, AWO_2)
    other = seat(session, rulebook, "awo-2", at("09:00"))
    second = press_next(session, rulebook, other, at("09:21"))
    start(session, second.id, by=STAFF, now=at("09:22"))
    hand_over(session, rulebook, second.id, Recipient(adviser="awo-1"), by=STAFF, now=at("09:25"))
    with pytest.raises(NobodyWaits):
        press_next(session, rulebook, other, at("09:26"))
    assert press_next(session, rulebook, served.adviser, at("09:26")).visit_id == visit.id
    assert len(visit.consultations) == 3


def test_it_goes_to_whoever_is_here_or_expected_and_never_to_oneself(
    session: Session, rulebook: RuleBook, served: Consultation
) -> None:
    assert find_recipients(session, rulebook, served) == [Recipient(service="MBE"), JMD, AWO_2, IB_1]
    change_presence(session, opening_of(rulebook), seat(session, rulebook, "awo-2", at("09:10")), "gone", at("09:11"))
    assert find_recipients(session, rulebook, served) == [JMD, IB_1]
    session.commit()
    for nobody in (AWO_2, Recipient(service="MBE"), Recipient(adviser="awo-1"), Recipient(), Recipient("JMD", "ib-1")):
        with pytest.raises(NobodyThere):
            give(session, rulebook, served, nobody)
        session.rollback()
    assert (served.visit.state, served.ended_at) == ("in_consultation", None)


def test_only_what_goes_on_is_handed_over(session: Session, rulebook: RuleBook) -> None:
    visit = take_in(session, rulebook, at("09:00"))
    consultation = press_next(session, rulebook, seat(session, rulebook, "awo-1", at("09:00")), at("09:05"))
    with pytest.raises(StepRefused):
        give(session, rulebook, consultation, JMD)
    start(session, consultation.id, by=STAFF, now=at("09:06"))
    give(session, rulebook, consultation, JMD)
    with pytest.raises(StepRefused):
        give(session, rulebook, consultation, JMD)
    assert visit.state == "waiting"


def test_an_appointment_keeps_its_turn_and_its_time_with_the_first_adviser(
    session: Session, rulebook: RuleBook
) -> None:
    visit = arrive(session, rulebook, book_at(session, rulebook, "09:15"), at("09:10"))
    walk_in = take_in(session, rulebook, at("09:00"))
    planned = session.get_one(Adviser, visit.planned_adviser_id)
    seat(session, rulebook, planned.key, at("09:10"))
    consultation = press_next(session, rulebook, planned, at("09:16"))
    start(session, consultation.id, by=STAFF, now=at("09:16"))
    give(session, rulebook, consultation, IB_1 if planned.key != "ib-1" else AWO_2)
    other = seat(session, rulebook, "ib-1" if planned.key != "ib-1" else "awo-2", at("09:20"))
    assert press_next(session, rulebook, other, at("09:21")).visit_id == visit.id
    assert (visit.planned_adviser_id, walk_in.state) == (planned.id, "waiting")


def test_who_came_straight_to_the_adviser_gets_a_number_now(session: Session, rulebook: RuleBook) -> None:
    visit = book_at(session, rulebook, "09:15")
    adviser = session.get_one(Adviser, visit.planned_adviser_id)
    consultation = serve(session, visit.id, adviser, "Tisch 1", by=STAFF, now=at("09:14"))
    assert visit.ticket is None
    other = next(key for key in ("awo-1", "awo-2") if key != adviser.key)
    give(session, rulebook, consultation, Recipient(adviser=other))
    assert (visit.ticket, visit.arrived_at) == (1, at("09:14"))


def test_at_an_own_time_there_is_nobody_to_hand_over_to(session: Session, rulebook: RuleBook) -> None:
    adviser = adviser_of(session, "awo-1")
    asked = OwnTime(WEDNESDAY, time(14), 30, place_of(session).id, "key")
    visit = book_own_time(session, adviser, asked, Client(locale="de"), by=STAFF, now=at("09:00"))
    consultation = serve(session, visit.id, adviser, "Tisch 1", by=STAFF, now=at("14:00"))
    assert find_recipients(session, read_rulebook(session), consultation) == []


# Taking it back


def test_taking_a_hand_over_back_restores_service_wish_and_consultation(
    session: Session, rulebook: RuleBook, served: Consultation
) -> None:
    visit = served.visit
    visit.wished_adviser_id = served.adviser_id
    give(session, rulebook, served, IB_1)
    undo(session, visit, by=STAFF, now=at("09:29"))
    session.expire_all()
    assert (visit.state, visit.service and visit.service.key) == ("in_consultation", "MBE")
    assert visit.wished_adviser_id == served.adviser_id
    assert (served.ended_at, served.ended_as, served.started_at) == (None, None, at("09:06"))
    assert not visit.was_handed_over
    finish(session, served.id, by=STAFF, now=at("09:40"))
    assert service_key(session, served) == "MBE"


def test_a_hand_over_is_not_taken_back_once_either_has_gone_on(
    session: Session, rulebook: RuleBook, served: Consultation
) -> None:
    visit = give(session, rulebook, served, JMD)
    take_in(session, rulebook, at("09:21"), age_group="from_27")
    press_next(session, rulebook, served.adviser, at("09:22"))  # who handed over has somebody else now
    session.commit()
    with pytest.raises(UndoRefused):
        undo(session, visit, by=STAFF, now=at("09:23"))
    session.rollback()
    assert visit.state == "waiting"
    call_next(
        session, rulebook, opening_of(rulebook), seat(session, rulebook, "ib-1", at("09:00")), by=STAFF, now=at("09:24")
    )
    undo(session, visit, by=STAFF, now=at("09:25"))  # that call, not the hand-over
    assert visit.state == "waiting"
    assert session.scalars(select(Consultation.ended_as).where(Consultation.id == served.id)).one() == "handed_over"
