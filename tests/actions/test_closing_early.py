"""The end of the morning: staff close an opening, whom that ends and whom it leaves, and opening again."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from scheduler.actions.calling import finish, start
from scheduler.actions.closing import SomebodyCame, close_opening, reopen, visits_that_close
from scheduler.actions.openings import lock_opening
from scheduler.actions.registration import refusal
from scheduler.actions.rulebook import RuleBook
from scheduler.models import Visit
from tests.actions.small_town import (
    NEXT_WEDNESDAY,
    STAFF,
    arrive,
    at,
    book_at,
    opening_of,
    press_next,
    seat,
    take_in,
    verbs_of,
)

NOON = at("11:40")


def close(session: Session, rulebook: RuleBook, seen: set[int] | None = None) -> None:
    opening = opening_of(rulebook)
    ending = {each.id for each in visits_that_close(session, lock_opening(session, opening), NOON)}
    close_opening(session, opening, ending if seen is None else seen, by=STAFF, now=NOON)
    session.expire_all()


def test_each_visit_ends_as_the_nightly_rule_would_have_it_but_by_staff(session: Session, rulebook: RuleBook) -> None:
    missed, to_come = book_at(session, rulebook, "09:30"), book_at(session, rulebook, "11:45")
    here = arrive(session, rulebook, book_at(session, rulebook, "10:30"), at("10:20"))
    talking, called, waits = (take_in(session, rulebook, at("09:00")) for _ in range(3))
    press_next(session, rulebook, seat(session, rulebook, "ib-1", at("09:00")), at("10:21"))
    served = press_next(session, rulebook, seat(session, rulebook, "awo-1", at("09:00")), at("10:22"))
    start(session, served.id, by=STAFF, now=at("10:23"))
    calling = press_next(session, rulebook, seat(session, rulebook, "awo-2", at("09:00")), at("10:24"))
    elsewhere = book_at(session, rulebook, "09:30", on=NEXT_WEDNESDAY)
    close(session, rulebook)
    in_talk = served.visit
    states = {each.id: each.state for each in (missed, to_come, here, talking, called, waits, elsewhere)}
    assert states[missed.id] == "missed"
    assert (states[to_come.id], states[elsewhere.id], in_talk.state) == ("booked", "booked", "in_consultation")
    assert sorted(states[each.id] for each in (here, talking, called, waits)) == [
        "in_consultation", "not_served", "not_served", "not_served",
    ]  # fmt: skip
    assert missed.planned_adviser_id is None
    assert (calling.ended_at, calling.ended_as) == (NOON, "closed")
    assert [(each.verb, each.actor, each.by_rule) for each in waits.steps][-1] == ("close", "staff", False)
    finish(session, served.id, by=STAFF, now=at("11:50"))
    assert in_talk.state == "done"


def test_a_closed_opening_gives_no_numbers_until_it_is_opened_again(session: Session, rulebook: RuleBook) -> None:
    opening, visit = opening_of(rulebook), take_in(session, rulebook, at("09:00"))
    close(session, rulebook)
    row = lock_opening(session, opening)
    version = row.version
    assert (row.closed_at, refusal(session, rulebook, opening, row, NOON)) == (NOON, "over")
    reopen(session, opening)
    session.refresh(row)
    assert (row.closed_at, row.version, visit.state) == (None, version + 1, "not_served")
    assert refusal(session, rulebook, opening, row, at("10:00")) is None


def test_who_came_after_the_list_was_shown_is_not_closed_away(session: Session, rulebook: RuleBook) -> None:
    seen, came = take_in(session, rulebook, at("09:00")), take_in(session, rulebook, at("09:01"))
    with pytest.raises(SomebodyCame):
        close(session, rulebook, {seen.id})
    assert [session.get_one(Visit, each.id).state for each in (seen, came)] == ["waiting", "waiting"]
    assert verbs_of(session, came) == ["register"]
    assert lock_opening(session, opening_of(rulebook)).closed_at is None


def test_an_appointment_whose_time_has_just_come_ends_and_one_a_minute_later_does_not(
    session: Session, rulebook: RuleBook
) -> None:
    now_due = book_at(session, rulebook, "11:30")
    row, opening = lock_opening(session, opening_of(rulebook)), opening_of(rulebook)
    ends = [[each.id for each in visits_that_close(session, row, at(clock))] for clock in ("11:29", "11:30")]
    assert ends == [[], [now_due.id]]
    close_opening(session, opening, [now_due.id], by=STAFF, now=at("11:30"))
    assert now_due.state == "missed"
