"""What came of a consultation: an adviser's six taps, until the evening."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from scheduler.actions.calling import Outcome, OutcomeClosed, outcome_open, record_outcome
from scheduler.actions.handing_over import service_of
from scheduler.models import Agency, Consultation, Topic
from scheduler.web.edge import db, now
from scheduler.web.my import own_consultation

pages = Blueprint("outcomes", __name__, url_prefix="/my")

CASE_KINDS = {
    "MBE": ("new", "known_first", "known_again"),
    "JMD": ("counselling", "case_management"),
}


@pages.get("/consultations/<id:consultation_id>/outcome")
def ask_outcome(consultation_id: int) -> ResponseReturnValue:
    consultation = own_consultation(consultation_id, "see", "outcome")
    return render_template(
        "my/outcome.html",
        consultation=consultation,
        case_kinds=_case_kinds(consultation),
        topics=list(db().scalars(select(Topic).where(Topic.retired_at.is_(None)).order_by(Topic.position))),
        agencies=list(db().scalars(select(Agency).where(Agency.retired_at.is_(None)).order_by(Agency.position))),
        is_open=outcome_open(db(), consultation, now()),
    )


@pages.post("/consultations/<id:consultation_id>/outcome")
def do_record_outcome(consultation_id: int) -> ResponseReturnValue:
    consultation = own_consultation(consultation_id, "change", "outcome")
    _record(consultation, _read_outcome(request.form, consultation))
    return redirect(url_for("my.show_my", message="outcome_saved"), 303)


@pages.post("/consultations/<id:consultation_id>/outcome/follow-up")
def do_record_and_follow_up(consultation_id: int) -> ResponseReturnValue:
    """Keep what is ticked so far, then make the next appointment. Nothing ticked: the outcome stays open."""
    consultation = own_consultation(consultation_id, "change", "outcome")
    outcome = _read_outcome(request.form, consultation)
    if outcome != Outcome() or consultation.outcome_at is not None:
        _record(consultation, outcome)
    return redirect(url_for("followups.ask_follow_up", consultation_id=consultation_id), 303)


def _record(consultation: Consultation, outcome: Outcome) -> None:
    try:
        record_outcome(db(), consultation, outcome, now())
    except OutcomeClosed:
        db().rollback()
        abort(409)
    db().commit()


def _read_outcome(form: MultiDict[str, str], consultation: Consultation) -> Outcome:
    """What the page sent; a key that is not in the town's lists is left out."""
    topics = set(db().scalars(select(Topic.key)))
    agencies = set(db().scalars(select(Agency.key)))
    family = form.get("family_members", "")
    kind = form.get("case_kind")
    return Outcome(
        case_kind=kind if kind in _case_kinds(consultation) else None,
        family_members=min(int(family), 20) if family.isascii() and family.isdigit() and len(family) < 3 else None,
        topics=tuple(each for each in dict.fromkeys(form.getlist("topics")) if each in topics),
        referred_from=form.get("referred_from") if form.get("referred_from") in agencies else None,
        referred_to=tuple(each for each in dict.fromkeys(form.getlist("referred_to")) if each in agencies),
    )


def _case_kinds(consultation: Consultation) -> tuple[str, ...]:
    """The kinds of the service under which it was held; where it is open, of the services that this adviser gives."""
    service = service_of(db(), consultation)
    keys = [service.key] if service else consultation.adviser.services
    return tuple(kind for key in keys for kind in CASE_KINDS.get(key, ()))
