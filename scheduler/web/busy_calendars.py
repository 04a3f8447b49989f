"""An adviser's own calendars elsewhere: enter the address of one, see whether it can be read, remove it.

An address is a secret. It is shown to nobody again, not even to whoever entered it.
"""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from scheduler.actions.busy_calendars import (
    MOST_CALENDARS,
    CalendarRefused,
    add_calendar,
    count_times,
    remove_calendar,
)
from scheduler.busy_calendars import CalendarProblem
from scheduler.busy_calendars.addresses import normal_address
from scheduler.models import BusyCalendar
from scheduler.web.belongs import belongs_to_adviser
from scheduler.web.edge import db, now, settings
from scheduler.web.login import own_adviser
from scheduler.web.permissions import permit

pages = Blueprint("busy_calendars", __name__, url_prefix="/my/busy-calendars")


@pages.get("")
def show_calendars() -> ResponseReturnValue:
    return _page()


@pages.post("")
def do_add_calendar() -> ResponseReturnValue:
    typed = request.form.get("address", "")
    try:
        url, host = normal_address(typed, settings().calendar_hosts)
        add_calendar(db(), own_adviser(), url, host, secret=settings().secret_key, now=now())
    except CalendarProblem as problem:
        return _page(typed, say_problem(problem.key)), 422
    except CalendarRefused as refused:
        db().rollback()
        return _page(typed, _say_refusal(refused)), 422
    db().commit()
    return redirect(url_for("busy_calendars.show_calendars", added=1), 303)


@pages.post("/<id:calendar_id>/removal")
def do_remove_calendar(calendar_id: int) -> ResponseReturnValue:
    calendar = db().get(BusyCalendar, calendar_id) or abort(404)
    permit("change", "absence", belongs_to_adviser(calendar.adviser_id))
    remove_calendar(db(), calendar.id, now())
    db().commit()
    return redirect(url_for("busy_calendars.show_calendars", removed=1), 303)


def say_problem(key: str) -> str:
    """What is wrong with a calendar, and what to do, in plain words."""
    again = _("We try again by ourselves.")
    new_one = _("Make a new one in your calendar app and enter it here.")
    shorter = _("Please share a smaller calendar.")
    correct = _("Please correct it in your calendar.")
    words: dict[str, tuple[str, ...]] = {
        "not_https": (_("The address must begin with https:// or webcal://."),),
        "private_address": (_("This address is inside a private network. Please ask your IT."),),
        "unknown_host": (_("There is no such address. Please copy it again, all of it."),),
        "unreachable": (_("The calendar cannot be reached."), again),
        "bad_certificate": (_("The calendar's server has no valid certificate. Please ask whoever runs it."),),
        "too_slow": (_("The calendar answers too slowly."), again),
        "too_large": (_("The calendar is too large."), shorter),
        "too_many_redirects": (_("The address leads round in circles."), new_one),
        "not_found": (_("The address does not exist any more."), new_one),
        "not_allowed": (_("The calendar is not shared with this address."), new_one),
        "server_error": (_("The calendar has a fault at its own server."), again),
        "incomplete": (_("The calendar came only in part."), again),
        "not_a_calendar": (
            _("The address leads to a page, not to a calendar. Please copy the one that ends in .ics."),
        ),
        "unreadable": (_("The calendar holds something that we cannot read."), again),
        "unknown_zone": (_("An entry has a time zone that nobody knows."), correct),
        "wrong_times": (_("An entry ends before it begins."), correct),
        "repeats_too_often": (_("An entry repeats every few minutes."), correct),
        "too_many": (_("The calendar holds too many entries."), shorter),
        "takes_too_long": (_("Reading the calendar takes too long."), shorter),
    }
    return " ".join(words.get(key, words["unreadable"]))


def _say_refusal(refused: CalendarRefused) -> str:
    if refused.reason == "twice":
        return str(_("You have entered this calendar already."))
    return str(_("You can enter up to %(count)s calendars. Please remove one first.", count=MOST_CALENDARS))


def _page(typed: str = "", wrong: str | None = None) -> str:
    adviser = own_adviser()
    rows = db().scalars(
        select(BusyCalendar).where(BusyCalendar.adviser_id == adviser.id).order_by(BusyCalendar.created_at)
    )
    return render_template(
        "my/busy_calendars.html",
        calendars=list(rows),
        times=count_times(db(), adviser.id, now()),
        say_problem=say_problem,
        typed=typed,
        wrong=wrong,
    )
