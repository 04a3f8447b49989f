"""The sign of life of this process: where it stays out, staff are warned that nothing is being sent."""

from __future__ import annotations

from jobs.work import Work
from scheduler.actions import heartbeat


def beat(work: Work) -> None:
    """Note that this process is at work."""
    with work.database.writing() as session:
        heartbeat.beat(session, work.clock())
        session.commit()
