"""After a morning on paper the computer goes on at a number: never at one that somebody has."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.paper_day import DayOver, NumberRefused, continue_at, first_free_number, next_number
from scheduler.actions.rulebook import RuleBook
from scheduler.actions.steps import undo
from scheduler.models import Opening, Place, TicketCounter
from tests.actions.small_town import (
    LAST_WEDNESDAY,
    NEXT_WEDNESDAY,
    OFFICE,
    STAFF,
    THURSDAY,
    WEDNESDAY,
    at,
    opening_of,
    place_of,
    take_in,
)

NINE = at("09:00")


def goes_on_at(session: Session, rulebook: RuleBook, number: int) -> int:
    """The number of the next ticket after the counter was set."""
    continue_at(session, opening_of(rulebook), number, NINE)
    return take_in(session, rulebook, NINE).ticket or 0


@pytest.mark.parametrize("number", [1, 2, 31, 9999])
def test_the_next_ticket_gets_this_number_where_none_was_given(
    session: Session, rulebook: RuleBook, number: int
) -> None:
    assert session.get(TicketCounter, (place_of(session).id, WEDNESDAY)) is None
    assert goes_on_at(session, rulebook, number) == number
    assert take_in(session, rulebook, NINE).ticket == number + 1


def test_it_goes_on_after_what_was_given(session: Session, rulebook: RuleBook) -> None:
    for _ in range(3):
        take_in(session, rulebook, NINE)
    assert goes_on_at(session, rulebook, 31) == 31


@pytest.mark.parametrize(("number", "given"), [(3, 3), (0, 0), (-1, 0), (10_000, 0), (1, 1), (10**20, 2)])
def test_a_number_that_somebody_has_or_that_is_none_is_refused(
    session: Session, rulebook: RuleBook, number: int, given: int
) -> None:
    for _ in range(given):
        take_in(session, rulebook, NINE)
    with pytest.raises(NumberRefused) as refused:
        continue_at(session, opening_of(rulebook), number, NINE)
    assert (refused.value.smallest, refused.value.largest) == (given + 1, 9999)
    assert next_number(session, place_of(session).id, WEDNESDAY) == given + 1


def test_a_counter_set_too_high_can_be_set_back(session: Session, rulebook: RuleBook) -> None:
    take_in(session, rulebook, NINE)
    continue_at(session, opening_of(rulebook), 300, NINE)
    assert goes_on_at(session, rulebook, 2) == 2


def test_a_number_that_was_taken_back_is_not_given_again(session: Session, rulebook: RuleBook) -> None:
    undo(session, take_in(session, rulebook, NINE), by=STAFF, now=NINE)
    with pytest.raises(NumberRefused):
        continue_at(session, opening_of(rulebook), 1, NINE)


def test_other_places_and_days_keep_their_numbers(session: Session, rulebook: RuleBook) -> None:
    places = {key: place_of(session, key).id for key in ("buergerbuero", "awo-buero")}
    before = next_number(session, places["awo-buero"], WEDNESDAY)
    continue_at(session, opening_of(rulebook), 50, NINE)
    assert next_number(session, places["buergerbuero"], WEDNESDAY) == 50
    assert next_number(session, places["awo-buero"], WEDNESDAY) == before == 71
    assert next_number(session, places["buergerbuero"], NEXT_WEDNESDAY) == 1
    assert next_number(session, places["buergerbuero"], LAST_WEDNESDAY) == 41


def test_a_day_that_is_over_gives_no_more_numbers(session: Session, rulebook: RuleBook) -> None:
    with pytest.raises(DayOver):
        continue_at(session, opening_of(rulebook), 50, at("00:00", THURSDAY))
    continue_at(session, opening_of(rulebook), 50, at("23:59"))


def test_pages_hear_of_it(session: Session, rulebook: RuleBook) -> None:
    continue_at(session, opening_of(rulebook, OFFICE, THURSDAY), 5, NINE)
    row = session.scalars(select(Opening).where(Opening.original_on == THURSDAY)).one()
    before = row.version
    continue_at(session, opening_of(rulebook, OFFICE, THURSDAY), 6, NINE)
    session.refresh(row)
    assert row.version == before + 1


def test_the_first_number_follows_the_towns_file(session: Session) -> None:
    place = session.scalars(select(Place).where(Place.key == "buergerbuero")).one()
    place.first_ticket = 100
    assert next_number(session, place.id, WEDNESDAY) == 100
    assert first_free_number(session, place.id, WEDNESDAY) == 100


def test_the_first_free_number_fills_gaps(session: Session, rulebook: RuleBook) -> None:
    place_id = place_of(session).id
    for number in (1, 2, 5):
        assert goes_on_at(session, rulebook, number) == number
    assert first_free_number(session, place_id, WEDNESDAY) == 3
    assert first_free_number(session, place_id, WEDNESDAY, after=3) == 4
    assert first_free_number(session, place_id, WEDNESDAY, after=4) == 6
