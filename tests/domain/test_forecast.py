"""How long until somebody is called: what the forecast knows, and what it makes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from scheduler.domain.calibration import Calibration, CameTrue, Simulated
from scheduler.domain.forecast import NEWCOMER, Forecast, closed_form, forecast
from scheduler.domain.lengths import Experience, Kind, Waited
from scheduler.domain.queue_order import Server, Waiting
from scheduler.domain.simulation import Desk, Person, Situation, simulate

NOW = datetime(2026, 11, 25, 8, 30, tzinfo=UTC)
NOON = NOW + timedelta(hours=2, minutes=30)
BOTH = frozenset({"MBE", "JMD"})
QUARTER = Experience({None: 15.0, "letter": 15.0, "advice": 45.0})


def after(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def desk(number: int = 0, services: frozenset[str] = BOTH, **state: object) -> Desk:
    return Desk(Server(number, services, frozenset({"de"})), **{"idle_minutes": 60.0, **state})  # type: ignore[arg-type]


def walk_in(number: int, service: str | None = None, concern: str | None = None, language: str | None = None) -> Person:
    services = frozenset({service} if service else ())
    return Person(Waiting(number, after(number - 20), services=services, language=language), Kind(service, concern))


def appointment(number: int, starts_in: float, *, here: bool) -> Person:
    arrived_at = after(-5) if here else after(starts_in)
    return Person(Waiting(number, arrived_at, after(starts_in)), Kind(None, "letter"), here)


def queue(many: int) -> list[Person]:
    return [walk_in(number) for number in range(1, many + 1)]


def ask(
    desks: list[Desk], people: list[Person], experience: Experience = QUARTER, seed: int = 0
) -> dict[int, Forecast]:
    return forecast(Situation(NOW, desks, people), experience, Calibration(), NOON, seed)


def newcomers_wait(desks: list[Desk], people: list[Person], experience: Experience = QUARTER) -> float:
    return ask(desks, people, experience)[NEWCOMER].simulated.centre


@pytest.mark.parametrize(("desks", "span"), [(1, (8, 20)), (2, (0, 10))])
def test_the_closed_form_gives_its_published_cases(desks: int, span: tuple[int, int]) -> None:
    """T = 10, two ahead: one desk 20/8, two desks 10/0."""
    assert closed_form(2, 10, desks) == span


def test_the_closed_form_makes_nobody_wait_who_is_first() -> None:
    assert closed_form(0, 10, 1) == (0, 0)


def test_the_same_seed_gives_the_same_answer_and_another_one_another() -> None:
    assert ask([desk()], queue(5), seed=7) == ask([desk()], queue(5), seed=7)
    assert ask([desk()], queue(5), seed=7) != ask([desk()], queue(5), seed=8)


def test_everybody_who_waits_and_the_newcomer_get_an_answer_with_who_is_ahead() -> None:
    found = ask([desk()], queue(3))
    assert {key: each.ahead for key, each in found.items()} == {1: 0, 2: 1, 3: 2, NEWCOMER: 3}


def test_whoever_is_later_in_the_queue_waits_longer() -> None:
    found = ask([desk()], queue(6))
    centres = [found[number].simulated.centre for number in (1, 2, 3, 4, 5, 6, NEWCOMER)]
    assert centres == sorted(centres)
    assert centres[0] == 0 < centres[1] < centres[-1]


def test_a_free_desk_and_no_queue_means_no_wait() -> None:
    assert ask([desk()], [])[NEWCOMER].shown == (0, 5)


def test_more_desks_shorten_the_wait() -> None:
    assert newcomers_wait([desk(0), desk(1)], queue(6)) < 0.7 * newcomers_wait([desk(0)], queue(6))


def test_who_has_been_in_consultation_for_long_is_done_sooner() -> None:
    just_called = desk(busy_with=Kind(None, "advice"), busy_minutes=1)
    long_there = desk(busy_with=Kind(None, "advice"), busy_minutes=40)
    assert newcomers_wait([long_there], []) < newcomers_wait([just_called], [])


def test_longer_concerns_ahead_make_longer_waits() -> None:
    letters = [walk_in(number, concern="letter") for number in range(1, 4)]
    advice = [walk_in(number, concern="advice") for number in range(1, 4)]
    assert newcomers_wait([desk()], advice) > 2 * newcomers_wait([desk()], letters)


def test_who_needs_another_service_is_not_in_the_way() -> None:
    desks = [desk(0, frozenset({"MBE"})), desk(1, frozenset({"JMD"}))]
    adults = [walk_in(number, "MBE") for number in range(1, 7)]
    found = ask(desks, [*adults, walk_in(50, "JMD")])
    assert found[50].simulated.centre == 0
    assert found[6].simulated.centre > 60


def test_a_wish_that_nobody_can_meet_is_served_by_anyone() -> None:
    assert ask([desk()], [walk_in(1, language="fa")])[1].simulated.centre == 0


def test_urgent_visits_and_appointments_whose_time_has_come_are_ahead() -> None:
    urgent = Person(Waiting(50, after(-1), urgent=True), Kind())
    found = ask([desk()], [*queue(3), urgent, appointment(60, -2, here=True)])
    order = sorted((1, 2, 3, 50, 60), key=lambda each: found[each].simulated.centre)
    assert order == [50, 60, 1, 2, 3]


def test_appointments_to_come_make_a_newcomer_wait_and_less_where_many_do_not_come() -> None:
    to_come = [appointment(50 + number, 10 * number, here=False) for number in range(1, 7)]
    reliable = replace(QUARTER, came=1000)
    unreliable = replace(QUARTER, missed=1000)
    without = newcomers_wait([desk()], queue(4), reliable)
    assert newcomers_wait([desk()], [*queue(4), *to_come], reliable) > 1.5 * without
    assert newcomers_wait([desk()], [*queue(4), *to_come], unreliable) < 1.2 * without


def test_an_appointment_is_not_answered_before_it_is_here() -> None:
    assert set(ask([desk()], [appointment(50, 20, here=False)])) == {NEWCOMER}


def test_one_who_came_early_is_served_once() -> None:
    """Before its time, by whoever has nobody else; when the time comes it must not take an adviser again."""
    waits = simulate(Situation(NOW, [desk(0), desk(1)], [appointment(50, 3, here=True)]), QUARTER, 0, 50)
    assert set(waits[50]) == {0.0}


def test_where_many_leave_those_behind_wait_less() -> None:
    patient = replace(QUARTER, waits=[Waited(60, left=False)] * 500)
    impatient = replace(QUARTER, waits=[Waited(15, left=number % 2 == 0) for number in range(500)])
    assert newcomers_wait([desk()], queue(8), impatient) < 0.9 * newcomers_wait([desk()], queue(8), patient)


def test_who_is_expected_later_helps_later() -> None:
    soon = newcomers_wait([desk(0), desk(1, expected_in=5.0)], queue(6))
    late = newcomers_wait([desk(0), desk(1, expected_in=40.0)], queue(6))
    alone = newcomers_wait([desk(0)], queue(6))
    assert soon < late <= alone


def test_who_should_have_been_here_long_ago_may_not_come_at_all() -> None:
    found = ask([desk(expected_in=-120.0)], [])[NEWCOMER]
    assert 0.3 < found.chance < 0.95


def test_a_break_is_a_wait() -> None:
    assert 0 < newcomers_wait([desk(on_break=True)], []) < 16


def test_when_nobody_is_here_or_expected_there_is_no_chance() -> None:
    assert ask([], queue(2))[1].chance == 0.0


def test_the_nearer_closing_is_the_smaller_the_chance() -> None:
    situation = Situation(NOW, [desk()], queue(6))
    chances = [
        forecast(situation, QUARTER, Calibration(), after(minutes), 0)[NEWCOMER].chance
        for minutes in (300, 120, 90, 60, 30)
    ]
    assert chances == sorted(chances, reverse=True)
    assert chances[0] > 0.95
    assert chances[-1] < 0.1


def test_a_shown_range_is_rounded_outward_to_five_minutes() -> None:
    told = Forecast(3, 31, 22.4, 38.1, 0.9, "learned", Simulated(31, 8), 30)
    assert told.shown == (20, 40)
    assert replace(told, low=20.0, high=40.0).shown == (20, 40)


def test_nobody_is_called_before_the_opening_begins() -> None:
    """Numbers are given from half an hour before, and some advisers sit there already."""
    found = forecast(Situation(NOW, [desk()], queue(2), opens_in=20.0), QUARTER, Calibration(), NOON)
    assert found[1].low >= 20.0
    assert found[1].closed_form == 20.0
    assert found[NEWCOMER].simulated.centre > 30.0


def test_where_no_rota_says_who_comes_other_days_do() -> None:
    other_days = [[0.0, 10.0], [0.0]]
    alone = forecast(Situation(NOW, [], queue(6), more_desks=[[0.0]]), QUARTER, Calibration(), NOON)
    like_them = forecast(Situation(NOW, [], queue(6), more_desks=other_days), QUARTER, Calibration(), NOON)
    assert like_them[NEWCOMER].simulated.centre < alone[NEWCOMER].simulated.centre


def test_a_range_that_was_too_narrow_is_widened_until_it_holds_what_it_says() -> None:
    """The simulation was sure of ± 4 minutes; the truth lay evenly within ± 20."""
    past = [CameTrue(Simulated(30.0, 4.0), 30.0, 10.0 + 40.0 * number / 199) for number in range(200)]
    found = Calibration.of(past).correct(Simulated(30.0, 4.0), 30.0)
    held = sum(found.low <= each.minutes <= found.high for each in past) / len(past)
    assert 0.5 <= held <= 0.7


def test_a_forecast_that_was_always_too_long_is_shortened() -> None:
    past = [CameTrue(Simulated(30.0, 5.0), 30.0, 18.0 + number % 5) for number in range(300)]
    found = Calibration.of(past).correct(Simulated(30.0, 5.0), 30.0)
    assert found.centre == pytest.approx(20.0, abs=1.5)
    assert found.low <= found.centre <= found.high


def test_where_the_closed_form_was_nearer_its_centre_is_taken() -> None:
    past = [CameTrue(Simulated(30.0, 5.0), 8.0 + 40 * (number % 2), 8.0 + 40 * (number % 2)) for number in range(300)]
    assert Calibration.of(past).correct(Simulated(30.0, 5.0), 25.0).centre == 25.0


def test_while_little_has_come_true_the_simulation_stands() -> None:
    past = [CameTrue(Simulated(30.0, 5.0), 30.0, 30.0)] * 5
    assert Calibration.of(past).correct(Simulated(30.0, 5.0), 90.0).centre == pytest.approx(30.0, abs=1.0)


def test_short_and_long_forecasts_are_corrected_by_their_like() -> None:
    short = [CameTrue(Simulated(10.0, 5.0), 10.0, 10.0)] * 100
    long = [CameTrue(Simulated(90.0, 5.0), 90.0, 60.0)] * 100
    calibration = Calibration.of([*short, *long])
    assert calibration.correct(Simulated(10.0, 5.0), 10.0).centre == pytest.approx(10.0, abs=0.5)
    assert calibration.correct(Simulated(90.0, 5.0), 90.0).centre == pytest.approx(60.0, abs=2.0)


def test_nothing_is_forecast_before_now() -> None:
    past = [CameTrue(Simulated(10.0, 5.0), 10.0, 0.0)] * 300
    assert Calibration.of(past).correct(Simulated(2.0, 5.0), 2.0).low == 0.0
