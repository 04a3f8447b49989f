"""Where an adviser is today: openings to sit down at, own appointments, and where nobody else takes people in."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext as _

from scheduler.actions.openings import stored_opening
from scheduler.actions.own_time import own_times_on
from scheduler.actions.presence import find_sitting, presence_of
from scheduler.actions.rulebook import PlannedOpening
from scheduler.models import Place
from scheduler.web.belongs import belongs_of_counter
from scheduler.web.edge import db, now, rulebook, today
from scheduler.web.login import own_adviser
from scheduler.web.permissions import may_here


@dataclass(frozen=True)
class Seats:
    """Where one can sit at an opening of today."""

    opening: PlannedOpening
    place: Place
    stations: list[str]


def seats_at(opening: PlannedOpening) -> Seats:
    place = db().get_one(Place, opening.hours.place_id)
    return Seats(opening, place, place.stations or [opening.hours.room or _("here")])


def openings_today() -> list[PlannedOpening]:
    """Own ones first; the others too, since a colleague may stand in."""
    adviser = own_adviser()
    openings = [each for each in rulebook().openings(today(), today()) if each.dated.takes_place]
    return sorted(openings, key=lambda each: adviser.key not in each.dated.staff)


def opening_now() -> PlannedOpening | None:
    """Where the adviser has sat down today; else the own opening that runs or comes next, else the last one."""
    adviser = own_adviser()
    openings, sitting = openings_today(), find_sitting(db(), adviser)
    here = (each for each in openings if (each.hours.id, each.dated.original_on) in sitting)
    own = [each for each in openings if adviser.key in each.dated.staff]
    coming = (each for each in own if each.dated.ends_at > now())
    return next(here, None) or next(coming, None) or (own[-1] if own else None)


def own_times_today() -> list[PlannedOpening]:
    """Openings of the appointments that this adviser entered at times of their own."""
    return own_times_on(rulebook(), today(), adviser=own_adviser())


def takes_in_at(opening: PlannedOpening) -> bool:
    """Whether this adviser takes people in there: at an opening that they serve, where no desk does."""
    belongs = belongs_of_counter(opening)
    return belongs.opening is not None and may_here("change", "queue", belongs)


def counter_openings() -> list[PlannedOpening]:
    """All openings of today at which this adviser takes people in: without a desk, or for own appointments."""
    return [*(each for each in openings_today() if takes_in_at(each)), *own_times_today()]


def station_at(opening: PlannedOpening) -> str:
    """Where the adviser sits there: as they said, at this opening or another one in the same house; else the first."""
    elsewhere = opening_now()
    for each in (opening, elsewhere):
        row = stored_opening(db(), each) if each and each.hours.place_id == opening.hours.place_id else None
        presence = presence_of(db(), row, own_adviser()) if row else None
        if presence is not None and presence.state != "gone":
            return presence.station
    return seats_at(opening).stations[0]
