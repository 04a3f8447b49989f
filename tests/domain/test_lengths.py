"""What was measured, and how far it is trusted."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from statistics import fmean

import pytest

from scheduler.domain.lengths import POINTS, Experience, Kind, Measured, Waited, still_takes

LETTER, ADVICE = Kind("MBE", "letter"), Kind("MBE", "advice")
OF_FILE = Experience({None: 30.0, "letter": 15.0, "advice": 45.0})


def measured(kind: Kind, minutes: float, many: int) -> Experience:
    return replace(OF_FILE, consultations=[Measured(kind, minutes)] * many)


def test_before_anything_was_measured_the_configured_length_holds() -> None:
    assert fmean(OF_FILE.lengths(LETTER)) == pytest.approx(15.0, rel=0.05)
    assert fmean(OF_FILE.lengths(ADVICE)) == pytest.approx(45.0, rel=0.05)


def test_a_few_measured_lengths_move_it_and_many_decide() -> None:
    means = [fmean(measured(LETTER, 30.0, many).lengths(LETTER)) for many in (0, 3, 30, 200)]
    assert means == sorted(means)
    assert 16 < means[1] < 25
    assert means[3] == pytest.approx(30.0, rel=0.03)


def test_one_service_learns_from_the_other_until_it_has_its_own() -> None:
    only_adults = measured(LETTER, 30.0, 100)
    assert fmean(only_adults.lengths(Kind("JMD", "letter"))) > 25
    both = replace(
        only_adults, consultations=[*only_adults.consultations, *[Measured(Kind("JMD", "letter"), 10.0)] * 100]
    )
    assert fmean(both.lengths(Kind("JMD", "letter"))) < 14 < fmean(both.lengths(LETTER))


def test_not_asked_is_a_concern_too() -> None:
    unknown = replace(OF_FILE, consultations=[Measured(Kind(None, None), 60.0)] * 100)
    assert fmean(unknown.lengths(Kind(None, None))) > 55
    assert fmean(unknown.lengths(LETTER)) < 16


def test_a_distribution_is_as_many_values_in_order_as_promised() -> None:
    for many in (0, 1, 7, 500):
        lengths = measured(LETTER, 20.0, many).lengths(LETTER)
        assert len(lengths) == POINTS
        assert list(lengths) == sorted(lengths)


@pytest.mark.parametrize(
    ("many", "basis"), [(0, "configured"), (9, "configured"), (10, "few"), (59, "few"), (60, "learned")]
)
def test_it_says_how_much_it_rests_on(many: int, basis: str) -> None:
    assert measured(LETTER, 15.0, many).basis == basis


def test_what_goes_on_takes_some_time_still_however_long_it_has_taken() -> None:
    draw = Random(1)
    lengths = OF_FILE.lengths(LETTER)
    for so_far in (0.0, 5.0, 14.0, 44.0, 300.0):
        assert all(still_takes(lengths, so_far, draw) > 0 for _ in range(50))


def test_no_shows_are_learned_and_start_from_what_offices_report() -> None:
    assert OF_FILE.no_show == pytest.approx(0.15)
    assert replace(OF_FILE, came=100, missed=100).no_show == pytest.approx(0.47, abs=0.01)


def test_leaving_is_learned_by_how_long_people_have_waited() -> None:
    """Nobody leaves early, many leave after an hour."""
    waits = [Waited(70.0, left=number % 2 == 0) for number in range(400)]
    hazard = replace(OF_FILE, waits=waits).leaving
    assert hazard[60] < 0.05
    assert hazard[90] - hazard[60] > 10 * (hazard[50] - hazard[20])


def test_a_pause_of_half_an_hour_is_no_gap_between_two_calls() -> None:
    assert max(replace(OF_FILE, gaps=[2.0] * 100 + [30.0] * 50).gap) <= 8.0
