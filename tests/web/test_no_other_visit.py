"""No page, feed, answer, log or metric tells of a visit that is not one's own, and none tells how to reach somebody.

Every visit here has an address, a phone number, a code, a link, and one a mark, that can be recognised wherever they
come up. Who may read which of them is said here by hand, in `READERS`, `LINKS` and `PHONES`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.feeds import make_feed
from scheduler.domain.codes import spoken
from scheduler.models import CaseMark, Consultation, Contact, Message, Visit
from scheduler.web.edge import LARGEST_ID
from scheduler.web.limits import limiter
from tests.actions.small_town import SESSION, WEDNESDAY, adviser_of
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.rights_world import World, address_of, make_world, retire_nobody, send

METRICS_TOKEN = "token-of-the-metrics-reader"
MARK = "Mark-7-of-awo-1"
PERSONS = (
    "desk", "other_desk", "adviser", "colleague", "other_carrier", "carrier_coordinator", "hours_coordinator",
    "administrator",
)  # fmt: skip

# By the name of the visit in the world: of whom staff read the code, on some page of theirs.
READERS = {
    "booked": {"desk", "adviser"},
    "other_booked": {"desk", "other_carrier"},
    "booked_elsewhere": {"other_desk", "other_carrier"},
    "own_time": {"desk", "adviser"},
    "elsewhere": {"other_desk", "colleague"},
    "handed_over": set(), "called": set(), "colleague_called": set(), "other_called": set(), "waiting": set(),
}  # fmt: skip
# Of whom staff print the link on paper: appointments as above, and numbers of today where people are taken in.
LINKS = {name: readers or {"desk"} for name, readers in READERS.items()}
PHONES = {"own_call": {"desk", "adviser"}, "other_call": {"other_desk", "other_carrier"}}
"""Whom somebody must call: on the call list alone."""
OF_CLIENTS = {"visits", "tickets", "contacts", "erasing"}


@dataclass(frozen=True)
class Secret:
    """One thing that can be recognised. `kind`: "contact", "code", "link" or "mark"; `of`: the visit's name."""

    kind: str
    of: str
    texts: tuple[str, ...]

    def is_in(self, body: str) -> bool:
        return any(each in body for each in self.texts)


@dataclass(frozen=True)
class Planted:
    world: World
    secrets: list[Secret]
    tokens: dict[str, str]
    feed_token: str


@pytest.fixture
def planted(app: Flask, town: LiveTown, open_day: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Planted]:
    monkeypatch.setattr(limiter, "enabled", False)  # every link is tried everywhere, most in vain
    world = make_world(town)
    ids = {name: thing["visit_id"] for name, thing in world.things.items() if "visit_id" in thing}
    ids |= {name: town.read(_visit_of_call(world, name)) for name in PHONES}
    town.change(_plant, ids)
    tokens = {name: town.token(visit_id) for name, visit_id in ids.items()}
    feed_token = town.change(_make_feed)
    yield Planted(world, [each for name in ids for each in _secrets_of(town, name, ids[name])], tokens, feed_token)
    retire_nobody(town)


def _visit_of_call(world: World, name: str) -> Any:
    return lambda session: session.get_one(Message, world.things[name]["message_id"]).visit_id


def _plant(session: Session, ids: dict[str, int]) -> None:
    session.query(Contact).delete()
    for name, visit_id in ids.items():
        email, phone = _email(name, visit_id), _phone(visit_id)
        now = datetime.now(UTC)
        keys = {"email_key": f"key-{visit_id}", "phone_key": f"key-{visit_id}", "created_at": now}
        session.add(Contact(visit_id=visit_id, email=email, phone=phone, nearly=True, reminders=True, **keys))
    session.add(CaseMark(visit_id=ids["booked"], adviser_id=adviser_of(session, "awo-1").id, mark=MARK))


def _make_feed(session: Session) -> str:
    adviser = adviser_of(session, "awo-1")
    return make_feed(session, adviser, level="details", base_url="http://localhost", now=datetime.now(UTC))[1]


def _email(name: str, visit_id: int) -> str:
    return f"reach-{name}-{visit_id}@secret.example"


def _phone(visit_id: int) -> str:
    return f"+49151777{visit_id:05}"


def _secrets_of(town: LiveTown, name: str, visit_id: int) -> list[Secret]:
    code, mac = town.visit(visit_id).code, town.token(visit_id).partition("-")[2]
    found = [
        Secret("contact", name, (_email(name, visit_id), f"reach-{name}-")),
        Secret("contact", name, (_phone(visit_id), _phone(visit_id)[3:])),
        Secret("link", name, (mac,)),
    ]
    if code:
        found.append(Secret("code", name, (code, spoken(code), spoken(code).replace(" ", "\xa0"))))
    return [*found, Secret("mark", name, (MARK,))] if name == "booked" else found


def may_read(secret: Secret, person: str, endpoint: str, own: str) -> bool:
    """Whether this person may read this on that page; `own`: the visit whose link is in the address."""
    if secret.of == own:  # whoever holds the link knows it, wherever they try it
        return secret.kind == "link" or (secret.kind != "mark" and endpoint.partition(".")[0] in {*OF_CLIENTS, "api"})
    if secret.kind == "contact":
        return person in PHONES.get(secret.of, ()) and endpoint == "call_list.show_call_list"
    if secret.kind == "mark":
        return person == "adviser"
    if endpoint == "feeds.show_feed":  # awo-1's own, made to show codes: whoever knows its address reads it
        return secret.kind == "code" and secret.of in ("booked", "own_time", "own_call")
    readers = LINKS if secret.kind == "link" else READERS
    in_the_call_list = endpoint == "call_list.show_call_list" and secret.kind == "code"
    return person in readers.get(secret.of, ()) or (in_the_call_list and person in PHONES.get(secret.of, ()))


def all_pages(app: Flask, planted: Planted) -> Iterator[tuple[str, str, str]]:
    """Endpoint, address and whose link is in it, of all that can be opened: for each thing that an address can name."""
    things = [({}, ""), *((thing, "") for name, thing in planted.world.things.items() if _is_worth_it(name))]
    links = [({"token": token}, name) for name, token in planted.tokens.items()]
    more = [({"token": planted.feed_token}, ""), ({"key": "buergerbuero"}, ""), ({"key": "awo-buero"}, "")]
    more += [({"key": "buergerbuero", "day": "2026-12-30"}, ""), ({"locale": "de"}, "")]
    more += [({"hours_key": SESSION, "original_on": str(WEDNESDAY), "opening_id": f"{SESSION}/{WEDNESDAY}"}, "")]
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and rule.endpoint != "static":
            for thing, own in [*things, *links, *more]:
                if rule.arguments == thing.keys() & rule.arguments and bool(rule.arguments) == bool(thing):
                    yield rule.endpoint, address_of(app, rule, thing), own


def _is_worth_it(name: str) -> bool:
    return not name.endswith("_account") or name == "adviser_account"  # one account's page looks like another's


def test_nothing_that_is_opened_tells_of_another_visit(
    app: Flask, town: LiveTown, planted: Planted, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    app.extensions["settings"] = replace(app.extensions["settings"], metrics_token=METRICS_TOKEN)
    persons = [None, *PERSONS]
    if town.database.engine.dialect.name == "postgresql":  # what a page shows does not depend on it: a sample
        persons = [None, "desk", "adviser"]
    pages, told, answered = list(all_pages(app, planted)), [], 0
    for endpoint, address, own in pages:
        for person in persons:
            if own and person not in (None, "desk"):
                continue  # whoever holds a link is a stranger to the server
            account = planted.world.accounts[person] if person else None
            answer = send(app, account, "GET", address, {})
            answered += answer.status_code == 200
            body = answer.get_data(as_text=True).replace("\r\n ", "") + str(
                answer.headers
            )  # a calendar's lines are folded
            told += [
                f"{person or 'a stranger'}, {endpoint}: {each.kind} of {each.of}"
                for each in planted.secrets
                if each.is_in(body) and not may_read(each, person or "", endpoint, own)
            ]
    assert answered > 150
    assert "\n".join(sorted(set(told))) == ""
    logged = "\n".join(f"{each.getMessage()} {each.__dict__}" for each in caplog.records)
    assert [each for each in planted.secrets if each.is_in(logged)] == []


def test_what_is_looked_for_can_be_found(app: Flask, planted: Planted) -> None:
    """The search above would be worth nothing if it passed because the pages did not open."""

    def seen(person: str, address: str) -> set[tuple[str, str]]:
        body = send(app, planted.world.accounts[person], "GET", address, {}).get_data(as_text=True)
        return {(each.kind, each.of) for each in planted.secrets if each.is_in(body)}

    things = planted.world.things
    assert ("contact", "own_call") in seen("desk", "/call-list")
    assert {("code", "booked"), ("mark", "booked")} <= seen("adviser", "/my")
    assert seen("desk", f"/desk/visits/{things['waiting']['visit_id']}/ticket") == {("link", "waiting")}
    own_page = send(app, None, "GET", f"/visits/{planted.tokens['booked']}", {}).get_data(as_text=True)
    assert {each.kind for each in planted.secrets if each.is_in(own_page)} == {"contact", "code", "link"}
    feed = send(app, None, "GET", f"/feeds/{planted.feed_token}.ics", {})
    assert feed.status_code == 200 and "BEGIN:VCALENDAR" in feed.get_data(as_text=True)


def test_metrics_name_no_visit(app: Flask, planted: Planted) -> None:
    app.extensions["settings"] = replace(app.extensions["settings"], metrics_token=METRICS_TOKEN)
    for token in planted.tokens.values():
        send(app, None, "GET", f"/visits/{token}", {})
        send(app, None, "GET", f"/tickets/{token}", {})
    answer = app.test_client().get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
    body = answer.get_data(as_text=True)
    assert answer.status_code == 200 and "sprechstunde_requests" in body
    assert [each for each in planted.secrets if each.is_in(body)] == []


def numbers_to_try(town: LiveTown) -> list[int]:
    """All ids that there are, their neighbours, and some that never are; not those that earlier tests have used up."""
    ids = town.read(
        lambda session: {each for id_ in (Visit.id, Consultation.id) for each in session.scalars(select(id_))}
    )
    return sorted({0, *(each + by for each in ids for by in (-1, 0, 1, 2)), LARGEST_ID, LARGEST_ID + 1, 10**30})


def test_counting_through_numbers_leads_to_the_own_things_alone(app: Flask, town: LiveTown, planted: Planted) -> None:
    """What exists and is another's, what is gone and what never was give the same answer."""
    world = planted.world
    numbers = numbers_to_try(town)

    def found(person: str, address: str) -> set[int]:
        answers = {each: send(app, world.accounts[person], "GET", address.format(each), {}) for each in numbers}
        bodies = {Page(each).text for each in answers.values() if each.status_code == 404}
        assert len(bodies) == 1, f"{person} learns from {address} what there is"
        assert {each.status_code for each in answers.values()} <= {200, 302, 404, 409}
        return {number for number, answer in answers.items() if answer.status_code != 404}

    visits = {name: thing["visit_id"] for name, thing in world.things.items() if "visit_id" in thing}
    held = {name: thing["consultation_id"] for name, thing in world.things.items() if "consultation_id" in thing}
    assert found("other_desk", "/desk/visits/{}/ticket") == {visits["elsewhere"]}
    assert found("colleague", "/my/intake/visits/{}/ticket") == {visits["elsewhere"]}
    assert found("other_carrier", "/my/consultations/{}/outcome") == {held["other_consultation"]}
    assert found("colleague", "/my/consultations/{}/follow-up") == {held["colleague_consultation"]}
    assert found("other_carrier", "/appointments/{}") == town.read(_appointments_of("ib-1"))


def _appointments_of(key: str) -> Any:
    def look(session: Session) -> set[int]:
        me = adviser_of(session, key).id
        mine = select(Visit.id).where((Visit.planned_adviser_id == me) | (Visit.wished_adviser_id == me))
        return set(session.scalars(mine))

    return look


def test_a_link_opens_no_other_visit(app: Flask, town: LiveTown, planted: Planted) -> None:
    """Not its neighbours, not with another number before it, not once it is revoked, not as another kind of link."""
    visit_id, _dash, mac = planted.tokens["booked"].partition("-")
    others = [f"{each}-{mac}" for each in numbers_to_try(town) if str(each) != visit_id]
    others += [mac, f"-{mac}", f"{visit_id}-", f"{visit_id}-{mac[:-1]}", f"{visit_id}-{mac}x", f" {visit_id}-{mac}"]
    others += [f"0{visit_id}-{mac[::-1]}", town.contact_token(int(visit_id)), planted.feed_token]
    addresses = ("/visits/{}", "/visits/{}/move", "/visits/{}/cancellation", "/tickets/{}", "/tickets/{}/now")
    for address in (*addresses, "/visits/{}/appointment.ics", "/visits/{}/qr.svg", "/api/v1/bookings/{}"):
        for each in others:
            assert send(app, None, "GET", address.format(each), {}).status_code == 404, (address, each)
    town.set(Visit, int(visit_id), link_epoch=1)
    assert send(app, None, "GET", f"/visits/{visit_id}-{mac}", {}).status_code == 404
