"""Pages that exist in the demo alone: the mail that would have been sent."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes, policy

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from scheduler.web.edge import settings

pages = Blueprint("demo", __name__, url_prefix="/demo")

MOST_SHOWN = 50


@dataclass(frozen=True)
class SunkMail:
    to: str
    subject: str
    date: str
    text: str
    attachments: list[str]


@pages.get("/mail")
def show_mail() -> ResponseReturnValue:
    folder = settings().mail_sink
    files = sorted(folder.glob("*.eml"), reverse=True)[:MOST_SHOWN] if folder and folder.is_dir() else []
    return render_template("demo/mail.html", mails=[_read(each.read_bytes()) for each in files])


def _read(raw: bytes) -> SunkMail:
    mail = message_from_bytes(raw, policy=policy.default)
    body = mail.get_body(("plain",))
    return SunkMail(
        to=str(mail["To"]),
        subject=str(mail["Subject"]),
        date=str(mail["Date"]),
        text=body.get_content() if body else "",
        attachments=[each.get_filename() or "" for each in mail.iter_attachments()],
    )
