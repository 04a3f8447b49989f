"""Whom somebody has to tell in person that their appointment moved or was cancelled."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from scheduler.actions.call_list import CallLine, mark_told, read_call_list
from scheduler.models import Place
from scheduler.web.edge import db, now
from scheduler.web.login import desk_place, own_adviser, serves_desk

pages = Blueprint("call_list", __name__, url_prefix="/call-list")


@pages.get("")
def show_call_list() -> ResponseReturnValue:
    known = {place.id: place for place in db().scalars(select(Place))}
    return render_template("changes/call_list.html", lines=lines_here(), places=known)


@pages.post("/<id:message_id>/told")
def do_tell(message_id: int) -> ResponseReturnValue:
    line = next((each for each in lines_here() if each.message.id == message_id), None)
    if line is None:
        abort(404)
    mark_told(db(), line.message, now())
    db().commit()
    return redirect(url_for("call_list.show_call_list", told=1), 303)


def lines_here() -> list[CallLine]:
    """The list of the desk's place, or of the adviser whose time it was."""
    if serves_desk():
        return read_call_list(db(), now(), place_id=desk_place().id)
    return read_call_list(db(), now(), adviser_id=own_adviser().id)
