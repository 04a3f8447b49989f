"""The list of one opening, as the desk sees it, or an adviser who has none: who is here, who is to come, who has gone.

Advisers' own appointments of that place and day stand in it, too: whoever comes for one comes to the same counter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import joinedload, selectinload

from scheduler.actions.calling import read_queue
from scheduler.actions.openings import servers_of
from scheduler.actions.registration import ticket_window
from scheduler.actions.rulebook import PlannedOpening
from scheduler.actions.steps import latest_steps
from scheduler.domain.queue_order import has_server, in_order
from scheduler.domain.visit_states import may_undo
from scheduler.models import Hours, Opening, Presence, Step, Visit
from scheduler.web.edge import db, now, row_id, rulebook
from scheduler.web.visits import is_over

SHOW_ENDED = timedelta(minutes=10)
"""Who left, or was served, stays in the list for as long as it can be undone."""


@dataclass(frozen=True)
class Row:
    """One line of the list. `unmet`: nobody here or expected can meet its wishes."""

    visit: Visit
    station: str | None
    unmet: bool
    undoable: Step | None


@dataclass(frozen=True)
class QueueView:
    """All that the list shows. `opening`: None where there are only advisers' own appointments."""

    opening: PlannedOpening | None
    called: list[Row]
    waiting: list[Row]
    expected: list[Row]
    ended: list[Row]
    present: list[Presence]
    gives_tickets: bool

    @property
    def is_empty(self) -> bool:
        return not (self.called or self.waiting or self.expected or self.ended)


def view_of(opening: PlannedOpening | None, own_times: Sequence[PlannedOpening] = ()) -> QueueView:
    openings = stored_openings([opening, *own_times])
    row = next((each for each in openings if opening and each.public_id == opening.public_id), None)
    visits = _visits_at(openings)
    queue, unmet = _queue(opening, row, openings, visits)
    steps = latest_steps(db(), [visit.id for visit in visits])
    rows = {visit.id: _row(visit, steps.get(visit.id), visit.id in unmet) for visit in visits}
    return QueueView(
        opening=opening,
        called=[rows[each.id] for each in visits if each.state in ("called", "in_consultation", "parked")],
        waiting=[rows[each] for each in queue],
        expected=[rows[each.id] for each in visits if each.state == "booked"],
        ended=[rows[each.id] for each in visits if each.ended_at is not None],
        present=_present(row) if row else [],
        gives_tickets=opening is not None and gives_tickets(opening) and not (row and row.tickets == "stopped"),
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


def _queue(
    opening: PlannedOpening | None, row: Opening | None, openings: Sequence[Opening], visits: Sequence[Visit]
) -> tuple[list[int], set[int]]:
    """Ids of those who wait, in order, and of those among them whose wishes nobody here can meet."""
    with_waiting = {each.opening_id for each in visits if each.state == "waiting"}
    queues = {each.id: read_queue(db(), each) for each in openings if each.id in with_waiting}
    order = in_order([waiting for queue in queues.values() for waiting in queue], now())
    unmet = set[int]()
    if opening is not None and row is not None and row.id in queues:
        servers = servers_of(db(), rulebook(), opening, row)
        unmet = {each.visit_id for each in queues[row.id] if not has_server(each, servers)}
    known = {each.id for each in visits}
    return [each.visit_id for each in order if each.visit_id in known], unmet


def _present(row: Opening) -> list[Presence]:
    there = select(Presence).where(Presence.opening_id == row.id, Presence.state != "gone")
    return list(db().scalars(there.options(joinedload(Presence.adviser)).order_by(Presence.station)))


def _row(visit: Visit, step: Step | None, unmet: bool) -> Row:
    consultation = visit.open_consultation
    undoable = step if step and not step.by_rule and may_undo(step.verb, step.at, now()) else None
    return Row(visit, consultation.station if consultation else None, unmet, undoable)


def visit_named(text: str) -> Visit | None:
    """The visit whose id somebody's address holds."""
    visit_id = row_id(text)
    return db().get(Visit, visit_id) if visit_id is not None else None


def visit_with_number(text: str, is_here: Callable[[Visit], bool]) -> Visit | None:
    """The visit that was just given a number, to show it large."""
    visit = visit_named(text)
    shown = visit is not None and is_here(visit) and visit.ticket is not None and not is_over(visit)
    return visit if shown else None
