"""`make run`: live at every time of day, the same twice, and gone after Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scheduler.actions.log_in import check_password
from scheduler.actions.rulebook import read_rulebook
from scheduler.db import Database
from scheduler.demo.morning import fill_opening, make_accounts
from scheduler.demo.town import load_town
from scheduler.models import Account, Adviser, Hours, Message, Opening, Step, Visit
from tests.conftest import SECRET

ROOT = Path(__file__).parents[1]
READY_WITHIN_SECONDS = 60


def prepare(session: Session, now: datetime) -> str:
    key = load_town(session, now)
    make_accounts(session, now)
    fill_opening(session, key, SECRET, now)
    return key


@pytest.mark.parametrize(
    "now",
    [
        datetime(2026, 11, 25, 9, 4, tzinfo=UTC),  # a Wednesday morning, beside the real session
        datetime(2026, 12, 25, 12, 0, tzinfo=UTC),  # a public holiday within a closure
        datetime(2026, 11, 24, 23, 3, tzinfo=UTC),  # three minutes past midnight in Germany
        datetime(2026, 11, 24, 22, 52, tzinfo=UTC),  # eight minutes to midnight
        datetime(2026, 3, 29, 1, 30, tzinfo=UTC),  # the hour after the clocks went forward
    ],
    ids=["morning", "holiday", "after-midnight", "before-midnight", "spring"],
)
def test_an_opening_is_live_at_every_time_of_day(session: Session, now: datetime) -> None:
    key = prepare(session, now)
    rulebook = read_rulebook(session)
    opening = rulebook.opening(key, now.astimezone(rulebook.zone).date())
    assert opening is not None
    assert opening.dated.takes_place
    assert opening.dated.starts_at <= now < opening.dated.ends_at
    assert opening.dated.ends_at - opening.dated.starts_at <= timedelta(hours=4)


def test_the_queue_is_busy_and_in_every_state_that_a_desk_sees(session: Session, now: datetime) -> None:
    prepare(session, now)
    states = dict(session.execute(select(Visit.state, func.count()).group_by(Visit.state)).all())
    assert states["waiting"] >= 5
    assert {"booked", "called", "in_consultation", "done"} <= states.keys()
    tickets = session.scalars(select(Visit.ticket).where(Visit.kind == "walk_in").order_by(Visit.arrived_at)).all()
    assert tickets == sorted(tickets), "numbers were given in the order in which people came"


def test_a_second_run_adds_nothing(session: Session, now: datetime) -> None:
    prepare(session, now)
    before = count_rows(session)
    prepare(session, now + timedelta(minutes=20))
    assert count_rows(session) == before


def test_a_run_on_the_next_day_has_its_own_opening(session: Session, now: datetime) -> None:
    first = prepare(session, now)
    second = prepare(session, now + timedelta(days=1))
    assert first != second
    assert {opening.hours.key for opening in session.scalars(select(Opening))} >= {first, second}


def test_demo_log_ins_work_in_the_demo_alone(session: Session, now: datetime) -> None:
    prepare(session, now)
    assert check_password(session, "desk", "demo-desk", in_demo=True) is not None
    assert check_password(session, "desk", "demo-desk", in_demo=False) is None


def count_rows(session: Session) -> dict[str, int | None]:
    tables = (Account, Adviser, Hours, Message, Opening, Step, Visit)
    return {each.__tablename__: session.scalar(select(func.count()).select_from(each)) for each in tables}


@pytest.fixture
def demo_environment(tmp_path: Path) -> dict[str, str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ours = {"PORT": str(port), "DEMO_FOLDER": str(tmp_path), "PYTHONWARNINGS": "ignore"}
    return {**os.environ, **ours}


def test_make_run_starts_says_where_and_stops_on_ctrl_c(demo_environment: dict[str, str], tmp_path: Path) -> None:
    for _ in range(2):
        with subprocess.Popen(
            [sys.executable, "-m", "scheduler.demo"],
            cwd=ROOT,
            env=demo_environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as demo:
            said = "".join(read_until_ready(demo))
            for address in re.findall(r"http://\S+", said):
                with urllib.request.urlopen(address, timeout=10) as response:
                    assert b"Sprechstunde" in response.read(), address
            demo.send_signal(signal.SIGINT)
            assert demo.wait(30) == 0
        assert not answers(demo_environment["PORT"])
    with Database(f"sqlite:///{tmp_path / 'demo.db'}").reading() as session:
        assert session.scalar(select(func.count()).select_from(Account)) == 6


def read_until_ready(demo: subprocess.Popen[str]) -> Iterator[str]:
    """The lines up to the log-ins; fails when the demo ends, or is not ready in time."""
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    assert demo.stdout is not None
    for line in demo.stdout:
        yield line
        if "adviser2" in line:
            return
        assert time.monotonic() < deadline, "not ready in time"
    raise AssertionError("the demo ended by itself")


def answers(port: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(port))) == 0
