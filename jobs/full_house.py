"""Remember which openings the forecast holds full, so that numbers stop, and are given again, without a press."""

from __future__ import annotations

from jobs.work import Work, do_each, log
from scheduler.actions.full_house import find_to_review, review_full
from scheduler.actions.rulebook import PlannedOpening, read_rulebook


def review_openings(work: Work) -> None:
    """Asked by reading, and written only where it is news: no round takes the write lock for nothing."""
    with work.database.reading() as session:
        found = find_to_review(session, read_rulebook(session), work.clock())
    by_id = {each.public_id: each for each in found}
    do_each(work, "opening", by_id, lambda public_id: _review(work, by_id[public_id]))


def _review(work: Work, opening: PlannedOpening) -> None:
    with work.database.writing() as session:
        changed = review_full(session, read_rulebook(session), opening, work.clock())
        session.commit()
    if changed:
        log.info("opening %s is full, or is so no longer", opening.public_id)
