"""Text messages: sent once, and what becomes of those that the gateway does not take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from config import Config
from jobs import messages
from jobs.messages import send_mail, send_texts
from jobs.work import Work
from scheduler.actions.contacts import leave_contact
from scheduler.db import Database
from scheduler.delivery import sms
from scheduler.models import Visit
from tests.conftest import NOW, SECRET
from tests.jobs.samples import TOMORROW, book_visit, changing, messages_of, work_at

SOON = NOW + timedelta(minutes=1)
MOBILE = "+4915123456789"
Sent = list[tuple[str, str]]


@pytest.fixture
def visit(database: Database) -> Visit:
    """An appointment whose client left a mobile number alone."""
    with changing(database) as session:
        session.info["sends_sms"] = True
        booked = book_visit(session)
        leave_contact(session, booked.id, email=None, phone=MOBILE, reminders=False, secret=SECRET, now=NOW)
    return booked


@pytest.fixture
def work(database: Database, tmp_path: Path) -> Work:
    database.ways["sends_sms"] = True
    found = work_at(database, tmp_path / "mail", SOON)
    return replace(found, config=replace(found.config, sms_url="https://sms.example.org"))


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception | None], Sent]:
    """Takes texts, or fails as it is told."""

    def answer(error: Exception | None = None) -> Sent:
        taken: Sent = []

        def send(config: Config, *, phone: str, text: str, key: str) -> None:
            if error is not None:
                raise error
            taken.append((phone, key))

        monkeypatch.setattr(messages.sms, "send", send)
        return taken

    return answer


def test_a_text_is_sent_once_however_often_the_job_runs(
    visit: Visit, work: Work, gateway: Callable[..., Sent], database: Database
) -> None:
    taken = gateway()
    for _ in range(3):
        send_mail(work)
        send_texts(work)
    assert taken == [(MOBILE, f"visit-{visit.id}.confirmation.sms.0@localhost")]
    assert messages_of(database, visit)["confirmation", 0].state == "sent"


def test_no_more_texts_leave_in_a_day_than_the_settings_allow(
    visit: Visit, work: Work, gateway: Callable[..., Sent], database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with changing(database) as session:
        session.info["sends_sms"] = True
        other = book_visit(session, not_before=TOMORROW + timedelta(days=7))
        leave_contact(session, other.id, email=None, phone=MOBILE, reminders=False, secret=SECRET, now=NOW)
    taken = gateway()
    one_a_day = replace(work, config=replace(work.config, sms_a_day=1))
    send_texts(one_a_day)
    send_texts(one_a_day)
    assert len(taken) == 1 and "SMS_A_DAY" in caplog.text
    send_texts(replace(one_a_day, clock=lambda: SOON + timedelta(hours=24)))
    assert len(taken) == 2, "the next day goes on"


def test_a_text_that_is_refused_is_given_up_at_once(
    visit: Visit, work: Work, gateway: Callable[..., Sent], database: Database
) -> None:
    gateway(sms.Refused(400))
    send_texts(work)
    row = messages_of(database, visit)["confirmation", 0]
    assert (row.state, row.last_error) == ("dead", "Refused 400")


def test_a_gateway_that_is_down_is_tried_again_with_the_same_key(
    visit: Visit, work: Work, gateway: Callable[..., Sent], database: Database
) -> None:
    gateway(TimeoutError())
    send_texts(work)
    row = messages_of(database, visit)["confirmation", 0]
    assert (row.state, row.due_at, row.attempts) == ("pending", SOON + timedelta(minutes=1), 1)
    taken = gateway()
    send_texts(replace(work, clock=lambda: row.due_at))
    assert [key for _, key in taken] == [f"visit-{visit.id}.confirmation.sms.0@localhost"]


def test_without_a_gateway_texts_stay_as_they_are(visit: Visit, work: Work, database: Database) -> None:
    send_texts(replace(work, config=replace(work.config, sms_url="")))
    row = messages_of(database, visit)["confirmation", 0]
    assert (row.state, row.attempts, row.claimed_until) == ("pending", 0, None)
