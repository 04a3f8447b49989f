"""What a message says, in every language, and what it never says."""

from __future__ import annotations

import re
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import cast, get_args

import pytest
from icalendar import Calendar
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.contacts import leave_contact
from scheduler.delivery import deliver
from scheduler.delivery.letters import TEMPLATES, NoAddress, write_letter
from scheduler.models import Adviser, Carrier, Concern, Message, Service, Topic, Town
from scheduler.models.outbox import MessageKind
from scheduler.texts import language_name, spoken_date, spoken_time, translations_for
from tests.conftest import NOW, SECRET, make_config
from tests.jobs.samples import book_visit

ALL_KINDS: tuple[MessageKind, ...] = get_args(MessageKind)
KINDS = tuple(each for each in ALL_KINDS if each != "nearly")
"""Those about an appointment."""
LOCALES = ("de", "en", "ar")
CONFIG = make_config("sqlite://", base_url="https://termine.example.org", mail_from="termine@example.org")
MOST_WORDS = 12


def letter_for(session: Session, kind: MessageKind, locale: str = "de", sequence: int = 0) -> EmailMessage:
    """The message of that kind as it would be read, to a visit that was booked for it."""
    message = message_for(session, kind, locale, sequence)
    return as_read(write(session, message))


def message_for(session: Session, kind: MessageKind, locale: str = "de", sequence: int = 0) -> Message:
    visit = book_visit(session, locale=locale)
    leave_contact(session, visit.id, email="ada@example.org", phone=None, reminders=False, secret=SECRET, now=NOW)
    visit.sequence = sequence
    if kind == "nearly":
        visit.state, visit.ticket = "waiting", 18
    return Message(id=1, visit=visit, visit_id=visit.id, kind=kind, channel="email", sequence=sequence, due_at=NOW)


def write(session: Session, message: Message) -> EmailMessage:
    with session.no_autoflush:
        return write_letter(message, config=CONFIG, zone=session.get_one(Town, 1).zone, now=NOW)


def as_read(letter: EmailMessage) -> EmailMessage:
    return cast(EmailMessage, message_from_bytes(letter.as_bytes(), policy=default))


def text_of(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def calendar_of(letter: EmailMessage) -> tuple[EmailMessage, bytes]:
    attached = cast(EmailMessage, next(letter.iter_attachments()))
    return attached, cast(bytes, attached.get_payload(decode=True))


def without_links(text: str) -> str:
    return re.sub(r"https://\S+", "", text)


def words_that_tell(session: Session) -> set[str]:
    """Everything that names a service, concern, topic, carrier, adviser or language, here and in general."""
    told = {"migration", "beratung", "counselling", "advice", "adviser", "استشار", "هجرة"}
    for model in (Service, Concern, Topic):
        for row in session.scalars(select(model)):
            told |= {row.key, *row.name.values()}
    told |= {name for row in session.scalars(select(Adviser)) for name in (row.key, row.name)}
    told |= {row.name for row in session.scalars(select(Carrier))}
    told |= {language_name("ar", locale) for locale in LOCALES}
    return {each.casefold() for each in told}


def all_that_is_said(letter: EmailMessage) -> str:
    """Head, text and calendar, without links: their last part is random letters."""
    calendar = calendar_of(letter)[1] if list(letter.iter_attachments()) else b""
    unfolded = calendar.replace(b"\r\n ", b"").decode().replace("\\n", "\n")
    return without_links(" ".join([*map(str, letter.values()), text_of(letter), unfolded])).casefold()


@pytest.mark.parametrize("locale", LOCALES)
def test_no_message_tells_why_somebody_comes(session: Session, locale: str) -> None:
    for kind in ALL_KINDS:
        said = all_that_is_said(letter_for(session, kind, locale))
        assert not {word for word in words_that_tell(session) if re.search(rf"(?<!\w){re.escape(word)}", said)}


@pytest.mark.parametrize("locale", LOCALES)
def test_a_message_says_day_time_place_address_phone_and_code(session: Session, locale: str) -> None:
    zone = session.get_one(Town, 1).zone
    for kind in KINDS:
        message = message_for(session, kind, locale)
        visit, letter = message.visit, as_read(write(session, message))
        assert visit.starts_at is not None and visit.code is not None
        day = spoken_date(visit.starts_at, locale, zone)
        code = f"{visit.code[:3]} {visit.code[3:6]} {visit.code[6:]}"
        assert day in letter["Subject"]
        place = visit.place
        for told in (day, spoken_time(visit.starts_at, locale, zone), place.name, place.address, place.phone, code):
            assert told in text_of(letter)


@pytest.mark.parametrize("locale", LOCALES)
def test_who_is_nearly_called_reads_number_place_and_link_and_nothing_of_an_appointment(
    session: Session, locale: str
) -> None:
    message = message_for(session, "nearly", locale)
    visit, letter = message.visit, as_read(write(session, message))
    assert "18" in letter["Subject"]
    for told in ("18", visit.place.name, visit.place.address, f"https://termine.example.org/visits/{visit.id}-"):
        assert told in text_of(letter)
    assert visit.code is not None and visit.code[:3] not in without_links(text_of(letter))
    assert not list(letter.iter_attachments())


def test_only_a_message_about_a_visit_that_stands_links_to_it(session: Session) -> None:
    for kind in KINDS:
        text = text_of(letter_for(session, kind))
        to_visit = re.search(r"^https://termine\.example\.org/visits/\d+-\S+$", text, re.MULTILINE)
        to_start = re.search(r"^https://termine\.example\.org$", text, re.MULTILINE)
        assert (to_visit is None) == (to_start is not None) == (kind == "cancelled")


def test_all_messages_of_a_visit_carry_the_same_link(session: Session) -> None:
    message = message_for(session, "confirmation")
    first = text_of(write(session, message))
    message.kind, message.sequence = "moved", 3
    second = text_of(write(session, message))
    links = {re.search(r"https://\S+/visits/\S+", text) for text in (first, second)}
    assert len({found.group() for found in links if found}) == 1


def test_numbers_keep_their_order_in_an_arabic_line(session: Session) -> None:
    text = text_of(letter_for(session, "confirmation", "ar"))
    assert re.search("\u2066\\d{3} \\d{3} \\d{3}\u2069", text)
    assert "\u206606" in text


@pytest.mark.parametrize("locale", LOCALES)
def test_sentences_are_short(session: Session, locale: str) -> None:
    for kind in ALL_KINDS:
        letter = letter_for(session, kind, locale)
        lines = [letter["Subject"], *without_links(text_of(letter)).splitlines()]
        for sentence in (each for line in lines for each in re.split(r"[.?!؟]\s", line)):
            assert len(sentence.split()) <= MOST_WORDS, sentence


def test_the_calendar_file_fits_its_message(session: Session) -> None:
    for kind in KINDS:
        attached, body = calendar_of(letter_for(session, kind))
        method = "CANCEL" if kind == "cancelled" else "PUBLISH"
        assert attached.get_content_type() == "text/calendar"
        assert attached["Content-Type"].params["method"] == method
        assert attached["Content-Type"].params["charset"] == "utf-8"
        assert attached.get_filename() == "appointment.ics"
        assert Calendar.from_ical(body)["method"] == method
        assert b"\r\r" not in body and body.count(b"\n") == body.count(b"\r\n")


def test_the_message_id_follows_from_the_key_and_stays(session: Session) -> None:
    message = message_for(session, "reminder", sequence=2)
    first = write(session, message)
    again = write_letter(message, config=CONFIG, zone=session.get_one(Town, 1).zone, now=NOW + timedelta(hours=2))
    assert first["Message-ID"] == again["Message-ID"]
    assert first["Message-ID"] == f"<visit-{message.visit_id}.reminder.email.2@termine.example.org>"


def test_the_head_says_from_to_when_and_that_a_machine_wrote_it(session: Session) -> None:
    letter = letter_for(session, "confirmation", "ar")
    assert (letter["From"], letter["To"]) == ("termine@example.org", "ada@example.org")
    assert letter["Date"].datetime == NOW
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Content-Language"] == "ar"


def test_without_an_address_there_is_no_letter(session: Session) -> None:
    visit = book_visit(session)
    message = Message(id=1, visit=visit, visit_id=visit.id, kind="reminder", channel="email", sequence=0, due_at=NOW)
    with session.no_autoflush, pytest.raises(NoAddress):
        write_letter(message, config=CONFIG, zone=session.get_one(Town, 1).zone, now=NOW)


def test_every_kind_has_a_template_of_which_every_text_is_translatable() -> None:
    for kind in ALL_KINDS:
        source = (TEMPLATES / f"{kind}.txt").read_text()
        subject = source.splitlines()[0]
        assert re.fullmatch(r'\{\{ _\("[^"]+", (day=day|number=number)\) \}\}', subject)
        assert not re.sub(r"\{[{%#].*?[}%#]\}", "", source).strip()


def test_the_demo_keeps_its_mail_in_files_that_sort_by_time(session: Session, tmp_path: Path) -> None:
    config = make_config("sqlite://", mail_sink=tmp_path / "mail")
    message = message_for(session, "confirmation")
    with session.no_autoflush:
        zone = session.get_one(Town, 1).zone
        for at in (NOW + timedelta(hours=1), NOW, NOW):
            deliver(config, write_letter(message, config=CONFIG, zone=zone, now=at))
    names = sorted(path.name for path in (tmp_path / "mail").iterdir())
    key = f"visit-{message.visit_id}.confirmation.email.0.eml"
    assert names == [f"20261124T090000Z-{key}", f"20261124T100000Z-{key}"]


def test_catalogues_are_asked_for_in_the_clients_language(session: Session) -> None:
    subject = letter_for(session, "moved", "de")["Subject"]
    expected = translations_for("de").gettext("New time for your appointment: %(day)s")
    assert subject == expected % {"day": "Mittwoch, 25. November"}
