"""The round that tells who is nearly called, and the letter that comes of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from jobs.messages import send_mail
from jobs.queue import tell_nearly_due
from jobs.work import Work
from scheduler.actions.calling import call
from scheduler.actions.nearly import ask_to_be_told
from scheduler.actions.rulebook import read_rulebook
from scheduler.db import Database
from scheduler.models import Visit
from tests.actions.small_town import STAFF, at, seat, take_in
from tests.conftest import SECRET, make_config
from tests.jobs.samples import changing, kinds_in, letters_in, messages_of, work_at

NOW = at("09:30")


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    return tmp_path / "mail"


@pytest.fixture
def visits(database: Database) -> list[Visit]:
    """Two who wait; the first asked to be written to."""
    with changing(database) as session:
        rulebook = read_rulebook(session)
        found = [take_in(session, rulebook, NOW - timedelta(minutes=each)) for each in (20, 19)]
        ask_to_be_told(session, found[0].id, email="ada@example.org", locale="en", secret=SECRET, now=NOW)
    return found


def run_round(database: Database, mail: Path, minutes: int = 0) -> None:
    work = work_at(database, mail, NOW + timedelta(minutes=minutes))
    tell_nearly_due(work)
    send_mail(work)


def test_who_asked_gets_one_letter_with_number_place_and_link(
    database: Database, visits: list[Visit], mail: Path
) -> None:
    for minutes in range(3):
        run_round(database, mail, minutes)
    (letter,) = letters_in(mail)
    assert letter["To"] == "ada@example.org"
    assert letter["Subject"] == f"Number {visits[0].ticket}: it is nearly your turn"
    assert not list(letter.iter_attachments())
    text = letter.get_content()
    for told in ("Please come now.", "Bürgerbüro", "Marktplatz 1", f"/visits/{visits[0].id}-"):
        assert told in text
    assert kinds_in(mail) == ["nearly"]
    assert messages_of(database, visits[1]) == {}


def test_who_is_called_between_planning_and_sending_gets_none(
    database: Database, visits: list[Visit], mail: Path
) -> None:
    tell_nearly_due(work_at(database, mail, NOW))
    with changing(database) as session:
        adviser = seat(session, read_rulebook(session), "awo-1", NOW)
        call(session, visits[0].id, adviser, by=STAFF, now=NOW)
    run_round(database, mail, 1)
    assert kinds_in(mail) == []
    assert messages_of(database, visits[0])["nearly", 0].state == "dropped"


def test_without_mail_nothing_is_planned(database: Database, visits: list[Visit]) -> None:
    url = database.engine.url.render_as_string(hide_password=False)
    tell_nearly_due(Work(make_config(url), database, clock=lambda: NOW))
    assert messages_of(database, visits[0]) == {}
