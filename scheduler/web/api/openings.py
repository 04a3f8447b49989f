"""Dated openings: when, where, what they admit, how they stand, and whether numbers are given there now."""

from __future__ import annotations

from flask import jsonify
from flask.typing import ResponseReturnValue

from scheduler.actions.openings import stored_opening
from scheduler.actions.registration import refusal, ticket_window
from scheduler.actions.rulebook import PlannedOpening
from scheduler.domain.routing import services_for
from scheduler.web.api.answers import local
from scheduler.web.api.blueprint import pages
from scheduler.web.api.bodies import Window, read_query
from scheduler.web.api.checks import check_keys, place_id_of
from scheduler.web.edge import db, now, rulebook, town
from scheduler.web.forecasts import forecast_of, known_wait


@pages.get("/openings")
def list_openings() -> ResponseReturnValue:
    window = read_query(Window)
    check_keys(window)
    services = {window.service} if window.service else set(_services_for(window))
    found = rulebook().openings(window.first_on(), window.last_on(), place_id_of(window.place))
    return jsonify(openings=[_opening_json(each) for each in found if services & each.hours.services])


def state_of(opening: PlannedOpening) -> str:
    """ "cancelled", "planned", "open" or "over"."""
    if not opening.dated.takes_place:
        return "cancelled"
    if now() < opening.dated.starts_at:
        return "planned"
    return "open" if now() < opening.dated.ends_at and not _is_closed(opening) else "over"


def _is_closed(opening: PlannedOpening) -> bool:
    """Whether staff have closed it before its end."""
    row = stored_opening(db(), opening)
    return row is not None and row.closed_at is not None


def forecast_json(opening: PlannedOpening) -> dict[str, object]:
    """For somebody who came now. The minutes as pages show them; the chance is to be served before closing.

    The upper end is None where perhaps nobody will be there to call; both are where it is likely so.
    """
    newcomer = forecast_of(opening).newcomer
    low, high = known_wait(newcomer)
    return {
        "ahead": newcomer.ahead,
        "low_minutes": low,
        "high_minutes": high,
        "chance": round(newcomer.chance, 2),
        "basis": newcomer.basis,
        "as_of": local(now().replace(second=0, microsecond=0)),
    }


def tickets_of(opening: PlannedOpening) -> str:
    """Whether walk-ins get a number: "none" (never here), "open", or why they get none."""
    if not opening.takes_walk_ins:
        return "none"
    # Only where numbers may be given now does it matter what has happened: a long list asks for no rows.
    row = stored_opening(db(), opening) if ticket_window(opening).includes(now()) else None
    return refusal(db(), rulebook(), opening, row, now()) or "open"


def _services_for(window: Window) -> tuple[str, ...]:
    return services_for(window.age_group or "unknown", rulebook().services)


def _opening_json(opening: PlannedOpening) -> dict[str, object]:
    tickets = tickets_of(opening)
    return {
        "id": opening.public_id,
        "starts_at": local(opening.dated.starts_at),
        "ends_at": local(opening.dated.ends_at),
        "place": rulebook().places[opening.hours.place_id],
        "room": opening.hours.room or None,
        "services": sorted(opening.hours.services),
        "admits": opening.hours.admits,
        "state": state_of(opening),
        "reason": _reason(opening),
        "gives_tickets": tickets == "open",
        "tickets": tickets,
        "forecast": forecast_json(opening) if tickets == "open" else None,
    }


def _reason(opening: PlannedOpening) -> dict[str, str] | None:
    """Why it does not take place, by locale; None: it does, or nobody gave a reason."""
    # A reason that was typed for one date stands there without a locale: it is in the town's own.
    words = opening.dated.closed_because or {}
    return {locale or town().locales[0]: text for locale, text in words.items()} or None
