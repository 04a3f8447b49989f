"""The desk's one page: the list of an opening of today, and beside it the panel for whoever comes or calls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from flask import abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import func, select

from scheduler.actions.own_time import own_times_on
from scheduler.actions.rulebook import PlannedOpening
from scheduler.models import Opening, Place, Visit
from scheduler.web.appointments import contact_form
from scheduler.web.belongs import belongs_of_counter
from scheduler.web.contact_form import ContactForm
from scheduler.web.desk.blueprint import pages
from scheduler.web.desk.book_panel import BookPanel, FreeTimes, all_advisers, find_times, read_panel
from scheduler.web.desk.panel import panel, read_answers
from scheduler.web.desk.queue import QueueView, gives_tickets, stored_openings, view_of, visit_named, visit_with_number
from scheduler.web.desk.wishes import unmet_wish
from scheduler.web.edge import answer_unless_known, db, now, opening_from, places, rulebook, settings, today
from scheduler.web.heartbeat import standstill
from scheduler.web.login import desk_place
from scheduler.web.permissions import permit

LOOK_AHEAD = timedelta(days=56)


@dataclass(frozen=True)
class ClosedToday:
    """What helps at a place without an opening today: when it opens next, and who is open today elsewhere."""

    following: PlannedOpening | None
    booked: int
    """Appointments at the next opening."""
    elsewhere: list[tuple[Place, PlannedOpening]]


@dataclass(frozen=True)
class Booked:
    """The appointment that was just made. `form`: how the client may be reached."""

    visit: Visit
    form: ContactForm


@pages.get("")
def show_desk() -> ResponseReturnValue:
    place = desk_place()
    return desk_page(place, chosen(todays_openings(place)))


@pages.get("/queue")
def poll_queue() -> ResponseReturnValue:
    place = desk_place()
    opening, own_times = chosen(todays_openings(place)), _own_times(place)
    versions = [(each.id, each.version) for each in stored_openings([opening, *own_times])]
    return answer_unless_known(
        ["desk", current_user.get_id(), opening and opening.public_id, versions, standstill()],
        lambda: render_template("desk/_queue.html", view=view_of(opening, own_times), counter="desk"),
    )


def desk_page(
    place: Place,
    opening: PlannedOpening | None,
    *,
    refused: str | None = None,
    code: str = "",
    code_error: str = "",
    booking: BookPanel | None = None,
    booked: Booked | None = None,
) -> str:
    """The whole page. What was just sent goes before what the address says."""
    view = view_of(opening, _own_times(place))
    booking = booking or read_panel(request.args)
    if booking is None and view.offers_times:
        booking = read_panel({**request.values, "book": "1"})
    given = visit_with_number(request.args.get("given", ""))
    return render_template(
        "desk/desk.html",
        counter="desk",
        place=place,
        openings=todays_openings(place),
        view=view,
        closed=None if opening else _closed_today(place),
        panel=panel(),
        asked=booking.asked if booking else read_answers(request.values),
        given=given,
        wish=unmet_wish(given),
        refused=refused,
        code=code,
        code_error=code_error,
        booking=booking,
        advisers=all_advisers() if booking else [],
        times=_times(booking, place, view) if booking else None,
        booked=booked or _just_booked(request.args.get("booked", "")),
        asks_email=settings().sends_mail,
    )


def todays_openings(place: Place | None = None) -> list[PlannedOpening]:
    """Of this place, or of all."""
    found = rulebook().openings(today(), today(), place.id if place else None)
    return [each for each in found if each.dated.takes_place]


def chosen(openings: list[PlannedOpening], wanted: str = "") -> PlannedOpening | None:
    """The opening that was asked for; else the one that gives numbers now, runs now, comes next, was last."""
    public_id = wanted or request.args.get("opening", "")
    found = next((each for each in openings if each.public_id == public_id), None)
    giving = (each for each in openings if gives_tickets(each))
    unfinished = (each for each in openings if each.dated.ends_at > now())
    return found or next(giving, None) or next(unfinished, None) or (openings[-1] if openings else None)


def opening_named() -> PlannedOpening:
    """The opening of today that the address names. Aborts with 404 for another day's, or another place's."""
    opening = opening_from(request.args.get("opening", ""))
    if opening is None or opening not in todays_openings():
        abort(404)
    permit("change", "queue", belongs_of_counter(opening))
    return opening


def _times(booking: BookPanel, place: Place, view: QueueView) -> FreeTimes | None:
    """None: nobody has asked for any. A full house offers some at once.

    No times of an opening to whom waits there, or would have to: they would pass all others who wait.
    """
    if not booking.searched and (booking.walk_in is not None or not view.offers_times):
        return None
    would_wait = view.offers_times or booking.walk_in is not None
    return find_times(booking, place, without=view.opening if would_wait else None)


def _own_times(place: Place) -> list[PlannedOpening]:
    return own_times_on(rulebook(), today(), place_id=place.id)


def _just_booked(text: str) -> Booked | None:
    visit = visit_named(text)
    form = contact_form(visit) if visit is not None else None
    return Booked(visit, form) if visit is not None and form is not None else None


def _closed_today(place: Place) -> ClosedToday:
    """What the desk can tell whoever comes or calls on a day without an opening."""
    coming = [
        each
        for each in rulebook().openings(today(), today() + LOOK_AHEAD)
        if each.dated.takes_place and each.hours.admits != "by_arrangement" and each.dated.ends_at > now()
    ]
    following = next((each for each in coming if each.hours.place_id == place.id), None)
    known = {each.id: each for each in places()}
    elsewhere = [(known[each.hours.place_id], each) for each in coming if each.dated.on == today()]
    return ClosedToday(following, _count_booked(following) if following else 0, elsewhere)


def _count_booked(opening: PlannedOpening) -> int:
    there = select(Opening.id).where(
        Opening.hours_id == opening.hours.id, Opening.original_on == opening.dated.original_on
    )
    return db().scalars(select(func.count(Visit.id)).where(Visit.opening_id.in_(there), Visit.state == "booked")).one()
