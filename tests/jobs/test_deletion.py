"""A deletion run over two years of a town: nothing is older than its limit, and nothing is lost from the sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from icalendar import Calendar
from sqlalchemy import Date, func, select, update
from sqlalchemy.orm import Session

from jobs import upkeep
from jobs.feeds import publish_stale
from jobs.timetable import TIMETABLE
from jobs.work import Work
from scheduler.actions import deleting
from scheduler.actions.counting import count, read_counts
from scheduler.actions.deleting import CHORES
from scheduler.actions.stored import Part, late_rows, parts, survey
from scheduler.db import Base, Database, UtcDateTime
from scheduler.domain.measures import Count, count_turned_away
from scheduler.domain.recurrence import local_date
from scheduler.domain.retention import TABLES, goes_before, goes_through
from scheduler.models import (
    Account,
    Adviser,
    Contact,
    Feed,
    Hours,
    HoursException,
    Opening,
    Place,
    Town,
    TurnedAway,
    Visit,
)
from tests.conftest import NOW
from tests.jobs.samples import work_at
from tests.jobs.two_years import fill

YEAR_AGO = date(2025, 11, 24)
BOOKED_BEFORE = timedelta(days=60)
"""No visit of the made-up town was booked longer ahead."""


def run(work: Work) -> None:
    """Everything that deletes, and the feeds afterwards."""
    for tick in (upkeep.close_past_days, upkeep.count_old_visits, upkeep.delete_by_plan):
        tick(work)
    publish_stale(work)


def sums(database: Database) -> Counter[Count]:
    """All that was ever counted: of what is still there, and of what is left of the rest."""
    with database.reading() as session:
        found = count(session, session.scalars(select(Visit.id)).all()) + read_counts(session)
        zone = session.get_one(Town, 1).zone
        for at, place in session.execute(
            select(TurnedAway.at, Place.key)
            .join(Opening, TurnedAway.opening_id == Opening.id)
            .join(Opening.hours)
            .join(Place)
        ):
            found[count_turned_away(local_date(at, zone), place)] += 1
        return found


def dump(database: Database) -> dict[str, list[str]]:
    with database.reading() as session:
        return {
            table.name: sorted(repr(tuple(row)) for row in session.execute(select(table)))
            for table in Base.metadata.sorted_tables
        }


def too_old(session: Session, now: datetime) -> Iterator[str]:
    """Every table and column that holds a day or an instant older than the plan allows."""
    town = session.get_one(Town, 1)
    for part in parts():
        if part.kept.ends:
            rows = counted_rows(part).where(late_rows(part, town, now))
            if session.scalars(rows.with_only_columns(func.count())).one():
                yield part.name
            if "." not in part.name:
                yield from too_old_columns(session, part, town, now)


def counted_rows(part: Part) -> Any:
    """Rows whose time is counted: a feed's, for one, only once it is revoked."""
    other, _, column = part.kept.since.rpartition(".")
    table = Base.metadata.tables[other] if other else part.table
    joined = part.table.join(table) if other else part.table
    return select(part.table).select_from(joined).where(part.full, table.c[column].is_not(None))


def too_old_columns(session: Session, part: Part, town: Town, now: datetime) -> Iterator[str]:
    limits, term = deleting.limits_of(town), part.kept.term
    for column in part.table.c:
        plan = TABLES[part.name].columns[column.name]
        if plan.before and plan.whose != "client":
            continue  # when something was made that is counted from its end
        slack = BOOKED_BEFORE if plan.before else timedelta()
        if isinstance(column.type, Date):
            limit: Any = goes_through(term, limits, town.zone, now) - slack + timedelta(days=1)
        elif isinstance(column.type, UtcDateTime):
            limit = goes_before(term, limits, town.zone, now) - slack
        else:
            continue
        oldest = session.scalar(counted_rows(part).with_only_columns(func.min(column)))
        if oldest is not None and oldest < limit:
            yield str(column)


def empty_columns(session: Session) -> Iterator[str]:
    """Columns of days and instants, of what has an end, in which nothing stands: of them the run would show nothing."""
    for part in parts():
        for column in part.table.c if part.kept.ends and "." not in part.name else ():
            if isinstance(column.type, (Date, UtcDateTime)) and session.scalar(select(func.max(column))) is None:
                yield str(column)


@pytest.fixture
def work(database: Database) -> Work:
    """A good year: four of its Wednesdays are older than a year."""
    fill(database, weeks=56)
    return work_at(database, Path("unused"), NOW)


def test_a_run_over_two_years_leaves_nothing_that_is_older_than_its_limit(database: Database) -> None:
    fill(database, weeks=104)
    work = work_at(database, Path("unused"), NOW)
    with database.reading() as session:
        before = set(too_old(session, NOW))
        visits = session.scalars(select(func.count(Visit.id))).one()
        assert list(empty_columns(session)) == []
    assert {each.name for each in parts() if each.kept.ends} <= before  # the town has of everything what must go
    was = sums(database)
    run(work)
    with database.reading() as session:
        assert sorted(too_old(session, NOW)) == []
        assert [each.part.name for each in survey(session, NOW) if each.late] == []
        left = session.scalars(select(func.count(Visit.id))).one()
        assert visits * 0.4 < left < visits * 0.6
        assert session.scalar(select(func.min(Visit.local_on))) > YEAR_AGO
        assert session.scalar(select(func.min(Opening.original_on))) > YEAR_AGO
        assert session.scalars(select(Hours.key).where(Hours.own_adviser_id.is_not(None))).all() == []
        assert session.scalars(select(HoursException.original_on).where(~HoursException.from_file)).all() != []
        assert session.scalar(select(func.min(HoursException.original_on)).where(~HoursException.from_file)) > YEAR_AGO
    assert sums(database) == was
    once = dump(database)
    run(work)
    assert dump(database) == once


def test_no_contact_is_left_after_a_week_and_no_name_of_who_left(work: Work) -> None:
    run(work)
    with work.database.reading() as session:
        oldest = session.scalar(select(func.min(Visit.ended_at)).join(Contact))
        assert oldest is not None
        assert oldest > NOW - timedelta(days=7)
        gone = session.scalars(select(Adviser).where(Adviser.key == "awo-9")).one()
        assert (gone.name, gone.email) == ("", "")
        closed = session.scalars(select(Account).where(Account.disabled_at.is_not(None))).one()
        assert (closed.login, closed.name, closed.password_hash) == (f"gone-{closed.id}", "", "")
        assert (closed.pin_hash, closed.totp_secret, closed.roles) == (None, None, [])


def test_a_closed_account_goes_when_its_last_step_has_gone(work: Work) -> None:
    run(work)
    in_a_year = work_at(work.database, Path("unused"), NOW + timedelta(days=366))
    run(in_a_year)
    with work.database.reading() as session:
        assert session.scalars(select(Account.login)).all() == ["desk"]
        assert session.scalars(select(func.count(Visit.id))).one() == 0
        assert session.scalars(select(func.count(Opening.id))).one() == 0


def test_feeds_hold_nothing_older_than_their_limit(database: Database) -> None:
    fill(database, weeks=12)
    run(work_at(database, Path("unused"), NOW))
    with database.reading() as session:
        feeds = session.scalars(select(Feed).where(Feed.revoked_at.is_(None))).all()
        assert {each.kind for each in feeds} == {"adviser", "carrier", "interpreter", "place"}
        for feed in feeds:
            assert feed.body is not None and feed.told
            events = {str(each["uid"]): each for each in Calendar.from_ical(feed.body).walk("VEVENT")}
            for uid, event in events.items():
                if "rrule" not in event and feed.kind != "place":  # a place's hours are public, and of nobody
                    assert event.decoded("dtend") >= NOW - timedelta(days=31), (feed.kind, uid)
            for uid, told in feed.told.items():
                gone_at = told.get("gone_at")
                assert uid in events or datetime.fromisoformat(gone_at or "") >= NOW - timedelta(days=31)


class Killed(BaseException):
    """The process ends here."""


def test_a_run_that_is_killed_in_the_middle_loses_and_doubles_nothing(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    was, real, calls = sums(work.database), deleting.count_and_delete, Counter[str]()

    def counted_and_killed(*arguments: Any) -> Any:
        found = real(*arguments)
        calls["times"] += 1
        if calls["times"] == 5:
            raise Killed  # counted and deleted, and not committed
        return found

    monkeypatch.setattr(deleting, "AT_ONCE", 7)  # several transactions for a day
    monkeypatch.setattr(upkeep, "count_and_delete", counted_and_killed)
    with pytest.raises(Killed):
        upkeep.count_old_visits(work)
    with work.database.reading() as session:
        assert sum(read_counts(session).values()) > 0
    assert sums(work.database) == was
    upkeep.count_old_visits(work)
    assert sums(work.database) == was
    with work.database.reading() as session:
        assert session.scalar(select(func.min(Visit.local_on))) > YEAR_AGO


def test_two_processes_at_once_count_each_visit_once(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    fill(database, weeks=56)
    was = sums(database)
    both = [Thread(target=upkeep.count_old_visits, args=[work_at(database, Path("unused"), NOW)]) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert sums(database) == was
    assert "failed" not in caplog.text
    with database.reading() as session:
        assert session.scalar(select(func.min(Visit.local_on))) > YEAR_AGO


def test_the_town_decides_how_long_visits_are_kept(database: Database) -> None:
    fill(database, weeks=10)
    with database.writing() as session:
        session.execute(update(Town).values(visit_months=1))
        session.commit()
    run(work_at(database, Path("unused"), NOW))
    with database.reading() as session:
        assert session.scalar(select(func.min(Visit.local_on))) == date(2026, 10, 28)


def test_nothing_is_written_where_nothing_is_due(database: Database) -> None:
    """Each deletion of a rule would void what all processes keep."""
    with database.reading() as session:
        stamp = session.get_one(Town, 1).rules_stamp
    run(work_at(database, Path("unused"), NOW))
    with database.reading() as session:
        assert session.get_one(Town, 1).rules_stamp == stamp


def test_the_timetable_runs_all_of_it() -> None:
    assert {upkeep.count_old_visits, upkeep.delete_by_plan} <= {each.run for each in TIMETABLE}
    assert len({each.name for each in CHORES}) == len(CHORES)
