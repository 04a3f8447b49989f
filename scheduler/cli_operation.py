"""Commands for whoever keeps an installation running: `backup`, `restore`, `doctor` and `upgrade`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from config import Config
from scheduler import backup as backups
from scheduler import schema
from scheduler.backup import Backup, BackupFailed
from scheduler.cli_town import note_command
from scheduler.db import Database
from scheduler.doctor import Level, Patient, examine

EXIT_CODES: dict[Level, int] = {"ok": 0, "warning": 1, "broken": 2}
KEYS_ARE_NOT_IN_IT = (
    "Contacts are in it, encrypted. The keys are not: keep CONTACT_KEYS and SECRET_KEY apart from it,"
    " since without them contacts cannot be read and all links in messages end."
)

_folder = click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))


@click.command()
@_folder
@click.option("--keep", type=click.IntRange(min=1), metavar="N", help="Delete older backups in this folder, but N.")
@click.option("--verify", is_flag=True, help="Read the whole backup again when it is written.")
@with_appcontext
def backup(folder: Path | None, keep: int | None, verify: bool) -> None:
    """Back up the database into FOLDER (BACKUP_FOLDER), while web and jobs go on."""
    with _refusals():
        made = _back_up(folder, verify=verify)
        if schema.is_current(_database().engine):  # else there may be no trail yet
            note_command(made.at)
        for old in backups.prune(made.path.parent, keep, datetime.now(UTC)) if keep else ():
            click.echo(f"Deleted {old}")
    click.echo(KEYS_ARE_NOT_IN_IT)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Also over a database that holds something.")
@click.option("--verify", is_flag=True, help="Only read the backup and say whether it is in order.")
@with_appcontext
def restore(file: Path, replace: bool, verify: bool) -> None:
    """Put the backup FILE in the place of the database. Stop web and jobs first."""
    with _refusals():
        if verify:
            click.echo(f"{file.name} is in order. Schema {backups.verify(file, click.echo)}.")
            return
        now = datetime.now(UTC)
        done = backups.restore(_settings().database_url, file, replace=replace, now=now, say=click.echo)
    for line in _after_restore(done):
        click.echo(line)


@click.command()
@click.option("--mail-to", default="", metavar="ADDRESS", help="Send one test letter there.")
@with_appcontext
def doctor(mail_to: str) -> None:
    """Look whether all is in order: one line each. Ends with 0, 1 (warnings) or 2 (something is broken)."""
    worst = _examine(Patient(_settings(), _database(), datetime.now(UTC), mail_to))
    sys.exit(EXIT_CODES[worst])


@click.command()
@_folder
@with_appcontext
def upgrade(folder: Path | None) -> None:
    """Back up, migrate and check: all that a new version needs, but the restart. Stop web and jobs first.

    Changes nothing where the backup fails; a migration that fails is taken back.
    """
    engine = _database().engine
    with _refusals():
        before = schema.revision_of(engine)
        if before and not schema.is_known(before):
            raise BackupFailed(f"the database is of a newer version (schema {before}): install that one")
        made = _back_up(folder, verify=True) if before else None
        _migrate(before, made)
    note_command(datetime.now(UTC))
    _examine(Patient(_settings(), _database(), datetime.now(UTC)))
    click.echo("Now start web and jobs again: systemctl restart sprechstunde-web sprechstunde-jobs")
    if made and before != schema.newest():
        click.echo(f"To go back: stop both, install the version from before, and restore {made.path} with --replace.")


def _migrate(before: str, made: Backup | None) -> None:
    """Raises BackupFailed where a migration fails: then the database is as it was."""
    if before == schema.newest():
        click.echo(f"The schema is at {before}, the newest: nothing to migrate.")
        return
    click.echo(f"Migrating from {before or 'nothing'} to {schema.newest()}")
    try:
        schema.upgrade(_database().engine)
    except Exception as error:
        kept = f" The backup is {made.path}." if made else ""
        raise BackupFailed(
            f"the migration failed ({type(error).__name__}), and the database is as it was: start the version from"
            f" before again, and tell the maintainers.{kept}"
        ) from error


def _back_up(folder: Path | None, *, verify: bool) -> Backup:
    settings = _settings()
    made = backups.make_backup(settings.database_url, folder or settings.backup_folder, datetime.now(UTC), click.echo)
    if verify:
        backups.verify(made.path, click.echo)
    click.echo(f"Backed up {made.size / 1_000_000:.1f} MB: {made.path}")
    return made


def _examine(patient: Patient) -> Level:
    """Print what is found; gives the worst level."""
    worst: Level = "ok"
    for name, found in examine(patient):
        click.echo(f"{found.level:<8}{name}: {found.words}")
        worst = max(worst, found.level, key=lambda each: EXIT_CODES[each])
    return worst


def _after_restore(done: backups.Restored) -> Iterator[str]:
    migrated = f", and migrated from {done.revision}" if done.revision != schema.newest() else ""
    yield f"Restored{migrated}. Start web and jobs again, then ask `flask --app wsgi doctor`."
    yield "All staff have to log in again, and open links to choose a password have ended."
    yield "What was deleted since the backup is there again: jobs delete what is too old as soon as they start."
    yield "Clients who asked since then to be forgotten have to be erased again, by their code."
    yield "Messages that waited in it are sent; those that left since go out again, with the same Message-ID."
    if done.put_away:
        yield f"The database from before is kept as {done.put_away}. Delete it when all is well: it holds contacts."


@contextmanager
def _refusals() -> Iterator[None]:
    """What is refused ends the command in one line."""
    try:
        yield
    except BackupFailed as refused:
        raise click.ClickException(str(refused)) from None


def _settings() -> Config:
    settings = current_app.extensions["settings"]
    assert isinstance(settings, Config)
    return settings


def _database() -> Database:
    database = current_app.extensions["database"]
    assert isinstance(database, Database)
    return database
