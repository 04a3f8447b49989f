"""The small town while the pages are used: what happens in it beside the pages, and what its tables hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Table, func, insert, select
from sqlalchemy.orm import Session

from scheduler.actions.calling import finish, start
from scheduler.actions.contacts import leave_contact
from scheduler.actions.own_time import Client, OwnTime, book_own_time
from scheduler.actions.rulebook import RuleBook, read_rulebook
from scheduler.actions.slots import OfferedSlot, find_slots
from scheduler.actions.staff import roles_of
from scheduler.db import Base, Database
from scheduler.delivery.links import address_key
from scheduler.domain.codes import contact_token, link_token
from scheduler.models import Account, Carrier, Consultation, Visit
from scheduler.models.outbox import Channel
from tests.actions.small_town import (
    LAST_WEDNESDAY,
    NEXT_WEDNESDAY,
    OFFICE,
    SESSION,
    STAFF,
    THURSDAY,
    WEDNESDAY,
    adviser_of,
    arrive,
    ask,
    at,
    book_at,
    opening_of,
    place_of,
    press_next,
    seat,
    take_in,
)
from tests.conftest import SECRET

P = ParamSpec("P")
R = TypeVar("R")
Row = TypeVar("Row", bound=Base)
Rows = dict[Table, list[dict[str, Any]]]

FROM_THE_FILE = {
    "town", "carrier", "service", "concern", "topic", "agency", "place", "adviser", "hours", "rota", "closure",
}  # fmt: skip
"""Tables that hold the small town's set-up: no test of the pages changes them."""


class LiveTown:
    """Every method is one committed transaction at the frozen now; ids come out, never rows of an open session."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def change(self, action: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        with self.database.writing() as session:
            found = action(session, *args, **kwargs)
            session.commit()
            return found

    def book(self, clock: str, **what: Any) -> int:
        return self.change(lambda session: book_at(session, read_rulebook(session), clock, now=_now(), **what).id)

    def take_in(self, **answers: Any) -> int:
        return self.change(lambda session: take_in(session, read_rulebook(session), _now(), **answers).id)

    def enter_own_time(self, clock: str, key: str = "awo-1", place: str = "buergerbuero", on: date = WEDNESDAY) -> int:
        """An appointment at a time of the adviser's own, of 30 minutes."""

        def action(session: Session) -> int:
            asked = OwnTime(on, time.fromisoformat(clock), 30, place_of(session, place).id, f"{clock} {on}")
            return book_own_time(session, adviser_of(session, key), asked, Client(locale="de"), by=STAFF, now=_now()).id

        return self.change(action)

    def arrive(self, visit_id: int) -> None:
        self.change(lambda s: arrive(s, read_rulebook(s), s.get_one(Visit, visit_id), _now()) and None)

    def seat(self, key: str, station: str = "") -> None:
        self.change(lambda s: seat(s, read_rulebook(s), key, _now(), station) and None)

    def call_next(self, key: str) -> int:
        """The consultation that the call begins."""
        return self.change(lambda s: press_next(s, read_rulebook(s), adviser_of(s, key), _now()).id)

    def serve(self, consultation_id: int) -> None:
        def action(session: Session) -> None:
            start(session, consultation_id, by=STAFF, now=_now())
            finish(session, consultation_id, by=STAFF, now=_now())

        self.change(action)

    def set(self, model: type[Base], id_: int, **values: Any) -> None:
        def action(session: Session) -> None:
            row = session.get_one(model, id_)
            for name, value in values.items():
                setattr(row, name, value)

        self.change(action)

    def account(
        self,
        *,
        desk: str | None = None,
        adviser: str | None = None,
        carrier: str | None = None,
        hours_at: str | None = None,
        administrator: bool = False,
        **fields: Any,
    ) -> int:
        """An account that can be logged in without its password. Roles are given by keys of the small town."""

        def action(session: Session) -> int:
            number = session.scalars(select(func.count(Account.id))).one()
            name = f"Account {number}"
            known = {"password_hash": "-", "epoch": 0, "created_at": _now(), **fields}
            row = Account(login=f"account-{number}", name=name, **known)
            row.roles = roles_of(
                place_of(session, desk) if desk else None,
                adviser_of(session, adviser) if adviser else None,
                session.scalars(select(Carrier).where(Carrier.key == carrier)).one() if carrier else None,
                place_of(session, hours_at) if hours_at else None,
                administrator=administrator,
            )
            session.add(row)
            session.flush()
            return row.id

        return self.change(action)

    def read(self, look: Callable[[Session], R]) -> R:
        with self.database.reading() as session:
            return look(session)

    def row(self, model: type[Row], id_: int) -> Row:
        """A row with its columns, apart from any session."""

        def look(session: Session) -> Row:
            found = session.get_one(model, id_)
            session.expunge(found)
            return found

        return self.read(look)

    def visit(self, visit_id: int) -> Visit:
        return self.row(Visit, visit_id)

    def consultation(self, consultation_id: int) -> Consultation:
        return self.row(Consultation, consultation_id)

    def count(self, model: type[Base]) -> int:
        return self.read(lambda session: session.scalars(select(func.count()).select_from(model)).one())

    def newest_visit(self) -> Visit:
        return self.visit(self.read(lambda session: session.scalars(select(func.max(Visit.id))).one()))

    def token(self, visit_id: int) -> str:
        visit = self.visit(visit_id)
        return link_token(SECRET, visit.id, visit.link_epoch)

    def leave_contact(self, visit_id: int, **contact: Any) -> None:
        """By default an e-mail address, and the wish to be reminded."""
        asked = {"email": "ada@example.org", "phone": None, "reminders": True, **contact}
        self.change(lambda session: leave_contact(session, visit_id, **asked, secret=SECRET, now=_now()) and None)

    def contact_token(self, visit_id: int, channel: Channel = "email") -> str:
        """The link in a message to this visit's contact."""

        def look(session: Session) -> str:
            visit = session.get_one(Visit, visit_id)
            key = address_key(visit.contact, channel)
            assert key is not None
            return contact_token(SECRET, visit.id, visit.link_epoch, channel, key)

        return self.read(look)

    def offered(self, from_on: date, until_on: date, **question: Any) -> list[OfferedSlot]:
        def look(session: Session) -> list[OfferedSlot]:
            rules: RuleBook = read_rulebook(session)
            asked = ask(session, rules, **question)
            return find_slots(session, rules, asked, from_on=from_on, until_on=until_on, now=_now())

        return self.read(look)

    def dump(self) -> dict[str, list[str]]:
        """All rows of all tables."""
        return self.read(
            lambda session: {
                table.name: sorted(repr(tuple(row)) for row in session.execute(select(table)))
                for table in Base.metadata.sorted_tables
            }
        )

    def add_noise(self) -> None:
        """Visits of other days and places that no test here is about."""

        def action(session: Session) -> None:
            rules, then = read_rulebook(session), at("08:40", LAST_WEDNESDAY)
            last = opening_of(rules, SESSION, LAST_WEDNESDAY)
            take_in(session, rules, then, last, language="ar", urgent=True)
            book_at(session, rules, "09:00", now=_now(), on=NEXT_WEDNESDAY)
            book_at(session, rules, "15:00", now=_now(), key=OFFICE, on=THURSDAY)

        self.change(action)


def all_rows(session: Session) -> Rows:
    """All that is stored, beside the set-up from the file, in an order in which it can be put back."""
    grown = [each for each in Base.metadata.sorted_tables if each.name not in FROM_THE_FILE]
    found = {each: [dict(row) for row in session.execute(select(each)).mappings()] for each in grown}
    return {table: rows for table, rows in found.items() if rows}


def put_back(session: Session, rows: Rows) -> None:
    for table, those in rows.items():
        session.execute(insert(table), those)


def _now() -> datetime:
    return datetime.now(UTC)
