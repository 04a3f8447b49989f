"""Messages by a real mail server: what it refuses, when it is asked again, and over how many connections."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import update

from jobs.messages import send_mail
from scheduler.db import Database
from scheduler.models import Message, Visit
from tests.conftest import NOW
from tests.jobs.conftest import MailServer
from tests.jobs.samples import TOMORROW, book_visit, changing, leave_email, messages_of, work_at

SOON = NOW + timedelta(minutes=1)
NOWHERE = MailServer(port=9, file=Path("none"))
"""The discard port: nothing listens there."""


def send_by(server: MailServer, database: Database, at: datetime) -> None:
    """One round of the jobs process at that instant, with mail going through this server."""
    work = work_at(database, Path("unused"), at)
    config = replace(work.config, mail_sink=None, smtp_host="127.0.0.1", smtp_port=server.port, smtp_security="none")
    send_mail(replace(work, config=config))


def test_a_corrected_address_gets_what_the_wrong_one_could_not(
    database: Database, visit: Visit, start_mail_server: Callable[..., MailServer]
) -> None:
    leave_email(database, visit, "dead@example.org", reminders=False)
    server = start_mail_server("--refuse", "dead@example.org")
    send_by(server, database, SOON)
    with changing(database) as session:
        session.execute(update(Message).values(state="dead", attempts=8))
    leave_email(database, visit, "ada@example.org", reminders=False)
    send_by(server, database, SOON)
    assert [recipient for _, recipient in server.taken()] == ["ada@example.org"]


def test_an_address_that_does_not_exist_is_given_up_at_once(
    database: Database, visit: Visit, start_mail_server: Callable[..., MailServer]
) -> None:
    leave_email(database, visit, "dead@example.org", reminders=False)
    server = start_mail_server("--refuse", "dead@example.org")
    send_by(server, database, SOON)
    row = messages_of(database, visit)["confirmation", 0]
    assert (row.state, row.attempts, row.last_error) == ("dead", 1, "SMTPRecipientsRefused 550")


def test_an_address_that_is_refused_backs_off_and_stops_nobody_else(
    database: Database, visit: Visit, start_mail_server: Callable[..., MailServer]
) -> None:
    with changing(database) as session:
        other = book_visit(session, not_before=TOMORROW + timedelta(days=1))
    leave_email(database, visit, "dead@example.org", reminders=False)
    leave_email(database, other, "bea@example.org", reminders=False)
    server = start_mail_server("--busy", "dead@example.org")
    send_by(server, database, SOON)
    assert [recipient for _, recipient in server.taken()] == ["bea@example.org"]

    row = messages_of(database, visit)["confirmation", 0]
    assert row.state == "pending"
    assert row.last_error == "SMTPRecipientsRefused 451"
    waits = []
    at = SOON
    while row.state == "pending":
        waits.append(row.due_at - at)
        send_by(server, database, row.due_at - timedelta(seconds=1))
        at = row.due_at
        send_by(server, database, at)
        row = messages_of(database, visit)["confirmation", 0]
        assert len(waits) < 20
    assert row.state == "dead"
    assert row.attempts == len(waits) + 1
    assert waits == sorted(waits) and waits[0] == timedelta(minutes=1) and waits[-1] > timedelta(hours=1)
    assert [recipient for _, recipient in server.taken()] == ["bea@example.org"]


def test_what_would_be_tried_again_too_late_is_given_up_while_somebody_can_still_be_told(
    database: Database, visit: Visit
) -> None:
    assert visit.starts_at is not None
    leave_email(database, visit, reminders=False, now=visit.starts_at - timedelta(minutes=3))
    send_by(NOWHERE, database, visit.starts_at - timedelta(minutes=3))
    assert messages_of(database, visit)["confirmation", 0].state == "pending"
    send_by(NOWHERE, database, visit.starts_at - timedelta(minutes=2))
    assert messages_of(database, visit)["confirmation", 0].state == "dead"


def test_a_round_needs_one_connection_and_makes_another_when_the_server_hangs_up(
    database: Database, start_mail_server: Callable[..., MailServer]
) -> None:
    with changing(database) as session:
        visits = [book_visit(session) for _ in range(5)]
    for visit in visits:
        leave_email(database, visit, reminders=False)
    server = start_mail_server("--letters-each", "3")
    send_by(server, database, SOON)
    assert (len(server.taken()), server.connections()) == (5, 2)
    assert {messages_of(database, each)["confirmation", 0].state for each in visits} == {"sent"}


def test_a_server_that_cannot_be_reached_is_asked_once_a_round_and_the_rest_waits_for_the_next(
    database: Database,
) -> None:
    with changing(database) as session:
        visits = [book_visit(session) for _ in range(3)]
    for visit in visits:
        leave_email(database, visit, reminders=False)
    for tried in (1, 2):
        send_by(NOWHERE, database, SOON)
        rows = [messages_of(database, each)["confirmation", 0] for each in visits]
        assert sum(row.attempts for row in rows) == tried
        assert {row.claimed_until for row in rows} == {None}


def test_a_mail_server_that_is_down_is_tried_again(
    database: Database, visit: Visit, start_mail_server: Callable[..., MailServer]
) -> None:
    leave_email(database, visit, reminders=False)
    send_by(NOWHERE, database, SOON)
    row = messages_of(database, visit)["confirmation", 0]
    assert (row.state, row.last_error) == ("pending", "ConnectionRefusedError")
    server = start_mail_server()
    send_by(server, database, row.due_at)
    assert [recipient for _, recipient in server.taken()] == ["ada@example.org"]
