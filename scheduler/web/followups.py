"""A follow-up appointment, while the client is still here: with me, at any place where I give appointments."""

from __future__ import annotations

import secrets
from datetime import datetime

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from scheduler.actions.booking import Booking, SlotTaken, book
from scheduler.actions.once import KeyReused
from scheduler.actions.openings import UnknownOpening
from scheduler.actions.slots import Question, make_question
from scheduler.actions.supply import ANY_OTHER_LANGUAGE
from scheduler.models import Concern, Consultation
from scheduler.web.case_marks import keep_mark, read_mark
from scheduler.web.desk.book_panel import find_nearest, idempotency_key
from scheduler.web.desk.panel import answers_of
from scheduler.web.edge import concerns, db, now, rulebook
from scheduler.web.login import by_staff
from scheduler.web.my import own_consultation
from scheduler.web.offer import offered_days, read_chosen, read_days

pages = Blueprint("followups", __name__, url_prefix="/my/consultations/<id:consultation_id>/follow-up")


@pages.get("")
def ask_follow_up(consultation_id: int) -> ResponseReturnValue:
    consultation = own_consultation(consultation_id)
    return _page(consultation, _concern(consultation, request.args.get("concern")))


@pages.post("")
def do_follow_up(consultation_id: int) -> ResponseReturnValue:
    consultation = own_consultation(consultation_id)
    concern, start = _concern(consultation, request.form.get("concern")), read_chosen(request.form.get("slot", ""))
    if start is None:
        return redirect(_address(consultation, concern), 303)
    mark, wrong = read_mark(request.form)
    if wrong:
        return _page(consultation, concern, mark_wrong=wrong), 422
    asked = answers_of(consultation.visit)
    booking = Booking(
        question_for(consultation, concern),
        *start,
        locale=consultation.visit.locale,
        age_group=asked.age_group,
        people=asked.people,
        idempotency_key=idempotency_key(request.form),
    )
    try:
        booked = book(db(), rulebook(), booking, by=by_staff(), now=now())
        keep_mark(booked, mark)
        db().commit()
    except (SlotTaken, UnknownOpening, KeyReused):
        db().rollback()
        return _page(own_consultation(consultation_id), concern, taken_at=booking.starts_at), 409
    return redirect(url_for("appointments.show_appointment", visit_id=booked.id, after=consultation_id), 303)


def question_for(consultation: Consultation, concern: Concern | None) -> Question:
    """With this adviser, in the service and language of the visit. A language that I do not speak holds nothing up."""
    visit, adviser = consultation.visit, consultation.adviser
    return make_question(
        rulebook(),
        service=visit.service.key if visit.service and visit.service.key in adviser.services else None,
        concern=concern,
        language=visit.language if visit.language in (None, *adviser.languages) else ANY_OTHER_LANGUAGE,
        adviser_key=adviser.key,
        by_staff=True,
    )


def _concern(consultation: Consultation, key: str | None) -> Concern | None:
    """What decides the length: as chosen; else as before; who was here is known, so that comes before the rest."""
    known = {each.key: each for each in concerns()}
    before = answers_of(consultation.visit).concern or ""
    usual = next((each for each in known.values() if each.asks_adviser), None)
    return known.get(key or "") or known.get(before) or usual


def _address(consultation: Consultation, concern: Concern | None) -> str:
    return url_for("followups.ask_follow_up", consultation_id=consultation.id, concern=concern.key if concern else None)


def _page(
    consultation: Consultation, concern: Concern | None, taken_at: datetime | None = None, mark_wrong: str = ""
) -> str:
    question, shown = question_for(consultation, concern), read_days(request.values.get("days", ""))
    days, more = offered_days(question, shown)
    return render_template(
        "my/follow_up.html",
        consultation=consultation,
        concerns=concerns(),
        concern=concern,
        minutes=question.minutes,
        days=days,
        more=more,
        shown=shown,
        nearest=find_nearest(question, taken_at) if taken_at else None,
        key=secrets.token_urlsafe(16),
        mark=read_mark(request.form)[0],
        mark_wrong=mark_wrong,
    )
