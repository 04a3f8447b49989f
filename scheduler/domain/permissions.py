"""Who may do what: the one table. Routes, API and templates ask `may`; nothing else decides.

The mere fact that somebody seeks this advice is confidential, and carriers under different law share one room. So a
visit belongs to its place until it is called; what is said then, and what came of it, belongs to the carrier that
called it. Coordinators of shared hours see duties and sums, administrators set-up and accounts: neither sees a visit.
To whom each thing belongs is said in `web/belongs.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, cast, get_args

Role = Literal["desk", "adviser", "carrier_coordinator", "hours_coordinator", "administrator"]
Right = Literal["see", "change"]
"""Whoever may change a thing may see it."""
Reach = Literal["own", "made", "opening", "carrier", "place", "town"]
"""own: one's own as an adviser. made: what this account itself has made within the hour. opening: at an opening of
today at which one is on duty or has signed in. carrier: of one's carrier. place: at the place that one serves."""

ROLES = get_args(Role)
_TABLE = """
                desk               adviser             carrier_coordinator  hours_coordinator  administrator
number          see place          change opening      -                    -                  -
queue           change place       change opening      -                    -                  -
wishes          see place          see opening+own     -                    -                  -
answers         change place       change opening+own  -                    -                  -
appointment     change place+made  change own+made     -                    -                  -
contact         change made        change made         -                    -                  -
calls           -                  change own          -                    -                  -
outcome         -                  change own          -                    -                  -
case_mark       -                  change own          -                    -                  -
call_list       change place       change own          -                    -                  -
absence         -                  change own          -                    -                  -
own_feed        -                  change own          -                    -                  -
date            change place       -                   -                    change place       -
duty            see place          see own             see carrier          see place          -
sums            -                  -                   see carrier          see place          -
shared_feed     -                  -                   change carrier       -                  change town
account         -                  -                   change carrier       -                  change town
set_up          -                  -                   -                    -                  see town
audit           -                  -                   -                    -                  see town
"""
# What each thing is stands in docs/permissions.md, beside the same table.


class Holder(NamedTuple):
    """A role that somebody holds, and where. `openings`: by public id, those of today that an adviser serves."""

    role: Role
    place_ids: frozenset[int] = frozenset()
    adviser_id: int | None = None
    carrier_id: int | None = None
    account_id: int | None = None
    openings: frozenset[str] = frozenset()


class Belongs(NamedTuple):
    """To whom a thing belongs. What is not known of it belongs to nobody. `account_ids`: who has just made it."""

    place_id: int | None = None
    adviser_ids: frozenset[int | None] = frozenset()
    carrier_id: int | None = None
    account_ids: frozenset[int] = frozenset()
    opening: str | None = None


class Grant(NamedTuple):
    """Several reaches: any of them is enough."""

    right: Right
    reaches: tuple[Reach, ...]


class Scope(NamedTuple):
    """Whose things a list may hold. `town`: all."""

    place_ids: frozenset[int] = frozenset()
    adviser_ids: frozenset[int] = frozenset()
    carrier_ids: frozenset[int] = frozenset()
    town: bool = False


def may(holder: Holder, right: Right, thing: str, belongs: Belongs) -> bool:
    """Whether this role has this right to this one thing. Raises KeyError for a thing that the table does not name."""
    return any(_reaches(each, holder, belongs) for each in reaches_of(holder.role, right, thing))


def may_any(role: Role, right: Right, thing: str) -> bool:
    """Whether this role has this right to any such thing at all."""
    return bool(reaches_of(role, right, thing))


def scope_of(holders: Iterable[Holder], right: Right, thing: str) -> Scope:
    """Whose things of this kind these roles have the right to: what a list asks the database for."""
    held = [(each, reach) for each in holders for reach in reaches_of(each.role, right, thing)]
    return Scope(
        frozenset().union(*(each.place_ids for each, reach in held if reach == "place")),
        frozenset(each.adviser_id for each, reach in held if reach == "own" and each.adviser_id is not None),
        frozenset(each.carrier_id for each, reach in held if reach == "carrier" and each.carrier_id is not None),
        any(reach == "town" for _each, reach in held),
    )


def reaches_of(role: Role, right: Right, thing: str) -> tuple[Reach, ...]:
    """How far this right goes for this role; empty: it has none. Raises KeyError for a thing that nobody has named."""
    grant = GRANTS[thing][role]
    return grant.reaches if grant is not None and right in ("see", grant.right) else ()


def _reaches(reach: Reach, holder: Holder, belongs: Belongs) -> bool:
    match reach:
        case "own":
            return holder.adviser_id is not None and holder.adviser_id in belongs.adviser_ids
        case "made":
            return holder.account_id is not None and holder.account_id in belongs.account_ids
        case "opening":
            return belongs.opening in holder.openings
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
        found[line.split()[0]] = dict(zip(ROLES, map(_grant, cells), strict=True))
    return found


def _grant(cell: list[str]) -> Grant | None:
    if cell == ["-"]:
        return None
    right, reaches = cell
    return Grant(cast(Right, right), tuple(cast(Reach, each) for each in reaches.split("+")))


GRANTS = _read(_TABLE)
THINGS = tuple(GRANTS)
