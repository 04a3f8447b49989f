"""Tell those who asked for it that it is nearly their turn."""

from __future__ import annotations

from jobs.work import Work, do_each, log
from scheduler.actions.nearly import find_nearly_due, tell_nearly
from scheduler.actions.rulebook import read_rulebook


def tell_nearly_due(work: Work) -> None:
    """Asked by reading, and written only for whom it is time: no round takes the write lock for nothing."""
    if not (work.config.sends_mail or work.config.sends_sms):
        return
    with work.database.reading() as session:
        found = find_nearly_due(session, read_rulebook(session), work.clock())
    do_each(work, "visit", found, lambda visit_id: _tell(work, visit_id))


def _tell(work: Work, visit_id: int) -> None:
    with work.database.writing() as session:
        planned = tell_nearly(session, visit_id, work.clock())
        session.commit()
    if planned:
        log.info("visit %d is told that it is nearly called", visit_id)
