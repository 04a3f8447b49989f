"""Past days are closed by rule, and what may no longer be kept goes."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from jobs.upkeep import close_past_days, delete_by_plan
from jobs.work import Work, do_each
from scheduler.actions.account_links import make_link
from scheduler.actions.log_in import count_try
from scheduler.actions.own_time import Client, OwnTime, book_own_time
from scheduler.actions.staff import make_account
from scheduler.actions.steps import By
from scheduler.db import Database
from scheduler.models import AccountLink, Adviser, Contact, Hours, IdempotencyKey, LoginDelay, Place, Town, Visit
from tests.conftest import NOW
from tests.jobs.samples import TOMORROW, book_visit, cancel_visit, changing, leave_email, work_at

LOCAL_MIDNIGHT = datetime(2026, 11, 25, 23, 0, tzinfo=UTC)
"""The end of Wednesday in Germany, an hour before the one of UTC."""


@pytest.fixture
def visit(database: Database) -> Visit:
    """Wednesday's first appointment; another one follows a week later."""
    with changing(database) as session:
        book_visit(session, not_before=TOMORROW + timedelta(days=7))
        return book_visit(session)


def work(database: Database, at: datetime) -> Work:
    return work_at(database, Path("unused"), at)


def states(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(select(Visit.state).order_by(Visit.starts_at)))


def contacts(database: Database) -> int:
    with database.reading() as session:
        return session.scalars(select(func.count()).select_from(Contact)).one()


@pytest.mark.parametrize(
    ("at", "closed"),
    [
        (LOCAL_MIDNIGHT - timedelta(hours=1), False),
        (LOCAL_MIDNIGHT - timedelta(seconds=1), False),
        (LOCAL_MIDNIGHT, True),
        (LOCAL_MIDNIGHT + timedelta(minutes=59), True),  # still the day before in UTC
        (LOCAL_MIDNIGHT + timedelta(hours=1), True),
    ],
)
def test_a_day_is_closed_from_the_towns_midnight_on(
    database: Database, visit: Visit, at: datetime, closed: bool
) -> None:
    close_past_days(work(database, at))
    assert states(database) == ["missed" if closed else "booked", "booked"]


def test_what_is_closed_by_rule_is_marked_so_and_closed_once(database: Database, visit: Visit) -> None:
    close_past_days(work(database, LOCAL_MIDNIGHT))
    close_past_days(work(database, LOCAL_MIDNIGHT + timedelta(minutes=10)))
    with database.reading() as session:
        found = session.get_one(Visit, visit.id)
        assert [(step.verb, step.by_rule) for step in found.steps] == [("book", False), ("close", True)]
        assert found.ended_at == LOCAL_MIDNIGHT
        assert found.planned_adviser_id is None


def test_an_advisers_own_time_leaves_the_rules_when_its_day_is_over(database: Database) -> None:
    with changing(database) as session:
        adviser = session.scalars(select(Adviser).where(Adviser.key == "awo-1")).one()
        place = session.scalars(select(Place).where(Place.key == "awo-buero")).one()
        asked = OwnTime(TOMORROW, time(17), 30, place.id, "page")
        own = book_own_time(session, adviser, asked, Client("de"), by=By("staff"), now=NOW).opening.hours_id
    for at, retired in ((LOCAL_MIDNIGHT - timedelta(seconds=1), []), (LOCAL_MIDNIGHT, [own]), (LOCAL_MIDNIGHT, [own])):
        close_past_days(work(database, at))
        with database.reading() as session:
            assert list(session.scalars(select(Hours.id).where(Hours.retired_at.is_not(None)))) == retired
    assert states(database) == ["missed"]


def test_a_process_that_is_ending_closes_nothing_more(database: Database, visit: Visit) -> None:
    ending = work(database, LOCAL_MIDNIGHT)
    ending.stopping.set()
    close_past_days(ending)
    assert states(database) == ["booked", "booked"]


def test_one_row_that_fails_stops_no_other_and_is_logged_without_its_words(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    done = []

    def do(row_id: int) -> None:
        if row_id == 2:
            raise ValueError("ada@example.org")
        done.append(row_id)

    do_each(work(database, NOW), "visit", [1, 2, 3], do)
    assert done == [1, 3]
    assert "visit 2 failed: ValueError (test_upkeep.py:" in caplog.text
    assert "ada" not in caplog.text


def test_a_contact_goes_seven_days_after_the_visit_has_ended(database: Database, visit: Visit) -> None:
    leave_email(database, visit)
    cancel_visit(database, visit)
    delete_by_plan(work(database, NOW + timedelta(days=7)))
    assert contacts(database) == 1
    delete_by_plan(work(database, NOW + timedelta(days=7, seconds=1)))
    assert contacts(database) == 0
    assert states(database) == ["cancelled", "booked"]


def test_the_town_decides_how_long_contacts_are_kept(database: Database, visit: Visit) -> None:
    leave_email(database, visit)
    cancel_visit(database, visit)
    with changing(database) as session:
        session.execute(update(Town).values(contact_days=1))
    delete_by_plan(work(database, NOW + timedelta(days=1, seconds=1)))
    assert contacts(database) == 0


def test_the_contact_of_a_visit_to_come_stays(database: Database, visit: Visit) -> None:
    leave_email(database, visit)
    delete_by_plan(work(database, NOW + timedelta(days=60)))
    assert contacts(database) == 1


def test_a_visit_that_nobody_closed_loses_its_contact_too(database: Database, visit: Visit) -> None:
    leave_email(database, visit)
    close_past_days(work(database, LOCAL_MIDNIGHT))
    delete_by_plan(work(database, LOCAL_MIDNIGHT + timedelta(days=7, seconds=1)))
    assert contacts(database) == 0


def test_idempotency_keys_are_forgotten_after_a_day(database: Database, visit: Visit) -> None:
    with changing(database) as session:
        session.add(IdempotencyKey(key_hash="a", request_hash="", visit_id=visit.id, created_at=NOW))
        session.add(
            IdempotencyKey(key_hash="b", request_hash="", visit_id=visit.id, created_at=NOW + timedelta(seconds=1))
        )
    delete_by_plan(work(database, NOW + timedelta(hours=24)))
    delete_by_plan(work(database, NOW + timedelta(hours=24, seconds=1)))
    with database.reading() as session:
        assert session.scalars(select(IdempotencyKey.key_hash)).all() == ["b"]


def test_tries_to_log_in_and_links_go_when_they_are_old(database: Database) -> None:
    with changing(database) as session:
        account = make_account(session, login="desk", name="Desk", password=None, now=NOW)
        make_link(session, account, made_by_id=None, now=NOW)
        for key, hours in (("old", 25), ("young", 23)):
            count_try(session, key, NOW - timedelta(hours=hours))
    delete_by_plan(work(database, NOW))
    with database.reading() as session:
        assert session.scalars(select(LoginDelay.key)).all() == ["young"]
        assert session.scalars(select(func.count()).select_from(AccountLink)).one() == 1
    delete_by_plan(work(database, NOW + timedelta(days=8, seconds=1)))
    with database.reading() as session:
        assert session.scalars(select(func.count()).select_from(AccountLink)).one() == 0
