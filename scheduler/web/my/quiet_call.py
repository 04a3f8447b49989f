"""The desk asks quietly for an adviser: whoever goes says so."""

from __future__ import annotations

from flask import abort
from flask.typing import ResponseReturnValue

from scheduler.actions.openings import stored_opening
from scheduler.actions.presence import presence_of
from scheduler.actions.quiet_call import end_quiet_call
from scheduler.web.edge import db
from scheduler.web.login import own_adviser
from scheduler.web.my.blueprint import pages
from scheduler.web.my.day import hears_calls
from scheduler.web.my.page import to_my
from scheduler.web.my.places import opening_now


@pages.post("/quiet-call/answer")
def do_answer_quiet_call() -> ResponseReturnValue:
    adviser, opening = own_adviser(), opening_now()
    row = stored_opening(db(), opening) if opening else None
    if opening is None or row is None or not hears_calls(presence_of(db(), row, adviser)):
        abort(404)
    was_open = end_quiet_call(db(), opening)
    db().commit()
    return to_my("you_go" if was_open else "somebody_goes")
