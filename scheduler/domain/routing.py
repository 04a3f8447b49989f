"""Which service a person belongs to. A hint, never a gate: a family may go to either.

By age on the day of the opening: from the 12th birthday to the day before the 27th JMD, from the 27th birthday MBE.
The age is asked as a group, never as a date.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

AgeGroup = Literal["under_27", "from_27", "family", "unknown"]
BOUNDARY = 27


class ServiceAges(NamedTuple):
    key: str
    from_age: int | None = None
    until_age: int | None = None


def services_for(age_group: AgeGroup, services: Iterable[ServiceAges]) -> tuple[str, ...]:
    """Keys of the services that fit the age group, in the given order. Family and unknown: all of them."""
    return tuple(each.key for each in services if _fits(age_group, each))


def _fits(age_group: AgeGroup, service: ServiceAges) -> bool:
    if age_group == "under_27":
        return service.from_age is None or service.from_age < BOUNDARY
    if age_group == "from_27":
        return service.until_age is None or service.until_age > BOUNDARY
    return True
