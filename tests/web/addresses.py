"""A real address for every page that can be opened, so that a new route cannot be forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.account_links import make_link
from scheduler.actions.feeds import make_feed, make_place_feed, publish_feed
from scheduler.actions.heartbeat import beat
from scheduler.models import Account, Feed
from tests.actions.small_town import adviser_of, place_of
from tests.web.live_town import LiveTown
from tests.web.visitor import Visitor

WITH_A_TOKEN = {"metrics.show_metrics"}
"""No browser opens it: it asks for a header. See test_metrics.py."""

ON_THE_WAY = {"login.show_code", "account.show_qr"}
"""They are there between two steps alone: see test_second_factor.py and test_account.py."""


@dataclass(frozen=True)
class Rows:
    """What the addresses are about: a booked visit, a waiting one, a finished consultation, a calendar.

    `own`: the adviser's own appointment, for which somebody has come.
    """

    booked: int
    waiting: int
    consultation: int
    feed_token: str
    own: int
    account: int
    """Somebody who was invited, and the link by which they choose a password."""
    account_link: str


def make_rows(town: LiveTown) -> Rows:
    town.seat("awo-1")
    town.take_in(age_group="from_27", language="ar", concern="letter")
    consultation = town.call_next("awo-1")
    town.serve(consultation)
    waiting = town.take_in(age_group="from_27", language="ar", concern="letter", urgent=True)
    town.take_in(language="other")

    def feed(session: Session) -> str:
        now = datetime.now(UTC)
        place_id = place_of(session).id
        make_place_feed(session, place_id, now)
        feed_id = session.scalars(select(Feed.id).where(Feed.place_id == place_id)).one()
        publish_feed(session, feed_id, base_url="http://localhost", now=now)
        adviser = adviser_of(session, "awo-1")
        return make_feed(session, adviser, level="details", base_url="http://localhost", now=now)[1]

    own = town.enter_own_time("14:00")
    town.arrive(own)
    booked = town.book("10:30", language="ar")
    town.leave_contact(booked)
    town.change(lambda session: beat(session, datetime.now(UTC)))
    account = town.account()
    link = town.change(lambda s: make_link(s, s.get_one(Account, account), made_by_id=None, now=datetime.now(UTC))[1])
    return Rows(booked, waiting, consultation, town.change(feed), own, account, link)


def all_addresses(app: Flask, town: LiveTown, rows: Rows) -> dict[str, str]:
    """By endpoint, each of the rules that answer GET."""
    tokens = {"visits": town.token(rows.booked), "tickets": town.token(rows.waiting), "feeds": rows.feed_token}
    tokens["contacts"] = town.contact_token(rows.booked)
    tokens["account_links"] = rows.account_link
    known = {"account_id": rows.account, "key": "buergerbuero", "consultation_id": rows.consultation}
    known["filename"] = "css/base.css"
    known |= {"locale": "de", "day": "2026-12-30"}  # closed: so there is a notice for the door
    known |= {"hours_key": "buergerbuero-mi", "original_on": "2026-11-25"}
    visits = {"appointments": rows.booked, "erasing": rows.booked, "intake": rows.own, "case_marks": rows.own}
    addresses = {}
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            if "GET" in rule.methods and rule.endpoint not in WITH_A_TOKEN | ON_THE_WAY:
                family = rule.endpoint.partition(".")[0]
                token = tokens.get(family, tokens["visits"])
                visit_id = visits.get(family, rows.waiting)
                built = rule.build({**known, "token": token, "visit_id": visit_id}, append_unknown=False)
                assert built, f"{rule.endpoint} has a new parameter: say here what it is"
                addresses[rule.endpoint] = built[1]
    return addresses


def staff(app: Flask, town: LiveTown) -> Visitor:
    """Somebody who may open everything: desk of the place, awo-1, coordinator and administrator."""
    roles = {"carrier": "awo", "hours_at": "buergerbuero", "administrator": True}
    return Visitor(app).log_in_as(town.account(desk="buergerbuero", adviser="awo-1", **roles))
