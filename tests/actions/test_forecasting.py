"""The forecast of an opening: what it reads of the queue, what it learns from the log, and that it is shared."""

from __future__ import annotations

from datetime import datetime, timedelta
from statistics import fmean

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.calling import finish, miss_call, start
from scheduler.actions.closing import close_visit
from scheduler.actions.experience import read_experience
from scheduler.actions.forecasting import forecast_opening, read_situation
from scheduler.actions.handing_over import Recipient, hand_over
from scheduler.actions.late_entry import PaperLine, enter_walk_in
from scheduler.actions.openings import stored_opening
from scheduler.actions.own_log import read_own_log
from scheduler.actions.presence import change_presence
from scheduler.actions.registration import Answers, leave, miss, register
from scheduler.actions.rulebook import RuleBook, read_rulebook
from scheduler.actions.steps import undo
from scheduler.db import Database
from scheduler.domain.lengths import Experience, Kind
from scheduler.domain.simulation import Situation
from scheduler.models import Consultation, ShownForecast, Visit
from tests.actions.small_town import (
    STAFF,
    THURSDAY,
    arrive,
    at,
    be_away,
    book_at,
    opening_of,
    press_next,
    seat,
    take_in,
)


def situation(session: Session, rulebook: RuleBook, now: datetime) -> Situation:
    opening = opening_of(rulebook)
    return read_situation(session, rulebook, opening, stored_opening(session, opening), now)


def serve_next(session: Session, rulebook: RuleBook, key: str, now: datetime, minutes: int) -> Consultation:
    consultation = press_next(session, rulebook, seat(session, rulebook, key, now), now)
    start(session, consultation.id, by=STAFF, now=now)
    return finish(session, consultation.id, by=STAFF, now=now + timedelta(minutes=minutes))


def take_in_anyway(session: Session, rulebook: RuleBook, now: datetime) -> Visit:
    """The desk gives a number although the forecast holds the house full."""
    return register(session, rulebook, opening_of(rulebook), Answers(), locale="de", by=STAFF, now=now, override=True)


def measured_here(experience: Experience) -> list[tuple[Kind, float]]:
    """Without the one consultation of last Wednesday, which is noise."""
    return [(each.kind, each.minutes) for each in experience.consultations[1:]]


def test_before_anything_has_happened_the_advisers_on_duty_are_expected(session: Session, rulebook: RuleBook) -> None:
    found = situation(session, rulebook, at("08:30"))
    assert [each.expected_in for each in found.desks] == [30.0, 30.0, 30.0]
    assert found.people == []


def test_it_knows_who_is_here_who_is_served_and_for_how_long(session: Session, rulebook: RuleBook) -> None:
    take_in(session, rulebook, at("09:00"), age_group="from_27", concern="advice")
    take_in(session, rulebook, at("09:01"))
    press_next(session, rulebook, seat(session, rulebook, "awo-1", at("09:05")), at("09:05"))
    away = seat(session, rulebook, "awo-2", at("09:05"))
    change_presence(session, opening_of(rulebook), away, "break", at("09:10"))
    found = situation(session, rulebook, at("09:20"))
    busy, paused, expected = found.desks
    assert (busy.busy_with, busy.busy_minutes) == (Kind("MBE", "advice"), 15.0)
    assert paused.on_break
    assert expected.expected_in == -20.0
    assert [each.here for each in found.people] == [True]


def test_who_has_gone_or_is_away_until_later_is_not_taken_for_a_free_desk(session: Session, rulebook: RuleBook) -> None:
    gone = seat(session, rulebook, "awo-1", at("08:55"))
    change_presence(session, opening_of(rulebook), gone, "gone", at("09:30"))
    be_away(session, "awo-2", "08:00", "10:30")
    found = situation(session, rulebook, at("10:00"))
    assert [each.expected_in for each in found.desks] == [30.0, -60.0]


def test_appointments_are_expected_until_they_are_here_or_missed(session: Session, rulebook: RuleBook) -> None:
    here, missed, to_come = (book_at(session, rulebook, clock) for clock in ("09:00", "09:30", "10:00"))
    arrive(session, rulebook, here, at("08:50"))
    miss(session, missed.id, by=STAFF, now=at("09:45"))
    found = situation(session, rulebook, at("09:45"))
    assert {each.waiting.visit_id: each.here for each in found.people} == {here.id: True, to_come.id: False}


def test_an_appointment_that_is_later_than_its_grace_is_expected_no_more(session: Session, rulebook: RuleBook) -> None:
    late = book_at(session, rulebook, "09:30")
    take_in(session, rulebook, at("09:00")).state = "left"
    session.flush()
    expected = {clock: situation(session, rulebook, at(clock)).people for clock in ("09:39", "09:40")}
    assert [each.waiting.visit_id for each in expected["09:39"]] == [late.id]
    assert expected["09:40"] == []


def test_whom_an_adviser_has_now_counts_whatever_is_entered_from_paper(session: Session, rulebook: RuleBook) -> None:
    take_in(session, rulebook, at("09:20"), concern="advice")
    adviser = seat(session, rulebook, "awo-1", at("09:25"))
    press_next(session, rulebook, adviser, at("09:30"))
    noted = PaperLine(at("09:00"), at("09:05"), at("09:15"), adviser=adviser)
    enter_walk_in(session, rulebook, opening_of(rulebook), 30, noted, Answers(), locale="de", by=STAFF, now=at("09:40"))
    busy = next(each for each in situation(session, rulebook, at("09:40")).desks if each.busy_with)
    assert (busy.busy_with, busy.busy_minutes) == (Kind(None, "advice"), 10.0)


def test_that_nobody_comes_is_no_forecast_to_learn_from(session: Session, rulebook: RuleBook) -> None:
    for key in ("awo-1", "awo-2", "ib-1"):
        be_away(session, key, "08:00", "13:00")
    visit = take_in_anyway(session, rulebook, at("09:00"))
    assert forecast_opening(session, rulebook, opening_of(rulebook), at("09:00")).waiting[visit.id].comes == 0
    assert session.get(ShownForecast, visit.id) is None


def test_everybody_who_waits_has_a_forecast_and_a_newcomer_too(session: Session, rulebook: RuleBook) -> None:
    seat(session, rulebook, "awo-1", at("08:55"))
    visits = [take_in(session, rulebook, at(f"09:0{minute}")) for minute in range(4)]
    found = forecast_opening(session, rulebook, opening_of(rulebook), at("09:05"))
    assert [found.waiting[visit.id].ahead for visit in visits] == [0, 1, 2, 3]
    assert found.newcomer.ahead == 4
    assert found.newcomer.basis == "configured"


def test_what_a_walk_in_was_told_is_kept_with_what_came_true(session: Session, rulebook: RuleBook) -> None:
    visit = take_in(session, rulebook, at("09:00"))
    told = session.get_one(ShownForecast, visit.id)
    assert (told.made_at, told.ahead, told.basis) == (at("09:00"), 0, "configured")
    assert told.low <= told.high
    serve_next(session, rulebook, "awo-1", at("09:12"), 20)
    _, calibration = read_experience(session, rulebook, at("10:00"))
    assert [each.minutes for each in calibration.past] == [12.0]


def test_a_number_that_was_taken_back_and_a_call_that_was_undone_teach_nothing(
    session: Session, rulebook: RuleBook
) -> None:
    by_mistake = take_in(session, rulebook, at("09:00"))
    undo(session, by_mistake, by=STAFF, now=at("09:01"))
    visit = take_in(session, rulebook, at("09:02"))
    press_next(session, rulebook, seat(session, rulebook, "awo-1", at("09:03")), at("09:03"))
    undo(session, visit, by=STAFF, now=at("09:04"))
    experience, calibration = read_experience(session, rulebook, at("10:00"))
    assert calibration.past == ()
    assert measured_here(experience) == []


def test_lengths_gaps_and_leaving_are_learned_from_the_log(session: Session, rulebook: RuleBook) -> None:
    for minute in range(3):
        take_in(session, rulebook, at(f"09:0{minute}"), age_group="from_27", concern="letter")
    gone = take_in(session, rulebook, at("09:05"))
    serve_next(session, rulebook, "awo-1", at("09:10"), 20)
    serve_next(session, rulebook, "awo-1", at("09:32"), 10)
    leave(session, gone.id, by=STAFF, now=at("09:35"))
    experience, _ = read_experience(session, rulebook, at("10:00"))
    assert measured_here(experience) == [
        (Kind("MBE", "letter"), 20.0),
        (Kind("MBE", "letter"), 10.0),
    ]
    assert 2.0 in experience.gaps
    assert max(experience.gap) < 8.0  # the week since last Wednesday is no gap
    assert (30.0, True) in experience.waits


def test_times_that_were_entered_later_teach_nothing(session: Session, rulebook: RuleBook) -> None:
    take_in(session, rulebook, at("09:00"))
    serve_next(session, rulebook, "awo-1", at("09:10"), 20).times_unreliable = True
    session.flush()
    experience, _ = read_experience(session, rulebook, at("10:00"))
    assert measured_here(experience) == []


def test_the_configured_lengths_are_those_of_the_file(session: Session, rulebook: RuleBook) -> None:
    experience, _ = read_experience(session, rulebook, at("10:00"))
    assert fmean(experience.lengths(Kind("MBE", "letter"))) == pytest.approx(15.0, rel=0.05)


def test_pages_that_only_read_share_one_forecast_until_something_changes(database: Database) -> None:
    def ask(now: datetime) -> int:
        with database.reading() as session:
            rules = read_rulebook(session)
            return id(forecast_opening(session, rules, opening_of(rules), now))

    with database.writing() as session:
        take_in(session, read_rulebook(session), at("09:00"))
        session.commit()
    first = ask(at("09:05"))
    assert ask(at("09:05") + timedelta(seconds=30)) == first
    with database.writing() as session:
        take_in(session, read_rulebook(session), at("09:05"))
        session.commit()
    assert ask(at("09:05")) != first


def test_the_own_log_is_what_a_backtest_reads(session: Session, rulebook: RuleBook) -> None:
    take_in(session, rulebook, at("09:00"), age_group="from_27", concern="letter", language="ar")
    serve_next(session, rulebook, "awo-1", at("09:12"), 20)
    no_show = book_at(session, rulebook, "10:00")
    miss(session, no_show.id, by=STAFF, now=at("10:20"))
    rows, rota = read_own_log(session, rulebook)
    here = [each for each in rows if each.opening.endswith("2026-11-25") and each.opening.startswith("buergerbuero")]
    assert [(each.arrived_at, each.called_at, each.finished_at, each.desk) for each in here] == [
        (at("09:00"), at("09:12"), at("09:32"), "awo-1"),
        (None, None, None, ""),
    ]
    assert (here[0].service, here[0].concern, here[0].language) == ("MBE", "letter", "ar")
    assert here[1].starts_at == at("10:00")
    assert {each.desk for each in rota if each.opening == here[0].opening} == {"awo-1", "awo-2", "ib-1"}


def test_a_visit_that_was_handed_over_arrives_once_and_keeps_two_desks_busy(
    session: Session, rulebook: RuleBook
) -> None:
    visit = take_in(session, rulebook, at("09:00"))
    first = press_next(session, rulebook, seat(session, rulebook, "awo-1", at("09:05")), at("09:05"))
    start(session, first.id, by=STAFF, now=at("09:05"))
    hand_over(session, rulebook, first.id, Recipient(adviser="ib-1"), by=STAFF, now=at("09:20"))
    serve_next(session, rulebook, "ib-1", at("09:25"), 10)
    rows, _ = read_own_log(session, rulebook)
    here = [each for each in rows if each.called_at and each.called_at >= at("09:00")]
    assert [(each.arrived_at, each.desk) for each in here] == [(at("09:00"), "awo-1"), (None, "ib-1")]
    assert session.scalar(select(Visit.state).where(Visit.id == visit.id)) == "done"


def test_nobody_waits_on_in_the_own_log_who_was_called_and_did_not_come(session: Session, rulebook: RuleBook) -> None:
    take_in(session, rulebook, at("09:00"))
    consultation = press_next(session, rulebook, seat(session, rulebook, "awo-1", at("09:05")), at("09:05"))
    consultation.calls = 9
    miss_call(session, consultation.id, by=STAFF, now=at("09:10"))
    rows, _ = read_own_log(session, rulebook)
    here = [each for each in rows if each.arrived_at == at("09:00")]
    assert [(each.called_at, each.left_at) for each in here] == [(None, at("09:10"))]


def test_whom_the_night_found_in_consultation_was_called_and_ended_nobody_knows_when(
    session: Session, rulebook: RuleBook
) -> None:
    visit = take_in(session, rulebook, at("09:00"))
    consultation = press_next(session, rulebook, seat(session, rulebook, "awo-1", at("09:05")), at("09:05"))
    start(session, consultation.id, by=STAFF, now=at("09:06"))
    close_visit(session, visit.id, at("00:10", THURSDAY))
    rows, _ = read_own_log(session, rulebook)
    here = [each for each in rows if each.arrived_at == at("09:00")]
    assert [(each.called_at, each.finished_at, each.left_at) for each in here] == [(at("09:05"), None, None)]
