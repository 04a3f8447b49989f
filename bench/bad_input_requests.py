"""One request as its raw bytes, sent to the application in this process, and what came back."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote_to_bytes

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.test import run_wsgi_app

from scheduler.logs import REQUESTS

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
SHOWN = 600
"""Bytes of a body that a report quotes."""


@dataclass(frozen=True)
class Request:
    who: str
    method: str
    path: str
    """Percent-encoded, as it stands in the first line."""
    query: str = ""
    body: bytes = b""
    content_type: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    about: str = ""
    """What was done to it."""
    has_token: bool = True
    """Whether it brings the token that its forms have."""

    def to(self, address: str) -> Request:
        path, _, query = address.partition("?")
        return replace(self, path=path, query=query)

    def __str__(self) -> str:
        """All that is needed to send it again."""
        target = f"{self.path}?{self.query}" if self.query else self.path
        lines = [f"as {self.who}: {self.method} {_shorten(target)}   [{self.about}]"]
        lines += [f"{name}: {_shorten(value)}" for name, value in self.headers.items()]
        if self.content_type or self.body:
            lines.append(f"Content-Type: {self.content_type}")
            lines.append(_shorten(repr(self.body)[2:-1]))
        return "\n    ".join(lines)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes
    endpoint: str
    """The view that this address leads to; empty: none does."""
    logged: list[str]
    """Faults that were logged, or that nobody caught."""
    seconds: float

    def header(self, name: str) -> str:
        return next((value for known, value in self.headers if known.lower() == name.lower()), "")

    @property
    def content_type(self) -> str:
        return self.header("Content-Type").partition(";")[0]


class Sender:
    """Sends requests with the cookies of whoever sends them, and hears what is logged meanwhile."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.routes = app.url_map.bind("localhost")

    def send(self, request: Request, cookie: str) -> Answer:
        began = time.perf_counter()
        with heard_faults(self.app) as faults:
            try:
                chunks, status, headers = run_wsgi_app(self.app, _environ(request, cookie), buffered=True)
                code, pairs, body = int(status.split()[0]), list(headers), b"".join(chunks)
            except Exception as error:  # the server would have cut the line
                faults.append(f"nobody caught {type(error).__name__}: {error}")
                code, pairs, body = 500, [], b""
        seconds = time.perf_counter() - began
        return Answer(code, pairs, body, self.endpoint_of(request.method, request.path), faults, seconds)

    def endpoint_of(self, method: str, path: str) -> str:
        return self._match(method, path)[0]

    def arguments_of(self, path: str) -> dict[str, str]:
        """The parts of the address of a page, by name."""
        return {name: str(value) for name, value in self._match("GET", path)[1].items()}

    def _match(self, method: str, path: str) -> tuple[str, dict[str, Any]]:
        try:
            endpoint, arguments = self.routes.match(unquote_to_bytes(path).decode("utf-8", "replace"), method)
        except HTTPException:  # nothing is there, or it lies elsewhere
            return "", {}
        return str(endpoint), dict(arguments)


class _Hearer(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if error is not None or (
            record.levelno >= logging.ERROR and record.name != REQUESTS
        ):  # its status is seen anyway
            self.heard.append(f"logged: {record.getMessage()}: {type(error).__name__}: {error}{_where(error)}")


@contextmanager
def heard_faults(app: Flask) -> Iterator[list[str]]:
    """What is logged as a fault while the block runs; nothing of it goes to the terminal."""
    hearer, loggers = _Hearer(), {logging.getLogger(), app.logger}
    before = {each: (each.handlers[:], each.propagate) for each in loggers}
    app.logger.propagate = False
    for each in loggers:
        each.handlers = [hearer]
    try:
        yield hearer.heard
    finally:
        for each, (handlers, propagate) in before.items():
            each.handlers, each.propagate = handlers, propagate


def _environ(request: Request, cookie: str) -> dict[str, Any]:
    """What a WSGI server makes of such a request."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(request.path).decode("latin-1"),
        "QUERY_STRING": request.query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if cookie:
        environ["HTTP_COOKIE"] = cookie
    if request.body or request.method in ("POST", "PUT", "PATCH"):
        environ |= {"CONTENT_TYPE": request.content_type, "CONTENT_LENGTH": str(len(request.body))}
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_LENGTH", "CONTENT_TYPE") else f"HTTP_{key}"] = value
    return environ


def _where(error: BaseException | None) -> str:
    """The last line of ours that it went through."""
    found, trace = "", error.__traceback__ if error else None
    while trace is not None:
        code = trace.tb_frame.f_code
        if "/scheduler/" in code.co_filename or "/tests/" in code.co_filename:
            found = f" ({code.co_filename.rpartition('/scheduler/')[2]}:{trace.tb_lineno})"
        trace = trace.tb_next
    return found


def _shorten(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text)} in all)"
