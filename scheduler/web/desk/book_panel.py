"""The panel that finds a time for a caller, or for somebody at the counter. All answers live in the address or form."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from scheduler.actions.booking import Booking, nearest_slots
from scheduler.actions.registration import Answers
from scheduler.actions.rulebook import PlannedOpening
from scheduler.actions.slots import OfferedSlot, Question, find_slots, make_question
from scheduler.models import Adviser, Concern, Place, Visit
from scheduler.web.belongs import belongs_of_intake
from scheduler.web.desk.panel import clients_locale, read_answers
from scheduler.web.desk.queue import visit_named
from scheduler.web.edge import concerns, db, now, places, rulebook, today
from scheduler.web.offer import FIRST_DAYS, MOST_DAYS_AHEAD, read_days
from scheduler.web.permissions import may_here

Chosen = tuple[str, date, datetime]


@dataclass(frozen=True)
class BookPanel:
    """What the panel holds. `walk_in`: who gets a time instead of a number. `searched`: times were asked for."""

    asked: Answers
    adviser: str | None
    days: int
    walk_in: Visit | None
    searched: bool
    key: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    """Sending the same page twice books once."""
    nearest: list[tuple[Place, OfferedSlot]] | None = None
    """The time was taken: the nearest free ones."""

    @property
    def waiting(self) -> Visit | None:
        """The walk-in, while it waits."""
        return self.walk_in if self.walk_in is not None and self.walk_in.state == "waiting" else None

    def args(self, **changes: object) -> dict[str, Any]:
        """The panel as the address carries it."""
        given = {
            "book": 1,
            "age": self.asked.age_group,
            "concern": self.asked.concern or "",
            "language": self.asked.language or "",
            "people": self.asked.people,
            "urgent": 1 if self.asked.urgent else None,
            "fetch": 1 if self.asked.fetch_in_person else None,
            "adviser": self.adviser,
            "days": self.days if self.days != FIRST_DAYS else None,
            "for": self.waiting.id if self.waiting else None,
            "times": 1 if self.searched else None,
        }
        return {name: value for name, value in {**given, **changes}.items() if value is not None}


@dataclass(frozen=True)
class DayTimes:
    """The free times of one day, by place."""

    on: date
    by_place: list[tuple[Place, list[OfferedSlot]]]


@dataclass(frozen=True)
class FreeTimes:
    here: list[DayTimes]
    elsewhere: list[DayTimes]
    more: bool


def read_panel(given: Mapping[str, str]) -> BookPanel | None:
    """The panel as the address or a form says; None: it is not open."""
    if "book" not in given:
        return None
    asked = read_answers(given)
    adviser = given.get("adviser")
    concern = _concern_of(asked)
    asks_adviser = concern is not None and concern.asks_adviser
    return BookPanel(
        asked=asked,
        adviser=adviser if asks_adviser and adviser in rulebook().advisers else None,
        days=read_days(given.get("days", "")),
        walk_in=_walk_in_here(given.get("for", "")),
        searched="times" in given,
    )


def question_of(panel: BookPanel) -> Question:
    return make_question(
        rulebook(),
        age_group=panel.asked.age_group,
        concern=_concern_of(panel.asked),
        language=panel.asked.language,
        adviser_key=panel.adviser,
        by_staff=True,
    )


def booking_of(panel: BookPanel, chosen: Chosen) -> Booking:
    hours_key, original_on, starts_at = chosen
    return Booking(
        question=question_of(panel),
        hours_key=hours_key,
        original_on=original_on,
        starts_at=starts_at,
        locale=clients_locale(panel.asked.language),
        age_group=panel.asked.age_group,
        people=panel.asked.people,
    )


def idempotency_key(form: Mapping[str, str]) -> str | None:
    """Sending a page twice books once; another time of the same page is another booking."""
    return f"{form['key'][:64]} {form.get('slot', '')}" if form.get("key") else None


def find_times(panel: BookPanel, place: Place, without: PlannedOpening | None = None) -> FreeTimes:
    """The nearest days with free times: at this place, and at all others; before anything is asked, one of each.

    `without`: an opening whose times are not offered.
    """
    found = find_slots(
        db(),
        rulebook(),
        question_of(panel),
        from_on=today(),
        until_on=today() + timedelta(days=MOST_DAYS_AHEAD),
        now=now(),
    )
    if without is not None:
        found = [each for each in found if each.opening.public_id != without.public_id]
    here = _by_day(each for each in found if each.opening.hours.place_id == place.id)
    elsewhere = _by_day(each for each in found if each.opening.hours.place_id != place.id)
    most = panel.days if panel.searched else 1
    return FreeTimes(here[:most], elsewhere[:most], max(len(here), len(elsewhere)) > most)


def find_nearest(question: Question, starts_at: datetime) -> list[tuple[Place, OfferedSlot]]:
    """What is free nearest to a time that was taken, at any place."""
    known = {place.id: place for place in places()}
    offered = nearest_slots(db(), rulebook(), question, starts_at, now())
    return [(known[each.opening.hours.place_id], each) for each in offered]


def all_advisers() -> list[Adviser]:
    return list(db().scalars(select(Adviser).where(Adviser.retired_at.is_(None)).order_by(Adviser.position)))


def _by_day(found: Iterable[OfferedSlot]) -> list[DayTimes]:
    """Each start once: two office hours at one place may offer the same."""
    zone, known = rulebook().zone, {place.id: place for place in places()}
    days: dict[date, dict[int, dict[datetime, OfferedSlot]]] = {}
    for each in found:
        of_day = days.setdefault(each.slot.starts_at.astimezone(zone).date(), {})
        of_day.setdefault(each.opening.hours.place_id, {}).setdefault(each.slot.starts_at, each)
    return [
        DayTimes(on, [(known[place_id], list(starts.values())) for place_id, starts in of_day.items()])
        for on, of_day in sorted(days.items())
    ]


def _concern_of(asked: Answers) -> Concern | None:
    return next((each for each in concerns() if each.key == asked.concern), None)


def _walk_in_here(text: str) -> Visit | None:
    """The walk-in of this counter that the number names; it may have been called by now."""
    visit = visit_named(text)
    shown = visit is not None and visit.kind == "walk_in" and may_here("change", "queue", belongs_of_intake(visit))
    return visit if shown else None
