"""Requests of programs: JSON bodies whose fields are those of the API's own models, and the queries of its lists."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any
from urllib.parse import quote

from flask import Flask
from pydantic import BaseModel
from werkzeug.routing import Rule

from bench.bad_input_forms import encode
from bench.bad_input_requests import FORM, JSON, Request
from bench.bad_input_town import Person, Scene
from bench.bad_input_values import KINDS, json_value
from scheduler.domain.proofs import make_challenge
from scheduler.web.api import bodies
from scheduler.web.app import LARGEST_BODY
from scheduler.web.proofs import LASTS
from tests.conftest import SECRET

PREFIX = "/api/"
NUMBERS = 100
"""Of a proof of work: more than the settings of tests ask for."""
HONEST: dict[str, tuple[Any, ...]] = {
    "age_group": ("under_27", "from_27", "family", "unknown"),
    "service": ("MBE", "JMD"),
    "concern": ("letter", "advice", "known", "unsure"),
    "language": ("de", "ar", "uk", "other"),
    "adviser": ("awo-1", "ib-1"),
    "place": ("buergerbuero", "awo-buero"),
    "opening": ("buergerbuero-mi/2026-12-02", "buergerbuero-mi/2026-12-09", "awo-do/2026-12-03"),
    "locale": ("de", "en", "ar"),
    "people": (1, 2, 20),
    "from": ("2026-11-25", "2026-12-01"),
    "until": ("2026-12-09", "2026-12-20"),
    "email": tuple(f"client-{each}@example.org" for each in range(20)),
    "phone": ("+491712345678",),
    "reminders": (True, False),
}
"""What a well-meaning program sends, by field."""
_WEDNESDAYS = [
    f"2026-12-{day:02}T{hour}:{minute:02}:00+01:00" for day in (2, 16) for hour in (10, 11) for minute in (0, 15)
]
_THURSDAYS = [f"2026-12-{day:02}T13:{minute:02}:00+01:00" for day in (3, 10) for minute in (0, 15, 30, 45)]
_STARTS = {"buergerbuero": _WEDNESDAYS, "awo-buero": _THURSDAYS}
CONTENT_TYPES = ("", "text/plain", FORM, "application/json; charset=latin-1", "application/vnd.api+json", "json", "é")
KEYS = ("0123456789abcdef-0123", '"0123456789abcdef-4567"', "short", "é" * 20, "x" * 200, "x" * 201)


class ApiMaker:
    def __init__(self, app: Flask, chance: Random, scene: Scene) -> None:
        self.chance, self.scene = chance, scene
        rules = sorted(app.url_map.iter_rules(), key=lambda each: each.rule)
        self.routes = [
            (rule, method)
            for rule in rules
            if rule.rule.startswith(PREFIX)
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
            for _ in range(4 if method in ("POST", "PATCH") else 1)
        ]
        self.models = [
            each
            for each in vars(bodies).values()
            if isinstance(each, type) and issubclass(each, BaseModel) and each.model_fields
        ]
        self.changed: Counter[tuple[str, str]] = Counter()
        """How often each field was changed, by route and name."""

    def make(self, person: Person, parts: Mapping[str, list[str]]) -> tuple[Person, Request]:
        rule, method = self.chance.choice(self.routes)
        path = rule.rule
        for name in rule.arguments:
            known = [*(self.scene.tokens if name == "token" else ()), *parts.get(name, ["1"])]
            path = path.replace(f"<{name}>", quote(self._slip(self.chance.choice(known)), safe=""))
        request = Request(person.name, method, path, headers=self._headers(method), about="as it should be")
        if method in ("GET", "DELETE"):
            return person, self._with_query(request, rule)
        return person, self._with_body(request, rule)

    def _slip(self, value: str) -> str:
        return (
            value
            if self.chance.random() < 0.85
            else KINDS["near"](self.chance, value.encode()).decode("utf-8", "replace")
        )

    def _headers(self, method: str) -> dict[str, str]:
        return {"Idempotency-Key": self.chance.choice(KEYS)} if method == "POST" and self.chance.random() < 0.2 else {}

    def _with_query(self, request: Request, rule: Rule) -> Request:
        names = sorted({info.alias or name for model in self.models for name, info in model.model_fields.items()})
        pairs = []
        for name in self.chance.sample(names, self.chance.randint(0, 4)):
            value, changed = str(self._honest(name)).encode(), self.chance.random() < 0.5
            if changed:
                self.changed[f"{request.method} {rule.rule}", name] += 1
                value = self.chance.choice(list(KINDS.values()))(self.chance, value)
            pairs += [(name.encode(), value)] * self.chance.choice([1, 1, 1, 2])
        return replace(request, query=encode(pairs).decode(), about="a query")

    def _with_body(self, request: Request, rule: Rule) -> Request:
        body = self._body(rule, request.method)
        text = {name: json.dumps(value) for name, value in body.items()}
        way = self.chance.random()
        if way < 0.25:
            return self._send(request, text)
        if way < 0.75:
            return self._change_fields(request, rule, text, body)
        return self._change_as_a_whole(self._send(request, text))

    def _body(self, rule: Rule, method: str) -> dict[str, Any]:
        """Mostly what this route takes; of a route that is not known here, fields of any model."""
        if "booking" in rule.rule and method == "PATCH":
            return self._start()
        if rule.rule.endswith("/bookings"):
            named = self._start()
            more = ("age_group", "concern", "locale", "people", "contact")
            named |= {each: self._honest(each) for each in more if self.chance.random() < 0.6}
            return named if self.chance.random() < 0.1 else named | {"proof": self._prove()}
        model = self.chance.choice(self.models)
        return {info.alias or name: self._honest(name) for name, info in model.model_fields.items()}

    def _start(self) -> dict[str, Any]:
        place = self.chance.choice(sorted(_STARTS))
        return {"place": place, "starts_at": self.chance.choice(_STARTS[place])}

    def _prove(self) -> str:
        """As after a challenge: the work is small here, and its number known."""
        lasts, number = datetime.now(UTC) + LASTS, self.chance.randrange(NUMBERS)
        salt = f"salt{self.chance.getrandbits(64)}"
        challenge = make_challenge(SECRET, salt=salt, number=number, numbers=NUMBERS, expires_at=lasts)
        return f"{challenge.token}.{number}"

    def _honest(self, name: str) -> Any:
        if name == "starts_at":
            return self._start()["starts_at"]
        if name == "contact":
            return {each: self._honest(each) for each in ("email", "phone", "reminders") if self.chance.random() < 0.7}
        return self.chance.choice(HONEST.get(name, ("x",)))

    def _change_fields(self, request: Request, rule: Rule, text: dict[str, str], body: dict[str, Any]) -> Request:
        names = sorted({*text, *(name for model in self.models for name in model.model_fields), "x"})
        chosen = sorted(
            names, key=lambda each: (self.changed[f"{request.method} {rule.rule}", each], self.chance.random())
        )
        for name in chosen[: self.chance.choice([1, 1, 1, 2, 3])]:
            self.changed[f"{request.method} {rule.rule}", name] += 1
            if self.chance.random() < 0.08:
                text.pop(name, None)
            elif isinstance(body.get(name), dict) and self.chance.random() < 0.7:
                inner = {each: json.dumps(value) for each, value in body[name].items()}
                inner[self.chance.choice(["email", "phone", "reminders", "x"])] = self._raw("ada@example.org")
                text[name] = _object(inner)
            else:
                text[name] = self._raw(body.get(name, ""))
        return replace(self._send(request, text), about=f"JSON: {', '.join(chosen[:3])}")

    def _raw(self, honest: object) -> str:
        return json_value(self.chance, honest).decode("latin-1")

    def _change_as_a_whole(self, request: Request) -> Request:
        body = request.body
        ways = [
            replace(request, body=body[: self.chance.randint(0, len(body))], about="cut off"),
            replace(request, body=json_value(self.chance, "x"), about="another type at the top"),
            replace(request, content_type=self.chance.choice(CONTENT_TYPES), about="another content type"),
            replace(request, body=b"\xef\xbb\xbf" + body, about="with a byte order mark"),
            replace(request, body=body.decode("utf-8", "replace").encode("utf-16"), about="UTF-16"),
            replace(request, body=body + body, about="twice in one"),
            replace(request, body=body[:-1] + b',"x":"' + b"x" * LARGEST_BODY + b'"}', about="longer than allowed"),
            replace(request, body=body[:-1] + b"," + body[1:], about="all fields doubled"),
            replace(request, body=b"[" + body + b"]", about="in a list"),
            replace(request, body=self.chance.randbytes(100), about="noise"),
            replace(
                request, method=self.chance.choice(["PUT", "PATCH", "POST", "DELETE", "GET"]), about="another method"
            ),
        ]
        return self.chance.choice(ways)

    def _send(self, request: Request, text: Mapping[str, str]) -> Request:
        return replace(request, body=_object(text).encode("latin-1", "replace"), content_type=JSON)


def _object(text: Mapping[str, str]) -> str:
    return "{" + ", ".join(f'"{name}": {value}' for name, value in text.items()) + "}"
