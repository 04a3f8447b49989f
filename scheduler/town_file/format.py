"""The tables of a town's file and their fields. What concerns one field alone is checked here."""

from __future__ import annotations

from datetime import time
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from scheduler.town_file.fields import (
    Age,
    Count,
    Dates,
    Day,
    Email,
    Key,
    Keys,
    Languages,
    Phone,
    RecurrenceRule,
    ServiceKey,
    SomeKeys,
    SomeTexts,
    State,
    Text,
    Texts,
    Timezone,
    WallTime,
    Weekdays,
)


class Entry(BaseModel):
    """One row of the file. A field that does not exist is an error: it is a typing mistake."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    nested: ClassVar[dict[str, type[BaseModel]]] = {}
    """The fields that hold tables of their own."""


class KeyedEntry(Entry):
    key: Key


class TownEntry(Entry):
    name: Text
    timezone: Timezone
    state: State
    locales: Languages
    calls_before_missed: Annotated[int, Field(ge=1, le=10)] = 3
    contact_days: Annotated[int, Field(ge=0, le=90)] = 7
    visit_months: Annotated[int, Field(ge=1, le=36)] = 12
    bookings_per_contact: Annotated[int, Field(ge=1, le=20)] = 2


class CarrierEntry(KeyedEntry):
    name: Text


class ServiceEntry(KeyedEntry):
    key: ServiceKey
    name: Texts
    from_age: Age | None = None
    until_age: Age | None = None


class ConcernEntry(KeyedEntry):
    name: Texts
    minutes: Annotated[int, Field(ge=5, le=240)]
    asks_adviser: bool = False


class TopicEntry(KeyedEntry):
    name: Texts


class AgencyEntry(KeyedEntry):
    name: Text
    address: Text = ""
    phone: Phone = ""
    hours: Text = ""


class PlaceEntry(KeyedEntry):
    name: Text
    address: Text
    phone: Phone = ""
    stations: SomeTexts = []
    first_ticket: Count = 1


class AdviserEntry(KeyedEntry):
    carrier: str
    name: Text
    email: Email = ""
    services: SomeKeys
    languages: Languages


class AddedDate(Entry):
    """A date beside the rule, or one of its own that is closed. What is left out is as on the rule's other dates."""

    on: Day = Field(alias="date")
    from_time: WallTime | None = Field(default=None, alias="from")
    until_time: WallTime | None = Field(default=None, alias="until")
    advisers: SomeKeys | None = None


class ChangedDate(AddedDate):
    """A date of the rule that is held on another day, at other times, or by other advisers."""

    held_on: Day | None = None


class HoursEntry(KeyedEntry):
    nested: ClassVar[dict[str, type[BaseModel]]] = {"also_on": AddedDate, "changed_on": ChangedDate}

    place: str
    services: SomeKeys
    days: Weekdays | None = None
    rrule: RecurrenceRule | None = None
    dates: Dates = []
    from_time: WallTime | None = Field(default=None, alias="from")
    until_time: WallTime | None = Field(default=None, alias="until")
    valid_from: Day
    valid_until: Day | None = None
    admits: Literal["walk_in", "appointment", "mixed", "by_arrangement"]
    appointments_at_once: Count | None = None
    grid_minutes: Annotated[int, Field(ge=5, le=240)] = 15
    tickets_minutes_before: Annotated[int, Field(ge=0, le=240)] = 0
    ticket_limit: Count | None = None
    concerns: Keys = []
    room: Text = ""
    after_until: bool = True
    lead_hours: Annotated[int, Field(ge=0, le=24 * 60)] = 0
    horizon_days: Annotated[int, Field(ge=1, le=400)] = 56
    desk_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    release_days: Annotated[int, Field(ge=0, le=400)] | None = None
    advisers: Keys = []
    closed_on: Dates = []
    also_on: list[AddedDate] = []
    changed_on: list[ChangedDate] = []

    @property
    def rule(self) -> str | None:
        """The recurrence rule, however it is written."""
        return f"FREQ=WEEKLY;BYDAY={self.days}" if self.days else self.rrule

    @property
    def times(self) -> tuple[time, time] | None:
        return (self.from_time, self.until_time) if self.from_time and self.until_time else None

    @property
    def takes_walk_ins(self) -> bool:
        return self.admits in ("walk_in", "mixed")

    @property
    def takes_appointments(self) -> bool:
        return self.admits in ("appointment", "mixed")


class RotaEntry(Entry):
    hours: str
    starts_on: Day
    turns: Annotated[list[SomeKeys], Field(min_length=1)]
    skipped: Literal["used", "pass_on"] = "used"


class ClosureEntry(Entry):
    place: str | None = None
    from_on: Day = Field(alias="from")
    until_on: Day = Field(alias="until")
    reason: Texts


TABLES: dict[str, type[Entry]] = {
    "carrier": CarrierEntry,
    "service": ServiceEntry,
    "concern": ConcernEntry,
    "topic": TopicEntry,
    "agency": AgencyEntry,
    "place": PlaceEntry,
    "closure": ClosureEntry,
    "adviser": AdviserEntry,
    "hours": HoursEntry,
    "rota": RotaEntry,
}
"""The tables that have rows, in the order in which problems are reported."""

REFERENCES = {
    ("closure", "place"): "place",
    ("adviser", "carrier"): "carrier",
    ("adviser", "services"): "service",
    ("hours", "place"): "place",
    ("hours", "services"): "service",
    ("hours", "concerns"): "concern",
    ("hours", "advisers"): "adviser",
    ("hours", "also_on"): "adviser",
    ("hours", "changed_on"): "adviser",
    ("rota", "hours"): "hours",
    ("rota", "turns"): "adviser",
}
"""Which field names rows of which table."""
