"""Commands about personal data: `privacy report`, `privacy erase`, `privacy rotate-keys` and `privacy renew-hashes`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import Column

from scheduler.actions.erasing import StillHere, erase_visit, find_by_code
from scheduler.actions.keys import (
    count_older,
    encrypted_columns,
    renew_calendar_hashes,
    renew_hashes,
    rotate,
)
from scheduler.actions.openings import UnknownOpening
from scheduler.actions.steps import By
from scheduler.actions.stored import Stored, survey
from scheduler.cli_town import open_database
from scheduler.domain.codes import typed_code
from scheduler.models import Town

TOO_OLD = 1
LEFT_OVER = 1
_WHOSE = {"client": "of clients", "staff": "of staff", "none": "nobody's"}


@click.group()
def privacy() -> None:
    """What is stored of whom, for how long; erase a visit; change keys."""


@privacy.command()
@with_appcontext
def report() -> None:
    """Say what is stored, of whom, how many rows, how long, and when the next goes.

    Ends with code 1 where something is older than its limit and a day: the jobs process does not run, or fails.
    """
    now = datetime.now(UTC)
    with open_database().reading() as session:
        try:
            found = list(survey(session, now))
        except LookupError as refused:
            raise click.ClickException(str(refused)) from None
        zone = session.get_one(Town, 1).zone
    for whose in ("client", "staff", "none"):
        click.echo(f"{_WHOSE[whose].capitalize()}:")
        for each in found:
            if each.part.whose == whose:
                click.echo("\n".join(_lines(each, zone)))
    late = [each for each in found if each.late]
    for each in late:
        click.echo(f"{each.part.name}: {each.late} rows should be gone. Does the jobs process run?", err=True)
    if late:
        sys.exit(TOO_OLD)


@privacy.command()
@click.argument("code")
@click.pass_context
@with_appcontext
def erase(context: click.Context, code: str) -> None:
    """Erase the visit of this CODE at once: contact, history and all. An appointment to come is cancelled first."""
    visit_id = context.params["visit_id"] = _find(code)  # the trail names the visit, never its code
    with open_database().writing() as session:
        try:
            erase_visit(session, visit_id, by=By("staff"), now=datetime.now(UTC))
        except StillHere as here:
            raise click.ClickException("this client is in the house now: wait until the visit is over") from here
        session.commit()
    click.echo("Erased. What remains is a count without a person, and backups until they are overwritten.")


@privacy.command("rotate-keys")
@with_appcontext
def rotate_keys() -> None:
    """Encrypt everything with the first of CONTACT_KEYS that an older one has encrypted.

    The application may run, if it knows both keys already. May be ended at any time, and called again.
    """
    unreadable = 0
    for column in encrypted_columns():
        renewed, failed = _rotate(column)
        unreadable += failed
        click.echo(f"{column}: {renewed} values encrypted anew" + (f", {failed} that no key opens" if failed else ""))
    with open_database().reading() as session:
        older = count_older(session)
    if older > unreadable:
        click.echo(f"{older - unreadable} values were written meanwhile with an older key: call this again.", err=True)
    if older:
        sys.exit(LEFT_OVER)
    click.echo("All open with the first key alone: the others may be taken out of CONTACT_KEYS.")


@privacy.command("renew-hashes")
@with_appcontext
def renew_all_hashes() -> None:
    """After SECRET_KEY has changed: recompute the hashes by which equal addresses are found."""
    secret = current_app.extensions["settings"].secret_key
    after: int | None = 0
    contacts = unreadable = 0
    while after is not None:
        with open_database().writing() as session:
            after, renewed, failed = renew_hashes(session, secret, after)
            session.commit()
        contacts, unreadable = contacts + renewed, unreadable + failed
    with open_database().writing() as session:
        calendars = renew_calendar_hashes(session, secret)
        session.commit()
    click.echo(f"The hashes of {contacts} contacts and of {calendars.renewed} calendars are renewed.")
    if unreadable + calendars.unreadable:
        click.echo(f"{unreadable + calendars.unreadable} were left as they are: no key opens them.", err=True)
        sys.exit(LEFT_OVER)


def _find(code: str) -> int:
    digits = typed_code(code)
    if digits is None:
        raise click.UsageError("a code has nine digits")
    with open_database().reading() as session:
        try:
            return find_by_code(session, digits)
        except UnknownOpening as unknown:
            raise click.ClickException("no visit has this code, or it was erased or counted long ago") from unknown


def _rotate(column: Column[Any]) -> tuple[int, int]:
    """How many values of this column were encrypted anew, and how many no key opens."""
    renewed, unreadable = 0, 0
    after: tuple[Any, ...] | None = None
    while True:
        with open_database().writing() as session:
            found = rotate(session, column, after)
            session.commit()
        renewed, unreadable = renewed + found.renewed, unreadable + found.unreadable
        if found.after is None:
            return renewed, unreadable
        after = found.after


def _lines(each: Stored, zone: ZoneInfo) -> Iterator[str]:
    yield f"  {each.part.name}: {each.part.what}"
    yield f"    {each.rows} rows; kept {each.kept}{_since(each)}"
    if each.oldest and each.goes:
        yield f"    oldest from {each.oldest.astimezone(zone):%Y-%m-%d}, goes {each.goes.astimezone(zone):%Y-%m-%d}"


def _since(each: Stored) -> str:
    return f", counted from {each.part.kept.since}" if each.part.kept.since else ""
