"""One key asks an adviser to the front, without a word being said aloud."""

from __future__ import annotations

from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from scheduler.actions.quiet_call import call_quietly, end_quiet_call
from scheduler.web.desk.blueprint import pages
from scheduler.web.desk.page import opening_named
from scheduler.web.edge import db, now

KEPT = (
    "opening", "book", "age", "concern", "language", "people", "urgent", "fetch", "adviser", "days", "for", "times",
    "booked",
)  # fmt: skip
"""What the panel beside the queue holds: it stays as it is."""


@pages.post("/quiet-call")
def do_call_quietly() -> ResponseReturnValue:
    call_quietly(db(), opening_named(), now())
    return _commit_and_return()


@pages.post("/quiet-call/end")
def do_end_quiet_call() -> ResponseReturnValue:
    end_quiet_call(db(), opening_named())
    return _commit_and_return()


def _commit_and_return() -> ResponseReturnValue:
    db().commit()
    kept: dict[str, Any] = {each: request.args[each] for each in KEPT if each in request.args}
    return redirect(url_for("desk.show_desk", **kept), 303)
