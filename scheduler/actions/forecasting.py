"""The forecast of one opening, shared by all pages that show it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from scheduler.actions.calling import read_queue
from scheduler.actions.openings import stored_opening
from scheduler.actions.rulebook import PlannedOpening, RuleBook
from scheduler.domain.forecast import Forecast
from scheduler.domain.queue_order import in_order


@dataclass(frozen=True)
class OpeningForecast:
    """For whoever would come now, and for each visit that waits (by its id)."""

    newcomer: Forecast
    waiting: dict[int, Forecast] = field(default_factory=dict)


def forecast_opening(session: Session, rulebook: RuleBook, opening: PlannedOpening, now: datetime) -> OpeningForecast:
    """What the rest of this opening will probably bring."""
    row = stored_opening(session, opening)
    order = in_order(read_queue(session, row), now) if row else []
    rest = max(0.0, (opening.dated.ends_at - now).total_seconds() / 60)

    def after(ahead: int) -> Forecast:
        centre = ahead * 15.0
        return Forecast(ahead, centre, centre * 0.6, centre * 1.5, 1.0 if centre < rest else 0.0, "configured")

    return OpeningForecast(after(len(order)), {each.visit_id: after(ahead) for ahead, each in enumerate(order)})
