"""Places for everybody: all on one page, one with its next dates, the sheet for its window, notices for its door.

Nothing here names a service: what hangs in a window or stands in a browser's history says where and when, not why.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from scheduler.actions.feeds import find_place_head
from scheduler.actions.rulebook import PlannedOpening
from scheduler.domain.changes import Change
from scheduler.hours_texts import LOOK_AHEAD, ChangeLine, say_change
from scheduler.models import Place
from scheduler.web.edge import db, places, settings, today, town
from scheduler.web.feeds import answer_feed
from scheduler.web.locales import CATALOGUES
from scheduler.web.paper import set_list, set_sheet
from scheduler.web.place_views import admits_here, changes_on, coming_openings, keep_times, view_place, view_places
from scheduler.web.qr import draw_qr
from scheduler.web.visits import map_link

pages = Blueprint("places", __name__, url_prefix="/places")
pages.add_app_template_filter(admits_here, "say_admits")
pages.add_app_template_filter(keep_times, "keep_times")

COMING_SHOWN = 4
NOTICES_AHEAD = timedelta(days=400)
_SOON_SECONDS = "30"


class Notice(NamedTuple):
    """What hangs on the door. `still`: what takes place beside a part that does not. `following`: the next opening
    here; `sooner`: one elsewhere, before it, for walk-ins.
    """

    lines: list[ChangeLine]
    is_closed: bool
    still: list[PlannedOpening]
    following: PlannedOpening | None
    sooner: tuple[Place, PlannedOpening] | None


@pages.get("")
def show_places() -> ResponseReturnValue:
    views = view_places()
    return render_template(
        "places/places.html", views=views, setting=set_list(views), town_name=town().name, site=_site()
    )


@pages.get("/<key>")
def show_place(key: str) -> ResponseReturnValue:
    view = view_place(place_by(key))
    return render_template(
        "places/place.html",
        view=view,
        setting=set_sheet(view),
        coming_shown=COMING_SHOWN,
        map_link=map_link(view.place.address),
        feed_link=settings().base_url + url_for("places.show_feed", key=key),
        site=_site(),
    )


@pages.get("/<key>.ics")
def show_feed(key: str) -> ResponseReturnValue:
    head = find_place_head(db(), place_by(key))
    if head is None:
        # The jobs process publishes it some seconds after the town was loaded.
        return _("The calendar is being made. Please try again in a minute."), 503, {"Retry-After": _SOON_SECONDS}
    return answer_feed(head)


@pages.get("/qr/<locale>.svg")
def show_qr_for_all(locale: str) -> ResponseReturnValue:
    """Where a phone that scans the paper goes: to book, in the paper's language."""
    return _draw_link("book.show_question", locale)


@pages.get("/<key>/qr/<locale>.svg")
def show_qr(key: str, locale: str) -> ResponseReturnValue:
    """The same for one place; where nothing can be booked, to the page of the place."""
    if view_place(place_by(key)).books:
        return _draw_link("book.show_question", locale, place=key)
    return _draw_link("places.show_place", locale, key=key)


@pages.get("/<key>/notices/<day>")
def show_notice(key: str, day: str) -> ResponseReturnValue:
    place, on = place_by(key), _day_from(day)
    changes = changes_on(place, on)
    if not changes:
        abort(404)
    return render_template(
        "places/notice.html", view=view_place(place), notice=_make_notice(place, on, changes), site=_site()
    )


def place_by(key: str) -> Place:
    """The place of this key. Aborts with 404 where there is none in use."""
    found = next((each for each in places() if each.key == key), None)
    if found is None:
        abort(404)
    return found


def _draw_link(endpoint: str, locale: str, **args: Any) -> Response:
    if locale not in CATALOGUES:
        abort(404)
    return draw_qr(settings().base_url + url_for(endpoint, locale=locale, **args))


def _make_notice(place: Place, on: date, changes: list[Change]) -> Notice:
    coming = coming_openings(on, max(each.last_on for each in changes) + LOOK_AHEAD)
    here = [each for each in coming if each.hours.place_id == place.id]
    following = next((each for each in here if each.dated.on > on), None)
    partly = any(each.actual is None and not each.all_day for each in changes)
    return Notice(
        lines=[say_change(each, on, str(get_locale())) for each in changes],
        is_closed=any(each.all_day for each in changes),
        still=[each for each in here if each.dated.on == on] if partly else [],
        following=following,
        sooner=_find_sooner(place, coming, following),
    )


def _find_sooner(
    place: Place, coming: list[PlannedOpening], here: PlannedOpening | None
) -> tuple[Place, PlannedOpening] | None:
    """Where people can come without appointment before this place opens again."""
    known = {each.id: each for each in places() if each.id != place.id}
    for each in coming:
        if here is not None and each.dated.starts_at >= here.dated.starts_at:
            return None
        if each.takes_walk_ins and each.hours.place_id in known:
            return known[each.hours.place_id], each
    return None


def _day_from(text: str) -> date:
    """The day of a notice, from today on. Aborts with 404 where there can be none."""
    try:
        on = date.fromisoformat(text)
    except ValueError:
        abort(404)
    if on.isoformat() != text or not today() <= on <= today() + NOTICES_AHEAD:
        abort(404)
    return on


def _site() -> str:
    """The pages' address as it is typed from paper."""
    parts = urlsplit(settings().base_url)
    return parts.netloc + parts.path
