"""A log played again: each forecast knows what was known then, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from random import Random

from scheduler.domain.replay import LogRow, OnDuty, Replayed, replay, score

NINE = datetime(2026, 1, 7, 8, 0, tzinfo=UTC)


def day(number: int, opening: str = "", desks: int = 2, people: int = 12) -> list[LogRow]:
    """People who come every six minutes, served in order by some desks, a quarter of an hour each or so."""
    draw = Random(f"{number}{opening}")
    nine = NINE + timedelta(weeks=number)
    free = [nine + timedelta(minutes=5 * each) for each in range(desks)]
    rows = []
    for each in range(people):
        arrived_at = nine + timedelta(minutes=6 * each)
        desk = min(range(desks), key=lambda which: free[which])
        called_at = max(arrived_at, free[desk])
        free[desk] = called_at + timedelta(minutes=draw.randint(5, 30))
        rows.append(LogRow(arrived_at, called_at, free[desk], f"Tisch {desk + 1}", "MBE", "letter", opening=opening))
    return rows


def told(rows: Iterable[LogRow], rota: Iterable[OnDuty] = ()) -> list[Replayed]:
    return [each for each in replay(rows, rota) if each is not None]


def forget_after(rows: list[LogRow], at: datetime) -> list[LogRow]:
    """The log as it stood at a moment; who has come by then was called at some time later, nobody knows when."""

    def known(time: datetime | None) -> datetime | None:
        return time if time is not None and time <= at else None

    return [
        row._replace(called_at=known(row.called_at), finished_at=known(row.finished_at), left_at=known(row.left_at))
        for row in rows
        if row.begins_at <= at
    ]


def test_what_happens_later_changes_no_forecast() -> None:
    rows = [*day(0), *day(1), *day(2)]
    whole = told(rows)
    for cut in (15, 20, 25, 30):
        at = rows[cut].begins_at
        before = forget_after(rows, at)
        known = {row.begins_at for row in before if row.called_at}
        expected = [each.forecast for each, row in zip(whole, rows, strict=True) if row.begins_at in known]
        assert [each.forecast for each in told(before)] == expected


def test_what_happens_at_another_opening_of_the_same_day_is_not_known_yet() -> None:
    here, there = day(0, "here"), day(0, "there", desks=4)
    alone = [each.forecast for each in told(here)]
    assert [each.forecast for each in told([*here, *there])][: len(alone)] == alone
    assert [each.forecast for each in told([*there, *here])][: len(alone)] == alone


def test_all_of_yesterday_is_known_today_from_all_openings() -> None:
    today = day(1, "here")
    alone = [each.forecast for each in told(today)]
    after = [each.forecast for each in told([*day(0, "here"), *day(0, "there"), *today])][-len(alone) :]
    assert {each.basis for each in alone} == {"configured", "few"} or {each.basis for each in alone} == {"configured"}
    assert all(each.basis == "few" for each in after)


def test_whoever_left_or_was_never_called_is_no_result_but_stands_in_the_queue() -> None:
    one, other, third = NINE, NINE + timedelta(minutes=1), NINE + timedelta(minutes=2)
    rows = [
        LogRow(one, None, None, left_at=NINE + timedelta(minutes=50)),
        LogRow(other),
        LogRow(third, NINE + timedelta(minutes=30), NINE + timedelta(minutes=40), "Tisch 1"),
    ]
    (only,) = told(rows)
    assert only.forecast.ahead == 2
    assert only.minutes == 28.0


def test_appointments_are_no_result_but_known_before_they_come() -> None:
    appointments = [
        LogRow(at, at, at + timedelta(minutes=30), "Tisch 1", starts_at=at)
        for at in (NINE + timedelta(minutes=30 * each) for each in range(1, 5))
    ]
    rota = [OnDuty("Tisch 1", NINE, frozenset({"MBE"}))]
    walk_in = LogRow(
        NINE + timedelta(minutes=25), NINE + timedelta(minutes=60), NINE + timedelta(minutes=70), "Tisch 1"
    )
    before = LogRow(NINE + timedelta(minutes=1), NINE + timedelta(minutes=2), NINE + timedelta(minutes=26), "Tisch 1")
    with_them = told([before, walk_in, *appointments], rota)
    without = told([before, walk_in], rota)
    assert len(with_them) == 2
    assert with_them[1].forecast.centre > without[1].forecast.centre


def test_an_appointment_that_was_called_is_expected_no_more_although_nobody_noted_its_arrival() -> None:
    starts_at = NINE + timedelta(minutes=10)
    rota = [OnDuty("Tisch 1", NINE, frozenset()), OnDuty("Tisch 2", NINE, frozenset())]
    first = LogRow(NINE, NINE, NINE + timedelta(minutes=90), "Tisch 2")
    walk_in = LogRow(NINE + timedelta(minutes=12), NINE + timedelta(minutes=40), None, "Tisch 1")
    unnoted = LogRow(None, NINE + timedelta(minutes=2), NINE + timedelta(minutes=30), "Tisch 1", starts_at=starts_at)
    noted = unnoted._replace(arrived_at=unnoted.called_at)
    assert told([first, walk_in, unnoted], rota)[-1].forecast == told([first, walk_in, noted], rota)[-1].forecast


def test_a_rota_says_who_else_comes() -> None:
    rows = day(0, desks=1)
    alone, with_rota = (
        told(rows, [OnDuty(f"Tisch {each + 1}", NINE, frozenset({"MBE"})) for each in range(desks)]) for desks in (1, 4)
    )
    assert with_rota[2].forecast.centre <= alone[2].forecast.centre
    assert with_rota[0].forecast.closed_form <= alone[0].forecast.closed_form


def test_the_score_is_of_what_came_true() -> None:
    found = score(told([*day(0), *day(1)]))
    assert found is not None
    assert found.forecasts == 24
    assert 0 <= found.coverage <= found.shown_coverage <= 1
    assert found.mae > 0
    assert found.closed_form_mae > 0


def test_a_log_without_anybody_called_has_no_score() -> None:
    assert score(told([LogRow(NINE)])) is None


def test_on_steady_days_the_forecast_beats_the_closed_form() -> None:
    found = score(told([row for number in range(12) for row in day(number)]))
    assert found is not None
    assert found.mae < found.closed_form_mae
