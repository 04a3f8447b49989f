"""docs/api.md: every example of it is sent, and every answer in it is the one that comes."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import time_machine

from tests.actions.small_town import at
from tests.web.api.program import proof_for, solved
from tests.web.conftest import MakeApp
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.visitor import Visitor

DOCUMENT = Path(__file__).parents[3] / "docs" / "api.md"
SERVER = "https://termine.example.org"
TOKEN, CODE = "17-dG9rZW4tb2YtYS12aXNp", "482917305"
"""Those of the document; in reality they are others."""
PROOF = "uLw1q0cJ8Yk3eZtB.20000.1795597800.9d1c….11873"


@dataclass(frozen=True)
class Example:
    """A command of the document and what it says comes back."""

    method: str
    address: str
    headers: dict[str, str]
    body: str | None
    status: int
    answer_headers: dict[str, str]
    answer: Any


def read_examples() -> list[Example]:
    pairs = re.findall(r"```sh\n(.*?)```\n\n```http\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    return [_example(command, answer) for command, answer in pairs]


def _example(command: str, answer: str) -> Example:
    words = shlex.split(command.replace("\\\n", " "))
    assert words[:2] == ["curl", "-i"]
    options: dict[str, list[str]] = {"-X": [], "-H": [], "-d": []}
    addresses = []
    rest = iter(words[2:])
    for word in rest:
        if word in options:
            options[word].append(next(rest))
        else:
            addresses.append(word)
    (address,) = addresses
    head, _, body = answer.partition("\n\n")
    status, *lines = head.splitlines()
    return Example(
        method=(options["-X"] or ["GET"])[0],
        address=address.removeprefix(SERVER),
        headers=dict(each.split(": ", 1) for each in options["-H"]),
        body=(options["-d"] or [None])[0],
        status=int(status.removeprefix("HTTP/1.1 ")),
        answer_headers=dict(each.split(": ", 1) for each in lines),
        answer=json.loads(body),
    )


def test_every_example_answers_as_it_is_written(
    make_own_app: MakeApp, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    visitor = Visitor(make_own_app(base_url=SERVER))
    real = {TOKEN: TOKEN, CODE: CODE}
    examples = read_examples()
    for each in examples:
        if each.address.endswith("/queue"):
            let_the_session_run(town, clock)
        answer = send(visitor, each, real)
        if each.status == 201:
            real = {TOKEN: answer.json["token"], CODE: answer.json["code"]}
        assert answer.status == each.status, (each, answer.html)
        for name, value in each.answer_headers.items():
            assert answer.headers[name].replace(real[TOKEN], TOKEN) == value
        assert shortened(as_written(answer, real), each.answer) == each.answer, each.address
        assert forecasts_in(as_written(answer, real)) == forecasts_in(each.answer)


def test_there_is_an_example_of_every_route(make_own_app: MakeApp) -> None:
    app = make_own_app()
    matcher = app.url_map.bind("localhost")
    shown = {matcher.match(each.address.partition("?")[0], each.method)[0] for each in read_examples()}
    assert shown == {each.endpoint for each in app.url_map.iter_rules() if each.endpoint.startswith("api.")}


def send(visitor: Visitor, example: Example, real: dict[str, str]) -> Page:
    address = example.address.replace(TOKEN, real[TOKEN])
    body = example.body
    if body is not None and PROOF in body:
        body = body.replace(PROOF, proof_for(visitor))
    return visitor.open(address, method=example.method, headers=dict(example.headers), data=body)


def as_written(answer: Page, real: dict[str, str]) -> Any:
    """The answer with the document's token and code in place of the real ones."""
    return json.loads(answer.html.replace(real[TOKEN], TOKEN).replace(real[CODE], CODE))


def shortened(answer: dict[str, Any], written: dict[str, Any]) -> dict[str, Any]:
    """The document shows the first of many free times, a forecast whose figures are no promise, and one challenge."""
    if "salt" in answer:
        assert answer.keys() == written.keys() and prove(answer) == solved(answer)
        return written
    if answer.get("forecast") and written["forecast"]:
        return {**answer, "forecast": written["forecast"]}
    return {**answer, "slots": answer["slots"][: len(written["slots"])]} if "slots" in answer else answer


def prove(challenge: dict[str, Any]) -> str:
    """By the program of the document, run as it stands there."""
    (program,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(program, names)
    return str(names["prove"](challenge))


def forecasts_in(answer: dict[str, Any]) -> dict[str, str] | None:
    """Fields of a forecast, with their kinds: the figures are another test's."""
    found = answer.get("forecast")
    return {name: type(value).__name__ for name, value in found.items()} if found else None


def let_the_session_run(town: LiveTown, clock: time_machine.Coordinates) -> None:
    """Three have taken a number, the third of them urgent; one is called; one appointment is still to come."""
    clock.move_to(at("09:41"))
    town.book("11:00")
    town.seat("awo-1")
    town.take_in()
    town.call_next("awo-1")
    town.take_in()
    town.take_in(urgent=True)
