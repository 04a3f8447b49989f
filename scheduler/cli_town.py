"""Commands for the town's file: `check`, `load` and `export`. They read the clock, commit, and set the exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from scheduler import town_file
from scheduler.db import Database
from scheduler.town_file import Conflict, Difference, TownFile, TownFileErrors

IN_ERROR = 1
NEEDS_CONFIRMATION = 3


@click.command("check")
@click.argument("file", type=click.Path(path_type=Path))
def check(file: Path) -> None:
    """Check a town's FILE and write nothing."""
    _read(file)
    click.echo(f"{file} is in order.")


@click.command("load")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--confirm", is_flag=True, help="Load although booked visits no longer fit; they stay booked.")
@with_appcontext
def load(file: Path, confirm: bool) -> None:
    """Load a town's FILE: all of it or nothing.

    Says what changes. Where booked visits would no longer fit, lists them, writes nothing and ends with code 3.
    """
    read = _read(file)
    with open_database().writing() as session:
        found = town_file.store(session, read, datetime.now(UTC))
        refused = bool(found.conflicts) and not confirm
        if not refused:
            session.commit()
    _report(found, refused)
    if refused:
        sys.exit(NEEDS_CONFIRMATION)


@click.command("export")
@with_appcontext
def export() -> None:
    """Print the town as it is now, in the format of its file."""
    with open_database().reading() as session:
        try:
            click.echo(town_file.export(session), nl=False)
        except LookupError as refused:
            raise click.ClickException(str(refused)) from None


def open_database() -> Database:
    """The database of the application that the command runs in."""
    database = current_app.extensions["database"]
    assert isinstance(database, Database)
    return database


def _read(file: Path) -> TownFile:
    try:
        read = town_file.read(file)
    except TownFileErrors as refused:
        _complain(refused.problems)
        sys.exit(IN_ERROR)
    _complain(f"warning: {each}" for each in read.warnings)
    return read


def _complain(lines: Iterable[object]) -> None:
    for line in lines:
        click.echo(str(line), err=True)


def _report(found: Difference, refused: bool) -> None:
    for line in found.lines or ["Nothing changes."]:
        click.echo(line)
    _list("Booked visits that no longer fit" + (":" if refused else "; they stay booked:"), found.conflicts)
    _list("Booked visits that did not fit before either:", found.standing)
    if refused:
        click.echo("Nothing was written. Use --confirm to load all the same; the visits then stay booked.", err=True)


def _list(heading: str, conflicts: list[Conflict]) -> None:
    if conflicts:
        click.echo(heading)
    for conflict in conflicts:
        click.echo(f"! {conflict}")
