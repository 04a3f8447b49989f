"""Mail leaves through the mail server of the configuration: one connection for as many letters as it bears."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage

from config import Config

TIMEOUT_SECONDS = 20
_SERVER_CLOSES = 421


class Connection:
    """A connection that is made when it is needed, kept, and made anew when the server has hung up."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._server: smtplib.SMTP | None = None
        self.lost = False
        """Whether the server could not be reached at all: no letter is to blame, and the next one would fail, too."""

    def send(self, letter: EmailMessage) -> None:
        """Hand the letter to the mail server. Raises smtplib.SMTPException or OSError when it did not take it."""
        was_used = self._server is not None
        try:
            self._hand_over(letter)
        except (smtplib.SMTPException, OSError) as error:
            if not (was_used and _hung_up(error)):
                raise
            self._hand_over(letter)  # servers close what was idle, or has brought enough letters

    def greet(self) -> None:
        """Connect, log in and say goodbye, sending nothing. Raises smtplib.SMTPException or OSError."""
        self._server = self._connect()
        try:
            self._server.noop()
        finally:
            self.close()

    def close(self) -> None:
        server, self._server = self._server, None
        # Taken is taken: a connection that breaks while we say goodbye must not send the letter twice.
        if server is not None:
            with suppress(smtplib.SMTPException, OSError):
                server.quit()

    def _hand_over(self, letter: EmailMessage) -> None:
        if self._server is None:
            self._server = self._connect()
        try:
            self._server.send_message(letter)
        except Exception as error:
            if not isinstance(error, _ANSWERS) or _hung_up(error):
                self._drop()
            raise

    def _drop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()  # without a goodbye: a server that hangs would keep us waiting for its answer

    def _connect(self) -> smtplib.SMTP:
        try:
            server = _open(self._config)
            if self._config.smtp_security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if self._config.smtp_user:
                server.login(self._config.smtp_user, self._config.smtp_password)
        except (smtplib.SMTPException, OSError):
            self.lost = True
            raise
        return server


def reason_of(error: Exception) -> str:
    """Why sending failed, by kind and the server's codes: its words might repeat the address."""
    return " ".join([type(error).__name__, *(str(code) for code in sorted(_codes_of(error)))])


def is_permanent(error: Exception) -> bool:
    """Whether the server will never take a letter to this address. What it says against us (5.7) may be mended."""
    if not isinstance(error, smtplib.SMTPRecipientsRefused):
        return False
    return all(500 <= code < 600 and code != _LOG_IN_FIRST and b"5.7." not in words for code, words in _answers(error))


_LOG_IN_FIRST = 530
_ANSWERS = (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused)


def _codes_of(error: Exception) -> set[int]:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return {code for code, _words in _answers(error)}
    return {error.smtp_code} if isinstance(error, smtplib.SMTPResponseException) else set()


def _answers(error: smtplib.SMTPRecipientsRefused) -> list[tuple[int, bytes]]:
    return list(error.recipients.values())


def _hung_up(error: Exception) -> bool:
    return isinstance(error, smtplib.SMTPServerDisconnected) or _SERVER_CLOSES in _codes_of(error)


def _open(config: Config) -> smtplib.SMTP:
    if config.smtp_security == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(config.smtp_host, config.smtp_port, timeout=TIMEOUT_SECONDS, context=context)
    return smtplib.SMTP(config.smtp_host, config.smtp_port, timeout=TIMEOUT_SECONDS)
