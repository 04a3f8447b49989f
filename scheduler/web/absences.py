"""An adviser is away: two taps for today, or from–until; whom it hits is shown before it counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from scheduler.actions.busy_calendars import find_hit
from scheduler.actions.dates import Away, ChangeRefused, end_absence
from scheduler.domain.intervals import Interval
from scheduler.domain.recurrence import day_interval, wall_to_utc
from scheduler.models import Absence
from scheduler.web.belongs import belongs_to_adviser
from scheduler.web.changes import confirm, say_refusal, show_effect
from scheduler.web.edge import db, now, rulebook, today
from scheduler.web.login import own_adviser
from scheduler.web.permissions import permit

pages = Blueprint("absences", __name__, url_prefix="/my/absences")

LONGEST = timedelta(days=400)


@dataclass(frozen=True)
class Typed:
    """From–until as the form holds it, so that nothing typed is lost."""

    from_on: str
    from_time: str
    until_on: str
    until_time: str

    def during(self) -> Interval | None:
        """The span, or None where it makes no sense."""
        starts_at, ends_at = _instant(self.from_on, self.from_time), _instant(self.until_on, self.until_time)
        if starts_at is None or ends_at is None or ends_at - starts_at > LONGEST:
            return None
        return Interval(starts_at, ends_at)


@pages.get("")
def show_absences() -> ResponseReturnValue:
    return _form_page(_typed(_rest_of_today()))


@pages.post("/effects")
def do_try_out() -> ResponseReturnValue:
    """Whom it would hit: nothing is stored."""
    typed = _read(request.form)
    during = typed.during()
    if during is None:
        return _form_page(typed, ChangeRefused("wrong_times")), 422
    return _show_effect(typed, during)


@pages.post("")
def do_be_away() -> ResponseReturnValue:
    typed = _read(request.form)
    during = typed.during()
    if during is None:
        return _form_page(typed, ChangeRefused("wrong_times")), 422
    try:
        confirm(Away(own_adviser().id, during))
    except ChangeRefused as refused:
        db().rollback()
        if refused.reason != "outdated":
            return _form_page(typed, refused), 422
        return _show_effect(typed, during, refused)
    return redirect(url_for("absences.show_absences", saved=1), 303)


@pages.post("/<id:absence_id>/end")
def do_end(absence_id: int) -> ResponseReturnValue:
    absence = _own_absence(absence_id)
    if absence.source != "entered":
        abort(404)
    end_absence(db(), absence)
    db().commit()
    return redirect(url_for("absences.show_absences", ended=1), 303)


@pages.post("/<id:absence_id>/effects")
def do_try_out_imported(absence_id: int) -> ResponseReturnValue:
    """Whom an absence hits that the adviser's own calendar says: nothing is stored."""
    return _show_imported(_own_imported(absence_id))


@pages.post("/<id:absence_id>/settlement")
def do_settle_imported(absence_id: int) -> ResponseReturnValue:
    absence = _own_imported(absence_id)
    try:
        confirm(_known(absence))
    except ChangeRefused as refused:
        db().rollback()
        return _show_imported(absence, refused)
    return redirect(url_for("absences.show_absences", saved=1), 303)


def _show_imported(absence: Absence, refused: ChangeRefused | None = None) -> ResponseReturnValue:
    change = _known(absence)
    page = show_effect(
        change,
        during=change.during,
        hidden={},
        known=True,
        action=url_for("absences.do_settle_imported", absence_id=absence.id),
        back=url_for("absences.show_absences"),
        wrong=say_refusal(refused) if refused else None,
    )
    return page, 409 if refused else 200


def _own_imported(absence_id: int) -> Absence:
    """A coming absence from this adviser's own calendar: 404 for all others."""
    absence = _own_absence(absence_id)
    if absence.source != "imported" or absence.ends_at <= now():
        abort(404)
    return absence


def _own_absence(absence_id: int) -> Absence:
    absence = db().get(Absence, absence_id) or abort(404)
    permit("change", "absence", belongs_to_adviser(absence.adviser_id))
    return absence


def _known(absence: Absence) -> Away:
    return Away(absence.adviser_id, Interval(absence.starts_at, absence.ends_at), known=True)


def _show_effect(typed: Typed, during: Interval, refused: ChangeRefused | None = None) -> ResponseReturnValue:
    try:
        page = show_effect(
            Away(own_adviser().id, during),
            during=during,
            hidden=vars(typed),
            action=url_for("absences.do_be_away"),
            back=url_for("absences.show_absences"),
            wrong=say_refusal(refused) if refused else None,
        )
    except ChangeRefused as other:
        db().rollback()
        return _form_page(typed, other), 422
    return page, 409 if refused else 200


def _form_page(typed: Typed, refused: ChangeRefused | None = None) -> str:
    adviser = own_adviser()
    coming = db().scalars(
        select(Absence)
        .where(Absence.adviser_id == adviser.id, Absence.ends_at > now())
        .order_by(Absence.starts_at, Absence.id)
    )
    return render_template(
        "changes/absences.html",
        typed=typed,
        wrong=say_refusal(refused) if refused else None,
        absences=list(coming),
        hit=find_hit(db(), adviser.id, now()),
    )


def _read(given: Mapping[str, str]) -> Typed:
    """One tap names a span; otherwise the four fields count."""
    if given.get("quick") == "today":
        return _typed(_rest_of_today())
    if given.get("quick") == "tomorrow":
        return _typed(day_interval(today() + timedelta(days=1), rulebook().zone))
    return Typed(*(given.get(name, "") for name in ("from_on", "from_time", "until_on", "until_time")))


def _rest_of_today() -> Interval:
    this_minute = now().replace(second=0, microsecond=0)
    return Interval(this_minute, day_interval(today(), rulebook().zone).ends_at)


def _typed(during: Interval) -> Typed:
    first, last = (each.astimezone(rulebook().zone) for each in during)
    return Typed(first.date().isoformat(), f"{first:%H:%M}", last.date().isoformat(), f"{last:%H:%M}")


def _instant(on: str, at: str) -> datetime | None:
    try:
        found = wall_to_utc(date.fromisoformat(on), time.fromisoformat(at).replace(tzinfo=None), rulebook().zone)
    except (ValueError, OverflowError):
        return None
    return found if abs(found - now()) < 2 * LONGEST else None
