"""The small town with rows in every state, and the people whose requests are made up: strangers, clients, staff."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from typing import Any

import time_machine
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from bench.bad_input_forms import Form
from scheduler.actions.account_links import make_link
from scheduler.actions.booking import cancel
from scheduler.actions.busy_calendars import add_calendar
from scheduler.actions.calling import start
from scheduler.actions.dates import Away, DateChange
from scheduler.actions.day_changes import carry_out
from scheduler.actions.feeds import make_feed, make_place_feed, places_without_feed, publish_feed, stale_feeds
from scheduler.actions.full_house import turn_away
from scheduler.actions.heartbeat import beat
from scheduler.actions.parking import park
from scheduler.actions.registration import leave, miss
from scheduler.actions.rulebook import read_rulebook
from scheduler.actions.sending import mark_failed
from scheduler.actions.staff import choose_pin, make_account
from scheduler.actions.steps import CLIENT
from scheduler.domain.intervals import Interval
from scheduler.models import Account, Carrier, Message
from tests.actions.small_town import (
    NEXT_WEDNESDAY,
    OFFICE,
    SESSION,
    STAFF,
    THURSDAY,
    adviser_of,
    at,
    hours_of,
    opening_of,
    place_of,
)
from tests.conftest import SECRET
from tests.web.addresses import Rows, make_rows
from tests.web.live_town import LiveTown
from tests.web.visitor import Visitor

BEGIN = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
"""The day before the session."""
MOMENTS = ("09:05", "10:20", "11:40", "12:30")
"""On the day of the session, in turns: it begins, is full, ends, is over."""
PASSWORD, PIN = "open sesame", "2580"
ROLES: dict[str, dict[str, Any]] = {
    "desk": {"desk": "buergerbuero"},
    "other desk": {"desk": "awo-buero"},
    "adviser": {"adviser": "awo-1"},
    "other adviser": {"adviser": "ib-1"},
    "coordinator": {"carrier": "awo"},
    "coordinator of hours": {"hours_at": "buergerbuero"},
    "administrator": {"administrator": True},
    "everything": {
        "desk": "buergerbuero",
        "adviser": "awo-2",
        "carrier": "awo",
        "hours_at": "buergerbuero",
        "administrator": True,
    },
}
ANSWERED = ("age=from_27&concern=letter&language=ar", "age=under_27&concern=known&adviser=ib-1")
"""The questions before a time can be chosen, answered."""


@dataclass
class Person:
    """Somebody at a browser. `pages`: addresses that this person has seen a way to."""

    name: str
    account_id: int | None = None
    locked: bool = False
    cookie: str = ""
    token: str = ""
    """Of this browser's forms."""
    pages: list[str] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)


@dataclass(frozen=True)
class Scene:
    town: LiveTown
    rows: Rows
    people: dict[str, Person]
    known: dict[str, tuple[str, ...]]
    """What people know by heart, by kind of field."""
    tokens: tuple[str, ...]
    """Of links that work, whatever they open."""


def make_scene(app: Flask, town: LiveTown, clock: time_machine.Traveller) -> Scene:
    """Everything that there is, made on the day before and on the morning."""
    clock.move_to(BEGIN)
    town.change(lambda session: setattr(hours_of(session), "appointments_at_once", 3))
    town.add_noise()
    booked = _book(town)
    _change_dates(town)
    clock.move_to(at("09:02"))
    rows = make_rows(town)
    _live(town)
    town.change(lambda session: beat(session, datetime.now(UTC)))
    people = {name: Person(name, _account(town, name, **roles)) for name, roles in ROLES.items()}
    people["stranger"] = Person("stranger")
    people["client"] = Person("client")
    people["locked desk"] = Person("locked desk", people["desk"].account_id, locked=True)
    tokens = [town.token(each) for each in (*booked, rows.booked, rows.waiting, rows.own)]
    tokens += [rows.feed_token, town.contact_token(rows.booked)]
    people["client"].pages += [f"/visits/{tokens[0]}", f"/visits/{tokens[1]}", f"/tickets/{town.token(rows.waiting)}"]
    people["client"].pages += [f"/account-links/{_invite(town)}"]
    people["stranger"].pages += [f"/book?{each}" for each in ANSWERED]
    codes = tuple(town.visit(each).code or "" for each in booked)
    logins = tuple(town.read(lambda s: list(s.scalars(select(Account.login).order_by(Account.id)))))
    known = {"code": codes, "login": logins, "password": (PASSWORD, PIN)}
    come_in(app, people.values())
    return Scene(town, rows, people, known, tuple(tokens))


def come_in(app: Flask, people: Any) -> None:
    """Everybody has a browser, logged in as things stand, with the token of its forms."""
    for each in people:
        visitor = Visitor(app)
        if each.account_id is not None:
            visitor.log_in_as(each.account_id)
        page = visitor.open("/code")
        each.token = page.root.all("input", name="csrf_token")[0].attrs["value"]
        if each.locked:
            with visitor.client.session_transaction() as session:
                session["locked"] = True
        cookie = visitor.client.get_cookie("session")
        each.cookie = f"session={cookie.value}" if cookie else ""


def _account(town: LiveTown, name: str, **roles: Any) -> int:
    """With a password and a PIN that work."""
    places = {"desk": "desk_of", "hours_at": "hours_at"}

    def action(session: Session) -> int:
        now, what = datetime.now(UTC), dict(roles)
        given: dict[str, Any] = {new: place_of(session, what.pop(old)) for old, new in places.items() if old in what}
        if "adviser" in what:
            given["adviser"] = adviser_of(session, what.pop("adviser"))
        if "carrier" in what:
            given["carrier"] = session.scalars(select(Carrier).where(Carrier.key == what.pop("carrier"))).one()
        account = make_account(session, login=name, name=name, password=PASSWORD, now=now, **given, **what)
        choose_pin(session, account, PASSWORD, PIN)
        return account.id

    return town.change(action)


def _invite(town: LiveTown) -> str:
    """A link by which somebody chooses a first password."""
    invited = town.account(desk="awo-buero")

    def action(session: Session) -> str:
        return make_link(session, session.get_one(Account, invited), made_by_id=None, now=datetime.now(UTC))[1]

    return town.change(action)


def _book(town: LiveTown) -> list[int]:
    """Appointments at both places: with every kind of contact, cancelled, and one whose letter did not arrive."""
    booked = [town.book(clock, language="ar") for clock in ("09:30", "10:45")]
    booked += [town.book(clock, on=THURSDAY, key=OFFICE) for clock in ("13:00", "13:30", "14:00")]
    booked.append(town.book("11:00", on=NEXT_WEDNESDAY, service="JMD", language="uk"))
    town.leave_contact(booked[0], email="ada@example.org", phone="+491712345678")
    town.leave_contact(booked[1], email=None, phone="+491712345679")
    town.leave_contact(booked[2], email=None, phone="+496990009123", reminders=False)
    town.leave_contact(booked[3], email="grace@example.org", reminders=False)
    gone = town.book("11:30")
    town.change(lambda session: cancel(session, gone, by=CLIENT, now=datetime.now(UTC)) and None)

    def lose(session: Session) -> None:
        lost = session.scalars(select(Message).where(Message.visit_id == booked[3])).first()
        if lost is not None:
            mark_failed(session, lost, "SMTPRecipientsRefused 550", datetime.now(UTC), permanent=True)

    town.change(lose)
    return booked


def _change_dates(town: LiveTown) -> None:
    """A date was cancelled under somebody who can only be called, one has other times, advisers are away."""

    later = NEXT_WEDNESDAY.replace(day=9)
    away = town.read(lambda session: adviser_of(session, "ib-1").id)
    for change in (
        DateChange(OFFICE, THURSDAY, cancelled=True, reason="Wasserschaden"),
        DateChange(SESSION, later, cancelled=False, from_time=time(10), until_time=time(12)),
        Away(away, Interval(at("08:00", later), at("18:00", later))),
    ):
        town.change(_carry_out, change)
    town.change(
        lambda s: add_calendar(
            s, adviser_of(s, "awo-1"), "https://calendar.example/x.ics", "calendar.example", secret=SECRET,
            now=datetime.now(UTC),
        )
        and None
    )  # fmt: skip


def _carry_out(session: Session, change: Away | DateChange) -> None:
    """Whom it hits gets the first offer."""
    carry_out(session, change, by=STAFF, now=datetime.now(UTC))


def _live(town: LiveTown) -> None:
    """The morning has begun: people wait, are parked, called, served, gone; appointments came or did not."""
    came, missed = town.book("11:15", language="ar"), town.book("11:45")
    town.arrive(came)
    town.leave_contact(came, email="here@example.org")
    waiting = [town.take_in(age_group="from_27", concern="letter") for _ in range(3)]
    waiting += [town.take_in(age_group="under_27", concern="advice", language="uk"), town.take_in()]
    do: Callable[..., Any] = town.change
    do(lambda session: miss(session, missed, by=STAFF, now=datetime.now(UTC)) and None)
    do(lambda session: park(session, waiting[0], by=STAFF, now=datetime.now(UTC)) and None)
    do(lambda session: leave(session, waiting[1], by=STAFF, now=datetime.now(UTC)) and None)
    do(lambda session: turn_away(session, opening_of(read_rulebook(session)), datetime.now(UTC)))
    for key in ("awo-2", "ib-1"):
        town.seat(key)
    town.call_next("awo-2")
    here = town.call_next("ib-1")
    do(lambda session: start(session, here, by=STAFF, now=datetime.now(UTC)) and None)
    do(_publish_feeds)


def _publish_feeds(session: Session) -> None:
    """Of every place, of a carrier and of a language."""
    now = datetime.now(UTC)
    for place_id in places_without_feed(session):
        make_place_feed(session, place_id, now)
    for owner in (session.scalars(select(Carrier)).first(), "ar"):
        make_feed(session, owner or "de", level="details", base_url="http://localhost", now=now)
    for feed_id in stale_feeds(session, now):
        publish_feed(session, feed_id, base_url="http://localhost", now=now)
