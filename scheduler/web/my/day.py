"""What the page of an adviser's day shows, put together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from scheduler.actions.calling import open_consultation_of, read_queue, still_calls
from scheduler.actions.case_marks import read_marks
from scheduler.actions.openings import servers_of, stored_opening
from scheduler.actions.presence import presence_of
from scheduler.actions.rulebook import PlannedOpening
from scheduler.actions.steps import latest_step
from scheduler.domain.queue_order import in_order, may_serve
from scheduler.domain.recurrence import day_interval
from scheduler.domain.visit_states import may_undo
from scheduler.models import Consultation, Opening, Place, Presence, Step, Visit
from scheduler.web.desk.queue import QueueView, view_of
from scheduler.web.edge import db, now, rulebook, today, town
from scheduler.web.login import own_adviser
from scheduler.web.my.coming import Coming, minutes_of, next_coming
from scheduler.web.my.places import opening_now, own_times_today, takes_in_at

AHEAD = timedelta(days=28)


@dataclass(frozen=True)
class Line:
    """One visit in the queue as this adviser sees it. `mine`: I am the one, or one of those, who can serve it."""

    visit: Visit
    mine: bool


@dataclass(frozen=True)
class MyView:
    """All that the page shows."""

    opening: PlannedOpening | None
    place: Place | None
    presence: Presence | None
    consultation: Consultation | None
    queue: list[Line]
    parked: list[Visit]
    counter: QueueView
    """Whom this adviser takes in: at this opening where it has no desk, and for own appointments."""
    to_complete: list[Consultation]
    undoable: Step | None
    marks: dict[int, str]
    """My own marks on the visits that are mine, by visit."""
    ahead: list[Visit]
    """My own appointments of the next four weeks."""
    coming: Coming | None
    """The one that comes next today."""
    calls_needed: int
    """So many calls before a visit counts as missed."""
    still_calls: bool
    """Whether the next number is called: after the end of some openings it is not."""
    help_wanted_at: datetime | None
    """Since when the desk asks somebody to come."""

    @property
    def takes_in(self) -> bool:
        return self.counter.opening is not None

    @property
    def is_seated(self) -> bool:
        return self.presence is not None and self.presence.state == "present"

    @property
    def next_visit(self) -> Visit | None:
        return next((line.visit for line in self.queue if line.mine), None)

    def may_call(self, visit: Visit) -> bool:
        """From the counter's list: whoever comes for me at my own time, and at the opening once I sit there."""
        return self.consultation is None and (self.is_seated or visit.opening.hours.own_adviser_id is not None)

    def hits(self, visit: Visit) -> bool:
        """Whether this visit, called now, would probably last into my next appointment."""
        return self.coming is not None and self.coming.is_hit_by(visit)

    def minutes_of(self, visit: Visit) -> int:
        return minutes_of(visit)


def view_day() -> MyView:
    adviser, opening = own_adviser(), opening_now()
    row = stored_opening(db(), opening) if opening else None
    presence = presence_of(db(), row, adviser) if row else None
    consultation, coming, ahead = open_consultation_of(db(), adviser), next_coming(), _own_visits()
    mine = [*ahead, *([coming.visit] if coming else []), *([consultation.visit] if consultation else [])]
    return MyView(
        opening=opening,
        place=db().get(Place, opening.hours.place_id) if opening else None,
        presence=presence,
        consultation=consultation,
        queue=_queue(opening, row) if opening and row else [],
        parked=_parked(row) if row else [],
        counter=view_of(opening if opening and takes_in_at(opening) else None, own_times_today()),
        to_complete=_to_complete(),
        undoable=_undoable(),
        marks=read_marks(db(), adviser.id, {each.id for each in mine}),
        ahead=ahead,
        coming=coming,
        calls_needed=town().calls_before_missed,
        still_calls=opening is None or still_calls(opening, now()),
        help_wanted_at=row.help_wanted_at if row and hears_calls(presence) else None,
    )


def hears_calls(presence: Presence | None) -> bool:
    """A quiet call of the desk reaches whoever has signed in and has not gone."""
    return presence is not None and presence.state != "gone"


def _queue(opening: PlannedOpening, row: Opening) -> list[Line]:
    servers = servers_of(db(), rulebook(), opening, row)
    me = rulebook().advisers.get(own_adviser().key)
    order = in_order(read_queue(db(), row), now())
    wanted = select(Visit).where(Visit.id.in_([each.visit_id for each in order]))
    waiting = db().scalars(wanted.options(selectinload(Visit.consultations)))
    visits = {visit.id: visit for visit in waiting}
    return [Line(visits[each.visit_id], me is not None and may_serve(me, each, servers)) for each in order]


def _parked(row: Opening) -> list[Visit]:
    parked = select(Visit).where(Visit.opening_id == row.id, Visit.state == "parked")
    return list(db().scalars(parked.options(selectinload(Visit.consultations)).order_by(Visit.ticket)))


def _own_visits() -> list[Visit]:
    adviser = own_adviser()
    return list(
        db().scalars(
            select(Visit)
            .where(
                Visit.planned_adviser_id == adviser.id,
                Visit.state == "booked",
                Visit.ends_at > now(),
                Visit.starts_at < now() + AHEAD,
            )
            .order_by(Visit.starts_at)
        )
    )


def _to_complete() -> list[Consultation]:
    midnight = day_interval(today(), town().zone).starts_at
    return list(
        db().scalars(
            select(Consultation)
            .where(
                Consultation.adviser_id == own_adviser().id,
                Consultation.ended_as.in_(("finished", "handed_over")),
                Consultation.outcome_at.is_(None),
                Consultation.called_at >= midnight,
            )
            .order_by(Consultation.id.desc())
        )
    )


def _undoable() -> Step | None:
    """My latest step, while it can be taken back: a click that went wrong."""
    step = db().scalar(
        select(Step)
        .where(
            Step.account_id == current_user.account.id,
            Step.consultation_id.is_not(None),
            Step.verb != "undo",
            Step.id.not_in(select(Step.undoes_step_id).where(Step.undoes_step_id.is_not(None))),
        )
        .order_by(Step.id.desc())
        .limit(1)
    )
    if step is None or not may_undo(step.verb, step.at, now()):
        return None
    latest = latest_step(db(), step.visit)
    return step if latest is not None and latest.id == step.id else None
