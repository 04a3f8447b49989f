"""The small town, open on the two Sundays on which clocks change, with an appointment for every hard hour.

All of it is published at one instant, the Tuesday before clocks go back.
"""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler import town_file
from scheduler.actions.booking import Booking, book, cancel
from scheduler.actions.feeds import make_feed, make_place_feed, publish_feed
from scheduler.actions.rulebook import read_rulebook
from scheduler.actions.steps import CLIENT
from scheduler.domain.codes import link_token
from scheduler.models import Adviser, Carrier, Feed, Visit
from scheduler.models.feeds import FeedLevel
from tests.actions.small_town import SESSION, adviser_of, ask, book_at, place_of
from tests.conftest import SECRET, SMALL_TOWN

PUBLISHED_AT = datetime(2026, 10, 20, 8, 0, tzinfo=UTC)
BASE_URL = "http://localhost"

CLOCKS_GO_BACK = date(2026, 10, 25)
CLOCKS_GO_ON = date(2027, 3, 28)
WINTER = date(2026, 11, 25)
SUMMER = date(2027, 7, 7)

HARD_HOURS = (
    ("autumn-night", CLOCKS_GO_BACK, datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ("autumn-night", CLOCKS_GO_BACK, datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
    (SESSION, WINTER, datetime(2026, 11, 25, 9, 0, tzinfo=UTC)),
    ("spring-night", CLOCKS_GO_ON, datetime(2027, 3, 28, 0, 45, tzinfo=UTC)),
    ("spring-night", CLOCKS_GO_ON, datetime(2027, 3, 28, 1, 15, tzinfo=UTC)),
    (SESSION, SUMMER, datetime(2027, 7, 7, 8, 0, tzinfo=UTC)),
)
"""Half past two comes twice in autumn, and both are booked; in spring it is 1:45, then 3:15 half an hour later."""

YEAR = (datetime(2026, 10, 20, tzinfo=UTC), datetime(2027, 10, 20, tzinfo=UTC))
"""The occurrences that are compared, in UTC."""

FEEDS = ("adviser-busy", "adviser-details", "carrier", "interpreter", "place-buergerbuero", "place-awo-buero")
APPOINTMENT_FEEDS = FEEDS[:4]
PLACE_FEEDS = {"place-buergerbuero": "buergerbuero", "place-awo-buero": "awo-buero"}


class Occurrence(NamedTuple):
    """One dated appointment or opening as a calendar shows it, in UTC."""

    starts_at: datetime
    ends_at: datetime


def open_more(session: Session) -> None:
    """Hours by night on both Sundays; on Wednesdays some dates that are closed, moved and added."""
    data = tomllib.loads(SMALL_TOWN.read_text("utf-8"))
    wednesdays, thursdays = data["hours"]
    wednesdays |= {"horizon_days": 400, "closed_on": [date(2026, 11, 11), date(2027, 4, 14)]}
    wednesdays["also_on"] = [
        {"date": date(2026, 12, 5)},
        {"date": date(2027, 6, 12), "from": time(13), "until": time(15)},
    ]
    wednesdays["changed_on"] = [
        {"date": date(2026, 12, 2), "held_on": date(2026, 12, 3), "from": time(10), "until": time(13)},
        {"date": date(2027, 3, 31), "until": time(11)},
    ]
    thursdays["closed_on"] = [date(2026, 10, 29)]
    night = {**wednesdays, "days": None, "closed_on": [], "also_on": [], "changed_on": []}
    data["hours"] += [
        _by_night(night, "autumn-night", CLOCKS_GO_BACK, time(1), time(4)),
        _by_night(night, "spring-night", CLOCKS_GO_ON, time(1), time(5)),
        _by_night({**night, "place": "awo-buero"}, "half-past-two", CLOCKS_GO_BACK, time(2, 30), time(3, 30), "ib-1"),
    ]
    town_file.store(session, town_file.parse(data), PUBLISHED_AT)


def _by_night(
    like: dict[str, Any], key: str, on: date, from_time: time, until_time: time, adviser: str = "awo-1"
) -> dict[str, Any]:
    times = {"dates": [on], "from": from_time, "until": until_time}
    row = {**like, **times, "key": key, "valid_from": on, "advisers": [adviser], "appointments_at_once": None}
    row |= {"admits": "appointment", "tickets_minutes_before": 0}
    return {name: value for name, value in row.items() if value is not None}


def book_hard_hours(session: Session) -> list[Visit]:
    """Of awo-1, in Arabic: summer, winter, both nights; the hour that comes twice is booked both times."""
    rules = read_rulebook(session)
    question = ask(session, rules, "letter", service="MBE", language="ar")
    return [
        book(session, rules, Booking(question, key, on, starts_at, locale="de"), by=CLIENT, now=PUBLISHED_AT)
        for key, on, starts_at in HARD_HOURS
    ]


def book_and_cancel(session: Session) -> Visit:
    """A cancelled appointment of awo-1, and noise: a colleague's of another carrier, in another language."""
    rules = read_rulebook(session)
    gone = book_at(session, rules, "11:00", on=WINTER, language="ar", now=PUBLISHED_AT)
    book_at(session, rules, "10:00", on=date(2026, 12, 9), service="JMD", language="uk", now=PUBLISHED_AT)
    return cancel(session, gone.id, by=CLIENT, now=PUBLISHED_AT)


def make_feeds(session: Session) -> dict[str, str]:
    """Publish one feed of each kind; the path that each is fetched at."""
    adviser = adviser_of(session, "awo-1")
    carrier = session.scalars(select(Carrier).where(Carrier.key == "awo")).one()
    paths = {
        "adviser-busy": _make_feed(session, adviser, "busy"),
        "adviser-details": _make_feed(session, adviser, "details"),
        "carrier": _make_feed(session, carrier, "busy"),
        "interpreter": _make_feed(session, "ar", "busy"),
    }
    for name, key in PLACE_FEEDS.items():
        make_place_feed(session, place_of(session, key).id, PUBLISHED_AT)
        paths[name] = f"/places/{key}.ics"
    publish_all(session)
    return paths


def _make_feed(session: Session, owner: Adviser | Carrier | str, level: FeedLevel) -> str:
    _feed, token = make_feed(session, owner, level=level, base_url=BASE_URL, now=PUBLISHED_AT)
    return f"/feeds/{token}.ics"


def when(visit: Visit) -> Occurrence:
    assert visit.starts_at is not None and visit.ends_at is not None
    return Occurrence(visit.starts_at, visit.ends_at)


def publish_all(session: Session, now: datetime = PUBLISHED_AT) -> None:
    for feed_id in session.scalars(select(Feed.id)):
        publish_feed(session, feed_id, base_url=BASE_URL, now=now)


def openings_of(session: Session, place_key: str) -> set[Occurrence]:
    """What takes place there within the year, by the rules themselves."""
    place = place_of(session, place_key)
    found = read_rulebook(session).openings(YEAR[0].date(), YEAR[1].date(), place.id)
    spans = (Occurrence(each.dated.starts_at, each.dated.ends_at) for each in found if each.dated.takes_place)
    return {each for each in spans if YEAR[0] <= each.starts_at < YEAR[1]}


def path_of(visit: Visit) -> str:
    """The client's own .ics."""
    return f"/visits/{link_token(SECRET, visit.id, visit.link_epoch)}/appointment.ics"
