"""Commands for the town's file: `check`, `load` and `export`. They read the clock, commit, and set the exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from copy import copy
from datetime import UTC, datetime
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

from scheduler import town_file
from scheduler.actions.audit import Trail, follow, note, only_ids
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
    """The database of the application that the command runs in. What the command changes leaves a line in the trail."""
    database = current_app.extensions["database"]
    assert isinstance(database, Database)
    followed = copy(database)
    followed.on_writing = _follow_command
    return followed


def note_command(now: datetime) -> None:
    """A line of a command that changes no row by itself: a copy of all of them was made, or their tables changed."""
    database = current_app.extensions["database"]
    assert isinstance(database, Database)
    with database.writing() as session:
        note(session, None, f"cli.{_name_of(click.get_current_context())}", now)
        session.commit()


def _follow_command(session: Session) -> None:
    context = click.get_current_context(silent=True)
    if context is not None:
        trail = Trail(None, f"cli.{_name_of(context)}", only_ids(context.params), datetime.now(UTC))
        follow(session, context.meta.setdefault("trail", trail))  # however many parts it has: one line


def _name_of(context: click.Context) -> str:
    """As it is typed behind `flask`: "feed revoke"."""
    if context.parent is None:
        return ""
    return f"{_name_of(context.parent)} {context.info_name}".strip()


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
