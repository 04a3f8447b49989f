"""What the terms of the plan come to: when something goes, on days and instants, across month ends and time changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.retention import Limits, Term, goes_at, goes_before, goes_through, months_before, say_term

BERLIN = ZoneInfo("Europe/Berlin")
LIMITS = Limits(contact_days=7, visit_months=12)
TERMS: tuple[Term, ...] = ("visit", "contact", "trail", "month", "day")


@pytest.mark.parametrize(
    ("on", "months", "expected"),
    [
        (date(2026, 11, 25), 12, date(2025, 11, 25)),
        (date(2026, 1, 31), 2, date(2025, 11, 30)),
        (date(2025, 2, 28), 12, date(2024, 2, 28)),
        (date(2024, 2, 29), 12, date(2023, 2, 28)),
        (date(2026, 3, 1), 0, date(2026, 3, 1)),
        (date(2026, 11, 25), -14, date(2028, 1, 25)),
    ],
)
def test_months_are_counted_by_the_calendar(on: date, months: int, expected: date) -> None:
    assert months_before(on, months) == expected


def test_a_visit_goes_at_the_towns_midnight_twelve_months_after_its_day() -> None:
    midnight = datetime(2026, 11, 24, 23, 0, tzinfo=UTC)  # of 25 November in Germany
    assert goes_through("visit", LIMITS, BERLIN, midnight) == date(2025, 11, 25)
    assert goes_through("visit", LIMITS, BERLIN, midnight - timedelta(seconds=1)) == date(2025, 11, 24)
    assert goes_at("visit", LIMITS, BERLIN, datetime(2025, 11, 25, 9, tzinfo=UTC)) == midnight


def test_a_visit_of_a_leap_day_goes_on_the_first_of_march() -> None:
    noon = datetime(2024, 2, 29, 11, tzinfo=UTC)
    assert goes_at("visit", LIMITS, BERLIN, noon) == datetime(2025, 2, 28, 23, tzinfo=UTC)


def test_the_towns_file_decides_about_visits_and_contacts() -> None:
    now, limits = datetime(2026, 11, 25, 9, tzinfo=UTC), Limits(contact_days=2, visit_months=3)
    assert goes_through("visit", limits, BERLIN, now) == date(2026, 8, 25)
    assert goes_before("contact", limits, BERLIN, now) == now - timedelta(days=2)
    assert goes_through("trail", limits, BERLIN, now) == date(2025, 11, 25)


@given(
    since=st.integers(0, 20 * 366 * 86_400).map(
        lambda each: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=each)
    ),
    term=st.sampled_from(TERMS),
    months=st.integers(1, 60),
)
def test_when_it_is_said_to_go_is_when_it_goes(since: datetime, term: Term, months: int) -> None:
    limits = Limits(7, months)
    goes = goes_at(term, limits, BERLIN, since)
    assert goes_before(term, limits, BERLIN, goes + timedelta(seconds=1)) > since
    assert goes_before(term, limits, BERLIN, goes - timedelta(seconds=1)) <= since


def test_a_term_without_an_end_has_no_instant() -> None:
    with pytest.raises(KeyError):
        goes_before("file", LIMITS, BERLIN, datetime(2026, 1, 1, tzinfo=UTC))


def test_every_term_has_words() -> None:
    assert say_term("visit", LIMITS) == "12 months"
    assert say_term("contact", LIMITS) == "7 days"
