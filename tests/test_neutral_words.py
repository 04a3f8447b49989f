"""Nothing that leaves the house says why somebody comes: every message, calendar and public page of a contact is read.

Read as bytes, over real towns and one that would betray a lot: an appointment in Farsi about deportation, with a topic.
The towns' own names are looked for, too. A place's name and address are the town's choice and stand in messages.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.message import Message as Part
from email.policy import default
from html import unescape
from pathlib import Path
from typing import Any, cast

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.feeds import publish_stale
from jobs.work import Work
from scheduler import create_app, schema, town_file
from scheduler.actions.booking import Booking, book
from scheduler.actions.contacts import leave_contact
from scheduler.actions.feeds import make_feed
from scheduler.actions.rulebook import read_rulebook
from scheduler.actions.slots import find_slots, make_question
from scheduler.actions.steps import CLIENT
from scheduler.db import Database
from scheduler.delivery.letters import TEMPLATES, write_letter
from scheduler.delivery.links import contact_url
from scheduler.delivery.short_texts import write_text
from scheduler.domain.recurrence import local_date
from scheduler.ical import visit_url
from scheduler.models import (
    Adviser,
    Carrier,
    Concern,
    Consultation,
    Message,
    Opening,
    Place,
    Service,
    Topic,
    Town,
    Visit,
)
from scheduler.models.outbox import MessageKind
from scheduler.texts import language_name
from scheduler.web.locales import CATALOGUES
from tests.conftest import NOW, SECRET, SMALL_TOWN, make_config
from tests.town_file.small_file import OFFENBACH

BASE_URL = "https://termine.offenbach.de"
KINDS: tuple[MessageKind, ...] = ("confirmation", "reminder", "moved", "cancelled", "nearly")

STEMS = {
    "de": "migra asyl flücht ausländ aufenthalt einwander zuwander integration beratung abschieb ausweisung duldung",
    "en": "migra asylum refugee foreign residen integration counsel advice advis deport naturali",
    "ar": "هجر لجوء لاجئ أجانب أجنبي إقامة اندماج استشار ترحيل تجنيس",
}
"""Parts of words, wherever they stand in one."""
WHOLE_WORDS = ("mbe", "jmd", "visa", "visum", "fa", "bamf")
ASKED_FOR = "fa"


@dataclass(frozen=True)
class Said:
    """What somebody else may read. `where` names it in a failure."""

    where: str
    text: str


@dataclass(frozen=True)
class TownUnderTest:
    app: Flask
    database: Database
    visits: dict[str, int]
    """One appointment in each locale."""
    said: tuple[Said, ...]
    told: frozenset[str]
    """The town's own words for services, concerns, topics, carriers, advisers and languages."""
    own: tuple[str, ...]
    """Names and addresses of its places."""


def betraying_town() -> dict[str, Any]:
    """The small town, where everything that an appointment asks for would tell a lot."""
    data = tomllib.loads(SMALL_TOWN.read_text())
    data["adviser"][0].update(key="farsi-1", name="Frau Navid (Farsi)", languages=["de", "fa"])
    data["concern"][0]["name"] = {"de": "Ausweisung", "en": "Expulsion", "ar": "طرد"}
    data["topic"][0]["name"] = {"de": "Folter", "en": "Torture", "ar": "تعذيب"}
    data["carrier"][0]["name"] = "Zuflucht e. V."
    for hours in data["hours"]:
        hours["advisers"] = ["farsi-1" if each == "awo-1" else each for each in hours["advisers"]]
    return data


@pytest.fixture(scope="module", params=["offenbach", "luebeck", "betraying"])
def town(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TownUnderTest]:
    """On SQLite alone: words are the same on any database."""
    url = f"sqlite:///{tmp_path_factory.mktemp('words') / 'town.db'}"
    database = Database(url, sends_sms=True)
    schema.upgrade(database.engine)
    found = betraying_town() if request.param == "betraying" else _file_of(request.param)
    with time_machine.travel(NOW, tick=False):
        with database.writing() as session:
            town_file.store(session, town_file.parse(found), NOW)
            session.commit()
        app = create_app(
            make_config(url, base_url=BASE_URL, mail_from="termine@offenbach.de", sms_url="https://x.test")
        )
        with database.writing() as session:
            visits = {locale: _book(session, locale).id for locale in CATALOGUES}
            session.commit()
        town = TownUnderTest(app, database, visits, (), *_words_of(database))
        yield replace(town, said=(*_messages(town), *_calendars(town), *_pages(town)))
    database.engine.dispose()
    app.extensions["database"].engine.dispose()


def _file_of(name: str) -> dict[str, Any]:
    """The town's file; where it has no appointments, some may be booked beside the queue."""
    data = tomllib.loads(OFFENBACH.with_name(f"{name}.toml").read_text())
    if not any(each["admits"] in ("mixed", "appointment") for each in data["hours"]):
        for hours in (each for each in data["hours"] if each["admits"] == "walk_in"):
            hours["admits"] = "mixed"
    return data


def _book(session: Session, locale: str) -> Visit:
    """An appointment that asks for all that can be asked for, and was about something."""
    rules = read_rulebook(session)
    concern = session.scalars(select(Concern).order_by(Concern.position)).first()
    speaking = session.scalars(select(Adviser).order_by(Adviser.position)).all()
    adviser = next((each for each in speaking if ASKED_FOR in each.languages), None)
    wishes: dict[str, Any] = {"adviser_key": adviser.key, "language": ASKED_FOR} if adviser else {"language": "de"}
    first = local_date(NOW, rules.zone) + timedelta(days=1)
    question = make_question(rules, concern=concern, **wishes)
    offered = find_slots(session, rules, question, from_on=first, until_on=first + timedelta(days=21), now=NOW)[0]
    where = (offered.opening.hours.key, offered.opening.dated.original_on, offered.slot.starts_at)
    visit = book(session, rules, Booking(question, *where, locale=locale), by=CLIENT, now=NOW)
    visit.service_id = session.scalars(select(Service.id).order_by(Service.position)).first()
    phone = f"+4915112345{sum(map(ord, locale)):03d}"  # one for each: a number stands for few appointments
    contact: dict[str, Any] = {"email": f"{locale}@example.org", "phone": phone, "reminders": True}
    leave_contact(session, visit.id, **contact, secret=SECRET, now=NOW)
    _talk(session, visit)
    session.flush()
    return visit


def _talk(session: Session, visit: Visit) -> None:
    """It was about a topic."""
    held_by = session.get_one(Adviser, visit.planned_adviser_id)
    topics = [session.scalars(select(Topic.key).order_by(Topic.position)).first()]
    session.add(
        Consultation(
            visit_id=visit.id,
            adviser_id=held_by.id,
            carrier_id=held_by.carrier_id,
            station="",
            called_at=NOW,
            last_called_at=NOW,
            ended_at=NOW,
            ended_as="handed_over",
            topics=topics,
        )
    )


def _words_of(database: Database) -> tuple[frozenset[str], tuple[str, ...]]:
    told: set[str] = set()
    with database.reading() as session:
        for model in (Service, Concern, Topic):
            for row in session.scalars(select(model)):
                told |= {row.key, *row.name.values()}
        advisers, carriers = session.scalars(select(Adviser)).all(), session.scalars(select(Carrier)).all()
        told |= {text for row in (*advisers, *carriers) for text in (row.key, row.name)}
        languages = {ASKED_FOR, *(language for row in advisers for language in row.languages)}
        told |= {language_name(each, locale) for each in languages for locale in CATALOGUES}
        places = session.scalars(select(Place)).all()
        own = {text for place in places for text in (place.name, place.address)}
    return frozenset(told), tuple(sorted(own, key=len, reverse=True))


def _messages(town: TownUnderTest) -> Iterator[Said]:
    """Every kind in every locale, on both ways, to whom has confirmed the address and to whom has not."""
    config = town.app.extensions["settings"]
    with Session(town.database.engine) as session, session.no_autoflush:
        row = session.get_one(Town, 1)
        for locale, visit_id in town.visits.items():
            visit = session.get_one(Visit, visit_id)
            visit.ticket = 18
            assert visit.contact is not None
            for kind in KINDS:
                for visit.contact.confirmed_at in (None, NOW):
                    where = f"{kind} {locale} {'confirmed' if visit.contact.confirmed_at else 'not confirmed'}"
                    message = Message(visit=visit, visit_id=visit.id, kind=kind, sequence=1, due_at=NOW)
                    message.channel = "email"
                    letter = write_letter(message, config=config, town=row, now=NOW)
                    yield Said(f"letter {where}", _all_of(letter))
                    message.channel = "sms"
                    yield Said(f"text {where}", write_text(message, config=config, town=row))
        session.rollback()


def _all_of(letter: EmailMessage) -> str:
    """Head and every part, as they arrive."""
    read = cast(EmailMessage, message_from_bytes(letter.as_bytes(), policy=default))
    parts = [part for part in cast(Iterator[Part], read.walk()) if not part.is_multipart()]
    heads = [f"{name}: {value}" for part in (read, *parts) for name, value in part.items()]
    bodies = [cast(bytes, part.get_payload(decode=True)).decode() for part in parts]
    return "\n".join([*heads, *map(_unfolded, bodies)])


def _calendars(town: TownUnderTest) -> Iterator[Said]:
    """Busy feeds of everybody who may have one, the public ones of the places, and the client's own file."""
    with town.database.writing() as session:
        owners: list[Any] = [*session.scalars(select(Adviser)), *session.scalars(select(Carrier)), ASKED_FOR, "de"]
        made = {
            f"feed of {getattr(each, 'key', each)}": make_feed(session, each, level="busy", base_url=BASE_URL, now=NOW)[
                1
            ]
            for each in owners
        }
        places = list(session.scalars(select(Place.key).where(Place.retired_at.is_(None))))
        session.commit()
    publish_stale(Work(town.app.extensions["settings"], town.database, clock=lambda: NOW))
    paths = {name: f"/feeds/{token}.ics" for name, token in made.items()}
    paths |= {f"feed of the place {key}": f"/places/{key}.ics" for key in places}
    paths |= {f"appointment.ics {locale}": f"{_path(town, id_)}/appointment.ics" for locale, id_ in town.visits.items()}
    for name, path in paths.items():
        body = _get(town, path)
        assert "BEGIN:VEVENT" in body or "feed of" in name, name
        yield Said(name, _unfolded(body))


def _pages(town: TownUnderTest) -> Iterator[Said]:
    """The contact's own pages; of the visit's pages their titles, which stand in histories and on tabs."""
    for locale, visit_id in town.visits.items():
        with town.database.reading() as session:
            contact = contact_url(session.get_one(Visit, visit_id), "sms", town.app.extensions["settings"])
        page = _get(town, f"{contact.removeprefix(BASE_URL)}?locale={locale}")
        yield Said(f"contact's page {locale}", unescape(_between(page, "title") + _between(page, "main")))
        for path in ("", "/move", "/cancellation", "/coming"):
            page = _get(town, f"{_path(town, visit_id)}{path}?locale={locale}")
            yield Said(f"title of the visit's page {path} {locale}", unescape(_between(page, "title")))


def _path(town: TownUnderTest, visit_id: int) -> str:
    with town.database.reading() as session:
        return visit_url(session.get_one(Visit, visit_id), "", SECRET)


def _get(town: TownUnderTest, path: str) -> str:
    answer = town.app.test_client().get(path, base_url=BASE_URL)
    assert answer.status_code == 200, path
    return str(answer.get_data(as_text=True))


def _between(page: str, tag: str) -> str:
    found = re.search(rf"<{tag}\b.*?</{tag}>", page, re.DOTALL)
    assert found, tag
    return found.group()


def _unfolded(body: str) -> str:
    return body.replace("\r\n ", "").replace("\\n", "\n").replace("\\,", ",").replace("\\;", ";")


def betrayed(said: str, told: frozenset[str], own: tuple[str, ...] = ()) -> set[str]:
    """The words in a text that say too much. Links are left out, their last part is random letters."""
    text = re.sub(r"(https?://|mailto:|/)\S+", " ", said.casefold())
    for each in own:
        text = text.replace(each.casefold(), " ")
    found = {stem for stems in STEMS.values() for stem in stems.split() if stem in text}
    found |= {word for word in WHOLE_WORDS if re.search(rf"(?<!\w){word}(?!\w)", text)}
    return found | {word for word in told if re.search(rf"(?<![\w-]){re.escape(word.casefold())}(?![\w-])", text)}


def test_nothing_that_leaves_the_house_says_why_somebody_comes(town: TownUnderTest) -> None:
    found = {each.where: words for each in town.said if (words := betrayed(each.text, town.told, town.own))}
    assert not found


def test_every_kind_of_message_calendar_and_page_was_read(town: TownUnderTest) -> None:
    names = " ".join(each.where for each in town.said)
    for locale in CATALOGUES:
        for kind in KINDS:
            assert f"letter {kind} {locale} confirmed" in names and f"text {kind} {locale} not confirmed" in names
        assert f"appointment.ics {locale}" in names and f"contact's page {locale}" in names
    kinds = {path.stem for path in TEMPLATES.glob("*.txt") if not path.name.startswith("_")}
    assert kinds - {"unconfirmed"} <= set(KINDS), "a template of which no message was written"
    texts = "\n".join(each.text for each in town.said)
    for part in ("METHOD:REQUEST", "METHOD:CANCEL", "RRULE:", "https://termine.offenbach.de/contacts/"):
        assert part in texts


@pytest.mark.parametrize(
    "poison",
    [
        "Your appointment with the migration office",
        "Ihr Termin: Migrationsberatung",
        "SUMMARY:MBE",
        "موعدكم للاستشارة",
        "Ausländerbehörde",
        "Ihre Aufenthaltserlaubnis",
        "<title>Asylum</title>",
        "X-LANGUAGE:fa",
    ],
)
def test_a_word_too_much_is_found(poison: str) -> None:
    assert betrayed(f"Termin am Mittwoch\n{poison}\n482 917 305", frozenset())


def test_the_towns_own_words_are_found(town: TownUnderTest) -> None:
    for word in town.told:
        assert word in betrayed(f"Termin: {word}, 9:15", town.told)


def test_a_poisoned_template_is_found(town: TownUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All the way: a template that names the adviser is written to a file, rendered and read as it would arrive."""
    from scheduler.delivery import letters

    for each in TEMPLATES.glob("*.txt"):
        (tmp_path / each.name).write_text(each.read_text())
    reminder = (TEMPLATES / "reminder.txt").read_text()
    (tmp_path / "reminder.txt").write_text(reminder + "\n{{ place.name }}: Migrationsberatung\n")
    monkeypatch.setattr(letters, "TEMPLATES", tmp_path)
    letters._environment.cache_clear()
    found = {each.where for each in _messages(town) if betrayed(each.text, town.told, town.own)}
    letters._environment.cache_clear()
    assert found == {f"letter reminder {locale} confirmed" for locale in CATALOGUES}


def test_a_visit_asks_for_all_that_could_be_betrayed(town: TownUnderTest) -> None:
    with town.database.reading() as session:
        for visit_id in town.visits.values():
            visit = session.get_one(Visit, visit_id)
            assert visit.service and visit.concern and visit.language and visit.consultations[0].topics
            assert session.get_one(Opening, visit.opening_id)
