"""The demo's messages: each becomes a file in one folder, which the demo shows. Nothing leaves the machine."""

from __future__ import annotations

import os
import re
from email.message import EmailMessage
from pathlib import Path


def keep(folder: Path, letter: EmailMessage) -> Path:
    """Write the letter as an .eml file, named by its Date, so that names sort by time. Gives its path."""
    return _write(folder / f"{_name_of(letter)}.eml", letter)


def keep_text(folder: Path, *, phone: str, text: str, key: str) -> Path:
    """A text message to this number, as a letter without subject and date, named by its key. Gives its path."""
    letter = EmailMessage()
    letter["To"] = phone
    letter.set_content(text)
    return _write(folder / f"sms-{_plain(key)}.eml", letter)


def _write(path: Path, letter: EmailMessage) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    # A reader never sees half a letter: it gets its name when it is complete.
    unfinished = path.with_suffix(f".{os.getpid()}.part")
    unfinished.write_bytes(letter.as_bytes())
    unfinished.replace(path)
    return path


def _name_of(letter: EmailMessage) -> str:
    sent_at = letter["Date"].datetime
    return f"{sent_at:%Y%m%dT%H%M%SZ}-{_plain(letter['Message-ID'].partition('@')[0])}"


def _plain(key: str) -> str:
    return re.sub(r"[^a-z0-9.-]", "", key)
