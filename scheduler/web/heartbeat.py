"""Pages of staff say it when nothing is being sent: also those that stay open all morning, and refresh themselves."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast

from flask import Flask, current_app

from scheduler.actions.heartbeat import read_standstill
from scheduler.db import Database
from scheduler.web.edge import db, now

ASK_AGAIN_AFTER = timedelta(seconds=30)
"""All is well for so long before the database is asked again: polls answer with no statement more."""


def set_up(app: Flask) -> None:
    app.context_processor(lambda: {"standstill": standstill})


def standstill() -> datetime | None:
    """Since when the jobs process has stood still; None: it is at work."""
    kept = cast(Database, current_app.extensions["database"]).kept
    well_at: datetime | None = kept.get("heartbeat")
    if well_at is not None and timedelta(0) <= now() - well_at < ASK_AGAIN_AFTER:
        return None
    since = read_standstill(db(), now())
    kept["heartbeat"] = now() if since is None else None
    return since
