"""The demo's mail: each message becomes a file in one folder, which the demo shows. Nothing leaves the machine."""

from __future__ import annotations

import os
import re
from email.message import EmailMessage
from pathlib import Path


def keep(folder: Path, letter: EmailMessage) -> Path:
    """Write the letter as an .eml file, named by its Date, so that names sort by time. Gives its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{_name_of(letter)}.eml"
    # A reader never sees half a letter: it gets its name when it is complete.
    unfinished = path.with_suffix(f".{os.getpid()}.part")
    unfinished.write_bytes(letter.as_bytes())
    unfinished.replace(path)
    return path


def _name_of(letter: EmailMessage) -> str:
    sent_at = letter["Date"].datetime
    key = re.sub(r"[^a-z0-9.-]", "", letter["Message-ID"].partition("@")[0])
    return f"{sent_at:%Y%m%dT%H%M%SZ}-{key}"
