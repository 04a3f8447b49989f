"""What keeps the data in order: close past days, count and delete what may no longer be kept."""

from __future__ import annotations

from jobs.work import Work, do_each, log
from scheduler.actions.closing import close_visit, find_left_open, find_past_own_times, retire_own_time
from scheduler.actions.deleting import CHORES, Chore, count_and_delete, find_counted


def close_past_days(work: Work) -> None:
    """Close by rule what was left open on days that are over in the town's zone, and retire their own times."""
    with work.database.reading() as session:
        left_open = find_left_open(session, work.clock())
        own_times = find_past_own_times(session, work.clock())
    do_each(work, "visit", left_open, lambda visit_id: _close(work, visit_id))
    do_each(work, "own time", own_times, lambda hours_id: _retire(work, hours_id))


def count_old_visits(work: Work) -> None:
    """Turn the visits of days that are long over into counts. Asked by reading; each opening by itself."""
    with work.database.reading() as session:
        openings = find_counted(session, work.clock())
    do_each(work, "opening", openings, lambda opening_id: _count(work, opening_id))


def delete_by_plan(work: Work) -> None:
    """Delete everything else whose time has come by the plan (`scheduler/domain/retention_plan.py`)."""
    chores = {each.name: each for each in CHORES}
    do_each(work, "deletion of", chores, lambda name: _delete(work, chores[name]))


def _count(work: Work, opening_id: int) -> None:
    is_all = False
    while not is_all and not work.stopping.is_set():
        with work.database.writing() as session:
            visits, is_all = count_and_delete(session, opening_id, work.clock())
            session.commit()
        log.info("%d visits of opening %d became counts", visits, opening_id)


def _delete(work: Work, chore: Chore) -> None:
    """Some rows at a time, as long as there are others to find: none that stays is tried for ever."""
    before = None
    while not work.stopping.is_set():
        with work.database.reading() as session:
            keys = chore.find(session, work.clock())
        if not keys or keys == before:
            return
        with work.database.writing() as session:
            chore.do(session, keys, work.clock())
            session.commit()
        log.info("%s: %d rows were due and are gone", chore.name, len(keys))
        before = keys


def _close(work: Work, visit_id: int) -> None:
    with work.database.writing() as session:
        close_visit(session, visit_id, work.clock())
        session.commit()
    log.info("visit %d was closed by rule", visit_id)


def _retire(work: Work, hours_id: int) -> None:
    with work.database.writing() as session:
        retire_own_time(session, hours_id, work.clock())
        session.commit()
