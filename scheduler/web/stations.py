"""A picture for each station, for whoever cannot read its name: on the board, the ticket page and the sign on site."""

from __future__ import annotations

from flask import Flask
from flask_babel import gettext as _

from scheduler.models import Place

SYMBOLS = (
    "sun", "fish", "house", "key", "umbrella", "tree", "cup", "star",
    "boat", "apple", "bell", "flower", "car", "book", "heart", "lamp",
)  # fmt: skip
"""Ids in static/img/symbols.svg. Never reorder them: signs with these pictures hang on site."""


def set_up(app: Flask) -> None:
    app.add_template_global(symbol_of)  # a global: imported macros do not see the page's context
    app.add_template_filter(say_symbol)


def symbol_of(place: Place, station: str) -> str:
    """The picture of this station, by its position in the town's file; empty where the file no longer lists it."""
    if station not in place.stations:
        return ""
    return SYMBOLS[place.stations.index(station) % len(SYMBOLS)]


def say_symbol(symbol: str) -> str:
    """The picture in words: what a screen reader says, and what the desk says to a client."""
    return {
        "sun": str(_("sun")),
        "fish": str(_("fish")),
        "house": str(_("house")),
        "key": str(_("key")),
        "umbrella": str(_("umbrella")),
        "tree": str(_("tree")),
        "cup": str(_("cup")),
        "star": str(_("star")),
        "boat": str(_("boat")),
        "apple": str(_("apple")),
        "bell": str(_("bell")),
        "flower": str(_("flower")),
        "car": str(_("car")),
        "book": str(_("book")),
        "heart": str(_("heart")),
        "lamp": str(_("lamp")),
    }[symbol]
