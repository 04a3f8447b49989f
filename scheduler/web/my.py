"""An adviser's own day: where I sit, whom I call next, my appointments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select

from scheduler.actions.calling import (
    CalledTooRarely,
    NobodyWaits,
    NotSeated,
    StillServing,
    call,
    call_again,
    call_next,
    finish,
    miss_call,
    open_consultation_of,
    put_back,
    read_queue,
    start,
)
from scheduler.actions.openings import lock_visit, servers_of, stored_opening
from scheduler.actions.presence import StationTaken, change_presence, presence_of, sit_down
from scheduler.actions.rulebook import PlannedOpening
from scheduler.actions.steps import UndoRefused, latest_step, undo
from scheduler.domain.queue_order import in_order, may_serve
from scheduler.domain.recurrence import day_interval
from scheduler.domain.visit_states import may_undo
from scheduler.models import Consultation, Opening, Place, Presence, Step, Visit
from scheduler.web.edge import answer_unless_known, db, now, opening_from, rulebook, today, town
from scheduler.web.login import by_staff, own_adviser

pages = Blueprint("my", __name__, url_prefix="/my")

AHEAD = timedelta(days=28)


_REFUSALS: dict[type[Exception], str] = {
    NotSeated: "not_seated",
    StillServing: "still_serving",
    NobodyWaits: "nobody_waits",
    StationTaken: "station_taken",
    CalledTooRarely: "call_again_first",
}


@dataclass(frozen=True)
class Line:
    """One visit in the queue as this adviser sees it. `mine`: I am the one, or one of those, who can serve it."""

    visit: Visit
    mine: bool


@dataclass(frozen=True)
class Seats:
    """Where one can sit at an opening of today."""

    opening: PlannedOpening
    place: Place
    stations: list[str]


@dataclass(frozen=True)
class MyView:
    """All that the page shows."""

    opening: PlannedOpening | None
    place: Place | None
    presence: Presence | None
    consultation: Consultation | None
    queue: list[Line]
    to_complete: list[Consultation]
    undoable: Step | None
    ahead: list[Visit]
    """My own appointments of the next four weeks."""
    next_appointment: Visit | None
    """The one of them that comes next today."""
    calls_needed: int
    """So many calls before a visit counts as missed."""

    @property
    def next_visit(self) -> Visit | None:
        return next((line.visit for line in self.queue if line.mine), None)


@pages.get("")
def show_my() -> ResponseReturnValue:
    adviser = own_adviser()
    return render_template(
        "my/my.html",
        adviser=adviser,
        view=_view(),
        seats=[_seats(each) for each in _openings_today()],
        message=request.args.get("message"),
    )


@pages.get("/now")
def poll_now() -> ResponseReturnValue:
    own_adviser()
    opening = _opening_now()
    row = stored_opening(db(), opening) if opening else None
    return answer_unless_known(
        ["my", current_user.get_id(), opening and opening.public_id, row and row.version],
        lambda: render_template("my/_now.html", view=_view()),
    )


@pages.post("/presence")
def do_sit_down() -> ResponseReturnValue:
    adviser = own_adviser()
    opening = opening_from(request.form.get("opening", ""))
    station = request.form.get("station", "")
    if opening is None or opening not in _openings_today() or station not in _seats(opening).stations:
        abort(404)
    try:
        sit_down(db(), opening, adviser, station, now())
    except StationTaken as refused:
        return _refused(refused)
    db().commit()
    return _to_my()


@pages.post("/presence/break")
def do_take_break() -> ResponseReturnValue:
    return _change_presence("break")


@pages.post("/presence/back")
def do_come_back() -> ResponseReturnValue:
    return _change_presence("present")


@pages.post("/presence/gone")
def do_go() -> ResponseReturnValue:
    return _change_presence("gone")


@pages.post("/calls")
def do_call_next() -> ResponseReturnValue:
    adviser = own_adviser()
    opening = _opening_now()
    if opening is None:
        return _to_my("not_seated")
    try:
        call_next(db(), rulebook(), opening, adviser, by=by_staff(), now=now())
    except (NotSeated, StillServing, NobodyWaits) as refused:
        return _refused(refused)
    db().commit()
    return _to_my()


@pages.post("/visits/<id:visit_id>/calls")
def do_call(visit_id: int) -> ResponseReturnValue:
    adviser = own_adviser()
    visit = db().get(Visit, visit_id)
    opening = _opening_now()
    if visit is None or opening is None or visit.opening.public_id != opening.public_id:
        abort(404)
    try:
        call(db(), visit_id, adviser, by=by_staff(), now=now())
    except (NotSeated, StillServing) as refused:
        return _refused(refused)
    db().commit()
    return _to_my()


@pages.post("/consultations/<id:consultation_id>/calls")
def do_call_again(consultation_id: int) -> ResponseReturnValue:
    call_again(db(), own_consultation(consultation_id).id, by=by_staff(), now=now())
    db().commit()
    return _to_my()


@pages.post("/consultations/<id:consultation_id>/start")
def do_start(consultation_id: int) -> ResponseReturnValue:
    start(db(), own_consultation(consultation_id).id, by=by_staff(), now=now())
    db().commit()
    return _to_my()


@pages.post("/consultations/<id:consultation_id>/not-now")
def do_put_back(consultation_id: int) -> ResponseReturnValue:
    put_back(db(), own_consultation(consultation_id).id, by=by_staff(), now=now())
    db().commit()
    return _to_my()


@pages.post("/consultations/<id:consultation_id>/missed")
def do_miss(consultation_id: int) -> ResponseReturnValue:
    try:
        miss_call(db(), own_consultation(consultation_id).id, by=by_staff(), now=now())
    except CalledTooRarely as refused:
        return _refused(refused)
    db().commit()
    return _to_my()


@pages.post("/consultations/<id:consultation_id>/finish")
def do_finish(consultation_id: int) -> ResponseReturnValue:
    consultation = finish(db(), own_consultation(consultation_id).id, by=by_staff(), now=now())
    db().commit()
    return redirect(url_for("outcomes.ask_outcome", consultation_id=consultation.id), 303)


@pages.post("/consultations/<id:consultation_id>/undo")
def do_undo(consultation_id: int) -> ResponseReturnValue:
    visit = lock_visit(db(), own_consultation(consultation_id).visit_id)
    step = latest_step(db(), visit)
    if step is None or step.consultation_id != consultation_id:
        abort(409)  # somebody else has gone on with this visit
    try:
        undo(db(), visit, by=by_staff(), now=now())
    except UndoRefused:
        db().rollback()
        abort(409)
    db().commit()
    return _to_my()


def _view() -> MyView:
    adviser = own_adviser()
    opening = _opening_now()
    row = stored_opening(db(), opening) if opening else None
    ahead = _own_visits()
    return MyView(
        opening=opening,
        place=db().get(Place, opening.hours.place_id) if opening else None,
        presence=presence_of(db(), row, adviser) if row else None,
        consultation=open_consultation_of(db(), adviser),
        queue=_queue(opening, row) if opening and row else [],
        to_complete=_to_complete(),
        undoable=_undoable(),
        ahead=ahead,
        next_appointment=next((each for each in ahead if each.local_on == today()), None),
        calls_needed=town().calls_before_missed,
    )


def _opening_now() -> PlannedOpening | None:
    """Where the adviser has sat down today; else the own opening that runs or comes next, else the last one."""
    adviser = own_adviser()
    openings = _openings_today()
    sitting = {
        (hours_id, on)
        for hours_id, on in db().execute(
            select(Opening.hours_id, Opening.original_on)
            .join(Presence, Presence.opening_id == Opening.id)
            .where(Presence.adviser_id == adviser.id, Presence.state != "gone")
        )
    }
    here = (each for each in openings if (each.hours.id, each.dated.original_on) in sitting)
    own = [each for each in openings if adviser.key in each.dated.staff]
    coming = (each for each in own if each.dated.ends_at > now())
    return next(here, None) or next(coming, None) or (own[-1] if own else None)


def _openings_today() -> list[PlannedOpening]:
    """Own ones first; the others too, since a colleague may stand in."""
    adviser = own_adviser()
    openings = [each for each in rulebook().openings(today(), today()) if each.dated.takes_place]
    return sorted(openings, key=lambda each: adviser.key not in each.dated.staff)


def _queue(opening: PlannedOpening, row: Opening) -> list[Line]:
    servers = servers_of(db(), rulebook(), opening, row)
    me = rulebook().advisers.get(own_adviser().key)
    order = in_order(read_queue(db(), row), now())
    waiting = db().scalars(select(Visit).where(Visit.id.in_([each.visit_id for each in order])))
    visits = {visit.id: visit for visit in waiting}
    return [Line(visits[each.visit_id], me is not None and may_serve(me, each, servers)) for each in order]


def own_consultation(consultation_id: int) -> Consultation:
    """A consultation of this adviser. A colleague's is not to be seen: 404, as if it were not there."""
    adviser = own_adviser()
    found = db().get(Consultation, consultation_id)
    if found is None or found.adviser_id != adviser.id:
        abort(404)
    return found


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
                Consultation.ended_as == "finished",
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


def _change_presence(state: Literal["present", "break", "gone"]) -> ResponseReturnValue:
    opening = _opening_now()
    if opening is None:
        return _to_my()
    try:
        change_presence(db(), opening, own_adviser(), state, now())
    except StationTaken as refused:
        return _refused(refused)
    db().commit()
    return _to_my()


def _refused(refused: Exception) -> ResponseReturnValue:
    db().rollback()
    return _to_my(_REFUSALS[type(refused)])


def _to_my(message: str | None = None) -> ResponseReturnValue:
    return redirect(url_for("my.show_my", message=message), 303)


def _seats(opening: PlannedOpening) -> Seats:
    place = db().get_one(Place, opening.hours.place_id)
    return Seats(opening, place, place.stations or [opening.hours.room or _("here")])
