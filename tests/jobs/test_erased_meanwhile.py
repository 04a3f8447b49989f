"""A visit is erased while its letter is on the way: the letter has left, and nothing fails for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from jobs.messages import send_mail
from scheduler.actions.erasing import erase_visit
from scheduler.actions.steps import CLIENT
from scheduler.db import Database
from scheduler.delivery import Mailer
from scheduler.models import Message, Visit
from tests.conftest import NOW
from tests.jobs.samples import TOMORROW, book_visit, changing, leave_email, work_at


@pytest.mark.parametrize("fails", [False, True])
def test_the_others_are_sent_all_the_same(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fails: bool
) -> None:
    with changing(database) as session:
        visits = [book_visit(session), book_visit(session, not_before=TOMORROW)]
    for number, visit in enumerate(visits):
        leave_email(database, visit, f"ada{number}@example.org", reminders=False)
    real, calls = Mailer.send, iter((True, False))

    def send(mailer: Mailer, letter: Any) -> None:
        if next(calls):
            with changing(database) as session:
                erase_visit(session, visits[0].id, by=CLIENT, now=NOW)
            if fails:
                raise OSError("the line is down")
        real(mailer, letter)

    monkeypatch.setattr(Mailer, "send", send)
    send_mail(work_at(database, tmp_path))
    with database.reading() as session:
        assert session.scalars(select(func.count(Visit.id))).one() == 1
        assert session.scalars(select(Message.state)).all() == ["sent"]
    assert "NoResultFound" not in caplog.text
