"""Taking the latest step back: every kind, within ten minutes, unless its place was given away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scheduler.actions.booking import cancel, move
from scheduler.actions.calling import finish, miss_call, put_back, read_queue, start
from scheduler.actions.closing import close_visit
from scheduler.actions.contacts import leave_contact
from scheduler.actions.handing_over import Recipient, hand_over
from scheduler.actions.parking import park, unpark
from scheduler.actions.registration import Answers, answer, leave, miss
from scheduler.actions.rulebook import RuleBook
from scheduler.actions.steps import CLIENT, UndoRefused, latest_step, undo
from scheduler.models import Consultation, Message, Step, Visit
from tests.actions.small_town import (
    SESSION,
    STAFF,
    THURSDAY,
    WEDNESDAY,
    adviser_of,
    arrive,
    at,
    book_at,
    press_next,
    seat,
    take_in,
    verbs_of,
)

Facts = dict[str, object]
THEN = at("09:30")
"""When the step is taken that is then taken back."""


def facts(visit: Visit) -> Facts:
    """All that must be as before once a step was taken back."""
    open_consultation = visit.open_consultation
    return {
        "state": visit.state,
        "planned": visit.planned_adviser_id,
        "arrived_at": visit.arrived_at,
        "service": visit.service_id,
        "wish": visit.wished_adviser_id,
        "ended": visit.ended_at is not None,
        "consultation": open_consultation and (open_consultation.adviser_id, open_consultation.started_at),
    }


def booked(session: Session, rulebook: RuleBook) -> Visit:
    return book_at(session, rulebook, "09:30")


def waiting(session: Session, rulebook: RuleBook) -> Visit:
    return take_in(session, rulebook, at("09:00"))


def called(session: Session, rulebook: RuleBook) -> Visit:
    visit = waiting(session, rulebook)
    press_next(session, rulebook, seat(session, rulebook, "awo-1", at("09:00")), at("09:20"))
    return visit


def called_appointment(session: Session, rulebook: RuleBook) -> Visit:
    visit = arrive(session, rulebook, booked(session, rulebook), at("09:10"))
    press_next(session, rulebook, seat(session, rulebook, "awo-1", at("09:00")), at("09:20"))
    return visit


def in_consultation(session: Session, rulebook: RuleBook) -> Visit:
    visit = called(session, rulebook)
    start(session, opened(visit).id, by=STAFF, now=at("09:21"))
    return visit


def parked(session: Session, rulebook: RuleBook) -> Visit:
    return park(session, waiting(session, rulebook).id, by=STAFF, now=at("09:10"))


def missed(session: Session, rulebook: RuleBook) -> Visit:
    visit = booked(session, rulebook)
    miss(session, visit.id, by=STAFF, now=at("09:20"))
    return visit


def missed_when_called(session: Session, rulebook: RuleBook) -> Visit:
    visit = called(session, rulebook)
    miss_call(session, opened(visit).id, by=STAFF, now=at("09:25"))
    return visit


def opened(visit: Visit) -> Consultation:
    found = visit.open_consultation
    assert found is not None
    return found


Take = Callable[[Session, RuleBook, Visit], object]
CASES: dict[str, tuple[Callable[[Session, RuleBook], Visit], Take]] = {
    "cancel": (booked, lambda s, r, v: cancel(s, v.id, by=CLIENT, now=THEN)),
    "cancel of a walk-in": (waiting, lambda s, r, v: cancel(s, v.id, by=STAFF, now=THEN)),
    "miss": (booked, lambda s, r, v: miss(s, v.id, by=STAFF, now=THEN)),
    "check in": (booked, lambda s, r, v: arrive(s, r, v, THEN)),
    "check in after missing": (missed, lambda s, r, v: arrive(s, r, v, THEN)),
    "check in after a missed call": (missed_when_called, lambda s, r, v: arrive(s, r, v, THEN)),
    "leave": (waiting, lambda s, r, v: leave(s, v.id, by=STAFF, now=THEN)),
    "leave when called": (called, lambda s, r, v: leave(s, v.id, by=STAFF, now=THEN)),
    "call": (waiting, lambda s, r, v: press_next(s, r, seat(s, r, "awo-1", THEN), THEN)),
    "start": (called, lambda s, r, v: start(s, opened(v).id, by=STAFF, now=THEN)),
    "put back": (called, lambda s, r, v: put_back(s, opened(v).id, by=STAFF, now=THEN)),
    "missed call": (called, lambda s, r, v: miss_call(s, opened(v).id, by=STAFF, now=THEN)),
    "missed call of an appointment": (
        called_appointment,
        lambda s, r, v: miss_call(s, opened(v).id, by=STAFF, now=THEN),
    ),
    "park": (waiting, lambda s, r, v: park(s, v.id, by=STAFF, now=THEN)),
    "unpark": (parked, lambda s, r, v: unpark(s, v.id, by=STAFF, now=THEN)),
    "hand over to a service": (
        in_consultation,
        lambda s, r, v: hand_over(s, r, opened(v).id, Recipient(service="JMD"), by=STAFF, now=THEN),
    ),
    "hand over to an adviser": (
        in_consultation,
        lambda s, r, v: hand_over(s, r, opened(v).id, Recipient(adviser="ib-1"), by=STAFF, now=THEN),
    ),
    "finish": (in_consultation, lambda s, r, v: finish(s, opened(v).id, by=STAFF, now=THEN)),
}


@pytest.mark.parametrize("case", CASES)
def test_a_step_that_was_taken_back_leaves_everything_as_before(
    session: Session, rulebook: RuleBook, case: str
) -> None:
    before_it, take = CASES[case]
    visit = before_it(session, rulebook)
    session.flush()
    session.expire_all()
    before, number_of_steps = facts(visit), len(visit.steps)
    take(session, rulebook, visit)
    session.expire_all()
    assert facts(visit) != before
    undo(session, visit, by=STAFF, now=THEN + timedelta(minutes=10))
    session.expire_all()
    assert facts(visit) == before
    taken, undone = visit.steps[number_of_steps:]
    assert (undone.verb, undone.undoes_step_id, undone.to_state) == ("undo", taken.id, visit.state)


@pytest.mark.parametrize("case", CASES)
def test_after_ten_minutes_no_step_is_taken_back(session: Session, rulebook: RuleBook, case: str) -> None:
    before_it, take = CASES[case]
    visit = before_it(session, rulebook)
    take(session, rulebook, visit)
    session.commit()
    after = facts(visit)
    with pytest.raises(UndoRefused):
        undo(session, visit, by=STAFF, now=THEN + timedelta(minutes=10, seconds=1))
    session.rollback()
    assert facts(visit) == after


def test_a_number_given_by_mistake_becomes_a_visit_that_never_was(session: Session, rulebook: RuleBook) -> None:
    visit = waiting(session, rulebook)
    undo(session, visit, by=STAFF, now=at("09:01"))
    session.expire_all()
    assert (visit.state, visit.ended_at, visit.ticket) == ("cancelled", at("09:01"), 1)
    assert read_queue(session, visit.opening) == []
    with pytest.raises(UndoRefused):
        undo(session, visit, by=STAFF, now=at("09:02"))


def test_the_steps_before_can_be_taken_back_one_after_the_other(session: Session, rulebook: RuleBook) -> None:
    visit = in_consultation(session, rulebook)
    for expected in ("called", "waiting"):
        undo(session, visit, by=STAFF, now=at("09:25"))
        assert visit.state == expected
    with pytest.raises(UndoRefused):  # the number was given 25 minutes ago
        undo(session, visit, by=STAFF, now=at("09:25"))
    latest = latest_step(session, visit)
    assert latest is not None and latest.verb == "register"


def test_a_walk_in_whose_return_and_missed_call_were_taken_back_is_not_lost(
    session: Session, rulebook: RuleBook
) -> None:
    visit = missed_when_called(session, rulebook)
    arrive(session, rulebook, visit, at("09:26"))
    undo(session, visit, by=STAFF, now=at("09:27"))
    undo(session, visit, by=STAFF, now=at("09:28"))
    assert visit.state == "called"
    put_back(session, opened(visit).id, by=STAFF, now=at("09:29"))
    assert [each.visit_id for each in read_queue(session, visit.opening)] == [visit.id]
    assert visit.arrived_at == at("09:00")


def test_a_check_in_that_was_taken_back_and_repeated_keeps_its_number(session: Session, rulebook: RuleBook) -> None:
    visit = arrive(session, rulebook, booked(session, rulebook), at("09:10"))
    undo(session, visit, by=STAFF, now=at("09:11"))
    take_in(session, rulebook, at("09:12"))
    arrive(session, rulebook, visit, at("09:20"))
    assert (visit.ticket, visit.arrived_at) == (1, at("09:20"))


@pytest.mark.parametrize("verb", ["book", "move", "answer", "call_again"])
def test_other_steps_are_not_taken_back(session: Session, rulebook: RuleBook, verb: str) -> None:
    from scheduler.actions.calling import call_again

    visit = called(session, rulebook) if verb == "call_again" else waiting(session, rulebook)
    if verb == "call_again":
        call_again(session, opened(visit).id, by=STAFF, now=THEN)
    elif verb == "answer":
        answer(session, rulebook, visit.id, Answers(people=2), by=STAFF, now=THEN)
    else:
        visit = booked(session, rulebook)
        if verb == "move":
            move(session, rulebook, visit.id, SESSION, WEDNESDAY, at("10:30"), by=CLIENT, now=at("09:00"))
    assert verbs_of(session, visit)[-1] == verb
    with pytest.raises(UndoRefused):
        undo(session, visit, by=STAFF, now=THEN)


def test_what_the_close_of_the_day_decided_is_not_taken_back(session: Session, rulebook: RuleBook) -> None:
    visit = booked(session, rulebook)
    night = at("02:00", THURSDAY)
    close_visit(session, visit.id, night)
    with pytest.raises(UndoRefused):
        undo(session, visit, by=STAFF, now=night + timedelta(minutes=1))


# The place was given away


def take_place_of(session: Session, rulebook: RuleBook, visit: Visit, now: datetime) -> Visit:
    released = session.scalars(select(Step).where(Step.visit_id == visit.id).order_by(Step.id.desc())).first()
    assert released is not None
    other = book_at(session, rulebook, "09:30", now=now)
    assert other.planned_adviser_id == released.released_adviser_id
    return other


@pytest.mark.parametrize("case", ["cancel", "miss"])
def test_a_place_that_was_given_away_is_not_taken_back(session: Session, rulebook: RuleBook, case: str) -> None:
    visit = booked(session, rulebook)
    early = at("09:20")
    _ = (
        cancel(session, visit.id, by=CLIENT, now=early)
        if case == "cancel"
        else miss(session, visit.id, by=STAFF, now=early)
    )
    other = take_place_of(session, rulebook, visit, early)
    session.commit()
    before = facts(visit)
    with pytest.raises(UndoRefused):
        undo(session, visit, by=STAFF, now=at("09:25"))
    session.rollback()
    assert facts(visit) == before
    assert other.state == "booked"


def test_a_place_that_was_given_away_is_not_taken_back_where_feeds_are_subscribed(
    session: Session, rulebook: RuleBook
) -> None:
    from scheduler.models import Feed

    planned = adviser_of(session, "awo-1").id
    session.add(Feed(kind="adviser", adviser_id=planned, token_hash="one", created_at=at("08:00")))
    visit = booked(session, rulebook)
    cancel(session, visit.id, by=CLIENT, now=at("09:20"))
    take_place_of(session, rulebook, visit, at("09:20"))
    session.commit()
    with pytest.raises(UndoRefused):
        undo(session, visit, by=STAFF, now=at("09:25"))


def test_a_place_is_not_taken_back_beyond_what_the_opening_allows_at_once(session: Session, rulebook: RuleBook) -> None:
    """The adviser is free, but a colleague has the one appointment at a time meanwhile: the rest serve the queue."""
    visit = booked(session, rulebook)
    cancel(session, visit.id, by=CLIENT, now=at("09:20"))
    other = book_at(session, rulebook, "09:30", service="JMD", now=at("09:21"))
    assert other.planned_adviser_id != adviser_of(session, "awo-1").id
    session.commit()
    with pytest.raises(UndoRefused):
        undo(session, visit, by=STAFF, now=at("09:25"))
    session.rollback()
    assert (visit.state, visit.planned_adviser_id) == ("cancelled", None)


@pytest.mark.parametrize("take_back", ["finish", "put_back", "leave", "miss"])
def test_an_adviser_who_has_somebody_else_by_now_gets_nobody_back(
    session: Session, rulebook: RuleBook, take_back: str
) -> None:
    visit = in_consultation(session, rulebook) if take_back == "finish" else called(session, rulebook)
    consultation = opened(visit)
    if take_back == "finish":
        finish(session, consultation.id, by=STAFF, now=THEN)
    elif take_back == "put_back":
        put_back(session, consultation.id, by=STAFF, now=THEN)
    elif take_back == "leave":
        leave(session, visit.id, by=STAFF, now=THEN)
    else:
        miss_call(session, consultation.id, by=STAFF, now=THEN)
    urgent = take_in(session, rulebook, at("09:31"), urgent=True)
    following = press_next(session, rulebook, adviser_of(session, "awo-1"), at("09:32"))
    assert following.visit_id == urgent.id
    session.commit()
    with pytest.raises(UndoRefused):
        undo(session, visit, by=STAFF, now=at("09:33"))
    session.rollback()
    assert visit.open_consultation is None
    assert following.ended_at is None


def test_one_step_is_taken_back_once(session: Session, rulebook: RuleBook) -> None:
    visit = called(session, rulebook)
    undo(session, visit, by=STAFF, now=at("09:21"))
    (step,) = session.scalars(select(Step).where(Step.visit_id == visit.id, Step.verb == "undo"))
    session.add(
        Step(
            visit_id=visit.id, at=at("09:22"), verb="undo", from_state="called", to_state="waiting", actor="staff",
            undoes_step_id=step.undoes_step_id,
        )
    )  # fmt: skip
    with pytest.raises(IntegrityError):
        session.flush()


# What clients hear


def test_a_cancellation_that_was_taken_back_is_confirmed_anew(session: Session, rulebook: RuleBook) -> None:
    visit = book_at(session, rulebook, "10:00")
    contact = {"email": "client@example.org", "phone": None, "reminders": False}
    leave_contact(session, visit.id, **contact, secret="s", now=at("09:00"))  # type: ignore[arg-type]
    cancel(session, visit.id, by=STAFF, now=at("09:10"))
    undo(session, visit, by=STAFF, now=at("09:11"))
    session.flush()
    session.expire_all()
    assert visit.sequence == 2
    pending = session.scalars(select(Message).where(Message.visit_id == visit.id, Message.state == "pending")).all()
    assert [(each.kind, each.sequence) for each in pending] == [("confirmation", 2)]
