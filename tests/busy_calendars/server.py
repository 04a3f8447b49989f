"""A server that answers as it is told, byte by byte: on loopback, on a port of its own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Answer = Callable[[socket.socket], None]
"""Writes whatever it likes to whoever asked; the connection is closed when it returns."""

OK = b"HTTP/1.1 200 OK\r\n"


def sends(*parts: bytes) -> Answer:
    return lambda connection: connection.sendall(b"".join(parts))


def sends_body(body: bytes, *headers: str, status: str = "200 OK") -> Answer:
    head = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return sends("\r\n".join(head).encode(), body)


def drips(head: bytes, byte: bytes, pause: float = 0.03) -> Answer:
    """The head, then a byte again and again: no single read ever waits long."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(head)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            connection.sendall(byte)
            time.sleep(pause)

    return answer


def never_ends(connection: socket.socket) -> None:
    connection.sendall(OK + b"\r\nBEGIN:VCALENDAR\r\n")
    while True:
        connection.sendall(b"X-FILL:" + b"x" * 65_000 + b"\r\n")


def says_nothing(connection: socket.socket) -> None:
    connection.settimeout(20)
    connection.recv(1)  # nothing comes: until the other side gives up


@dataclass
class Server:
    """What it answers by path, and the requests that came."""

    port: int
    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "/calendar.ics") -> str:
        return f"http://{self.name}{path}"

    def serve(self, answer: Answer, path: str = "/calendar.ics") -> str:
        self.answers[path] = answer
        return self.url(path)

    def handle(self, connection: socket.socket) -> None:
        # Whoever asked may go at any time: that is what these tests are about.
        with suppress(OSError), connection:
            request = b""
            while not request.endswith(b"\r\n\r\n"):
                received = connection.recv(65_536)
                if not received:
                    return
                request += received
            self.requests.append(request.decode())
            path = request.split(b" ")[1].decode()
            self.answers.get(path, sends_body(b"", status="404 Not Found"))(connection)


@contextmanager
def running_server(wrap: Callable[[socket.socket], socket.socket] = lambda plain: plain) -> Iterator[Server]:
    """A server until the block ends; `wrap` may put TLS round each connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(listener.getsockname()[1])

        def take() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=begin, args=(connection,), daemon=True).start()

        def begin(plain: socket.socket) -> None:
            with suppress(OSError):
                server.handle(wrap(plain))

        threading.Thread(target=take, daemon=True).start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)
