"""Random mornings: whatever desk and advisers do, in whatever order, nobody who waits is ever forgotten.

Each seed is one sequence of steps over the real actions, one transaction a step, many of them refused. After each one
the whole opening is looked at, from outside and as the desk sees it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.calling import (
    CalledTooRarely,
    NobodyWaits,
    NotSeated,
    StillServing,
    call,
    call_again,
    call_next,
    finish,
    miss_call,
    put_back,
    start,
)
from scheduler.actions.handing_over import NobodyThere, Recipient, hand_over
from scheduler.actions.openings import lock_visit
from scheduler.actions.parking import park, unpark
from scheduler.actions.presence import StationTaken, change_presence, sit_down
from scheduler.actions.registration import Answers, TicketsRefused, answer, check_in, leave, miss, register
from scheduler.actions.rulebook import read_rulebook
from scheduler.actions.steps import UndoRefused, undo
from scheduler.db import Database
from scheduler.domain.visit_states import UNDO_WITHIN, StepRefused
from scheduler.models import Absence, Adviser, Consultation, Opening, Presence, Step, TicketCounter, Visit
from scheduler.web.desk.queue import view_of
from tests.actions.small_town import (
    AGE_GROUPS,
    STAFF,
    WEDNESDAY,
    adviser_of,
    at,
    be_away,
    book_at,
    opening_of,
    place_of,
)

Found = TypeVar("Found")
REFUSALS = (
    StepRefused, UndoRefused, TicketsRefused, NotSeated, StillServing, NobodyWaits, CalledTooRarely, StationTaken,
    NobodyThere,
)  # fmt: skip
STEPS = 120
SEEDS = (2, 205)
"""The last two reach corners: an old page says of a visit that was called that it did not come; of those who are left
all have handed it over."""
ADVISERS = ("awo-1", "awo-2", "ib-1")
STATIONS = ("Tisch 1", "Tisch 2", "Tisch 3")
RECIPIENTS = [*(Recipient(adviser=key) for key in ADVISERS), Recipient(service="MBE"), Recipient(service="JMD")]
BOOKED = ("09:15", "09:45", "10:30", "11:00")
OFTEN = {
    "call_next": 8, "start": 8, "finish": 4, "hand_over": 3, "register": 3, "check_in": 2, "sit": 4, "come back": 4,
    "undo": 2, "go": 0.5, "break": 0.5, "leave": 0.5, "answer": 0.5,
}  # fmt: skip
"""How often a step is tried; all others once."""
SENSIBLE = 0.9
"""So often a step is tried where it fits. Else anywhere: a page may be old, a click may go wrong."""


class NothingFits(Exception):
    """This step makes no sense now: another one is tried."""


class Morning:
    """What can be done at the session, each with whatever chance picks."""

    def __init__(self, session: Session, chance: random.Random, now: datetime) -> None:
        self.session, self.chance, self.now = session, chance, now
        self.rulebook = read_rulebook(session)
        self.opening = opening_of(self.rulebook)
        self.to_do: dict[str, Callable[[], object]] = {
            "register": lambda: register(
                session, self.rulebook, self.opening, self.answers(), locale="de", by=STAFF, now=now, override=True
            ),
            "answer": lambda: answer(session, self.rulebook, self.visit("waiting"), self.answers(), by=STAFF, now=now),
            "check_in": lambda: check_in(
                session, self.rulebook, self.visit("booked", "missed"), place_of(session).id, by=STAFF, now=now
            ),
            "miss": lambda: miss(session, self.visit("booked"), by=STAFF, now=now),
            "leave": lambda: leave(session, self.visit("waiting", "called", "parked"), by=STAFF, now=now),
            "park": lambda: park(session, self.visit("waiting"), by=STAFF, now=now),
            "unpark": lambda: unpark(session, self.visit("parked"), by=STAFF, now=now),
            "undo": lambda: undo(session, lock_visit(session, self.lately_changed()), by=STAFF, now=now),
            "call_next": lambda: call_next(session, self.rulebook, self.opening, self.idle(), by=STAFF, now=now),
            "call": lambda: call(session, self.visit("waiting", "parked"), self.idle(), by=STAFF, now=now),
            "call_again": lambda: call_again(session, self.consultation("called"), by=STAFF, now=now),
            "put_back": lambda: put_back(session, self.consultation("called"), by=STAFF, now=now),
            "miss_call": lambda: miss_call(session, self.consultation("called"), by=STAFF, now=now),
            "start": lambda: start(session, self.consultation("called"), by=STAFF, now=now),
            "finish": lambda: finish(session, self.consultation("in_consultation"), by=STAFF, now=now),
            "hand_over": lambda: hand_over(
                session,
                self.rulebook,
                self.consultation("in_consultation"),
                chance.choice(RECIPIENTS),
                by=STAFF,
                now=now,
            ),
            "sit": lambda: sit_down(session, self.opening, self.adviser(None, "gone"), chance.choice(STATIONS), now),
            "break": lambda: change_presence(session, self.opening, self.adviser("present"), "break", now),
            "come back": lambda: change_presence(session, self.opening, self.adviser("break"), "present", now),
            "go": lambda: change_presence(session, self.opening, self.adviser("present", "break"), "gone", now),
        }

    def do_something(self) -> str:
        """Try one step; gives its name. Raises one of REFUSALS."""
        names = list(self.to_do)
        while True:
            name = self.chance.choices(names, [OFTEN.get(each, 1) for each in names])[0]
            try:
                self.to_do[name]()
                return name
            except NothingFits:
                continue

    def answers(self) -> Answers:
        return Answers(
            age_group=self.chance.choice(AGE_GROUPS),
            concern=self.chance.choice([None, "letter", "advice"]),
            language=self.chance.choice([None, None, "ar", "uk", "fa"]),  # nobody speaks the last
            urgent=self.chance.random() < 0.1,
        )

    def adviser(self, *states: str | None) -> Adviser:
        """One who is so; None: who has not sat down yet."""
        here = dict(self.session.execute(select(Presence.adviser_id, Presence.state)).all())
        found = [adviser_of(self.session, key) for key in ADVISERS]
        return self.one_of(found, lambda each: here.get(each.id) in states)

    def idle(self) -> Adviser:
        """One who is here and has nobody."""
        busy = set(self.session.scalars(select(Consultation.adviser_id).where(Consultation.ended_at.is_(None))))
        here = set(self.session.scalars(select(Presence.adviser_id).where(Presence.state == "present")))
        found = [adviser_of(self.session, key) for key in ADVISERS]
        return self.one_of(found, lambda each: each.id in here - busy)

    def visit(self, *states: str) -> int:
        return self.one_of(visits_today(self.session), lambda each: each.state in states).id

    def lately_changed(self) -> int:
        return self.one_of(visits_today(self.session), lambda each: self.now - each.changed_at <= UNDO_WITHIN).id

    def consultation(self, state: str) -> int:
        """One of a visit in this state that goes on."""
        found = list(self.session.scalars(select(Consultation).order_by(Consultation.id)))
        return self.one_of(found, lambda each: each.ended_at is None and each.visit.state == state).id

    def one_of(self, found: list[Found], fits: Callable[[Found], bool]) -> Found:
        if self.chance.random() < SENSIBLE:
            found = [each for each in found if fits(each)]
        if not found:
            raise NothingFits
        return self.chance.choice(found)


def visits_today(session: Session) -> list[Visit]:
    return list(session.scalars(select(Visit).where(Visit.local_on == WEDNESDAY).order_by(Visit.id)))


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_happens_nobody_who_waits_is_forgotten(
    app: Flask, database: Database, clock: time_machine.Traveller, seed: int
) -> None:
    chance, history, now = random.Random(seed), list[str](), at("08:40")
    prepare(database, chance)
    version = 0
    for _ in range(STEPS):
        now += timedelta(seconds=chance.choice([0, 10, 60, 120]))
        clock.move_to(now)
        with database.writing() as session:
            try:
                history.append(Morning(session, chance, now).do_something())
                session.commit()
            except REFUSALS as refused:
                session.rollback()
                history.append(type(refused).__name__)
        version = check(app, database, history, version)
    taken = Counter(history)
    assert all(taken[each] for each in ("register", "call_next", "start", "finish")), taken
    check_that_all_are_called(database, chance, now)


def prepare(database: Database, chance: random.Random) -> None:
    with database.writing() as session:
        rulebook = read_rulebook(session)
        for each in BOOKED:
            book_at(session, rulebook, each, language=chance.choice([None, "uk"]), service=None)
        if chance.random() < 0.5:
            be_away(session, chance.choice(ADVISERS), "08:00", "13:00")
        session.commit()


def check(app: Flask, database: Database, history: list[str], version: int) -> int:
    """What must hold at any moment. Gives the opening's version, by which pages know that something has changed."""
    with database.reading() as session:
        visits = visits_today(session)
        check_consultations(session, visits, history)
        check_tickets(session, visits, history)
        check_steps(session, visits, history)
        here = servers(session)
        unservable = {each.id for each in visits if each.state == "waiting" and not can_be_served(each, here)}
        waiting = {each.id for each in visits if each.state == "waiting"}
        found = session.scalar(select(Opening.version).where(Opening.original_on == WEDNESDAY)) or 0
        opening = opening_of(read_rulebook(session))
    with app.test_request_context("/desk"):
        view = view_of(opening)
        red = {row.visit.id for row in view.red}
        seen = {row.visit.id for row in [*view.red, *view.waiting, *view.hardly]}
    assert unservable <= red, history
    assert seen == waiting, history
    changed = not history[-1][0].isupper() and history[-1] not in ("break", "come back", "go")
    assert found > version if changed else found >= version, history
    return found


def check_consultations(session: Session, visits: list[Visit], history: list[str]) -> None:
    going_on = list(session.scalars(select(Consultation).where(Consultation.ended_at.is_(None))))
    assert len({each.adviser_id for each in going_on}) == len(going_on), history
    served = sorted(each.id for each in visits if each.state in ("called", "in_consultation"))
    assert sorted(each.visit_id for each in going_on) == served, history
    assert all((each.started_at is not None) == (each.visit.state == "in_consultation") for each in going_on), history


def check_tickets(session: Session, visits: list[Visit], history: list[str]) -> None:
    tickets = [each.ticket for each in visits if each.ticket is not None]
    last = session.scalar(select(TicketCounter.last_number).where(TicketCounter.local_on == WEDNESDAY)) or 0
    assert sorted(tickets) == list(range(1, last + 1)), history
    assert all(each.ticket and each.arrived_at for each in visits if each.state in ("waiting", "called")), history


def check_steps(session: Session, visits: list[Visit], history: list[str]) -> None:
    """Each visit stands where its last line says, and each line begins where the one before it ended."""
    lines: dict[int, list[Step]] = {each.id: [] for each in visits}
    for step in session.scalars(select(Step).order_by(Step.id)):
        lines[step.visit_id].append(step)
    for visit in visits:
        steps = lines[visit.id]
        assert steps[-1].to_state == visit.state, history
        ends = [each.to_state for each in steps[:-1]]
        assert [each.from_state for each in steps[1:]] == ends and steps[0].from_state is None, history


def servers(session: Session) -> list[Adviser]:
    """Who is here, on a break, or still expected."""
    states = dict(session.execute(select(Presence.adviser_id, Presence.state)).all())
    advisers = [adviser_of(session, key) for key in ADVISERS]
    away = {each.id for each in advisers if each.id not in states and is_away(session, each)}
    return [each for each in advisers if states.get(each.id) != "gone" and each.id not in away]


def is_away(session: Session, adviser: Adviser) -> bool:
    return session.scalar(select(Absence.id).where(Absence.adviser_id == adviser.id)) is not None


def can_be_served(visit: Visit, here: list[Adviser]) -> bool:
    """Whether somebody who is here meets every wish. Who asks for an adviser who is here gets no other."""
    if visit.wished_adviser_id is not None:
        return visit.wished_adviser_id in [each.id for each in here]
    return any(
        (visit.service is None or visit.service.key in each.services)
        and (visit.language is None or visit.language in each.languages)
        for each in here
    )


def check_that_all_are_called(database: Database, chance: random.Random, now: datetime) -> None:
    """Those who stay, one at least, press "next" until nobody waits: nobody may be left over."""
    staying = chance.sample(ADVISERS, chance.randint(1, len(ADVISERS)))
    with database.writing() as session:
        for each in session.scalars(select(Consultation).where(Consultation.ended_at.is_(None))).all():
            (finish if each.started_at else put_back)(session, each.id, by=STAFF, now=now)
        morning = Morning(session, chance, now)
        for key in ADVISERS:
            change_presence(session, morning.opening, adviser_of(session, key), "gone", now)
        for key, station in zip(staying, STATIONS, strict=False):
            sit_down(session, morning.opening, adviser_of(session, key), station, now)
        idle = list(staying)
        while idle:
            adviser = adviser_of(session, idle[0])
            try:
                called = call_next(session, morning.rulebook, morning.opening, adviser, by=STAFF, now=now)
            except NobodyWaits:
                idle.pop(0)
                continue
            start(session, called.id, by=STAFF, now=now)
            finish(session, called.id, by=STAFF, now=now)
        assert [each.id for each in visits_today(session) if each.state == "waiting"] == []
        session.rollback()
