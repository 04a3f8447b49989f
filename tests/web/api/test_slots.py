"""Free times by the API: what each says, and that every filter counts."""

from __future__ import annotations

import json
from typing import Any

from tests.web.api.program import ON_WEDNESDAY, get
from tests.web.visitor import Visitor


def test_slots_say_time_with_offset_place_opening_and_languages(visitor: Visitor) -> None:
    answer = get(visitor, "slots", service="MBE", concern="letter", until="2026-11-26")
    first = answer.json["slots"][0]
    assert first == {
        "starts_at": "2026-11-25T09:00:00+01:00",
        "ends_at": "2026-11-25T09:15:00+01:00",
        "place": "buergerbuero",
        "opening": ON_WEDNESDAY,
        "languages": ["ar", "de", "en"],
    }
    assert {each["place"] for each in answer.json["slots"]} == {"buergerbuero", "awo-buero"}


def test_slots_obey_every_filter(visitor: Visitor) -> None:
    def all_of(name: str, **query: str) -> set[Any]:
        slots = get(visitor, "slots", **query).json["slots"]
        assert slots, query
        return {json.dumps(each[name]) for each in slots}

    assert all_of("place", place="awo-buero") == {'"awo-buero"'}
    assert all(each.startswith('"2026-12-02') for each in all_of("starts_at", from_="2026-12-02", until="2026-12-02"))
    assert all_of("languages", adviser="ib-1") == {'["de", "uk"]'}
    assert all("ar" in each for each in all_of("languages", language="ar"))
    assert get(visitor, "slots", service="JMD", place="awo-buero").json == {"slots": []}
    assert get(visitor, "slots", from_="2025-01-01", until="2025-02-01").json == {"slots": []}


def test_without_days_the_window_is_the_coming_two_weeks(visitor: Visitor) -> None:
    days = {each["starts_at"][:10] for each in get(visitor, "slots").json["slots"]}
    assert days == {"2026-11-25", "2026-11-26", "2026-12-02", "2026-12-03"}
