"""Whatever is said to people is found by what collects the texts for translation."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[1] / "scheduler"
GETTEXT = {"_", "gettext", "ngettext", "lazy_gettext"}


def hidden_texts(source: str) -> Iterator[str]:
    """Texts inside an f-string: nothing collects them, and they stay English without anybody being told."""
    for outer in ast.walk(ast.parse(source)):
        if isinstance(outer, ast.JoinedStr):
            for call in ast.walk(outer):
                if isinstance(call, ast.Call) and ast.unparse(call.func) in GETTEXT:
                    yield ast.unparse(call)


@pytest.mark.parametrize(("source", "hidden"), [('_("Yes") + f"{name}"', []), ("f\"{_('Yes')} {name}\"", ["_('Yes')"])])
def test_a_hidden_text_is_noticed(source: str, hidden: list[str]) -> None:
    assert list(hidden_texts(source)) == hidden


def test_no_text_is_hidden_from_translation() -> None:
    found = {str(path): list(hidden_texts(path.read_text("utf-8"))) for path in SOURCES.rglob("*.py")}
    assert {name: texts for name, texts in found.items() if texts} == {}
