"""One message as an e-mail in the client's language. Where it goes then is not decided here.

Letters are neutral: day, time or number, place, code and links. Whoever looks over a shoulder learns neither service
nor language, concern or adviser. A reminder to an address that nobody confirmed tells not even those. A template's
first line is the subject; the text follows after an empty line.

What is booked, moved or cancelled comes with an iTIP invitation, as the text's alternative: so mail apps show it and
keep the calendar right. It is not attached once more, since some apps would then show two; whoever has another app
finds the file on the visit's page. Reminders bring no news for a calendar, and so no part of one.
"""

from __future__ import annotations

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from functools import lru_cache, partial
from pathlib import Path
from zoneinfo import ZoneInfo

from email_validator import validate_email
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from config import Config
from scheduler.delivery.links import contact_url
from scheduler.domain.codes import spoken
from scheduler.ical import Method, Parties, host_of, invitation, visit_url
from scheduler.models import Contact, Message, Town, Visit
from scheduler.models.outbox import MessageKind
from scheduler.texts import isolated, spoken_date, spoken_time, translations_for

TEMPLATES = Path(__file__).parents[2] / "templates" / "messages"


class _LongHead(EmailPolicy):
    """For the head alone: a link there that does not fit into 78 letters would be encoded, and no longer be one.

    Only a subject is broken: no more than 75 letters of one may be encoded together (RFC 2047).
    """

    def fold_binary(self, name: str, value: str) -> bytes:
        return SMTP.fold_binary(name, value) if name == "Subject" else super().fold_binary(name, value)


_LONG_HEAD = _LongHead(linesep="\r\n", max_line_length=998)
_METHODS: dict[MessageKind, Method] = {"confirmation": "REQUEST", "moved": "REQUEST", "cancelled": "CANCEL"}


class NoAddress(LookupError):
    """The visit has no e-mail address (any more)."""


def write_letter(message: Message, *, config: Config, town: Town, now: datetime) -> EmailMessage:
    """The message as it leaves the house. `now` becomes its Date. Raises NoAddress.

    The Message-ID follows from the message's key, so a message that is sent again is recognised as the same one.
    """
    contact = message.visit.contact
    if contact is None or contact.email is None:
        raise NoAddress(f"message {message.id}")
    subject, text = _texts(message, config, town)
    letter = EmailMessage(policy=SMTP)
    letter["Subject"] = subject
    letter["From"] = Address(addr_spec=config.mail_from)
    letter["To"] = Address(addr_spec=_in_ascii(contact.email))
    letter["Date"] = now
    letter["Message-ID"] = message_id(message, config.base_url)
    letter["Auto-Submitted"] = "auto-generated"
    letter["List-Unsubscribe"] = f"<{contact_url(message.visit, 'email', config)}/removal>"
    letter["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    letter.set_content(text)
    if method := _METHODS.get(message.kind):
        parties = Parties(config.mail_from, _in_ascii(contact.email))
        _add_invitation(letter, message.visit, method, parties, config, town.zone)
    letter["Content-Language"] = message.visit.locale  # last: alternatives move such headers to the text alone
    letter.policy = _LONG_HEAD
    return letter


def message_id(message: Message, base_url: str) -> str:
    """The same for every attempt: visit, kind, channel and sequence are the key of the row."""
    return f"<visit-{message.visit_id}.{message.kind}.{message.channel}.{message.sequence}@{host_of(base_url)}>"


def tells_nothing(message: Message) -> bool:
    """Whether it goes to an address that may be a stranger's: then it only asks to confirm that."""
    contact = message.visit.contact
    return message.kind == "reminder" and (contact is None or contact.confirmed_at is None)


def _in_ascii(email: str) -> str:
    """The address with its domain as every mail server knows it: bücher.example as xn--bcher-kva.example."""
    return validate_email(email, check_deliverability=False).ascii_email or email


def _asks_to_confirm(message: Message, contact: Contact) -> bool:
    """Who wants to be reminded of what stands: of what is cancelled, or of today, no reminder will follow."""
    stands = message.kind in ("confirmation", "moved", "reminder")
    return stands and contact.reminders and contact.confirmed_at is None


def _texts(message: Message, config: Config, town: Town) -> tuple[str, str]:
    visit = message.visit
    known = {"contact_url": contact_url(visit, "email", config), "base_url": config.base_url, "town": town.name}
    if tells_nothing(message):
        rendered = _environment(visit.locale).get_template("unconfirmed.txt").render(known)
    else:
        assert visit.contact is not None
        told = {"number": visit.ticket} if message.kind == "nearly" else _appointment_texts(visit, town.zone)
        rendered = (
            _environment(visit.locale)
            .get_template(f"{message.kind}.txt")
            .render(
                **known,
                **told,
                place=visit.place,
                visit_url=visit_url(visit, config.base_url, config.secret_key),
                asks_to_confirm=_asks_to_confirm(message, visit.contact),
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


def _add_invitation(
    letter: EmailMessage, visit: Visit, method: Method, parties: Parties, config: Config, zone: ZoneInfo
) -> None:
    body = invitation(
        visit, zone=zone, base_url=config.base_url, secret=config.secret_key, method=method, parties=parties
    )
    # Bytes, because text would have its line ends and folding written anew.
    letter.add_alternative(
        body, maintype="text", subtype="calendar", params={"method": method, "charset": "utf-8", "component": "VEVENT"}
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
