"""What several answers of the API are made of: times, slots, and an answer that is sent only where it is news."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from flask import Response

from scheduler.actions.slots import OfferedSlot
from scheduler.web.edge import answer_unless_known, rulebook


def local(at: datetime) -> str:
    """ISO 8601 with the town's offset."""
    return _local_in(rulebook().zone, at)


@lru_cache(maxsize=50_000)
def _local_in(zone: ZoneInfo, at: datetime) -> str:
    return at.astimezone(zone).isoformat()  # a long list says the same few times to everybody who asks


def slots_json(offered: Iterable[OfferedSlot]) -> list[dict[str, object]]:
    zone, places = rulebook().zone, rulebook().places
    return [
        {
            "starts_at": _local_in(zone, slot.starts_at),
            "ends_at": _local_in(zone, slot.ends_at),
            "place": places[opening.hours.place_id],
            "opening": opening.public_id,
            "languages": _in_order(slot.languages),
        }
        for opening, slot in offered
    ]


@lru_cache(maxsize=1_000)
def _in_order(languages: frozenset[str]) -> list[str]:
    return sorted(languages)


def json_unless_known(parts: list[object], describe: Callable[[], dict[str, object]]) -> Response:
    """As `answer_unless_known`, with JSON. `describe` is not called where the client has this state already."""
    response = answer_unless_known(parts, lambda: json.dumps(describe(), ensure_ascii=False))
    response.content_type = "application/json"
    return response
