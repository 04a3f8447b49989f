"""Keeps the catalogues whole: `python -m scheduler.translations update` or `check`. For developers and CI.

The sources' own texts are English; German and Arabic have a catalogue each.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent
LOCALES = ("de", "ar")
_METHODS = [("scheduler/**.py", "python"), ("templates/**.html", "jinja2"), ("templates/**.txt", "jinja2")]
_OPTIONS = {"templates/**.html": {"silent": "false"}, "templates/**.txt": {"silent": "false", "trimmed": "true"}}
_KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
    "npgettext": (2, 3),
}
_NOISE = re.compile(r'^(# .*|#|"(POT-Creation|PO-Revision|Last-Tr|Language-Te|Generated|Report).*)\n', re.MULTILINE)
_PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")


def extract() -> Catalog:
    """All texts in the sources, in order."""
    found = Catalog(project="Sprechstunde", version="1", charset="utf-8")
    for folder in ("scheduler", "templates"):
        methods = [(pattern, method) for pattern, method in _METHODS if pattern.startswith(folder)]
        for file, line, text, _comments, context in extract_from_dir(
            str(ROOT / folder),
            method_map=[(pattern.removeprefix(f"{folder}/"), method) for pattern, method in methods],
            options_map={pattern.removeprefix(f"{folder}/"): options for pattern, options in _OPTIONS.items()},
            keywords=_KEYWORDS,
        ):
            found.add(text, None, [(f"{folder}/{file}", line)], context=context)
    return found


def read(locale: str) -> Catalog:
    path = _path(locale)
    if not path.exists():
        return Catalog(locale=locale, project="Sprechstunde", version="1", charset="utf-8")
    return read_po(BytesIO(path.read_bytes()), locale=locale)


def update() -> None:
    """Bring the catalogues up to date: new texts empty, texts that are gone left out."""
    for locale in LOCALES:
        catalogue = read(locale)
        catalogue.update(extract(), no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        _path(locale).parent.mkdir(parents=True, exist_ok=True)
        with _path(locale).open("wb") as file:
            # No line numbers and no dates: a catalogue changes when a text does.
            write_po(file, catalogue, width=100, no_location=True, omit_header=False, sort_output=True)
        _path(locale).write_text(_NOISE.sub("", _path(locale).read_text("utf-8")), "utf-8")


def problems() -> Iterator[str]:
    """One line for each text that is missing, left over, or has other placeholders than its source."""
    source = {each.id: each for each in extract() if each.id}
    for locale in LOCALES:
        translated = {each.id: each for each in read(locale) if each.id}
        for key in source.keys() - translated.keys():
            yield f"{locale}: not in the catalogue: {key!r}"
        for key in translated.keys() - source.keys():
            yield f"{locale}: no longer in the sources: {key!r}"
        for key in source.keys() & translated.keys():
            yield from (f"{locale}: {reason}: {key!r}" for reason in _wrong_with(translated[key]))


def _wrong_with(message: Message) -> Iterator[str]:
    texts = message.string if isinstance(message.string, (tuple, list)) else (message.string,)
    if message.fuzzy or not all(texts):
        yield "not translated"
        return
    ids = message.id if isinstance(message.id, (tuple, list)) else (message.id,)
    wanted = set(_PLACEHOLDER.findall(ids[-1]))
    # A plural form may say its number in words ("one person"), so only unknown placeholders are wrong there.
    for text in texts:
        used = set(_PLACEHOLDER.findall(text or ""))
        if used - wanted or (len(texts) == 1 and used != wanted):
            yield f"placeholders differ ({sorted(used)} instead of {sorted(wanted)})"


def _path(locale: str) -> Path:
    return FOLDER / locale / "LC_MESSAGES" / "messages.po"


def main() -> int:
    if sys.argv[1:] == ["update"]:
        update()
        return 0
    found = sorted(problems())
    for each in found:
        sys.stderr.write(each + "\n")
    sys.stdout.write(f"Catalogues {', '.join(LOCALES)}: {len(found) or 'no'} problems\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
