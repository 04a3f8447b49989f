"""An appointment, and real processes for the tests of this folder: a mail server, jobs processes; ended by their id."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scheduler.db import Database
from scheduler.models import Visit
from tests.conftest import CONTACT_KEY, SECRET
from tests.jobs.samples import book_visit, changing

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 60


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Ask again and again until it is true; fails after a minute."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not true():
        assert time.monotonic() < deadline, f"waited {DEADLINE_SECONDS} s in vain: {what}"
        time.sleep(0.02)


@dataclass(frozen=True)
class MailServer:
    port: int
    file: Path

    def taken(self) -> list[tuple[str, str]]:
        """Message-ID and recipient of each message taken, in order."""
        return [(each["message_id"], each["to"][0]) for each in self._lines()]

    def connections(self) -> int:
        """How many connections brought letters."""
        return len({each["connection"] for each in self._lines()})

    def _lines(self) -> list[dict[str, Any]]:
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        return [json.loads(line) for line in lines]


@dataclass(frozen=True)
class JobsProcess:
    process: subprocess.Popen[bytes]
    log: Path

    def end(self) -> int:
        """SIGTERM; gives the exit code. Fails where it does not end within 20 seconds."""
        self.process.terminate()
        return self.process.wait(timeout=20)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def says(self, words: str) -> bool:
        return words in self.log.read_text()


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    return tmp_path / "mail"


@pytest.fixture
def visit(database: Database) -> Visit:
    """Wednesday's first appointment, and a stranger's beside it, who left no contact."""
    with changing(database) as session:
        booked = book_visit(session)
        book_visit(session, locale="en")
    return booked


@pytest.fixture
def start_mail_server(tmp_path: Path) -> Iterator[Callable[..., MailServer]]:
    """Start mail servers; all of them note in one file what they take."""
    file = tmp_path / "taken.txt"
    with ExitStack() as running:

        def start(*options: str) -> MailServer:
            command = [sys.executable, "-m", "bench.mail_server", file, *options]
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
            running.callback(_kill, process)
            assert process.stdout is not None
            return MailServer(int(process.stdout.readline()), file)

        yield start


@pytest.fixture
def start_jobs(tmp_path: Path) -> Iterator[Callable[..., JobsProcess]]:
    """Start `python -m jobs` on a database, with the mail server on this port."""
    with ExitStack() as running:

        def start(database_url: str, port: int = 9) -> JobsProcess:
            log = tmp_path / f"jobs-{len(list(tmp_path.glob('jobs-*')))}.log"
            with log.open("wb") as stderr:
                process = subprocess.Popen(
                    [sys.executable, "-m", "jobs"], cwd=ROOT, env=_environment(database_url, port), stderr=stderr
                )
            running.callback(_kill, process)
            return JobsProcess(process, log)

        yield start


def _environment(database_url: str, port: int) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "SECRET_KEY": SECRET,
        "CONTACT_KEYS": CONTACT_KEY,
        "DATABASE_URL": database_url,
        "BASE_URL": "https://termine.example.org",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(port),
        "SMTP_SECURITY": "none",
        "MAIL_FROM": "termine@example.org",
    }


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
