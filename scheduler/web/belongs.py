"""To whom each thing belongs, so that the table of rights can be asked about this very one: a function for each thing.

What was asked of a visit belongs to its place until it is called, from then on to whoever called it; not now, missed
and left give it back. A hand-over passes ticket, service and language on: all else stays with whoever handed over.
"""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from sqlalchemy import select

from scheduler.actions.rulebook import PlannedOpening
from scheduler.domain.permissions import Belongs
from scheduler.models import Account, AccountRole, Consultation, Opening, Step, Visit
from scheduler.web.edge import db, now, today
from scheduler.web.permissions import may_here

JUST = timedelta(hours=1)
"""So long after it booked, moved or cancelled an appointment, an account may see it, wherever it is."""
_KEPT = ("finished", "closed")
"""How a consultation ends that keeps the visit; otherwise it is given back to the place, or handed over."""


def set_up(app: Flask) -> None:
    app.add_template_global(sees)  # a global: imported macros do not see the page's context


def sees(visit: Visit, thing: str) -> bool:
    """Whether the account that is logged in sees the "wishes" or the "answers" of this visit."""
    return may_here("see", thing, belongs_of_wishes(visit) if thing == "wishes" else belongs_of_answers(visit))


def belongs_of_number(visit: Visit) -> Belongs:
    """A number, and where it is called: known at its place, whoever has the visit by now."""
    return Belongs(place_id=visit.place_id, opening=visit.opening.public_id) if _is_current(visit) else Belongs()


def belongs_of_counter(opening: PlannedOpening | Opening) -> Belongs:
    """Taking people in at an opening: the desk's; where there is none, the advisers' on duty. Own times are taken in
    by whoever entered them, too."""
    place_id, is_own = _place_and_kind(opening)
    return Belongs(place_id=place_id, opening=opening.public_id if is_own or not _has_desk(place_id) else None)


def belongs_of_intake(visit: Visit) -> Belongs:
    """What is done with a visit at the counter, on its day or before."""
    return belongs_of_counter(visit.opening) if _is_current(visit) else Belongs()


def belongs_of_wishes(visit: Visit) -> Belongs:
    """Service and language: of whoever calls it; the place needs them as long as it waits."""
    holder = _who_has(visit)
    return belongs_of_consultation(holder) if holder else _belongs_to_place(visit)


def belongs_of_answers(visit: Visit) -> Belongs:
    """All else that was asked, urgent or not, how many come: of whoever calls it first, for good after a hand-over."""
    handed_over = next((each for each in _consultations(visit) if each.ended_as == "handed_over"), None)
    return belongs_of_consultation(handed_over) if handed_over else belongs_of_wishes(visit)


def belongs_of_consultation(consultation: Consultation) -> Belongs:
    """A call, what follows, and its outcome."""
    return Belongs(adviser_ids=frozenset({consultation.adviser_id}), carrier_id=consultation.carrier_id)


def may_take_back(step: Step) -> bool:
    """Whether the counter may undo this step: what is an adviser's with a client is taken back by that adviser."""
    if step.verb not in ("start", "serve", "finish", "hand_over") or step.consultation is None:
        return True
    return may_here("change", "calls", belongs_of_consultation(step.consultation))


def belongs_of_appointment(visit: Visit) -> Belongs:
    """An appointment, cancelled ones too: of its place, of its adviser, and of who has just made it."""
    advisers = frozenset({visit.planned_adviser_id, visit.wished_adviser_id})
    return Belongs(place_id=visit.place_id, adviser_ids=advisers, account_ids=_just_made_by(visit))


def belongs_of_contact(visit: Visit) -> Belongs:
    """How a client can be reached: of who has just booked, while it is fresh. Nobody reads others' bookings."""
    return Belongs(account_ids=_just_made_by(visit)) if visit.state == "booked" else Belongs()


def belongs_to_adviser(adviser_id: int | None) -> Belongs:
    """An absence, a calendar, a feed, a case mark: of one adviser alone."""
    return Belongs(adviser_ids=frozenset({adviser_id}))


def belongs_of_date(opening: PlannedOpening) -> Belongs:
    """One date of office hours."""
    return Belongs(place_id=opening.hours.place_id)


def _who_has(visit: Visit) -> Consultation | None:
    """Who has called it and has not given it back."""
    kept = (each for each in _consultations(visit) if each.ended_at is None or each.ended_as in _KEPT)
    return next(kept, None)


def _consultations(visit: Visit) -> list[Consultation]:
    return [] if visit.state == "booked" else visit.consultations  # whoever is only booked has not been called


def _belongs_to_place(visit: Visit) -> Belongs:
    handed_over = any(each.ended_as == "handed_over" for each in _consultations(visit))
    advisers = {visit.wished_adviser_id} if handed_over else {visit.wished_adviser_id, visit.planned_adviser_id}
    return belongs_of_number(visit)._replace(adviser_ids=frozenset(advisers))


def _is_current(visit: Visit) -> bool:
    """From the day after, it is no longer anything of the place's."""
    return visit.local_on >= today()


def _place_and_kind(opening: PlannedOpening | Opening) -> tuple[int, bool]:
    if isinstance(opening, PlannedOpening):
        return opening.hours.place_id, opening.hours.is_own
    return opening.hours.place_id, opening.hours.own_adviser_id is not None


def _has_desk(place_id: int) -> bool:
    """Whether some account takes people in there."""
    desks = (
        select(AccountRole.id)
        .join(Account, AccountRole.account_id == Account.id)
        .where(AccountRole.role == "desk", AccountRole.place_id == place_id, Account.disabled_at.is_(None))
    )
    return db().scalar(desks.limit(1)) is not None


def _just_made_by(visit: Visit) -> frozenset[int]:
    """Accounts that have booked, moved or cancelled it within the hour."""
    made = select(Step.account_id).where(
        Step.visit_id == visit.id,
        Step.account_id.is_not(None),
        Step.verb.in_(("book", "move", "cancel")),
        Step.at > now() - JUST,
    )
    return frozenset(db().scalars(made))
