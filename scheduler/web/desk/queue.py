"""The list of one opening, as the desk sees it, or an adviser who has none: who is here, who is to come, who has gone.

Advisers' own appointments of that place and day stand in it, too: whoever comes for one comes to the same counter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import joinedload, selectinload

from scheduler.actions.calling import read_queue
from scheduler.actions.forecasting import OpeningForecast
from scheduler.actions.full_house import count_turned_away
from scheduler.actions.openings import servers_of
from scheduler.actions.registration import MAY_OVERRIDE, Answers, Refusal, refusal, ticket_window
from scheduler.actions.rulebook import PlannedOpening
from scheduler.actions.steps import latest_steps
from scheduler.domain.forecast import Forecast
from scheduler.domain.full_house import will_hardly_be_served
from scheduler.domain.queue_order import LATE_GRACE, Server, has_server, in_order
from scheduler.domain.visit_states import UNDO_WITHIN, may_undo
from scheduler.models import Hours, Opening, Presence, Step, Visit
from scheduler.models.hours import Tickets
from scheduler.web.belongs import belongs_of_intake, may_take_back
from scheduler.web.desk.panel import answers_of
from scheduler.web.edge import db, now, row_id, rulebook
from scheduler.web.forecasts import forecast_of
from scheduler.web.permissions import may_here

SHOW_ENDED = timedelta(minutes=10)
"""Who left, or was served, stays in the list for as long as it can be undone."""


@dataclass(frozen=True)
class Row:
    """One line of the list."""

    visit: Visit
    station: str | None
    unmet: bool
    """Nobody here or expected can meet its wishes."""
    undoable: Step | None
    forecast: Forecast | None
    """Of those who wait."""
    hardly: bool
    """Closing will probably come first."""
    minutes_late: int
    """Of an appointment that has not come, once the grace is over; else 0."""
    asked: Answers
    """As far as this account sees them."""


@dataclass(frozen=True)
class Door:
    """Whether numbers are given, and what the desk can do about it. `refused`: why none is; None: they are."""

    refused: Refusal | None
    tickets: Tickets
    is_closed: bool
    """Staff have closed the opening."""
    may_close: bool
    """It has begun to take people in, and nobody has closed it."""
    turned_away: int
    may_take_back: bool
    """The latest was turned away a moment ago."""

    @property
    def gives(self) -> bool:
        return self.refused is None

    @property
    def offers_times(self) -> bool:
        """No number, but a time at another hour or place; staff may give a number all the same."""
        return self.refused in MAY_OVERRIDE


@dataclass(frozen=True)
class QueueView:
    """All that the list shows. `opening` and `door`: None where there are only advisers' own appointments."""

    opening: PlannedOpening | None
    door: Door | None
    newcomer: Forecast | None
    """For whoever would come now; None: nobody is taken in without appointment now."""
    called: list[Row]
    parked: list[Row]
    red: list[Row]
    """Those who wait and whose wishes nobody here or expected can meet."""
    waiting: list[Row]
    """Those who wait and can be served."""
    hardly: list[Row]
    """Those among them who will probably not be served before closing."""
    expected: list[Row]
    ended: list[Row]
    present: list[Presence]
    help_wanted_at: datetime | None
    """Since when the desk asks an adviser to come."""
    is_deserted: bool
    """Nobody is here, and nobody is expected any more."""

    @property
    def waiting_count(self) -> int:
        return len(self.red) + len(self.waiting) + len(self.hardly)

    @property
    def gives_tickets(self) -> bool:
        return self.door is not None and self.door.gives

    @property
    def offers_times(self) -> bool:
        """Whoever comes gets a time at another hour or place instead of a number."""
        return self.door is not None and self.door.offers_times

    @property
    def is_empty(self) -> bool:
        return not (self.called or self.parked or self.waiting_count or self.expected or self.ended)


def view_of(opening: PlannedOpening | None, own_times: Sequence[PlannedOpening] = ()) -> QueueView:
    openings = stored_openings([opening, *own_times])
    row = next((each for each in openings if opening and each.public_id == opening.public_id), None)
    visits = _visits_at(openings)
    servers = _servers(opening, row)
    queue, unmet = _queue(row, openings, visits, servers)
    forecast = _forecast(opening, queue)
    steps = latest_steps(db(), [visit.id for visit in visits])
    rows = {each.id: _row(each, opening, steps.get(each.id), each.id in unmet, forecast) for each in visits}
    waiting = [rows[each] for each in queue]
    return QueueView(
        opening=opening,
        door=_door(opening, row) if opening else None,
        newcomer=forecast.newcomer if forecast and opening and gives_tickets(opening) else None,
        called=[rows[each.id] for each in visits if each.state in ("called", "in_consultation")],
        parked=[rows[each.id] for each in visits if each.state == "parked"],
        red=[each for each in waiting if each.unmet],
        waiting=[each for each in waiting if not each.unmet and not each.hardly],
        hardly=[each for each in waiting if not each.unmet and each.hardly],
        expected=[rows[each.id] for each in visits if each.state == "booked"],
        ended=[rows[each.id] for each in visits if each.ended_at is not None],
        present=_present(row) if row else [],
        help_wanted_at=row.help_wanted_at if row else None,
        is_deserted=opening is not None and not servers,
    )


def stored_openings(openings: Sequence[PlannedOpening | None]) -> list[Opening]:
    """The rows of those at which something has happened, by one statement: their versions tell whether more has."""
    wanted = [
        and_(Opening.hours_id == each.hours.id, Opening.original_on == each.dated.original_on)
        for each in openings
        if each is not None
    ]
    if not wanted:
        return []
    found = select(Opening).where(or_(*wanted)).options(joinedload(Opening.hours).load_only(Hours.key))
    return list(db().scalars(found.order_by(Opening.id)))


def gives_tickets(opening: PlannedOpening) -> bool:
    return opening.takes_walk_ins and ticket_window(opening).includes(now())


def _visits_at(openings: Sequence[Opening]) -> list[Visit]:
    """Those who are expected, here, or gone so lately that it can be undone."""
    recently = now() - SHOW_ENDED
    return list(
        db().scalars(
            select(Visit)
            .where(Visit.opening_id.in_([each.id for each in openings]))
            .where(Visit.ended_at.is_(None) | (Visit.ended_at > recently))
            .options(selectinload(Visit.consultations), joinedload(Visit.wished_adviser))
            .order_by(Visit.starts_at, Visit.ticket, Visit.id)
        )
    )


def _servers(opening: PlannedOpening | None, row: Opening | None) -> list[Server]:
    """Advisers who are here or still expected; before anything has happened: all on duty."""
    if opening is None:
        return []
    return servers_of(db(), rulebook(), opening, row) if row else rulebook().staff_of(opening)


def _queue(
    row: Opening | None, openings: Sequence[Opening], visits: Sequence[Visit], servers: Sequence[Server]
) -> tuple[list[int], set[int]]:
    """Ids of those who wait, in order, and of those among them whose wishes nobody here can meet."""
    with_waiting = {each.opening_id for each in visits if each.state == "waiting"}
    queues = {each.id: read_queue(db(), each) for each in openings if each.id in with_waiting}
    order = in_order([waiting for queue in queues.values() for waiting in queue], now())
    unmet = {each.visit_id for each in queues.get(row.id, ()) if not has_server(each, servers)} if row else set[int]()
    known = {each.id for each in visits}
    return [each.visit_id for each in order if each.visit_id in known], unmet


def _forecast(opening: PlannedOpening | None, queue: Sequence[int]) -> OpeningForecast | None:
    return forecast_of(opening) if opening and (queue or gives_tickets(opening)) else None


def _door(opening: PlannedOpening, row: Opening | None) -> Door:
    number, latest_at = count_turned_away(db(), row) if row else (0, None)
    is_closed = row is not None and row.closed_at is not None
    return Door(
        refused=refusal(db(), rulebook(), opening, row, now()),
        tickets=row.tickets if row else "automatic",
        is_closed=is_closed,
        may_close=not is_closed and now() >= ticket_window(opening).starts_at,
        turned_away=number,
        may_take_back=latest_at is not None and now() - latest_at <= UNDO_WITHIN,
    )


def _present(row: Opening) -> list[Presence]:
    there = select(Presence).where(Presence.opening_id == row.id, Presence.state != "gone")
    return list(db().scalars(there.options(joinedload(Presence.adviser)).order_by(Presence.station)))


def _row(
    visit: Visit, opening: PlannedOpening | None, step: Step | None, unmet: bool, forecast: OpeningForecast | None
) -> Row:
    consultation = visit.open_consultation
    fresh = step is not None and not step.by_rule and may_undo(step.verb, step.at, now())
    own = forecast.waiting.get(visit.id) if forecast else None
    return Row(
        visit,
        consultation.station if consultation else None,
        unmet,
        step if step is not None and fresh and may_take_back(step) else None,
        own,
        bool(own and opening and will_hardly_be_served(own.chance, opening.dated.ends_at, now())),
        _minutes_late(visit),
        answers_of(visit),
    )


def _minutes_late(visit: Visit) -> int:
    late = now() - visit.starts_at if visit.state == "booked" and visit.starts_at else timedelta()
    return int(late.total_seconds() // 60) if late >= LATE_GRACE else 0


def visit_named(text: str) -> Visit | None:
    """The visit whose id somebody's address holds."""
    visit_id = row_id(text)
    return db().get(Visit, visit_id) if visit_id is not None else None


def visit_with_number(text: str) -> Visit | None:
    """The visit that was just given a number at this counter, to show it large."""
    visit = visit_named(text)
    shown = visit is not None and visit.ticket is not None and may_here("see", "queue", belongs_of_intake(visit))
    return visit if shown else None
