"""Which times are free: the one question that pages, API, desk and the booking itself all ask."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Hashable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from scheduler.actions.rulebook import ConcernRule, PlannedOpening, RuleBook
from scheduler.actions.supply import ANY_OTHER_LANGUAGE, DAY, DEFAULT_MINUTES, is_frozen, read_taken, supply_of
from scheduler.domain.desk_share import minute_of, released_at
from scheduler.domain.matching import Wanted
from scheduler.domain.recurrence import local_date
from scheduler.domain.routing import AgeGroup, services_for
from scheduler.domain.slots import Slot, bookable_window, free_slots, slot_at
from scheduler.models import Concern, Opening


@dataclass(frozen=True)
class Question:
    """What a client asks for. `services` holds keys; empty: any. `language` and `adviser_id`: None, no wish.

    `by_staff`: asked for by staff, for whom also those times are free that a client has only just given back, and the
    share of an opening that is kept for the desk.
    """

    services: frozenset[str]
    minutes: int
    concern: str | None = None
    language: str | None = None
    adviser_id: int | None = None
    place_id: int | None = None
    by_staff: bool = False

    @property
    def wanted(self) -> Wanted:
        return Wanted(self.services, None if self.language == ANY_OTHER_LANGUAGE else self.language, self.adviser_id)


class OfferedSlot(NamedTuple):
    opening: PlannedOpening
    slot: Slot


Changes = dict[date, int]

NOBODY = 0
"""No adviser has this id: whoever wishes for somebody unknown is offered nothing, not everybody."""


def make_question(
    rulebook: RuleBook,
    *,
    age_group: AgeGroup = "unknown",
    service: str | None = None,
    concern: Concern | ConcernRule | None = None,
    language: str | None = None,
    adviser_key: str | None = None,
    place_id: int | None = None,
    by_staff: bool = False,
) -> Question:
    """The question that these answers make. A named service goes before the age group."""
    services = (service,) if service else services_for(age_group, rulebook.services)
    known = rulebook.advisers.get(adviser_key or "")
    adviser_id = (known.adviser_id if known else NOBODY) if adviser_key else None
    return Question(
        services=frozenset(services),
        minutes=concern.minutes if concern else DEFAULT_MINUTES,
        concern=concern.key if concern else None,
        language=language,
        adviser_id=adviser_id,
        place_id=place_id,
        by_staff=by_staff,
    )


def find_slots(
    session: Session,
    rulebook: RuleBook,
    question: Question,
    *,
    from_on: date,
    until_on: date,
    now: datetime,
    ignoring_visit_id: int | None = None,
    changes: Changes | None = None,
) -> list[OfferedSlot]:
    """All free starts on these days (both included), in order of time and place.

    ignoring_visit_id: a visit that is about to move does not stand in its own way. changes: `changes_between` these
    days, where the caller has asked for them already.
    """
    first = max(from_on, local_date(now, rulebook.zone))
    openings = [each for each in rulebook.openings(first, until_on, question.place_id) if _admits(each, question)]
    if ignoring_visit_id is None:
        found = _find_at(session, rulebook, openings, question, now, changes)
    else:
        found = _work_out(session, rulebook, openings, question, now, ignoring_visit_id)
    offered = [each for opening, slots in zip(openings, found, strict=True) for each in _bookable(opening, slots, now)]
    return sorted(offered, key=_by_time_and_place)


def find_slot(
    session: Session,
    rulebook: RuleBook,
    question: Question,
    opening: PlannedOpening,
    starts_at: datetime,
    now: datetime,
    ignoring_visit_id: int | None = None,
) -> Slot | None:
    """This one start, by the same rules as the list; None: not free, or never was."""
    hours = opening.hours
    if not _admits(opening, question) or not bookable_window(now, hours.lead, hours.horizon).includes(starts_at):
        return None
    taken = read_taken(session, [opening], now, {ignoring_visit_id}, by_staff=question.by_staff)
    keeps = _keeps_share(session, rulebook, opening, question, now)
    supply = supply_of(rulebook, opening, taken, frozen=is_frozen(opening, now), keeps=keeps)
    return slot_at(starts_at, supply, _wanted_at(opening, question), question.minutes)


def changes_between(session: Session, rulebook: RuleBook, from_on: date, until_on: date) -> Changes:
    """What all openings of each day have gone through: grows with every change of any of them.

    Rows carry the original date; an opening that was moved counts for the day on which it is held, too.
    """
    moved = [each.dated for each in rulebook.openings(from_on, until_on) if each.dated.on != each.dated.original_on]
    originals = [each.original_on for each in moved]
    window = {"from_on": min([from_on, *originals]), "until_on": max([until_on, *originals])}
    by_original = {on: int(changes) for on, changes in session.execute(_VERSIONS, window)}
    found = dict(by_original)
    for each in moved:
        found[each.on] = found.get(each.on, 0) + by_original.get(each.original_on, 0)
    return found


_OPENING = Opening.__table__.c
_VERSIONS = (
    select(_OPENING.original_on, func.sum(_OPENING.version))
    .where(_OPENING.original_on.between(bindparam("from_on"), bindparam("until_on")))
    .group_by(_OPENING.original_on)
)
MOST_KEPT = 20_000
"""So many openings, each with one question, a process remembers; then it begins anew."""


def _find_at(
    session: Session,
    rulebook: RuleBook,
    openings: list[PlannedOpening],
    question: Question,
    now: datetime,
    changes: Changes | None,
) -> list[list[OfferedSlot]]:
    """The free starts at each opening; those on whose day nothing has happened since are not worked out again.

    Only sessions that read keep anything: what a writer sees may yet be rolled back.
    """
    kept: dict[Any, list[OfferedSlot]] | None = session.info.get("kept")
    if kept is None or not openings:
        return _work_out(session, rulebook, openings, question, now)
    if changes is None:
        changes = changes_between(session, rulebook, openings[0].dated.on, openings[-1].dated.on)
    keys = _keys_of(session, rulebook, openings, question, now, changes)
    found = [kept.get(key) for key in keys]
    missing = [index for index, slots in enumerate(found) if slots is None]
    fresh = _work_out(session, rulebook, [openings[index] for index in missing], question, now)
    if len(kept) + len(missing) > MOST_KEPT:
        kept.clear()
    for index, slots in zip(missing, fresh, strict=True):
        found[index] = kept[keys[index]] = slots
    return [each or [] for each in found]


def _keys_of(
    session: Session,
    rulebook: RuleBook,
    openings: list[PlannedOpening],
    question: Question,
    now: datetime,
    changes: Changes,
) -> list[Hashable]:
    """All that decides what is free at each opening: rules, its day's changes, the question, frozen, released."""
    asked = replace(question, place_id=None)
    minute = now.replace(second=0, microsecond=0)
    return [
        (
            rulebook.stamp,
            each.public_id,
            asked,
            changes.get(each.dated.on),
            is_frozen(each, now),
            _keeps_share(session, rulebook, each, question, now),
            minute if each.dated.starts_at <= now + DAY else None,  # who is being served then takes longer and longer
        )
        for each in openings
    ]


def _keeps_share(
    session: Session, rulebook: RuleBook, opening: PlannedOpening, question: Question, now: datetime
) -> bool:
    """Whether clients leave a share of this opening to the desk now."""
    hours = opening.hours
    if question.by_staff or not hours.desk_share:
        return False
    return hours.release_days is None or now < share_released_at(session, rulebook, opening, hours.release_days)


def share_released_at(session: Session, rulebook: RuleBook, opening: PlannedOpening, release_days: int) -> datetime:
    """When this opening's share is released: at a minute that follows from its id and a secret, and is stored nowhere.

    So each opening has another one, all processes agree, and nobody can wait for it.
    """
    secret = str(session.info.get("release_key", "")).encode()
    digest = hmac.new(secret, f"release:{opening.public_id}".encode(), hashlib.sha256).digest()
    dated, minute = opening.dated, minute_of(int.from_bytes(digest[:8], "big"))
    state = opening.hours.rule.state
    return released_at(dated.starts_at, dated.on, release_days, minute, rulebook.zone, state)


def _work_out(
    session: Session,
    rulebook: RuleBook,
    openings: list[PlannedOpening],
    question: Question,
    now: datetime,
    ignoring_visit_id: int | None = None,
) -> list[list[OfferedSlot]]:
    taken = read_taken(session, openings, now, {ignoring_visit_id}, by_staff=question.by_staff)
    found = []
    for each in openings:
        keeps = _keeps_share(session, rulebook, each, question, now)
        supply = supply_of(rulebook, each, taken, frozen=is_frozen(each, now), keeps=keeps)
        slots = free_slots(supply, _wanted_at(each, question), question.minutes)
        found.append([OfferedSlot(each, slot) for slot in slots])
    return found


def _bookable(opening: PlannedOpening, offered: list[OfferedSlot], now: datetime) -> list[OfferedSlot]:
    """Those that may be booked now. Mostly all or none, so the ends are looked at first."""
    window = bookable_window(now, opening.hours.lead, opening.hours.horizon)
    if not offered or (window.includes(offered[0].slot.starts_at) and window.includes(offered[-1].slot.starts_at)):
        return offered
    return [each for each in offered if window.includes(each.slot.starts_at)]


def _by_time_and_place(offered: OfferedSlot) -> tuple[datetime, str]:
    return offered.slot.starts_at, offered.opening.hours.key


def _admits(opening: PlannedOpening, question: Question) -> bool:
    hours = opening.hours
    return (
        opening.dated.takes_place
        and hours.takes_appointments
        and (not question.services or not question.services.isdisjoint(hours.services))
        and (not hours.concerns or question.concern is None or question.concern in hours.concerns)
        and question.place_id in (None, hours.place_id)
    )


def _wanted_at(opening: PlannedOpening, question: Question) -> Wanted:
    services = opening.hours.services
    return question.wanted._replace(services=question.services & services or services)
