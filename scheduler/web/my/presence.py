"""I sit at …, I take a break, I am back, I leave for today."""

from __future__ import annotations

from typing import Literal

from flask import abort, request
from flask.typing import ResponseReturnValue

from scheduler.actions.presence import StationTaken, change_presence, sit_down
from scheduler.web.edge import db, now, opening_from
from scheduler.web.login import own_adviser
from scheduler.web.my.blueprint import pages
from scheduler.web.my.page import say_refusal, to_my
from scheduler.web.my.places import opening_now, openings_today, seats_at


@pages.post("/presence")
def do_sit_down() -> ResponseReturnValue:
    adviser = own_adviser()
    opening = opening_from(request.form.get("opening", ""))
    station = request.form.get("station", "")
    if opening is None or opening not in openings_today() or station not in seats_at(opening).stations:
        abort(404)
    try:
        sit_down(db(), opening, adviser, station, now())
    except StationTaken as refused:
        return say_refusal(refused)
    db().commit()
    return to_my()


@pages.post("/presence/break")
def do_take_break() -> ResponseReturnValue:
    return _change_presence("break")


@pages.post("/presence/back")
def do_come_back() -> ResponseReturnValue:
    return _change_presence("present")


@pages.post("/presence/gone")
def do_go() -> ResponseReturnValue:
    return _change_presence("gone")


def _change_presence(state: Literal["present", "break", "gone"]) -> ResponseReturnValue:
    adviser, opening = own_adviser(), opening_now()
    if opening is None:
        return to_my()
    try:
        change_presence(db(), opening, adviser, state, now())
    except StationTaken as refused:
        return say_refusal(refused)
    db().commit()
    return to_my()
