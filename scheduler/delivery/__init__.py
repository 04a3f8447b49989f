"""How messages leave the house.

`letters` and `short_texts` write one; `smtp` and `sms` send it; `sink` keeps it in a folder for the demo.
"""

from __future__ import annotations

from email.message import EmailMessage
from types import TracebackType

from config import Config
from scheduler.delivery import sink, smtp


class Mailer:
    """Brings letters on their way, over one connection as long as that holds; leaving the `with` ends it."""

    def __init__(self, config: Config) -> None:
        self._sink = config.mail_sink
        self._connection = smtp.Connection(config)

    def __enter__(self) -> Mailer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._connection.close()

    @property
    def lost(self) -> bool:
        """Whether the mail server cannot be reached: the next letter would not leave, either."""
        return self._connection.lost

    def send(self, letter: EmailMessage) -> None:
        """Bring the letter on its way. Raises smtplib.SMTPException or OSError when that failed."""
        if self._sink is not None:
            sink.keep(self._sink, letter)
        else:
            self._connection.send(letter)
