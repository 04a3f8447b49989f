"""Offenbach's town file with one more opening: today, from one hour ago to in three hours, whatever day it is."""

from __future__ import annotations

import tomllib
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler import town_file
from scheduler.models import Hours

OFFENBACH = Path(__file__).parents[1] / "towns" / "offenbach.toml"
PLACE = "buergerbuero"
ADVISERS = ("demo-awo", "demo-caritas", "demo-diakonie", "demo-ib")
_LAST_MINUTE = time(23, 59)


def load_town(session: Session, now: datetime) -> str:
    """Load Offenbach with today's demo opening; gives the key of its office hours. A second run changes nothing."""
    data = tomllib.loads(OFFENBACH.read_text("utf-8"))
    zone = ZoneInfo(data["town"]["timezone"])
    hours = _demo_hours(session, now.astimezone(zone))
    data["adviser"] += _demo_advisers()
    data["hours"].append(hours)
    # The demo is live on every day: a closure of this very day would lock the door.
    today = now.astimezone(zone).date()
    data["closure"] = [each for each in data["closure"] if not each["from"] <= today <= each["until"]]
    town_file.store(session, town_file.parse(data), now)
    return str(hours["key"])


def _demo_hours(session: Session, local_now: datetime) -> dict[str, Any]:
    """Today's demo opening as it was loaded before, if it still runs; else a fresh one around now."""
    today = local_now.date()
    keys = f"demo-{today.isoformat()}-%"
    loaded = session.scalars(select(Hours).where(Hours.key.like(keys)).order_by(Hours.id.desc())).first()
    if loaded and loaded.from_time and loaded.until_time and local_now.time() < loaded.until_time:
        return _hours_entry(loaded.key, today, loaded.from_time, loaded.until_time)
    begins, ends = around(local_now)
    return _hours_entry(f"demo-{today.isoformat()}-{begins:%H%M}", today, begins, ends)


def around(local_now: datetime) -> tuple[time, time]:
    """From one hour ago, on the quarter, to in three hours; both within the day."""
    midnight = local_now.replace(hour=0, minute=0, second=0, microsecond=0)
    begins = max(local_now - timedelta(hours=1), midnight)
    begins = begins.replace(minute=begins.minute - begins.minute % 15, second=0, microsecond=0)
    ends = begins + timedelta(hours=4)
    return begins.time(), ends.time() if ends.date() == local_now.date() else _LAST_MINUTE


def _hours_entry(key: str, on: date, begins: time, ends: time) -> dict[str, Any]:
    return {
        "key": key,
        "place": PLACE,
        "services": ["MBE", "JMD"],
        "dates": [on],
        "from": begins,
        "until": ends,
        "valid_from": on,
        "valid_until": on,
        "admits": "mixed",
        "appointments_at_once": 1,
        "grid_minutes": 15,
        "tickets_minutes_before": 30,
        "advisers": list(ADVISERS),
    }


def _demo_advisers() -> list[dict[str, Any]]:
    """Advisers of their own, so that nobody is at two places on a Wednesday morning."""
    known = (
        ("demo-awo", "awo", "Beratung AWO (Demo)", ["MBE"], ["de", "ar"]),
        ("demo-caritas", "caritas", "Beratung Caritas (Demo)", ["MBE"], ["de", "en", "tr"]),
        ("demo-diakonie", "diakonie", "Beratung Diakonie (Demo)", ["MBE", "JMD"], ["de", "en", "uk"]),
        ("demo-ib", "ib", "Beratung IB (Demo)", ["JMD"], ["de", "fr"]),
    )
    fields = ("key", "carrier", "name", "services", "languages")
    return [dict(zip(fields, each, strict=True)) for each in known]
