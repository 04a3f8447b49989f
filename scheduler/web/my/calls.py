"""Call the next person or a certain one, start, not now, missed, finish, and take the latest click back."""

from __future__ import annotations

from flask import abort, redirect, url_for
from flask.typing import ResponseReturnValue

from scheduler.actions.calling import (
    CalledTooRarely,
    NobodyWaits,
    NotSeated,
    OpeningOver,
    StillServing,
    call,
    call_again,
    call_next,
    finish,
    miss_call,
    put_back,
    start,
)
from scheduler.actions.openings import lock_visit
from scheduler.actions.presence import sit_down
from scheduler.actions.serving import serve
from scheduler.actions.steps import UndoRefused, latest_step, undo
from scheduler.domain.permissions import Right
from scheduler.models import Consultation, Visit
from scheduler.web.belongs import belongs_of_consultation, belongs_of_intake, belongs_of_number, belongs_to_adviser
from scheduler.web.edge import db, now, opening_from, rulebook
from scheduler.web.login import by_staff, own_adviser
from scheduler.web.my.blueprint import pages
from scheduler.web.my.page import say_refusal, to_my
from scheduler.web.my.places import opening_now, own_times_today, station_at
from scheduler.web.permissions import permit


@pages.post("/calls")
def do_call_next() -> ResponseReturnValue:
    adviser = own_adviser()
    opening = opening_now()
    if opening is None:
        return to_my("not_seated")
    try:
        call_next(db(), rulebook(), opening, adviser, by=by_staff(), now=now())
    except (OpeningOver, NotSeated, StillServing, NobodyWaits) as refused:
        return say_refusal(refused)
    db().commit()
    return to_my()


@pages.post("/visits/<id:visit_id>/calls")
def do_call(visit_id: int) -> ResponseReturnValue:
    adviser, visit = own_adviser(), db().get(Visit, visit_id) or abort(404)
    permit("change", "number", belongs_of_number(visit))
    own_time = next((each for each in own_times_today() if each.public_id == visit.opening.public_id), None)
    try:
        if own_time is not None:  # nobody signs in at an own appointment: the call says where
            sit_down(db(), own_time, adviser, station_at(own_time), now())
        call(db(), visit_id, adviser, by=by_staff(), now=now())
    except (NotSeated, StillServing) as refused:
        return say_refusal(refused)
    db().commit()
    return to_my()


@pages.post("/visits/<id:visit_id>/start")
def do_serve(visit_id: int) -> ResponseReturnValue:
    """Somebody has come straight to me for an appointment: no check-in, no call. Not where a desk takes them in."""
    adviser, visit = own_adviser(), db().get(Visit, visit_id) or abort(404)
    permit("change", "queue", belongs_of_intake(visit))
    permit("change", "calls", belongs_to_adviser(visit.planned_adviser_id))
    opening = opening_from(visit.opening.public_id) or abort(404)
    try:
        serve(db(), visit_id, adviser, station_at(opening), by=by_staff(), now=now())
    except StillServing as refused:
        return say_refusal(refused)
    db().commit()
    return to_my()


@pages.post("/consultations/<id:consultation_id>/calls")
def do_call_again(consultation_id: int) -> ResponseReturnValue:
    call_again(db(), own_consultation(consultation_id).id, by=by_staff(), now=now())
    db().commit()
    return to_my()


@pages.post("/consultations/<id:consultation_id>/start")
def do_start(consultation_id: int) -> ResponseReturnValue:
    start(db(), own_consultation(consultation_id).id, by=by_staff(), now=now())
    db().commit()
    return to_my()


@pages.post("/consultations/<id:consultation_id>/not-now")
def do_put_back(consultation_id: int) -> ResponseReturnValue:
    put_back(db(), own_consultation(consultation_id).id, by=by_staff(), now=now())
    db().commit()
    return to_my()


@pages.post("/consultations/<id:consultation_id>/missed")
def do_miss(consultation_id: int) -> ResponseReturnValue:
    try:
        miss_call(db(), own_consultation(consultation_id).id, by=by_staff(), now=now())
    except CalledTooRarely as refused:
        return say_refusal(refused)
    db().commit()
    return to_my()


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
    return to_my()


def own_consultation(consultation_id: int, right: Right = "change", thing: str = "calls") -> Consultation:
    """A consultation of this adviser. A colleague's is not to be seen: 404, as if it were not there."""
    found = db().get(Consultation, consultation_id) or abort(404)
    permit(right, thing, belongs_of_consultation(found))
    return found
