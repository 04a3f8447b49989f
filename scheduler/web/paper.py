"""How large a sheet can be set so that it is one page of A4: an estimate from the letters that stand on it.

The sizes are those of `pages.css` (`.size-1` to `.size-8`), all in points. Where even the smallest is too large, a
second page follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil
from typing import NamedTuple

from scheduler.hours_texts import HoursLine
from scheduler.web.place_views import PlaceView

_WIDTH, _HEIGHT = 516, 723
"""What the margins of A4 leave, with some room to spare."""
_COLUMN = 225
_LETTER = 0.57
"""Mean width of a letter, measured by the size of its font."""
_LEADING = 1.5
_HINT = 45
"""Letters of "next on Wednesday, 25 November" in a wordy language."""


class Setting(NamedTuple):
    """`text`: size of the letters; `hours` and `strong`: how much larger hours, and their days and times, are."""

    name: str
    text: float
    hours: float = 1.2
    strong: float = 1.25


SHEETS = (
    Setting("size-1", 19, 1.4),
    *(Setting(f"size-{number}", text) for number, text in enumerate((17, 15, 13, 11.5, 10, 8.5, 7.5), 2)),
)
LISTS = tuple(Setting(f"size-{number}", text, 1, 1) for number, text in enumerate((15, 13, 11.5, 10, 8.5, 7.5), 3))
_LARGE_HEAD_FROM = 15


def set_sheet(view: PlaceView) -> str:
    """The name of the largest setting in which the place's sheet is one page."""
    fitting = (each.name for each in SHEETS if _head(view, each) + _body(view, each, _WIDTH) + _foot(each) <= _HEIGHT)
    return next(fitting, SHEETS[-1].name)


def set_list(views: Sequence[PlaceView]) -> str:
    """The same for all places on one page, in two columns."""
    for setting in LISTS:
        cards = [_body(each, setting, _COLUMN) + setting.text * 7 + 30 for each in views]
        if sum(cards) / 2 + max(cards, default=0) / 2 + _foot(setting) + 60 <= _HEIGHT:
            return setting.name
    return LISTS[-1].name


def _head(view: PlaceView, setting: Setting) -> float:
    name, address, phone = (36, 20, 24) if setting.text >= _LARGE_HEAD_FROM else (26, 15, 18)
    return _lines(view.place.name, name, _WIDTH) * 0.8 + _lines(view.place.address, address, _WIDTH) + phone * 2 + 50


def _foot(setting: Setting) -> float:
    return max(130, min(setting.text, 16) * 10)


def _body(view: PlaceView, setting: Setting, width: float) -> float:
    """Hours and changed dates."""
    hours = sum(_hours(each, setting, width, view.place.phone) for each in view.hours)
    changes = _changes((" ".join(each.line[:3]) for each in view.changes), setting, width - 30)
    return hours + changes


def _hours(line: HoursLine, setting: Setting, width: float, phone: str) -> float:
    size = setting.text * setting.hours
    head = f"{line.days} {line.times} {line.period}"
    foot = f"{line.admits} {phone if line.by_arrangement else ''} {line.room}"
    return (
        (_lines(head, size * setting.strong, width) if head.strip() else 0)
        + len(line.dates) * size * setting.strong * _LEADING
        + _lines(foot, size, width)
        + (_lines("x" * _HINT, size * 0.8, width) if line.next_on else 0)
        + 12
    )


def _changes(changes: Iterable[str], setting: Setting, width: float) -> float:
    told = [_lines(each, setting.text, width) + 5 for each in changes]
    return sum(told) + setting.text * 1.2 * _LEADING + 45 if told else 0


def _lines(words: str, size: float, width: float) -> float:
    """The height of these words."""
    return ceil(len(words) * size * _LETTER / width) * size * _LEADING
