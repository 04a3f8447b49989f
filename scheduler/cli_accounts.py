"""Commands for accounts of staff: `account LOGIN …` makes one, `account link LOGIN` prints a link for a new password.

They are the way in for the first administrator, and for the last one whose password or phone is lost.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.account_links import make_link
from scheduler.actions.second_factor import end_second_factor
from scheduler.actions.staff import make_account, normal_login
from scheduler.cli_town import open_database
from scheduler.domain.passwords import FEWEST, password_problem
from scheduler.models import Account, Adviser, Carrier, Place

_ASK = "ask for it"


class _AccountGroup(click.Group):
    """`account LOGIN …` without the name of a command means `account make LOGIN …`."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        return super().resolve_command(ctx, args if args[0] in self.commands else ["make", *args])


@click.group(cls=_AccountGroup)
def account() -> None:
    """Log-ins of staff. `account LOGIN …` makes one; `account make --help` names the roles."""


@account.command()
@click.argument("login")
@click.option("--name", required=True, help="What colleagues call this account, by function.")
@click.option("--desk", metavar="PLACE_KEY", help="May work at this place's front desk.")
@click.option("--adviser", metavar="ADVISER_KEY", help="Is this adviser.")
@click.option("--coordinator-of", metavar="CARRIER_KEY", help="Coordinates this carrier: duties, sums, its accounts.")
@click.option("--hours-at", metavar="PLACE_KEY", help="Coordinates the hours at this place: duties and sums.")
@click.option("--administrator", is_flag=True, help="Administers the town: set-up and accounts.")
@click.option(
    "--password", is_flag=False, flag_value=_ASK, help="Set this password, or ask for it; without it, print a link."
)
@with_appcontext
def make(
    login: str,
    name: str,
    desk: str | None,
    adviser: str | None,
    coordinator_of: str | None,
    hours_at: str | None,
    administrator: bool,
    password: str | None,
) -> None:
    """Make a log-in with one or more roles, and print a link by which its owner chooses a password."""
    if not (desk or adviser or coordinator_of or hours_at or administrator):
        raise click.UsageError(
            "say --desk PLACE_KEY, --adviser ADVISER_KEY, --coordinator-of CARRIER_KEY, --hours-at PLACE_KEY"
            " or --administrator"
        )
    if password == _ASK:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    _check_password(password, login)
    with open_database().writing() as session:
        if session.scalar(select(Account.id).where(Account.login == normal_login(login))) is not None:
            raise click.UsageError(f"the log-in {login!r} is taken")
        made = make_account(
            session,
            login=login,
            name=name,
            password=password,
            now=datetime.now(UTC),
            desk_of=_find(session, Place, desk, "place"),
            adviser=_find(session, Adviser, adviser, "adviser"),
            carrier=_find(session, Carrier, coordinator_of, "carrier"),
            hours_at=_find(session, Place, hours_at, "place"),
            administrator=administrator,
        )
        said = f"{made.login} can log in." if password is not None else _make_link(session, made)
        session.commit()
    click.echo(said)


@account.command()
@click.argument("login")
@with_appcontext
def link(login: str) -> None:
    """Print a fresh link by which the owner chooses a new password. Earlier links end."""
    with open_database().writing() as session:
        found = _find_account(session, login)
        if found.disabled_at is not None:
            raise click.UsageError(f"the account {login!r} is switched off")
        said = _make_link(session, found)
        session.commit()
    click.echo(said)


@account.command("forget-second-factor")
@click.argument("login")
@with_appcontext
def forget_second_factor(login: str) -> None:
    """Ask for no digits any more: phone and recovery codes are lost. All log-ins of the account end."""
    with open_database().writing() as session:
        end_second_factor(session, _find_account(session, login))
        session.commit()
    click.echo(f"{login} logs in by password alone.")


def _make_link(session: Session, found: Account) -> str:
    made, token = make_link(session, found, made_by_id=None, now=datetime.now(UTC))
    base_url = current_app.extensions["settings"].base_url
    return (
        f"{base_url}/account-links/{token}\nThis link works once, until {made.expires_at:%Y-%m-%d %H:%M} UTC."
        f" With it the owner of {found.login} chooses a password."
    )


def _check_password(password: str | None, login: str) -> None:
    problem = password_problem(password, normal_login(login)) if password is not None else None
    if problem == "short":
        raise click.UsageError(f"the password needs at least {FEWEST} characters")
    if problem is not None:
        raise click.UsageError({"long": "the password is too long"}.get(problem, "the password is easy to guess"))


def _find_account(session: Session, login: str) -> Account:
    found = session.scalar(select(Account).where(Account.login == normal_login(login)))
    if found is None:
        raise click.UsageError(f"there is no account {login!r}")
    return found


def _find(session: Session, model: type[Any], key: str | None, what: str) -> Any:
    """The row of this key; None: none was asked for."""
    if key is None:
        return None
    found = session.scalar(select(model).where(model.key == key))
    if found is None:
        raise click.UsageError(f"there is no {what} {key!r}")
    return found
