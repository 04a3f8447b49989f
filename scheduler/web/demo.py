"""Pages that exist in the demo alone: the mail and text messages that would have been sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.utils import format_datetime
from pathlib import Path

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from scheduler.web.edge import settings

pages = Blueprint("demo", __name__, url_prefix="/demo")

MOST_SHOWN = 50


@dataclass(frozen=True)
class SunkMail:
    to: str
    subject: str
    """Empty: a text message."""
    date: str
    text: str
    attachments: list[str]
    has_invitation: bool
    """Mail apps show it as an appointment, with buttons of their own."""


@pages.get("/mail")
def show_mail() -> ResponseReturnValue:
    folder = settings().mail_sink
    files = folder.glob("*.eml") if folder and folder.is_dir() else []
    newest = sorted(files, key=lambda each: (each.stat().st_mtime, each.name), reverse=True)[:MOST_SHOWN]
    return render_template("demo/mail.html", mails=[_read(each) for each in newest])


def _read(path: Path) -> SunkMail:
    mail = message_from_bytes(path.read_bytes(), policy=policy.default)
    kept_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    body = mail.get_body(("plain",))
    return SunkMail(
        to=str(mail["To"]),
        subject=str(mail["Subject"] or ""),
        date=str(mail["Date"] or format_datetime(kept_at)),
        text=body.get_content() if body else "",
        attachments=[each.get_filename() or "" for each in mail.iter_attachments()],
        has_invitation=any(each.get_content_type() == "text/calendar" for each in mail.walk()),
    )
