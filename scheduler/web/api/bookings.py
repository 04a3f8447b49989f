"""Book, look at, move and cancel an appointment. Whoever has the token may; nothing else is asked."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from datetime import datetime

from flask import jsonify, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import Gone, NotFound

from scheduler.actions.booking import (
    Booking,
    SlotTaken,
    book,
    cancel,
    is_free,
    move,
    nearest_slots,
)
from scheduler.actions.booking import question_of as question_of_visit
from scheduler.actions.contacts import leave_contact
from scheduler.actions.once import KeyReused, ProofSpent
from scheduler.actions.slots import Question
from scheduler.actions.steps import CLIENT
from scheduler.domain.visit_states import may
from scheduler.models import Visit
from scheduler.web import metrics, pressure, proofs
from scheduler.web.api.answers import local, slots_json
from scheduler.web.api.blueprint import pages
from scheduler.web.api.bodies import BookingBody, Start, read_body
from scheduler.web.api.checks import check_keys, normal_contact, opening_of, question_of
from scheduler.web.edge import db, now, read_after_refusal, rulebook, settings, town, write_after_reading
from scheduler.web.limits import wrong_tokens
from scheduler.web.problems import Problem
from scheduler.web.visit_links import appointment_by, visit_token


@pages.get("/challenges")
def show_challenge() -> ResponseReturnValue:
    return jsonify(proofs.describe_challenge())


@pages.post("/bookings")
def make_booking() -> ResponseReturnValue:
    key = _idempotency_key()
    body = read_body(BookingBody)
    salt = _proven_salt(body)
    looks_first = pressure.is_tried_hard(_start_of(body))
    if looks_first:
        read_after_refusal()
    check_keys(body)
    contact = normal_contact(body.contact)
    booking = _booking(body, key, salt)
    if looks_first and not is_free(db(), rulebook(), booking, now()):
        raise _taken(booking.question, body.starts_at)
    if looks_first:
        write_after_reading()
    try:
        visit = book(db(), rulebook(), booking, by=CLIENT, now=now())
    except SlotTaken:
        raise _taken(booking.question, body.starts_at) from None
    except KeyReused:
        raise Problem("key_reused") from None
    except ProofSpent:
        db().rollback()
        raise _proof_needed(body) from None
    is_new = visit.created_at == now()  # else it was booked before: a repetition changes nothing
    if contact is not None and is_new:
        leave_contact(db(), visit.id, **contact, secret=settings().secret_key, now=now())
    db().commit()
    if is_new:
        metrics.count("booked")
    opening = f"{booking.hours_key}/{booking.original_on}" if is_new else None
    return (
        jsonify(_visit_json(visit, opening)),
        201,
        {"Location": url_for("api.show_booking", token=visit_token(visit))},
    )


@pages.get("/bookings/<token>")
@wrong_tokens
def show_booking(token: str) -> ResponseReturnValue:
    return jsonify(_visit_json(_booking_by(token)))


@pages.patch("/bookings/<token>")
@wrong_tokens
def move_booking(token: str) -> ResponseReturnValue:
    visit = _booking_by(token)
    start = read_body(Start)
    check_keys(start)
    if not may(visit.state, "move"):
        raise Problem("booking_closed", state=visit.state)
    question = question_of_visit(visit)
    hours_key, original_on = opening_of(start, question.services)
    try:
        moved = move(db(), rulebook(), visit.id, hours_key, original_on, start.starts_at, by=CLIENT, now=now())
    except SlotTaken:
        raise _taken(question, start.starts_at) from None
    db().commit()
    return jsonify(_visit_json(moved))


@pages.delete("/bookings/<token>")
@wrong_tokens
def cancel_booking(token: str) -> ResponseReturnValue:
    visit = cancel(db(), _booking_by(token).id, by=CLIENT, now=now())
    db().commit()
    return jsonify(_visit_json(visit))


def _booking_by(token: str) -> Visit:
    """The appointment of this token. Raises Problem: unknown, or its day is over."""
    try:
        return appointment_by(token)
    except NotFound as error:
        raise Problem("unknown_booking") from error
    except Gone as error:
        raise Problem("booking_over") from error


def _idempotency_key() -> str | None:
    """What makes a repeated request one booking: random, since whoever guesses it may learn the booking's token."""
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return None
    key = given.strip('"')  # the draft standard has it quoted, many clients do not
    if not re.fullmatch(r"[ -~]{16,200}", key):
        raise Problem("bad_idempotency_key")
    return key


def _proven_salt(body: BookingBody) -> str:
    """What this booking's proof is booked under. Raises Problem, before anything was read or locked."""
    pressure.note_attempt()
    if pressure.is_refused():
        raise Problem("too_many_requests")
    salt = proofs.proven_salt(body.proof or "", _start_of(body))
    if salt is None:
        raise _proof_needed(body)
    return salt


def _proof_needed(body: BookingBody) -> Problem:
    metrics.count("proof_refused")
    return Problem("proof_needed", challenge=proofs.describe_challenge(_start_of(body)))


def _start_of(body: BookingBody) -> str:
    """The start by which tries are counted, however it is written."""
    return proofs.start_name(body.opening or body.place or "", body.starts_at)


def _booking(body: BookingBody, key: str | None, salt: str) -> Booking:
    question = question_of(body)
    hours_key, original_on = opening_of(body, question.services)
    return Booking(
        question=question,
        hours_key=hours_key,
        original_on=original_on,
        starts_at=body.starts_at,
        locale=body.locale or town().locales[0],
        age_group=body.age_group or "unknown",
        people=body.people,
        idempotency_key=key,
        request=hashlib.sha256(body.model_dump_json(exclude={"proof"}).encode()).hexdigest() if key else "",
        proof=salt,
    )


def _taken(question: Question, wanted_at: datetime) -> Problem:
    """The refusal with the nearest free times, at any place, as the page offers them."""
    read_after_refusal()
    nearest = nearest_slots(db(), rulebook(), replace(question, place_id=None), wanted_at, now())
    return Problem("taken", alternatives=slots_json(nearest))


def _visit_json(visit: Visit, opening: str | None = None) -> dict[str, object]:
    token = visit_token(visit)
    base = settings().base_url
    return {
        "code": visit.code,
        "token": token,
        "state": visit.state,
        "starts_at": local(visit.starts_at) if visit.starts_at else None,
        "ends_at": local(visit.ends_at) if visit.ends_at else None,
        "place": rulebook().places[visit.place_id],
        "opening": opening or visit.opening.public_id,
        "people": visit.people,
        "manage_url": base + url_for("visits.show_visit", token=token),
        "ics_url": base + url_for("visits.show_ics", token=token),
    }
