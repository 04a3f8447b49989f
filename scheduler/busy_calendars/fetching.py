"""Fetch one calendar from an address that a user entered: such an address may be aimed at our own network.

The name is resolved once; only a public address, or a host that the settings allow, is connected to, and by exactly
the address that was checked: a second look-up could answer otherwise. Each redirect is checked like the first address.
One deadline holds for all of it. Proxies of the environment are not asked.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from queue import Empty, Queue
from urllib.parse import urljoin

from scheduler.busy_calendars import CalendarProblem, Problem
from scheduler.busy_calendars.addresses import Target, is_public, target_of

MOST_BYTES = 5_000_000
FETCH_SECONDS = 20.0
MOST_REDIRECTS = 5
MOST_ADDRESSES = 4
"""So many addresses of one host are tried."""

_REDIRECTS = (301, 302, 303, 307, 308)
_REFUSALS: dict[int, Problem] = {401: "not_allowed", 403: "not_allowed", 404: "not_found", 410: "not_found"}


@dataclass(frozen=True)
class Known:
    """What the server said of the body that we have: asked so, it may answer that nothing changed."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True)
class Fetched:
    """`body` None: unchanged since `known`."""

    body: bytes | None
    known: Known


class _Deadline:
    """When all must be over. The watchdog breaks the connection then, however slowly it still drips."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds
        self._socket: socket.socket | None = None

    @property
    def left(self) -> float:
        """Seconds. Raises CalendarProblem where none are left."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise CalendarProblem("too_slow")
        return left

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._ends

    def watch(self, connection: socket.socket) -> None:
        """Break this connection off in time. Raises CalendarProblem where it is too late already."""
        self._socket = connection
        connection.settimeout(self.left)

    @contextmanager
    def watchdog(self) -> Iterator[None]:
        timer = threading.Timer(self.left, self._break_off)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _break_off(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                # Not the TLS socket's own method, which another thread must not call while one reads.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def fetch(
    url: str,
    known: Known = Known(),
    *,
    allowed_hosts: frozenset[str] = frozenset(),
    seconds: float = FETCH_SECONDS,
    most_bytes: int = MOST_BYTES,
    tls: ssl.SSLContext | None = None,
) -> Fetched:
    """Fetch a calendar (https or webcal), unless it is still as `known`. Raises CalendarProblem.

    `allowed_hosts`: those that may have a private address or plain HTTP. `tls`: by default the system's authorities.
    """
    deadline = _Deadline(seconds)
    context = tls or ssl.create_default_context()
    first = target = target_of(url, allowed_hosts)
    with deadline.watchdog():
        for _ in range(MOST_REDIRECTS + 1):
            if target.origin != first.origin:
                target = target.without_secrets()
            answer = _ask(target, known, allowed_hosts, deadline, context, most_bytes)
            if isinstance(answer, Fetched):
                return answer
            url = urljoin(url, answer)
            target = target_of(url, allowed_hosts)
    raise CalendarProblem("too_many_redirects")


def _ask(
    target: Target,
    known: Known,
    allowed_hosts: frozenset[str],
    deadline: _Deadline,
    context: ssl.SSLContext,
    most_bytes: int,
) -> Fetched | str:
    """One request; gives what was fetched, or where it leads instead."""
    connection: http.client.HTTPConnection | None = None
    try:
        connection = _connect(target, allowed_hosts, deadline, context)
        connection.request("GET", target.path, headers=_headers(target, known))
        with closing(connection.getresponse()) as response:
            return _answer(response, known, deadline, most_bytes)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise CalendarProblem("too_slow" if deadline.is_over else _problem_of(error)) from error
    finally:
        if connection is not None:
            connection.close()


def _problem_of(error: Exception) -> Problem:
    match error:
        case ssl.SSLCertVerificationError():
            return "bad_certificate"
        case TimeoutError():
            return "too_slow"
        case http.client.IncompleteRead():
            return "incomplete"
        case http.client.HTTPException() if not isinstance(error, http.client.RemoteDisconnected):
            return "server_error"
        case _:
            return "unreachable"


def _headers(target: Target, known: Known) -> dict[str, str]:
    asked = {
        "Accept": "text/calendar, */*;q=0.5",
        "Accept-Encoding": "identity",
        "User-Agent": "Sprechstunde",
        "Connection": "close",
        "Authorization": target.authorization,
        "If-None-Match": known.etag,
        "If-Modified-Since": known.last_modified,
    }
    return {name: value for name, value in asked.items() if value}


def _answer(response: http.client.HTTPResponse, known: Known, deadline: _Deadline, most_bytes: int) -> Fetched | str:
    if response.status == 304 and (known.etag or known.last_modified):
        return Fetched(None, known)
    if response.status in _REDIRECTS:
        return response.headers.get("Location") or _refuse("server_error")
    if response.status != 200:
        _refuse(_REFUSALS.get(response.status, "server_error"))
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        _refuse("unreadable")  # we asked for it plain: what is packed may be a thousand times as large
    body = _read_body(response, deadline, most_bytes)
    return Fetched(body, Known(_kept(response, "ETag"), _kept(response, "Last-Modified")))


def _refuse(key: Problem) -> str:
    raise CalendarProblem(key)


def _kept(response: http.client.HTTPResponse, name: str) -> str | None:
    """A header that is sent back next time, if it is one that can be."""
    value = response.headers.get(name)
    return value if value and len(value) <= 200 and value.isascii() and value.isprintable() else None


def _read_body(response: http.client.HTTPResponse, deadline: _Deadline, most_bytes: int) -> bytes:
    if response.length is not None and response.length > most_bytes:
        raise CalendarProblem("too_large")
    body = bytearray()
    while chunk := response.read(65_536):
        body += chunk
        if len(body) > most_bytes:
            raise CalendarProblem("too_large")
        if deadline.is_over:
            break
    if deadline.is_over:  # a connection that we broke off looks like one that ended
        raise CalendarProblem("too_slow")
    if response.length:
        raise CalendarProblem("incomplete")
    return bytes(body)


def _connect(
    target: Target, allowed_hosts: frozenset[str], deadline: _Deadline, context: ssl.SSLContext
) -> http.client.HTTPConnection:
    """A connection to an address that was checked. Nothing below may look the name up again."""
    addresses = _resolve(target, deadline)
    if not target.is_allowed_by(allowed_hosts):
        addresses = [each for each in addresses if is_public(each)]
    if not addresses:
        raise CalendarProblem("private_address")
    kind = http.client.HTTPSConnection if target.scheme == "https" else http.client.HTTPConnection
    connection = kind(target.host, target.port)
    connection.auto_open = 0
    plain = _open_one(addresses[:MOST_ADDRESSES], target.port, deadline)
    connection.sock = _secured(plain, target, deadline, context) if target.scheme == "https" else plain
    return connection


def _open_one(addresses: list[str], port: int, deadline: _Deadline) -> socket.socket:
    """A connection to the first of these addresses that answers."""
    for position, address in enumerate(addresses, start=1):
        try:
            plain = socket.create_connection((address, port), timeout=deadline.left / (len(addresses) - position + 1))
        except OSError:
            if position == len(addresses):
                raise
        else:
            deadline.watch(plain)
            return plain
    raise CalendarProblem("unreachable")


def _secured(plain: socket.socket, target: Target, deadline: _Deadline, context: ssl.SSLContext) -> ssl.SSLSocket:
    try:
        secured = context.wrap_socket(plain, server_hostname=target.host, do_handshake_on_connect=False)
    except (OSError, ValueError):
        plain.close()
        raise
    deadline.watch(secured)
    try:
        secured.do_handshake()
    except OSError:
        secured.close()
        raise
    return secured


def _resolve(target: Target, deadline: _Deadline) -> list[str]:
    """The addresses of a host. In a thread of its own, since a look-up knows no deadline."""
    found: Queue[list[str]] = Queue()
    threading.Thread(target=lambda: found.put(look_up(target.host, target.port)), daemon=True).start()
    try:
        addresses = found.get(timeout=deadline.left)
    except Empty as error:
        raise CalendarProblem("too_slow") from error
    if not addresses:
        raise CalendarProblem("unknown_host")
    return addresses


def look_up(host: str, port: int) -> list[str]:
    """The IP addresses of a host; none where it is not known."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(each[4][0]) for each in found))
