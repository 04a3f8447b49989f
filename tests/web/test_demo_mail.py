"""The demo's page of what would have been sent."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage

from flask import Flask

from scheduler.delivery import sink
from tests.web.visitor import Visitor


def keep(app: Flask, key: str, *, invites: bool) -> None:
    letter = EmailMessage()
    letter["Subject"], letter["To"], letter["Date"] = key, "ada@example.org", datetime(2026, 11, 22, tzinfo=UTC)
    letter["Message-ID"] = f"<{key}@termine.example.org>"
    letter.set_content("Text")
    if invites:
        letter.add_alternative(b"BEGIN:VCALENDAR", maintype="text", subtype="calendar")
    sink.keep(app.extensions["settings"].mail_sink, letter)


def test_it_says_which_mails_carry_an_invitation_and_which_are_texts(app: Flask, visitor: Visitor) -> None:
    keep(app, "confirmed", invites=True)
    keep(app, "reminded", invites=False)
    sink.keep_text(app.extensions["settings"].mail_sink, phone="+4915123456789", text="Soon", key="nearly")
    shown = {each.one("h2").text: each.text for each in visitor.open("/demo/mail").root.all("article", class_="mail")}
    assert set(shown) == {"confirmed", "reminded", "Text message"}
    words = "with an invitation for the calendar"
    assert [words in shown[each] for each in ("confirmed", "reminded", "Text message")] == [True, False, False]
