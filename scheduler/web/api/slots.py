"""Which times are free."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from scheduler.actions.slots import changes_between, find_slots
from scheduler.web.api.answers import json_unless_known, slots_json
from scheduler.web.api.blueprint import pages
from scheduler.web.api.bodies import SlotsWindow, read_query
from scheduler.web.api.checks import check_keys, question_of
from scheduler.web.edge import db, now, rulebook


@pages.get("/slots")
def list_slots() -> ResponseReturnValue:
    window = read_query(SlotsWindow)
    check_keys(window)
    first, last = window.first_on(), window.last_on()
    changes = changes_between(db(), rulebook(), first, last)

    def describe() -> dict[str, object]:
        question = question_of(window)
        found = find_slots(db(), rulebook(), question, from_on=first, until_on=last, now=now(), changes=changes)
        return {"slots": slots_json(found)}

    return json_unless_known(["slots", window, rulebook().stamp, sorted(changes.items())], describe)
