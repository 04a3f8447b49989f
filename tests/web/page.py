"""A page as a browser takes it: a tree of elements, its forms as they are sent, the faults of its markup."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from werkzeug.test import TestResponse

_VOID = {"meta", "link", "input", "br", "img", "hr", "use", "path", "rect", "circle"}
_CLOSES_PARAGRAPH = {"form", "p", "ul", "ol", "div", "section", "h1", "h2", "h3", "fieldset", "article", "aside", "pre"}
_UNSEEN = {"script", "style", "title", "head"}


@dataclass
class Element:
    tag: str
    attrs: dict[str, str] = field(default_factory=dict)
    children: list[Element | str] = field(default_factory=list)

    def walk(self) -> Iterator[Element]:
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    def all(self, tag: str = "", **attrs: str) -> list[Element]:
        """Elements below with this tag and these attributes; `class_` asks for one class."""
        return [each for each in self.walk() if (not tag or each.tag == tag) and each._has(attrs)]

    def one(self, tag: str = "", **attrs: str) -> Element:
        found = self.all(tag, **attrs)
        assert len(found) == 1, f"{len(found)} elements {tag} {attrs}"
        return found[0]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._texts()).split())

    def _texts(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            elif child.tag not in _UNSEEN:
                yield from child._texts()

    def _has(self, attrs: dict[str, str]) -> bool:
        wanted = dict(attrs)
        css = wanted.pop("class_", None)
        plain = all(self.attrs.get(name.replace("_", "-")) == value for name, value in wanted.items())
        return plain and (css is None or css in self.attrs.get("class", "").split())


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("document")
        self.open = [self.root]
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _CLOSES_PARAGRAPH and any(each.tag == "p" for each in self.open):
            self.faults.append(f"<{tag}> within <p>, line {self.getpos()[0]}")
        names = [name for name, _ in attrs]
        self.faults += [f"{name} twice in <{tag}>" for name in set(names) if names.count(name) > 1]
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if self.open[-1].tag == tag:
            self.open.pop()
        else:
            self.faults.append(f"</{tag}> closes <{self.open[-1].tag}>, line {self.getpos()[0]}")

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


@dataclass
class Form:
    """What a press on a button sends. `fields`: all that is filled in or ticked as the page came."""

    action: str
    method: str
    fields: list[tuple[str, str]]
    buttons: list[Element]
    element: Element

    @property
    def values(self) -> dict[str, str]:
        return dict(self.fields)

    def offers(self, name: str) -> list[str]:
        """Values that can be chosen for this name: of buttons, radios, ticks and lists."""
        inputs = [each for each in self.element.all() if each.attrs.get("name") == name]
        options = [option for each in inputs if each.tag == "select" for option in each.all("option")]
        return [each.attrs.get("value", "") for each in (*inputs, *options) if each.tag != "select"]

    def filled(self, **changes: Any) -> dict[str, Any]:
        """What is sent with these fields changed: a list sends a name several times, None leaves it out."""
        sent: dict[str, Any] = {}
        for name, value in self.fields:
            sent.setdefault(name, []).append(value)
        return {name: value for name, value in {**sent, **changes}.items() if value is not None}


class Page:
    """One answer of the server."""

    def __init__(self, response: TestResponse) -> None:
        self.response = response
        self.status = response.status_code
        self.headers = response.headers
        self.html = response.get_data(as_text=True)
        response.close()
        builder = _Builder()
        if response.mimetype == "text/html":
            builder.feed(self.html)
        self.root = builder.root
        self.faults = builder.faults + ([f"<{builder.open[-1].tag}> is never closed"] if len(builder.open) > 1 else [])

    @property
    def text(self) -> str:
        return self.root.text

    @property
    def title(self) -> str:
        return "".join(each for each in self.root.one("title").children if isinstance(each, str))

    @property
    def location(self) -> str:
        return self.headers["Location"]

    @property
    def json(self) -> Any:
        return json.loads(self.html)

    @property
    def links(self) -> list[str]:
        return [each.attrs["href"] for each in self.root.all("a") if "href" in each.attrs]

    @property
    def forms(self) -> list[Form]:
        return [_form(each) for each in self.root.all("form")]

    def form(self, action: str) -> Form:
        """The form whose address ends with this, or goes on with a query or a fragment."""
        found = [each for each in self.forms if each.action.split("?")[0].split("#")[0].endswith(action)]
        assert found, f"no form to {action} in {[each.action for each in self.forms]}"
        return found[0]

    def has_form(self, action: str) -> bool:
        return any(each.action.split("?")[0].split("#")[0].endswith(action) for each in self.forms)

    def wrong(self, name: str) -> str:
        """What is said to be wrong at this field; empty: nothing."""
        return " ".join(each.text for each in self.root.all(id=f"{name}-wrong"))


def _form(element: Element) -> Form:
    fields = []
    for each in element.all():
        if each.tag == "input" and "name" in each.attrs and _is_sent(each):
            fields.append((each.attrs["name"], each.attrs.get("value", "")))
        if each.tag == "select":
            chosen = [option for option in each.all("option") if "selected" in option.attrs] or each.all("option")[:1]
            fields += [(each.attrs["name"], option.attrs.get("value", "")) for option in chosen]
    return Form(
        element.attrs.get("action", ""),
        element.attrs.get("method", "get"),
        fields,
        element.all("button"),
        element,
    )


def _is_sent(field_: Element) -> bool:
    return field_.attrs.get("type") not in ("radio", "checkbox") or "checked" in field_.attrs
