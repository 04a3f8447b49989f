"""How messages leave the house. `letters` writes one, `smtp` sends it, `sink` keeps it in a folder for the demo."""

from __future__ import annotations

from email.message import EmailMessage

from config import Config
from scheduler.delivery import sink, smtp


def deliver(config: Config, letter: EmailMessage) -> None:
    """Bring the letter on its way. Raises smtplib.SMTPException or OSError when that failed."""
    if config.mail_sink is not None:
        sink.keep(config.mail_sink, letter)
    else:
        smtp.send(config, letter)
