"""What the plan says is to go (`domain/retention_plan.py`): visits become counts, the rest is deleted.

Every deletion is found by reading first, and then done in small parts that find out anew what is due: so several
processes may do it at once, and one that is killed has lost nothing. The edge commits: counts and deletion come
together or not at all. Whoever deletes visits holds their opening's lock, as whoever writes there does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Date, Select, String, Table, cast, delete, exists, or_, select, tuple_, update
from sqlalchemy.orm import Session

from scheduler.actions.busy_calendars import remove_calendar
from scheduler.actions.counting import add_counts, count
from scheduler.actions.feeds import revoke_feed
from scheduler.db import Base
from scheduler.domain.measures import Count, count_turned_away
from scheduler.domain.recurrence import local_date
from scheduler.domain.retention import TABLES, Limits, Term, goes_before, goes_through
from scheduler.models import (
    Account,
    AccountLink,
    AccountRole,
    Adviser,
    BusyCalendar,
    Contact,
    Feed,
    Hours,
    HoursException,
    Opening,
    RecoveryCode,
    Rota,
    Town,
    TurnedAway,
    Visit,
)

AT_ONCE = 200
"""Rows of one transaction: a fraction of a second, for which the desk may have to wait."""

COUNTED = ("visit", "turned_away")
"""Tables whose rows become counts before they go."""

Keys = list[Any]


class Chore(NamedTuple):
    """Something that goes. `find`: keys of some rows that are due. `do`: delete those of them that still are."""

    name: str
    find: Callable[[Session, datetime], Keys]
    do: Callable[[Session, Keys, datetime], None]


class Counted(NamedTuple):
    """How many visits became counts, and whether they were the last ones of their opening."""

    visits: int
    is_all: bool


def find_counted(session: Session, now: datetime) -> list[int]:
    """Openings with visits, or with people turned away, that are to become counts, by id."""
    old_visits = select(Visit.opening_id).where(_is_due(session, Visit.local_on, "visit", now))
    old_refusals = select(TurnedAway.opening_id).where(_is_due(session, TurnedAway.at, "visit", now))
    return sorted(set(session.scalars(old_visits.distinct())) | set(session.scalars(old_refusals.distinct())))


def count_and_delete(session: Session, opening_id: int, now: datetime) -> Counted:
    """Some of the visits of this opening that are due, and whom it turned away."""
    session.execute(select(Opening.id).where(Opening.id == opening_id).with_for_update())
    due = Visit.opening_id == opening_id, _is_due(session, Visit.local_on, "visit", now)
    ids = session.scalars(select(Visit.id).where(*due).order_by(Visit.id).limit(AT_ONCE)).all()
    counts = count(session, ids) + _turned_away(session, opening_id, now)
    add_counts(session, counts)
    delete_visits(session, ids)
    return Counted(len(ids), len(ids) < AT_ONCE)


def delete_visits(session: Session, visit_ids: Collection[int]) -> None:
    """These visits with all that names them, by whatever table: steps, consultations, messages, contact, mark …

    What may stand without its visit, since it says nothing of it, stays for the rest of its time: a freed time, a key.
    """
    for table in reversed(Base.metadata.sorted_tables):
        for column in _naming(Visit.__tablename__, table):
            gone: Any = update(table).values({column: None}) if column.nullable else delete(table)
            session.execute(gone.where(column.in_(visit_ids)))
    session.execute(delete(Visit).where(Visit.id.in_(visit_ids)))


def _turned_away(session: Session, opening_id: int, now: datetime) -> Counter[Count]:
    """How many people this opening turned away; their rows are deleted."""
    due = TurnedAway.opening_id == opening_id, _is_due(session, TurnedAway.at, "visit", now)
    gone = session.scalars(delete(TurnedAway).where(*due).returning(TurnedAway.at)).all()
    if not gone:
        return Counter()
    place = session.get_one(Opening, opening_id).hours.place.key
    zone = session.get_one(Town, 1).zone
    return Counter(count_turned_away(local_date(at, zone), place) for at in gone)


def _by_plan(table: Table) -> Chore:
    """Rows that go by a date of their own, and nothing is left of them."""
    kept = TABLES[table.name].kept
    since, key = table.c[kept.since], list(table.primary_key)

    def find(session: Session, now: datetime) -> Keys:
        rows = session.execute(
            select(*key).where(_is_due(session, since, kept.term, now)).order_by(since).limit(AT_ONCE)
        )
        return [tuple(row) for row in rows]

    def do(session: Session, keys: Keys, now: datetime) -> None:
        session.execute(delete(table).where(tuple_(*key).in_(keys), _is_due(session, since, kept.term, now)))

    return Chore(table.name, find, do)


def _planned() -> list[Chore]:
    """All tables whose rows go by a date of their own, whichever there are: nothing but the plan names them."""
    tables = Base.metadata.sorted_tables
    own = {each.name for each in tables if TABLES[each.name].kept.since in each.c} - set(COUNTED)
    return [_by_plan(each) for each in reversed(tables) if each.name in own]


def _find_exceptions(session: Session, now: datetime) -> Keys:
    """Dates that were changed on the day. A cancelled one that passed a turn of the rota on is part of that rule."""
    passes_on = exists().where(Rota.hours_id == HoursException.hours_id, Rota.skipped == "pass_on")
    old = HoursException.from_file.is_(False), _is_due(session, HoursException.original_on, "visit", now)
    found = select(HoursException.id).where(*old, or_(HoursException.kind != "cancelled", ~passes_on))
    return _some(session, found)


def _find_openings(session: Session, now: datetime) -> Keys:
    """Openings that nothing names any more: old ones, and an adviser's own time that is over or was erased."""
    over = select(Hours.id).where(Hours.own_adviser_id.is_not(None), Hours.retired_at.is_not(None))
    old = _is_due(session, Opening.original_on, "visit", now) | Opening.hours_id.in_(over)
    return _some(session, select(Opening.id).where(old, _is_unnamed(Opening)))


def _find_own_times(session: Session, _now: datetime) -> Keys:
    """The office hours of an adviser's own appointment, once that is gone."""
    own = Hours.own_adviser_id.is_not(None), Hours.retired_at.is_not(None)
    return _some(session, select(Hours.id).where(*own, _is_unnamed(Hours)))


def _find_contacts(session: Session, now: datetime) -> Keys:
    """Of visits that ended long enough ago: they go long before the visit does."""
    ended = _is_due(session, Visit.ended_at, "contact", now)
    return _some(session, select(Contact.visit_id).join(Visit).where(ended))


def _deleting(model: Any, find: Callable[[Session, datetime], Keys]) -> Callable[[Session, Keys, datetime], None]:
    (key,) = model.__table__.primary_key

    def do(session: Session, keys: Keys, now: datetime) -> None:
        still = set(find(session, now)).intersection(keys)
        session.execute(delete(model).where(key.in_(still)))

    return do


def _find_advisers_gone(session: Session, now: datetime) -> Keys:
    named = (Adviser.name != "") | (Adviser.email != "")
    return _some(session, select(Adviser.id).where(_is_due(session, Adviser.retired_at, "visit", now), named))


def _forget_advisers(session: Session, keys: Keys, _now: datetime) -> None:
    """Who left the town's file long ago has a key only: visits of others may still name it."""
    session.execute(update(Adviser).where(Adviser.id.in_(keys)).values(name="", email=""))


def _find_accounts_closed(session: Session, now: datetime) -> Keys:
    """A closed account that nothing names goes; of one that a step still names, its number stays."""
    closed = _is_due(session, Account.disabled_at, "trail", now)
    return _some(session, select(Account.id).where(closed, (Account.login != _GONE) | _is_unnamed(Account)))


_GONE = "gone-" + cast(Account.id, String)


def _forget_accounts(session: Session, keys: Keys, _now: datetime) -> None:
    for table in (AccountRole, RecoveryCode):
        session.execute(delete(table).where(table.account_id.in_(keys)))
    session.execute(delete(AccountLink).where(AccountLink.account_id.in_(keys) | AccountLink.made_by_id.in_(keys)))
    empty: dict[str, Any] = {"name": "", "password_hash": "", "pin_hash": None, "totp_secret": None}
    session.execute(update(Account).where(Account.id.in_(keys)).values(login=_GONE, **empty))
    session.execute(delete(Account).where(Account.id.in_(keys), _is_unnamed(Account)))


def _find_calendars_left(session: Session, now: datetime) -> Keys:
    left = select(BusyCalendar.id).join(Adviser, BusyCalendar.adviser_id == Adviser.id)
    return _some(session, left.where(_is_due(session, Adviser.retired_at, "month", now)))


def _remove_calendars(session: Session, keys: Keys, now: datetime) -> None:
    for each in keys:
        remove_calendar(session, each, now)


def _find_feeds_left(session: Session, now: datetime) -> Keys:
    left = select(Feed.id).join(Adviser, Feed.adviser_id == Adviser.id).where(Feed.revoked_at.is_(None))
    return _some(session, left.where(_is_due(session, Adviser.retired_at, "month", now)))


def _revoke_feeds(session: Session, keys: Keys, now: datetime) -> None:
    for each in keys:
        revoke_feed(session, session.get_one(Feed, each), now)


CHORES = (
    *_planned(),
    Chore("contact", _find_contacts, _deleting(Contact, _find_contacts)),
    Chore("exception", _find_exceptions, _deleting(HoursException, _find_exceptions)),
    Chore("opening", _find_openings, _deleting(Opening, _find_openings)),
    Chore("hours", _find_own_times, _deleting(Hours, _find_own_times)),
    Chore("adviser", _find_advisers_gone, _forget_advisers),
    Chore("account", _find_accounts_closed, _forget_accounts),
    Chore("busy_calendar", _find_calendars_left, _remove_calendars),
    Chore("feed of an adviser who left", _find_feeds_left, _revoke_feeds),
)
"""All that goes and becomes no count. An opening goes after what names it, and its own hours after it."""


def limits_of(town: Town) -> Limits:
    return Limits(town.contact_days, town.visit_months)


def _is_due(session: Session, since: Any, term: Term, now: datetime) -> ColumnElement[bool]:
    """Whether what is counted from this column is to go."""
    town = session.get_one(Town, 1)
    if isinstance(since.type, Date):
        return since <= goes_through(term, limits_of(town), town.zone, now)  # type: ignore[no-any-return]
    return since < goes_before(term, limits_of(town), town.zone, now)  # type: ignore[no-any-return]


def _is_unnamed(model: type[Base]) -> ColumnElement[bool]:
    """Whether no row of any table names this one."""
    own = model.metadata.tables[model.__tablename__]
    naming = [column for table in Base.metadata.sorted_tables for column in _naming(own.name, table)]
    return ~or_(*(exists().where(column == own.c.id) for column in naming))


def _naming(name: str, table: Table) -> Sequence[Any]:
    """The columns of `table` that name rows of the table of this name."""
    return [each.parent for each in table.foreign_keys if each.column.table.name == name]


def _some(session: Session, query: Select[Any]) -> Keys:
    return list(session.scalars(query.limit(AT_ONCE)))
