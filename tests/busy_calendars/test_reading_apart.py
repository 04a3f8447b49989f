"""The process apart: what it is given, what it may use, and what comes back."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from scheduler.busy_calendars import CalendarProblem
from scheduler.busy_calendars.apart import Limits, read_apart
from scheduler.busy_calendars.reading import read_busy
from tests.busy_calendars.samples import BERLIN, WINDOW, at_ten, calendar, event, weekly

USUAL = Limits()


def read(body: bytes, limits: Limits = USUAL) -> Any:
    return read_apart(body, window=WINDOW, zone=BERLIN, own_host="localhost", limits=limits)


def test_the_times_come_back_as_they_are_read_here() -> None:
    body = calendar(weekly(), at_ten(uid="two"), at_ten(uid="visit-1@localhost"))
    assert read(body) == read_busy(body, window=WINDOW, zone=BERLIN, own_host="localhost")


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        (Limits(wall_seconds=0.01), "takes_too_long"),
        (Limits(cpu_seconds=1), "takes_too_long"),
    ],
)
def test_what_takes_too_long_is_ended(limits: Limits, problem: str) -> None:
    endless = calendar(event("DTSTART:00010101T000000Z", "DURATION:PT1M", "RRULE:FREQ=HOURLY"))
    with pytest.raises(CalendarProblem, match=problem):
        read(endless, limits)


def test_what_takes_too_much_memory_is_ended() -> None:
    many = [at_ten(uid=str(each)) for each in range(15_000)]
    with pytest.raises(CalendarProblem, match=r"too_many|takes_too_long"):
        read(calendar(*many), Limits(memory=16 * 1024 * 1024))


def test_it_is_given_no_secret_and_its_errors_reach_no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def run(_command: list[str], **options: Any) -> Any:
        seen.update(options)
        return subprocess.CompletedProcess(_command, 0, stdout=b'{"busy": []}')

    monkeypatch.setenv("SECRET_KEY", "a secret")
    monkeypatch.setattr(subprocess, "run", run)
    assert read(calendar()) == []
    assert set(seen["env"]) == {"PATH", "PYTHONDONTWRITEBYTECODE"}
    assert seen["stderr"] == subprocess.DEVNULL
    assert b"a secret" not in seen["input"]


@pytest.mark.parametrize("said", [b'{"problem": "odd"}', b'{"problem": "unreadable"}'])
def test_a_problem_that_nobody_has_words_for_is_named_unreadable(monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 0, stdout=said))
    with pytest.raises(CalendarProblem, match="unreadable"):
        read(calendar())
