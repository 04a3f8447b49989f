"""My next appointment, and whether whoever is called before it would still be here then. A warning, never a refusal."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import and_, or_, select

from scheduler.actions.supply import DEFAULT_MINUTES
from scheduler.domain.queue_order import runs_into
from scheduler.models import Consultation, Visit
from scheduler.web.belongs import sees
from scheduler.web.edge import db, now, today
from scheduler.web.login import own_adviser


@dataclass(frozen=True)
class Coming:
    """An appointment of today that this adviser is planned for. `is_here`: it has been checked in."""

    visit: Visit
    is_here: bool

    @property
    def minutes(self) -> int:
        """Until it begins, begun minutes counted; 0: its time has come."""
        assert self.visit.starts_at is not None
        return max(0, -int((now() - self.visit.starts_at).total_seconds() // 60))

    def is_hit_by(self, visit: Visit) -> bool:
        """Whether this other visit, called now, would probably last past its start."""
        assert self.visit.starts_at is not None
        return visit.id != self.visit.id and runs_into(minutes_of(visit), self.visit.starts_at, now())


def next_coming() -> Coming | None:
    """The next one. Whoever is late and not here keeps nobody waiting; whom I have handed over is no longer mine."""
    adviser = own_adviser()
    handed_over = select(Consultation.visit_id).where(
        Consultation.adviser_id == adviser.id, Consultation.ended_as == "handed_over"
    )
    awaited = or_(Visit.state.in_(("waiting", "parked")), and_(Visit.state == "booked", Visit.starts_at > now()))
    mine = select(Visit).where(Visit.planned_adviser_id == adviser.id, Visit.local_on == today(), awaited)
    found = db().scalar(mine.where(Visit.id.not_in(handed_over)).order_by(Visit.starts_at, Visit.id).limit(1))
    return Coming(found, found.state != "booked") if found else None


def minutes_of(visit: Visit) -> int:
    """How long this visit is expected to take, as far as this account may know."""
    if not sees(visit, "answers"):
        return DEFAULT_MINUTES
    if visit.starts_at is not None and visit.ends_at is not None:
        return int((visit.ends_at - visit.starts_at).total_seconds() // 60)
    return visit.concern.minutes if visit.concern else DEFAULT_MINUTES
