"""Offer to everybody again what clients gave back some minutes ago."""

from __future__ import annotations

from jobs.work import Work, do_each, log
from scheduler.actions.freed_times import find_due, offer_again


def offer_freed(work: Work) -> None:
    """Asked by reading: no round takes the write lock for nothing."""
    with work.database.reading() as session:
        due = find_due(session, work.clock())
    do_each(work, "opening", due, lambda opening_id: _offer(work, opening_id))


def _offer(work: Work, opening_id: int) -> None:
    with work.database.writing() as session:
        offered = offer_again(session, opening_id, work.clock())
        session.commit()
    if offered:
        log.info("opening %d offers %d times again", opening_id, offered)
