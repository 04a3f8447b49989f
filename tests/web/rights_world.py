"""A Wednesday on which everybody has something: who there is, and what of theirs an address can name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import delete, event, select
from sqlalchemy.orm import Session
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from scheduler.actions.booking import cancel
from scheduler.actions.calling import call, start
from scheduler.actions.feeds import make_feed
from scheduler.actions.handing_over import Recipient, hand_over
from scheduler.actions.rulebook import read_rulebook
from scheduler.models import Absence, AccountRole, Adviser, BusyCalendar, Carrier, Message, Visit
from tests.actions.small_town import NEXT_WEDNESDAY, OFFICE, SESSION, STAFF, THURSDAY, adviser_of, at
from tests.web.live_town import LiveTown

RETIRED = "left-the-town"
PERSONS: dict[str, dict[str, Any]] = {
    "desk": {"desk": "buergerbuero"},
    "other_desk": {"desk": "awo-buero"},
    "adviser": {"adviser": "awo-1"},
    "colleague": {"adviser": "awo-2"},
    "other_carrier": {"adviser": "ib-1"},
    "retired": {"adviser": RETIRED},
    "carrier_coordinator": {"carrier": "awo"},
    "other_carrier_coordinator": {"carrier": "ib"},
    "hours_coordinator": {"hours_at": "buergerbuero"},
    "other_hours_coordinator": {"hours_at": "awo-buero"},
    "administrator": {"administrator": True},
    "nobody": {},
    "disabled": {"desk": "buergerbuero", "disabled_at": at("08:00")},
}
"""All accounts, by what they are to awo-1, who has called number 1 at the Bürgerbüro."""


@dataclass
class World:
    """`accounts`: ids by person. `things`: the parts of an address that name each thing, by what the tests call it.

    `forms`: what is sent where a form names it instead, in the query, too.
    """

    accounts: dict[str, int] = field(default_factory=dict)
    things: dict[str, dict[str, Any]] = field(default_factory=dict)
    forms: dict[str, dict[str, str]] = field(default_factory=dict)


def make_world(town: LiveTown) -> World:
    """Everybody, and what they have. Call `retire_nobody` afterwards: the set-up is shared by all tests."""
    town.change(_retire_an_adviser)
    world = World({name: town.account(**roles) for name, roles in PERSONS.items()})
    visits = _take_people_in(town)
    world.things = {
        **{name: {"visit_id": visit_id} for name, visit_id in visits.items()},
        **{f"{name}_consultation": {"consultation_id": id_} for name, id_ in _consultations(town, visits).items()},
        **town.change(_own_rows),
        **{f"{name}_call": {"message_id": id_} for name, id_ in _calls_to_make(town).items()},
        **{f"{name}_account": {"account_id": id_} for name, id_ in world.accounts.items()},
        "date": {"hours_key": SESSION, "original_on": f"{NEXT_WEDNESDAY}"},
        "other_date": {"hours_key": OFFICE, "original_on": f"{THURSDAY}"},
    }
    return world


def retire_nobody(town: LiveTown) -> None:
    def action(session: Session) -> None:
        left = select(Adviser.id).where(Adviser.key == RETIRED)
        session.execute(delete(AccountRole).where(AccountRole.adviser_id.in_(left)))
        session.execute(delete(Adviser).where(Adviser.key == RETIRED))

    town.change(action)


def send(app: Flask, account_id: int | None, method: str, address: str, form: dict[str, str]) -> TestResponse:
    """One request of a browser that knows nothing but its log-in."""
    response = app.test_client(use_cookies=False).open(
        address,
        method=method,
        query_string=form,
        data=form if method != "GET" else None,
        headers={} if account_id is None else {"Cookie": _log_in_cookie(app, account_id)},
    )
    response.close()
    return response


def _log_in_cookie(app: Flask, account_id: int) -> str:
    signer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert signer is not None
    return f"session={signer.dumps({'_user_id': f'{account_id}:0', '_fresh': True})}"


def address_of(app: Flask, rule: Rule, thing: dict[str, Any]) -> str:
    """The address of this route for this thing, which must say all that the address names."""
    unknown = rule.arguments - thing.keys()
    assert not unknown, f"{rule.endpoint}: no {', '.join(unknown)} is known of it; see `make_world`"
    with app.test_request_context():
        built = rule.build({name: thing[name] for name in rule.arguments}, append_unknown=False)
    assert built is not None
    return built[1]


@contextmanager
def nothing_is_kept() -> Iterator[None]:
    """What is written meanwhile is never committed: a button can be pressed as often as one likes."""
    commit = Session.commit
    Session.commit = Session.flush  # type: ignore[method-assign]
    try:
        yield
    finally:
        Session.commit = commit  # type: ignore[method-assign]


@contextmanager
def writes_of(town: LiveTown) -> Iterator[list[str]]:
    """Statements that change rows meanwhile, committed or not."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.lstrip().startswith(("INSERT", "UPDATE", "DELETE")):
            seen.append(statement)

    event.listen(town.database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(town.database.engine, "before_cursor_execute", note)


def _retire_an_adviser(session: Session) -> None:
    carrier = session.scalars(select(Carrier).where(Carrier.key == "awo")).one()
    gone = {"services": ["MBE"], "languages": ["de"], "position": 99, "retired_at": at("08:00")}
    session.add(Adviser(key=RETIRED, carrier_id=carrier.id, name="Beratung AWO 0", **gone))


def _take_people_in(town: LiveTown) -> dict[str, int]:
    """awo-1, awo-2 and ib-1 each have called somebody; one waits who was handed over, one who was not called."""
    for key in ("awo-1", "awo-2", "ib-1"):
        town.seat(key)
    visits = {"handed_over": town.take_in(age_group="from_27", language="ar", concern="advice", urgent=True)}
    town.change(_hand_over, town.call_next("awo-1"))
    visits["called"] = town.take_in(age_group="from_27", language="ar", concern="letter", people=3)
    town.call_next("awo-1")
    visits["colleague_called"] = town.take_in(age_group="from_27", language="en")
    town.change(_call, "awo-2", visits["colleague_called"])
    visits["other_called"] = town.take_in(age_group="under_27", language="uk")
    town.change(_call, "ib-1", visits["other_called"])
    visits["waiting"] = town.take_in(age_group="from_27", language="ar", concern="advice", urgent=True)
    visits["own_time"] = town.enter_own_time("14:00")
    visits["elsewhere"] = town.enter_own_time("15:00", "awo-2", "awo-buero")
    visits["booked"] = town.book("10:00", on=NEXT_WEDNESDAY, adviser_key="awo-1", language="ar")
    visits["other_booked"] = town.book("11:00", on=NEXT_WEDNESDAY, adviser_key="ib-1", service="JMD")
    visits["booked_elsewhere"] = town.enter_own_time("16:00", "ib-1", "awo-buero", NEXT_WEDNESDAY)
    for each in ("own_time", "elsewhere"):
        town.arrive(visits[each])
    return visits


def _hand_over(session: Session, consultation_id: int) -> None:
    start(session, consultation_id, by=STAFF, now=datetime.now(UTC))
    to = Recipient(service="JMD")
    hand_over(session, read_rulebook(session), consultation_id, to, by=STAFF, now=datetime.now(UTC))


def _call(session: Session, key: str, visit_id: int) -> None:
    call(session, visit_id, adviser_of(session, key), by=STAFF, now=datetime.now(UTC))


def _consultations(town: LiveTown, visits: dict[str, int]) -> dict[str, int]:
    def look(session: Session) -> dict[str, int]:
        names = {"own": "called", "colleague": "colleague_called", "other": "other_called"}
        names["handed_over"] = "handed_over"
        return {name: session.get_one(Visit, visits[visit]).consultations[-1].id for name, visit in names.items()}

    return town.read(look)


def _own_rows(session: Session) -> dict[str, dict[str, Any]]:
    """Of awo-1 and of ib-1: an absence, one from a calendar, the calendar, a feed; and each carrier's shared feed."""
    now = datetime.now(UTC)
    found: dict[str, dict[str, Any]] = {}
    for whose, key in (("own", "awo-1"), ("other", "ib-1")):
        adviser = adviser_of(session, key)
        address = {"url": f"https://example.org/{key}", "url_key": key, "host": "example.org"}
        calendar = BusyCalendar(adviser_id=adviser.id, created_at=now, due_at=now, **address)
        session.add(calendar)
        session.flush()
        span = {"adviser_id": adviser.id, "starts_at": now + timedelta(days=90), "ends_at": now + timedelta(days=91)}
        entered = Absence(**span)
        imported = Absence(**span, source="imported", busy_calendar_id=calendar.id)
        session.add_all([entered, imported])
        feed, _token = make_feed(session, adviser, level="details", base_url="http://localhost", now=now)
        shared, _token = make_feed(session, adviser.carrier, level="busy", base_url="http://localhost", now=now)
        session.flush()
        found[f"{whose}_absence"] = {"absence_id": entered.id}
        found[f"{whose}_imported"] = {"absence_id": imported.id}
        found[f"{whose}_calendar"] = {"calendar_id": calendar.id}
        found[f"{whose}_feed"] = {"feed_id": feed.id}
        found[f"{whose}_shared_feed"] = {"feed_id": shared.id}
    return found


def _calls_to_make(town: LiveTown) -> dict[str, int]:
    """The office has cancelled appointments of people who can only be called: awo-1's here, ib-1's elsewhere."""

    def cancelled(visit_id: int) -> int:
        def action(session: Session) -> int:
            cancel(session, visit_id, by=STAFF, now=datetime.now(UTC), unasked=True)
            return session.scalars(
                select(Message.id).where(Message.visit_id == visit_id, Message.channel == "call")
            ).one()

        town.leave_contact(visit_id, email=None, phone="+4915155566677", reminders=False)
        return town.change(action)

    here = town.book("11:30", on=NEXT_WEDNESDAY, adviser_key="awo-1")
    return {
        "own": cancelled(here),
        "other": cancelled(town.enter_own_time("17:00", "ib-1", "awo-buero", NEXT_WEDNESDAY)),
    }
