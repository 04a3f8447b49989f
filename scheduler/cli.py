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

from scheduler import schema
from scheduler.cli_accounts import account
from scheduler.cli_backtest import backtest
from scheduler.cli_feeds import feed
from scheduler.cli_operation import backup, doctor, restore, upgrade
from scheduler.cli_privacy import privacy
from scheduler.cli_town import check, export, load, note_command, open_database

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
    of_town = (check, load, export, feed, account, privacy, backtest)
    for command in (migrate, new_key, *of_town, backup, restore, doctor, upgrade):
        app.cli.add_command(command)


@click.command()
@with_appcontext
def migrate() -> None:
    """Bring the database to the newest schema."""
    engine = open_database().engine
    before = schema.revision_of(engine)
    schema.upgrade(engine)
    if before != schema.newest():
        note_command(datetime.now(UTC))
    click.echo("The database is up to date.")


@click.command("new-key")
def new_key() -> None:
    """Print fresh values for SECRET_KEY and CONTACT_KEYS."""
    click.echo(f"SECRET_KEY={secrets.token_urlsafe(48)}")
    click.echo(f"CONTACT_KEYS={Fernet.generate_key().decode()}")
