"""Full house: when numbers stop and start again, what staff may say against it, and who is turned away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scheduler.actions.full_house import (
    NobodyTurnedAway,
    count_turned_away,
    find_to_review,
    review_full,
    running_openings,
    set_tickets,
    take_back_turned_away,
    turn_away,
)
from scheduler.actions.openings import lock_opening, stored_opening
from scheduler.actions.registration import Answers, TicketsRefused, refusal, register
from scheduler.actions.rulebook import RuleBook, read_rulebook
from scheduler.models import Opening, TurnedAway, Visit
from tests.actions.small_town import (
    NEXT_WEDNESDAY,
    OFFICE,
    SESSION,
    STAFF,
    THURSDAY,
    WEDNESDAY,
    at,
    change_date,
    hours_of,
    opening_of,
    take_in,
)

Foretell = Callable[..., None]
TEN = at("10:00")


def refused(session: Session, rulebook: RuleBook) -> str | None:
    opening = opening_of(rulebook)
    return refusal(session, rulebook, opening, stored_opening(session, opening), TEN)


def give_all_the_same(session: Session, rulebook: RuleBook, clock: str = "10:00") -> Visit:
    opening = opening_of(rulebook)
    return register(session, rulebook, opening, Answers(), locale="de", by=STAFF, now=at(clock), override=True)


def review(session: Session, rulebook: RuleBook) -> bool:
    return review_full(session, rulebook, opening_of(rulebook), TEN)


def row_of(session: Session, rulebook: RuleBook) -> Opening:
    row = stored_opening(session, opening_of(rulebook))
    assert row is not None
    session.refresh(row)
    return row


def limit_to(session: Session, limit: int) -> RuleBook:
    hours_of(session).ticket_limit = limit
    session.flush()
    return read_rulebook(session)


# When it is full


def test_numbers_stop_below_one_half_even_before_the_tick(
    session: Session, rulebook: RuleBook, foretell: Foretell
) -> None:
    foretell(0.5)
    assert take_in(session, rulebook, TEN).ticket == 1
    foretell(0.49)
    with pytest.raises(TicketsRefused) as why:
        take_in(session, rulebook, TEN)
    assert why.value.reason == "full"
    assert row_of(session, rulebook).full_since is None, "only the tick remembers"


def test_once_full_it_opens_again_only_above_065(session: Session, rulebook: RuleBook, foretell: Foretell) -> None:
    seen = []
    for chance in (0.49, 0.6, 0.65, 0.66, 0.6):
        foretell(chance)
        seen.append((review(session, rulebook), refused(session, rulebook)))
    assert seen == [(True, "full"), (False, "full"), (False, "full"), (True, None), (False, None)]


def test_the_memory_says_since_when_and_each_change_is_shown(
    session: Session, rulebook: RuleBook, foretell: Foretell
) -> None:
    version = lock_opening(session, opening_of(rulebook)).version
    foretell(0.2)
    review(session, rulebook)
    full = row_of(session, rulebook)
    assert (full.full_since, full.version) == (TEN, version + 1)
    review_full(session, rulebook, opening_of(rulebook), TEN + timedelta(minutes=5))
    assert (row_of(session, rulebook).full_since, full.version) == (TEN, version + 1)
    foretell(0.9)
    review(session, rulebook)
    assert (row_of(session, rulebook).full_since, full.version) == (None, version + 2)


def test_an_opening_at_which_nothing_has_happened_may_be_full(
    session: Session, rulebook: RuleBook, foretell: Foretell
) -> None:
    foretell(0.1)
    assert refusal(session, rulebook, opening_of(rulebook), None, TEN) == "full"
    assert stored_opening(session, opening_of(rulebook)) is None


def test_before_the_door_opens_the_expected_advisers_count(session: Session, rulebook: RuleBook) -> None:
    """By the real forecast: that nobody has signed in at 8:30 makes nothing full."""
    assert take_in(session, rulebook, at("08:30")).ticket == 1
    assert take_in(session, rulebook, at("08:31")).ticket == 2


# What staff say


def test_staff_go_before_limit_and_forecast_both_ways(session: Session, rulebook: RuleBook, foretell: Foretell) -> None:
    limited, opening = limit_to(session, 1), opening_of(rulebook)
    foretell(0.9)
    take_in(session, limited, TEN)
    reasons = {"limit": refused(session, limited)}
    foretell(0.1)
    set_tickets(session, opening, "open")
    reasons["open"] = refused(session, limited)
    foretell(0.9)
    set_tickets(session, opening, "stopped")
    reasons["stopped"] = refused(session, read_rulebook(session))
    set_tickets(session, opening, "automatic")
    reasons["automatic"] = refused(session, limited)
    assert reasons == {"limit": "limit", "open": None, "stopped": "stopped", "automatic": "limit"}


def test_what_staff_say_is_shown_once(session: Session, rulebook: RuleBook) -> None:
    version = lock_opening(session, opening_of(rulebook)).version
    for _ in range(2):
        set_tickets(session, opening_of(rulebook), "stopped")
    assert row_of(session, rulebook).version == version + 1


@pytest.mark.parametrize("why", ["full", "limit", "stopped"])
def test_one_number_may_be_given_all_the_same(
    session: Session, rulebook: RuleBook, foretell: Foretell, why: str
) -> None:
    rules = limit_to(session, 0) if why == "limit" else rulebook
    foretell(0.1 if why == "full" else 0.9)
    lock_opening(session, opening_of(rules)).tickets = "stopped" if why == "stopped" else "automatic"
    session.flush()
    assert refused(session, rules) == why
    visit = give_all_the_same(session, rules)
    assert (visit.state, visit.ticket) == ("waiting", 1)
    assert refused(session, rules) == why, "for this one alone"


def test_nobody_overrides_the_clock_the_kind_or_the_close(session: Session, rulebook: RuleBook) -> None:
    reasons = []
    for key, on, now in ((SESSION, WEDNESDAY, at("08:29")), (SESSION, WEDNESDAY, at("12:00")),
                         (OFFICE, THURSDAY, at("14:00", THURSDAY))):  # fmt: skip
        opening = opening_of(rulebook, key, on)
        with pytest.raises(TicketsRefused) as why:
            register(session, rulebook, opening, Answers(), locale="de", by=STAFF, now=now, override=True)
        reasons.append(why.value.reason)
    lock_opening(session, opening_of(rulebook)).closed_at = at("09:30")
    session.flush()
    with pytest.raises(TicketsRefused) as why:
        give_all_the_same(session, rulebook)
    assert [*reasons, why.value.reason] == ["not_yet", "over", "appointments_only", "over"]


# The tick


def test_only_openings_that_take_walk_ins_now_are_reviewed(session: Session, rulebook: RuleBook) -> None:
    found = {
        clock: [each.public_id for each in running_openings(rulebook, now)]
        for clock, now in (
            ("08:29", at("08:29")),
            ("08:30", at("08:30")),
            ("11:59", at("11:59")),
            ("12:00", at("12:00")),
            ("office", at("14:00", THURSDAY)),
        )
    }
    here = [f"{SESSION}/{WEDNESDAY}"]
    assert found == {"08:29": [], "08:30": here, "11:59": here, "12:00": [], "office": []}


def test_a_moved_opening_is_reviewed_on_the_day_that_it_is_held(session: Session) -> None:
    friday = date(2026, 11, 27)
    change_date(session, WEDNESDAY, "moved", held_on=friday)
    moved = read_rulebook(session)
    assert running_openings(moved, TEN) == []
    assert [each.public_id for each in running_openings(moved, at("10:00", friday))] == [f"{SESSION}/{WEDNESDAY}"]


def test_only_what_is_news_is_found(session: Session, rulebook: RuleBook, foretell: Foretell) -> None:
    foretell(0.9)
    assert find_to_review(session, rulebook, TEN) == []
    foretell(0.1)
    assert [each.public_id for each in find_to_review(session, rulebook, TEN)] == [f"{SESSION}/{WEDNESDAY}"]
    review(session, rulebook)
    assert find_to_review(session, rulebook, TEN) == []


# Turned away


def test_who_is_turned_away_is_counted_without_a_visit(session: Session, rulebook: RuleBook) -> None:
    opening, visits = opening_of(rulebook), select(func.count(Visit.id))
    before, version = session.scalars(visits).one(), lock_opening(session, opening).version
    turn_away(session, opening, TEN)
    turn_away(session, opening, at("10:05"))
    turn_away(session, opening_of(rulebook, on=NEXT_WEDNESDAY), TEN)
    row = row_of(session, rulebook)
    assert count_turned_away(session, row) == (2, at("10:05"))
    assert (session.scalars(visits).one(), row.version) == (before, version + 2)


def test_the_latest_is_taken_back_within_ten_minutes(session: Session, rulebook: RuleBook) -> None:
    opening = opening_of(rulebook)
    turn_away(session, opening_of(rulebook, on=NEXT_WEDNESDAY), at("10:06"))
    for clock in ("09:50", "10:05"):
        turn_away(session, opening, at(clock))
    take_back_turned_away(session, opening, at("10:15"))
    assert count_turned_away(session, row_of(session, rulebook)) == (1, at("09:50"))
    with pytest.raises(NobodyTurnedAway):
        take_back_turned_away(session, opening, at("10:15"))
    assert session.scalars(select(func.count(TurnedAway.id))).one() == 2
