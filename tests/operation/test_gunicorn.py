"""What the web process writes when it runs as deploy/ starts it: its log, without what nobody could read."""

from __future__ import annotations

import json
import socket
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bench.processes import application, environment, wait_for_pages
from scheduler import schema
from scheduler.db import open_engine

Start = Callable[[str], tuple[str, Path]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the application with this format of the log; gives its address, and the file that takes its log."""
    with ExitStack() as running:

        def start_one(log_format: str) -> tuple[str, Path]:
            environ = environment(
                f"sqlite:///{tmp_path / 'town.db'}", LOG_FORMAT=log_format, BACKUP_FOLDER=str(tmp_path)
            )
            engine = open_engine(environ["DATABASE_URL"])
            schema.upgrade(engine)
            engine.dispose()
            process = application(environ, tmp_path / "log.txt")
            process.start()
            running.callback(process.end)
            wait_for_pages(process)
            return environ["BASE_URL"], tmp_path / "log.txt"

        yield start_one


def send(base_url: str, request: bytes) -> bytes:
    where = urlsplit(base_url)
    with socket.create_connection((str(where.hostname), where.port or 80), 10) as connection:
        connection.sendall(request)
        return connection.recv(1000)


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_its_log_names_routes_and_repeats_no_request(start: Start, log_format: str) -> None:
    base_url, log = start(log_format)
    secret = "a-token-that-nobody-may-read"
    with urllib.request.urlopen(f"{base_url}/healthz?x={secret}", timeout=10) as answer:
        assert answer.status == 200
    assert b"400" in send(base_url, f"GET /visits/{secret} HTTP/9.7\r\n\r\n".encode())
    assert b"400" in send(base_url, f"GET /visits/{secret} HTTP/1.1\r\nBad Header {secret}: x\r\n\r\n".encode())
    lines = log.read_text().splitlines()
    assert secret not in "\n".join(lines) and "127.0.0.1" not in "\n".join(lines)
    found = [each for each in lines if "health.show_health" in each]
    assert len(found) == 1 and "could not be read" in "\n".join(lines)
    if log_format == "json":
        assert {json.loads(each)["level"] for each in lines} == {"INFO", "WARNING"}
