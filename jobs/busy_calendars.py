"""Read advisers' own calendars that are due. Fetching and reading happen outside any transaction."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError

from jobs.work import Work, describe, log
from scheduler.actions.busy_calendars import (
    Claim,
    claim_due,
    is_any_due,
    store_busy,
    store_problem,
    store_unchanged,
)
from scheduler.busy_calendars import CalendarProblem, Problem
from scheduler.busy_calendars.apart import Limits, read_apart
from scheduler.busy_calendars.fetching import FETCH_SECONDS, Fetched, Known, fetch
from scheduler.ical import host_of


@dataclass(frozen=True)
class Patience:
    """How long one calendar may take."""

    fetch_seconds: float = FETCH_SECONDS
    reading: Limits = field(default_factory=Limits)


def read_due(work: Work, patience: Patience = Patience()) -> None:
    """Fetch and read each calendar that is due, one after the other. One that fails stops nobody else."""
    while not work.stopping.is_set():
        claim = _claim(work)
        if claim is None:
            return
        try:
            _read(work, claim, patience)
        except CalendarProblem as problem:
            _note_problem(work, claim, problem.key)
        except SQLAlchemyError as error:  # no fault of the calendar: it is read again when the lease is over
            log.error("calendar %d was not stored: %s", claim.calendar_id, describe(error))
        except Exception as error:
            log.error("calendar %d failed: %s", claim.calendar_id, describe(error))
            _note_problem(work, claim, "unreadable")


def _claim(work: Work) -> Claim | None:
    """Asked by reading first: no round takes the write lock for nothing."""
    with work.database.reading() as session:
        if not is_any_due(session, work.clock()):
            return None
    with work.database.writing() as session:
        claim = claim_due(session, work.clock())
        session.commit()
    return claim


def _read(work: Work, claim: Claim, patience: Patience) -> None:
    fetched = fetch(
        claim.url,
        Known(claim.etag, claim.last_modified),
        allowed_hosts=work.config.calendar_hosts,
        seconds=patience.fetch_seconds,
    )
    if fetched.body is None:
        with work.database.writing() as session:
            store_unchanged(session, claim, work.clock())
            session.commit()
    else:
        _store(work, claim, fetched, fetched.body, patience)


def _store(work: Work, claim: Claim, fetched: Fetched, body: bytes, patience: Patience) -> None:
    own_host = host_of(work.config.base_url)
    busy = read_apart(body, window=claim.window, zone=claim.zone, own_host=own_host, limits=patience.reading)
    with work.database.writing() as session:
        changed = store_busy(
            session,
            claim,
            busy,
            etag=fetched.known.etag,
            last_modified=fetched.known.last_modified,
            now=work.clock(),
        )
        session.commit()
    if changed:
        log.info("calendar %d has other busy times", claim.calendar_id)


def _note_problem(work: Work, claim: Claim, key: Problem) -> None:
    log.warning("calendar %d was not read: %s", claim.calendar_id, key)
    with work.database.writing() as session:
        store_problem(session, claim, key, work.clock())
        session.commit()
