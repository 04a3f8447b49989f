"""Settings of one installation: one frozen dataclass, read once from the environment.

Every field says what it does, its environment variable (the upper-case name) and its default.
Outside the demo a weak or missing secret stops the start: see `Config.from_env`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from email.errors import HeaderParseError, MessageDefect
from email.headerregistry import Address
from pathlib import Path
from typing import Literal

from scheduler.domain.permissions import ROLES

VERSION = "0.1.0"
MailSecurity = Literal["none", "starttls", "tls"]
LogFormat = Literal["text", "json"]

SHORTEST_SECRET, FEWEST_CHARACTERS = 32, 10
"""Of SECRET_KEY: how long it is, and of how many different characters."""
SHORTEST_TOKEN = 16
"""Characters of a secret that is sent with each request."""


class ConfigError(ValueError):
    """The environment lacks a setting or holds one that cannot be used; the text says which."""


@dataclass(frozen=True, kw_only=True)
class Config:
    secret_key: str
    """SECRET_KEY: signs log-ins, forms and visit links. At least 32 characters; changing it ends all links."""

    contact_keys: tuple[str, ...]
    """CONTACT_KEYS: keys that encrypt contacts, separated by commas, the newest first (older ones only decrypt).
    Make one with `flask --app wsgi new-key`."""

    database_url: str = "sqlite:///var/sprechstunde.db"
    """DATABASE_URL: `sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/NAME`."""

    base_url: str = "http://127.0.0.1:8000"
    """BASE_URL: the address under which clients reach the pages; stands in messages, QR codes and feeds."""

    smtp_host: str = ""
    """SMTP_HOST: mail server. Empty: no mail is sent and no e-mail address is asked for, except in the demo."""

    smtp_port: int = 587
    """SMTP_PORT: port of the mail server."""

    smtp_user: str = ""
    """SMTP_USER: log-in at the mail server; empty: none."""

    smtp_password: str = ""
    """SMTP_PASSWORD: password for SMTP_USER."""

    smtp_security: MailSecurity = "starttls"
    """SMTP_SECURITY: `starttls`, `tls` or `none`."""

    mail_from: str = "termine@localhost"
    """MAIL_FROM: sender address of all messages."""

    sms_url: str = ""
    """SMS_URL: address (HTTPS) of a gateway for text messages. Empty: none are sent, phone numbers are for calls."""

    sms_template: str = '{"to": "{to}", "text": "{text}"}'
    """SMS_TEMPLATE: what is posted there: JSON, or a form like `to={to}&text={text}`. `{to}`, `{text}` and `{key}`
    (the same for every attempt at one message) are filled in, written as JSON or the form needs them."""

    sms_authorization: str = ""
    """SMS_AUTHORIZATION: value of the Authorization header there, such as `Bearer …`; a secret. Empty: none."""

    sms_a_day: int = 300
    """SMS_A_DAY: so many text messages leave in 24 hours at most; the rest waits. Each costs money."""

    mail_sink: Path | None = None
    """MAIL_SINK: folder that takes mail and text messages instead of servers. Only in the demo, see /demo/mail."""

    calendar_hosts: frozenset[str] = frozenset()
    """CALENDAR_HOSTS: hosts (`cloud.town.example` or `host:port`), separated by commas, whose calendars may be read
    although their address is private or plain HTTP. All others must be public and HTTPS."""

    demo: bool = False
    """DEMO: `1` only for `make run`: demo log-ins work, weak secrets are allowed, a banner says so."""

    trusted_proxies: int = 0
    """TRUSTED_PROXIES: how many reverse proxies in front may set X-Forwarded-For and -Proto."""

    code_limit: str = "10 per minute; 60 per hour"
    """CODE_LIMIT: how often one address may enter a visit's code, or fail to log in."""

    booking_work: int = 20_000
    """BOOKING_WORK: among so many numbers a client's device finds a secret one before it books (ten times as many under
    attack, at most): 0.2 seconds on a phone of 2016."""

    bookings_a_minute: int = 30
    """BOOKINGS_A_MINUTE: attempts to book a minute, in one web process, that are usual; the work grows beyond them."""

    bookings_from_one_address: int = 120
    """BOOKINGS_FROM_ONE_ADDRESS: beyond so many attempts a minute, in one web process, an address is refused. Many
    people in one house share an address: choose what they never reach."""

    wait_seconds: int = 20
    """WAIT_SECONDS: so long whoever has no JavaScript waits before booking."""

    waiting_a_minute: int = 6
    """WAITING_A_MINUTE: under attack so many bookings by waiting pass a minute, in one web process."""

    lock_after_minutes: int = 15
    """LOCK_AFTER_MINUTES: a screen that staff have not used for so long locks itself; `0`: never by itself."""

    backup_folder: Path = Path("var/backups")
    """BACKUP_FOLDER: where `flask --app wsgi backup` keeps backups; doctor and metrics look there for the newest."""

    log_format: LogFormat = "text"
    """LOG_FORMAT: `text`, or `json` with one object a line. Neither holds addresses of pages, contacts or codes."""

    metrics_token: str = ""
    """METRICS_TOKEN: whoever shows it as bearer reads /metrics; 16 characters or more. Empty: there is no such page."""

    second_factor_for: frozenset[str] = frozenset({"carrier_coordinator", "hours_coordinator", "administrator"})
    """SECOND_FACTOR_FOR: roles, separated by commas, whose log-in needs a second factor (an app's six digits): of
    `desk`, `adviser`, `carrier_coordinator`, `hours_coordinator`, `administrator`. Empty: none; so in the demo."""

    @property
    def secure(self) -> bool:
        """True where clients come by HTTPS: cookies are then sent by HTTPS alone."""
        return self.base_url.startswith("https://")

    @property
    def sends_mail(self) -> bool:
        """True where e-mail can leave: only then a page asks for an e-mail address."""
        return bool(self.smtp_host) or self.mail_sink is not None

    @property
    def sends_sms(self) -> bool:
        """True where text messages can leave: only then a phone number serves for more than calls."""
        return bool(self.sms_url)

    @property
    def ways(self) -> dict[str, bool]:
        """By which ways messages can leave, as `Database` takes them."""
        return {"sends_mail": self.sends_mail, "sends_sms": self.sends_sms}

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Config:
        """Read the settings. Raises ConfigError with one line for each unusable one."""
        demo = environ.get("DEMO") == "1"
        problems = [*_secret_problems(environ, demo), *_value_problems(environ)]
        if problems:
            raise ConfigError("\n".join(problems))
        defaults = cls(secret_key="", contact_keys=())
        return cls(
            secret_key=environ["SECRET_KEY"],
            contact_keys=tuple(key.strip() for key in environ["CONTACT_KEYS"].split(",")),
            database_url=environ.get("DATABASE_URL") or defaults.database_url,
            base_url=(environ.get("BASE_URL") or defaults.base_url).rstrip("/"),
            smtp_host=environ.get("SMTP_HOST", ""),
            smtp_port=int(environ.get("SMTP_PORT", defaults.smtp_port)),
            smtp_user=environ.get("SMTP_USER", ""),
            smtp_password=environ.get("SMTP_PASSWORD", ""),
            smtp_security=_mail_security(environ),
            mail_from=environ.get("MAIL_FROM") or defaults.mail_from,
            sms_url=environ.get("SMS_URL", ""),
            sms_template=environ.get("SMS_TEMPLATE") or defaults.sms_template,
            sms_authorization=environ.get("SMS_AUTHORIZATION", ""),
            sms_a_day=int(environ.get("SMS_A_DAY", defaults.sms_a_day)),
            calendar_hosts=frozenset(filter(None, map(str.strip, environ.get("CALENDAR_HOSTS", "").split(",")))),
            mail_sink=Path(environ["MAIL_SINK"]) if demo and environ.get("MAIL_SINK") else None,
            demo=demo,
            trusted_proxies=int(environ.get("TRUSTED_PROXIES", 0)),
            code_limit=environ.get("CODE_LIMIT", defaults.code_limit),
            booking_work=int(environ.get("BOOKING_WORK", defaults.booking_work)),
            bookings_a_minute=int(environ.get("BOOKINGS_A_MINUTE", defaults.bookings_a_minute)),
            bookings_from_one_address=int(environ.get("BOOKINGS_FROM_ONE_ADDRESS", defaults.bookings_from_one_address)),
            wait_seconds=int(environ.get("WAIT_SECONDS", defaults.wait_seconds)),
            waiting_a_minute=int(environ.get("WAITING_A_MINUTE", defaults.waiting_a_minute)),
            lock_after_minutes=int(environ.get("LOCK_AFTER_MINUTES", defaults.lock_after_minutes)),
            second_factor_for=_roles(environ.get("SECOND_FACTOR_FOR"), demo),
            backup_folder=Path(environ.get("BACKUP_FOLDER") or defaults.backup_folder),
            log_format="json" if environ.get("LOG_FORMAT") == "json" else "text",
            metrics_token=environ.get("METRICS_TOKEN", ""),
        )


def with_throwaway_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings, with secrets for one run: for commands that read and write nothing secret, whatever is set."""
    contact_key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return {**environ, "SECRET_KEY": secrets.token_urlsafe(48), "CONTACT_KEYS": contact_key}


def _secret_problems(environ: Mapping[str, str], demo: bool) -> list[str]:
    problems = []
    secret = environ.get("SECRET_KEY", "")
    if not secret or (not demo and _is_weak(secret)):
        problems.append("SECRET_KEY: set it to at least 32 random characters (flask --app wsgi new-key prints some)")
    keys = [key.strip() for key in environ.get("CONTACT_KEYS", "").split(",")]
    if not all(_is_contact_key(key) and (demo or not _is_plain(key)) for key in keys):
        problems.append("CONTACT_KEYS: each must be a key as `flask --app wsgi new-key` prints it")
    return problems


def _is_weak(secret: str) -> bool:
    """Too short, made of few characters, a text that repeats itself, or an example that was never changed."""
    repeats = secret in (secret + secret)[1:-1]
    named = any(each in secret.lower() for each in _EXAMPLES)
    return len(secret) < SHORTEST_SECRET or len(set(secret)) < FEWEST_CHARACTERS or repeats or named


_EXAMPLES = ("change", "secret", "example", "password", "default", "replace", "insert", "your-", "…", "12345678")
"""What stands in instructions in the place of a secret. Random letters spell one of these once in millions of times."""


def _value_problems(environ: Mapping[str, str]) -> list[str]:
    problems = [
        f"{name}: must be a whole number, is {environ[name]!r}"
        for name in ("SMTP_PORT", "TRUSTED_PROXIES", "LOCK_AFTER_MINUTES", "SMS_A_DAY", "WAIT_SECONDS", *_AT_LEAST_ONE)
        if not _is_whole(environ.get(name, "0"))
    ]
    problems += [
        f"{name}: must be 1 or more"
        for name in _AT_LEAST_ONE
        if _is_whole(environ.get(name, "1")) and int(environ.get(name, "1")) == 0
    ]
    if _roles(environ.get("SECOND_FACTOR_FOR"), demo=False) - set(ROLES):
        problems.append(f"SECOND_FACTOR_FOR: must be some of {', '.join(ROLES)}")
    if environ.get("SMTP_SECURITY", "starttls") not in ("none", "starttls", "tls"):
        problems.append("SMTP_SECURITY: must be starttls, tls or none")
    if not (environ.get("SMS_URL") or "https://").startswith(("https://", "http://127.0.0.1:")):
        problems.append("SMS_URL: must begin with https://")
    if not _is_sms_template(environ.get("SMS_TEMPLATE") or Config.sms_template):
        problems.append(
            "SMS_TEMPLATE: must hold {to} and {text}; one that begins with { must be JSON, with them in quotes"
        )
    if not _is_address(environ.get("MAIL_FROM") or Config.mail_from):
        problems.append("MAIL_FROM: must be an address by itself, such as termine@stadt.example")
    if (environ.get("LOG_FORMAT") or "text") not in ("text", "json"):
        problems.append("LOG_FORMAT: must be text or json")
    if 0 < len(environ.get("METRICS_TOKEN", "")) < SHORTEST_TOKEN:
        problems.append(f"METRICS_TOKEN: must have at least {SHORTEST_TOKEN} characters, or be empty")
    if not environ.get("BASE_URL", "http://").startswith(("http://", "https://")):
        problems.append("BASE_URL: must begin with http:// or https://")
    return problems


_AT_LEAST_ONE = ("BOOKING_WORK", "BOOKINGS_A_MINUTE", "BOOKINGS_FROM_ONE_ADDRESS", "WAITING_A_MINUTE")


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9


def _roles(text: str | None, demo: bool) -> frozenset[str]:
    if text is None:
        return frozenset() if demo else Config.second_factor_for
    return frozenset(filter(None, map(str.strip, text.split(","))))


def _is_address(text: str) -> bool:
    """Whether a letter may come from it: a name beside it, or letters beyond ASCII, would stop every one of them."""
    try:
        return text.isascii() and bool(Address(addr_spec=text).domain)
    except (HeaderParseError, MessageDefect, ValueError, IndexError):
        return False


def _is_sms_template(template: str) -> bool:
    if "{to}" not in template or "{text}" not in template:
        return False
    try:
        return not template.lstrip().startswith("{") or bool(json.loads(template))
    except ValueError:
        return False


def _mail_security(environ: Mapping[str, str]) -> MailSecurity:
    match environ.get("SMTP_SECURITY"):
        case "none":
            return "none"
        case "tls":
            return "tls"
        case _:
            return "starttls"


def _is_contact_key(key: str) -> bool:
    try:
        return len(base64.urlsafe_b64decode(key)) == 32
    except ValueError:
        return False


def _is_plain(contact_key: str) -> bool:
    """32 bytes of which hardly any differ were typed, not drawn."""
    return len(set(base64.urlsafe_b64decode(contact_key))) < FEWEST_CHARACTERS


def build_id(root: Path = Path(__file__).parent) -> str:
    """A short name of this build: part of every ETag and static address, so that an update shows at once."""
    digest = hashlib.sha256(VERSION.encode())
    for folder in ("static", "templates", "scheduler"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".css", ".js", ".html", ".py", ".mo", ".svg", ".txt"):
                digest.update(path.read_bytes())
    return digest.hexdigest()[:10]
