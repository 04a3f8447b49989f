"""Text messages leave through the HTTPS gateway of the configuration: one POST each, the same shape for any gateway.

What is posted is the configured template, JSON or a form. The key is the same for every attempt at one message, so a
gateway that knows `Idempotency-Key` (or `{key}` in the template) sends it once.
"""

from __future__ import annotations

import json
import re
import ssl
from email.message import Message
from http.client import HTTPResponse
from socket import create_connection
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote_plus, urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from config import Config
from scheduler.delivery import sink

TIMEOUT_SECONDS = 20
_ABOUT_THE_MOMENT = {401, 402, 403, 404, 405, 408, 409, 425, 429}
"""Answers that say nothing against the message: log-in, credit, address or timing of the gateway. Tried again."""
_PLACEHOLDER = re.compile(r"\{(to|text|key)\}")


class Refused(Exception):
    """The gateway will never take this message; `status` is its answer."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


def send(config: Config, *, phone: str, text: str, key: str) -> None:
    """Hand the text to the gateway. Raises Refused where it never takes it; any other error: try again later."""
    if config.mail_sink is not None:
        sink.keep_text(config.mail_sink, phone=phone, text=text, key=key)
        return
    request = Request(config.sms_url, method="POST", headers={"Idempotency-Key": key, "User-Agent": "Sprechstunde"})  # noqa: S310 - HTTPS, see config
    request.add_header("Content-Type", _content_type(config.sms_template))
    if config.sms_authorization:
        request.add_header("Authorization", config.sms_authorization)
    request.data = fill(config.sms_template, {"to": phone, "text": text, "key": key})
    try:
        _open(request)
    except HTTPError as error:
        error.close()
        if 400 <= error.code < 500 and error.code not in _ABOUT_THE_MOMENT:
            raise Refused(error.code) from None
        raise


def reach(config: Config) -> None:
    """Connect to the gateway and hang up, asking nothing. Raises OSError where that fails."""
    address = urlsplit(config.sms_url)
    port = address.port or (443 if address.scheme == "https" else 80)
    with create_connection((str(address.hostname), port), TIMEOUT_SECONDS) as plain:
        if address.scheme == "https":
            ssl.create_default_context().wrap_socket(plain, server_hostname=address.hostname).close()


def fill(template: str, values: dict[str, str]) -> bytes:
    """What is posted: the template with its placeholders filled, written as JSON or the form needs it."""
    if _is_json(template):
        return json.dumps(_filled(json.loads(template), values)).encode()
    return _PLACEHOLDER.sub(lambda found: quote_plus(values[found[1]]), template).encode()


def is_permanent(error: Exception) -> bool:
    """Whether the gateway will never take this message."""
    return isinstance(error, Refused)


def reason_of(error: Exception) -> str:
    """Why sending failed, by kind and status: the gateway's words might repeat the number or the text."""
    if isinstance(error, Refused):
        return f"Refused {error.status}"
    if isinstance(error, HTTPError):
        return f"HTTPError {error.code}"
    inner = error.reason if isinstance(error, URLError) else None
    return " ".join([type(error).__name__, *([type(inner).__name__] if isinstance(inner, Exception) else [])])


class _NoRedirects(HTTPRedirectHandler):
    """Number, text and secret go to the configured address, and nowhere else."""

    def redirect_request(self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str) -> None:
        return None


def _open(request: Request) -> None:
    opener = build_opener(_NoRedirects, HTTPSHandler(context=ssl.create_default_context()))
    response: HTTPResponse = opener.open(request, timeout=TIMEOUT_SECONDS)
    response.close()  # its status has said all: what a gateway writes beside it has no common shape


def _content_type(template: str) -> str:
    return "application/json" if _is_json(template) else "application/x-www-form-urlencoded"


def _is_json(template: str) -> bool:
    return template.lstrip().startswith("{")


def _filled(part: Any, values: dict[str, str]) -> Any:
    match part:
        case str():
            return _PLACEHOLDER.sub(lambda found: values[found[1]], part)
        case dict():
            return {name: _filled(each, values) for name, each in part.items()}
        case list():
            return [_filled(each, values) for each in part]
    return part
