"""The front desk: today's openings at one place, who waits, and a panel that gives numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, get_args
from urllib.parse import urlsplit

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import Select, select
from sqlalchemy.orm import selectinload

from scheduler.actions.calling import read_queue
from scheduler.actions.openings import lock_visit, servers_of, stored_opening
from scheduler.actions.registration import (
    Answers,
    NotToday,
    TicketsRefused,
    answer,
    check_in,
    leave,
    miss,
    register,
    ticket_window,
)
from scheduler.actions.rulebook import PlannedOpening
from scheduler.actions.slots import ANY_OTHER_LANGUAGE
from scheduler.actions.steps import UndoRefused, latest_steps, undo
from scheduler.domain.codes import linked_visit_id, typed_code
from scheduler.domain.queue_order import has_server, in_order
from scheduler.domain.routing import AgeGroup
from scheduler.domain.visit_states import may, may_undo
from scheduler.models import Concern, Opening, Place, Presence, Step, Visit
from scheduler.web.edge import answer_unless_known, concerns, db, now, rulebook, today
from scheduler.web.login import by_staff, desk_place
from scheduler.web.start import next_walk_in_opening
from scheduler.web.visits import full_link, is_over, opens, visit_token

pages = Blueprint("desk", __name__, url_prefix="/desk")

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
class DeskView:
    """All that the list shows of one opening."""

    opening: PlannedOpening
    called: list[Row]
    waiting: list[Row]
    expected: list[Row]
    ended: list[Row]
    present: list[Presence]
    gives_tickets: bool


@pages.get("")
def show_desk() -> ResponseReturnValue:
    place = desk_place()
    openings = todays_openings(place)
    opening = _chosen(openings)
    if opening is None:
        return render_template("desk/closed.html", place=place, following=next_walk_in_opening(place.id))
    return _desk_page(place, openings, opening)


@pages.get("/queue")
def poll_queue() -> ResponseReturnValue:
    place = desk_place()
    opening = _chosen(todays_openings(place))
    if opening is None:
        abort(404)
    version = db().scalar(_version_of(opening))
    return answer_unless_known(
        ["desk", current_user.get_id(), opening.public_id, version],
        lambda: render_template("desk/_queue.html", view=view_of(opening)),
    )


@pages.post("/visits")
def do_register() -> ResponseReturnValue:
    place = desk_place()
    opening = _chosen(todays_openings(place), request.form.get("opening", ""))
    if opening is None:
        abort(404)
    asked = Answers() if "quick" in request.form else read_answers(request.form)
    try:
        visit = register(db(), rulebook(), opening, asked, locale=str(get_locale()), by=by_staff(), now=now())
        db().commit()
    except TicketsRefused as refused:
        db().rollback()
        return _desk_page(desk_place(), todays_openings(place), opening, refused=refused.reason), 409
    return redirect(url_for("desk.show_desk", opening=opening.public_id, given=visit.id), 303)


@pages.get("/visits/<id:visit_id>/answers")
def ask_answers(visit_id: int) -> ResponseReturnValue:
    visit = _visit_here(visit_id)
    return render_template("desk/answers.html", visit=visit, panel=panel(), asked=answers_of(visit))


@pages.post("/visits/<id:visit_id>/answers")
def do_answer(visit_id: int) -> ResponseReturnValue:
    visit = _visit_here(visit_id)
    answer(db(), rulebook(), visit.id, read_answers(request.form), by=by_staff(), now=now())
    return _commit_and_return(visit)


@pages.post("/check-ins")
def do_check_in_by_code() -> ResponseReturnValue:
    """By nine digits, or by the link that a scanner types from the QR code."""
    place = desk_place()
    typed = request.form.get("code", "").strip()
    visit = _visit_of(typed)
    if visit is None or is_over(visit):
        return _check_in_failed(place, typed, _("Nobody has this code. Please check each digit."))
    return _check_in(place, visit, typed)


@pages.post("/visits/<id:visit_id>/check-in")
def do_check_in(visit_id: int) -> ResponseReturnValue:
    return _check_in(desk_place(), _visit_here(visit_id), "")


@pages.post("/visits/<id:visit_id>/left")
def do_leave(visit_id: int) -> ResponseReturnValue:
    return _commit_and_return(leave(db(), _visit_here(visit_id).id, by=by_staff(), now=now()))


@pages.post("/visits/<id:visit_id>/missed")
def do_miss(visit_id: int) -> ResponseReturnValue:
    return _commit_and_return(miss(db(), _visit_here(visit_id).id, by=by_staff(), now=now()))


@pages.post("/visits/<id:visit_id>/undo")
def do_undo(visit_id: int) -> ResponseReturnValue:
    visit = lock_visit(db(), _visit_here(visit_id).id)
    try:
        undo(db(), visit, by=by_staff(), now=now())
    except UndoRefused:
        db().rollback()
        abort(409)
    return _commit_and_return(visit)


@pages.get("/visits/<id:visit_id>/ticket")
def show_ticket(visit_id: int) -> ResponseReturnValue:
    visit = _visit_here(visit_id)
    if visit.ticket is None or visit.arrived_at is None:
        abort(404)
    return render_template("desk/ticket.html", visit=visit, token=visit_token(visit), link=full_link(visit))


def todays_openings(place: Place) -> list[PlannedOpening]:
    return [each for each in rulebook().openings(today(), today(), place.id) if each.dated.takes_place]


def view_of(opening: PlannedOpening) -> DeskView:
    row = stored_opening(db(), opening)
    if row is None:
        return DeskView(opening, [], [], [], [], [], _gives_tickets(opening))
    visits = _visits_at(row)
    servers = servers_of(db(), rulebook(), opening, row)
    queue = in_order(read_queue(db(), row), now())
    unmet = {each.visit_id for each in queue if not has_server(each, servers)}
    steps = latest_steps(db(), [visit.id for visit in visits])
    rows = {visit.id: _row(visit, steps.get(visit.id), visit.id in unmet) for visit in visits}
    present = db().scalars(select(Presence).where(Presence.opening_id == row.id, Presence.state != "gone"))
    return DeskView(
        opening=opening,
        called=[rows[each.id] for each in visits if each.state in ("called", "in_consultation", "parked")],
        waiting=[rows[each.visit_id] for each in queue],
        expected=[rows[each.id] for each in visits if each.state == "booked"],
        ended=[rows[each.id] for each in visits if each.ended_at is not None],
        present=list(present),
        gives_tickets=_gives_tickets(opening) and row.tickets_stopped_at is None,
    )


def read_answers(given: Mapping[str, str]) -> Answers:
    """What the panel sent; anything that makes no sense is unknown."""
    language = given.get("language")
    concern = given.get("concern")
    people = given.get("people", "")
    return Answers(
        age_group=next((each for each in get_args(AgeGroup) if each == given.get("age")), "unknown"),
        concern=concern if concern in {each.key for each in concerns()} else None,
        language=language if language in panel().languages else None,
        urgent="urgent" in given,
        people=min(max(int(people[:4]), 1), 20) if people.isascii() and people.isdigit() else 1,
    )


@dataclass(frozen=True)
class Panel:
    """What the register panel offers."""

    concerns: list[Concern]
    languages: list[str]


def panel() -> Panel:
    spoken = [language for each in rulebook().advisers.values() for language in sorted(each.languages)]
    by_use = sorted(set(spoken), key=lambda each: (-spoken.count(each), each))
    return Panel(concerns(), [*by_use, ANY_OTHER_LANGUAGE])


def answers_of(visit: Visit) -> Answers:
    return Answers(
        visit.age_group, visit.concern.key if visit.concern else None, visit.language, visit.urgent, visit.people
    )


def _desk_page(
    place: Place,
    openings: list[PlannedOpening],
    opening: PlannedOpening,
    *,
    refused: str | None = None,
    code: str = "",
    code_error: str = "",
) -> str:
    given = request.args.get("given", "")
    return render_template(
        "desk/desk.html",
        place=place,
        openings=openings,
        view=view_of(opening),
        panel=panel(),
        asked=read_answers(request.form),
        given=_visit_given(place, given),
        refused=refused,
        code=code,
        code_error=code_error,
    )


def _chosen(openings: list[PlannedOpening], wanted: str = "") -> PlannedOpening | None:
    """The opening that was asked for; else the one that gives numbers now, runs now, comes next, was last."""
    public_id = wanted or request.args.get("opening", "")
    found = next((each for each in openings if each.public_id == public_id), None)
    giving = (each for each in openings if _gives_tickets(each))
    unfinished = (each for each in openings if each.dated.ends_at > now())
    return found or next(giving, None) or next(unfinished, None) or (openings[-1] if openings else None)


def _gives_tickets(opening: PlannedOpening) -> bool:
    return opening.takes_walk_ins and ticket_window(opening).includes(now())


def _visits_at(row: Opening) -> list[Visit]:
    """Those who are expected, here, or gone so lately that it can be undone."""
    recently = now() - SHOW_ENDED
    return list(
        db().scalars(
            select(Visit)
            .where(Visit.opening_id == row.id, Visit.ended_at.is_(None) | (Visit.ended_at > recently))
            .options(selectinload(Visit.consultations))
            .order_by(Visit.starts_at, Visit.ticket, Visit.id)
        )
    )


def _row(visit: Visit, step: Step | None, unmet: bool) -> Row:
    consultation = visit.open_consultation
    undoable = step if step and not step.by_rule and may_undo(step.verb, step.at, now()) else None
    return Row(visit, consultation.station if consultation else None, unmet, undoable)


def _visit_here(visit_id: int) -> Visit:
    """A visit of this desk's own place. Another place's is not to be seen: 404, as if it were not there."""
    place = desk_place()
    visit = db().get(Visit, visit_id)
    if visit is None or visit.place_id != place.id:
        abort(404)
    return visit


def _visit_of(typed: str) -> Visit | None:
    code = typed_code(typed) if "/" not in typed else None
    if code is not None:
        return db().scalar(select(Visit).where(Visit.code == code))
    token = urlsplit(typed).path.rpartition("/")[2]
    visit_id = linked_visit_id(token)
    visit = db().get(Visit, visit_id) if visit_id is not None else None
    return visit if visit is not None and opens(token, visit) else None


def _check_in(place: Place, visit: Visit, typed: str) -> ResponseReturnValue:
    if not may(visit.state, "check_in"):
        return _check_in_failed(place, typed, _("This person is checked in already, or the appointment is cancelled."))
    try:
        check_in(db(), rulebook(), visit.id, place.id, by=by_staff(), now=now())
    except NotToday as other:
        db().rollback()
        return render_template("desk/not_today.html", visit=db().get_one(Visit, other.visit.id), place=place), 409
    return _commit_and_return(visit, given=visit.id)


def _check_in_failed(place: Place, typed: str, reason: str) -> ResponseReturnValue:
    openings = todays_openings(place)
    opening = _chosen(openings)
    if opening is None:
        abort(404)
    return _desk_page(place, openings, opening, code=typed, code_error=reason), 422


def _commit_and_return(visit: Visit, **args: Any) -> ResponseReturnValue:
    opening_id = visit.opening.public_id
    db().commit()
    return redirect(url_for("desk.show_desk", opening=opening_id, **args), 303)


def _visit_given(place: Place, given: str) -> Visit | None:
    visit = db().get(Visit, int(given)) if given.isascii() and given.isdigit() and len(given) < 10 else None
    shown = visit is not None and visit.place_id == place.id and visit.ticket is not None and not is_over(visit)
    return visit if shown else None


def _version_of(opening: PlannedOpening) -> Select[int]:
    return select(Opening.version).where(
        Opening.hours_id == opening.hours.id, Opening.original_on == opening.dated.original_on
    )
