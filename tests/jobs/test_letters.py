"""What a message says, in every language, and what it never says."""

from __future__ import annotations

import re
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, cast, get_args

import pytest
from icalendar import Calendar
from sqlalchemy.orm import Session

from scheduler.actions.contacts import leave_contact
from scheduler.delivery import Mailer
from scheduler.delivery.letters import TEMPLATES, NoAddress, write_letter
from scheduler.domain.codes import spoken
from scheduler.models import Message, Town
from scheduler.models.outbox import MessageKind
from scheduler.texts import spoken_date, spoken_time, translations_for
from tests.conftest import NOW, SECRET, make_config
from tests.jobs.samples import book_visit

ALL_KINDS: tuple[MessageKind, ...] = get_args(MessageKind)
KINDS = tuple(each for each in ALL_KINDS if each != "nearly")
"""Those about an appointment."""
INVITING: tuple[MessageKind, ...] = ("confirmation", "moved", "cancelled")
"""Those that bring news for the client's calendar."""
LOCALES = ("de", "en", "ar")
CONFIG = make_config("sqlite://", base_url="https://termine.example.org", mail_from="termine@example.org")
MOST_WORDS = 12


def letter_for(session: Session, kind: MessageKind, locale: str = "de", sequence: int = 0) -> EmailMessage:
    """The message of that kind as it would be read, to a visit that was booked for it."""
    message = message_for(session, kind, locale, sequence)
    return as_read(write(session, message))


def message_for(
    session: Session, kind: MessageKind, locale: str = "de", sequence: int = 0, *, confirmed: bool = True
) -> Message:
    visit = book_visit(session, locale=locale)
    left = {"email": "ada@example.org", "phone": None, "reminders": True, "secret": SECRET, "now": NOW}
    leave_contact(session, visit.id, **left, by_staff=True)  # one address for more appointments than clients get
    assert visit.contact is not None
    visit.contact.confirmed_at = NOW if confirmed else None
    visit.sequence = sequence
    if kind == "nearly":
        visit.state, visit.ticket = "waiting", 18
    return Message(id=1, visit=visit, visit_id=visit.id, kind=kind, channel="email", sequence=sequence, due_at=NOW)


def write(session: Session, message: Message) -> EmailMessage:
    with session.no_autoflush:
        return write_letter(message, config=CONFIG, town=session.get_one(Town, 1), now=NOW)


def as_read(letter: EmailMessage) -> EmailMessage:
    return cast(EmailMessage, message_from_bytes(letter.as_bytes(), policy=default))


def text_of(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def calendar_of(letter: EmailMessage) -> tuple[EmailMessage, bytes]:
    part = calendar_part(letter)
    assert part is not None
    return part, cast(bytes, part.get_payload(decode=True))


def calendar_part(letter: EmailMessage) -> EmailMessage | None:
    parts = cast(list[EmailMessage], list(letter.walk()))
    return next((each for each in parts if each.get_content_type() == "text/calendar"), None)


def without_links(text: str) -> str:
    return re.sub(r"https://\S+", "", text)


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
    assert visit.code is not None and spoken(visit.code) not in text_of(letter)
    assert calendar_part(letter) is None


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
    for kind in INVITING:
        letter = letter_for(session, kind)
        part, body = calendar_of(letter)
        method = "CANCEL" if kind == "cancelled" else "REQUEST"
        assert letter.get_content_type() == "multipart/alternative"
        assert [each.get_content_type() for each in letter.iter_parts()] == ["text/plain", "text/calendar"]
        assert part["Content-Type"].params["method"] == method
        assert part["Content-Type"].params["charset"] == "utf-8"
        assert Calendar.from_ical(body)["method"] == method
        assert b"\r\r" not in body and body.count(b"\n") == body.count(b"\r\n")
        assert max(map(len, body.split(b"\r\n"))) <= 75


def test_an_invitation_is_between_the_office_and_the_client_who_has_accepted(session: Session) -> None:
    for kind in INVITING:
        letter = letter_for(session, kind, sequence=3)
        event: Any = Calendar.from_ical(calendar_of(letter)[1]).events[0]
        assert event["organizer"] == "mailto:termine@example.org"
        assert event["organizer"].params["CN"] == "Bürgerbüro"
        assert event["attendee"] == "mailto:ada@example.org"
        assert (event["attendee"].params["PARTSTAT"], event["attendee"].params["RSVP"]) == ("ACCEPTED", "FALSE")
        assert event["sequence"] == 3
        assert event["uid"].startswith("visit-") and event["uid"].endswith("@termine.example.org")
        assert event["status"] == ("CANCELLED" if kind == "cancelled" else "CONFIRMED")
        for name in ("dtstart", "dtend", "dtstamp"):
            assert event[name].to_ical().endswith(b"Z")


def test_a_reminder_brings_nothing_for_the_calendar(session: Session) -> None:
    letter = letter_for(session, "reminder")
    assert letter.get_content_type() == "text/plain"


@pytest.mark.parametrize("locale", LOCALES)
def test_an_address_that_nobody_confirmed_is_reminded_of_nothing_but_confirming_it(
    session: Session, locale: str
) -> None:
    zone = session.get_one(Town, 1).zone
    message = message_for(session, "reminder", locale, confirmed=False)
    visit, letter = message.visit, as_read(write(session, message))
    assert visit.starts_at is not None and visit.code is not None
    said = f"{letter['Subject']} {without_links(text_of(letter))}"
    place = visit.place
    day, time = spoken_date(visit.starts_at, locale, zone), spoken_time(visit.starts_at, locale, zone)
    for secret in (day, time, place.name, place.address, place.phone, visit.code[:3]):
        assert secret not in said
    assert "Kleinstadt" in text_of(letter)
    assert "/visits/" not in text_of(letter)
    assert f"https://termine.example.org/contacts/{visit.id}-" in text_of(letter)


def test_a_first_message_asks_to_confirm_the_address_only_who_wants_to_be_reminded(session: Session) -> None:
    message = message_for(session, "confirmation", "en", confirmed=False)
    assert message.visit.contact is not None
    asked = "Please confirm it here."
    assert asked in text_of(write(session, message))
    message.visit.contact.reminders = False
    assert asked not in text_of(write(session, message))
    message.visit.contact.reminders, message.visit.contact.confirmed_at = True, NOW
    assert asked not in text_of(write(session, message))


def test_each_message_about_a_visit_that_stands_leads_to_coming_moving_cancelling_and_not_me(session: Session) -> None:
    for kind in ("confirmation", "moved", "reminder"):
        text = text_of(letter_for(session, kind))
        for last in ("/coming", "/move", "/cancellation"):
            assert re.search(rf"^https://termine\.example\.org/visits/\d+-[\w-]+{last}$", text, re.MULTILINE)
        assert re.search(r"^https://termine\.example\.org/contacts/\d+-[\w-]+$", text, re.MULTILINE)


def test_what_no_reminder_follows_asks_nobody_to_confirm_an_address(session: Session) -> None:
    for kind in ("cancelled", "nearly"):
        text = text_of(write(session, message_for(session, kind, "en", confirmed=False)))
        assert "Please confirm it here." not in text
        assert "Is this message not for you? Please say so here." in text


def test_every_mail_can_be_unsubscribed_from_with_one_click(session: Session) -> None:
    for kind in ALL_KINDS:
        raw = write(session, message_for(session, kind)).as_bytes()
        assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw
        assert re.search(rb"\r\nList-Unsubscribe: <https://termine\.example\.org/contacts/\d+-[\w-]+/removal>\r\n", raw)


def test_no_line_of_a_body_is_too_long_for_mail(session: Session) -> None:
    for locale in LOCALES:
        head, _, body = write(session, message_for(session, "confirmation", locale)).as_bytes().partition(b"\r\n\r\n")
        assert b"=?" not in head.partition(b"List-Unsubscribe:")[2].partition(b"\r\n")[0]
        assert max(map(len, body.split(b"\r\n"))) <= 100  # a link; what is encoded has 76


@pytest.mark.parametrize("locale", LOCALES)
def test_a_subject_is_encoded_in_pieces_that_every_mail_program_reads(session: Session, locale: str) -> None:
    for kind in ALL_KINDS:
        message = message_for(session, kind, locale)
        head, _, _body = write(session, message).as_bytes().partition(b"\r\n\r\n")
        assert all(len(each) <= 75 for each in re.findall(rb"=\?\S+\?=", head))


def test_an_address_beyond_ascii_is_written_as_every_mail_server_knows_it(session: Session) -> None:
    message = message_for(session, "confirmation")
    assert message.visit.contact is not None
    message.visit.contact.email = "ada@bücher.example.org"
    letter = write(session, message)
    assert b"\r\nTo: ada@xn--bcher-kva.example.org\r\n" in letter.as_bytes()
    event = Calendar.from_ical(calendar_of(as_read(letter))[1]).walk("VEVENT")[0]
    assert event["attendee"] == "mailto:ada@xn--bcher-kva.example.org"


def test_the_message_id_follows_from_the_key_and_stays(session: Session) -> None:
    message = message_for(session, "reminder", sequence=2)
    first = write(session, message)
    again = write_letter(message, config=CONFIG, town=session.get_one(Town, 1), now=NOW + timedelta(hours=2))
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
        write_letter(message, config=CONFIG, town=session.get_one(Town, 1), now=NOW)


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
        town = session.get_one(Town, 1)
        for at in (NOW + timedelta(hours=1), NOW, NOW):
            Mailer(config).send(write_letter(message, config=CONFIG, town=town, now=at))
    names = sorted(path.name for path in (tmp_path / "mail").iterdir())
    key = f"visit-{message.visit_id}.confirmation.email.0.eml"
    assert names == [f"20261124T090000Z-{key}", f"20261124T100000Z-{key}"]


def test_catalogues_are_asked_for_in_the_clients_language(session: Session) -> None:
    subject = letter_for(session, "moved", "de")["Subject"]
    expected = translations_for("de").gettext("New time for your appointment: %(day)s")
    assert subject == expected % {"day": "Mittwoch, 25. November"}
