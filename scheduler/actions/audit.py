"""The trail of what staff changed: which action on which rows, in the same transaction as the change. Ids, no contents.

Nobody has to think of it: whoever opens a session for a member of staff lets the trail follow it, and each commit that
changed a row leaves one line. What is rolled back, or changed nothing, leaves none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import event, insert, select
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from scheduler.db import Base
from scheduler.domain.recurrence import day_interval
from scheduler.models import Absence, Account, AuditLine, BusyCalendar, Consultation, Feed, LoginDelay, Visit

THINGS = frozenset(
    (
        *("visit_id", "consultation_id", "account_id", "absence_id", "message_id", "feed_id", "calendar_id"),
        *("hours_key", "original_on"),
    )
)
"""Names of ids and of the town file's keys that may stand in the trail: no token, no code, nothing that was typed."""
_LONGEST = 80
_MADE = {Visit: "visit_id", Consultation: "consultation_id", Absence: "absence_id", Feed: "feed_id"}
_MADE |= {Account: "account_id", BusyCalendar: "calendar_id"}
"""What an action may have made: its id belongs to the line, although no address could name it."""


@dataclass
class Trail:
    """Who is at work in a session, and at what. `account_id` None: the command line."""

    account_id: int | None
    action: str
    things: dict[str, int | str]
    at: datetime
    has_changed: bool = False
    """Whether the transaction that is open has changed a row."""
    is_written: bool = False
    """Whether its line is committed: one action leaves one line."""
    made: dict[str, int | str] = field(default_factory=dict)


class Line(NamedTuple):
    """One line to be read. `account`: what colleagues call it; None: the command line."""

    at: datetime
    account: str | None
    action: str
    things: dict[str, int | str]


def only_ids(given: Mapping[str, Any]) -> dict[str, int | str]:
    """What of this may stand in the trail."""
    return {name: _short(value) for name, value in given.items() if name in THINGS and value is not None}


def follow(session: Session, trail: Trail) -> None:
    """From now on each change that this session commits leaves the line of this trail."""
    event.listen(session, "after_begin", lambda _session, begun, connection: _begin(trail, begun.nested, connection))
    event.listen(session, "after_flush", lambda flushed, _context: _note_made(trail, flushed.new))
    # Visits are stored by statements of their own, see `steps.begin_history`, and then handed to the session.
    event.listen(session, "detached_to_persistent", lambda _session, row: _note_made(trail, [row]))
    event.listen(session, "before_commit", lambda committing: _write(trail, committing))
    event.listen(session, "after_commit", lambda committed: _note_written(trail, committed))
    if session.in_transaction():
        _watch(trail, session.connection())


def note(session: Session, account_id: int | None, action: str, now: datetime) -> None:
    """A line by itself, of what changes no row: a log-in, a log-out, a screen locked for good."""
    session.add(AuditLine(at=now, account_id=account_id, action=action, things={}))
    session.flush()


def read_trail(
    session: Session, *, account_id: int | None, on: date | None, zone: ZoneInfo, skip: int, limit: int
) -> list[Line]:
    """Lines, newest first: of one account, or of one day of the town, or of both; None: all of them."""
    query = select(AuditLine.at, Account.name, AuditLine.action, AuditLine.things).outerjoin(
        Account, Account.id == AuditLine.account_id
    )
    if account_id is not None:
        query = query.where(AuditLine.account_id == account_id)
    if on is not None:
        day = day_interval(on, zone)
        query = query.where(AuditLine.at >= day.starts_at, AuditLine.at < day.ends_at)
    newest_first = query.order_by(AuditLine.at.desc(), AuditLine.id.desc()).offset(skip).limit(limit)
    return [Line._make(row) for row in session.execute(newest_first)]


def _begin(trail: Trail, nested: bool, connection: Connection) -> None:
    if not nested:
        trail.has_changed = False
        trail.made.clear()
        _watch(trail, connection)


def _watch(trail: Trail, connection: Connection) -> None:
    """By an object or by a statement: this sees every change, and whether the database did change a row."""

    def look(_connection: object, cursor: Any, _text: str, _values: object, context: Any, _many: bool) -> None:
        changes = context.isinsert or context.isupdate or context.isdelete
        if changes and cursor.rowcount != 0 and _table_of(context) != _TRIES:
            trail.has_changed = True

    event.listen(connection, "after_cursor_execute", look)


def _note_made(trail: Trail, rows: Iterable[Any]) -> None:
    for row in rows:
        name = _MADE.get(type(row))
        if name is not None and name not in trail.things:
            trail.made.setdefault(name, row.id)


def _write(trail: Trail, session: Session) -> None:
    if trail.is_written or session.in_nested_transaction():
        return
    session.flush()
    if trail.has_changed:
        line = {"at": trail.at, "account_id": trail.account_id, "action": trail.action}
        session.connection().execute(_INSERT, {**line, "things": {**trail.things, **trail.made}})


def _note_written(trail: Trail, session: Session) -> None:
    if trail.has_changed and not session.in_nested_transaction():
        trail.is_written = True


def _table_of(context: Any) -> str | None:
    """By name: a statement about a class has a table of its own."""
    table = getattr(getattr(context.compiled, "statement", None), "table", None)
    return getattr(table, "name", None)


_TRIES = LoginDelay.__tablename__
"""That a password was tried is counted there and committed, whether or not anything comes of it: no change."""
_TABLE = Base.metadata.tables["audit_line"]
_INSERT = insert(_TABLE)


def _short(value: object) -> int | str:
    return value if isinstance(value, int) else str(value)[:_LONGEST]
