"""Visits into counts by month: read them as they are counted, and store how many. What: `domain/measures.py`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased, joinedload

from scheduler.actions.openings import insert_for
from scheduler.domain.measures import HELD_AS, Count, PastConsultation, PastVisit, count_visits
from scheduler.models import Carrier, Concern, Consultation, MonthlyCount, Service, Step, Visit


def count(session: Session, visit_ids: Collection[int]) -> Counter[Count]:
    """How many of what these visits are. Writes nothing."""
    return count_visits(_read(session, visit_ids))


def add_counts(session: Session, counts: Counter[Count]) -> None:
    """Add these to what is left of earlier visits, in one transaction with their deletion."""
    table = MonthlyCount.metadata.tables["monthly_count"]
    # In one order for all: two who add at the same time wait for each other, never in a ring.
    rows = [{**each._asdict(), "number": number} for each, number in sorted(counts.items())]
    if rows:
        insert = insert_for(session, table)
        more = {"number": table.c.number + insert.excluded.number}
        session.execute(insert.on_conflict_do_update(index_elements=list(Count._fields), set_=more), rows)


def read_counts(session: Session) -> Counter[Count]:
    """All that is left of visits that are gone."""
    table = MonthlyCount.metadata.tables["monthly_count"]
    rows = session.execute(select(*(table.c[name] for name in Count._fields), table.c.number))
    return Counter({Count._make(row[:-1]): row[-1] for row in rows})


def _read(session: Session, visit_ids: Collection[int]) -> list[PastVisit]:
    told = (joinedload(Visit.place), joinedload(Visit.service), joinedload(Visit.concern))
    visits = session.scalars(select(Visit).where(Visit.id.in_(visit_ids)).options(*told).order_by(Visit.id)).unique()
    called, mistaken = _first_calls(session, visit_ids), _mistaken(session, visit_ids)
    held = _consultations(session, visit_ids)
    return [
        PastVisit(
            on=visit.local_on,
            place=visit.place.key,
            service=_key(visit.service),
            kind=visit.kind,
            state=visit.state,
            age_group=visit.age_group,
            concern=_key(visit.concern),
            language=visit.language or "",
            people=visit.people,
            consultations=tuple(held[visit.id]),
            arrived_at=None if visit.times_unreliable else visit.arrived_at,
            first_called_at=called.get(visit.id),
            by_mistake=visit.id in mistaken,
        )
        for visit in visits
    ]


def _consultations(session: Session, visit_ids: Collection[int]) -> defaultdict[int, list[PastConsultation]]:
    """Those that took place, by visit, in order."""
    handed_over, found = _services_before(session, visit_ids), defaultdict[int, list[PastConsultation]](list)
    query = (
        select(Consultation, Carrier.key, Service.key)
        .join(Carrier, Consultation.carrier_id == Carrier.id)
        .join(Visit, Consultation.visit_id == Visit.id)
        .outerjoin(Service, Visit.service_id == Service.id)
        .where(
            Consultation.visit_id.in_(visit_ids),
            Consultation.started_at.is_not(None),
            Consultation.ended_as.in_(HELD_AS),
        )
        .order_by(Consultation.id)
    )
    for each, carrier, service in session.execute(query):
        found[each.visit_id].append(
            PastConsultation(
                carrier=carrier,
                service=handed_over.get(each.id, service or ""),
                ended_as=each.ended_as or "",
                case_kind=each.case_kind or "",
                family_members=each.family_members or 0,
                topics=tuple(each.topics),
                referred_from=each.referred_from or "",
                referred_to=tuple(each.referred_to),
            )
        )
    return found


def _services_before(session: Session, visit_ids: Collection[int]) -> dict[int, str]:
    """By consultation that ended in a hand-over: the service that the visit had until then."""
    query = (
        select(Step.consultation_id, Service.key)
        .join(Consultation, Step.consultation_id == Consultation.id)
        .outerjoin(Service, Step.former_service_id == Service.id)
        .where(Step.visit_id.in_(visit_ids), Step.verb == "hand_over", Consultation.ended_as == "handed_over")
        .order_by(Step.id)
    )
    return {consultation_id: key or "" for consultation_id, key in session.execute(query) if consultation_id}


def _first_calls(session: Session, visit_ids: Collection[int]) -> dict[int, datetime]:
    called = Consultation.visit_id.in_(visit_ids), Consultation.ended_as.is_distinct_from("undone")
    query = select(Consultation.visit_id, func.min(Consultation.called_at)).where(*called)
    return dict(session.execute(query.group_by(Consultation.visit_id)).all())


def _mistaken(session: Session, visit_ids: Collection[int]) -> set[int]:
    """Visits whose number was taken back."""
    given = aliased(Step)
    undone = select(Step.visit_id).join(given, Step.undoes_step_id == given.id)
    return set(session.scalars(undone.where(Step.visit_id.in_(visit_ids), given.verb == "register")))


def _key(row: Service | Concern | None) -> str:
    return row.key if row is not None else ""
