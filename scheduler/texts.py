"""What people read, in their language: catalogues, dates and times as they are said, numbers that keep their order.

No page and no message is written here, and Flask is not needed: web, messages and calendars all use these functions.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, get_day_names, get_month_names
from babel.lists import format_list
from babel.support import NullTranslations, Translations

TRANSLATIONS = Path(__file__).parent / "translations"

_DATE_PATTERNS = {"de": "EEEE, d. MMMM", "en": "EEEE, d MMMM"}
_SHORT_PATTERNS = {"en": "ccc d MMM", **dict.fromkeys(("ar", "fa", "ps", "ckb", "ur"), "ccc d/M")}
_COMMAS = {"ar": "،", "fa": "،", "ps": "،", "ckb": "،", "ur": "،"}
_LEFT_TO_RIGHT, _END_OF_ISOLATE = "\u2066", "\u2069"


@lru_cache(maxsize=64)
def translations_for(locale: str) -> NullTranslations:
    """The catalogue of `locale` ("de"). Where there is none, or a text is missing, the English msgid stands."""
    return Translations.load(TRANSLATIONS, [locale])


def spoken_date(on: date | datetime, locale: str, zone: ZoneInfo) -> str:
    """Weekday, day and month in words: "Mittwoch, 25. November". An instant is that of its day in `zone`.

    Digits are 0 to 9 in every language, as clocks and codes on site show them. Raises ValueError for a naive datetime.
    """
    if isinstance(on, datetime):
        _refuse_naive(on)
        on = on.astimezone(zone).date()
    return format_date(on, _date_pattern(locale), locale=_babel_locale(locale))


def spoken_time(at: datetime, locale: str, zone: ZoneInfo) -> str:
    """Hours (0 to 23) and minutes in `zone`: "9:15". The sentence around it says "Uhr" where that is usual.

    Raises ValueError for a naive datetime.
    """
    _refuse_naive(at)
    return format_datetime(at, "H:mm", tzinfo=zone, locale=_babel_locale(locale))


def short_date(at: datetime, locale: str, zone: ZoneInfo) -> str:
    """Weekday, day and month of an instant's day in `zone`, where letters are counted: "Mi 25.11."."""
    _refuse_naive(at)
    pattern = _SHORT_PATTERNS.get(locale, "ccc d.M.")
    return format_date(at.astimezone(zone).date(), pattern, locale=_babel_locale(locale))


def day_and_month(on: date, locale: str, *, with_year: bool = False) -> str:
    """A date without its weekday: "18. Dezember"."""
    _weekday, pattern = _date_pattern(locale).split(" ", 1)
    return format_date(on, f"{pattern} y" if with_year else pattern, locale=_babel_locale(locale))


def weekday_name(weekday: int, locale: str) -> str:
    """The name of a day of the week, 0 for Monday."""
    return str(get_day_names("wide", "stand-alone", _babel_locale(locale))[weekday])


def month_name(month: int, locale: str) -> str:
    """The name of a month, 1 for January."""
    return str(get_month_names("wide", "stand-alone", _babel_locale(locale))[month])


def listed(parts: Iterable[str], locale: str) -> str:
    """Several things in one line: "Dienstag und Donnerstag"."""
    return format_list(list(parts), locale=_babel_locale(locale))


def language_name(language: str, locale: str) -> str:
    """A language by its name in `locale`: "ar" is "Arabisch" in German. An unknown one stays as it is."""
    try:
        return str(Locale.parse(language, sep="-").get_display_name(_babel_locale(locale)) or language)
    except (UnknownLocaleError, ValueError):
        return language


def isolated(text: str, locale: str) -> str:
    """Plain text that keeps its order within a line of `locale`.

    Groups of digits after Arabic letters change places otherwise: 482 917 305 would read 305 917 482.
    """
    if _babel_locale(locale).text_direction == "ltr":
        return text
    return f"{_LEFT_TO_RIGHT}{text}{_END_OF_ISOLATE}"


@lru_cache(maxsize=64)
def _babel_locale(locale: str) -> Locale:
    try:
        return Locale.parse(locale.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale("en")


@lru_cache(maxsize=64)
def _date_pattern(locale: str) -> str:
    if locale in _DATE_PATTERNS:
        return _DATE_PATTERNS[locale]
    day_and_month = _babel_locale(locale).datetime_skeletons.get("MMMMd", "d MMMM")
    return f"EEEE{_COMMAS.get(locale, ',')} {day_and_month}"


def _refuse_naive(at: datetime) -> None:
    if at.tzinfo is None:
        raise ValueError(f"naive datetime {at!r}: every instant needs a time zone")
