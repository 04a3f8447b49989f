"""What has happened at the demo opening so far: accounts, advisers at their tables, a queue, appointments.

All of it goes through the same actions as in a real morning, only that their `now` lies in the past.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.booking import Booking, SlotTaken, book
from scheduler.actions.calling import Outcome, call, finish, put_back, record_outcome, start
from scheduler.actions.contacts import leave_contact
from scheduler.actions.openings import stored_opening
from scheduler.actions.presence import sit_down
from scheduler.actions.registration import Answers, check_in, register
from scheduler.actions.rulebook import PlannedOpening, RuleBook, read_rulebook
from scheduler.actions.slots import make_question
from scheduler.actions.staff import make_account
from scheduler.actions.steps import CLIENT, By
from scheduler.demo.town import PLACE
from scheduler.domain.recurrence import local_date
from scheduler.domain.routing import AgeGroup
from scheduler.models import Account, Adviser, Carrier, Concern, Consultation, Place, Visit


@dataclass(frozen=True)
class LogIn:
    login: str
    password: str
    name: str
    desk: str | None = None
    adviser: str | None = None
    carrier: str | None = None
    hours_at: str | None = None
    administrator: bool = False


LOG_INS = (
    LogIn("desk", "demo-desk", "Empfang (Demo)", desk=PLACE),
    LogIn("adviser", "demo-adviser", "Beratung Diakonie (Demo)", adviser="demo-diakonie"),
    LogIn("adviser2", "demo-adviser2", "Beratung AWO (Demo)", adviser="demo-awo"),
    LogIn("coordinator", "demo-coordinator", "Koordination AWO (Demo)", carrier="awo"),
    LogIn("hours", "demo-hours", "Sprechzeiten (Demo)", hours_at=PLACE),
    LogIn("administrator", "demo-administrator", "Verwaltung (Demo)", administrator=True),
)

_APPOINTMENTS: dict[str, tuple[int, AgeGroup, str, str | None]] = {
    # minutes after the door opened, age, concern, language
    "first": (15, "from_27", "letter", "de"),
    "second": (45, "from_27", "letter", "ar"),
    "third": (75, "under_27", "letter", "uk"),
    "fourth": (105, "family", "unsure", None),
    "fifth": (150, "from_27", "advice", "tr"),
}
_LEFT_AN_ADDRESS = "fifth"

_WALK_INS: dict[str, tuple[int, Answers]] = {
    # minutes after the door opened, what the desk asked
    "a": (-20, Answers("from_27", "letter", "ar")),
    "b": (-12, Answers("from_27", "advice", "de")),
    "c": (-5, Answers("from_27", "letter", "en")),
    "d": (4, Answers("from_27", "advice", "tr", people=3)),
    "e": (11, Answers("under_27", "unsure", "uk")),
    "f": (22, Answers()),
    "g": (29, Answers("from_27", "advice", "fa", people=2)),
    "h": (33, Answers("family", "letter", "ar")),
    "i": (41, Answers("from_27", "letter", "de", urgent=True)),
    "j": (52, Answers("under_27", "letter", "fr")),
    "k": (-8, Answers("under_27", "advice", "de")),
}
_CHECK_INS = {"first": 7, "second": 38}
_SEATS = {"demo-awo": (-4, "Tisch 1"), "demo-caritas": (-3, "Tisch 2"), "demo-ib": (9, "Tisch 4")}

_SERVED: tuple[tuple[str, str, int, int | None, int | None], ...] = (
    # who, by whom, minutes of call, start and end
    ("a", "demo-awo", 1, 2, 13),
    ("b", "demo-caritas", 2, 3, 28),
    ("first", "demo-awo", 15, 16, 29),
    ("c", "demo-caritas", 30, 31, 41),
    ("d", "demo-caritas", 43, 44, None),
    ("k", "demo-ib", 33, 35, None),
    ("second", "demo-awo", 58, None, None),
)


def make_accounts(session: Session, now: datetime) -> None:
    """The demo's log-ins, once."""
    for each in LOG_INS:
        if session.scalar(select(Account).where(Account.login == each.login)) is None:
            make_account(
                session,
                login=each.login,
                name=each.name,
                password=each.password,
                now=now,
                desk_of=session.scalar(select(Place).where(Place.key == each.desk)),
                adviser=session.scalar(select(Adviser).where(Adviser.key == each.adviser)),
                carrier=session.scalar(select(Carrier).where(Carrier.key == each.carrier)),
                hours_at=session.scalar(select(Place).where(Place.key == each.hours_at)),
                administrator=each.administrator,
                is_demo=True,
            )


def fill_opening(session: Session, hours_key: str, secret: str, now: datetime) -> None:
    """Let the morning happen up to now; does nothing where it has happened."""
    rulebook = read_rulebook(session)
    opening = rulebook.opening(hours_key, local_date(now, rulebook.zone))
    assert opening is not None
    if stored_opening(session, opening) is not None:
        return
    morning = _Morning(session, rulebook, opening, now)
    morning.end_earlier_ones()
    morning.book_appointments(secret)
    morning.happen()


class _Morning:
    """One opening's morning so far; what would lie in the future has not happened."""

    def __init__(self, session: Session, rulebook: RuleBook, opening: PlannedOpening, now: datetime) -> None:
        self.session = session
        self.rulebook = rulebook
        self.opening = opening
        self.now = now
        self.desk = By("staff", session.scalar(select(Account.id).where(Account.login == "desk")))
        self.visits: dict[str, int] = {}

    def end_earlier_ones(self) -> None:
        """An earlier demo opening was left in the middle of things: its advisers are free again."""
        for consultation in self.session.scalars(select(Consultation).where(Consultation.ended_at.is_(None))).all():
            end = finish if consultation.started_at else put_back
            end(self.session, consultation.id, by=self.desk, now=self.now)

    def book_appointments(self, secret: str) -> None:
        for name, (minutes, age_group, concern, language) in _APPOINTMENTS.items():
            visit = self._book(minutes, age_group, concern, language)
            if visit is not None:
                self.visits[name] = visit.id
        if _LEFT_AN_ADDRESS in self.visits:
            leave_contact(
                self.session,
                self.visits[_LEFT_AN_ADDRESS],
                email="demo@example.org",
                phone=None,
                reminders=True,
                secret=secret,
                now=self.now,
            )

    def happen(self) -> None:
        """Everything in order of time, up to now."""
        for minutes, event in sorted(self._events(), key=lambda each: each[0]):
            at = self.opening.dated.starts_at + timedelta(minutes=minutes)
            if at < self.now:
                event(at)

    def _events(self) -> Iterator[tuple[int, Callable[[datetime], object]]]:
        for key, (minutes, station) in _SEATS.items():
            yield minutes, partial(self._seat, key, station)
        for name, (minutes, answers) in _WALK_INS.items():
            yield minutes, partial(self._take_in, name, answers)
        for name, minutes in _CHECK_INS.items():
            yield minutes, partial(self._check_in, name)
        for name, key, called, started, ended in _SERVED:
            yield called, partial(self._call, name, key)
            if started is not None:
                yield started, partial(self._start, name)
            if ended is not None:
                yield ended, partial(self._finish, name)

    def _seat(self, key: str, station: str, at: datetime) -> None:
        sit_down(self.session, self.opening, self._adviser(key), station, at)

    def _take_in(self, name: str, answers: Answers, at: datetime) -> None:
        locale = "ar" if answers.language == "ar" else "de"
        visit = register(
            self.session,
            self.rulebook,
            self.opening,
            answers,
            locale=locale,
            by=self.desk,
            now=at,
            override=True,  # a demo that is started late in the opening still shows a queue
        )
        self.visits[name] = visit.id

    def _check_in(self, name: str, at: datetime) -> None:
        if name in self.visits:
            check_in(self.session, self.rulebook, self.visits[name], self.opening.hours.place_id, by=self.desk, now=at)

    def _call(self, name: str, key: str, at: datetime) -> None:
        if name in self.visits:
            call(self.session, self.visits[name], self._adviser(key), by=self.desk, now=at)

    def _start(self, name: str, at: datetime) -> None:
        consultation = self._open_consultation(name)
        if consultation is not None:
            start(self.session, consultation.id, by=self.desk, now=at)

    def _finish(self, name: str, at: datetime) -> None:
        consultation = self._open_consultation(name)
        if consultation is not None:
            finish(self.session, consultation.id, by=self.desk, now=at)
            outcome = Outcome(case_kind="new", family_members=1, topics=("german-course",))
            record_outcome(self.session, consultation, outcome, at)

    def _open_consultation(self, name: str) -> Consultation | None:
        visit_id = self.visits.get(name)
        return self.session.get_one(Visit, visit_id, populate_existing=True).open_consultation if visit_id else None

    def _book(self, minutes: int, age_group: AgeGroup, concern: str, language: str | None) -> Visit | None:
        question = make_question(
            self.rulebook,
            age_group=age_group,
            concern=self.session.scalars(select(Concern).where(Concern.key == concern)).one(),
            language=language,
        )
        booking = Booking(
            question=question,
            hours_key=self.opening.hours.key,
            original_on=self.opening.dated.original_on,
            starts_at=self.opening.dated.starts_at + timedelta(minutes=minutes),
            locale="ar" if language == "ar" else "de",
            age_group=age_group,
        )
        yesterday = self.opening.dated.starts_at - timedelta(days=1)
        try:
            return book(self.session, self.rulebook, booking, by=CLIENT, now=yesterday)
        except SlotTaken:  # late in the evening the opening is shorter than four hours
            return None

    def _adviser(self, key: str) -> Adviser:
        return self.session.scalars(select(Adviser).where(Adviser.key == key)).one()
