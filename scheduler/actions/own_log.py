"""This installation's own service log, as a backtest reads it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import case, select
from sqlalchemy.orm import Session

from scheduler.actions.rulebook import RuleBook
from scheduler.domain.replay import LogRow, OnDuty
from scheduler.models import Adviser, Concern, Consultation, Hours, Opening, Service, Visit


def read_own_log(session: Session, rulebook: RuleBook) -> tuple[list[LogRow], list[OnDuty]]:
    """All visits that came or should have come, and who was on duty. Times that were entered later are left out."""
    rows: list[LogRow] = []
    seen: set[int] = set()
    for row in session.execute(_ROWS):
        rows.append(_row(row, is_first=row.id not in seen, rulebook=rulebook))
        seen.add(row.id)
    return [each for each in rows if each.starts_at or each.arrived_at or each.called_at], _rota(session, rulebook)


def _row(row: Any, *, is_first: bool, rulebook: RuleBook) -> LogRow:
    """After a hand-over the same visit keeps another desk busy: it arrives once."""

    def local(at: datetime | None) -> datetime | None:
        return at.astimezone(rulebook.zone) if at else None

    # Called, and not there any more: nobody waits there since.
    has_gone = row.arrived_at is not None and row.called_at is None
    return LogRow(
        arrived_at=local(row.arrived_at) if is_first else None,
        called_at=local(row.called_at),
        finished_at=local(row.finished_at),
        desk=row.desk or "",
        service=row.service or "",
        concern=row.concern or "",
        left_at=local(row.ended_at) if has_gone else None,
        language=row.language or "",
        starts_at=local(row.starts_at) if is_first else None,
        opening=f"{row.hours}/{row.original_on}",
    )


def _rota(session: Session, rulebook: RuleBook) -> list[OnDuty]:
    openings = session.execute(select(Hours.key, Opening.original_on).join(Hours, Opening.hours_id == Hours.id))
    planned = [rulebook.opening(key, original_on) for key, original_on in openings]
    keys = {each.adviser_id: key for key, each in rulebook.advisers.items()}
    return [
        OnDuty(
            keys[server.adviser_id],
            opening.dated.starts_at.astimezone(rulebook.zone),
            server.services,
            server.languages,
            opening.public_id,
        )
        for opening in planned
        if opening is not None
        for server in rulebook.staff_of(opening)
    ]


# The night closed it: when it began is known, when it ended is not.
_CLOSED_WHILE_SERVED = (Consultation.ended_as == "closed") & Consultation.started_at.is_not(None)
_ROWS = (
    select(
        Visit.id,
        Visit.state,
        Visit.arrived_at,
        Visit.ended_at,
        Visit.starts_at,
        Visit.language,
        Service.key.label("service"),
        Concern.key.label("concern"),
        Hours.key.label("hours"),
        Opening.original_on,
        Adviser.key.label("desk"),
        Consultation.called_at,
        case((Consultation.ended_as != "closed", Consultation.ended_at)).label("finished_at"),
    )
    .join(Opening, Visit.opening_id == Opening.id)
    .join(Hours, Opening.hours_id == Hours.id)
    .outerjoin(Service, Visit.service_id == Service.id)
    .outerjoin(Concern, Visit.concern_id == Concern.id)
    .outerjoin(
        Consultation,
        (Consultation.visit_id == Visit.id)
        & (Consultation.ended_as.in_(("finished", "handed_over")) | _CLOSED_WHILE_SERVED),
    )
    .outerjoin(Adviser, Consultation.adviser_id == Adviser.id)
    .where(Visit.state.in_(("done", "left", "not_served", "missed")), Visit.times_unreliable.is_(False))
    .order_by(Visit.id, Consultation.id)
)
