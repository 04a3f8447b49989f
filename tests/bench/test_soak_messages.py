"""A few seconds of the soak of messages on both databases; and that its check finds what it is there to find."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench.soak_check import IN_FLIGHT, Change, MessageRow, Story, Taken, VisitRow, check
from bench.soak_clients import Load
from bench.soak_messages import soak

NINE = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
TEN, ELEVEN = NINE + timedelta(hours=1), NINE + timedelta(hours=2)
BRIEF = Load(visits=30, kills=3, clients=8, gap=(0.2, 1.0), think=0.5, lease=4, workers=1, within=150)


def test_whatever_is_killed_every_visit_has_exactly_its_messages(database_url: str, tmp_path: Path) -> None:
    result = soak(database_url, BRIEF, tmp_path)
    assert result.wrong == []
    assert len(result.tally.stories) == BRIEF.visits
    assert result.killer.kills.total() == BRIEF.kills
    assert result.findings.message_ids >= BRIEF.visits
    assert processes_on(database_url) == []


def processes_on(database_url: str) -> list[str]:
    """Those that still have this address among their settings."""
    found = []
    for each in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # it ended while we looked, or is somebody else's
            if f"DATABASE_URL={database_url}".encode() in each.read_bytes().split(b"\0"):
                found.append(each.parent.name)
    return found


# Visit 1 is moved and stands; visit 2 was booked and cancelled. Nothing is wrong until a sample is put in.

MOVED = Story(1, "one@example.org", True, (Change("book", NINE, 10.0), Change("move", TEN, 20.0)))
CANCELLED = Story(2, "two@example.org", True, (Change("book", ELEVEN, 10.0), Change("cancel", ELEVEN, 20.0)))
VISITS = [VisitRow(1, "booked", 1, TEN), VisitRow(2, "cancelled", 1, ELEVEN)]


def letter(visit_id: int, kind: str, sequence: int, began: float, /, **other: str) -> Taken:
    starts_at = ELEVEN if visit_id == 2 else (NINE, TEN)[min(sequence, 1)]
    told = {
        "to": ("one@example.org", "two@example.org")[visit_id - 1],
        "method": "CANCEL" if kind == "cancelled" else "REQUEST",
        "sequence": str(sequence),
        "starts_at": f"{starts_at:%Y%m%dT%H%M%SZ}",
    }
    return Taken(f"<visit-{visit_id}.{kind}.email.{sequence}@127.0.0.1>", began=began, **(told | other))


TAKEN = [letter(1, "confirmation", 0, 11.0), letter(1, "moved", 1, 21.0), letter(2, "cancelled", 1, 22.0)]
MESSAGES = [
    MessageRow(1, "confirmation", "email", 0, "sent"),
    MessageRow(1, "moved", "email", 1, "sent"),
    MessageRow(1, "reminder", "email", 0, "dropped"),
    MessageRow(1, "reminder", "email", 1, "pending"),
    MessageRow(2, "confirmation", "email", 0, "dropped"),
    MessageRow(2, "cancelled", "email", 1, "sent"),
]


def wrong(
    taken: Sequence[Taken] = TAKEN,
    visits: Sequence[VisitRow] = VISITS,
    messages: Sequence[MessageRow] = MESSAGES,
    stories: Sequence[Story] = (MOVED, CANCELLED),
) -> dict[int, list[str]]:
    return check(stories, taken, visits, messages).wrong


def test_the_check_finds_nothing_where_nothing_is_wrong() -> None:
    assert wrong() == {}


def test_the_same_message_id_again_is_counted_and_not_wrong() -> None:
    found = check((MOVED, CANCELLED), [*TAKEN, TAKEN[1]], VISITS, MESSAGES)
    assert (found.wrong, found.message_ids, found.again) == ({}, 3, 1)


def test_a_message_in_flight_when_its_visit_changed_is_counted_and_not_wrong() -> None:
    found = check((MOVED, CANCELLED), [*TAKEN, letter(2, "confirmation", 0, 20.5)], VISITS, MESSAGES)
    assert (found.wrong, found.in_flight) == ({}, [0.5])


def test_the_last_message_must_have_been_sent() -> None:
    unsent = [row._replace(state="dropped") if row.state == "sent" else row for row in MESSAGES]
    assert wrong(taken=TAKEN[:1] + TAKEN[2:], messages=[MESSAGES[0], unsent[1], *MESSAGES[2:]]).keys() == {1}
    assert wrong(taken=TAKEN[:2], messages=[*MESSAGES[:5], unsent[5]]).keys() == {2}


@pytest.mark.parametrize(
    ("visit_id", "bad"),
    [
        pytest.param(2, letter(2, "confirmation", 0, 20.1 + IN_FLIGHT), id="told of a cancelled visit"),
        pytest.param(1, letter(1, "confirmation", 0, 20.1 + IN_FLIGHT), id="told of the old time"),
        pytest.param(1, letter(1, "moved", 2, 22.0), id="a second Message-ID for one change"),
        pytest.param(1, letter(1, "confirmation", 1, 22.0), id="another kind for one change"),
        pytest.param(1, letter(1, "reminder", 1, 22.0), id="a reminder that is not due"),
        pytest.param(1, letter(1, "moved", 1, 22.0, to="two@example.org"), id="somebody else's"),
        pytest.param(1, letter(1, "moved", 1, 22.0, starts_at="20261201T090000Z"), id="the wrong time"),
        pytest.param(1, letter(1, "moved", 1, 22.0, sequence="0"), id="a sequence that calendars ignore"),
        pytest.param(2, letter(2, "cancelled", 1, 22.0, method="REQUEST"), id="a cancellation that invites"),
        pytest.param(1, letter(1, "moved", 1, 22.0, method="CANCEL"), id="a move that cancels"),
        pytest.param(0, letter(1, "moved", 1, 22.0)._replace(message_id="<random@127.0.0.1>"), id="a random name"),
        pytest.param(7, letter(1, "moved", 1, 22.0)._replace(message_id="<visit-7.moved.email.1@x>"), id="no client's"),
    ],
)
def test_the_check_finds_what_must_not_be_sent(visit_id: int, bad: Taken) -> None:
    assert wrong(taken=[*TAKEN, bad]).keys() == {visit_id}


@pytest.mark.parametrize(
    ("visit_id", "bad"),
    [
        pytest.param(1, MessageRow(1, "moved", "email", 2, "pending"), id="never sent"),
        pytest.param(1, MessageRow(1, "reminder", "email", 0, "pending"), id="two reminders"),
        pytest.param(2, MessageRow(2, "reminder", "email", 0, "pending"), id="a reminder of a cancelled visit"),
        pytest.param(2, MessageRow(2, "confirmation", "email", 0, "sent"), id="marked as sent, but lost"),
        pytest.param(1, MessageRow(1, "moved", "email", 0, "dead"), id="given up"),
        pytest.param(7, MessageRow(7, "moved", "email", 1, "sent"), id="no client's"),
    ],
)
def test_the_check_finds_rows_that_must_not_be(visit_id: int, bad: MessageRow) -> None:
    assert wrong(messages=[*MESSAGES, bad]).keys() == {visit_id}


def test_a_reminder_that_was_asked_for_must_be_there_and_no_other() -> None:
    assert wrong(messages=[row for row in MESSAGES if row.state != "pending"]).keys() == {1}
    assert wrong(stories=(MOVED._replace(wants_reminder=False), CANCELLED)).keys() == {1}


@pytest.mark.parametrize(
    ("visit_id", "visits"),
    [
        pytest.param(1, VISITS[1:], id="lost"),
        pytest.param(3, [*VISITS, VisitRow(3, "booked", 0, NINE)], id="booked twice"),
        pytest.param(1, [VisitRow(1, "booked", 1, ELEVEN), VISITS[1]], id="at another time"),
        pytest.param(1, [VisitRow(1, "booked", 2, TEN), VISITS[1]], id="changed once too often"),
        pytest.param(2, [VISITS[0], VisitRow(2, "booked", 1, ELEVEN)], id="still there after it was cancelled"),
    ],
)
def test_the_check_finds_visits_that_are_not_as_clients_were_told(visit_id: int, visits: list[VisitRow]) -> None:
    assert wrong(visits=visits).keys() == {visit_id}


def test_one_visit_for_two_clients_is_found() -> None:
    assert "was given to 2 clients" in wrong(stories=(MOVED, CANCELLED, MOVED._replace(email="three@example.org")))[1]
