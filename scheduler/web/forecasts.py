"""A forecast in words: how long, how likely before closing, and how sure that is."""

from __future__ import annotations

from flask import Flask
from flask_babel import gettext as _

from scheduler.actions.forecasting import OpeningForecast, forecast_opening
from scheduler.actions.rulebook import PlannedOpening
from scheduler.domain.forecast import ROUND_TO, Basis, Forecast
from scheduler.web.edge import db, now, rulebook

LIKELY_FROM, PERHAPS_FROM = 0.8, 0.5


def set_up(app: Flask) -> None:
    for say in (say_wait, say_chance, say_basis):
        app.add_template_filter(say)


def forecast_of(opening: PlannedOpening) -> OpeningForecast:
    """What the rest of this opening will probably bring; worked out once for all pages that show it."""
    return forecast_opening(db(), rulebook(), opening, now())


def known_wait(forecast: Forecast) -> tuple[int | None, int | None]:
    """The range as it is shown. None: it has no upper end, or is not known, since perhaps nobody comes to call."""
    low, high = forecast.shown
    if forecast.comes < PERHAPS_FROM:
        return None, None
    return (low, high) if forecast.comes >= LIKELY_FROM else (max(low, ROUND_TO), None)


def say_wait(forecast: Forecast) -> str:
    """ "20–30 min". The digits keep their order in every script: put it into <bdi class="clock">."""
    low, high = known_wait(forecast)
    if low is None:
        return str(_("not known"))
    if high is None:
        return str(_("%(low)s min or more", low=low))
    return str(_("up to 5 min") if high <= ROUND_TO else _("%(low)s–%(high)s min", low=low, high=high))


def say_chance(chance: float) -> str:
    """The chance to be served before closing."""
    if chance >= LIKELY_FROM:
        return str(_("very likely"))
    return str(_("perhaps") if chance >= PERHAPS_FROM else _("probably not"))


def say_basis(basis: Basis) -> str:
    """How sure a forecast is."""
    return {
        "configured": str(_("a first guess: nothing measured yet")),
        "few": str(_("measured on few visits")),
        "learned": str(_("measured here")),
    }[basis]
