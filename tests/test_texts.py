"""Dates, times and numbers as people read them."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from scheduler.texts import isolated, language_name, spoken_date, spoken_time, translations_for

BERLIN = ZoneInfo("Europe/Berlin")
WEDNESDAY = date(2026, 11, 25)


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("de", "Mittwoch, 25. November"),
        ("en", "Wednesday, 25 November"),
        ("ar", "الأربعاء، 25 نوفمبر"),
        ("fa", "چهارشنبه، 25 نوامبر"),
        ("uk", "середа, 25 листопада"),
        ("tr", "Çarşamba, 25 Kasım"),
    ],
)
def test_a_date_is_said_with_weekday_and_month_in_words(locale: str, said: str) -> None:
    assert spoken_date(WEDNESDAY, locale, BERLIN) == said


@pytest.mark.parametrize("locale", ["de", "en", "ar", "fa", "ps", "ur", "my"])
def test_digits_are_those_of_codes_and_clocks_in_every_language(locale: str) -> None:
    said = spoken_date(WEDNESDAY, locale, BERLIN) + spoken_time(_at(8, 15), locale, BERLIN)
    digits = [each for each in said if each.isdigit()]
    assert "".join(digits) == "25915"
    assert all(each.isascii() for each in digits)


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (datetime(2026, 11, 25, 8, 5, tzinfo=UTC), "9:05"),
        (datetime(2026, 7, 1, 12, 30, tzinfo=UTC), "14:30"),
        (datetime(2026, 11, 24, 23, 0, tzinfo=UTC), "0:00"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "2:30"),  # the first 2:30 of that night
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "2:30"),
        (datetime(2027, 3, 28, 1, 0, tzinfo=UTC), "3:00"),
    ],
)
def test_a_time_has_24_hours_in_the_towns_zone(at: datetime, said: str) -> None:
    assert spoken_time(at, "de", BERLIN) == said
    assert spoken_time(at, "ar", BERLIN) == said


def test_an_instant_is_said_as_its_day_in_the_towns_zone() -> None:
    assert spoken_date(datetime(2026, 11, 24, 23, 0, tzinfo=UTC), "de", BERLIN) == "Mittwoch, 25. November"
    assert spoken_date(datetime(2026, 11, 24, 22, 59, tzinfo=UTC), "de", BERLIN) == "Dienstag, 24. November"


def test_a_naive_instant_is_refused() -> None:
    naive = _at(8, 15).replace(tzinfo=None)
    with pytest.raises(ValueError, match="naive"):
        spoken_date(naive, "de", BERLIN)
    with pytest.raises(ValueError, match="naive"):
        spoken_time(naive, "de", BERLIN)


def test_an_unknown_locale_is_said_in_english() -> None:
    assert spoken_date(WEDNESDAY, "prs", BERLIN).startswith("Wednesday")
    assert translations_for("prs").gettext("Cancelled: %(what)s") == "Cancelled: %(what)s"


def test_groups_of_digits_keep_their_order_in_arabic_only() -> None:
    assert isolated("482 917 305", "de") == "482 917 305"
    assert isolated("482 917 305", "ar") == "\u2066482 917 305\u2069"


def test_a_language_is_named_in_the_readers_language() -> None:
    assert language_name("ar", "de") == "Arabisch"
    assert language_name("qqq", "de") == "qqq"


def _at(hour: int, minute: int) -> datetime:
    return datetime(2026, 11, 25, hour, minute, tzinfo=UTC)
