"""One message as an e-mail in the client's language, with its calendar file. Where it goes then is not decided here.

Letters are neutral: day, time or number, place, code and link. Whoever looks over a shoulder learns neither service
nor language, concern or adviser. A template's first line is the subject; the text follows after an empty line.
"""

from __future__ import annotations

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from functools import lru_cache, partial
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from config import Config
from scheduler.domain.codes import spoken
from scheduler.ical import Method, host_of, invitation, visit_url
from scheduler.models import Message, Visit
from scheduler.texts import isolated, spoken_date, spoken_time, translations_for

TEMPLATES = Path(__file__).parents[2] / "templates" / "messages"


class NoAddress(LookupError):
    """The visit has no e-mail address (any more)."""


def write_letter(message: Message, *, config: Config, zone: ZoneInfo, now: datetime) -> EmailMessage:
    """The message as it leaves the house. `now` becomes its Date. Raises NoAddress.

    The Message-ID follows from the message's key, so a message that is sent again is recognised as the same one.
    """
    contact = message.visit.contact
    if contact is None or contact.email is None:
        raise NoAddress(f"message {message.id}")
    subject, text = _texts(message, config, zone)
    letter = EmailMessage(policy=SMTP)
    letter["Subject"] = subject
    letter["From"] = Address(addr_spec=config.mail_from)
    letter["To"] = Address(addr_spec=contact.email)
    letter["Date"] = now
    letter["Message-ID"] = message_id(message, config.base_url)
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(text)
    if message.kind != "nearly":
        _attach_invitation(letter, message, config, zone)
    letter["Content-Language"] = message.visit.locale  # last: attaching moves such headers to the text alone
    return letter


def message_id(message: Message, base_url: str) -> str:
    """The same for every attempt: visit, kind, channel and sequence are the key of the row."""
    return f"<visit-{message.visit_id}.{message.kind}.{message.channel}.{message.sequence}@{host_of(base_url)}>"


def _texts(message: Message, config: Config, zone: ZoneInfo) -> tuple[str, str]:
    visit = message.visit
    told = {"number": visit.ticket} if message.kind == "nearly" else _appointment_texts(visit, zone)
    rendered = (
        _environment(visit.locale)
        .get_template(f"{message.kind}.txt")
        .render(
            **told,
            place=visit.place,
            visit_url=visit_url(visit, config.base_url, config.secret_key),
            base_url=config.base_url,
        )
    )
    subject, _, text = rendered.partition("\n")
    return subject.strip(), text.strip() + "\n"


def _appointment_texts(visit: Visit, zone: ZoneInfo) -> dict[str, object]:
    assert visit.starts_at is not None  # planned for appointments alone
    return {
        "day": spoken_date(visit.starts_at, visit.locale, zone),
        "time": spoken_time(visit.starts_at, visit.locale, zone),
        "code": spoken(visit.code or ""),
    }


def _attach_invitation(letter: EmailMessage, message: Message, config: Config, zone: ZoneInfo) -> None:
    method: Method = "CANCEL" if message.kind == "cancelled" else "PUBLISH"
    body = invitation(message.visit, zone=zone, base_url=config.base_url, secret=config.secret_key, method=method)
    # Bytes, because text would have its line ends and folding written anew.
    letter.add_attachment(
        body,
        maintype="text",
        subtype="calendar",
        filename="appointment.ics",
        params={"method": method, "charset": "utf-8"},
    )


@lru_cache(maxsize=64)
def _environment(locale: str) -> Environment:
    environment = Environment(  # noqa: S701 - plain text: there is nothing to escape
        loader=FileSystemLoader(TEMPLATES),
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.install_gettext_translations(translations_for(locale), newstyle=True)  # type: ignore[attr-defined]
    environment.globals["isolated"] = partial(isolated, locale=locale)
    return environment
