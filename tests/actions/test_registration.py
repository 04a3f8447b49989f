"""The desk: numbers, when they are given, answers that follow, check-in, leaving, missing and coming back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import product

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.booking import cancel
from scheduler.actions.openings import UnknownOpening, lock_opening
from scheduler.actions.registration import Answers, NotToday, TicketsRefused, answer, check_in, leave, miss, register
from scheduler.actions.rulebook import RuleBook, read_rulebook
from scheduler.actions.steps import CLIENT, undo
from scheduler.domain.queue_order import in_order
from scheduler.domain.visit_states import StepRefused
from scheduler.models import Hours, TicketCounter, Visit
from tests.actions.small_town import (
    AGE_GROUPS,
    NEXT_WEDNESDAY,
    OFFICE,
    SESSION,
    STAFF,
    THURSDAY,
    WEDNESDAY,
    arrive,
    at,
    book_at,
    change_date,
    hours_of,
    opening_of,
    place_of,
    press_next,
    seat,
    take_in,
    verbs_of,
)


def refusal(session: Session, rulebook: RuleBook, now: datetime, key: str = SESSION, on: date = WEDNESDAY) -> str:
    with pytest.raises(TicketsRefused) as refused:
        take_in(session, rulebook, now, opening_of(rulebook, key, on))
    return refused.value.reason


# Numbers


def test_numbers_count_up_from_the_first_of_the_place(session: Session, rulebook: RuleBook) -> None:
    assert [take_in(session, rulebook, at("08:50")).ticket for _ in range(3)] == [1, 2, 3]
    place_of(session).first_ticket = 100
    session.flush()
    assert (
        take_in(session, rulebook, at("09:00", NEXT_WEDNESDAY), opening_of(rulebook, on=NEXT_WEDNESDAY)).ticket == 100
    )


def test_a_checked_in_appointment_draws_from_the_same_counter(session: Session, rulebook: RuleBook) -> None:
    visit = book_at(session, rulebook, "09:30")
    assert take_in(session, rulebook, at("08:50")).ticket == 1
    assert arrive(session, rulebook, visit, at("08:55")).ticket == 2
    assert take_in(session, rulebook, at("09:00")).ticket == 3


def test_two_openings_at_one_place_share_the_counter(session: Session) -> None:
    other = Hours(
        key="second-desk", place_id=place_of(session).id, services=["MBE"], rrule="FREQ=WEEKLY;BYDAY=WE",
        from_time=at("08:00").time().replace(hour=8), until_time=at("12:00").time().replace(hour=12),
        valid_from=date(2026, 1, 1), admits="walk_in", advisers=["awo-2"],
    )  # fmt: skip
    session.add(other)
    session.flush()
    rulebook = read_rulebook(session)
    numbers = [
        take_in(session, rulebook, at("09:00"), opening_of(rulebook, key)).ticket
        for key in (SESSION, "second-desk", SESSION, "second-desk")
    ]
    assert numbers == [1, 2, 3, 4]


def test_a_number_given_by_mistake_is_not_given_again(session: Session, rulebook: RuleBook) -> None:
    mistaken = take_in(session, rulebook, at("08:50"))
    undo(session, mistaken, by=STAFF, now=at("08:51"))
    assert take_in(session, rulebook, at("08:52")).ticket == 2


def test_a_new_visit_waits_from_now_on(session: Session, rulebook: RuleBook) -> None:
    visit = take_in(session, rulebook, at("08:50"))
    session.expire_all()
    assert (visit.kind, visit.state, visit.arrived_at, visit.local_on) == ("walk_in", "waiting", at("08:50"), WEDNESDAY)
    assert (visit.starts_at, visit.ends_at, visit.planned_adviser_id, visit.code) == (None, None, None, None)
    assert verbs_of(session, visit) == ["register"]


# When


def test_numbers_are_given_from_half_an_hour_before_until_closing(
    session: Session, rulebook: RuleBook, foretell: Callable[..., None]
) -> None:
    foretell(1.0)
    assert refusal(session, rulebook, at("08:29:59")) == "not_yet"
    assert take_in(session, rulebook, at("08:30")).ticket == 1
    assert take_in(session, rulebook, at("11:59:59")).ticket == 2
    assert refusal(session, rulebook, at("12:00")) == "over"
    assert refusal(session, rulebook, at("09:00", NEXT_WEDNESDAY)) == "over"
    assert refusal(session, rulebook, at("09:00"), on=NEXT_WEDNESDAY) == "not_yet"


def test_an_opening_for_appointments_gives_no_numbers(session: Session, rulebook: RuleBook) -> None:
    assert refusal(session, rulebook, at("13:30", THURSDAY), OFFICE, THURSDAY) == "appointments_only"


def test_a_stopped_opening_gives_no_numbers(session: Session, rulebook: RuleBook) -> None:
    lock_opening(session, opening_of(rulebook)).tickets = "stopped"
    session.flush()
    assert refusal(session, rulebook, at("10:01")) == "stopped"


def test_the_limit_counts_this_openings_numbers_alone(session: Session, rulebook: RuleBook) -> None:
    hours_of(session).ticket_limit = 2
    session.flush()
    limited = read_rulebook(session)
    arrive(session, limited, book_at(session, limited, "09:30"), at("08:45"))
    for clock in ("08:50", "08:51"):
        take_in(session, limited, at(clock))
    assert refusal(session, limited, at("08:52")) == "limit"


def test_a_number_that_was_taken_back_does_not_count_towards_the_limit(session: Session, rulebook: RuleBook) -> None:
    hours_of(session).ticket_limit = 1
    session.flush()
    limited = read_rulebook(session)
    undo(session, take_in(session, limited, at("08:50")), by=STAFF, now=at("08:51"))
    assert take_in(session, limited, at("08:52")).ticket == 2


def test_a_refused_number_is_not_used_up(session: Session, rulebook: RuleBook) -> None:
    refusal(session, rulebook, at("08:00"))
    place_id = place_of(session).id
    assert session.get(TicketCounter, (place_id, WEDNESDAY)) is None


@pytest.mark.parametrize("kind", ["cancelled", "closed"])
def test_an_opening_that_does_not_take_place_gives_no_numbers(session: Session, rulebook: RuleBook, kind: str) -> None:
    on = WEDNESDAY if kind == "cancelled" else date(2026, 12, 30)
    if kind == "cancelled":
        change_date(session, on, "cancelled")
    fresh = read_rulebook(session)
    with pytest.raises((TicketsRefused, UnknownOpening)):
        take_in(session, fresh, at("09:00", on), opening_of(fresh, on=on))


# Answers


def test_every_answer_may_be_unknown(session: Session, rulebook: RuleBook, foretell: Callable[..., None]) -> None:
    foretell(1.0)
    services = {"under_27": "JMD", "from_27": "MBE"}
    for age_group, concern, language in product(AGE_GROUPS, [None, "letter"], [None, "ar", "other"]):
        visit = take_in(session, rulebook, at("08:50"), age_group=age_group, concern=concern, language=language)
        session.flush()
        session.expire_all()
        assert (visit.service.key if visit.service else None) == services.get(age_group)
        assert (visit.concern.key if visit.concern else None) == concern
        assert (visit.age_group, visit.language, visit.urgent, visit.people) == (age_group, language, False, 1)


def test_answers_may_follow_and_be_corrected_without_losing_the_place(session: Session, rulebook: RuleBook) -> None:
    visit, behind = take_in(session, rulebook, at("08:50")), take_in(session, rulebook, at("08:51"), language="de")
    later = Answers(age_group="under_27", concern="advice", language="uk", urgent=False, people=4)
    answer(session, rulebook, visit.id, later, by=STAFF, now=at("08:55"))
    session.expire_all()
    assert (visit.ticket, visit.arrived_at, visit.people, visit.language) == (1, at("08:50"), 4, "uk")
    assert visit.service and visit.service.key == "JMD"
    answer(session, rulebook, visit.id, Answers(), by=STAFF, now=at("08:56"))
    session.expire_all()
    assert (visit.service, visit.concern, visit.language, visit.people) == (None, None, None, 1)
    assert (behind.language, behind.state) == ("de", "waiting")


def test_answers_end_with_the_call(session: Session, rulebook: RuleBook) -> None:
    visit = take_in(session, rulebook, at("09:00"))
    press_next(session, rulebook, seat(session, rulebook, "awo-1", at("09:00")), at("09:01"))
    with pytest.raises(StepRefused):
        answer(session, rulebook, visit.id, Answers(people=2), by=STAFF, now=at("09:02"))


# Check in


def test_a_checked_in_appointment_waits(session: Session, rulebook: RuleBook) -> None:
    visit = book_at(session, rulebook, "09:30")
    planned = visit.planned_adviser_id
    arrive(session, rulebook, visit, at("09:10"))
    session.expire_all()
    assert (visit.state, visit.arrived_at, visit.ticket) == ("waiting", at("09:10"), 1)
    assert visit.planned_adviser_id == planned is not None


def test_an_appointment_for_another_day_or_place_is_told_so(session: Session, rulebook: RuleBook) -> None:
    visit = book_at(session, rulebook, "09:30")
    here, elsewhere = place_of(session).id, place_of(session, "awo-buero").id
    wrong = [(elsewhere, at("09:00")), (here, at("09:00", THURSDAY)), (here, at("23:30", date(2026, 11, 24)))]
    for place_id, now in wrong:
        with pytest.raises(NotToday) as refused:
            check_in(session, rulebook, visit.id, place_id, by=STAFF, now=now)
        assert refused.value.visit.id == visit.id
    assert (visit.state, visit.ticket, visit.arrived_at) == ("booked", None, None)


def test_the_local_day_decides_not_the_one_in_utc(session: Session, rulebook: RuleBook) -> None:
    visit = book_at(session, rulebook, "09:30")
    early = at("00:30")
    assert early.date() < WEDNESDAY
    assert arrive(session, rulebook, visit, early).state == "waiting"


def test_nobody_is_checked_in_twice_or_after_cancelling(session: Session, rulebook: RuleBook, now: datetime) -> None:
    visit = arrive(session, rulebook, book_at(session, rulebook, "09:30"), at("09:00"))
    with pytest.raises(StepRefused):
        arrive(session, rulebook, visit, at("09:01"))
    assert (visit.ticket, visit.arrived_at) == (1, at("09:00"))
    cancelled = cancel(session, book_at(session, rulebook, "10:00").id, by=CLIENT, now=now)
    with pytest.raises(StepRefused):
        arrive(session, rulebook, cancelled, at("09:30"))
    assert take_in(session, rulebook, at("09:31")).ticket == 2


# Leave, miss, come back


def test_whoever_leaves_is_no_longer_waited_for(session: Session, rulebook: RuleBook) -> None:
    visit, stays = take_in(session, rulebook, at("09:00")), take_in(session, rulebook, at("09:01"))
    leave(session, visit.id, by=STAFF, now=at("09:10"))
    session.expire_all()
    assert (visit.state, visit.ended_at, stays.state) == ("left", at("09:10"), "waiting")
    with pytest.raises(StepRefused):
        leave(session, visit.id, by=STAFF, now=at("09:11"))


def test_whoever_leaves_when_called_frees_the_adviser(session: Session, rulebook: RuleBook) -> None:
    visit, after = take_in(session, rulebook, at("09:00")), take_in(session, rulebook, at("09:01"))
    adviser = seat(session, rulebook, "awo-1", at("09:00"))
    consultation = press_next(session, rulebook, adviser, at("09:02"))
    leave(session, visit.id, by=STAFF, now=at("09:05"))
    session.expire_all()
    assert (consultation.ended_at, consultation.ended_as) == (at("09:05"), "left")
    assert press_next(session, rulebook, adviser, at("09:06")).visit_id == after.id


def test_a_missed_appointment_gives_its_time_to_others(session: Session, rulebook: RuleBook) -> None:
    visit = book_at(session, rulebook, "09:30", now=at("09:00"))
    miss(session, visit.id, by=STAFF, now=at("09:40"))
    session.expire_all()
    assert (visit.state, visit.planned_adviser_id, visit.ended_at) == ("missed", None, at("09:40"))
    assert book_at(session, rulebook, "09:45", now=at("09:41")).state == "booked"


def test_a_walk_in_that_waits_is_not_missed(session: Session, rulebook: RuleBook) -> None:
    visit = take_in(session, rulebook, at("09:00"))
    with pytest.raises(StepRefused):
        miss(session, visit.id, by=STAFF, now=at("09:40"))


def test_a_visit_that_was_called_meanwhile_is_not_missed_by_an_old_page(session: Session, rulebook: RuleBook) -> None:
    """Its consultation would stay open for ever, and the adviser could call nobody else."""
    visit = arrive(session, rulebook, book_at(session, rulebook, "09:30", now=at("09:00")), at("09:25"))
    consultation = press_next(session, rulebook, seat(session, rulebook, "awo-1", at("09:00")), at("09:30"))
    with pytest.raises(StepRefused):
        miss(session, visit.id, by=STAFF, now=at("09:40"))
    assert (visit.state, consultation.ended_at, visit.planned_adviser_id is None) == ("called", None, False)


@pytest.mark.parametrize(("came_at", "first"), [("09:40", "late"), ("09:41", "walk-in")])
def test_who_comes_back_after_missing_keeps_the_place_for_ten_minutes(
    session: Session, rulebook: RuleBook, came_at: str, first: str
) -> None:
    from scheduler.actions.calling import read_queue

    late = book_at(session, rulebook, "09:30", now=at("09:00"))
    walk_in = take_in(session, rulebook, at("09:20"))
    miss(session, late.id, by=STAFF, now=at("09:35"))
    arrive(session, rulebook, late, at(came_at))
    session.expire_all()
    assert (late.state, late.ended_at, late.planned_adviser_id, late.ticket) == ("waiting", None, None, 2)
    order = [each.visit_id for each in in_order(read_queue(session, late.opening), at("09:45"))]
    expected = [late.id, walk_in.id] if first == "late" else [walk_in.id, late.id]
    assert order == expected


def test_who_missed_the_call_comes_back_with_the_same_number(session: Session, rulebook: RuleBook) -> None:
    from scheduler.actions.calling import miss_call

    visit = take_in(session, rulebook, at("09:00"))
    adviser = seat(session, rulebook, "awo-1", at("09:00"))
    miss_call(session, press_next(session, rulebook, adviser, at("09:01")).id, by=STAFF, now=at("09:05"))
    arrive(session, rulebook, visit, at("09:20"))
    session.expire_all()
    assert (visit.state, visit.ticket, visit.arrived_at) == ("waiting", 1, at("09:20"))
    assert press_next(session, rulebook, adviser, at("09:21")).visit_id == visit.id


def test_steps_say_who_took_them(session: Session, rulebook: RuleBook) -> None:
    visit = take_in(session, rulebook, at("09:00"))
    leave(session, visit.id, by=CLIENT, now=at("09:00") + timedelta(seconds=30))
    session.expire_all()
    assert [(each.verb, each.actor, each.by_rule) for each in visit.steps] == [
        ("register", "staff", False),
        ("leave", "client", False),
    ]
    assert session.scalars(select(Visit.state).where(Visit.id == visit.id)).one() == "left"


def test_registering_at_two_moments_keeps_arrival_order(session: Session, rulebook: RuleBook) -> None:
    opening = opening_of(rulebook)
    first = register(session, rulebook, opening, Answers(), locale="ar", by=STAFF, now=at("08:50"))
    second = register(session, rulebook, opening, Answers(), locale="de", by=STAFF, now=at("08:51"))
    assert (first.locale, second.locale) == ("ar", "de")
    assert first.arrived_at and second.arrived_at and first.arrived_at < second.arrived_at
