"""A SQLite file: copied while others write, looked over, and put in the place of another one.

`VACUUM INTO` reads one state in one transaction: writers go on, and what they write meanwhile is not in it. SQLite's
own backup interface begins anew with each write of others, and would never end on a busy morning. Nor does the copy
hold what was deleted: free pages are left out.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path

from scheduler.backup.failure import MEGABYTE, SAY_EVERY_SECONDS, BackupFailed, Say

_STEPS_BETWEEN_LOOKS = 100_000
_AWAY = ".before-restore-"


def dump(path: Path, into: Path, say: Say) -> None:
    """Copy the database at `path` into the empty file `into`. Raises BackupFailed."""
    if not path.exists():
        raise BackupFailed(
            f"there is no database at {path}: DATABASE_URL names another one, or nothing was migrated yet"
        )
    try:
        with closing(_open(path)) as connection:
            connection.set_progress_handler(_Progress(path, into, say), _STEPS_BETWEEN_LOOKS)
            connection.execute("VACUUM INTO ?", (str(into),))
    except sqlite3.Error as error:
        raise BackupFailed(f"SQLite could not copy the database: {error}") from None


def read_revision(path: Path) -> str:
    """The schema's revision in this file; empty: it has none. Raises BackupFailed where it is no database."""
    try:
        with closing(_open(path)) as connection:
            found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:  # no such table
        return ""
    except sqlite3.Error as error:
        raise BackupFailed(f"{path.name} is no database that can be read: {error}") from None
    return str(found[0]) if found else ""


def read_through(path: Path) -> None:
    """Read all of it. Raises BackupFailed where a page is damaged or a row refers to nothing."""
    try:
        with closing(_open(path)) as connection:
            [(said,)] = connection.execute("PRAGMA integrity_check(1)").fetchall()
            lost = connection.execute("PRAGMA foreign_key_check").fetchone()
    except (sqlite3.Error, ValueError) as error:
        raise BackupFailed(f"{path.name} is damaged: {error}") from None
    if said != "ok" or lost:
        raise BackupFailed(
            f"{path.name} is damaged: {said if said != 'ok' else f'a row of {lost[0]} refers to nothing'}"
        )


def is_empty(path: Path) -> bool:
    """Whether there is no file, or no row in it but the schema's revision."""
    if not path.exists() or path.stat().st_size == 0:
        return True
    try:
        with closing(_open(path)) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            names = [name for (name,) in tables if name != "alembic_version" and not name.startswith("sqlite_")]
            return not any(connection.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone() for name in names)  # noqa: S608 - names of the file itself
    except sqlite3.Error:  # damaged: there was something in it
        return False


def refuse_if_used(path: Path) -> None:
    """Raises BackupFailed while another process has it open: it would go on with the file that was put away."""
    if not path.exists():
        return
    try:
        with closing(_open(path, wait_seconds=1)) as connection:
            connection.execute(
                "PRAGMA journal_mode = DELETE"
            ).fetchone()  # only who is alone with it may; folds the log
    except sqlite3.OperationalError:
        raise BackupFailed("the database is in use: stop web and jobs first") from None
    except sqlite3.DatabaseError:
        return  # damaged beyond opening: that is why something is restored


def stage(backup: Path, target: Path) -> Path:
    """A copy of the backup beside the target, for this user alone."""
    target.parent.mkdir(parents=True, exist_ok=True)
    staged = target.with_name(f".{target.name}.restoring")
    drop(staged)
    with (
        backup.open("rb") as source,
        os.fdopen(os.open(staged, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as to,
    ):
        shutil.copyfileobj(source, to, MEGABYTE)
    return staged


def put_in_place(staged: Path, target: Path, now: datetime) -> Path | None:
    """The staged file becomes the database; gives where the old one is kept, if there was one."""
    with closing(_open(staged)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE").fetchone()  # one file holds all of it
    sync(staged)
    old = target.with_name(f"{target.name}{_AWAY}{now:%Y%m%dT%H%M%SZ}")
    there_was_one = target.exists()
    for suffix in ("", "-wal", "-shm"):  # of a damaged one the log could not be folded in
        beside = target.with_name(target.name + suffix)
        if beside.exists():
            beside.rename(old.with_name(old.name + suffix))
    staged.replace(target)
    sync(target.parent)
    return old if there_was_one else None


def put_away(target: Path) -> list[Path]:
    """Databases that restores have replaced: they hold personal data until somebody deletes them."""
    return sorted(each for each in target.parent.glob(f"{target.name}{_AWAY}*") if not each.name.endswith("-shm"))


def drop(staged: Path) -> None:
    """Delete a file that was staged, with its log."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        staged.with_name(staged.name + suffix).unlink(missing_ok=True)


def _open(path: Path, wait_seconds: float = 30) -> sqlite3.Connection:
    """Opens what is there, and makes nothing."""
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=wait_seconds)


class _Progress:
    """Called by SQLite every so many steps: says now and then how far it has come."""

    def __init__(self, path: Path, into: Path, say: Say) -> None:
        self.path, self.into, self.say = path, into, say
        self.said_at = time.monotonic()

    def __call__(self) -> int:
        if time.monotonic() - self.said_at >= SAY_EVERY_SECONDS:
            self.said_at = time.monotonic()
            done, whole = self.into.stat().st_size, self.path.stat().st_size
            self.say(f"  {done // MEGABYTE} of {whole // MEGABYTE} MB at most")
        return 0


def sync(path: Path) -> None:
    """Until what this file or folder holds is on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
