"""Changes on short notice: an adviser is away, or one date is cancelled or changed.

Trying out and carrying out are one path: `carry_out` does everything in the caller's transaction and says whom it hit.
The edge shows that and rolls back; with the choices that people then made it runs again, and the edge commits.

Whom re-matching keeps is handed to a colleague at the same time and is not told. Everybody else has offers: another
adviser where the client had asked for this one, else the nearest free times anywhere; the first offer is proposed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.booking import hand_on
from scheduler.actions.dates import Away, DateChange, staff_ids, store_absence, store_date
from scheduler.actions.offers import Hit, settle, supply_without
from scheduler.actions.openings import lock_opening, lock_openings, mark_changed
from scheduler.actions.rulebook import PlannedOpening, RuleBook, read_rulebook
from scheduler.actions.steps import By
from scheduler.actions.supply import wanted_of
from scheduler.domain.intervals import Interval
from scheduler.domain.matching import Held, rearrange
from scheduler.models import Opening, Visit


@dataclass
class Effect:
    """What a change does. `kept`: visits that a colleague takes over at the same time, their clients notice nothing."""

    kept: list[int] = field(default_factory=list)
    hit: list[Hit] = field(default_factory=list)
    closed: list[PlannedOpening] = field(default_factory=list)
    """Openings that then have nobody: they are cancelled."""


def carry_out(
    session: Session,
    change: Away | DateChange,
    choices: Mapping[int, str] | None = None,
    *,
    by: By,
    now: datetime,
) -> Effect:
    """Store the change, hand on whom a colleague can take, and do for everybody else what was chosen.

    choices: by visit id, for exactly those who were shown as hit; None: try out what the first offers would do.
    Raises ChangeRefused; the edge then rolls back.
    """
    before = read_rulebook(session)
    effect = Effect()
    openings = (
        store_absence(session, before, change, effect.closed, now)
        if isinstance(change, Away)
        else [store_date(session, before, change, now)]
    )
    rules = read_rulebook(session)
    hit: list[Visit] = []
    lock_openings(session, openings)
    for opening in openings:
        row = lock_opening(session, opening)
        mark_changed(session, row, staff_ids(before, opening))
        hit += _keep_who_can_be_kept(session, rules, opening, row, change, effect, now)
    if isinstance(change, Away):
        hit += _visits_elsewhere(session, change, hit, now)
    for visit in hit:
        effect.hit.append(settle(session, rules, visit, choices, by, now))
    return effect


def _keep_who_can_be_kept(
    session: Session,
    rules: RuleBook,
    opening: PlannedOpening,
    row: Opening,
    change: Away | DateChange,
    effect: Effect,
    now: datetime,
) -> list[Visit]:
    """Hand the visits that are hit to colleagues, earliest booked first; gives those for whom nobody is left."""
    hit = _visits_hit(session, rules, opening, row, change, now)
    if not hit or not _still_takes_place(rules, opening):
        return hit
    supply = supply_without(session, rules, opening, hit, now)
    movable = [visit for visit in hit if visit.wished_adviser_id is None]
    found = rearrange([_as_held(rules, opening, visit) for visit in movable], supply.duties, supply.held)
    hand_on(session, row, found.advisers, now=now)
    effect.kept += [visit.id for visit in movable if visit.id in found.advisers]
    return [visit for visit in hit if visit.id not in found.advisers]


def _visits_hit(
    session: Session,
    rules: RuleBook,
    opening: PlannedOpening,
    row: Opening,
    change: Away | DateChange,
    now: datetime,
) -> list[Visit]:
    """Booked visits of this opening that the change leaves without their adviser or their time."""
    booked = select(Visit).where(Visit.opening_id == row.id, Visit.state == "booked", Visit.starts_at > now)
    visits = session.scalars(booked.order_by(Visit.created_at, Visit.id).with_for_update())
    held = rules.opening(opening.hours.key, opening.dated.original_on)
    return [each for each in visits if _is_hit(each, held, change)]


def _visits_elsewhere(session: Session, change: Away, known: list[Visit], now: datetime) -> list[Visit]:
    """Visits of this adviser at openings where the rules do not, or no longer, have the adviser on duty."""
    query = select(Visit).where(
        Visit.planned_adviser_id == change.adviser_id,
        Visit.state == "booked",
        Visit.starts_at > now,
        Visit.starts_at < change.during.ends_at,
        Visit.ends_at > change.during.starts_at,
        Visit.id.not_in([each.id for each in known]),
    )
    return list(session.scalars(query.order_by(Visit.created_at, Visit.id).with_for_update()))


def _is_hit(visit: Visit, held: PlannedOpening | None, change: Away | DateChange) -> bool:
    assert visit.starts_at is not None and visit.ends_at is not None
    if held is None or not held.dated.takes_place:
        return True
    if isinstance(change, Away):
        during = Interval(visit.starts_at, visit.ends_at)
        return visit.planned_adviser_id == change.adviser_id and during.overlaps(change.during)
    return visit.starts_at < held.dated.starts_at or visit.ends_at > held.dated.ends_at


def _still_takes_place(rules: RuleBook, opening: PlannedOpening) -> bool:
    held = rules.opening(opening.hours.key, opening.dated.original_on)
    return held is not None and held.dated.takes_place and held.dated.interval == opening.dated.interval


def _as_held(rules: RuleBook, opening: PlannedOpening, visit: Visit) -> Held:
    assert visit.starts_at is not None and visit.ends_at is not None and visit.planned_adviser_id is not None
    wanted = wanted_of(rules, opening, visit.service_id, visit.language)
    return Held(visit.id, Interval(visit.starts_at, visit.ends_at), wanted, visit.planned_adviser_id)
