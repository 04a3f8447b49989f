"""What was asked, looked up in the town: keys must be known, a start must lie in an opening, a contact must be one."""

from __future__ import annotations

from collections.abc import Container
from datetime import UTC, date, datetime
from typing import Any

from pydantic import BaseModel

from scheduler.actions.contacts import InvalidContact, normal_email, normal_phone
from scheduler.actions.messages import takes_texts
from scheduler.actions.rulebook import PlannedOpening
from scheduler.actions.slots import Question, make_question
from scheduler.actions.supply import ANY_OTHER_LANGUAGE
from scheduler.domain.recurrence import local_date
from scheduler.web.api.bodies import ContactBody, Start, Wishes
from scheduler.web.edge import db, rulebook, split_opening_id
from scheduler.web.locales import CATALOGUES
from scheduler.web.problems import Problem

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Beyond these no office hours are, and calendars overflow."""


def refused_field(field: str, reason: str) -> Problem:
    return Problem("invalid_fields", errors=[{"field": field, "reason": reason}])


def check_keys(asked: BaseModel) -> None:
    """Every key that was named must be one of the town's: a typo must not quietly widen the question."""
    rules = rulebook()
    known: dict[str, Container[str]] = {
        "service": rules.service_ids,
        "concern": rules.concerns,
        "place": rules.places.values(),
        "adviser": rules.advisers,
        "language": rules.languages | {ANY_OTHER_LANGUAGE},
        "locale": CATALOGUES,
    }
    errors = [
        {"field": name, "reason": f"unknown {name} {value!r}"}
        for name, keys in known.items()
        if (value := getattr(asked, name, None)) is not None and value not in keys
    ]
    if errors:
        raise Problem("invalid_fields", errors=errors)


def place_id_of(key: str | None) -> int | None:
    """The id of a place whose key was checked."""
    return next(id_ for id_, known in rulebook().places.items() if known == key) if key else None


def question_of(asked: Wishes) -> Question:
    return make_question(
        rulebook(),
        age_group=asked.age_group or "unknown",
        service=asked.service,
        concern=rulebook().concerns.get(asked.concern or ""),
        language=asked.language,
        adviser_key=asked.adviser,
        place_id=place_id_of(asked.place),
    )


def opening_of(start: Start, services: frozenset[str]) -> tuple[str, date]:
    """Hours and date of the opening that was named, or of the one at the place at that time."""
    if start.opening:
        parts = split_opening_id(start.opening)
        if parts is None:
            raise refused_field("opening", "must look like hours-key/2026-11-25")
        _check_place(start, parts)
        return parts
    found = _openings_at(start)
    if not found:
        raise refused_field("starts_at", "this place is not open at that time")
    # By the rules alone, not by what is free: the same request, sent again, must mean the same opening.
    best = next((each for each in found if _gives_appointments(each, services)), found[0])
    return best.hours.key, best.dated.original_on


def normal_contact(contact: ContactBody | None) -> dict[str, Any] | None:
    """The contact as it is kept; None: none was left."""
    if contact is None:
        return None
    try:
        email = normal_email(contact.email) if contact.email else None
        phone = normal_phone(contact.phone) if contact.phone else None
    except InvalidContact as invalid:
        raise refused_field(f"contact.{invalid.field}", "is not valid") from invalid
    if contact.reminders and not (email or takes_texts(db(), phone)):
        raise refused_field("contact.reminders", "need an email, or a mobile number where text messages are sent")
    return {"email": email, "phone": phone, "reminders": contact.reminders} if email or phone else None


def _check_place(start: Start, named: tuple[str, date]) -> None:
    opening = rulebook().opening(*named)
    if start.place and opening is not None and opening.hours.place_id != place_id_of(start.place):
        raise refused_field("place", "this opening is at another place")


def _openings_at(start: Start) -> list[PlannedOpening]:
    """What takes place at that place at that time."""
    if not EARLIEST < start.starts_at < LATEST:
        return []
    on = local_date(start.starts_at, rulebook().zone)
    return [
        each
        for each in rulebook().openings(on, on, place_id_of(start.place))
        if each.dated.takes_place and each.dated.starts_at <= start.starts_at < each.dated.ends_at
    ]


def _gives_appointments(opening: PlannedOpening, services: frozenset[str]) -> bool:
    hours = opening.hours
    return hours.takes_appointments and (not services or bool(services & hours.services))
