"""What metrics say of the database at the moment that they are asked for. No count here is of fewer than all there are:
how many wait at a place is what its board and the API say to everybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from scheduler import backup
from scheduler.actions.feeds import stale_feeds
from scheduler.actions.rulebook import read_rulebook
from scheduler.domain.recurrence import local_date
from scheduler.models import Heartbeat, Message, Place, Town, Visit
from scheduler.web.edge import db, now, settings

CHANNELS = ("email", "sms", "call")
STATES = ("pending", "dead")


class Gauges(Collector):
    """Read anew with each scrape. Where the database does not answer, that is all it says."""

    def collect(self) -> Iterable[Metric]:
        found = list(_of_backups(settings().backup_folder, now()))
        try:
            with_rows = list(_of_database(db(), now()))
        except (SQLAlchemyError, OSError):
            db().rollback()
            return [_gauge("database_up", "Whether the database answers, and is migrated.", 0), *found]
        return [_gauge("database_up", "Whether the database answers, and is migrated.", 1), *found, *with_rows]


def _of_database(session: Session, at: datetime) -> Iterator[Metric]:
    yield _gauge("database_bytes", "Size of the database.", _size(session))
    yield from _of_messages(session, at)
    beat = session.scalar(select(Heartbeat.at))
    if beat is not None:
        yield _gauge("jobs_seen_seconds", "How long ago jobs were last at work.", (at - beat).total_seconds())
    yield _gauge("feeds_stale", "Calendars that wait to be published.", len(stale_feeds(session, at)))
    town = session.get(Town, 1)
    if town is not None:
        today = local_date(at, town.zone)
        openings = read_rulebook(session).openings(today, today)
        yield _gauge("openings_today", "Openings that take place today.", len(openings))
        yield _waiting(session, at, town)


def _of_messages(session: Session, at: datetime) -> Iterator[Metric]:
    counted = select(Message.channel, Message.state, func.count()).where(Message.state.in_(STATES))
    rows: dict[tuple[str, str], int] = {
        (channel, state): number
        for channel, state, number in session.execute(counted.group_by(Message.channel, Message.state))
    }
    family = GaugeMetricFamily(
        "sprechstunde_messages", "Messages that are not sent yet, or were given up.", labels=["channel", "state"]
    )
    for channel in CHANNELS:
        for state in STATES:
            family.add_metric([channel, state], rows.get((channel, state), 0))
    yield family
    due = session.scalar(
        select(func.min(Message.due_at)).where(
            Message.state == "pending", Message.channel != "call", Message.due_at <= at
        )
    )
    late = (at - due).total_seconds() if due else 0
    yield _gauge("message_oldest_due_seconds", "For how long the oldest message that is due has waited.", late)


def _waiting(session: Session, at: datetime, town: Town) -> Metric:
    today = local_date(at, town.zone)
    waits = select(Visit.place_id, func.count()).where(Visit.local_on == today, Visit.state == "waiting")
    numbers = dict(session.execute(waits.group_by(Visit.place_id)).all())
    family = GaugeMetricFamily("sprechstunde_waiting", "Visits that wait now.", labels=["place"])
    for id_, key in session.execute(select(Place.id, Place.key).where(Place.retired_at.is_(None)).order_by(Place.key)):
        family.add_metric([key], numbers.get(id_, 0))
    return family


def _of_backups(folder: Path, at: datetime) -> Iterator[Metric]:
    try:
        found = backup.list_backups(folder)
        newest = (found[-1].at, found[-1].size) if found else None
    except OSError:
        newest = None
    if newest:
        yield _gauge("backup_age_seconds", "Age of the newest backup.", (at - newest[0]).total_seconds())
        yield _gauge("backup_bytes", "Size of the newest backup.", newest[1])


def _size(session: Session) -> int:
    if session.get_bind().dialect.name == "postgresql":
        return int(session.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    pages, size = (session.execute(text(f"PRAGMA {each}")).scalar_one() for each in ("page_count", "page_size"))
    return int(pages) * int(size)


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"sprechstunde_{name}", words, value=value)
