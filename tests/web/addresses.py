"""A real address for every page that can be opened, so that a new route cannot be forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Flask
from sqlalchemy.orm import Session

from scheduler.actions.feeds import make_feed
from tests.actions.small_town import adviser_of
from tests.web.live_town import LiveTown
from tests.web.visitor import Visitor


@dataclass(frozen=True)
class Rows:
    """What the addresses are about: a booked visit, a waiting one, a finished consultation, a calendar."""

    booked: int
    waiting: int
    consultation: int
    feed_token: str


def make_rows(town: LiveTown) -> Rows:
    town.seat("awo-1")
    town.take_in(age_group="from_27", language="ar", concern="letter")
    consultation = town.call_next("awo-1")
    town.serve(consultation)
    waiting = town.take_in(age_group="from_27", language="ar", concern="letter", urgent=True)
    town.take_in(language="other")

    def feed(session: Session) -> str:
        adviser = adviser_of(session, "awo-1")
        return make_feed(session, adviser, level="details", base_url="http://localhost", now=datetime.now(UTC))[1]

    return Rows(town.book("10:30", language="ar"), waiting, consultation, town.change(feed))


def all_addresses(app: Flask, town: LiveTown, rows: Rows) -> dict[str, str]:
    """By endpoint, each of the rules that answer GET."""
    tokens = {"visits": town.token(rows.booked), "tickets": town.token(rows.waiting), "feeds": rows.feed_token}
    known = {"key": "buergerbuero", "visit_id": rows.waiting, "consultation_id": rows.consultation}
    known["filename"] = "css/base.css"
    addresses = {}
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            if "GET" in rule.methods:
                token = tokens.get(rule.endpoint.partition(".")[0], tokens["visits"])
                built = rule.build({**known, "token": token}, append_unknown=False)
                assert built, f"{rule.endpoint} has a new parameter: say here what it is"
                addresses[rule.endpoint] = built[1]
    return addresses


def staff(app: Flask, town: LiveTown) -> Visitor:
    """Somebody who may open everything: desk of the place and awo-1."""
    return Visitor(app).log_in_as(town.account(desk="buergerbuero", adviser="awo-1"))
