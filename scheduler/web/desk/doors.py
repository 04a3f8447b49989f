"""Whether numbers are given: stop, go on, go on all the same; who is turned away; and the end of the morning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from scheduler.actions.closing import SomebodyCame, close_opening, reopen, visits_that_close
from scheduler.actions.full_house import NobodyTurnedAway, set_tickets, take_back_turned_away, turn_away
from scheduler.actions.openings import stored_opening
from scheduler.actions.registration import ticket_window
from scheduler.actions.rulebook import PlannedOpening
from scheduler.models import Place, Visit
from scheduler.models.hours import Tickets
from scheduler.web.desk.blueprint import pages
from scheduler.web.desk.page import chosen, opening_named, todays_openings
from scheduler.web.desk.quiet_call import KEPT
from scheduler.web.edge import db, now, row_id
from scheduler.web.login import by_staff, desk_place


@dataclass(frozen=True)
class ClosingView:
    """What closing does: whom it ends, whom it waits for, whom it leaves."""

    place: Place
    opening: PlannedOpening
    waiting: list[Visit]
    not_come: list[Visit]
    in_consultation: list[Visit]
    to_come: list[Visit]
    """Appointments whose time is still to come: they stay."""

    @property
    def ends(self) -> str:
        """Ids of all whom closing ends, as the form carries them."""
        return " ".join(str(each.id) for each in (*self.waiting, *self.not_come))


@pages.post("/tickets/stop")
def do_stop_tickets() -> ResponseReturnValue:
    return _set_tickets("stopped")


@pages.post("/tickets/resume")
def do_resume_tickets() -> ResponseReturnValue:
    """Limit and forecast decide again."""
    return _set_tickets("automatic")


@pages.post("/tickets/open")
def do_open_tickets() -> ResponseReturnValue:
    """Staff know better than limit and forecast."""
    return _set_tickets("open")


@pages.post("/turned-away")
def do_turn_away() -> ResponseReturnValue:
    opening = opening_named()
    turn_away(db(), opening, now())
    return _commit_and_return(opening)


@pages.post("/turned-away/undo")
def do_take_back_turned_away() -> ResponseReturnValue:
    opening = opening_named()
    try:
        take_back_turned_away(db(), opening, now())
    except NobodyTurnedAway:
        abort(409)
    return _commit_and_return(opening)


@pages.get("/close")
def ask_close() -> ResponseReturnValue:
    place = desk_place()
    opening = chosen(todays_openings(place))
    if opening is None or not _may_close(opening):
        return redirect(url_for("desk.show_desk"), 303)
    return render_template("desk/close.html", view=_closing_of(place, opening), is_outdated=False)


@pages.post("/close")
def do_close() -> ResponseReturnValue:
    """Whoever was not on the list that was shown is never closed away: the list comes again."""
    opening = opening_named()
    if not _may_close(opening):
        abort(409)
    seen = {int(each) for each in request.form.get("ends", "").split() if row_id(each) is not None}
    try:
        close_opening(db(), opening, seen, by=by_staff(), now=now())
    except SomebodyCame:
        db().rollback()
        view = _closing_of(desk_place(), opening)
        return render_template("desk/close.html", view=view, is_outdated=True), 409
    return _commit_and_return(opening)


@pages.post("/reopen")
def do_reopen() -> ResponseReturnValue:
    opening = opening_named()
    reopen(db(), opening)
    return _commit_and_return(opening)


def _set_tickets(tickets: Tickets) -> ResponseReturnValue:
    opening = opening_named()
    set_tickets(db(), opening, tickets)
    return _commit_and_return(opening)


def _may_close(opening: PlannedOpening) -> bool:
    """Not before its doors open: a date that does not take place is cancelled."""
    return now() >= ticket_window(opening).starts_at


def _closing_of(place: Place, opening: PlannedOpening) -> ClosingView:
    row = stored_opening(db(), opening)
    ends = visits_that_close(db(), row, now()) if row else []
    stay = (
        select(Visit).where(Visit.opening_id == row.id, Visit.state.in_(("in_consultation", "booked"))) if row else None
    )
    stays = list(db().scalars(stay.order_by(Visit.starts_at, Visit.ticket))) if stay is not None else []
    return ClosingView(
        place=place,
        opening=opening,
        waiting=[each for each in ends if each.state != "booked"],
        not_come=[each for each in ends if each.state == "booked"],
        in_consultation=[each for each in stays if each.state == "in_consultation"],
        to_come=[each for each in stays if each.state == "booked" and each not in ends],
    )


def _commit_and_return(opening: PlannedOpening) -> ResponseReturnValue:
    kept: dict[str, Any] = {each: request.args[each] for each in KEPT if each in request.args}
    db().commit()
    return redirect(url_for("desk.show_desk", **{**kept, "opening": opening.public_id}), 303)
