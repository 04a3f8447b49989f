"""A gateway for text messages on loopback: notes what comes, and answers as it is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Received:
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Gateway:
    port: int = 0
    status: int = 200
    answer_headers: dict[str, str] = field(default_factory=dict)
    delay: threading.Event | None = None
    """Answers only when this is set."""
    received: list[Received] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/send"


@contextmanager
def running_gateway() -> Iterator[Gateway]:
    gateway = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            gateway.received.append(Received(self.path, dict(self.headers), body))
            if gateway.delay is not None:
                gateway.delay.wait(30)
            self.send_response(gateway.status)
            for name, value in gateway.answer_headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"to +4915112345678: no")

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None:
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    gateway.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield gateway
    if gateway.delay is not None:
        gateway.delay.set()
    server.shutdown()
    server.server_close()
