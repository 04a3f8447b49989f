"""My own mark on an appointment of mine: seen by nobody else, changed and taken away on a page of its own."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from scheduler.actions.case_marks import LONGEST, MarkRefused, NotOwn, clean_mark, put_mark, read_marks
from scheduler.models import Visit
from scheduler.web.belongs import belongs_to_adviser
from scheduler.web.edge import db
from scheduler.web.login import own_adviser
from scheduler.web.permissions import permit

pages = Blueprint("case_marks", __name__, url_prefix="/my/appointments/<id:visit_id>/mark")


@pages.get("")
def ask_mark(visit_id: int) -> ResponseReturnValue:
    visit = _own_appointment(visit_id)
    return _page(visit, read_marks(db(), own_adviser().id, [visit.id]).get(visit.id, ""))


@pages.post("")
def do_mark(visit_id: int) -> ResponseReturnValue:
    visit = _own_appointment(visit_id)
    mark, wrong = read_mark(request.form)
    if wrong:
        return _page(visit, mark, wrong), 422
    try:
        put_mark(db(), visit.id, own_adviser().id, mark)
        db().commit()
    except NotOwn:  # a colleague has it since this very moment
        abort(404)
    return redirect(url_for("my.show_my"), 303)


def read_mark(form: Mapping[str, str]) -> tuple[str, str]:
    """The mark of a form as it is kept, and what is wrong with it in words; then it is as it was typed."""
    typed = form.get("mark", "")
    try:
        return clean_mark(typed), ""
    except MarkRefused as refused:
        if refused.reason == "long":
            return typed[: LONGEST * 10], _("At most %(num)s characters, please.", num=LONGEST)
        return typed[: LONGEST * 10], _("Please use letters, digits and signs of the keyboard.")


def keep_mark(visit: Visit, mark: str) -> None:
    """Put it on an appointment that has just been booked with this adviser."""
    if mark and visit.planned_adviser_id == own_adviser().id:
        put_mark(db(), visit.id, own_adviser().id, mark)


def _own_appointment(visit_id: int) -> Visit:
    """An appointment of mine. Aborts with 404 where it is another's, or is with nobody any more."""
    visit = db().get(Visit, visit_id) or abort(404)
    permit("change", "case_mark", belongs_to_adviser(visit.planned_adviser_id))
    return visit


def _page(visit: Visit, mark: str, wrong: str = "") -> str:
    return render_template("my/mark.html", visit=visit, mark=mark, wrong=wrong, longest=LONGEST)
