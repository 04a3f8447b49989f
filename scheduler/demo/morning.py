"""What has happened at the demo opening so far: accounts, advisers at their tables, a queue, appointments.

All of it goes through the same actions as in a real morning, only that their `now` lies in the past.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.booking import Booking, SlotTaken, book
from scheduler.actions.calling import Outcome, call, finish, record_outcome, start
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
from scheduler.models import Account, Adviser, Concern, Place, Visit


@dataclass(frozen=True)
class LogIn:
    login: str
    password: str
    name: str
    desk: str | None = None
    adviser: str | None = None


LOG_INS = (
    LogIn("desk", "demo-desk", "Front desk (demo)", desk=PLACE),
    LogIn("adviser", "demo-adviser", "Adviser (demo)", adviser="demo-diakonie"),
    LogIn("adviser2", "demo-adviser2", "Second adviser (demo)", adviser="demo-awo"),
)

_APPOINTMENTS: tuple[tuple[int, AgeGroup, str, str | None], ...] = (
    # minutes after the door opened, age, concern, language
    (15, "from_27", "letter", "de"),
    (45, "from_27", "letter", "ar"),
    (75, "under_27", "letter", "uk"),
    (105, "family", "unsure", None),
    (150, "from_27", "advice", "tr"),
)

_WALK_INS: tuple[tuple[int, Answers], ...] = (
    # minutes after the door opened, what the desk asked
    (-20, Answers("from_27", "letter", "ar")),
    (-12, Answers("under_27", "advice", "de")),
    (-5, Answers("from_27", "letter", "en")),
    (4, Answers("from_27", "advice", "tr", people=3)),
    (11, Answers("under_27", "unsure", "uk")),
    (22, Answers()),
    (29, Answers("from_27", "advice", "fa", people=2)),
    (33, Answers("family", "letter", "ar")),
    (41, Answers("from_27", "letter", "de", urgent=True)),
    (52, Answers("under_27", "letter", "fr")),
)
_SERVED = 3
"""So many of the first walk-ins have been served already."""


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
    morning.book_appointments(secret)
    morning.seat_advisers()
    morning.take_walk_ins_in()
    morning.serve_some()


class _Morning:
    """One opening's morning so far; what would lie in the future has not happened."""

    def __init__(self, session: Session, rulebook: RuleBook, opening: PlannedOpening, now: datetime) -> None:
        self.session = session
        self.rulebook = rulebook
        self.opening = opening
        self.now = now
        self.desk = By("staff", session.scalar(select(Account.id).where(Account.login == "desk")))
        self.walk_ins: list[int] = []

    def at(self, minutes: float) -> datetime:
        """That many minutes after the door opened, but not later than now."""
        return min(self.opening.dated.starts_at + timedelta(minutes=minutes), self.now)

    def has_happened(self, minutes: float) -> bool:
        return self.opening.dated.starts_at + timedelta(minutes=minutes) < self.now

    def book_appointments(self, secret: str) -> None:
        for minutes, age_group, concern, language in _APPOINTMENTS:
            visit = self._book(minutes, age_group, concern, language)
            if visit is None:
                continue
            if minutes > 120:
                address = "demo@example.org"
                leave_contact(
                    self.session, visit.id, email=address, phone=None, reminders=True, secret=secret, now=self.now
                )
            elif self.has_happened(minutes - 8):
                check_in(self.session, self.rulebook, visit.id, visit.place_id, by=self.desk, now=self.at(minutes - 8))

    def seat_advisers(self) -> None:
        for minutes, key, station in ((-5, "demo-awo", "Tisch 1"), (-3, "demo-caritas", "Tisch 2")):
            if self.has_happened(minutes):
                sit_down(self.session, self.opening, self._adviser(key), station, self.at(minutes))

    def take_walk_ins_in(self) -> None:
        for minutes, answers in _WALK_INS:
            if self.has_happened(minutes):
                visit = register(
                    self.session,
                    self.rulebook,
                    self.opening,
                    answers,
                    locale="ar" if answers.language == "ar" else "de",
                    by=self.desk,
                    now=self.at(minutes),
                )
                self.walk_ins.append(visit.id)

    def serve_some(self) -> None:
        """The first three are done, one sits at a table, one is called."""
        for number, visit_id in enumerate(self.walk_ins[: _SERVED + 2]):
            adviser = self._adviser("demo-awo" if number % 2 == 0 else "demo-caritas")
            begins = 2 + 13 * number
            if not self.has_happened(begins + 1):
                return
            consultation = call(self.session, visit_id, adviser, by=self.desk, now=self.at(begins))
            if number > _SERVED or not self.has_happened(begins + 20):
                continue
            start(self.session, consultation.id, by=self.desk, now=self.at(begins + 1))
            if number < _SERVED:
                finish(self.session, consultation.id, by=self.desk, now=self.at(begins + 12))
                outcome = Outcome(case_kind="new", family_members=number, topics=("german-course",))
                record_outcome(self.session, consultation, outcome, self.at(begins + 13))

    def _book(self, minutes: int, age_group: AgeGroup, concern: str, language: str | None) -> Visit | None:
        question = make_question(
            self.session,
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
