"""The shape of the code, read from its sources: which way the imports run, and what is nowhere to be found.

Each check is a function from a path and a text to problems, so that it is tried on a bad sample, too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("scheduler", "jobs", "config", "wsgi")
FLASK_FAMILY = ("flask", "flask_babel", "flask_limiter", "flask_login", "flask_wtf", "limits", "werkzeug", "wtforms")
"""Not Jinja: messages are rendered without Flask."""
MAY_IMPORT_FLASK = ("scheduler/web/", "scheduler/__init__.py", "scheduler/cli", "scheduler/demo", "wsgi.py")
MAY_ASK_THE_CLOCK = ("scheduler/web/", "scheduler/cli", "scheduler/demo", "jobs/")
_TO_READ = ("scheduler.models", "scheduler.domain", "scheduler.db")
_TO_WORD = ("scheduler.ical", "scheduler.feed_calendars", "scheduler.texts", "scheduler.hours_texts")
ARROWS: dict[str, tuple[str, ...]] = {
    "scheduler/domain/": ("scheduler.domain",),
    "scheduler/models/": _TO_READ,
    "scheduler/db.py": (),
    "scheduler/texts.py": (),
    "scheduler/rule_texts.py": ("scheduler.texts",),
    "scheduler/hours_texts.py": ("scheduler.models", "scheduler.domain", "scheduler.texts", "scheduler.rule_texts"),
    "scheduler/ical.py": ("scheduler.models", "scheduler.domain", "scheduler.texts"),
    "scheduler/time_zones.py": (),
    "scheduler/feed_calendars.py": (
        "scheduler.models",
        "scheduler.domain",
        "scheduler.texts",
        "scheduler.ical",
        "scheduler.time_zones",
    ),
    "scheduler/actions/": ("scheduler.actions", *_TO_READ, *_TO_WORD),
    "scheduler/delivery/": ("scheduler.delivery", "scheduler.models", "scheduler.domain", *_TO_WORD, "config"),
    "scheduler/busy_calendars/": ("scheduler.busy_calendars", "scheduler.domain"),
    "jobs/": (
        "jobs",
        "scheduler.actions",
        "scheduler.delivery",
        "scheduler.busy_calendars",
        *_TO_READ,
        *_TO_WORD,
        "scheduler.schema",
        "scheduler.logs",
        "config",
    ),
}
"""What each folder may import of ours. web may import all of it."""
DOMAIN_LIBRARIES = ("dateutil", "holidays")
STANDARD_LIBRARY = (
    "__future__", "abc", "base64", "bisect", "collections", "dataclasses", "datetime", "enum", "functools",
    "hashlib", "heapq", "hmac", "itertools", "logging", "math", "operator", "random", "re", "statistics", "string",
    "typing", "unicodedata", "zoneinfo",
)  # fmt: skip
"""What the domain may import: nothing here reads a file, a socket or a clock by itself."""

Check = Callable[[str, str], list[str]]


def sources(pattern: str, *folders: str) -> Iterator[tuple[str, str]]:
    """Path from the root, and text, of each of our files."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob(pattern)) if (ROOT / folder).is_dir() else [ROOT / folder]:
            if "__pycache__" not in path.parts:
                yield path.relative_to(ROOT).as_posix(), path.read_text()


def python_sources() -> Iterator[tuple[str, str]]:
    return sources("*.py", *(each for each in ("scheduler", "jobs", "config.py", "wsgi.py")))


def imported_modules(text: str) -> set[str]:
    """Every module that is imported anywhere in the text: at the top, in functions, for types only."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            found.add(node.module or "")
            found |= {f"{node.module}.{each.name}" for each in node.names if node.module in OURS}
    return found


def is_in(module: str, packages: Iterable[str]) -> bool:
    return any(module == each or module.startswith(f"{each}.") for each in packages)


def arrows_back(path: str, text: str) -> list[str]:
    allowed = next((arrows for folder, arrows in ARROWS.items() if path.startswith(folder)), None)
    if allowed is None:
        return []
    ours = {each for each in imported_modules(text) if is_in(each, OURS)} - {"scheduler"}
    return [f"{path} imports {each}" for each in sorted(ours) if not is_in(each, allowed)]


def impure_imports(path: str, text: str) -> list[str]:
    if not path.startswith("scheduler/domain/"):
        return []
    allowed = (*STANDARD_LIBRARY, *DOMAIN_LIBRARIES, "scheduler.domain")
    return [f"{path} imports {each}" for each in sorted(imported_modules(text)) if not is_in(each, allowed)]


def flask_outside_web(path: str, text: str) -> list[str]:
    if path.startswith(MAY_IMPORT_FLASK):
        return []
    return [f"{path} imports {each}" for each in sorted(imported_modules(text)) if is_in(each, FLASK_FAMILY)]


def clock_readings(path: str, text: str) -> list[str]:
    if path.startswith(MAY_ASK_THE_CLOCK):
        return []
    calls = (node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    asked = [
        ast.unparse(each)
        for each in calls
        if isinstance(each, ast.Attribute)
        and (
            (each.attr in ("now", "utcnow", "today") and ast.unparse(each.value).split(".")[-1] in ("datetime", "date"))
            or ast.unparse(each) in ("time.time", "time.time_ns", "time.localtime", "time.gmtime")
            or ast.unparse(each).endswith("func.now")
        )
    ]
    return [f"{path} asks the clock: {each}" for each in asked]


def commits(path: str, text: str) -> list[str]:
    if not path.startswith(("scheduler/actions/", "scheduler/domain/")):
        return []
    calls = (node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    found = [each for each in calls if isinstance(each, ast.Attribute) and each.attr in ("commit", "rollback")]
    return [f"{path}: {ast.unparse(each)}, but the edge commits" for each in found]


def nameless_files(path: str, _: str) -> list[str]:
    return [path] if Path(path).stem in ("utils", "util", "helpers", "helper", "misc", "common") else []


def inline_script_and_style(path: str, text: str) -> list[str]:
    patterns = (
        r"<[^>]*\sstyle\s*=",
        r"<style\b",
        r"<script\b[^>]*>\s*[^\s<]",
        r"<[^>{%]*\son[a-z]+\s*=",
        r"javascript:",
    )
    found = [match.group() for each in patterns for match in re.finditer(each, text, re.IGNORECASE)]
    return [f"{path}: {each!r}" for each in found]


PHYSICAL = re.compile(
    r"(?<![\w-])(?:(?:margin|padding|scroll-margin|scroll-padding)-(?:left|right)"
    r"|border-(?:left|right)(?:-(?:color|style|width))?|border-(?:top|bottom)-(?:left|right)-radius"
    r"|left|right)\s*:|(?:text-align|float|clear)\s*:\s*(?:left|right)\b"
)
TOO_NEW = re.compile(
    r"@layer\b|@container\b|:has\(|:is\(|:where\(|(?<![\w-])aspect-ratio\s*:|(?<![\w-])inset(?:-[a-z-]+)?\s*:"
    r"|(?<![\w-])(?:margin|padding|border)-(?:inline|block)\s*:|\b\d+(?:dvh|svh|lvh)\b|color-mix\(|&\s*[.:{]"
)


def without_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def physical_properties(path: str, text: str) -> list[str]:
    return [f"{path}: {each.group()}" for each in PHYSICAL.finditer(without_comments(text))]


def too_new_features(path: str, text: str) -> list[str]:
    return [f"{path}: {each.group()}" for each in TOO_NEW.finditer(without_comments(text))]


def problems(check: Check, files: Iterable[tuple[str, str]]) -> list[str]:
    return [problem for path, text in files for problem in check(path, text)]


@pytest.mark.parametrize(
    "check", [arrows_back, impure_imports, flask_outside_web, clock_readings, commits, nameless_files]
)
def test_python_keeps_its_shape(check: Check) -> None:
    files = list(python_sources())
    assert len(files) > 30
    assert problems(check, files) == []


def test_no_test_file_is_nameless_either() -> None:
    assert problems(nameless_files, sources("*.py", "tests")) == []


def test_templates_hold_no_script_and_no_style() -> None:
    files = list(sources("*.html", "templates"))
    assert files
    assert problems(inline_script_and_style, files) == []


@pytest.mark.parametrize("check", [physical_properties, too_new_features])
def test_style_sheets_are_logical_and_work_in_old_browsers(check: Check) -> None:
    files = list(sources("*.css", "static/css"))
    assert files
    assert problems(check, files) == []


BAD: list[tuple[Check, str, str]] = [
    (arrows_back, "scheduler/domain/slots.py", "from scheduler.models import Visit"),
    (arrows_back, "scheduler/domain/slots.py", "import scheduler.db"),
    (arrows_back, "scheduler/models/visits.py", "def f():\n    from scheduler.actions import booking"),
    (arrows_back, "scheduler/models/visits.py", "from scheduler import actions"),
    (arrows_back, "scheduler/actions/booking.py", "from scheduler.web.edge import db"),
    (arrows_back, "scheduler/actions/booking.py", "from config import Config"),
    (arrows_back, "scheduler/actions/booking.py", "import jobs"),
    (arrows_back, "jobs/timetable.py", "from scheduler.web import api"),
    (arrows_back, "scheduler/delivery/mail.py", "from scheduler.actions.booking import book"),
    (impure_imports, "scheduler/domain/slots.py", "import sqlalchemy.orm"),
    (impure_imports, "scheduler/domain/slots.py", "from flask import g"),
    (impure_imports, "scheduler/domain/slots.py", "import os"),
    (flask_outside_web, "scheduler/actions/booking.py", "from flask_babel import gettext"),
    (flask_outside_web, "jobs/timetable.py", "import flask"),
    (flask_outside_web, "scheduler/delivery/mail.py", "from werkzeug.http import parse_date"),
    (arrows_back, "scheduler/ical.py", "from scheduler.actions.feeds import publish"),
    (arrows_back, "scheduler/time_zones.py", "from scheduler.models import Town"),
    (arrows_back, "scheduler/feed_calendars.py", "from scheduler.actions.feeds import publish_feed"),
    (arrows_back, "scheduler/texts.py", "from scheduler.models import Town"),
    (clock_readings, "scheduler/actions/booking.py", "x = datetime.now(UTC)"),
    (clock_readings, "scheduler/domain/due.py", "import datetime\nx = datetime.datetime.utcnow()"),
    (clock_readings, "scheduler/models/visits.py", "x = date.today()"),
    (clock_readings, "config.py", "import time\nx = time.time()"),
    (commits, "scheduler/actions/booking.py", "session.commit()"),
    (commits, "scheduler/domain/slots.py", "def f(s):\n    s.rollback()"),
    (nameless_files, "scheduler/web/utils.py", ""),
    (nameless_files, "tests/helpers.py", ""),
    (inline_script_and_style, "templates/base.html", '<p style="color: red">'),
    (inline_script_and_style, "templates/base.html", "<style>p {}</style>"),
    (inline_script_and_style, "templates/base.html", "<script>\n  alert(1)\n</script>"),
    (inline_script_and_style, "templates/base.html", '<button type="button" onclick="go()">'),
    (inline_script_and_style, "templates/base.html", '<a href="javascript:go()">'),
    (physical_properties, "static/css/base.css", "p { margin-left: 1rem }"),
    (physical_properties, "static/css/base.css", "p { border-right-color: red }"),
    (physical_properties, "static/css/base.css", "p { position: absolute; left: 0 }"),
    (physical_properties, "static/css/base.css", "p{text-align:right}"),
    (too_new_features, "static/css/base.css", "@layer base { p { color: red } }"),
    (too_new_features, "static/css/base.css", "p:has(a) { color: red }"),
    (too_new_features, "static/css/base.css", "img { aspect-ratio: 1 }"),
    (too_new_features, "static/css/base.css", "p { inset-inline-start: 0 }"),
    (too_new_features, "static/css/base.css", "p { margin-inline: auto }"),
]
GOOD: list[tuple[Check, str, str]] = [
    (arrows_back, "scheduler/web/api.py", "from scheduler.actions.booking import book\nimport scheduler.models"),
    (arrows_back, "scheduler/actions/booking.py", "from scheduler.domain.slots import Slot"),
    (impure_imports, "scheduler/domain/recurrence.py", "from dateutil.rrule import rrulestr\nimport holidays"),
    (flask_outside_web, "scheduler/web/api.py", "from flask import g"),
    (flask_outside_web, "jobs/timetable.py", "import flasks_of_tea"),
    (clock_readings, "scheduler/web/edge.py", "x = datetime.now(UTC)"),
    (clock_readings, "scheduler/actions/booking.py", "x = edge.now()\ny = town.today"),
    (commits, "scheduler/web/api.py", "session.commit()"),
    (inline_script_and_style, "templates/base.html", '<script src="/static/js/a.js" defer></script><p class="on">'),
    (inline_script_and_style, "templates/base.html", '<p data-once="yes">The style = good, on = off</p>'),
    (physical_properties, "static/css/base.css", "p { margin-inline-start: 1rem } /* left: no */ .left { top: 0 }"),
    (too_new_features, "static/css/base.css", "p { margin-inline-start: 1rem; padding-block-end: 0 } /* @layer */"),
]


@pytest.mark.parametrize(("check", "path", "text"), BAD)
def test_a_bad_sample_is_found_and_named(check: Check, path: str, text: str) -> None:
    found = check(path, text)
    assert found
    assert all(each.startswith(path) for each in found)


@pytest.mark.parametrize(("check", "path", "text"), GOOD)
def test_a_good_sample_is_left_alone(check: Check, path: str, text: str) -> None:
    assert check(path, text) == []
