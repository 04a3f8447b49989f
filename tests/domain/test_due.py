"""When reminders are due, and how long a failed message waits."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.due import MOST_ATTEMPTS, reminder_due_at, retry_after

BERLIN = ZoneInfo("Europe/Berlin")
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("starts_at", "expected"),
    [
        (datetime(2026, 11, 25, 8, 0, tzinfo=UTC), datetime(2026, 11, 24, 15, 0, tzinfo=UTC)),
        (datetime(2026, 7, 1, 7, 0, tzinfo=UTC), datetime(2026, 6, 30, 14, 0, tzinfo=UTC)),
        # Just after local midnight the day before is the local one, not the one in UTC.
        (datetime(2026, 7, 1, 22, 30, tzinfo=UTC), datetime(2026, 7, 1, 14, 0, tzinfo=UTC)),
        # The clocks change between reminder and visit: 16:00 stays 16:00.
        (datetime(2026, 3, 29, 8, 0, tzinfo=UTC), datetime(2026, 3, 28, 15, 0, tzinfo=UTC)),
        (datetime(2026, 10, 25, 9, 0, tzinfo=UTC), datetime(2026, 10, 24, 14, 0, tzinfo=UTC)),
    ],
)
def test_the_reminder_is_due_at_16_local_time_on_the_day_before(starts_at: datetime, expected: datetime) -> None:
    assert reminder_due_at(starts_at, BERLIN, LONG_AGO) == expected


def test_a_reminder_whose_time_has_come_or_passed_is_not_planned() -> None:
    starts_at, due_at = datetime(2026, 11, 25, 8, 0, tzinfo=UTC), datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
    assert reminder_due_at(starts_at, BERLIN, due_at - timedelta(seconds=1)) == due_at
    assert reminder_due_at(starts_at, BERLIN, due_at) is None
    assert reminder_due_at(starts_at, BERLIN, due_at + timedelta(days=30)) is None


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_reminder_always_comes_before_the_visit_and_on_another_day(starts_at: datetime) -> None:
    due_at = reminder_due_at(starts_at, BERLIN, LONG_AGO - timedelta(days=9))
    assert due_at is not None
    assert due_at < starts_at
    assert (starts_at.astimezone(BERLIN).date() - due_at.astimezone(BERLIN).date()).days == 1
    assert due_at.astimezone(BERLIN).hour == 16


def test_waits_double_from_a_minute_up_to_two_hours_and_then_end() -> None:
    waits = [retry_after(attempts) for attempts in range(1, MOST_ATTEMPTS + 2)]
    assert waits == [*(timedelta(minutes=each) for each in (1, 2, 4, 8, 16, 32, 64, *[120] * 4)), None, None]
