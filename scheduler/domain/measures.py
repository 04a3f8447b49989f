"""What is counted of visits, so that something can be reported once they are gone. The one list of measures.

Every count stands under month, place, carrier and service, and names one thing more at most: so no row describes a
person. Reports add what is still there, counted by the same functions, to what is left of earlier months.

Of visits (carrier: whose adviser served them last; empty: nobody served them. Service: as it stood in the end):

- `appointment`, `walk_in` — visits of that kind, by what became of them (`done`, `missed` …). Both together are
  all visits; share of missed ones: `missed` of `done` + `missed`. A number given by mistake never was a visit.
- `age_group`, `concern`, `language` — the same visits, by what was asked; empty: not asked. Those
  who were served have a carrier.
- `people` — how many came with them, the client included; of all these visits.
- `wait` — walk-ins that were called, by minutes from the number to the first call: `0`, `15`, `30`, `60`, `120` and
  more. Fewer than walk-ins: who left was never called, and times that were entered later are not counted.

Of consultations (carrier: whose adviser held it; service: under which it was held), those alone that took place:

- `consultation` — by how it ended (`finished`, `handed_over`, `closed`: by the night). A visit may have several.
- `case_kind` — the same consultations, by what was recorded; empty: nothing was. **Cases** are `new`, `known_first`,
  `counselling` and `case_management`; `known_again` counts no person a second time in its year.
- `family_members` — co-advised members of the family, summed, by that case kind: **persons = cases + family members**,
  both of the same case kinds. Name the denominator: 305,097 cases + 287,914 members = 593,011 persons (MBE 2018).
- `topic`, `referred_from`, `referred_to` — consultations that name it. One may name several topics: they add up to
  more than the consultations.

Of openings: `turned_away` — people who were told at the desk that there is no use waiting. They are in no other count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

WAIT_CLASSES = (0, 15, 30, 60, 120)
"""Minutes from which each class begins."""
HELD_AS = ("finished", "handed_over", "closed")
"""How a consultation ends that took place; and it had begun."""
CASES = ("new", "known_first", "counselling", "case_management")


class Count(NamedTuple):
    """What is counted. All but the month are keys; empty: not known, or not asked here."""

    month: date
    place: str
    carrier: str
    service: str
    measure: str
    value: str = ""


@dataclass(frozen=True)
class PastConsultation:
    """One that took place, by keys."""

    carrier: str
    service: str
    ended_as: str
    case_kind: str = ""
    family_members: int = 0
    topics: tuple[str, ...] = ()
    referred_from: str = ""
    referred_to: tuple[str, ...] = ()


@dataclass(frozen=True)
class PastVisit:
    """A visit as it is counted, by keys. `first_called_at`, `arrived_at`: None, it was not, or nobody knows when."""

    on: date
    place: str
    service: str
    kind: str
    state: str
    age_group: str
    concern: str
    language: str
    people: int
    consultations: tuple[PastConsultation, ...] = ()
    arrived_at: datetime | None = None
    first_called_at: datetime | None = None
    by_mistake: bool = False
    """Its number was taken back at once."""


def count_visits(visits: Iterable[PastVisit]) -> Counter[Count]:
    """How many of what; nothing that is none."""
    counts: Counter[Count] = Counter()
    for visit in visits:
        for count, number in (*_of_visit(visit), *_of_consultations(visit)):
            if number:
                counts[count] += number
    return counts


def count_turned_away(on: date, place: str) -> Count:
    """Under what somebody is counted who was turned away."""
    return Count(_month(on), place, "", "", "turned_away")


def _of_visit(visit: PastVisit) -> Iterator[tuple[Count, int]]:
    if visit.by_mistake:
        return
    carrier = visit.consultations[-1].carrier if visit.consultations else ""
    said = [
        (visit.kind, visit.state),
        ("age_group", visit.age_group),
        ("concern", visit.concern),
        ("language", visit.language),
    ]
    if visit.kind == "walk_in" and visit.arrived_at and visit.first_called_at:
        said.append(("wait", _wait_class(visit.first_called_at - visit.arrived_at)))
    for measure, value in said:
        yield Count(_month(visit.on), visit.place, carrier, visit.service, measure, value), 1
    yield Count(_month(visit.on), visit.place, carrier, visit.service, "people"), visit.people


def _of_consultations(visit: PastVisit) -> Iterator[tuple[Count, int]]:
    for each in visit.consultations:
        said = [("consultation", each.ended_as), ("case_kind", each.case_kind)]
        said += [("topic", key) for key in each.topics]
        said += [("referred_from", each.referred_from)] if each.referred_from else []
        said += [("referred_to", key) for key in each.referred_to]
        for measure, value in said:
            yield Count(_month(visit.on), visit.place, each.carrier, each.service, measure, value), 1
        family = Count(_month(visit.on), visit.place, each.carrier, each.service, "family_members", each.case_kind)
        yield family, each.family_members


def _wait_class(waited: timedelta) -> str:
    minutes = max(waited, timedelta()) / timedelta(minutes=1)
    return str(max(each for each in WAIT_CLASSES if each <= minutes))


def _month(on: date) -> date:
    return on.replace(day=1)
