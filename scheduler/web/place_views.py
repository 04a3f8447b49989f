"""What pages and paper say about a place: its hours, what differs in the next weeks, and when it is open next."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from flask_babel import get_locale
from markupsafe import Markup, escape
from sqlalchemy import select

from scheduler.actions.rulebook import PlannedOpening
from scheduler.domain.changes import Change, changes_at
from scheduler.domain.recurrence import Rule
from scheduler.hours_texts import LOOK_AHEAD, ChangeLine, HoursLine, say_admits, say_change, say_hours
from scheduler.models import Hours, Place
from scheduler.models.hours import Admits
from scheduler.web.edge import db, now, places, rulebook, today

CHANGES_AHEAD = timedelta(days=28)
_TIMES = re.compile(r"(\d+:\d\d–\d+:\d\d)")


@dataclass(frozen=True)
class ShownChange:
    """A change with its words. `notice_on`: the day whose door notice tells it."""

    change: Change
    line: ChangeLine
    notice_on: date


@dataclass(frozen=True)
class PlaceView:
    """One place. `coming`: the next openings that people can come or book for. `books`: whether times can be booked."""

    place: Place
    hours: list[HoursLine]
    changes: list[ShownChange]
    coming: list[PlannedOpening]
    books: bool

    @property
    def urgent(self) -> ShownChange | None:
        """What must stand at the top: today's or the next opening does not happen as usual."""
        unusual = [each for each in self.changes if each.change.usual]
        first = min(unusual, key=lambda each: each.notice_on, default=None)
        if first is None or first.notice_on == today():
            return first
        changed_days = {span.on for each in unusual for span in each.change.spans}
        as_usual = next((each.dated.on for each in self.coming if each.dated.on not in changed_days), None)
        return first if as_usual is None or first.notice_on <= as_usual else None


def view_places() -> list[PlaceView]:
    """All places that are in use, in the order of the town's file."""
    rows = _listed_hours()
    return [_view(place, rows[place.id]) for place in places()]


def view_place(place: Place) -> PlaceView:
    return _view(place, _listed_hours()[place.id])


def changes_on(place: Place, on: date) -> list[Change]:
    """What somebody who comes to the place on that day must know."""
    around = changes_at(_rules(_listed_hours()[place.id]), rulebook().zone, on, on)
    return [each.seen_on(on) for each in around if each.concerns(on)]


def coming_openings(from_on: date, until_on: date) -> list[PlannedOpening]:
    """Openings of all places on these days that take place and are not over; by arrangement there is none."""
    return _coming([row for rows in _listed_hours().values() for row in rows], from_on, until_on)


def admits_here(admits: Admits) -> str:
    """Whether one comes with or without appointment, in the page's locale."""
    return say_admits(admits, str(get_locale()))


def keep_times(words: str) -> Markup:
    """The words with each "9:00–12:00" kept in one line, and its digits in their order in right-to-left text."""
    return Markup(_TIMES.sub(r'<bdi class="clock">\1</bdi>', str(escape(words))))  # noqa: S704 - escaped just before


def _view(place: Place, rows: list[Hours]) -> PlaceView:
    coming = _coming(rows, today(), today() + LOOK_AHEAD)
    dates: dict[int, list[date]] = defaultdict(list)
    for each in coming:
        dates[each.hours.id].append(each.dated.on)
    return PlaceView(
        place=place,
        hours=say_hours(rows, dates, today(), str(get_locale())),
        changes=_shown_changes(rows),
        coming=coming,
        books=any(row.admits in ("appointment", "mixed") for row in rows),
    )


def _coming(rows: Iterable[Hours], from_on: date, until_on: date) -> list[PlannedOpening]:
    listed = {row.id for row in rows if row.admits != "by_arrangement"}
    return [
        each
        for each in rulebook().openings(from_on, until_on)
        if each.hours.id in listed and each.dated.takes_place and each.dated.ends_at > now()
    ]


def _shown_changes(rows: list[Hours]) -> list[ShownChange]:
    local_now = now().astimezone(rulebook().zone)
    on, at = local_now.date(), local_now.time()
    return [
        ShownChange(each, say_change(each, on, str(get_locale())), _notice_day(each, on))
        for each in changes_at(_rules(rows), rulebook().zone, on, on + CHANGES_AHEAD)
        if not each.is_over(on, at)
    ]


def _notice_day(change: Change, on: date) -> date:
    """The first day from today on which somebody stands before the door because of it."""
    return min(each for each in (*(span.on for span in change.spans), change.last_on) if each >= on)


def _rules(rows: Iterable[Hours]) -> list[Rule]:
    known = rulebook().hours
    return [known[row.key].rule for row in rows if row.key in known]


def _listed_hours() -> dict[int, list[Hours]]:
    """All office hours that the public may know, by place, in the order of the town's file."""
    query = select(Hours).where(Hours.retired_at.is_(None), Hours.own_adviser_id.is_(None)).order_by(Hours.position)
    found: dict[int, list[Hours]] = defaultdict(list)
    for row in db().scalars(query):
        found[row.place_id].append(row)
    return found
