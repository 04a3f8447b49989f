"""Whether the jobs process is at work: it says so every half minute, and pages of staff warn when it does not."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scheduler.actions.openings import insert_for
from scheduler.models import Heartbeat, Message

STANDS_STILL_AFTER = timedelta(minutes=10)


def beat(session: Session, now: datetime) -> None:
    """The jobs process is at work. Several at once keep one row, of the latest."""
    insert = insert_for(session, Heartbeat.metadata.tables["heartbeat"]).values(id=1, at=now)
    session.execute(insert.on_conflict_do_update(index_elements=["id"], set_={"at": now}))


def read_standstill(session: Session, now: datetime) -> datetime | None:
    """Since when nothing has been sent; None: the jobs process is at work.

    Where it never ran, since the first message that waits for it in vain: a town that is being set up is not warned.
    """
    at = session.scalar(select(Heartbeat.at))
    if at is None:
        waiting = select(func.min(Message.due_at)).where(Message.state == "pending", Message.channel != "call")
        at = session.scalar(waiting)
    return at if at is not None and now - at >= STANDS_STILL_AFTER else None
