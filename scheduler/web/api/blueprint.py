"""What all routes of the API share: how refusals become problem documents, and what other sites may read."""

from __future__ import annotations

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError

from scheduler.actions.contact_limits import ContactRefused, TooManyBookings
from scheduler.actions.openings import UnknownOpening
from scheduler.db import is_busy
from scheduler.domain.visit_states import StepRefused
from scheduler.web.errors import BUSY_SECONDS, show_fault
from scheduler.web.pressure import WINDOW_SECONDS
from scheduler.web.problems import Problem, problem

pages = Blueprint("api", __name__, url_prefix="/api/v1")

PUBLIC = ("api.list_openings", "api.list_slots", "api.show_queue")
"""Any site may show these in its visitors' browsers. Bookings it may not touch: they belong to who has the token."""


@pages.after_request
def _let_other_sites_read(response: Response) -> Response:
    if request.endpoint in PUBLIC and request.method in ("GET", "HEAD"):
        response.headers["Access-Control-Allow-Origin"] = "*"
    return response


@pages.errorhandler(Problem)
def show_problem(found: Problem) -> ResponseReturnValue:
    response = problem(found.code, **found.members)
    if found.code == "too_many_requests":
        response.headers["Retry-After"] = str(WINDOW_SECONDS)
    return response


@pages.errorhandler(ValidationError)
def show_invalid(error: ValidationError) -> ResponseReturnValue:
    errors = [
        {"field": ".".join(map(str, each["loc"])), "reason": each["msg"].removeprefix("Value error, ")}
        for each in error.errors()
    ]
    return problem("invalid_fields", errors=errors)


@pages.errorhandler(ContactRefused)
def show_contact_refused(refused: ContactRefused) -> ResponseReturnValue:
    if isinstance(refused, TooManyBookings):
        return problem("contact_limit", limit=refused.limit)
    return problem("contact_overlap")


@pages.errorhandler(UnknownOpening)
def show_unknown_opening(_error: UnknownOpening) -> ResponseReturnValue:
    return problem("unknown_opening")


@pages.errorhandler(StepRefused)
def show_closed(refused: StepRefused) -> ResponseReturnValue:
    return problem("booking_closed", state=refused.state)


@pages.errorhandler(OperationalError)
def show_busy(error: OperationalError) -> ResponseReturnValue:
    if not is_busy(error):
        return show_fault(error)
    response = problem("busy")
    response.headers["Retry-After"] = str(BUSY_SECONDS)
    return response
