"""The page of an adviser's day, and the part of it that refreshes itself."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from scheduler.actions.busy_calendars import find_hit
from scheduler.actions.calling import CalledTooRarely, NobodyWaits, NotSeated, OpeningOver, StillServing
from scheduler.actions.presence import StationTaken
from scheduler.models import Visit
from scheduler.web.belongs import belongs_of_intake
from scheduler.web.desk.panel import panel, read_answers
from scheduler.web.desk.queue import stored_openings, visit_with_number
from scheduler.web.edge import answer_unless_known, db, now
from scheduler.web.heartbeat import standstill
from scheduler.web.login import own_adviser
from scheduler.web.my.blueprint import pages
from scheduler.web.my.day import view_day
from scheduler.web.my.places import opening_now, openings_today, own_times_today, seats_at
from scheduler.web.permissions import may_here

_REFUSALS: dict[type[Exception], str] = {
    NotSeated: "not_seated",
    StillServing: "still_serving",
    NobodyWaits: "nobody_waits",
    OpeningOver: "opening_over",
    StationTaken: "station_taken",
    CalledTooRarely: "call_again_first",
}


@pages.get("")
def show_my() -> ResponseReturnValue:
    own_adviser()
    return my_page()


@pages.get("/now")
def poll_now() -> ResponseReturnValue:
    adviser = own_adviser()
    opening, own_times = opening_now(), own_times_today()
    versions = [(each.id, each.version) for each in stored_openings([opening, *own_times])]
    return answer_unless_known(
        ["my", current_user.get_id(), opening and opening.public_id, versions, standstill()],
        lambda: render_template("my/_now.html", view=view_day(), adviser=adviser),
    )


def my_page(*, refused: str | None = None, code: str = "", code_error: str = "") -> str:
    """The whole page; `refused`, `code` and `code_error`: what the panel for whoever comes has to say."""
    return render_template(
        "my/my.html",
        counter="intake",
        adviser=own_adviser(),
        view=view_day(),
        seats=[seats_at(each) for each in openings_today()],
        message=request.args.get("message"),
        panel=panel(),
        asked=read_answers(request.form),
        given=visit_with_number(request.args.get("given", "")),
        refused=refused,
        code=code,
        code_error=code_error,
        hit=len(set().union(*find_hit(db(), own_adviser().id, now()).values())),
    )


def is_taken_in_here(visit: Visit) -> bool:
    """Whether this adviser is the one at the counter for this visit today."""
    return may_here("change", "queue", belongs_of_intake(visit))


def to_my(message: str | None = None) -> ResponseReturnValue:
    return redirect(url_for("my.show_my", message=message), 303)


def say_refusal(refused: Exception) -> ResponseReturnValue:
    """Back to the page, which says in words why it did not work."""
    db().rollback()
    return to_my(_REFUSALS[type(refused)])
