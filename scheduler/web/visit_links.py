"""A client's link: which visit it opens, and what it is made of. Whoever holds it may see and change that visit."""

from __future__ import annotations

from hmac import compare_digest
from typing import Any

from flask import abort, url_for

from scheduler.domain.codes import link_token, linked_visit_id
from scheduler.models import Visit
from scheduler.web.edge import db, settings, today


def visit_by(token: str) -> Visit:
    """The visit of this link. Aborts with 404 where it is wrong or revoked, 410 where its day is over or it is gone."""
    visit_id = linked_visit_id(token)
    visit = db().get(Visit, visit_id) if visit_id is not None else None
    if visit is None:
        abort(410 if visit_id is not None and _once_opened(token, visit_id) else 404)
    if not opens(token, visit):
        abort(404)
    if is_over(visit):
        abort(410)
    return visit


def appointment_by(token: str) -> Visit:
    """The appointment of this link; a walk-in has no time that could be moved or put into a calendar: 404."""
    visit = visit_by(token)
    if visit.kind != "appointment":
        abort(404)
    return visit


def opens(token: str, visit: Visit) -> bool:
    """Whether the token is this visit's, compared in constant time."""
    return compare_digest(token.encode(), visit_token(visit).encode())


def _once_opened(token: str, visit_id: int) -> bool:
    """Whether it was the link of a visit that is erased or counted: an id is given once, so nobody else has it."""
    return compare_digest(token.encode(), link_token(settings().secret_key, visit_id, 0).encode())


def is_over(visit: Visit) -> bool:
    """From the day after the visit its link and code open nothing."""
    return visit.local_on < today()


def visit_token(visit: Visit) -> str:
    return link_token(settings().secret_key, visit.id, visit.link_epoch)


def visit_link(visit: Visit, **args: Any) -> str:
    """The address of the visit's page on this server."""
    return url_for("visits.show_visit", token=visit_token(visit), **args)


def full_link(visit: Visit) -> str:
    """The visit's address as other devices need it: a walk-in's leads to its ticket."""
    endpoint = "visits.show_visit" if visit.kind == "appointment" else "tickets.show_ticket"
    return settings().base_url + url_for(endpoint, token=visit_token(visit))
