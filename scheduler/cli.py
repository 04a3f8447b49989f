"""Flask commands for whoever runs an installation. Their words are English; pages and messages are translated."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import click
from cryptography.fernet import Fernet
from flask import Flask
from flask.cli import with_appcontext
from sqlalchemy import select

from scheduler import schema
from scheduler.actions.staff import make_account
from scheduler.cli_backtest import backtest
from scheduler.cli_feeds import feed
from scheduler.cli_town import check, export, load, open_database
from scheduler.models import Adviser, Place

NEED_NO_SECRETS = ("new-key", "check", "backtest")
"""They run before an installation has any: the first one makes them."""
_TAKE_A_VALUE = ("--app", "-A", "--env-file", "-e")


def needs_secrets(argv: Sequence[str]) -> bool:
    """Whether what was typed needs the settings' secrets; all but a few `flask` commands do."""
    if Path(argv[0]).stem != "flask":
        return True
    words = [word for before, word in pairwise(argv) if before not in _TAKE_A_VALUE and not word.startswith("-")]
    return not words or words[0] not in NEED_NO_SECRETS


def register(app: Flask) -> None:
    for command in (migrate, new_key, account, feed, check, load, export, backtest):
        app.cli.add_command(command)


@click.command()
@with_appcontext
def migrate() -> None:
    """Bring the database to the newest schema."""
    schema.upgrade(open_database().engine)
    click.echo("The database is up to date.")


@click.command("new-key")
def new_key() -> None:
    """Print fresh values for SECRET_KEY and CONTACT_KEYS."""
    click.echo(f"SECRET_KEY={secrets.token_urlsafe(48)}")
    click.echo(f"CONTACT_KEYS={Fernet.generate_key().decode()}")


@click.command()
@click.argument("login")
@click.option("--name", required=True, help="What colleagues call this account, by function.")
@click.option("--desk", metavar="PLACE_KEY", help="May work at this place's front desk.")
@click.option("--adviser", "adviser_key", metavar="ADVISER_KEY", help="Is this adviser.")
@click.password_option()
@with_appcontext
def account(login: str, name: str, desk: str | None, adviser_key: str | None, password: str) -> None:
    """Make a log-in for the front desk or an adviser."""
    if not desk and not adviser_key:
        raise click.UsageError("say --desk PLACE_KEY or --adviser ADVISER_KEY")
    if len(password) < 12:
        raise click.UsageError("the password needs at least 12 characters")
    with open_database().writing() as session:
        place = session.scalar(select(Place).where(Place.key == desk))
        adviser = session.scalar(select(Adviser).where(Adviser.key == adviser_key))
        if desk and place is None:
            raise click.UsageError(f"there is no place {desk!r}")
        if adviser_key and adviser is None:
            raise click.UsageError(f"there is no adviser {adviser_key!r}")
        made = make_account(
            session, login=login, name=name, password=password, now=datetime.now(UTC), desk_of=place, adviser=adviser
        )
        session.commit()
        click.echo(f"{made.login} can log in.")
