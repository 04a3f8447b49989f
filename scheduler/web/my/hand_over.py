"""Hand the visit that is with me over to a service or to a colleague; then its outcome, like after finishing."""

from __future__ import annotations

from dataclasses import dataclass

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from scheduler.actions.handing_over import NobodyThere, Recipient, find_recipients, hand_over
from scheduler.domain.visit_states import may
from scheduler.models import Adviser, Consultation, Presence, Service
from scheduler.web.edge import db, now, rulebook
from scheduler.web.login import by_staff
from scheduler.web.my.blueprint import pages
from scheduler.web.my.calls import own_consultation


@dataclass(frozen=True)
class Colleague:
    """An adviser to choose. `presence`: where they sit; None: still expected."""

    adviser: Adviser
    presence: Presence | None


@pages.get("/consultations/<id:consultation_id>/hand-over")
def ask_hand_over(consultation_id: int) -> ResponseReturnValue:
    return _page(own_consultation(consultation_id))


@pages.post("/consultations/<id:consultation_id>/hand-over")
def do_hand_over(consultation_id: int) -> ResponseReturnValue:
    consultation = own_consultation(consultation_id)
    to = Recipient(request.form.get("service"), request.form.get("adviser"))
    try:
        hand_over(db(), rulebook(), consultation.id, to, by=by_staff(), now=now())
    except NobodyThere:  # gone in this very moment
        db().rollback()
        return _page(own_consultation(consultation_id), refused=True), 409
    db().commit()
    return redirect(url_for("outcomes.ask_outcome", consultation_id=consultation_id), 303)


def _page(consultation: Consultation, *, refused: bool = False) -> str:
    goes_on = consultation.ended_at is None and may(consultation.visit.state, "hand_over")
    recipients = find_recipients(db(), rulebook(), consultation) if goes_on else []
    return render_template(
        "my/hand_over.html",
        consultation=consultation,
        goes_on=goes_on,
        services=_services([each.service for each in recipients if each.service]),
        colleagues=_colleagues(consultation, [each.adviser for each in recipients if each.adviser]),
        refused=refused,
    )


def _services(keys: list[str]) -> list[Service]:
    return list(db().scalars(select(Service).where(Service.key.in_(keys)).order_by(Service.position)))


def _colleagues(consultation: Consultation, keys: list[str]) -> list[Colleague]:
    """Who is here first."""
    advisers = db().scalars(select(Adviser).where(Adviser.key.in_(keys)).order_by(Adviser.position)).all()
    there = db().scalars(select(Presence).where(Presence.opening_id == consultation.visit.opening_id))
    presences = {each.adviser_id: each for each in there}
    return sorted((Colleague(each, presences.get(each.id)) for each in advisers), key=lambda each: not each.presence)
