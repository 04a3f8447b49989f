"""The proof: backups that are taken while real processes book, move, cancel, register and call are of one instant.

Each writer's own steps must be in a backup up to some moment and not beyond; all that was stored before the backup
began must be in it; and what is true of a database in use must be true of what is restored.
"""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from scheduler.actions.booking import SlotTaken, book, cancel, move
from scheduler.actions.calling import NobodyWaits, StillServing, call_next, finish, start
from scheduler.actions.contacts import leave_contact
from scheduler.actions.presence import sit_down
from scheduler.actions.registration import Answers, register
from scheduler.actions.rulebook import RuleBook, read_rulebook
from scheduler.actions.steps import By
from scheduler.backup import make_backup, restore
from scheduler.db import Database
from scheduler.domain.visit_states import StepRefused
from scheduler.models import Account, Message, Step, Visit
from tests.actions.small_town import OFFICE, adviser_of, at, booking_at, opening_of
from tests.conftest import NOW, SECRET
from tests.operation.conftest import Make
from tests.operation.invariants import faults, versions
from tests.races.test_races import STARTS

WRITERS = 3
STEPS_BEFORE_THE_FIRST = 30
PATIENCE_SECONDS = 60
REFUSALS = (SlotTaken, StepRefused, NobodyWaits, StillServing)
ADVISERS = ("awo-1", "awo-2", "ib-1")
MORNING = at("09:00")
_fork = multiprocessing.get_context("fork")

Deed = Callable[[Session, RuleBook, random.Random, By], object]


def book_somewhere(session: Session, rules: RuleBook, chance: random.Random, by: By) -> object:
    on, clock = chance.choice(STARTS)
    visit = book(session, rules, booking_at(session, rules, clock, key=OFFICE, on=on), by=by, now=NOW)
    email = f"client-{visit.id}@example.org"
    return leave_contact(session, visit.id, email=email, phone=None, reminders=True, secret=SECRET, now=NOW)


def move_one(session: Session, rules: RuleBook, chance: random.Random, by: By) -> object:
    on, clock = chance.choice(STARTS)
    visit_id = any_visit(session, "booked", chance)
    return visit_id and move(session, rules, visit_id, OFFICE, on, at(clock, on), by=by, now=NOW)


def cancel_one(session: Session, rules: RuleBook, chance: random.Random, by: By) -> object:
    visit_id = any_visit(session, "booked", chance)
    return visit_id and cancel(session, visit_id, by=by, now=NOW)


def register_one(session: Session, rules: RuleBook, chance: random.Random, by: By) -> object:
    opening = opening_of(rules)
    return register(session, rules, opening, Answers(), locale="de", by=by, now=MORNING, override=True)


def serve_one(session: Session, rules: RuleBook, chance: random.Random, by: By) -> object:
    adviser = adviser_of(session, ADVISERS[(by.account_id or 0) % len(ADVISERS)])
    called = call_next(session, rules, opening_of(rules), adviser, by=by, now=MORNING)
    start(session, called.id, by=by, now=MORNING)
    return finish(session, called.id, by=by, now=MORNING + timedelta(minutes=5))


DEEDS: tuple[Deed, ...] = (book_somewhere, book_somewhere, move_one, cancel_one, register_one, serve_one)


def any_visit(session: Session, state: str, chance: random.Random) -> int | None:
    found = list(session.scalars(select(Visit.id).where(Visit.state == state, Visit.kind == "appointment")))
    return chance.choice(found) if found else None


def write_on(url: str, account_id: int, stop: Event) -> None:
    """One writer: a transaction after the other, until it is told to stop."""
    database, chance = Database(url), random.Random(account_id)
    with database.reading() as session:
        rules = read_rulebook(session)
    while not stop.is_set():
        with database.writing() as session:
            try:
                chance.choice(DEEDS)(session, rules, chance, By("staff", account_id))
                session.commit()
            except REFUSALS:
                session.rollback()
    database.engine.dispose()


def prepare(url: str) -> list[int]:
    """Seats the advisers; gives the writers' accounts."""
    database = Database(url)
    with database.writing() as session:
        rules = read_rulebook(session)
        for number, key in enumerate(ADVISERS):
            sit_down(session, opening_of(rules), adviser_of(session, key), f"Tisch {number + 1}", at("08:50"))
        accounts = [
            Account(login=f"writer-{each}", name="Writer", password_hash="-", created_at=NOW) for each in range(WRITERS)
        ]
        session.add_all(accounts)
        session.commit()
        found = [each.id for each in accounts]
    database.engine.dispose()
    return found


def count_steps(engine: Engine) -> int:
    with Session(engine) as session:
        return session.scalars(select(func.count(Step.id))).one()


def steps_of(session: Session, account_id: int) -> list[tuple[object, ...]]:
    columns = (Step.id, Step.visit_id, Step.verb, Step.from_state, Step.to_state)
    return [
        tuple(row) for row in session.execute(select(*columns).where(Step.account_id == account_id).order_by(Step.id))
    ]


def back_up_meanwhile(url: str, engine: Engine, folder: Path) -> list[tuple[Path, int, int]]:
    """Two backups, each with how many steps were stored before it began and after it was done.

    The second one is repeated until somebody has written meanwhile: on SQLite some take a hundredth of a second.
    """
    found: list[tuple[Path, int, int]] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    for number in range(1000):
        before = count_steps(engine)
        made = make_backup(url, folder, NOW + timedelta(seconds=number), str)
        found.append((made.path, before, count_steps(engine)))
        if number > 0 and found[-1][2] > before:
            return [found[0], found[-1]]
        assert time.monotonic() < deadline, "nobody wrote while a backup was taken"
    raise AssertionError("nobody wrote while a backup was taken")


@pytest.mark.timeout(180)
def test_a_backup_under_write_load_restores_to_one_consistent_instant(
    make_town: Make, make_empty: Make, open_at: Callable[[str], Engine], tmp_path: Path
) -> None:
    url = make_town()
    accounts, stop = prepare(url), _fork.Event()
    writers = [_fork.Process(target=write_on, args=(url, each, stop)) for each in accounts]
    for each in writers:
        each.start()
    try:
        engine, deadline = open_at(url), time.monotonic() + PATIENCE_SECONDS
        while count_steps(engine) < STEPS_BEFORE_THE_FIRST:
            assert time.monotonic() < deadline and all(each.is_alive() for each in writers)
            time.sleep(0.02)
        taken = back_up_meanwhile(url, engine, tmp_path / "backups")
        assert all(each.is_alive() for each in writers), "a writer failed while backups were taken"
    finally:
        stop.set()
        for each in writers:
            each.join(20)
            each.kill()
    with Session(engine) as session:
        assert faults(session) == []
        in_the_end, last_versions = {each: steps_of(session, each) for each in accounts}, versions(session)
    older: dict[int, int] = {}
    for path, before, after in taken:
        restored = make_empty()
        restore(restored, path, replace=False, now=NOW, say=str)
        with Session(open_at(restored)) as session:
            assert faults(session) == []
            found = {each: steps_of(session, each) for each in accounts}
            assert {each: in_the_end[each][: len(steps)] for each, steps in found.items()} == found
            assert before <= sum(map(len, found.values())) <= after
            assert session.scalars(select(func.count(Message.id))).one() > 0
            newer = versions(session)
        assert all(older[each] <= newer[each] for each in older)
        assert all(newer[each] <= last_versions[each] for each in newer)
        older = newer


def disturb_state(session: Session) -> None:
    session.execute(update(Visit).where(Visit.kind == "walk_in").values(state="done"))


def disturb_counter(session: Session) -> None:
    session.execute(update(Visit).where(Visit.kind == "walk_in").values(ticket=900))


def disturb_message(session: Session) -> None:
    session.execute(update(Visit).values(sequence=Visit.sequence + 1))


@pytest.mark.parametrize("disturb", [disturb_state, disturb_counter, disturb_message])
def test_what_is_looked_for_would_be_found(
    make_town: Make, open_at: Callable[[str], Engine], disturb: Callable[[Session], None]
) -> None:
    """A backup of two instants would hold a visit without its step, a number beyond its counter, an old message."""
    with Session(open_at(make_town())) as session:
        rules, chance, by = read_rulebook(session), random.Random(1), By("staff")
        book_somewhere(session, rules, chance, by)
        register_one(session, rules, chance, by)
        assert faults(session) == []
        disturb(session)
        assert faults(session) != []
        session.rollback()
