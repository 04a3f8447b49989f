"""Who may do what: the one table. Routes, API and templates ask `may`; nothing else decides.

The mere fact that somebody seeks this advice is confidential, and carriers under different law share one room. So a
visit belongs to its place until it is called; what is said then, and what came of it, belongs to the carrier that
called it. Coordinators of shared hours see duties and sums, administrators set-up and accounts: neither sees a visit.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, cast, get_args

Role = Literal["desk", "adviser", "carrier_coordinator", "hours_coordinator", "administrator"]
Right = Literal["see", "change"]
"""Whoever may change a thing may see it."""
Reach = Literal["own", "carrier", "place", "town"]
"""own: one's own as an adviser. carrier: of any adviser of one's carrier. place: at the place that one serves."""

ROLES = get_args(Role)
_TABLE = """
                desk          adviser       carrier_coordinator  hours_coordinator  administrator
queue           change place  change place  -                    -                  -
appointment     change place  change own    -                    -                  -
calls           -             change own    -                    -                  -
outcome         -             change own    -                    -                  -
case_mark       -             change own    -                    -                  -
contact         change place  change own    -                    -                  -
call_list       change place  change own    -                    -                  -
absence         -             change own    -                    -                  -
own_feed        -             change own    -                    -                  -
date            change place  -             -                    change place       -
duty            see place     see own       see carrier          see place          -
sums            -             -             see carrier          see place          -
shared_feed     -             -             change carrier       change place       -
account         -             -             change carrier       -                  change town
set_up          -             -             -                    -                  see town
audit           -             -             -                    -                  see town
"""
# queue: who waits at a place, with number, service, language and concern. contact: only of what one has just booked.
# calls: whom one has called, and what one does with them. sums: counts without persons. set_up: the town's file.


class Holder(NamedTuple):
    """A role that somebody holds, and where. `place_ids`: of an adviser, where they take people in today."""

    role: Role
    place_ids: frozenset[int] = frozenset()
    adviser_id: int | None = None
    carrier_id: int | None = None


class Belongs(NamedTuple):
    """To whom a thing belongs. What is not known of it belongs to nobody."""

    place_id: int | None = None
    adviser_ids: frozenset[int] = frozenset()
    carrier_id: int | None = None


class Grant(NamedTuple):
    right: Right
    reach: Reach


def may(holder: Holder, right: Right, thing: str, belongs: Belongs) -> bool:
    """Whether this role has this right to this one thing. Raises KeyError for a thing that the table does not name."""
    grant = grant_of(holder.role, thing)
    return grant is not None and right in ("see", grant.right) and _reaches(grant.reach, holder, belongs)


def may_any(role: Role, right: Right, thing: str) -> bool:
    """Whether this role has this right to any such thing at all."""
    grant = grant_of(role, thing)
    return grant is not None and right in ("see", grant.right)


def grant_of(role: Role, thing: str) -> Grant | None:
    """What the table says. Raises KeyError for a thing that it does not name."""
    return GRANTS[thing][role]


def _reaches(reach: Reach, holder: Holder, belongs: Belongs) -> bool:
    match reach:
        case "own":
            return holder.adviser_id is not None and holder.adviser_id in belongs.adviser_ids
        case "carrier":
            return holder.carrier_id is not None and holder.carrier_id == belongs.carrier_id
        case "place":
            return belongs.place_id in holder.place_ids
        case "town":
            return True


def _read(table: str) -> dict[str, dict[Role, Grant | None]]:
    head, *lines = table.strip("\n").splitlines()
    starts = [head.index(role) for role in ROLES]
    found = {}
    for line in lines:
        cells = [line[start:end].split() for start, end in zip(starts, [*starts[1:], None], strict=True)]
        grants = (None if cell == ["-"] else Grant(cast(Right, cell[0]), cast(Reach, cell[1])) for cell in cells)
        found[line.split()[0]] = dict(zip(ROLES, grants, strict=True))
    return found


GRANTS = _read(_TABLE)
THINGS = tuple(GRANTS)
