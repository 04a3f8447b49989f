"""Backups as files: their names, how one is made, looked over and found again, and which are deleted.

A backup has its name only when it is complete, was read back and is on the disk. Beside each stands its checksum, as
`sha256sum --check` reads it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.engine import make_url

from scheduler.backup import postgresql, sqlite
from scheduler.backup.failure import BackupFailed, Say

SUFFIXES = {"sqlite": ".sqlite3", "postgresql": ".pgdump"}
_STAMP = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"sprechstunde-(\d{8}T\d{6}Z)\.(?:sqlite3|pgdump)")
_UNFINISHED = re.compile(r"\.sprechstunde-\d{8}T\d{6}Z\.(?:sqlite3|pgdump)\.part(?:-journal)?")
_GIVEN_UP_AFTER = timedelta(days=1)


class Backup(NamedTuple):
    """A backup in a folder. `at`: the instant whose state it holds, to within the time that it took."""

    path: Path
    at: datetime

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    @property
    def checksum(self) -> Path:
        return checksum_of(self.path)


def make_backup(database_url: str, folder: Path, now: datetime, say: Say) -> Backup:
    """Write a backup of the database into the folder. Raises BackupFailed; then nothing is left in it."""
    url = make_url(database_url)
    kind = url.get_backend_name()
    if kind not in SUFFIXES or not url.database:
        raise BackupFailed("only a SQLite file or PostgreSQL can be backed up")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"sprechstunde-{now.astimezone(UTC):{_STAMP}}{SUFFIXES[kind]}"
        with _unfinished(path) as part:
            say(f"Writing {path}")
            if kind == "sqlite":
                sqlite.dump(Path(url.database), part, say)
            else:
                postgresql.dump(database_url, part, say)
            read_revision(part, kind)
            _finish(part, path)
    except OSError as error:
        raise BackupFailed(f"{folder} cannot be written: {error.strerror or error}") from None
    return Backup(path, now)


def verify(path: Path, say: Say) -> str:
    """Read all of a backup; gives its schema's revision. Raises BackupFailed where anything is wrong with it."""
    kind = kind_of(path)
    if not path.is_file():
        raise BackupFailed(f"there is no file {path}")
    say(f"Reading {path}")
    beside = checksum_of(path)
    if beside.exists():
        if beside.read_text("utf-8").split()[:1] != [digest_of(path)]:
            raise BackupFailed(f"{path.name} is not as it was written: its checksum is another one")
    else:
        say(f"  no checksum stands beside it ({beside.name}): whether a byte has changed cannot be told")
    (sqlite if kind == "sqlite" else postgresql).read_through(path)
    return read_revision(path, kind)


def list_backups(folder: Path) -> list[Backup]:
    """The complete backups in this folder, the oldest first. Raises OSError where it cannot be read."""
    if not folder.is_dir():
        return []
    named = ((each, _NAME.fullmatch(each.name)) for each in folder.iterdir())
    found = [Backup(path, datetime.strptime(name[1], _STAMP).replace(tzinfo=UTC)) for path, name in named if name]
    return sorted(found, key=lambda each: each.at)


def prune(folder: Path, keep: int, now: datetime) -> list[Path]:
    """Delete our backups but the newest `keep` (at least one), and what was cut off a day ago. Other files stay.

    Gives the backups that were deleted.
    """
    old = [each.path for each in list_backups(folder)][:-keep]
    for each in old:
        each.unlink()
        checksum_of(each).unlink(missing_ok=True)
    for each in folder.iterdir():
        age = now.timestamp() - each.stat().st_mtime
        if _UNFINISHED.fullmatch(each.name) and age > _GIVEN_UP_AFTER.total_seconds():
            each.unlink()
    return old


def kind_of(path: Path) -> str:
    """Which database it is a backup of. Raises BackupFailed where the name does not say."""
    for kind, suffix in SUFFIXES.items():
        if path.suffix == suffix:
            return kind
    raise BackupFailed(f"{path.name} is no backup: one ends in {' or '.join(SUFFIXES.values())}")


def read_revision(path: Path, kind: str) -> str:
    """The schema's revision in a backup. Raises BackupFailed where it has none: then it is none of ours."""
    found = sqlite.read_revision(path) if kind == "sqlite" else postgresql.read_revision(path)
    if not found:
        raise BackupFailed(f"{path.name} holds no schema of this application")
    return found


def checksum_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def digest_of(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


@contextmanager
def _unfinished(path: Path) -> Iterator[Path]:
    """An empty file for this user alone, under a name that says that it is not complete; gone where that failed."""
    if path.exists():
        raise BackupFailed(f"there is a backup of this very second: {path}")
    part = path.with_name(f".{path.name}.part")
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        yield part
    finally:
        sqlite.drop(part)  # and the journal that SQLite leaves beside it where the disk is full


def _finish(part: Path, path: Path) -> None:
    """To the disk, checksum first, then the name: whoever sees the name sees all of it."""
    sqlite.sync(part)
    beside = checksum_of(path)
    beside.touch(0o600)
    beside.write_text(f"{digest_of(part)}  {path.name}\n", "utf-8")
    sqlite.sync(beside)
    part.rename(path)
    sqlite.sync(path.parent)
