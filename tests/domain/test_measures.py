"""What is counted of a visit, by hand-made cases and the golden sums of the federal statistics."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.measures import CASES, Count, PastConsultation, PastVisit, count_turned_away, count_visits

DAY = date(2026, 11, 25)
NINE = datetime(2026, 11, 25, 8, tzinfo=UTC)
HELD = PastConsultation("awo", "MBE", "finished", "new", 2, ("housing", "debts"), "jobcentre", ("ausland",))


def visit(**changes: Any) -> PastVisit:
    usual = PastVisit(DAY, "hall", "MBE", "walk_in", "done", "from_27", "letter", "ar", 3, (HELD,), NINE, NINE)
    return replace(usual, **changes)


def numbers(*visits: PastVisit) -> dict[tuple[str, str, str], int]:
    """By carrier, measure and value."""
    return {(each.carrier, each.measure, each.value): number for each, number in count_visits(visits).items()}


def test_a_visit_is_counted_once_under_everything_that_was_asked() -> None:
    assert numbers(visit()) == {
        ("awo", "walk_in", "done"): 1,
        ("awo", "age_group", "from_27"): 1,
        ("awo", "concern", "letter"): 1,
        ("awo", "language", "ar"): 1,
        ("awo", "people", ""): 3,
        ("awo", "wait", "0"): 1,
        ("awo", "consultation", "finished"): 1,
        ("awo", "case_kind", "new"): 1,
        ("awo", "family_members", "new"): 2,
        ("awo", "topic", "housing"): 1,
        ("awo", "topic", "debts"): 1,
        ("awo", "referred_from", "jobcentre"): 1,
        ("awo", "referred_to", "ausland"): 1,
    }


def test_it_stands_under_the_month_place_and_service() -> None:
    assert {each[:4] for each in count_visits([visit()])} == {(date(2026, 11, 1), "hall", "awo", "MBE")}


def test_whoever_was_not_served_belongs_to_no_carrier() -> None:
    counted = numbers(visit(state="left", consultations=(), first_called_at=None))
    assert {carrier for carrier, _, _ in counted} == {""}
    assert counted[("", "walk_in", "left")] == 1


def test_after_a_hand_over_each_carrier_keeps_its_outcome_and_the_last_one_the_visit() -> None:
    first = replace(HELD, ended_as="handed_over", service="JMD", topics=(), family_members=0)
    counted = count_visits([visit(consultations=(first, replace(HELD, carrier="caritas", case_kind="known_again")))])
    month = DAY.replace(day=1)
    assert counted[Count(month, "hall", "awo", "JMD", "consultation", "handed_over")] == 1
    assert counted[Count(month, "hall", "caritas", "MBE", "consultation", "finished")] == 1
    assert counted[Count(month, "hall", "caritas", "MBE", "walk_in", "done")] == 1
    assert counted[Count(month, "hall", "awo", "MBE", "walk_in", "done")] == 0


@pytest.mark.parametrize(
    ("minutes", "expected"), [(0, "0"), (14.9, "0"), (15, "15"), (59, "30"), (60, "60"), (300, "120")]
)
def test_waits_are_counted_in_classes(minutes: float, expected: str) -> None:
    counted = numbers(visit(first_called_at=NINE + timedelta(minutes=minutes)))
    assert [value for _, measure, value in counted if measure == "wait"] == [expected]


def test_appointments_and_those_whose_times_nobody_knows_have_no_wait() -> None:
    for each in (visit(kind="appointment"), visit(arrived_at=None), visit(first_called_at=None)):
        assert "wait" not in {measure for _, measure, _ in numbers(each)}


def test_a_number_given_by_mistake_never_was_a_visit() -> None:
    assert numbers(visit(by_mistake=True, state="cancelled", consultations=())) == {}


def test_a_consultation_without_an_outcome_is_counted_without_one() -> None:
    nothing = PastConsultation("awo", "MBE", "closed")
    counted = numbers(visit(consultations=(nothing,)))
    assert counted[("awo", "case_kind", "")] == 1
    assert not {measure for _, measure, _ in counted} & {"family_members", "topic", "referred_from", "referred_to"}


@pytest.mark.parametrize(
    ("cases", "family", "persons"),
    [(305_097, 287_914, 593_011), (301_417, 224_326, 525_743), (67_276, 51_316, 118_592)],
)
def test_persons_are_cases_and_co_advised_family_members(cases: int, family: int, persons: int) -> None:
    """MBE 2018 and 2017, JMD 2019: a hundredth of the cases, and the rest of the family at the first ones."""
    share = cases // 100
    more, rest = divmod(family // 100, share)
    held = [replace(HELD, family_members=more + (each < rest)) for each in range(share)]
    again = replace(HELD, case_kind="known_again", family_members=5)  # counts nobody a second time
    counted = numbers(*(visit(consultations=(each,)) for each in [*held, again]))
    found = sum(counted.get(("awo", measure, kind), 0) for measure in ("case_kind", "family_members") for kind in CASES)
    assert found == pytest.approx(persons / 100, abs=2)
    assert counted[("awo", "family_members", "known_again")] == 5


@given(parts=st.lists(st.lists(st.sampled_from([visit(), visit(state="left", consultations=()), visit(people=1)]))))
def test_counting_in_parts_is_counting_at_once(parts: list[list[PastVisit]]) -> None:
    whole = count_visits([each for part in parts for each in part])
    assert sum((count_visits(part) for part in parts), count_visits([])) == whole


def test_whom_the_desk_turns_away_is_counted_by_place() -> None:
    assert count_turned_away(DAY, "hall") == Count(date(2026, 11, 1), "hall", "", "", "turned_away")
