"""The rows of a town's file, table by table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, cast

from scheduler.town_file.format import (
    AdviserEntry,
    AgencyEntry,
    CarrierEntry,
    ClosureEntry,
    ConcernEntry,
    Entry,
    HoursEntry,
    PlaceEntry,
    RotaEntry,
    ServiceEntry,
    TopicEntry,
)


@dataclass(frozen=True)
class Entries:
    """The rows in the order of the file; the names of the fields are those of the tables."""

    carrier: Sequence[CarrierEntry]
    service: Sequence[ServiceEntry]
    concern: Sequence[ConcernEntry]
    topic: Sequence[TopicEntry]
    agency: Sequence[AgencyEntry]
    place: Sequence[PlaceEntry]
    closure: Sequence[ClosureEntry]
    adviser: Sequence[AdviserEntry]
    hours: Sequence[HoursEntry]
    rota: Sequence[RotaEntry]

    @classmethod
    def of(cls, rows: Mapping[str, Sequence[Entry]]) -> Entries:
        """Each table's rows were made by that table's own class, which the type checker cannot see."""
        return cls(**cast(dict[str, Any], {each.name: rows[each.name] for each in fields(cls)}))

    def rota_of(self, hours: HoursEntry) -> RotaEntry | None:
        return next((each for each in self.rota if each.hours == hours.key), None)

    def staff_of(self, hours: HoursEntry) -> list[list[str]]:
        """Who is on duty together: one list where it is always the same, else one for each turn."""
        rota = self.rota_of(hours)
        return rota.turns if rota else [hours.advisers] if hours.advisers else []
