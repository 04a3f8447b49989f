"""The number on paper: on a sheet of plain paper, or on the 80 mm roll of a receipt printer."""

from __future__ import annotations

from typing import Literal, get_args

from flask import Response, abort, make_response, render_template, request

from scheduler.models import Visit
from scheduler.web.edge import settings
from scheduler.web.visit_links import full_link, visit_token

Paper = Literal["plain", "receipt"]
COOKIE = "paper"
_YEAR = 365 * 24 * 3600


def show_paper(visit: Visit, back: str) -> Response:
    """The number on the paper of this desk, which the browser remembers. Aborts with 404 where there is no number."""
    if visit.ticket is None or visit.arrived_at is None:
        abort(404)
    paper = _chosen_paper()
    page = render_template(
        "desk/ticket.html", visit=visit, token=visit_token(visit), link=full_link(visit), back=back, paper=paper
    )
    response = make_response(page)
    if "paper" in request.args:
        response.set_cookie(COOKIE, paper, max_age=_YEAR, samesite="Lax", secure=settings().secure, httponly=True)
    return response


def _chosen_paper() -> Paper:
    """What the address asks for, else what was chosen before."""
    wanted = request.args.get("paper", request.cookies.get(COOKIE))
    return next((each for each in get_args(Paper) if each == wanted), "plain")
