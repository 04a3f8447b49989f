"""Real `python -m jobs` processes, several on one database, and a real mail server. They use the real clock."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from jobs.timetable import TIMETABLE, Tick
from scheduler import schema, town_file
from scheduler.actions.feeds import make_feed
from scheduler.db import Database, open_engine
from scheduler.models import Contact, Feed, Hours, Message, Opening, Place, Visit
from tests.conftest import SMALL_TOWN
from tests.jobs.conftest import ROOT, JobsProcess, MailServer, wait_until
from tests.jobs.samples import adviser, changing

StartJobs = Callable[..., JobsProcess]
StartMailServer = Callable[..., MailServer]
DUE = 40


def add_due_reminders(database: Database, count: int) -> set[str]:
    """Visits the day after tomorrow with reminders that are due by the real clock; gives their addresses."""
    now = datetime.now(UTC)
    starts_at = (now + timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
    addresses = {f"client-{number}@example.org" for number in range(count)}
    with changing(database) as session:
        hours, place = session.scalars(select(Hours)).first(), session.scalars(select(Place)).first()
        opening = Opening(hours=hours, original_on=starts_at.date(), version=0)
        for number, address in enumerate(sorted(addresses)):
            visit = Visit(
                opening=opening,
                place=place,
                local_on=starts_at.date(),
                kind="appointment",
                state="booked",
                locale="de",
                starts_at=starts_at,
                ends_at=starts_at + timedelta(minutes=15),
                code=str(100_000_000 + number),
                created_at=now,
                changed_at=now,
            )
            visit.contact = Contact(email=address, email_key=address, reminders=True, created_at=now)
            due_at = now - timedelta(minutes=1)
            session.add(Message(visit=visit, kind="reminder", channel="email", sequence=0, due_at=due_at))
    return addresses


def count_in(database: Database, state: str) -> int:
    with database.reading() as session:
        return session.scalars(select(func.count()).select_from(Message).where(Message.state == state)).one()


def test_two_processes_send_each_reminder_exactly_once(
    database: Database, database_url: str, start_mail_server: StartMailServer, start_jobs: StartJobs
) -> None:
    # All of them take longer than the time between two looks, so both processes are at it at once.
    server = start_mail_server("--seconds", "0.2")
    first, second = start_jobs(database_url, server.port), start_jobs(database_url, server.port)
    wait_until(lambda: first.says("started") and second.says("started"), "both processes run")
    addresses = add_due_reminders(database, DUE)
    wait_until(lambda: count_in(database, "sent") == DUE, "all reminders are marked as sent")
    assert (first.end(), second.end()) == (0, 0)
    assert first.says("was sent") and second.says("was sent")
    taken = server.taken()
    assert set(Counter(message_id for message_id, _ in taken).values()) == {1}
    assert {recipient for _, recipient in taken} == addresses
    assert len(taken) == DUE


def test_the_log_names_rows_and_no_person(
    database: Database, database_url: str, start_mail_server: StartMailServer, start_jobs: StartJobs
) -> None:
    add_due_reminders(database, 2)
    server = start_mail_server("--refuse", "client-0@example.org")
    jobs = start_jobs(database_url, server.port)
    wait_until(lambda: jobs.says("was sent") and jobs.says("was not sent"), "one is sent and one is refused")
    jobs.end()
    assert jobs.says("SMTPRecipientsRefused")
    log = jobs.log.read_text()
    assert "example.org" not in log and "client" not in log and "Traceback" not in log


def test_a_crash_between_sending_and_marking_sends_the_same_message_id_again(
    database: Database, database_url: str, start_mail_server: StartMailServer, start_jobs: StartJobs
) -> None:
    add_due_reminders(database, 1)
    stalling = start_mail_server("--stall-first")
    crashing = start_jobs(database_url, stalling.port)
    wait_until(lambda: len(stalling.taken()) == 1, "the mail server has taken it")
    crashing.kill()
    assert count_in(database, "pending") == 1
    with changing(database) as session:
        session.execute(update(Message).values(claimed_until=datetime.now(UTC) - timedelta(seconds=1)))
    server = start_mail_server()
    jobs = start_jobs(database_url, server.port)
    wait_until(lambda: count_in(database, "sent") == 1, "the message is sent by the next process")
    jobs.end()
    [once, again] = server.taken()
    assert once == again


def test_a_stale_feed_is_published(database: Database, database_url: str, start_jobs: StartJobs) -> None:
    with changing(database) as session:
        now = datetime.now(UTC)
        feed, _ = make_feed(session, adviser(session), level="busy", base_url="http://localhost", now=now)
        feed.wanted += 1
    jobs = start_jobs(database_url)

    def published() -> bool:
        with database.reading() as session:
            return session.get_one(Feed, feed.id).published == feed.wanted

    wait_until(published, "the feed is published")
    assert jobs.end() == 0


def test_a_mail_server_that_hangs_does_not_keep_the_process(
    database: Database, database_url: str, start_mail_server: StartMailServer, start_jobs: StartJobs
) -> None:
    add_due_reminders(database, 1)
    server = start_mail_server("--stall-first")
    jobs = start_jobs(database_url, server.port)
    wait_until(lambda: len(server.taken()) == 1, "the process hangs on the mail server")
    assert jobs.end() == 0


def test_a_database_that_is_not_ready_is_named_in_one_line_and_waited_for(
    tmp_path: Path, start_jobs: StartJobs
) -> None:
    jobs = start_jobs(f"sqlite:///{tmp_path / 'empty.db'}")
    wait_until(lambda: jobs.says("not migrated"), "it says what is missing")
    assert jobs.process.poll() is None
    assert jobs.end() == 0
    assert [line for line in jobs.log.read_text().splitlines() if "WARNING" in line or "ERROR" in line] == [
        next(line for line in jobs.log.read_text().splitlines() if "not migrated" in line)
    ]


def test_work_begins_as_soon_as_a_town_is_loaded(tmp_path: Path, start_jobs: StartJobs) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    engine = open_engine(url)
    schema.upgrade(engine)
    jobs = start_jobs(url)
    wait_until(lambda: jobs.says("no town is loaded"), "it says what is missing")
    with Session(engine) as session:
        town_file.store(session, town_file.read(SMALL_TOWN), datetime.now(UTC))
        session.commit()
    engine.dispose()
    wait_until(lambda: jobs.says("started"), "it begins")
    assert jobs.end() == 0


def test_unusable_settings_end_it_at_once(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "jobs"], cwd=ROOT, env={"SECRET_KEY": "short"}, capture_output=True, timeout=30
    )
    assert ended.returncode == 2
    assert b"SECRET_KEY" in ended.stderr and b"CONTACT_KEYS" in ended.stderr


def test_no_job_and_no_letter_needs_flask() -> None:
    code = "import jobs.__main__, scheduler.delivery.letters, sys; sys.exit('flask' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=30).returncode == 0


@pytest.mark.parametrize("tick", TIMETABLE, ids=lambda tick: tick.name)
def test_every_job_is_named_once_and_comes_often_enough(tick: Tick) -> None:
    assert [each.name for each in TIMETABLE].count(tick.name) == 1
    assert 1 <= tick.every_seconds <= 3600
