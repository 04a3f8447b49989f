"""The stored side of an opening: make it, lock it, note that something changed; and who staffs it right now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import Select, Table, and_, bindparam, false, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from scheduler.actions.rulebook import OfficeHours, PlannedOpening, RuleBook
from scheduler.domain.queue_order import Server
from scheduler.models import Absence, Adviser, Feed, Opening, Presence, Visit


class UnknownOpening(LookupError):
    """No rule yields an opening of this name, or it does not take place."""


def insert_for(session: Session, table: Table) -> Any:
    """An INSERT of this database's own kind: both know ON CONFLICT, by two classes."""
    return INSERTS[session.get_bind().dialect.name](table)


INSERTS = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
_OPENING = Opening.metadata.tables["opening"]


def find_opening(rulebook: RuleBook, hours_key: str, original_on: date) -> PlannedOpening:
    """The opening of this name that takes place. Raises UnknownOpening."""
    found = rulebook.opening(hours_key, original_on)
    if found is None or not found.dated.takes_place:
        raise UnknownOpening(f"{hours_key}/{original_on}")
    return found


def stored_opening(session: Session, opening: PlannedOpening) -> Opening | None:
    """The row, if something has happened to this opening already."""
    return session.scalar(_row_of(opening.hours, opening.dated.original_on))


def lock_opening(session: Session, opening: PlannedOpening) -> Opening:
    """The row, made where it is missing, and locked until the edge commits: the writers of an opening take turns."""
    _store(session, opening)
    query = _row_of(opening.hours, opening.dated.original_on)
    return session.scalars(query.with_for_update().execution_options(populate_existing=True)).one()


def lock_openings(session: Session, openings: Sequence[PlannedOpening]) -> None:
    """Lock several by id, before anything else of them is written: whoever locks them the other way round waits."""
    for each in openings:
        _store(session, each)
    named = [
        and_(Opening.hours_id == each.hours.id, Opening.original_on == each.dated.original_on) for each in openings
    ]
    session.execute(select(Opening.id).where(or_(false(), *named)).order_by(Opening.id).with_for_update())


def touch_opening(session: Session, opening: PlannedOpening) -> int:
    """Lock the row, made where it is missing, and count one change of it, by one statement; gives its id."""
    which = {"hours_id": opening.hours.id, "original_on": opening.dated.original_on}
    return int(session.execute(_touch(session.get_bind().dialect.name), which).scalar_one())


@cache
def _touch(dialect: str) -> Any:
    insert: Any = INSERTS[dialect](_OPENING).values(
        hours_id=bindparam("hours_id"), original_on=bindparam("original_on"), version=1
    )
    again = {"version": _OPENING.c.version + 1}
    return insert.on_conflict_do_update(index_elements=["hours_id", "original_on"], set_=again).returning(_OPENING.c.id)


def lock_visit(session: Session, visit_id: int) -> Visit:
    """The visit as it stands now, its opening locked. Raises UnknownOpening where there is no such visit."""
    opening_id = session.scalar(select(Visit.opening_id).where(Visit.id == visit_id))
    if opening_id is None:
        raise UnknownOpening(f"visit {visit_id}")
    session.execute(select(Opening.id).where(Opening.id == opening_id).with_for_update())
    visit = session.get_one(Visit, visit_id, populate_existing=True)
    # It moved to another opening while we waited for the lock: take that one.
    return visit if visit.opening_id == opening_id else lock_visit(session, visit_id)


def lock_move(session: Session, visit_id: int, opening: PlannedOpening) -> tuple[Visit, Opening]:
    """The visit and the row that it moves to, both openings locked by id: who moves the other way round waits."""
    _store(session, opening)
    here = select(Visit.opening_id).where(Visit.id == visit_id)
    there = _row_of(opening.hours, opening.dated.original_on).with_only_columns(Opening.id)
    both = select(Opening.id).where(or_(Opening.id.in_(here), Opening.id.in_(there)))
    session.execute(both.order_by(Opening.id).with_for_update())
    return lock_visit(session, visit_id), lock_opening(session, opening)


def mark_changed(
    session: Session, opening: Opening, advisers: Iterable[int | None] = (), languages: Iterable[str | None] = ()
) -> None:
    """Something that pages or feeds show has changed: pages see a new version, feeds that it touches are renewed."""
    opening.version = Opening.version + 1  # counted by the database: others count, too
    renew_feeds(session, advisers, languages)


def renew_feeds(session: Session, advisers: Iterable[int | None], languages: Iterable[str | None] = ()) -> None:
    """What the feeds of these advisers, of their carriers and of these languages' interpreters show has changed."""
    touched = {each for each in advisers if each is not None}
    spoken = {each for each in languages if each is not None}
    if touched or spoken:
        session.execute(_RENEW, {"touched": list(touched), "spoken": list(spoken)})


_FEED = Feed.metadata.tables["feed"]
_ADVISER = Adviser.metadata.tables["adviser"]
_TOUCHED: Any = bindparam("touched", expanding=True)
_RENEW = (
    update(_FEED)
    .where(
        or_(
            _FEED.c.adviser_id.in_(_TOUCHED),
            _FEED.c.carrier_id.in_(select(_ADVISER.c.carrier_id).where(_ADVISER.c.id.in_(_TOUCHED))),
            _FEED.c.language.in_(bindparam("spoken", expanding=True)),
        )
    )
    .values(wanted=_FEED.c.wanted + 1)
)


def servers_of(session: Session, rulebook: RuleBook, opening: PlannedOpening, row: Opening) -> list[Server]:
    """Advisers who are here or still expected; who has gone, or is absent all the time and has not come, is not."""
    states = dict(
        session.execute(select(Presence.adviser_id, Presence.state).where(Presence.opening_id == row.id)).all()
    )
    during = opening.dated.interval
    absent = session.scalars(
        select(Absence.adviser_id).where(Absence.starts_at <= during.starts_at, Absence.ends_at >= during.ends_at)
    )
    expected = {each.adviser_id for each in rulebook.staff_of(opening)}.difference(absent)
    wanted = (expected | states.keys()) - {each for each, state in states.items() if state == "gone"}
    return [each for each in rulebook.advisers.values() if each.adviser_id in wanted]


def _store(session: Session, opening: PlannedOpening) -> None:
    insert = insert_for(session, Opening.metadata.tables["opening"]).values(
        hours_id=opening.hours.id, original_on=opening.dated.original_on, version=0
    )
    session.execute(insert.on_conflict_do_nothing())


def _row_of(hours: OfficeHours, original_on: date) -> Select[Opening]:
    return select(Opening).where(Opening.hours_id == hours.id, Opening.original_on == original_on)
