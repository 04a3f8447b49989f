"""What the pages for absences and for changed dates share: whom a change hits, what was chosen for each, refusals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import render_template, request
from flask_babel import gettext as _

from scheduler.actions.dates import Away, ChangeRefused, DateChange
from scheduler.actions.day_changes import Effect, carry_out
from scheduler.models import Visit
from scheduler.web.edge import db, now, places, row_id
from scheduler.web.login import by_staff


def show_effect(change: Away | DateChange, *, sees_visits: bool = True, **page: Any) -> str:
    """Try the change out and show whom it would hit; nothing stays. Raises ChangeRefused.

    sees_visits: else how many it would hit is shown, and the first offer is chosen for each.
    """
    effect = carry_out(db(), change, by=by_staff(), now=now())
    db().rollback()
    kept = [db().get_one(Visit, visit_id) for visit_id in effect.kept]
    return render_template(
        "changes/effect.html",
        effect=effect,
        kept=sorted(kept, key=lambda each: each.starts_at or now()),
        places={place.id: place for place in places()},
        choices=read_choices(request.form),
        sees_visits=sees_visits,
        **page,
    )


def confirm(change: Away | DateChange) -> Effect:
    """Carry out what was shown, with what was chosen for each. Raises ChangeRefused."""
    effect = carry_out(db(), change, read_choices(request.form), by=by_staff(), now=now())
    db().commit()
    return effect


def read_choices(given: Mapping[str, str]) -> dict[int, str]:
    """`visit-17=cancel` of the form as {17: "cancel"}; what makes no sense falls out and counts as not shown."""
    named = ((name.partition("-")[2], choice) for name, choice in given.items() if name.startswith("visit-"))
    return {visit_id: choice for number, choice in named if (visit_id := row_id(number)) is not None}


def say_refusal(refused: ChangeRefused) -> str:
    words: dict[str, str] = {
        "past": _("That time is over already."),
        "no_opening": _("There is no opening on that date."),
        "wrong_times": _("The end must be after the beginning."),
        "unchanged": _("These are the usual times. Please change them."),
        "people_here": _("People are waiting there already. Please serve them first, or set an earlier end."),
        "outdated": _("Something has changed meanwhile. Please look at the list again."),
    }
    return words[refused.reason]
