"""What must hold for every answer, however bad the request was. Each check gives what is wrong, in words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urlsplit

from bench.bad_input_requests import Answer, Request
from bench.bad_input_values import ATTRIBUTE, HEADER, TAG

TOO_SLOW = 10
"""Seconds: nobody waits so long for one bad request, on however busy a machine."""
UNREADY = {
    "places.show_feed": "jobs publish a place's calendar, which may not have happened yet",
    "health.show_readiness": "says how things stand: no jobs process is at work here",
}
"""Views that may answer 503, and why. Nobody else is there to be busy with."""
READING = ("GET", "HEAD", "OPTIONS")
_TEXT = ("text/", "application/json", "application/problem+json", "image/svg")
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")


def find_faults(request: Request, answer: Answer) -> list[str]:
    """What is wrong with this answer by itself."""
    return [each for check in _CHECKS for each in check(request, answer)]


def denies(request: Request, answer: Answer) -> bool:
    """Whether the answer says that nothing was done: refused, sent to the log-in, or only tried out."""
    way = urlsplit(answer.header("Location")).path
    family = answer.endpoint.partition(".")[0]
    is_sent_away = answer.status in (302, 303) and way in ("/login", "/lock") and family not in _LEAD_THERE
    return answer.status >= 400 or is_sent_away or "try_out" in answer.endpoint or request.method in READING


_LEAD_THERE = ("lock", "login", "account", "account_links")
"""Families of views whose success may lead to the log-in or the lock."""


def _ends_well(_request: Request, answer: Answer) -> Iterator[str]:
    if answer.status >= 500 and not (answer.status == 503 and answer.endpoint in UNREADY):
        yield f"status {answer.status}"
    yield from answer.logged
    if answer.seconds > TOO_SLOW:
        yield f"took {answer.seconds:.1f} s"


def _is_well_formed(request: Request, answer: Answer) -> Iterator[str]:
    if not answer.content_type.startswith(_TEXT) or answer.header("Content-Encoding"):
        return
    try:
        text = answer.body.decode()
    except UnicodeDecodeError as error:
        yield f"the body is no UTF-8: {error}"
        return
    if answer.content_type.endswith("json") and text and request.method != "HEAD":
        try:
            json.loads(text, parse_constant=_refuse)
        except ValueError as error:
            yield f"the body is no JSON: {error}"


def _keeps_markup_out(_request: Request, answer: Answer) -> Iterator[str]:
    if answer.content_type not in ("text/html", "image/svg+xml", "application/xhtml+xml"):
        return
    text = answer.body.decode("utf-8", "replace")
    if f"<b {TAG}" in text:
        yield "markup of the request stands in the page"
    if ATTRIBUTE in text or "javascript:" in text:
        yield from _Attributes(text).wrong


def _keeps_headers_apart(_request: Request, answer: Answer) -> Iterator[str]:
    for name, value in answer.headers:
        if name.lower() == HEADER.lower() or not _HEADER_NAME.fullmatch(name):
            yield f"the header {name!r} came from the request"
        if any(ord(each) < 32 or ord(each) == 127 for each in value):
            yield f"a control character in {name}: {value!r}"
        if not value.isascii():
            yield f"{name} is not ASCII: {value!r}"


def _stays_on_the_site(request: Request, answer: Answer) -> Iterator[str]:
    # Routing itself names the whole address where it only tidies the slashes of one.
    way = answer.header("Location").removeprefix(f"http://{request.headers.get('Host', 'localhost')}")
    if way and (not way.startswith("/") or way.startswith(("//", "/\\"))):
        yield f"leads off the site: {way!r}"


def _asks_for_the_token(request: Request, answer: Answer) -> Iterator[str]:
    if not request.has_token and not denies(request, answer):
        yield f"took a form without its token: {answer.status}"


_CHECKS = (
    _ends_well, _is_well_formed, _keeps_markup_out, _keeps_headers_apart, _stays_on_the_site, _asks_for_the_token,
)  # fmt: skip


class _Attributes(HTMLParser):
    """Attributes that broke out of another one's value, and addresses that are scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == ATTRIBUTE:
                self.wrong.append(f"an attribute of the request stands in <{tag}>")
            if name in ("href", "src", "action", "formaction") and (value or "").strip().startswith("javascript:"):
                self.wrong.append(f"a script of the request stands in <{tag} {name}>")


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
