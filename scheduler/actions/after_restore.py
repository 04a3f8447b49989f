"""What a database that comes from a backup must not go on believing: who is logged in, what calendars hold, who works.

What was deleted since the backup is there again. The jobs process deletes it at its first round, by its age.
"""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import delete, text, update
from sqlalchemy.orm import Session

from scheduler.actions.audit import note
from scheduler.models import Account, AccountLink, Feed, Heartbeat, Town

IDS_AHEAD = 100_000
"""More visits than anybody can have booked since."""
EPOCHS_AHEAD = 1000
"""Further than anybody can have logged out everywhere since: no log-in that was ended then comes back to life."""


def settle_after_restore(session: Session, now: datetime) -> None:
    """End all log-ins and open account links, publish all feeds anew, forget what processes had worked out, note it."""
    session.execute(update(Account).values(epoch=Account.epoch + EPOCHS_AHEAD))
    session.execute(update(AccountLink).where(AccountLink.expires_at > now).values(expires_at=now))
    session.execute(update(Feed).where(Feed.revoked_at.is_(None)).values(wanted=Feed.wanted + 1, published_at=None))
    session.execute(delete(Heartbeat))  # of a process that is long gone
    session.execute(update(Town).values(rules_stamp=secrets.token_hex(16)))
    _skip_visit_ids(session)
    note(session, None, "cli.restore", now)  # whoever was erased since the backup is there again


def _skip_visit_ids(session: Session) -> None:
    """Visits that the backup does not know had ids, and somebody holds their links: no new visit gets one of those."""
    if session.get_bind().dialect.name == "postgresql":
        sequence = "pg_get_serial_sequence('visit', 'id')"
        session.execute(text(f"SELECT setval({sequence}, nextval({sequence}) + {IDS_AHEAD})"))
        return
    highest = session.execute(text("SELECT seq FROM sqlite_sequence WHERE name = 'visit'")).scalar() or 0
    session.execute(text("DELETE FROM sqlite_sequence WHERE name = 'visit'"))
    session.execute(text(f"INSERT INTO sqlite_sequence VALUES ('visit', {highest + IDS_AHEAD})"))  # noqa: S608 - a number
