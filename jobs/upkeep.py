"""What keeps the data in order: close past days, delete what may no longer be kept."""

from __future__ import annotations

from jobs.work import Work, do_each, log
from scheduler.actions.booking import forget_idempotency_keys
from scheduler.actions.closing import close_visit, find_left_open, find_past_own_times, retire_own_time
from scheduler.actions.contacts import delete_old_contacts


def close_past_days(work: Work) -> None:
    """Close by rule what was left open on days that are over in the town's zone, and retire their own times."""
    with work.database.reading() as session:
        left_open = find_left_open(session, work.clock())
        own_times = find_past_own_times(session, work.clock())
    do_each(work, "visit", left_open, lambda visit_id: _close(work, visit_id))
    do_each(work, "own time", own_times, lambda hours_id: _retire(work, hours_id))


def delete_contacts(work: Work) -> None:
    """Delete the contacts of visits that ended long enough ago."""
    with work.database.writing() as session:
        deleted = delete_old_contacts(session, work.clock())
        session.commit()
    if deleted:
        log.info("%d contacts were deleted", deleted)


def forget_keys(work: Work) -> None:
    """Forget the idempotency keys of yesterday."""
    with work.database.writing() as session:
        forget_idempotency_keys(session, work.clock())
        session.commit()


def _close(work: Work, visit_id: int) -> None:
    with work.database.writing() as session:
        close_visit(session, visit_id, work.clock())
        session.commit()
    log.info("visit %d was closed by rule", visit_id)


def _retire(work: Work, hours_id: int) -> None:
    with work.database.writing() as session:
        retire_own_time(session, hours_id, work.clock())
        session.commit()
