"""What can be done for a client whose appointment cannot stay as it is, and doing it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from scheduler.actions.booking import SlotTaken, cancel, hand_on, move, question_of
from scheduler.actions.dates import ChangeRefused
from scheduler.actions.rulebook import PlannedOpening, RuleBook
from scheduler.actions.slots import OfferedSlot, find_slots
from scheduler.actions.steps import By
from scheduler.actions.supply import read_taken, supply_of, wanted_of
from scheduler.domain.intervals import Interval
from scheduler.domain.matching import arrange
from scheduler.domain.recurrence import local_date
from scheduler.domain.slots import Slot, Supply
from scheduler.models import Visit

MOST_OFFERS = 3
AHEAD = timedelta(days=42)


@dataclass(frozen=True)
class Offer:
    """What can be done for one who is hit. `choice` names it in forms: "same", "cancel" or an opening and a start."""

    choice: str
    offered: OfferedSlot | None = None


@dataclass(frozen=True)
class Hit:
    """One visit that cannot stay as it is. Its values are those from before the change; the first offer is proposed."""

    visit_id: int
    code: str
    starts_at: datetime
    ends_at: datetime
    place_id: int
    language: str | None
    has_email: bool
    phone: str | None
    asked_for_adviser: bool
    offers: tuple[Offer, ...]


def settle(
    session: Session, rules: RuleBook, visit: Visit, choices: Mapping[int, str] | None, by: By, now: datetime
) -> Hit:
    """Do what was chosen for one who is hit, or else the first offer: the next one's offers then know of it."""
    offers = tuple(_offers(session, rules, visit, now))
    hit = _hit(visit, offers)
    choice = offers[0].choice if choices is None else choices.get(visit.id)
    found = next((each for each in offers if each.choice == choice), None)
    if found is None:
        raise ChangeRefused("outdated")
    try:
        _do(session, rules, visit, found, by, now)
    except SlotTaken as error:
        raise ChangeRefused("outdated") from error
    return hit


def _hit(visit: Visit, offers: tuple[Offer, ...]) -> Hit:
    assert visit.starts_at is not None and visit.ends_at is not None
    contact = visit.contact
    return Hit(
        visit_id=visit.id,
        code=visit.code or "",
        starts_at=visit.starts_at,
        ends_at=visit.ends_at,
        place_id=visit.place_id,
        language=visit.language,
        has_email=contact is not None and contact.email is not None,
        phone=contact.phone if contact is not None else None,
        asked_for_adviser=visit.wished_adviser_id is not None,
        offers=offers,
    )


def _offers(session: Session, rules: RuleBook, visit: Visit, now: datetime) -> Iterator[Offer]:
    """What can be done, the best for the client first; to cancel is always possible."""
    if visit.wished_adviser_id is not None:
        same = _same_time(session, rules, visit, now)
        if same is not None:
            yield Offer("same", same)
        yield from _nearest(session, rules, visit, now, keep_wish=True)
    yield from _nearest(session, rules, visit, now, keep_wish=False)
    yield Offer("cancel")


def _same_time(session: Session, rules: RuleBook, visit: Visit, now: datetime) -> OfferedSlot | None:
    """Another adviser at the same time, for a client who had asked for one."""
    opening = rules.opening(visit.opening.hours.key, visit.opening.original_on)
    assert visit.starts_at is not None and visit.ends_at is not None
    during = Interval(visit.starts_at, visit.ends_at)
    if opening is None or not opening.dated.takes_place or not _lies_within(during, opening.dated.interval):
        return None
    supply = supply_without(session, rules, opening, [visit], now)
    arranged = arrange(wanted_of(rules, opening, visit.service_id, visit.language), during, supply.duties, supply.held)
    if arranged is None:
        return None
    return OfferedSlot(opening, Slot(*during, arranged.adviser_id, arranged.moves, frozenset()))


def _lies_within(during: Interval, whole: Interval) -> bool:
    return whole.starts_at <= during.starts_at and during.ends_at <= whole.ends_at


def _nearest(session: Session, rules: RuleBook, visit: Visit, now: datetime, *, keep_wish: bool) -> Iterator[Offer]:
    """The next free times, none before the one that was agreed: whoever hears of it late has then missed nothing."""
    assert visit.starts_at is not None
    as_booked = question_of(visit, by_staff=True)
    question = as_booked if keep_wish else replace(as_booked, adviser_id=None)
    on = local_date(visit.starts_at, rules.zone)
    found = find_slots(session, rules, question, from_on=on, until_on=on + AHEAD, now=now, ignoring_visit_id=visit.id)
    for each in [each for each in found if each.slot.starts_at >= visit.starts_at][:MOST_OFFERS]:
        start = f"{each.opening.public_id}/{each.slot.starts_at.isoformat()}"
        yield Offer(f"{'wish' if keep_wish else 'any'}:{start}", each)


def _do(session: Session, rules: RuleBook, visit: Visit, offer: Offer, by: By, now: datetime) -> None:
    if offer.offered is None:
        cancel(session, visit.id, by=by, now=now, unasked=True)
        return
    opening, slot = offer.offered
    if not offer.choice.startswith("wish:"):
        visit.wished_adviser_id = None
        session.flush()
    if offer.choice == "same":
        hand_on(session, visit.opening, {**dict(slot.moves), visit.id: slot.adviser_id}, now=now)
        return
    where = (opening.hours.key, opening.dated.original_on, slot.starts_at)
    move(session, rules, visit.id, *where, by=by, now=now, unasked=True)


def supply_without(
    session: Session, rules: RuleBook, opening: PlannedOpening, hit: Iterable[Visit], now: datetime
) -> Supply:
    """What is left when these visits hold nobody. An absence may always hand appointments on, also on the last day."""
    taken = read_taken(session, [opening], now, {each.id for each in hit}, by_staff=True)
    return supply_of(rules, opening, taken, frozen=False)
