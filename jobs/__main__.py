"""`python -m jobs`: start the timetable, and end it cleanly on SIGTERM or SIGINT."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import SQLAlchemyError

from config import Config, ConfigError
from jobs.timetable import TIMETABLE, Tick
from jobs.work import Work, describe, log
from scheduler import logs, schema
from scheduler.db import Database, use_contact_keys
from scheduler.models import Town

ENDING = {signal.SIGTERM, signal.SIGINT}
READY_SECONDS = 5
"""How often a database that is not ready yet is asked again."""
GRACE_SECONDS = 5
"""How long work that has begun may go on after the signal."""


def main(environ: Mapping[str, str]) -> int:
    """Run until a signal ends it; gives the exit code: 0, or 2 where a setting cannot be used."""
    # Blocked before any thread starts, the signals wait for sigwait below: no code ever runs inside a handler.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    logs.set_up("text")
    try:
        config = Config.from_env(environ)
        logs.set_up(config.log_format)
    except ConfigError as error:
        log.error("%s", "; ".join(str(error).splitlines()))
        return 2
    use_contact_keys(config.contact_keys)
    work = Work(config, Database(config.database_url, **config.ways))
    if _wait_until_ready(work):
        _run(work)
    work.database.engine.dispose()
    log.info("ended")
    return 0


def perform(work: Work, tick: Tick) -> None:
    """Run one job. One that raises is logged, and runs again at its next tick."""
    try:
        tick.run(work)
    except Exception as error:
        log.error("%s failed: %s", tick.name, describe(error))


def _run(work: Work) -> None:
    scheduler = _schedule(work)
    scheduler.start()
    log.info("started: %s", ", ".join(tick.name for tick in TIMETABLE))
    signal.sigwait(ENDING)
    work.stopping.set()
    # A mail server that does not answer must not keep us: what was begun is done again, with the same Message-ID.
    give_up = threading.Timer(GRACE_SECONDS, os._exit, [0])
    give_up.daemon = True
    give_up.start()
    scheduler.shutdown(wait=True)
    give_up.cancel()


def _schedule(work: Work) -> BackgroundScheduler:
    """The timetable in memory: a job store that processes share would run each job several times."""
    scheduler = BackgroundScheduler(
        timezone=UTC,
        executors={"default": ThreadPoolExecutor(len(TIMETABLE))},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 300},
    )
    for tick in TIMETABLE:
        scheduler.add_job(
            perform,
            "interval",
            [work, tick],
            seconds=tick.every_seconds,
            id=tick.name,
            next_run_time=datetime.now(UTC),
        )
    return scheduler


def _wait_until_ready(work: Work) -> bool:
    """Wait for a migrated database with a town in it, saying once what is missing. False: a signal came first."""
    said = ""
    while missing := _what_is_missing(work.database):
        if missing != said:
            log.warning("waiting: %s", missing)
            said = missing
        if signal.sigtimedwait(ENDING, READY_SECONDS):
            return False
    return True


def _what_is_missing(database: Database) -> str:
    try:
        if not schema.is_current(database.engine):
            return "the database is not migrated"
        with database.reading() as session:
            return "" if session.get(Town, 1) else "no town is loaded"
    except SQLAlchemyError as error:
        return f"the database does not answer: {describe(error)}"


if __name__ == "__main__":
    sys.exit(main(os.environ))
