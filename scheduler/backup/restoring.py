"""Put a backup in the place of the database, so that either all of it has happened or nothing.

The backup is read through first, brought to the newest schema and made fit to go on from; only then does it take the
old database's place.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from scheduler import schema
from scheduler.actions.after_restore import settle_after_restore
from scheduler.backup import files, postgresql, sqlite
from scheduler.backup.failure import BackupFailed, Say
from scheduler.db import open_engine


class Restored(NamedTuple):
    """`revision`: of the backup, before it was migrated. `put_away`: where the old SQLite file is kept."""

    revision: str
    put_away: Path | None


def restore(database_url: str, backup: Path, *, replace: bool, now: datetime, say: Say) -> Restored:
    """Restore the backup. Raises BackupFailed, and then the database is as it was.

    `replace`: also over a database that holds something.
    """
    url = make_url(database_url)
    if files.kind_of(backup) != url.get_backend_name():
        raise BackupFailed(f"{backup.name} is of {files.kind_of(backup)}, and DATABASE_URL is not")
    revision = files.verify(backup, say)
    if not schema.is_known(revision):
        raise BackupFailed(
            f"{backup.name} is from a newer version (schema {revision}, this one knows up to {schema.newest()}):"
            " install that version, then restore"
        )
    if url.get_backend_name() == "sqlite":
        return Restored(revision, _restore_sqlite(Path(str(url.database)).resolve(), backup, replace, now, say))
    _restore_postgresql(database_url, backup, replace, now, say)
    return Restored(revision, None)


def _restore_sqlite(target: Path, backup: Path, replace: bool, now: datetime, say: Say) -> Path | None:
    _refuse_unless_empty(sqlite.is_empty(target), replace)
    sqlite.refuse_if_used(target)
    staged = sqlite.stage(backup, target)
    try:
        _make_fit(f"sqlite:///{staged}", now, say)
        sqlite.refuse_if_used(target)  # somebody may have started in the meantime
        return sqlite.put_in_place(staged, target, now)
    finally:
        sqlite.drop(staged)


def _restore_postgresql(url: str, backup: Path, replace: bool, now: datetime, say: Say) -> None:
    postgresql.refuse_if_used(url)
    _refuse_unless_empty(postgresql.is_empty(url), replace)
    postgresql.put_aside(url)
    try:
        say("Filling the database")
        postgresql.fill(url, backup, say)
        _make_fit(url, now, say)
    except BaseException:
        postgresql.put_back(url)
        raise
    postgresql.forget_aside(url)


def _refuse_unless_empty(empty: bool, replace: bool) -> None:
    if not empty and not replace:
        raise BackupFailed("the database is not empty: say --replace to put the backup in its place")


def _make_fit(url: str, now: datetime, say: Say) -> None:
    """Bring the restored rows to the newest schema, and settle what a backup cannot know."""
    engine = open_engine(url)
    try:
        say("Migrating where needed")
        schema.upgrade(engine)
        with Session(engine) as session:
            settle_after_restore(session, now)
            session.commit()
    finally:
        engine.dispose()
