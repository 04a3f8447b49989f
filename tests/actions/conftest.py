"""The rules, and noise: visits of other days, places and states that no test here is about."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.rulebook import RuleBook, read_rulebook
from scheduler.db import Database
from scheduler.models import Absence, Adviser, Consultation, Hours, Opening, Place, Presence, TicketCounter, Visit
from tests.actions.small_town import LAST_WEDNESDAY, NEXT_WEDNESDAY, OFFICE, SESSION, THURSDAY, WEDNESDAY, at


@pytest.fixture
def rulebook(session: Session) -> RuleBook:
    return read_rulebook(session)


@pytest.fixture(autouse=True)
def noise(request: pytest.FixtureRequest) -> None:
    """Rows beside the point, so that a filter which is missing or wrong shows."""
    if "database" not in request.fixturenames:
        return
    database: Database = request.getfixturevalue("database")
    with database.writing() as session:
        _add_noise(session)
        session.commit()


def _add_noise(session: Session) -> None:
    last, following = _opening(session, SESSION, LAST_WEDNESDAY), _opening(session, SESSION, NEXT_WEDNESDAY)
    office = _opening(session, OFFICE, WEDNESDAY)
    advisers = dict(session.execute(select(Adviser.key, Adviser.id)).all())
    _walk_in(session, last, LAST_WEDNESDAY, 1, state="waiting", urgent=True)
    _walk_in(session, following, NEXT_WEDNESDAY, 1, state="waiting", urgent=True)
    _walk_in(session, office, WEDNESDAY, 1, place="awo-buero", state="waiting", urgent=True)
    _walk_in(session, last, LAST_WEDNESDAY, 2, state="done", ended_at=at("09:30", LAST_WEDNESDAY))
    for on, opening, adviser in (
        (NEXT_WEDNESDAY, following, "awo-1"),
        (THURSDAY, _opening(session, OFFICE, THURSDAY), "awo-1"),
    ):
        clock = "13:00" if on == THURSDAY else "09:00"
        _appointment(session, opening, on, clock, planned_adviser_id=advisers[adviser])
    _appointment(session, last, LAST_WEDNESDAY, "09:00", state="cancelled", ended_at=at("08:00", LAST_WEDNESDAY))
    session.add(
        Absence(adviser_id=advisers["ib-1"], starts_at=at("09:00", NEXT_WEDNESDAY), ends_at=at("12:00", NEXT_WEDNESDAY))
    )
    for key, station in (("awo-1", "Tisch 1"), ("awo-2", "Tisch 2"), ("ib-1", "Tisch 3")):
        session.add(
            Presence(
                opening_id=last.id,
                adviser_id=advisers[key],
                station=station,
                state="present",
                since_at=at("09:00", LAST_WEDNESDAY),
            )
        )
    for place, on, number in (("buergerbuero", LAST_WEDNESDAY, 40), ("awo-buero", WEDNESDAY, 70)):
        session.add(TicketCounter(place_id=_place(session, place).id, local_on=on, last_number=number))
    session.flush()


def _place(session: Session, key: str) -> Place:
    return session.scalars(select(Place).where(Place.key == key)).one()


def _opening(session: Session, key: str, on: date) -> Opening:
    hours = session.scalars(select(Hours).where(Hours.key == key)).one()
    opening = Opening(hours_id=hours.id, original_on=on, version=5)
    session.add(opening)
    session.flush()
    return opening


def _walk_in(
    session: Session, opening: Opening, on: date, ticket: int, place: str = "buergerbuero", **fields: Any
) -> Visit:
    arrived_at = at("08:40", on)
    visit = Visit(
        opening_id=opening.id,
        place_id=_place(session, place).id,
        local_on=on,
        kind="walk_in",
        ticket=ticket,
        locale="de",
        arrived_at=arrived_at,
        created_at=arrived_at,
        changed_at=arrived_at,
        **fields,
    )
    session.add(visit)
    session.flush()
    if visit.state == "done":
        session.add(_ended_consultation(session, visit, arrived_at))
    return visit


def _ended_consultation(session: Session, visit: Visit, called_at: datetime) -> Consultation:
    adviser = session.scalars(select(Adviser).where(Adviser.key == "awo-1")).one()
    return Consultation(
        visit_id=visit.id,
        adviser_id=adviser.id,
        carrier_id=adviser.carrier_id,
        station="Tisch 1",
        called_at=called_at,
        last_called_at=called_at,
        started_at=called_at,
        ended_at=called_at + timedelta(minutes=20),
        ended_as="finished",
    )


def _appointment(session: Session, opening: Opening, on: date, clock: str, **fields: Any) -> None:
    starts_at = at(clock, on)
    settings: dict[str, Any] = {"state": "booked", **fields}
    session.add(
        Visit(
            opening_id=opening.id,
            place_id=opening.hours.place_id,
            local_on=on,
            kind="appointment",
            locale="de",
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=30),
            created_at=starts_at - timedelta(days=9),
            changed_at=starts_at - timedelta(days=9),
            **settings,
        )
    )
    session.flush()
