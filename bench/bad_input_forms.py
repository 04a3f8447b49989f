"""What a page lets its reader send: its forms with all their fields, and its links; filled in as honest people do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from urllib.parse import quote_from_bytes, urljoin, urlsplit

from scheduler.domain.proofs import solve
from tests.web.page import Element, Page

Pairs = list[tuple[bytes, bytes]]
"""Names and values, in the order in which they are sent."""

TOKEN, PROOF = "csrf_token", "proof"
_PICKED = ("radio", "checkbox", "submit", "button")
_TYPED = {
    "email": ("ada@example.org", "", *(f"client-{each}@example.org" for each in range(20))),
    "tel": ("0171 2345678", "+49 69 90009123", ""),
    "date": ("2026-11-25", "2026-11-26", "2026-12-02", "2026-11-24", "2026-12-09"),
    "time": ("09:00", "09:15", "10:30", "11:00", "12:00", "13:00", "14:30"),
    "number": ("1", "2", "3", "17", "45"),
    "url": ("https://calendar.example/a.ics", "https://calendar.example/b.ics"),
    "password": ("open sesame", "open sesame", "2580", "a wrong one", "another long password"),
}
_BY_NAME = {"code": "code", "pin": "password", "secret": "password", "address": "url", "login": "login"}


@dataclass(frozen=True)
class Field:
    """One name of a form. `value`: as the page came, None where it is not ticked. `offers`: what can be picked."""

    name: str
    kind: str
    value: str | None
    offers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Form:
    page: str
    """The address on which it stands."""
    path: str
    query: str
    method: str
    fields: tuple[Field, ...]
    challenge: tuple[str, str, str, int] | None = None
    """What the browser works out before it is sent: token, salt, hash and how many numbers there are."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.fields)

    @property
    def token(self) -> str:
        return next((each.value or "" for each in self.fields if each.name == TOKEN), "")


def read_forms(page: Page, address: str) -> list[Form]:
    """All forms of a page, with fields that stand elsewhere and name their form; a button's own address is another."""
    found = []
    for element in page.root.all("form"):
        form = _read_form(element, page, address)
        found.append(form)
        for button in element.all("button"):
            if "formaction" in button.attrs:
                whole = urlsplit(urljoin(f"http://localhost{address}", button.attrs["formaction"]))
                method = button.attrs.get("formmethod", form.method).upper()
                found.append(replace(form, path=whole.path, query=whole.query, method=method))
    return found


def read_links(page: Page, address: str) -> list[str]:
    """Where the page leads to on this site, fragments left out; pictures and parts that are fetched later, too."""
    given = [
        each.attrs[name] for each in page.root.walk() for name in ("href", "src", "data-poll") if name in each.attrs
    ]
    whole = [urlsplit(urljoin(f"http://localhost{address}", each)) for each in given]
    return [f"{each.path}?{each.query}".rstrip("?") for each in whole if each.netloc == "localhost" and each.path]


def fill(form: Form, chance: Random, known: dict[str, tuple[str, ...]]) -> Pairs:
    """As somebody sends it who means well. `known`: what people know by heart, such as codes."""
    pairs = [(each.name.encode(), value.encode()) for each in form.fields for value in _answer(each, chance, known)]
    if form.challenge is None:
        return pairs
    token, *asked = form.challenge
    proof = f"{token}.{solve(*asked)}".encode()  # type: ignore[arg-type]
    return [(name, proof if name == PROOF.encode() else value) for name, value in pairs]


def encode(pairs: Pairs) -> bytes:
    """As browsers do, whatever bytes the values hold."""
    return b"&".join(quote_from_bytes(name).encode() + b"=" + quote_from_bytes(value).encode() for name, value in pairs)


def encode_parts(pairs: Pairs, boundary: bytes, as_file: bytes = b"") -> bytes:
    """As multipart/form-data; the field named `as_file` as an uploaded file."""
    parts = b""
    for name, value in pairs:
        file = b'; filename="../../x.png"\r\nContent-Type: image/png' if name == as_file else b""
        parts += b"--" + boundary + b'\r\nContent-Disposition: form-data; name="' + name + b'"' + file
        parts += b"\r\n\r\n" + value + b"\r\n"
    return parts + b"--" + boundary + b"--\r\n"


def _read_form(element: Element, page: Page, address: str) -> Form:
    inside = list(element.walk())
    elsewhere = [
        each for each in page.root.walk() if element.attrs.get("id") and each.attrs.get("form") == element.attrs["id"]
    ]
    whole = urlsplit(urljoin(f"http://localhost{address}", element.attrs.get("action", "")))
    fields, challenge = _merge(_read_fields([*inside, *elsewhere])), _read_challenge(element)
    if challenge and PROOF not in [each.name for each in fields]:
        fields.append(Field(PROOF, "hidden", ""))
    return Form(address, whole.path, whole.query, element.attrs.get("method", "get").upper(), tuple(fields), challenge)


def _read_challenge(element: Element) -> tuple[str, str, str, int] | None:
    given = element.attrs
    if "data-challenge" not in given:
        return None
    return given["data-challenge"], given["data-salt"], given["data-hash"], int(given["data-numbers"])


def _read_fields(elements: list[Element]) -> Iterator[Field]:
    for each in elements:
        name = each.attrs.get("name")
        if not name or each.tag not in ("input", "select", "textarea", "button"):
            continue
        if each.tag == "select":
            options = [
                (option.attrs.get("value", option.text), "selected" in option.attrs) for option in each.all("option")
            ]
            chosen = [value for value, is_chosen in options if is_chosen] or [value for value, _ in options[:1]]
            yield Field(name, "select", chosen[0] if chosen else None, tuple(value for value, _ in options))
        elif each.tag == "textarea":
            yield Field(name, "text", each.text)
        else:
            kind = each.attrs.get("type", "submit" if each.tag == "button" else "text")
            value = each.attrs.get("value", "on" if kind == "checkbox" else "")
            is_sent = kind not in _PICKED or "checked" in each.attrs
            yield Field(name, kind, value if is_sent else None, (value,) if kind in _PICKED else ())


def _merge(fields: Iterator[Field]) -> list[Field]:
    """Buttons and ticks of one name are one field with several offers."""
    merged: dict[str, Field] = {}
    for each in fields:
        before = merged.get(each.name)
        value = each.value if before is None or before.value is None else before.value
        merged[each.name] = Field(each.name, each.kind, value, (*(before.offers if before else ()), *each.offers))
    return list(merged.values())


def _answer(field: Field, chance: Random, known: dict[str, tuple[str, ...]]) -> list[str]:
    kind = _BY_NAME.get(field.name, field.kind)
    match kind:
        case "checkbox":
            return [each for each in field.offers if chance.random() < 0.5]
        case "radio" | "select" | "submit" | "button":
            return [chance.choice(field.offers)] if field.offers else []
        case "hidden":
            return [field.value or ""]
    if field.value and chance.random() < 0.5:
        return [field.value]
    return [chance.choice(known.get(kind) or _TYPED.get(kind) or (field.value or "", "2", "Ada"))]
