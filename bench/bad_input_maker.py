"""Makes up requests: every field of every form it has seen, every route, every field of the API, changed in some way.

Which one comes next is chance, but the fields that were changed least often come first, and each time in another way.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from random import Random
from urllib.parse import parse_qsl, quote, quote_from_bytes

from flask import Flask
from werkzeug.routing import Rule

from bench.bad_input_api import ApiMaker
from bench.bad_input_around import BROKEN_BOUNDARY, CONTENT_TYPES, HEADERS, METHODS, names_read
from bench.bad_input_forms import TOKEN, Field, Form, Pairs, encode, encode_parts, fill
from bench.bad_input_requests import FORM, Request, Sender
from bench.bad_input_town import Person, Scene
from bench.bad_input_values import KINDS
from scheduler.web.app import LARGEST_BODY, csrf
from tests.web.addresses import all_addresses

Key = tuple[str, str]
"""An endpoint and its method, or one with a field."""

_ARGUMENT = re.compile(r"<(?:[^<>]*:)?(\w+)>")
MOST_OF_A_KIND = 12
"""Forms that are remembered of those that lead to the same view."""
FORM_KINDS = ("missing", "doubled", "conflicting", "another's", "as a file", "within its name", *KINDS)
"""What can be done to a field: besides values of every kind, to the field itself."""
_SURELY_WRONG = ("missing", "empty", "number", "word", "date", "blank", "another's")
"""Kinds that never leave a token as it was."""


class Maker:
    """`look` opens a page for a person, so that its forms are those of now; it is called before they are used."""

    def __init__(self, app: Flask, sender: Sender, scene: Scene, chance: Random, only: str = "") -> None:
        self.app, self.sender, self.scene, self.chance, self.only = app, sender, scene, chance, only
        self.look: Callable[[Person, str], None] = lambda _person, _address: None
        self.changed: Counter[tuple[str, str, str]] = Counter()
        """How often each field was changed, by endpoint, method and name."""
        self.in_ways: Counter[tuple[str, str, str, str]] = Counter()
        self.seen: set[tuple[str, str]] = set()
        """Views to which a form was found, with their method."""
        self.forms: dict[tuple[str, str], list[tuple[Person, Form]]] = {}
        self.parts: dict[str, list[str]] = defaultdict(list)
        """Values that addresses have had, by the name of the part of the address."""
        self.values: list[bytes] = []
        """Values that forms have had, whatever they name."""
        self.routes_to_do: list[tuple[Rule, str]] = []
        self.again: Request | None = None
        self.names_read = names_read()
        self.api = ApiMaker(app, chance, scene)

    def begin(self) -> None:
        """A round begins: forms of the last one are gone, all routes are to be tried."""
        self.forms.clear()
        self.again = None
        self.routes_to_do = self._all_routes()

    def _all_routes(self) -> list[tuple[Rule, str]]:
        routes = [(rule, method) for rule in self._rules() for method in sorted(rule.methods or ())]
        self.chance.shuffle(routes)
        return routes

    def entries(self) -> list[str]:
        """One of each kind that can be opened."""
        addresses = all_addresses(self.app, self.scene.town, self.scene.rows)
        return [addresses[each] for each in sorted(addresses) if self.only in each]

    def _rules(self) -> list[Rule]:
        rules = sorted(self.app.url_map.iter_rules(), key=lambda each: (each.rule, each.endpoint))
        return [each for each in rules if self.only in each.endpoint]

    def note_page(self, person: Person, address: str, forms: Iterable[Form], links: Iterable[str]) -> None:
        """What a page lets its reader do next."""
        path, _, query = address.partition("?")
        fields = tuple(Field(name, "hidden", value) for name, value in parse_qsl(query))
        for form in [*forms, Form(address, path, "", "GET", fields)]:  # an address with a query is a form, too
            endpoint = self.sender.endpoint_of(form.method, form.path)
            if endpoint and endpoint != "static" and form.fields:
                known = self.forms.setdefault((endpoint, form.method), [])
                known[:] = [each for each in known if each[1].path != form.path or each[1].names != form.names]
                known[:] = [*known, (person, form)][-MOST_OF_A_KIND:]
                self.seen.add((endpoint, form.method))
                for each in form.fields:
                    self.changed.setdefault((endpoint, form.method, each.name), 0)
                self._note_values(form)
        for link in (address, *links):
            for name, value in self.sender.arguments_of(link.partition("?")[0]).items():
                if value not in self.parts[name]:
                    self.parts[name] = [*self.parts[name], value][-40:]

    def make(self) -> tuple[Person, Request]:
        """The next one, and who sends it."""
        if self.again is not None and self.chance.random() < 0.5:
            again, self.again = self.again, None
            return self.scene.people[again.who], replace(again, about=f"again: {again.about}")
        kind = self.chance.random()
        if self.only:
            self.routes_to_do = self.routes_to_do or self._all_routes()
            return self._route(*self.routes_to_do.pop())
        if kind < 0.12 and self.routes_to_do:
            return self._route(*self.routes_to_do.pop())
        if kind < 0.24:
            person, request = self.api.make(self._anybody(), self.parts)
        elif kind < 0.36:
            person, request = self._honest(*self._pick_form())
        elif kind < 0.56:
            person, request = self._changed_as_a_whole(*self._pick_form())
        elif kind < 0.62:
            person, request = self._strange_address()
        else:
            person, request = self._changed_field()
        self.again = request if self.chance.random() < 0.05 else None
        return person, request

    def _note_values(self, form: Form) -> None:
        for each in form.fields:
            for value in (each.value, *each.offers):
                if value and each.name != TOKEN and value.encode() not in self.values:
                    self.values = [*self.values, value.encode()][-300:]

    def _pick_form(self, key: tuple[str, str] | None = None) -> tuple[Person, Form]:
        """A form of this kind, or of any, mostly as its page shows it now."""
        posts = sorted(each for each in self.forms if each[1] == "POST")
        person, form = self.chance.choice(self.forms[key or self.chance.choice(posts or sorted(self.forms))])
        if form.page and self.chance.random() < 0.8:
            self.look(person, form.page)
            now = [each for owner, each in self.forms.get(self._key_of(form), []) if owner is person]
            form = next((each for each in now if each.path == form.path and each.names == form.names), form)
        return person, form

    def _key_of(self, form: Form) -> tuple[str, str]:
        return self.sender.endpoint_of(form.method, form.path), form.method

    def _fill(self, person: Person, form: Form) -> Pairs:
        token = person.token.encode()
        return [
            (name, token if name == TOKEN.encode() else value)
            for name, value in fill(form, self.chance, self.scene.known)
        ]

    def _honest(self, person: Person, form: Form) -> tuple[Person, Request]:
        return person, self._request(person, form, self._fill(person, form), "as it should be")

    def _changed_field(self) -> tuple[Person, Request]:
        """The field that was changed least often, in a way that it was not changed yet."""
        open_to = [each for each in self.changed if (each[0], each[1]) in self.forms]
        least = min(self.changed[each] for each in open_to)
        endpoint, method, name = self.chance.choice([each for each in open_to if self.changed[each] == least])
        person, form = self._pick_form((endpoint, method))
        if name not in form.names:
            self.changed[endpoint, method, name] += 1  # it has gone from there: not stuck at it
            name = self.chance.choice(form.names)
        kind = self._way_for(endpoint, method, name)
        self.changed[endpoint, method, name] += 1
        return self._change(person, form, name, kind)

    def _way_for(self, endpoint: str, method: str, name: str) -> str:
        used = {each: self.in_ways[endpoint, method, name, each] for each in FORM_KINDS}
        kind = self.chance.choice([each for each in FORM_KINDS if used[each] == min(used.values())])
        self.in_ways[endpoint, method, name, kind] += 1
        return kind

    def _change(self, person: Person, form: Form, name: str, kind: str) -> tuple[Person, Request]:
        pairs, raw = self._fill(person, form), name.encode()
        if all(known != raw for known, _ in pairs):  # not ticked
            pairs.append(
                (raw, next((each.offers[0].encode() for each in form.fields if each.name == name and each.offers), b""))
            )
        about = f"{form.path}: {name}, {kind}"
        if kind == "as a file":
            body = encode_parts(pairs, b"b", raw)
            return person, replace(self._request(person, form, pairs, about), body=body, content_type=BROKEN_BOUNDARY)
        request = self._request(person, form, self._with(pairs, raw, kind), about)
        has_token = name != TOKEN or kind not in _SURELY_WRONG or self._needs_no_token(form)
        return person, replace(request, has_token=has_token)

    def _with(self, pairs: Pairs, name: bytes, kind: str) -> Pairs:
        changed: Pairs = []
        for known, value in pairs:
            if known != name:
                changed.append((known, value))
                continue
            match kind:
                case "missing":
                    pass
                case "doubled":
                    changed += [(name, value), (name, value)]
                case "conflicting":
                    changed += [(name, value), (name, self._any_value())]
                case "another's":
                    changed.append((name, self._any_value()))
                case "within its name":
                    changed.append((self.chance.choice([name + b"[]", name.upper(), b" " + name, name + b"\0"]), value))
                case _:
                    changed.append((name, KINDS[kind](self.chance, value)))
        return changed

    def _any_value(self) -> bytes:
        """What some other field, row, place or adviser is known by."""
        several = [each.encode() for some in self.parts.values() for each in some]
        return self.chance.choice(self.values + several + [b"1", b"2", b"3", b"17"])

    def _needs_no_token(self, form: Form) -> bool:
        """Whether this view takes a form without one, and says so where the application is put together."""
        view = self.app.view_functions.get(self.sender.endpoint_of(form.method, form.path))
        name = f"{view.__module__}.{view.__name__}" if view else ""
        return form.method != "POST" or TOKEN not in form.names or name in csrf._exempt_views

    def _changed_as_a_whole(self, person: Person, form: Form) -> tuple[Person, Request]:
        pairs = self._fill(person, form)
        request = self._request(person, form, pairs, "")
        ways: list[Callable[[], Request]] = [
            lambda: self._without_token(request, form, pairs),
            lambda: self._with_foreign_token(request, form, pairs),
            lambda: self._from_somebody_else(request, form, pairs),
            lambda: replace(request, body=request.body[: self.chance.randint(0, len(request.body))], about="cut off"),
            lambda: replace(request, content_type=self.chance.choice(CONTENT_TYPES), about="another content type"),
            lambda: self._in_parts(request, pairs),
            lambda: replace(request, body=request.body + b"&x=" + b"x" * LARGEST_BODY, about="longer than allowed"),
            lambda: replace(request, body=request.body + b"&a=1" * 3000, about="thousands of fields"),
            lambda: replace(request, body=self.chance.randbytes(200), about="noise"),
            lambda: self._to_another_form(request),
            lambda: replace(
                request, body=request.body + b"&" + self._of_another_form(), about="with fields of another form"
            ),
            lambda: replace(request, method=self.chance.choice(METHODS), about="another method"),
            lambda: replace(request, query=request.body.decode("ascii", "replace"), about="in the address, too"),
            lambda: replace(request, path=self._other_ids(form.path), about="other ids"),
            lambda: self._several(request, person, form, pairs),
            lambda: self._with_header(request),
        ]
        made = self.chance.choice(ways)()
        return self.scene.people[made.who], replace(made, about=f"{form.path}: {made.about}")

    def _without_token(self, request: Request, form: Form, pairs: Pairs) -> Request:
        kept = [each for each in pairs if each[0] != TOKEN.encode()]
        return replace(request, body=encode(kept), has_token=self._needs_no_token(form), about="without its token")

    def _with_foreign_token(self, request: Request, form: Form, pairs: Pairs) -> Request:
        other = self._anybody(but=request.who).token.encode()
        given = [(name, other if name == TOKEN.encode() else value) for name, value in pairs]
        return replace(request, body=encode(given), has_token=self._needs_no_token(form), about="with another's token")

    def _from_somebody_else(self, request: Request, form: Form, pairs: Pairs) -> Request:
        other = self._anybody(but=request.who)
        given = [(name, other.token.encode() if name == TOKEN.encode() else value) for name, value in pairs]
        return replace(self._request(other, form, given, f"a form of {request.who}"))

    def _in_parts(self, request: Request, pairs: Pairs) -> Request:
        body = encode_parts(pairs, b"b")
        broken = self.chance.choice(
            [body, body[:-6], body.replace(b"\r\n", b"\n"), b"--b--", body.replace(b'"', b"", 1), body[5:]]
        )
        return replace(request, body=broken, content_type=BROKEN_BOUNDARY, about="in parts")

    def _to_another_form(self, request: Request) -> Request:
        _, other = self.chance.choice(self.forms[self.chance.choice(sorted(self.forms))])
        return replace(request, method=other.method, path=other.path, query=other.query, about=f"sent to {other.path}")

    def _of_another_form(self) -> bytes:
        person, other = self.chance.choice(self.forms[self.chance.choice(sorted(self.forms))])
        return encode([each for each in self._fill(person, other) if each[0] != TOKEN.encode()])

    def _several(self, request: Request, person: Person, form: Form, pairs: Pairs) -> Request:
        for name in {name for name, _ in pairs if name != TOKEN.encode() and self.chance.random() < 0.5}:
            pairs = self._with(pairs, name, self.chance.choice([each for each in FORM_KINDS if each != "as a file"]))
        return self._request(person, form, pairs, "several fields")

    def _with_header(self, request: Request) -> Request:
        name = self.chance.choice(sorted(HEADERS))
        value = self.chance.choice(HEADERS[name])
        return replace(request, headers={name: value}, has_token=True, about=f"with {name}")

    def _other_ids(self, path: str) -> str:
        """The same address about other rows, or about none."""
        parts = path.split("/")
        for place, part in enumerate(parts):
            if part.isdigit() or (len(part) > 12 and self.chance.random() < 0.5):
                kind = self.chance.choice(list(KINDS.values()))
                other = self._any_value() if self.chance.random() < 0.6 else kind(self.chance, part.encode())
                parts[place] = quote_from_bytes(other, safe=self.chance.choice(["", "/"]))
        return "/".join(parts)

    def _route(self, rule: Rule, method: str) -> tuple[Person, Request]:
        """This route, with parts that some address has had, or with strange ones."""
        person = self._anybody()
        path = _ARGUMENT.sub(lambda found: self._part(found[1]), rule.rule)
        form = Form("", path, "", method, (Field(TOKEN, "hidden", ""),) if method == "POST" else ())
        names = self.chance.sample(self.names_read, self.chance.randint(0, 6)) if method == "POST" else []
        pairs = self._fill(person, form) + [(each.encode(), self._query_value()) for each in names]
        request = self._request(person, form, pairs, f"route {rule.endpoint}")
        return person, replace(request, query=self._query() if self.chance.random() < 0.4 else "")

    def _part(self, name: str) -> str:
        if self.parts.get(name) and self.chance.random() < 0.7:
            return quote(self.chance.choice(self.parts[name]), safe="")
        if self.chance.random() < 0.5:
            return quote_from_bytes(self._any_value(), safe="")
        made = self.chance.choice(list(KINDS.values()))(self.chance, self._any_value())
        return quote_from_bytes(made, safe=self.chance.choice(["", "/", "%"])) or "-"

    def _strange_address(self) -> tuple[Person, Request]:
        """A page with names in its address that it reads, or might read; or no page at all."""
        person = self._anybody()
        address = self.chance.choice(person.pages) if person.pages else "/"
        path, _, query = address.partition("?")
        request = Request(
            person.name, self.chance.choice(["GET", "GET", "GET", "HEAD"]), path, about="a strange address"
        )
        more = self.chance.choice(
            [self._query(), f"{query}&{self._query()}", quote_from_bytes(self.chance.randbytes(20))]
        )
        if self.chance.random() < 0.2:
            return person, self._with_header(replace(request, query=query))
        return person, replace(request, path=self._other_ids(path) if self.chance.random() < 0.3 else path, query=more)

    def _query(self) -> str:
        names = self.chance.sample(self.names_read, self.chance.randint(1, 3))
        return encode([(each.encode(), self._query_value()) for each in names]).decode()

    def _query_value(self) -> bytes:
        honest = self._any_value()
        return honest if self.chance.random() < 0.4 else self.chance.choice(list(KINDS.values()))(self.chance, honest)

    def _anybody(self, but: str = "") -> Person:
        return self.chance.choice([each for each in self.scene.people.values() if each.name != but])

    def _request(self, person: Person, form: Form, pairs: Pairs, about: str) -> Request:
        if form.method in ("GET", "HEAD", "OPTIONS"):
            return Request(person.name, form.method, form.path, encode(pairs).decode(), about=about)
        return Request(person.name, form.method, form.path, form.query, encode(pairs), FORM, about=about)
