"""JSON API, version 1: the same actions as the pages. Errors are problem documents."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from flask import Blueprint, Response, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from sqlalchemy import select

from scheduler.actions.booking import Booking, SlotTaken, book, cancel, nearest_slots
from scheduler.actions.contacts import InvalidContact, leave_contact, normal_email, normal_phone
from scheduler.actions.openings import UnknownOpening
from scheduler.actions.rulebook import PlannedOpening
from scheduler.actions.slots import ANY_OTHER_LANGUAGE, OfferedSlot, Question, find_slots, make_question
from scheduler.actions.steps import CLIENT
from scheduler.domain.recurrence import local_date
from scheduler.domain.routing import AgeGroup
from scheduler.models import Concern, Place, Service, Visit
from scheduler.web.edge import db, now, places, read_after_refusal, rulebook, settings, split_opening_id, today, town
from scheduler.web.locales import CATALOGUES
from scheduler.web.problems import problem
from scheduler.web.visits import visit_by, visit_token

pages = Blueprint("api", __name__, url_prefix="/api/v1")

LONGEST_WINDOW = timedelta(days=62)
USUAL_WINDOW = timedelta(days=14)
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Beyond these no office hours are, and calendars overflow."""


def _is_written_out(value: Any) -> Any:
    """A number, or digits alone, would be taken for seconds since 1970."""
    if not isinstance(value, str) or "T" not in value.upper():
        raise ValueError("must be ISO 8601 with offset, such as 2026-11-25T09:15:00+01:00")
    return value


Instant = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_is_written_out)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", str_max_length=200, str_strip_whitespace=True)

    service: str | None = None
    age_group: AgeGroup | None = None
    concern: str | None = None
    language: str | None = None
    adviser: str | None = None
    place: str | None = None


class Window(_Asked):
    """The query of /slots and /openings."""

    from_: date | None = Field(default=None, alias="from")
    until: date | None = None

    @model_validator(mode="after")
    def _not_too_long(self) -> Window:
        if self.last_on() < self.first_on():
            raise ValueError("until must not be before from")
        if self.last_on() - self.first_on() > LONGEST_WINDOW:
            raise ValueError(f"the window must not be longer than {LONGEST_WINDOW.days} days")
        return self

    def first_on(self) -> date:
        return self.from_ or today()

    def last_on(self) -> date:
        return self.until or min(self.first_on(), date.max - USUAL_WINDOW) + USUAL_WINDOW


class ContactBody(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", str_max_length=254, str_strip_whitespace=True)

    email: str | None = None
    phone: str | None = None
    reminders: bool = False

    @model_validator(mode="after")
    def _reminders_need_an_address(self) -> ContactBody:
        if self.reminders and not self.email:
            raise ValueError("reminders need an email")
        return self


class BookingBody(_Asked):
    """The body of POST /bookings: an opening by its id, or a place, and a start."""

    model_config = ConfigDict(strict=True)

    opening: str | None = None
    starts_at: Instant
    locale: str | None = None
    people: int = Field(default=1, ge=1, le=20)
    contact: ContactBody | None = None

    @model_validator(mode="after")
    def _says_where(self) -> BookingBody:
        if not self.opening and not self.place:
            raise ValueError("opening or place is needed")
        return self


class FieldErrors(Exception):
    """What is wrong with which field."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__(str(errors))
        self.errors = errors


@pages.errorhandler(ValidationError)
def show_invalid(error: ValidationError) -> ResponseReturnValue:
    errors = [
        {"field": ".".join(str(part) for part in each["loc"]) or "", "reason": each["msg"]} for each in error.errors()
    ]
    return problem(422, "Some fields cannot be used", errors=errors)


@pages.errorhandler(FieldErrors)
def show_field_errors(error: FieldErrors) -> ResponseReturnValue:
    db().rollback()
    return problem(422, "Some fields cannot be used", errors=error.errors)


@pages.get("/openings")
def list_openings() -> ResponseReturnValue:
    window = Window.model_validate(request.args.to_dict())
    _check_keys(window)
    services = _question(window).services
    known = {each.id: each for each in places()}
    found = rulebook().openings(window.first_on(), window.last_on(), _place_id(window))
    return jsonify(
        openings=[_opening_json(each, known) for each in found if not services or services & each.hours.services]
    )


@pages.get("/slots")
def list_slots() -> ResponseReturnValue:
    window = Window.model_validate(request.args.to_dict())
    _check_keys(window)
    found = find_slots(
        db(), rulebook(), _question(window), from_on=window.first_on(), until_on=window.last_on(), now=now()
    )
    return jsonify(slots=_slots_json(found))


@pages.post("/bookings")
def make_booking() -> ResponseReturnValue:
    body = BookingBody.model_validate_json(request.get_data())
    _check_keys(body)
    contact = _normal_contact(body.contact)
    question = _question(body)
    hours_key, original_on = _opening_of(body, question)
    booking = Booking(
        question=question,
        hours_key=hours_key,
        original_on=original_on,
        starts_at=body.starts_at,
        locale=body.locale or town().locales[0],
        age_group=body.age_group or "unknown",
        people=body.people,
        idempotency_key=request.headers.get("Idempotency-Key", "")[:200] or None,
    )
    try:
        visit = book(db(), rulebook(), booking, by=CLIENT, now=now())
        if contact is not None:
            leave_contact(db(), visit.id, **contact, secret=settings().secret_key, now=now())
        db().commit()
    except (SlotTaken, UnknownOpening) as refused:
        read_after_refusal()
        return _show_refused(refused, question, body.starts_at)
    return jsonify(_visit_json(visit)), 201, {"Location": url_for("api.show_booking", token=visit_token(visit))}


@pages.get("/bookings/<token>")
def show_booking(token: str) -> ResponseReturnValue:
    return jsonify(_visit_json(visit_by(token)))


@pages.delete("/bookings/<token>")
def cancel_booking(token: str) -> ResponseReturnValue:
    visit = cancel(db(), visit_by(token).id, by=CLIENT, now=now())
    db().commit()
    return jsonify(_visit_json(visit))


def _check_keys(asked: _Asked) -> None:
    """Every key that was named must be one of the town's: a typo must not quietly widen the question."""
    known = {
        "service": {each.key for each in rulebook().services},
        "concern": _keys(Concern),
        "place": _keys(Place),
        "adviser": set(rulebook().advisers),
        "language": {ANY_OTHER_LANGUAGE}.union(*(each.languages for each in rulebook().advisers.values())),
        "locale": set(CATALOGUES),
    }
    errors = [
        {"field": name, "reason": f"unknown {name} {value!r}"}
        for name, keys in known.items()
        if (value := getattr(asked, name, None)) is not None and value not in keys
    ]
    if errors:
        raise FieldErrors(errors)


def _keys(model: type[Concern] | type[Place] | type[Service]) -> set[str]:
    return set(db().scalars(select(model.key).where(model.retired_at.is_(None))))


def _place_id(asked: _Asked) -> int | None:
    return db().scalar(select(Place.id).where(Place.key == asked.place)) if asked.place else None


def _question(asked: _Asked) -> Question:
    return make_question(
        db(),
        rulebook(),
        age_group=asked.age_group or "unknown",
        service=asked.service,
        concern=db().scalar(select(Concern).where(Concern.key == asked.concern)),
        language=asked.language,
        adviser_key=asked.adviser,
        place_id=_place_id(asked),
    )


def _opening_of(body: BookingBody, question: Question) -> tuple[str, date]:
    """The opening that was named, or the one at the place that offers this start."""
    if body.opening:
        parts = split_opening_id(body.opening)
        if parts is None:
            raise FieldErrors([{"field": "opening", "reason": "must look like hours-key/2026-11-25"}])
        return parts
    if not EARLIEST < body.starts_at < LATEST:
        raise FieldErrors([{"field": "starts_at", "reason": "this place is not open at that time"}])
    on = local_date(body.starts_at, rulebook().zone)
    at_place = [each for each in rulebook().openings(on, on, question.place_id) if each.dated.takes_place]
    found = next((each for each in at_place if each.dated.starts_at <= body.starts_at < each.dated.ends_at), None)
    if found is None:
        raise FieldErrors([{"field": "starts_at", "reason": "this place is not open at that time"}])
    return found.hours.key, found.dated.original_on


def _normal_contact(contact: ContactBody | None) -> dict[str, Any] | None:
    if contact is None or not (contact.email or contact.phone):
        return None
    try:
        return {
            "email": normal_email(contact.email) if contact.email else None,
            "phone": normal_phone(contact.phone) if contact.phone else None,
            "reminders": contact.reminders,
        }
    except InvalidContact as invalid:
        raise FieldErrors([{"field": f"contact.{invalid.field}", "reason": "is not valid"}]) from invalid


def _show_refused(refused: Exception, question: Question, starts_at: datetime) -> Response:
    if isinstance(refused, UnknownOpening):
        return problem(404, "There is no such opening")
    nearest = nearest_slots(db(), rulebook(), question, starts_at, now())
    return problem(409, "This time is taken", alternatives=_slots_json(nearest))


def _slots_json(offered: list[OfferedSlot]) -> list[dict[str, object]]:
    known = {each.id: each.key for each in places()}
    return [
        {
            "starts_at": _local(each.slot.starts_at),
            "ends_at": _local(each.slot.ends_at),
            "place": known[each.opening.hours.place_id],
            "opening": each.opening.public_id,
            "languages": sorted(each.slot.languages),
        }
        for each in offered
    ]


def _opening_json(opening: PlannedOpening, known: dict[int, Place]) -> dict[str, object]:
    dated = opening.dated
    return {
        "id": opening.public_id,
        "starts_at": _local(dated.starts_at),
        "ends_at": _local(dated.ends_at),
        "place": known[opening.hours.place_id].key,
        "services": sorted(opening.hours.services),
        "admits": opening.hours.admits,
        "state": _state_of(opening),
    }


def _state_of(opening: PlannedOpening) -> str:
    if not opening.dated.takes_place:
        return "cancelled"
    if now() < opening.dated.starts_at:
        return "planned"
    return "open" if now() < opening.dated.ends_at else "over"


def _visit_json(visit: Visit) -> dict[str, object]:
    token = visit_token(visit)
    base = settings().base_url
    return {
        "code": visit.code,
        "token": token,
        "state": visit.state,
        "starts_at": _local(visit.starts_at) if visit.starts_at else None,
        "ends_at": _local(visit.ends_at) if visit.ends_at else None,
        "place": visit.place.key,
        "opening": visit.opening.public_id,
        "people": visit.people,
        "manage_url": base + url_for("visits.show_visit", token=token),
        "ics_url": base + url_for("visits.show_ics", token=token),
    }


def _local(at: datetime) -> str:
    return at.astimezone(rulebook().zone).isoformat()
