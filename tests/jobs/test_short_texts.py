"""Text messages in every kind and language: one segment where possible, never more than two, nothing said too early."""

from __future__ import annotations

import re

import pytest
from babel.support import NullTranslations
from sqlalchemy.orm import Session

from config import Config
from scheduler.actions.contacts import normal_phone
from scheduler.delivery import short_texts
from scheduler.delivery.short_texts import segments, write_text
from scheduler.domain.codes import spoken
from scheduler.models import Contact, Message, Town
from scheduler.models.outbox import MessageKind
from tests.conftest import NOW, make_config
from tests.jobs.samples import book_visit

CONFIG = make_config("sqlite://", base_url="https://termine.offenbach.de")
KINDS: tuple[MessageKind, ...] = ("confirmation", "reminder", "moved", "cancelled", "nearly")
LOCALES = ("de", "en", "ar")


def message_for(
    session: Session, kind: MessageKind, locale: str = "de", *, confirmed: bool = True, place: str = "Bürgerbüro"
) -> Message:
    visit = book_visit(session, locale=locale)
    contact = Contact(phone=normal_phone("0151 12345678"), phone_key="a" * 64, reminders=True, created_at=NOW)
    contact.confirmed_at = NOW if confirmed else None
    visit.contact = contact
    visit.place.name = place
    session.flush()
    if kind == "nearly":
        visit.ticket = 118
    return Message(visit=visit, visit_id=visit.id, kind=kind, channel="sms", sequence=0, due_at=NOW)


def text_for(session: Session, kind: MessageKind, locale: str = "de", **how: object) -> str:
    return written(session, message_for(session, kind, locale, **how))  # type: ignore[arg-type]


def written(session: Session, message: Message, config: Config = CONFIG) -> str:
    with session.no_autoflush:
        return write_text(message, config=config, town=session.get_one(Town, 1))


def start_anew(session: Session) -> None:
    session.rollback()
    session.expunge_all()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("ä" * 160, 1),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 152, 2),
        ("€" * 153, 3),  # an escape and its letter are not parted: 76 in a segment of 153
        ("ب" * 70, 1),
        ("ب" * 71, 2),
        ("ж" * 134, 2),
        ("ж" * 135, 3),
        ("a" * 69 + "ж", 1),
        ("a" * 70 + "ж", 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 67, 3),
        ("ç" * 71, 2),  # only its capital is in the alphabet
    ],
)
def test_segments_are_counted_as_phone_networks_do(text: str, expected: int) -> None:
    assert segments(text) == expected


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_text_is_one_segment(session: Session, kind: MessageKind, locale: str) -> None:
    text = text_for(session, kind, locale)
    assert segments(text) == 1, text


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", ["confirmation", "moved", "reminder"])
def test_a_number_that_nobody_confirmed_costs_two_at_most(session: Session, kind: MessageKind, locale: str) -> None:
    """Only a reminder that may not tell anything has nothing but its link, which leaves no room in Arabic."""
    text = text_for(session, kind, locale, confirmed=False)
    assert segments(text) <= (2 if (kind, locale) == ("reminder", "ar") else 1), text


@pytest.mark.parametrize("place", ["Городская приёмная", "B" * 100, "Ж" * 60, "Rathaus – Zimmer „Süd“"])
@pytest.mark.parametrize("locale", LOCALES)
def test_places_with_long_or_cyrillic_names_cost_no_more(session: Session, place: str, locale: str) -> None:
    for kind in KINDS:
        text = text_for(session, kind, locale, place=place)
        assert segments(text) == 1, text
        start_anew(session)


class Cyrillic(NullTranslations):
    """A catalogue of a language with other letters: every text as long as ours."""

    def gettext(self, message: str) -> str:
        parts = re.split(r"(%\(\w+\)s)", message)
        return "".join(each if each.startswith("%(") else re.sub(r"\w", "ж", each) for each in parts)


def test_texts_in_cyrillic_are_one_segment_too(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(short_texts, "translations_for", lambda _locale: Cyrillic())
    for kind in KINDS:
        text = text_for(session, kind, "ru")
        assert "ж" in text and segments(text) == 1, text
        start_anew(session)


def test_a_long_address_of_the_pages_never_costs_more_than_two(session: Session) -> None:
    config = make_config("sqlite://", base_url="https://" + "a" * 40 + ".example.org")
    for kind in KINDS:
        for confirmed in (True, False):
            message = message_for(session, kind, "ar", confirmed=confirmed, place="P" * 120)
            assert segments(written(session, message, config)) <= 2
            start_anew(session)


def test_a_text_tells_time_place_and_link_or_code(session: Session) -> None:
    message = message_for(session, "reminder")
    text = written(session, message)
    assert re.search(r"\bMi 25\.11\. \d+:\d\d$", text, re.MULTILINE)
    assert "Bürgerbüro" in text.splitlines()
    assert re.search(rf"^https://termine\.offenbach\.de/visits/{message.visit_id}-\S+$", text, re.MULTILINE)


def test_where_no_link_fits_the_code_stands_in_its_place(session: Session) -> None:
    message = message_for(session, "confirmation", "ar")
    text = written(session, message)
    assert "https" not in text
    assert f"\u2066{spoken(message.visit.code or '')}\u2069" in text
    assert "25/11" in text and "Bürgerbüro" in text


@pytest.mark.parametrize("locale", LOCALES)
def test_a_reminder_to_a_number_that_nobody_confirmed_tells_nothing(session: Session, locale: str) -> None:
    message = message_for(session, "reminder", locale, confirmed=False)
    visit = message.visit
    text = written(session, message)
    assert re.search(r"https://termine\.offenbach\.de/contacts/\S+", text)
    without_link = re.sub(r"https://\S+", "", text)
    assert not re.search(r"\d", without_link)
    assert visit.place.name not in without_link
    assert session.get_one(Town, 1).name in without_link, "a stranger must know who writes"


@pytest.mark.parametrize("locale", LOCALES)
def test_the_first_text_says_who_writes(session: Session, locale: str) -> None:
    """The place; where its name leaves no room, the town."""
    assert "Bürgerbüro" in text_for(session, "confirmation", locale, confirmed=False)
    start_anew(session)
    assert "Kleinstadt" in text_for(session, "confirmation", locale, confirmed=False, place="B" * 140)


def test_the_first_text_asks_whether_the_number_is_right_and_later_ones_do_not(session: Session) -> None:
    assert "/contacts/" in text_for(session, "confirmation", confirmed=False)
    start_anew(session)
    assert "/contacts/" not in text_for(session, "confirmation", confirmed=True)


def test_a_cancelled_or_nearly_text_links_to_no_appointment(session: Session) -> None:
    cancelled = text_for(session, "cancelled")
    assert "/visits/" not in cancelled and cancelled.endswith("https://termine.offenbach.de")
    start_anew(session)
    nearly = text_for(session, "nearly")
    assert "118" in nearly and "25.11." not in nearly


def test_the_date_is_that_of_the_town(session: Session) -> None:
    message = message_for(session, "reminder")
    message.visit.starts_at = NOW.replace(hour=23, minute=30)
    assert "Mi 25.11. 0:30" in written(session, message)
