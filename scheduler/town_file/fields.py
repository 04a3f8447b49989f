"""The kinds of values that a town's file holds, each with its check. A check raises ValueError with the reason."""

from __future__ import annotations

import re
from collections.abc import Hashable
from datetime import date, datetime, time
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from babel import Locale, UnknownLocaleError
from dateutil.rrule import rrulestr
from email_validator import EmailNotValidError, validate_email
from holidays import country_holidays
from pydantic import AfterValidator, Field, PlainValidator

COUNTRY = "DE"
WRITTEN_ONCE = ""
"""Stands for the town's first locale where a text is written without one."""

_FIRST_DAY = date(1900, 1, 1)
_LAST_DAY = date(2199, 12, 31)
"""A year beyond these is a typing mistake."""

_Item = TypeVar("_Item", bound=Hashable)


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value


def _texts(value: Any) -> dict[str, str]:
    texts = {WRITTEN_ONCE: value} if isinstance(value, str) else value
    if not isinstance(texts, dict) or not texts or not all(isinstance(each, str) for each in texts.values()):
        raise ValueError('must be a text, or one for each locale: { de = "…", en = "…" }')
    for locale, text in texts.items():
        if not text.strip():
            raise ValueError(f"the text for {locale} must not be empty" if locale else "must not be empty")
    return texts


def _key(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", value):
        raise ValueError("must be made of lowercase letters a–z, digits and single hyphens")
    return value


def _service_key(value: str) -> str:
    _key(value.lower())
    return value


def _language(value: str) -> str:
    try:
        known = bool(re.fullmatch(r"[a-z]{2,3}(-[A-Z][A-Za-z]{1,3})?", value) and Locale.parse(value, sep="-"))
    except (ValueError, UnknownLocaleError):
        known = False
    if not known:
        raise ValueError(f'"{value}" is no language code such as "de" or "fa"')
    return value


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f'there is no time zone "{value}"; one is "Europe/Berlin"') from None
    return value


def _state(value: str) -> str:
    states = [each for each in country_holidays(COUNTRY).subdivisions if len(each) == 2]
    if value not in states:
        raise ValueError(f'"{value}" is no federal state; use one of {", ".join(sorted(states))}')
    return value


def _email(value: str) -> str:
    try:
        validate_email(value, check_deliverability=False)
    except EmailNotValidError as refused:
        raise ValueError(f'"{value}" is no e-mail address: {refused}') from None
    return value


def _phone(value: str) -> str:
    try:
        number = phonenumbers.parse(value, COUNTRY)
    except phonenumbers.NumberParseException:
        raise ValueError(f'"{value}" is no phone number') from None
    # Offices have short numbers too, such as 115.
    short = phonenumbers.is_possible_short_number_for_region(number, COUNTRY)
    if not short and (number.national_number or 0) < 1000:
        raise ValueError(f'"{value}" is too short for a phone number')
    if not short and not phonenumbers.is_possible_number(number):
        raise ValueError(f'"{value}" cannot be a phone number')
    return value


def _wall_time(value: time) -> time:
    if value.second or value.microsecond:
        raise ValueError("must be a full minute")
    return value


def _day(value: date) -> date:
    if not _FIRST_DAY <= value <= _LAST_DAY:
        raise ValueError(f"must lie between {_FIRST_DAY.year} and {_LAST_DAY.year}")
    return value


def _weekdays(value: str) -> str:
    days = value.split(",")
    if not all(day in ("MO", "TU", "WE", "TH", "FR", "SA", "SU") for day in days):
        raise ValueError('must be days such as "WE" or "TU,TH" (MO TU WE TH FR SA SU)')
    _without_repeats(days)
    return value


_RRULE_DAYS = {"BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYEASTER"}
_RRULE_PARTS = _RRULE_DAYS | {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYWEEKNO", "BYMONTH", "BYSETPOS", "WKST"}


def _rrule(value: str) -> str:
    if not re.fullmatch(r"[A-Z]+=[A-Z0-9,+-]+(;[A-Z]+=[A-Z0-9,+-]+)*", value):
        raise ValueError('must look like "FREQ=MONTHLY;BYDAY=1WE,3WE", in capitals')
    parts = dict(part.split("=") for part in value.split(";"))
    _check_rrule_parts(parts)
    try:
        recurring = rrulestr(value, dtstart=datetime.combine(_FIRST_DAY, time()))
    except (ValueError, KeyError, TypeError) as refused:
        raise ValueError(f"cannot be read as a recurrence rule ({refused})") from None
    if next(iter(recurring), None) is None:
        raise ValueError("gives no date at all")
    return value


def _check_rrule_parts(parts: dict[str, str]) -> None:
    unknown = sorted(parts.keys() - _RRULE_PARTS)
    if unknown:
        raise ValueError(f"must not have {', '.join(unknown)}: the times of day stand in from and until")
    if parts.get("FREQ") not in ("DAILY", "WEEKLY", "MONTHLY", "YEARLY"):
        raise ValueError("FREQ must be DAILY, WEEKLY, MONTHLY or YEARLY")
    if "COUNT" in parts and "UNTIL" in parts:
        raise ValueError("must not have both COUNT and UNTIL")
    if "UNTIL" in parts and not re.fullmatch(r"\d{8}", parts["UNTIL"]):
        raise ValueError("UNTIL must be a date such as 20261231; better use valid_until")
    if parts.get("INTERVAL", "1").strip("0") == "":
        raise ValueError("INTERVAL must be at least 1")
    if parts["FREQ"] in ("DAILY", "WEEKLY") and re.search(r"\d", parts.get("BYDAY", "")):
        raise ValueError('days are counted within a month: "FREQ=MONTHLY;BYDAY=1WE"')
    # Without them the days would depend on the day on which somebody looks.
    if parts["FREQ"] != "DAILY" and not parts.keys() & _RRULE_DAYS:
        raise ValueError("must say on which days, with BYDAY or BYMONTHDAY")


def _without_repeats(values: list[_Item]) -> list[_Item]:
    repeated = [each for each in dict.fromkeys(values) if values.count(each) > 1]
    if repeated:
        raise ValueError(f"{', '.join(map(str, repeated))} is listed more than once")
    return values


Text = Annotated[str, AfterValidator(_text)]
Texts = Annotated[dict[str, str], PlainValidator(_texts)]
"""A text by locale; one without a locale stands under `WRITTEN_ONCE`."""
Key = Annotated[str, AfterValidator(_key)]
ServiceKey = Annotated[str, AfterValidator(_service_key)]
Timezone = Annotated[str, AfterValidator(_timezone)]
State = Annotated[str, AfterValidator(_state)]
Email = Annotated[str, AfterValidator(_email)]
Phone = Annotated[str, AfterValidator(_phone)]
WallTime = Annotated[time, AfterValidator(_wall_time)]
Weekdays = Annotated[str, AfterValidator(_weekdays)]
RecurrenceRule = Annotated[str, AfterValidator(_rrule)]

Languages = Annotated[
    list[Annotated[str, AfterValidator(_language)]], Field(min_length=1), AfterValidator(_without_repeats)
]
SomeKeys = Annotated[list[str], Field(min_length=1), AfterValidator(_without_repeats)]
Keys = Annotated[list[str], AfterValidator(_without_repeats)]
SomeTexts = Annotated[list[Text], AfterValidator(_without_repeats)]
Day = Annotated[date, AfterValidator(_day)]
Dates = Annotated[list[Day], AfterValidator(_without_repeats)]

Count = Annotated[int, Field(ge=1, le=10_000)]
Age = Annotated[int, Field(ge=0, le=120)]
