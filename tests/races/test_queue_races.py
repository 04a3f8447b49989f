"""Races at the queue: advisers press "next" at the same instant, pick the same visit, and the desk gives numbers."""

from __future__ import annotations

from collections import Counter
from datetime import date, time, timedelta
from itertools import cycle, islice

import pytest
import time_machine
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scheduler import create_app
from scheduler.actions.calling import call, call_next, finish, start
from scheduler.actions.openings import lock_opening
from scheduler.actions.registration import Answers, check_in, leave, register
from scheduler.actions.rulebook import RuleBook, read_rulebook
from scheduler.db import Database
from scheduler.domain.visit_states import StepRefused
from scheduler.models import Account, AccountRole, Consultation, Hours, Step, Visit
from scheduler.web import app as _loaded_before_the_fork  # noqa: F401 - else each process loads all of it anew
from tests.actions.small_town import STAFF, WEDNESDAY, adviser_of, at, book_at, opening_of, place_of, seat
from tests.conftest import NOW, make_config
from tests.races.start_line import Act, counted, race
from tests.races.test_races import Do, prepare, runner
from tests.web.visitor import Visitor

SEATED = {"awo-2": "Tisch 2", "awo-1": "Tisch 1", "ib-1": "Tisch 3", "ib-2": "Platz 4"}
SIDE_DOOR = "buergerbuero-jung"
"""A second opening at the same place at the same time."""
WHO = (Answers(), Answers("from_27"), Answers("under_27"), Answers("from_27", language="ar"), Answers(urgent=True))


def give_numbers(
    session: Session, rulebook: RuleBook, how_many: int, who: tuple[Answers, ...] = (Answers(),)
) -> list[int]:
    """So many walk-ins, however full the house is; gives their visits."""
    lock_opening(session, opening_of(rulebook)).tickets = "open"
    return [
        register(session, rulebook, opening_of(rulebook), answers, locale="de", by=STAFF, now=at("08:45")).id
        for answers in islice(cycle(who), how_many)
    ]


def seat_and_log_in(session: Session, keys: list[str]) -> list[int]:
    """Advisers at their stations, and an account for each."""
    accounts = []
    for key in keys:
        adviser = seat(session, read_rulebook(session), key, at("08:55"), SEATED[key])
        account = Account(login=key, name=key, password_hash="-", created_at=NOW)
        account.roles.append(AccountRole(role="adviser", adviser=adviser))
        session.add(account)
        session.flush()
        accounts.append(account.id)
    return accounts


def serve_by_http(url: str, account_id: int) -> Act:
    """In each round: press "next", start, finish. Gives the visit, or what the page said."""
    app = create_app(make_config(url))
    database: Database = app.extensions["database"]
    with time_machine.travel(at("09:00"), tick=False):
        browser = Visitor(app).log_in_as(account_id)
        page = browser.open("/code")

    def latest_of_mine() -> Consultation | None:
        with database.reading() as session:
            role = select(AccountRole.adviser_id).where(AccountRole.account_id == account_id)
            mine = select(Consultation).where(Consultation.adviser_id.in_(role), Consultation.ended_at.is_(None))
            return session.scalar(mine)

    def act(number: int) -> str:
        with time_machine.travel(at("09:00") + timedelta(minutes=number), tick=False):
            answer = browser.post("/my/calls", page)
            consultation = latest_of_mine()
            if consultation is None:
                return f"{answer.status} {answer.location.rpartition('=')[2]}"
            statuses = [
                browser.post(f"/my/consultations/{consultation.id}/{verb}", page).status for verb in ("start", "finish")
            ]
        return f"visit {consultation.visit_id}" if [answer.status, *statuses] == [303] * 3 else str(statuses)

    return act


@pytest.mark.parametrize(("keys", "waiting", "rounds"), [(["awo-2", "awo-1"], 30, 24), ([*SEATED], 40, 18)])
def test_advisers_who_press_next_at_one_instant_never_get_the_same_and_nobody_is_forgotten(
    database_url: str, keys: list[str], waiting: int, rounds: int
) -> None:
    def set_the_scene(session: Session, rulebook: RuleBook) -> list[int]:
        if "ib-2" in keys:
            add_adviser(session)
        give_numbers(session, rulebook, waiting, WHO)
        return seat_and_log_in(session, keys)

    accounts = prepare(database_url, set_the_scene)
    outcomes = [
        outcome
        for one_round in race(lambda number: serve_by_http(database_url, accounts[number]), rounds, len(keys))
        for outcome in one_round
    ]
    called = [each for each in outcomes if each.startswith("visit ")]
    assert set(outcomes) - set(called) == {"303 nobody_waits"}
    assert len(set(called)) == len(called) == waiting
    check_that_each_was_served_once(database_url, waiting)


def add_adviser(session: Session) -> None:
    model = adviser_of(session, "ib-1")
    twin = type(model)(key="ib-2", carrier_id=model.carrier_id, name="ib-2", services=["JMD"], languages=["de", "fa"])
    session.add(twin)
    session.flush()


def check_that_each_was_served_once(url: str, waiting: int) -> None:
    database = Database(url)
    with database.reading() as session:
        assert Counter(session.scalars(select(Visit.state))) == {"done": waiting}
        assert session.scalars(select(func.count(Consultation.id))).one() == waiting
        verbs = Counter(session.scalars(select(Step.verb)))
        assert verbs == dict.fromkeys(("register", "call", "start", "finish"), waiting)
    database.engine.dispose()


def test_of_those_who_pick_one_visit_while_another_presses_next_one_gets_it(database_url: str) -> None:
    """Three have the same list before them and take its first; the fourth presses "next"."""
    rounds, keys = 12, [*SEATED]

    def set_the_scene(session: Session, rulebook: RuleBook) -> list[int]:
        add_adviser(session)
        seat_and_log_in(session, keys)
        return give_numbers(session, rulebook, 2 * rounds)

    waiting = prepare(database_url, set_the_scene)

    def act_as(number: int) -> Do:
        def do(session: Session, rulebook: RuleBook, round_number: int) -> str:
            adviser, now = adviser_of(session, keys[number]), at("09:00") + timedelta(minutes=round_number)
            if number == 0:
                called = call_next(session, rulebook, opening_of(rulebook), adviser, by=STAFF, now=now)
            else:
                called = call(session, waiting[2 * round_number], adviser, by=STAFF, now=now)
            start(session, called.id, by=STAFF, now=now)
            finish(session, called.id, by=STAFF, now=now)
            return f"visit {called.visit_id}"

        return do

    rows = race(lambda number: runner(database_url, act_as(number), (StepRefused,)), rounds, len(keys))
    called = Counter(each for row in rows for each in row if each.startswith("visit "))
    assert set(called.values()) == {1}
    for row in rows:
        assert set(row) - set(called) <= {"StepRefused"}, row
        assert row[0].startswith("visit ") and row.count("StepRefused") >= 2, row


def test_whoever_leaves_as_they_are_called_holds_no_adviser(database_url: str) -> None:
    rounds = 20

    def set_the_scene(session: Session, rulebook: RuleBook) -> list[int]:
        seat_and_log_in(session, ["awo-2"])
        return give_numbers(session, rulebook, rounds)

    waiting = prepare(database_url, set_the_scene)

    def act_as(number: int) -> Do:
        def do(session: Session, rulebook: RuleBook, round_number: int) -> str:
            now = at("09:00") + timedelta(minutes=round_number)
            if number == 0:
                return leave(session, waiting[round_number], by=STAFF, now=now).state
            return call(session, waiting[round_number], adviser_of(session, "awo-2"), by=STAFF, now=now).visit.state

        return do

    for row in race(lambda number: runner(database_url, act_as(number), (StepRefused,)), rounds, 2):
        assert row in (["left", "called"], ["left", "StepRefused"]), row
    database = Database(database_url)
    with database.reading() as session:
        assert session.scalars(select(Visit.state)).all() == ["left"] * rounds
        assert session.scalars(select(Consultation.id).where(Consultation.ended_at.is_(None))).all() == []
    database.engine.dispose()


def test_fifteen_numbers_at_once_are_consecutive_from_two_doors_and_with_appointments(database_url: str) -> None:
    """Seven walk-ins at one opening, six at another of the same place, two appointments: one row of numbers."""
    rounds, at_once = 4, 15
    starts = [f"{9 + number // 4}:{15 * (number % 4):02d}" for number in range(2 * rounds)]

    def set_the_scene(session: Session, rulebook: RuleBook) -> list[int]:
        open_side_door(session)
        rules = read_rulebook(session)
        for key in (opening_of(rules), opening_of(rules, SIDE_DOOR)):
            lock_opening(session, key).tickets = "open"
        return [book_at(session, rules, f"{each:>05}").id for each in starts]

    booked = prepare(database_url, set_the_scene)

    def act_as(number: int) -> Do:
        def do(session: Session, rulebook: RuleBook, round_number: int) -> str:
            if number >= at_once - 2:
                visit_id = booked[2 * round_number + number - (at_once - 2)]
                place_id = place_of(session).id
                return str(check_in(session, rulebook, visit_id, place_id, by=STAFF, now=at("08:50")).ticket)
            opening = opening_of(rulebook, SIDE_DOOR) if number % 2 else opening_of(rulebook)
            visit = register(session, rulebook, opening, Answers(), locale="de", by=STAFF, now=at("08:50"))
            return str(visit.ticket)

        return do

    drawn = race(lambda number: runner(database_url, act_as(number), ()), rounds, at_once)
    for number, row in enumerate(drawn):
        first = 1 + number * at_once
        assert sorted(row, key=int) == [str(each) for each in range(first, first + at_once)], row
    assert counted([each for row in drawn for each in row]) == {str(1 + each): 1 for each in range(rounds * at_once)}


def open_side_door(session: Session) -> None:
    session.add(
        Hours(
            key=SIDE_DOOR,
            position=99,
            place_id=place_of(session).id,
            services=["JMD"],
            dates=[WEDNESDAY.isoformat()],
            from_time=time(9),
            until_time=time(12),
            valid_from=date(2007, 7, 1),
            admits="walk_in",
            tickets_minutes_before=30,
        )
    )
    session.flush()
