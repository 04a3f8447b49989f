"""An adviser serves the queue."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scheduler.actions.calling import (
    CalledTooRarely,
    NobodyWaits,
    NotSeated,
    OpeningOver,
    Outcome,
    OutcomeClosed,
    StillServing,
    call,
    call_again,
    finish,
    miss_call,
    put_back,
    record_outcome,
    start,
)
from scheduler.actions.openings import lock_opening, servers_of
from scheduler.actions.presence import change_presence
from scheduler.actions.rulebook import RuleBook, read_rulebook
from scheduler.domain.visit_states import StepRefused
from scheduler.models import Consultation, Town
from tests.actions.small_town import (
    STAFF,
    THURSDAY,
    adviser_of,
    arrive,
    at,
    be_away,
    book_at,
    hours_of,
    opening_of,
    press_next,
    seat,
    take_in,
    verbs_of,
)


def count_open(session: Session) -> int:
    return session.scalars(select(func.count(Consultation.id)).where(Consultation.ended_at.is_(None))).one()


def test_urgent_then_due_appointments_then_walk_ins_are_called(session: Session, rulebook: RuleBook) -> None:
    adviser = seat(session, rulebook, "awo-2", at("09:00"))
    due, early = book_at(session, rulebook, "09:15"), book_at(session, rulebook, "11:00")
    first, second = take_in(session, rulebook, at("08:40")), take_in(session, rulebook, at("08:41"))
    urgent = take_in(session, rulebook, at("09:10"), urgent=True)
    for visit in (due, early):
        arrive(session, rulebook, visit, at("09:12"))
    called = []
    for _ in range(5):
        consultation = press_next(session, rulebook, adviser, at("09:20"))
        called.append(consultation.visit_id)
        start(session, consultation.id, by=STAFF, now=at("09:20"))
        finish(session, consultation.id, by=STAFF, now=at("09:20"))
    assert called == [urgent.id, due.id, first.id, second.id, early.id]
    with pytest.raises(NobodyWaits):
        press_next(session, rulebook, adviser, at("09:21"))


def test_a_call_says_who_where_and_for_which_carrier(session: Session, rulebook: RuleBook) -> None:
    visit = take_in(session, rulebook, at("09:00"), age_group="under_27")
    consultation = press_next(session, rulebook, seat(session, rulebook, "ib-1", at("09:00")), at("09:05"))
    session.expire_all()
    assert (consultation.visit_id, consultation.station, consultation.carrier.key) == (visit.id, "Tisch 3", "ib")
    assert (consultation.called_at, consultation.last_called_at, consultation.calls) == (at("09:05"), at("09:05"), 1)
    assert (consultation.started_at, consultation.ended_at, visit.state) == (None, None, "called")


def test_each_adviser_gets_whom_they_can_serve(session: Session, rulebook: RuleBook) -> None:
    young = take_in(session, rulebook, at("08:40"), age_group="under_27")
    arabic = take_in(session, rulebook, at("08:41"), age_group="from_27", language="ar")
    adult = take_in(session, rulebook, at("08:42"), age_group="from_27")
    advisers = {key: seat(session, rulebook, key, at("09:00")) for key in ("awo-1", "awo-2", "ib-1")}
    assert press_next(session, rulebook, advisers["awo-1"], at("09:00")).visit_id == arabic.id
    assert press_next(session, rulebook, advisers["ib-1"], at("09:00")).visit_id == young.id
    assert press_next(session, rulebook, advisers["awo-2"], at("09:00")).visit_id == adult.id


def test_nobody_is_called_to_an_adviser_who_is_not_seated(session: Session, rulebook: RuleBook) -> None:
    take_in(session, rulebook, at("09:00"))
    adviser = adviser_of(session, "awo-1")
    with pytest.raises(NotSeated):
        press_next(session, rulebook, adviser, at("09:01"))
    seat(session, rulebook, "awo-1", at("09:02"))
    for state in ("break", "gone"):
        change_presence(session, opening_of(rulebook), adviser, state, at("09:03"))  # type: ignore[arg-type]
        with pytest.raises(NotSeated):
            press_next(session, rulebook, adviser, at("09:04"))
    change_presence(session, opening_of(rulebook), adviser, "present", at("09:05"))
    assert press_next(session, rulebook, adviser, at("09:06")).adviser_id == adviser.id


def test_an_adviser_serves_one_at_a_time(session: Session, rulebook: RuleBook) -> None:
    first, second = take_in(session, rulebook, at("09:00")), take_in(session, rulebook, at("09:01"))
    adviser = seat(session, rulebook, "awo-1", at("09:00"))
    press_next(session, rulebook, adviser, at("09:02"))
    with pytest.raises(StillServing):
        press_next(session, rulebook, adviser, at("09:03"))
    with pytest.raises(StillServing):
        call(session, second.id, adviser, by=STAFF, now=at("09:03"))
    session.flush()
    assert (first.state, second.state, count_open(session)) == ("called", "waiting", 1)


def test_a_visit_may_be_called_out_of_order_but_by_one_adviser_only(session: Session, rulebook: RuleBook) -> None:
    take_in(session, rulebook, at("09:00"))
    chosen = take_in(session, rulebook, at("09:01"))
    one, other = seat(session, rulebook, "awo-1", at("09:00")), seat(session, rulebook, "awo-2", at("09:00"))
    call(session, chosen.id, one, by=STAFF, now=at("09:02"))
    with pytest.raises(StepRefused):
        call(session, chosen.id, other, by=STAFF, now=at("09:03"))
    session.flush()  # a refused call leaves nothing behind that a later statement would write
    assert count_open(session) == 1
    assert chosen.open_consultation is not None and chosen.open_consultation.adviser_id == one.id


def test_a_booked_visit_that_is_not_here_is_not_called(session: Session, rulebook: RuleBook) -> None:
    visit = book_at(session, rulebook, "09:15")
    adviser = seat(session, rulebook, "awo-1", at("09:00"))
    with pytest.raises(StepRefused):
        call(session, visit.id, adviser, by=STAFF, now=at("09:15"))
    with pytest.raises(NobodyWaits):
        press_next(session, rulebook, adviser, at("09:15"))


def test_after_its_end_an_opening_calls_no_numbers_unless_its_rule_says_so(session: Session) -> None:
    hours_of(session).after_until = False
    session.flush()
    rulebook = read_rulebook(session)
    waiting = take_in(session, rulebook, at("11:50"))
    adviser = seat(session, rulebook, "awo-1", at("09:00"))
    with pytest.raises(OpeningOver):
        press_next(session, rulebook, adviser, at("12:00"))
    picked = call(session, waiting.id, adviser, by=STAFF, now=at("12:01"))  # from the list, all the same
    put_back(session, picked.id, by=STAFF, now=at("12:02"))
    assert press_next(session, rulebook, adviser, at("11:59")).visit_id == waiting.id


def test_most_openings_call_their_numbers_past_their_end(session: Session, rulebook: RuleBook) -> None:
    waiting = take_in(session, rulebook, at("11:50"))
    adviser = seat(session, rulebook, "awo-1", at("09:00"))
    assert press_next(session, rulebook, adviser, at("12:30")).visit_id == waiting.id


@pytest.mark.parametrize(("back_at", "first"), [("09:30", "missed"), ("09:31", "other")])
def test_who_missed_the_call_and_comes_back_in_time_keeps_the_old_place(
    session: Session, rulebook: RuleBook, back_at: str, first: str
) -> None:
    missed, other = take_in(session, rulebook, at("09:00")), take_in(session, rulebook, at("09:01"))
    adviser = seat(session, rulebook, "awo-1", at("09:00"))
    miss_call(session, press_next(session, rulebook, adviser, at("09:15")).id, by=STAFF, now=at("09:20"))
    arrive(session, rulebook, missed, at(back_at))
    found = press_next(session, rulebook, adviser, at("09:32")).visit_id
    assert found == (missed.id if first == "missed" else other.id)
    assert missed.arrived_at == (at("09:00") if first == "missed" else at(back_at))


def test_calling_again_counts_and_shows_the_number_anew(session: Session, rulebook: RuleBook) -> None:
    take_in(session, rulebook, at("09:00"))
    consultation = press_next(session, rulebook, seat(session, rulebook, "awo-1", at("09:00")), at("09:02"))
    version = consultation.visit.opening.version
    call_again(session, consultation.id, by=STAFF, now=at("09:04"))
    session.expire_all()
    assert (consultation.calls, consultation.called_at, consultation.last_called_at) == (2, at("09:02"), at("09:04"))
    assert consultation.visit.opening.version > version


def test_put_back_keeps_the_old_place_in_the_order(session: Session, rulebook: RuleBook) -> None:
    first = take_in(session, rulebook, at("09:00"))
    take_in(session, rulebook, at("09:01"))
    adviser = seat(session, rulebook, "awo-1", at("09:00"))
    consultation = press_next(session, rulebook, adviser, at("09:02"))
    put_back(session, consultation.id, by=STAFF, now=at("09:05"))
    session.expire_all()
    assert (first.state, first.arrived_at) == ("waiting", at("09:00"))
    assert (consultation.ended_at, consultation.ended_as) == (at("09:05"), "put_back")
    again = press_next(session, rulebook, adviser, at("09:06"))
    assert (again.visit_id, again.id != consultation.id) == (first.id, True)
    assert verbs_of(session, first) == ["register", "call", "put_back", "call"]


def test_a_missed_call_frees_adviser_and_place(session: Session, rulebook: RuleBook) -> None:
    visit = arrive(session, rulebook, book_at(session, rulebook, "09:15"), at("09:00"))
    adviser = seat(session, rulebook, "awo-1", at("09:00"))
    consultation = press_next(session, rulebook, adviser, at("09:15"))
    miss_call(session, consultation.id, by=STAFF, now=at("09:20"))
    session.expire_all()
    assert (visit.state, visit.planned_adviser_id, visit.ended_at) == ("missed", None, at("09:20"))
    assert consultation.ended_as == "missed"
    take_in(session, rulebook, at("09:21"))
    assert press_next(session, rulebook, adviser, at("09:22")).id != consultation.id


def test_a_visit_is_missed_only_after_as_many_calls_as_the_town_asks_for(session: Session, rulebook: RuleBook) -> None:
    session.get_one(Town, 1).calls_before_missed = 2
    visit = take_in(session, rulebook, at("09:00"))
    consultation = press_next(session, rulebook, seat(session, rulebook, "awo-1", at("09:00")), at("09:02"))
    with pytest.raises(CalledTooRarely):
        miss_call(session, consultation.id, by=STAFF, now=at("09:03"))
    assert (visit.state, consultation.ended_at) == ("called", None)
    call_again(session, consultation.id, by=STAFF, now=at("09:04"))
    miss_call(session, consultation.id, by=STAFF, now=at("09:05"))
    assert (visit.state, consultation.calls) == ("missed", 2)


def test_start_and_finish_note_the_times(session: Session, rulebook: RuleBook) -> None:
    visit = take_in(session, rulebook, at("09:00"))
    consultation = press_next(session, rulebook, seat(session, rulebook, "awo-1", at("09:00")), at("09:02"))
    with pytest.raises(StepRefused):
        finish(session, consultation.id, by=STAFF, now=at("09:03"))
    start(session, consultation.id, by=STAFF, now=at("09:03"))
    with pytest.raises(StepRefused):
        put_back(session, consultation.id, by=STAFF, now=at("09:04"))
    finish(session, consultation.id, by=STAFF, now=at("09:30"))
    session.expire_all()
    assert (consultation.started_at, consultation.ended_at) == (at("09:03"), at("09:30"))
    assert (consultation.ended_as, consultation.times_unreliable) == ("finished", False)
    assert (visit.state, visit.ended_at) == ("done", at("09:30"))


@pytest.mark.parametrize("press", [start, finish, put_back, miss_call, call_again])
def test_an_old_page_does_nothing_to_a_visit_that_a_colleague_has_called_since(
    session: Session, rulebook: RuleBook, press: object
) -> None:
    """A button of an ended consultation must not touch the one that followed."""
    visit = take_in(session, rulebook, at("09:00"))
    one, other = seat(session, rulebook, "awo-1", at("09:00")), seat(session, rulebook, "awo-2", at("09:00"))
    old = press_next(session, rulebook, one, at("09:02"))
    put_back(session, old.id, by=STAFF, now=at("09:03"))
    current = press_next(session, rulebook, other, at("09:04"))
    if press is finish:
        start(session, current.id, by=STAFF, now=at("09:05"))
    session.commit()
    state = visit.state
    with pytest.raises(StepRefused):
        press(session, old.id, by=STAFF, now=at("09:06"))  # type: ignore[operator]
    session.rollback()
    assert visit.state == state
    assert (old.ended_at, old.ended_as, old.started_at, old.calls) == (at("09:03"), "put_back", None, 1)
    assert (current.ended_at, current.calls) == (None, 1)


# The outcome


def finished(session: Session, rulebook: RuleBook) -> Consultation:
    take_in(session, rulebook, at("09:00"), age_group="from_27")
    consultation = press_next(session, rulebook, seat(session, rulebook, "awo-1", at("09:00")), at("09:02"))
    start(session, consultation.id, by=STAFF, now=at("09:03"))
    return finish(session, consultation.id, by=STAFF, now=at("09:30"))


def test_the_outcome_can_be_completed_until_the_evening(session: Session, rulebook: RuleBook) -> None:
    consultation = finished(session, rulebook)
    outcome = Outcome("known_again", 2, ("housing",), "jobcenter", ("foreigners-office", "jobcenter"))
    record_outcome(session, consultation, Outcome(), at("09:31"))
    record_outcome(session, consultation, outcome, at("23:59"))
    session.expire_all()
    assert (consultation.case_kind, consultation.family_members) == ("known_again", 2)
    assert (consultation.topics, consultation.referred_from) == (["housing"], "jobcenter")
    assert (consultation.referred_to, consultation.outcome_at) == (["foreigners-office", "jobcenter"], at("23:59"))
    with pytest.raises(OutcomeClosed):
        record_outcome(session, consultation, Outcome(), at("00:00", THURSDAY))
    session.expire_all()
    assert consultation.case_kind == "known_again"


# Who is expected


def expected(session: Session, rulebook: RuleBook) -> set[int]:
    row = lock_opening(session, opening_of(rulebook))
    return {each.adviser_id for each in servers_of(session, rulebook, opening_of(rulebook), row)}


def test_advisers_on_duty_are_expected_until_they_go(session: Session, rulebook: RuleBook) -> None:
    ids = {key: adviser_of(session, key).id for key in ("awo-1", "awo-2", "ib-1")}
    assert expected(session, rulebook) == set(ids.values())
    adviser = seat(session, rulebook, "awo-1", at("09:00"))
    change_presence(session, opening_of(rulebook), adviser, "break", at("09:30"))
    assert expected(session, rulebook) == set(ids.values())
    change_presence(session, opening_of(rulebook), adviser, "gone", at("10:00"))
    assert expected(session, rulebook) == {ids["awo-2"], ids["ib-1"]}


def test_an_adviser_who_is_away_for_the_whole_opening_is_not_waited_for(session: Session, rulebook: RuleBook) -> None:
    """Else whoever only that adviser could serve would wait until the evening."""
    be_away(session, "ib-1", "00:00", "23:00")
    be_away(session, "awo-2", "09:00", "10:00")
    ids = {adviser_of(session, key).id for key in ("awo-1", "awo-2")}
    assert expected(session, rulebook) == ids
    ukrainian = take_in(session, rulebook, at("09:00"), language="uk")
    assert press_next(session, rulebook, seat(session, rulebook, "awo-1", at("09:00")), at("09:01")).visit_id == (
        ukrainian.id
    )
    seat(session, rulebook, "ib-1", at("09:30"))  # came after all
    assert adviser_of(session, "ib-1").id in expected(session, rulebook)
