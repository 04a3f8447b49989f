"""A walk-in whose wish nobody here or expected can meet: what is missing, and the next times at which it can be had."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from scheduler.actions.openings import servers_of
from scheduler.actions.slots import OfferedSlot, find_slots
from scheduler.actions.supply import ANY_OTHER_LANGUAGE
from scheduler.models import Place, Visit
from scheduler.web.desk.book_panel import BookPanel, question_of
from scheduler.web.desk.panel import answers_of
from scheduler.web.edge import db, now, opening_from, places, rulebook, today
from scheduler.web.offer import FIRST_DAYS, MOST_DAYS_AHEAD

MOST_OFFERED = 3

Missing = Literal["language", "service", "both", "other"]
"""Nobody speaks the language; offers the service; does both; or it is a language that nobody in town speaks."""


@dataclass(frozen=True)
class UnmetWish:
    """What this visit misses today. `offered`: the next times that fit, at any place."""

    visit: Visit
    missing: Missing
    offered: list[tuple[Place, OfferedSlot]]
    panel: BookPanel
    """The answers, as the booking wants them."""


def unmet_wish(visit: Visit | None) -> UnmetWish | None:
    """None: nobody waits there, or somebody here or expected can serve as wished."""
    missing = _missing(visit) if visit is not None and visit.state == "waiting" else None
    if visit is None or missing is None:
        return None
    panel = BookPanel(answers_of(visit), adviser=None, days=FIRST_DAYS, walk_in=visit, searched=True)
    return UnmetWish(visit, missing, [] if missing == "other" else _next_times(panel, visit.opening.public_id), panel)


def _missing(visit: Visit) -> Missing | None:
    opening = opening_from(visit.opening.public_id)
    if opening is None:
        return None
    language, service = visit.language, visit.service.key if visit.service else None
    if language == ANY_OTHER_LANGUAGE:
        return "other"
    servers = servers_of(db(), rulebook(), opening, visit.opening)
    speaking = [each for each in servers if language is None or language in each.languages]
    serving = [each for each in servers if service is None or service in each.services]
    if language is not None and not speaking:
        return "language"
    if service is not None and not serving:
        return "service"
    wishes_both = language is not None and service is not None
    return "both" if wishes_both and not any(each in serving for each in speaking) else None


def _next_times(panel: BookPanel, here: str) -> list[tuple[Place, OfferedSlot]]:
    """The first time of each of the next openings: three in a row would be one choice.

    Not at the opening that is `here`: an adviser may be on duty and gone, or late for all morning.
    """
    until_on = today() + timedelta(days=MOST_DAYS_AHEAD)
    found = find_slots(db(), rulebook(), question_of(panel), from_on=today(), until_on=until_on, now=now())
    first = {each.opening.public_id: each for each in reversed(found) if each.opening.public_id != here}
    known = {place.id: place for place in places()}
    soonest = sorted(first.values(), key=lambda each: each.slot.starts_at)[:MOST_OFFERED]
    return [(known[each.opening.hours.place_id], each) for each in soonest]
