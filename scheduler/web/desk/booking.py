"""Times for callers, and for whoever waits and prefers to come back: the desk books at every place in town."""

from __future__ import annotations

from dataclasses import replace

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from scheduler.actions.booking import SlotTaken, book
from scheduler.actions.come_back import book_instead
from scheduler.actions.once import KeyReused
from scheduler.actions.openings import UnknownOpening
from scheduler.domain.visit_states import StepRefused
from scheduler.models import Visit
from scheduler.web.appointments import just_made_by_me, read_contact
from scheduler.web.contact_form import save_contact
from scheduler.web.desk.blueprint import pages
from scheduler.web.desk.book_panel import (
    BookPanel,
    Chosen,
    booking_of,
    find_nearest,
    idempotency_key,
    question_of,
    read_panel,
)
from scheduler.web.desk.page import Booked, chosen, desk_page, todays_openings
from scheduler.web.edge import db, now, rulebook
from scheduler.web.login import by_staff, desk_place
from scheduler.web.offer import read_chosen


@pages.post("/bookings")
def do_book() -> ResponseReturnValue:
    panel, start = read_panel(request.form), read_chosen(request.form.get("slot", ""))
    opening_id = request.form.get("opening") or None
    if panel is None or start is None:
        return redirect(url_for("desk.show_desk", opening=opening_id, **(panel.args() if panel else {})), 303)
    try:
        visit = _book(panel, start)
        db().commit()
    except (SlotTaken, UnknownOpening, KeyReused):
        db().rollback()
        return _refused(replace(panel, searched=True, nearest=find_nearest(question_of(panel), start[2])))
    except StepRefused:
        db().rollback()
        return _refused(panel)  # it says that the number no longer waits
    return redirect(url_for("desk.show_desk", opening=opening_id, booked=visit.id), 303)


@pages.post("/bookings/<id:visit_id>/contact")
def do_leave_contact(visit_id: int) -> ResponseReturnValue:
    place = desk_place()
    visit, form = just_made_by_me(visit_id), read_contact()
    if not form.validate():
        return desk_page(place, chosen(todays_openings(place)), booked=Booked(visit, form)), 422
    save_contact(visit, form, by_staff=True)
    db().commit()
    opening_id = request.args.get("opening")
    return redirect(url_for("desk.show_desk", opening=opening_id, booked=visit.id, saved=1), 303)


def _book(panel: BookPanel, start: Chosen) -> Visit:
    booking = replace(booking_of(panel, start), idempotency_key=idempotency_key(request.form))
    if panel.walk_in is not None:
        return book_instead(db(), rulebook(), booking, panel.walk_in.id, by=by_staff(), now=now())
    return book(db(), rulebook(), booking, by=by_staff(), now=now())


def _refused(panel: BookPanel) -> ResponseReturnValue:
    """The same page, with all answers as they were sent."""
    place = desk_place()
    opening = chosen(todays_openings(place), request.form.get("opening", ""))
    return desk_page(place, opening, booking=panel), 409
