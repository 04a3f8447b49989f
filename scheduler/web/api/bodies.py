"""What a request may say: its query or its body, by field and type. What the town knows is checked in `checks`."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, TypeVar

from flask import request
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from scheduler.domain.routing import AgeGroup
from scheduler.web.edge import today
from scheduler.web.problems import Problem

LONGEST_WINDOW = timedelta(days=62)
USUAL_WINDOW = timedelta(days=14)


def _is_written_out(value: Any) -> Any:
    """A number, or digits alone, would be taken for seconds since 1970."""
    if not isinstance(value, str) or "T" not in value.upper():
        raise ValueError("must be ISO 8601 with offset, such as 2026-11-25T09:15:00+01:00")
    return value


Instant = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_is_written_out)]


class Asked(BaseModel):
    """What every question may be narrowed to. Texts are keys of the town's file."""

    model_config = ConfigDict(extra="forbid", str_max_length=200, str_strip_whitespace=True)

    service: str | None = None
    age_group: AgeGroup | None = None
    place: str | None = None


class Wishes(Asked):
    """What decides which times fit a client."""

    concern: str | None = None
    language: str | None = None
    adviser: str | None = None


class Window(Asked):
    """The query of /openings: these days, both included; without any the coming two weeks."""

    from_: date | None = Field(default=None, alias="from")
    until: date | None = None

    @field_validator("until")
    @classmethod
    def _in_reach(cls, until: date | None, others: ValidationInfo) -> date | None:
        if until is None or "from_" not in others.data:
            return until
        first_on = others.data["from_"] or today()
        if until < first_on:
            raise ValueError("must not be before from")
        if until - first_on > LONGEST_WINDOW:
            raise ValueError(f"must not be more than {LONGEST_WINDOW.days} days after from")
        return until

    def first_on(self) -> date:
        return self.from_ or today()

    def last_on(self) -> date:
        return self.until or min(self.first_on(), date.max - USUAL_WINDOW) + USUAL_WINDOW


class SlotsWindow(Window, Wishes):
    """The query of /slots."""


class Start(BaseModel):
    """A start, and the opening by its id; or the place, whose opening at that time is meant then."""

    model_config = ConfigDict(extra="forbid", strict=True, str_max_length=200, str_strip_whitespace=True)

    place: str | None = None
    opening: str | None = Field(default=None, validate_default=True)
    starts_at: Instant

    @field_validator("opening")
    @classmethod
    def _says_where(cls, opening: str | None, others: ValidationInfo) -> str | None:
        if not opening and not others.data.get("place", "was refused itself"):
            raise ValueError("opening or place is needed")
        return opening


class ContactBody(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", str_max_length=254, str_strip_whitespace=True)

    email: str | None = None
    phone: str | None = None
    reminders: bool = False


class BookingBody(Wishes, Start):
    """The body of POST /bookings."""

    model_config = ConfigDict(strict=True)

    locale: str | None = None
    people: int = Field(default=1, ge=1, le=20)
    contact: ContactBody | None = None
    proof: str | None = Field(default=None, max_length=500)
    """A challenge's token, a full stop, and the number that solves it."""


Body = TypeVar("Body", bound=BaseModel)
Query = TypeVar("Query", bound=Window)


def read_query(model: type[Query]) -> Query:
    """The request's query. Raises ValidationError."""
    return model.model_validate(request.args.to_dict())


def read_body(model: type[Body]) -> Body:
    """The request's body. Raises ValidationError, or Problem where it is no JSON at all."""
    # No other type: a form on any site can send text/plain or nothing with the visitor's browser, but not this one.
    if not request.is_json:
        raise Problem("not_json")
    try:
        return model.model_validate_json(request.get_data())
    except ValidationError as error:
        if any(each["type"] == "json_invalid" for each in error.errors()):
            raise Problem("bad_json") from error
        raise
