"""Commands for calendar addresses: `feed make`, `feed list` and `feed revoke`. Who has one reads the whole calendar."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import select
from sqlalchemy.orm import Session, load_only

from scheduler.actions.feeds import make_feed, revoke_feed
from scheduler.actions.rulebook import read_rulebook
from scheduler.actions.supply import ANY_OTHER_LANGUAGE
from scheduler.cli_town import open_database
from scheduler.models import Adviser, Carrier, Feed
from scheduler.models.feeds import FeedLevel

_NEVER = "never"


@click.group()
def feed() -> None:
    """Calendar addresses of advisers, carriers and interpreters."""


@feed.command()
@click.option("--adviser", "adviser_key", metavar="KEY", help="Duties and appointments of this adviser.")
@click.option("--carrier", "carrier_key", metavar="KEY", help="The same of all advisers of this carrier.")
@click.option("--interpreter", "language", metavar="CODE", help='Time and place of all appointments in "ar", "uk", ….')
@click.option("--level", type=click.Choice(["busy", "details"]), default="busy", show_default=True)
@with_appcontext
def make(adviser_key: str | None, carrier_key: str | None, language: str | None, level: FeedLevel) -> None:
    """Print a fresh address. It is shown once: only its hash is kept.

    "details" shows number or code, service and language, of a carrier also the adviser; "busy" only when.
    """
    if sum(each is not None for each in (adviser_key, carrier_key, language)) != 1:
        raise click.UsageError("say one of --adviser KEY, --carrier KEY and --interpreter CODE")
    if language is not None and level == "details":
        raise click.UsageError("an interpreter's calendar shows time and place only")
    base_url = current_app.extensions["settings"].base_url
    with open_database().writing() as session:
        owner = _find_owner(session, adviser_key, carrier_key, language)
        _feed, token = make_feed(session, owner, level=level, base_url=base_url, now=datetime.now(UTC))
        session.commit()
    click.echo(f"{base_url}/feeds/{token}.ics")


@feed.command("list")
@with_appcontext
def list_feeds() -> None:
    """The addresses that can be fetched: id, whose, level, when made, when last fetched. Not the addresses."""
    with open_database().reading() as session:
        query = select(Feed).where(Feed.kind != "place", Feed.revoked_at.is_(None)).order_by(Feed.id)
        columns = (Feed.kind, Feed.level, Feed.language, Feed.created_at, Feed.fetched_at)
        shown = load_only(*columns, Feed.adviser_id, Feed.carrier_id)  # not the bytes
        for each in session.scalars(query.options(shown)):
            made, fetched = f"{each.created_at:%Y-%m-%d}", f"{each.fetched_at:%Y-%m-%d}" if each.fetched_at else _NEVER
            click.echo(f"{each.id}\t{each.kind} {_owner_of(each)}\t{each.level}\tmade {made}\tfetched {fetched}")


@feed.command()
@click.argument("feed_id", type=int, metavar="ID")
@with_appcontext
def revoke(feed_id: int) -> None:
    """End an address for good."""
    with open_database().writing() as session:
        found = session.get(Feed, feed_id)
        if found is None or found.kind == "place":
            raise click.UsageError(f"there is no feed {feed_id}: `feed list` shows them")
        revoke_feed(session, found, datetime.now(UTC))
        session.commit()
    click.echo(f"Feed {feed_id} can no longer be fetched.")


def _find_owner(
    session: Session, adviser_key: str | None, carrier_key: str | None, language: str | None
) -> Adviser | Carrier | str:
    if language is not None:
        if language not in read_rulebook(session).languages | {ANY_OTHER_LANGUAGE}:
            raise click.UsageError(f"nobody can ask for the language {language!r}")
        return language
    found: Adviser | Carrier | None
    if adviser_key is not None:
        found = session.scalar(select(Adviser).where(Adviser.key == adviser_key))
    else:
        found = session.scalar(select(Carrier).where(Carrier.key == carrier_key))
    if found is None:
        raise click.UsageError(f"there is no {'adviser' if adviser_key else 'carrier'} {adviser_key or carrier_key!r}")
    return found


def _owner_of(feed: Feed) -> str:
    if feed.adviser is not None:
        return feed.adviser.key
    return feed.carrier.key if feed.carrier is not None else str(feed.language)
