"""Mail leaves through the mail server of the configuration: one connection for each message."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage

from config import Config

TIMEOUT_SECONDS = 20


def send(config: Config, letter: EmailMessage) -> None:
    """Hand the letter to the mail server. Raises smtplib.SMTPException or OSError when it did not take it."""
    server = _connect(config)
    try:
        if config.smtp_security == "starttls":
            server.starttls(context=ssl.create_default_context())
        if config.smtp_user:
            server.login(config.smtp_user, config.smtp_password)
        server.send_message(letter)
    finally:
        # Taken is taken: a connection that breaks while we say goodbye must not send the letter twice.
        with suppress(smtplib.SMTPException, OSError):
            server.quit()


def reason_of(error: Exception) -> str:
    """Why sending failed, by kind and the server's codes: its words might repeat the address."""
    codes: set[int] = set()
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = {code for code, _words in error.recipients.values()}
    elif isinstance(error, smtplib.SMTPResponseException):
        codes = {error.smtp_code}
    return " ".join([type(error).__name__, *(str(code) for code in sorted(codes))])


def _connect(config: Config) -> smtplib.SMTP:
    if config.smtp_security == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(config.smtp_host, config.smtp_port, timeout=TIMEOUT_SECONDS, context=context)
    return smtplib.SMTP(config.smtp_host, config.smtp_port, timeout=TIMEOUT_SECONDS)
