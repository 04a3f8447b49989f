"""One date of a place is cancelled or changed; whom it hits is shown before it counts.

The desk does it, and whoever coordinates the hours there, who sees how many are hit and nothing else of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from scheduler.actions.dates import ChangeRefused, DateChange, restore_date
from scheduler.actions.rulebook import PlannedOpening
from scheduler.models import HoursException, Place
from scheduler.web.belongs import belongs_of_date
from scheduler.web.changes import confirm, say_refusal, show_effect
from scheduler.web.edge import db, now, opening_from, places, rulebook, today
from scheduler.web.permissions import may_here, permit, scope_here

pages = Blueprint("dates", __name__, url_prefix="/desk/dates")

AHEAD = timedelta(weeks=8)
LONGEST_REASON = 120


@dataclass(frozen=True)
class Typed:
    """The form as it was sent, so that nothing typed is lost."""

    kind: str
    from_time: str
    until_time: str
    reason: str


@pages.get("")
def show_dates() -> ResponseReturnValue:
    theirs = scope_here("change", "date").place_ids
    mine = [each for each in places() if each.id in theirs] or abort(404)
    place = next((each for each in mine if each.key == request.args.get("place")), mine[0])
    openings = [each for each in rulebook().openings(today(), today() + AHEAD, place.id) if each.dated.ends_at > now()]
    changed = _changed_on_the_day()
    return render_template("changes/dates.html", place=place, places=mine, openings=openings, changed=changed)


@pages.get("/<hours_key>/<original_on>")
def ask_change(hours_key: str, original_on: str) -> ResponseReturnValue:
    opening = _opening_here(hours_key, original_on)
    first, last = (f"{each.astimezone(rulebook().zone):%H:%M}" for each in opening.dated.interval)
    return _form_page(opening, Typed("cancelled", first, last, ""))


@pages.post("/<hours_key>/<original_on>/effects")
def do_try_out(hours_key: str, original_on: str) -> ResponseReturnValue:
    """Whom it would hit: nothing is stored."""
    return _show_effect(_opening_here(hours_key, original_on), _read())


@pages.post("/<hours_key>/<original_on>/restore")
def do_restore(hours_key: str, original_on: str) -> ResponseReturnValue:
    opening = _opening_here(hours_key, original_on)
    exception = db().scalar(
        select(HoursException).where(
            HoursException.hours_id == opening.hours.id,
            HoursException.original_on == opening.dated.original_on,
            HoursException.from_file.is_(False),
        )
    )
    if exception is None:
        abort(409)
    restore_date(db(), exception)
    db().commit()
    return redirect(_dates_of(opening, restored=opening.public_id), 303)


@pages.post("/<hours_key>/<original_on>")
def do_change(hours_key: str, original_on: str) -> ResponseReturnValue:
    opening, typed = _opening_here(hours_key, original_on), _read()
    try:
        confirm(_change(opening, typed))
    except ChangeRefused as refused:
        db().rollback()
        if refused.reason != "outdated":
            return _form_page(opening, typed, refused), 422
        return _show_effect(opening, typed, refused)
    return redirect(_dates_of(opening, saved=opening.public_id), 303)


def _opening_here(hours_key: str, original_on: str) -> PlannedOpening:
    """An opening that is not over, of a place whose dates this account changes: 404 for any other."""
    opening = opening_from(f"{hours_key}/{original_on}")
    if opening is None or opening.dated.ends_at <= now():
        abort(404)
    permit("change", "date", belongs_of_date(opening))
    return opening


def _dates_of(opening: PlannedOpening, **args: Any) -> str:
    return url_for("dates.show_dates", place=db().get_one(Place, opening.hours.place_id).key, **args)


def _name_of(opening: PlannedOpening) -> dict[str, Any]:
    """The opening as these addresses name it."""
    return {"hours_key": opening.hours.key, "original_on": opening.dated.original_on.isoformat()}


def _changed_on_the_day() -> set[tuple[int, date]]:
    rows = db().execute(
        select(HoursException.hours_id, HoursException.original_on).where(HoursException.from_file.is_(False))
    )
    return {(hours_id, on) for hours_id, on in rows}


def _read() -> Typed:
    given = request.form
    kind = "moved" if given.get("kind") == "moved" else "cancelled"
    return Typed(kind, given.get("from", ""), given.get("until", ""), given.get("reason", "").strip()[:LONGEST_REASON])


def _change(opening: PlannedOpening, typed: Typed) -> DateChange:
    key, on = opening.hours.key, opening.dated.original_on
    if typed.kind == "cancelled":
        return DateChange(key, on, cancelled=True, reason=typed.reason)
    return DateChange(key, on, False, _time(typed.from_time), _time(typed.until_time), typed.reason)


def _time(text: str) -> time | None:
    try:
        return time.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return None


def _show_effect(opening: PlannedOpening, typed: Typed, refused: ChangeRefused | None = None) -> ResponseReturnValue:
    try:
        page = show_effect(
            _change(opening, typed),
            opening=opening,
            typed=typed,
            hidden={"kind": typed.kind, "from": typed.from_time, "until": typed.until_time, "reason": typed.reason},
            action=url_for("dates.do_change", **_name_of(opening)),
            back=url_for("dates.ask_change", **_name_of(opening)),
            wrong=say_refusal(refused) if refused else None,
            sees_visits=may_here("see", "appointment", belongs_of_date(opening)),
        )
    except ChangeRefused as other:
        db().rollback()
        return _form_page(opening, typed, other), 422
    return page, 409 if refused else 200


def _form_page(opening: PlannedOpening, typed: Typed, refused: ChangeRefused | None = None) -> str:
    return render_template(
        "changes/date.html",
        opening=opening,
        place=db().get_one(Place, opening.hours.place_id),
        typed=typed,
        wrong=say_refusal(refused) if refused else None,
        longest_reason=LONGEST_REASON,
    )
