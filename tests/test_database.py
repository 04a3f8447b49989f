"""What the database itself guarantees, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.orm import Session

from scheduler import db, schema
from scheduler.db import Base, Database
from scheduler.domain.visit_states import State
from scheduler.models import Adviser, Contact, Hours, Opening, Place, Step, Visit

STATES: tuple[State, ...] = get_args(State)
HOLD_NOTHING: tuple[State, ...] = ("cancelled", "missed", "expired")
HOLD: tuple[State, ...] = tuple(each for each in STATES if each not in HOLD_NOTHING)
WEDNESDAY = date(2026, 11, 25)
NINE = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
GUARD = "ex_visit_one_place_per_adviser"


def after(minutes: int) -> datetime:
    return NINE + timedelta(minutes=minutes)


@pytest.fixture
def opening(session: Session) -> Opening:
    hours = session.scalars(select(Hours).where(Hours.key == "buergerbuero-mi")).one()
    found = Opening(hours_id=hours.id, original_on=WEDNESDAY)
    session.add(found)
    session.flush()
    return found


@pytest.fixture
def advisers(session: Session) -> dict[str, int]:
    return dict(session.execute(select(Adviser.key, Adviser.id)).all())


def appointment(opening: Opening, first: int, last: int, adviser_id: int | None, **fields: Any) -> Visit:
    settings: dict[str, Any] = {"state": "booked", "kind": "appointment", **fields}
    return Visit(
        opening_id=opening.id,
        place_id=opening.hours.place_id,
        local_on=WEDNESDAY,
        locale="de",
        starts_at=after(first),
        ends_at=after(last),
        planned_adviser_id=adviser_id,
        created_at=NINE,
        changed_at=NINE,
        **settings,
    )


def write(session: Session, *visits: Visit) -> None:
    for each in visits:
        session.add(each)
        session.flush()


# Instants


@pytest.mark.parametrize("at", [datetime(2026, 11, 25, 9, 0), datetime.min])  # noqa: DTZ001, DTZ901
def test_an_instant_without_a_zone_is_refused(
    session: Session, opening: Opening, advisers: dict[str, int], at: datetime
) -> None:
    opening.closed_at = at
    with pytest.raises(StatementError, match="naive"):
        session.flush()


def test_an_instant_without_a_zone_is_refused_in_a_question_too(session: Session) -> None:
    with pytest.raises(StatementError, match="naive"):
        session.scalars(select(Visit).where(Visit.starts_at < datetime(2026, 11, 25))).all()  # noqa: DTZ001


@pytest.mark.parametrize(
    "zone", [UTC, ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata"), timezone(timedelta(hours=-9))]
)
def test_an_instant_comes_back_the_same_and_in_utc(session: Session, opening: Opening, zone: Any) -> None:
    at = datetime(2026, 10, 25, 1, 30, 15, 123456, tzinfo=UTC)
    opening.closed_at = at.astimezone(zone)
    session.commit()
    found = session.scalars(select(Opening.closed_at).where(Opening.closed_at == at)).one()
    assert found == at
    assert found is not None and found.tzinfo is UTC


def test_instants_are_ordered_as_time_whatever_zone_they_came_in(
    session: Session, opening: Opening, advisers: dict[str, int]
) -> None:
    late = appointment(opening, 60, 75, advisers["awo-1"])
    late.starts_at = after(60).astimezone(timezone(timedelta(hours=-11)))
    early = appointment(opening, 0, 15, advisers["awo-1"])
    early.starts_at = after(0).astimezone(timezone(timedelta(hours=14)))
    write(session, late, early)
    found = session.scalars(select(Visit.id).where(Visit.opening_id == opening.id).order_by(Visit.starts_at)).all()
    assert found == [early.id, late.id]


# Contacts


def test_a_contact_leaves_no_plain_text_in_the_row(
    session: Session, opening: Opening, advisers: dict[str, int]
) -> None:
    visit = appointment(opening, 0, 15, advisers["awo-1"])
    write(session, visit)
    session.add(Contact(visit_id=visit.id, email="client@example.org", phone="+496990009001", created_at=NINE))
    session.flush()
    row = session.execute(text("SELECT * FROM contact")).one()
    raw = b"|".join(bytes(each) if isinstance(each, (bytes, memoryview)) else str(each).encode() for each in row)
    for plain in (b"client", b"example", b"90009001", b"496990"):
        assert plain not in raw
    session.expire_all()
    contact = session.get_one(Contact, visit.id)
    assert (contact.email, contact.phone) == ("client@example.org", "+496990009001")


def test_two_equal_contacts_are_stored_differently(
    session: Session, opening: Opening, advisers: dict[str, int]
) -> None:
    for start in (0, 15):
        visit = appointment(opening, start, start + 15, advisers["awo-1"])
        write(session, visit)
        session.add(Contact(visit_id=visit.id, email="client@example.org", created_at=NINE))
    session.flush()
    stored = session.execute(text("SELECT email FROM contact")).scalars().all()
    assert len({bytes(each) for each in stored}) == 2


# Sessions


def test_a_reading_session_cannot_write(database: Database) -> None:
    for statement in (
        "UPDATE place SET name = 'changed'",
        "INSERT INTO ticket_counter (place_id, local_on, last_number) VALUES (1, '2026-11-25', 1)",
        "DELETE FROM closure",
        "CREATE TABLE another (id INTEGER)",
    ):
        with database.reading() as reading, pytest.raises(DBAPIError):
            reading.execute(text(statement))
    with database.reading() as reading:
        names = reading.scalars(select(Place.name)).all()
    assert "changed" not in names and names


def test_reading_before_writing_leaves_the_writer_free_to_write(database: Database) -> None:
    with database.reading() as reading:
        reading.scalars(select(Place.id)).all()
    with database.writing() as writing:
        writing.execute(update(Place).where(Place.key == "buergerbuero").values(name="New name"))
        writing.commit()
    with database.reading() as reading:
        assert "New name" in reading.scalars(select(Place.name)).all()


def test_a_writer_that_is_not_done_does_not_stop_readers(database: Database) -> None:
    with database.writing() as writing:
        writing.execute(update(Place).values(name="Not yet"))
        with database.reading() as reading:
            assert "Not yet" not in reading.scalars(select(Place.name)).all()
        writing.rollback()


# Double booking


@pytest.mark.parametrize("state", HOLD)
@pytest.mark.parametrize("other", ["booked", "done"])
def test_two_visits_never_hold_one_adviser_at_once_whatever_their_states(
    session: Session, opening: Opening, advisers: dict[str, int], state: State, other: State
) -> None:
    write(session, appointment(opening, 0, 30, advisers["awo-1"], state=state))
    session.add(appointment(opening, 15, 45, advisers["awo-1"], state=other))
    with pytest.raises(IntegrityError, match=GUARD):
        session.flush()


@pytest.mark.parametrize("state", HOLD_NOTHING)
def test_an_ended_visit_holds_nothing(
    session: Session, opening: Opening, advisers: dict[str, int], state: State
) -> None:
    write(session, appointment(opening, 0, 30, None, state=state), appointment(opening, 0, 30, advisers["awo-1"]))
    session.add(appointment(opening, 60, 90, advisers["awo-1"], state=state))
    with pytest.raises(IntegrityError, match="ended_holds_nothing"):
        session.flush()


@pytest.mark.parametrize(("first", "last"), [(0, 30), (-15, 1), (29, 45), (10, 20), (-30, 60), (0, 15), (15, 30)])
def test_every_kind_of_overlap_is_refused(
    session: Session, opening: Opening, advisers: dict[str, int], first: int, last: int
) -> None:
    write(session, appointment(opening, 0, 30, advisers["awo-1"]))
    session.add(appointment(opening, first, last, advisers["awo-1"]))
    with pytest.raises(IntegrityError, match=GUARD):
        session.flush()


def test_times_that_only_touch_and_other_advisers_do_not_collide(
    session: Session, opening: Opening, advisers: dict[str, int]
) -> None:
    write(
        session,
        appointment(opening, 0, 30, advisers["awo-1"]),
        appointment(opening, 30, 60, advisers["awo-1"]),
        appointment(opening, -15, 0, advisers["awo-1"]),
        appointment(opening, 0, 30, advisers["awo-2"]),
        appointment(opening, 0, 30, advisers["ib-1"]),
    )


def test_visits_without_a_planned_adviser_never_collide(
    session: Session, opening: Opening, advisers: dict[str, int]
) -> None:
    write(
        session, *(appointment(opening, 0, 30, None) for _ in range(3)), appointment(opening, 0, 30, advisers["ib-1"])
    )


CHANGES: dict[str, dict[str, Any]] = {
    "the start": {"starts_at": after(29)},
    "both ends": {"starts_at": after(10), "ends_at": after(20)},
    "all of it": {"starts_at": after(-5), "ends_at": after(90)},
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("in_a_statement", [False, True])
def test_a_change_of_time_into_an_overlap_is_refused(
    session: Session, opening: Opening, advisers: dict[str, int], change: str, in_a_statement: bool
) -> None:
    behind = appointment(opening, 30, 60, advisers["awo-1"])
    write(session, appointment(opening, 0, 30, advisers["awo-1"]), behind)
    moved = update(Visit).where(Visit.id == behind.id).values(CHANGES[change])
    if not in_a_statement:
        for name, value in CHANGES[change].items():
            setattr(behind, name, value)
        moved = moved.values(people=2)
    with pytest.raises(IntegrityError, match=GUARD):
        session.execute(moved)


def test_a_change_of_adviser_into_an_overlap_is_refused(
    session: Session, opening: Opening, advisers: dict[str, int]
) -> None:
    beside = appointment(opening, 0, 30, advisers["awo-2"])
    write(session, appointment(opening, 0, 30, advisers["awo-1"]), beside)
    beside.planned_adviser_id = advisers["awo-1"]
    with pytest.raises(IntegrityError, match=GUARD):
        session.flush()


def test_a_place_may_be_given_up_and_taken_in_one_transaction(
    session: Session, opening: Opening, advisers: dict[str, int]
) -> None:
    one, other = appointment(opening, 0, 30, advisers["awo-1"]), appointment(opening, 0, 30, advisers["awo-2"])
    write(session, one, other)
    one.planned_adviser_id = other.planned_adviser_id = None
    session.flush()
    one.planned_adviser_id, other.planned_adviser_id = advisers["awo-2"], advisers["awo-1"]
    session.flush()
    one.starts_at, one.ends_at = after(5), after(35)  # over its own old time
    session.flush()


# Other constraints


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"kind": "walk_in", "ticket": 7}, "appointment_has_start"),
        ({"starts_at": None}, "appointment_has_start"),
        ({"ends_at": None}, "start_has_end"),
        ({"ends_at": NINE}, "in_order"),
        ({"people": 0}, "people_in_range"),
        ({"people": 21}, "people_in_range"),
        ({"state": "lost"}, "known_state"),
        ({"age_group": "old"}, "known_age_group"),
        ({"kind": "walk_in", "starts_at": None, "ends_at": None, "planned_adviser_id": None}, "walk_in_has_ticket"),
    ],
)
def test_an_impossible_visit_is_refused(
    session: Session, opening: Opening, advisers: dict[str, int], fields: dict[str, Any], constraint: str
) -> None:
    visit = appointment(opening, 0, 15, advisers["awo-1"])
    for name, value in fields.items():
        setattr(visit, name, value)
    session.add(visit)
    with pytest.raises(IntegrityError, match=constraint):
        session.flush()


def test_a_number_is_given_once_a_place_and_day(session: Session, opening: Opening, advisers: dict[str, int]) -> None:
    other_day = appointment(opening, 0, 15, None, ticket=1)
    other_day.local_on = WEDNESDAY + timedelta(days=1)
    write(session, appointment(opening, 0, 15, None, ticket=1), appointment(opening, 0, 15, None, ticket=2), other_day)
    session.add(appointment(opening, 0, 15, None, ticket=2))
    with pytest.raises(IntegrityError):
        session.flush()


def test_there_is_one_row_for_an_opening(session: Session, opening: Opening) -> None:
    session.add(Opening(hours_id=opening.hours_id, original_on=opening.original_on))
    with pytest.raises(IntegrityError):
        session.flush()


def test_a_step_that_was_written_stays_as_it_is(session: Session, opening: Opening, advisers: dict[str, int]) -> None:
    visit = appointment(opening, 0, 15, advisers["awo-1"])
    write(session, visit)
    step = Step(visit_id=visit.id, at=NINE, verb="book", to_state="booked", actor="client")
    session.add(step)
    session.commit()
    step.verb = "cancel"
    with pytest.raises(IntegrityError, match="append"):
        session.flush()
    session.rollback()
    with pytest.raises(IntegrityError, match="append"):
        session.execute(update(Step).values(actor="staff"))
    session.rollback()
    assert session.execute(select(Step.verb, Step.actor)).all() == [("book", "client")]


def test_rows_that_point_nowhere_are_refused(session: Session, opening: Opening) -> None:
    visit = appointment(opening, 0, 15, 4711)
    session.add(visit)
    with pytest.raises(IntegrityError):
        session.flush()


# Migrations


def test_an_error_names_no_values_because_it_ends_up_in_a_log(session: Session) -> None:
    session.add(Contact(visit_id=999_999, phone="0151 23456789", phone_key="a keyed hash", created_at=after(0)))
    with pytest.raises(IntegrityError) as refused:
        session.flush()
    assert "INSERT INTO contact" in str(refused.value)
    assert "a keyed hash" not in str(refused.value)


def test_the_migrations_make_what_the_models_say(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        differences = compare_metadata(context, Base.metadata)
    assert differences == []


def test_the_migrations_make_every_check_of_the_models(database: Database) -> None:
    """Alembic compares no CHECK constraints: so their names are compared here."""
    found = inspect(database.engine)
    for table in Base.metadata.sorted_tables:
        expected = {str(each.name) for each in table.constraints if each.name and str(each.name).startswith("ck_")}
        stored = {str(each["name"]) for each in found.get_check_constraints(table.name)}
        assert expected <= stored, table.name


def test_bringing_the_schema_up_twice_changes_nothing(database: Database) -> None:
    with database.reading() as reading:
        before = reading.scalars(select(Place.key)).all()
    for _ in range(2):
        schema.upgrade(database.engine)
        assert schema.is_current(database.engine)
    with database.reading() as reading:
        assert reading.scalars(select(Place.key)).all() == before


def test_sqlite_overwrites_what_is_deleted() -> None:
    """How SQLite was built decides that else: then what was erased can be read in the file for months."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("PRAGMA secure_delete=OFF")
        db._set_up_sqlite(connection, None)
        assert connection.execute("PRAGMA secure_delete").fetchone() == (1,)
