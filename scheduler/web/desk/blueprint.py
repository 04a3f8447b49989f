"""The desk's addresses."""

from __future__ import annotations

from flask import Blueprint

from scheduler.web.login import desk_place

pages = Blueprint("desk", __name__, url_prefix="/desk")


@pages.before_request
def _ask_for_a_desk() -> None:
    """An adviser without a desk takes people in on the own page, not here."""
    desk_place()
