"""The forecast by the API: where numbers are given, for whoever comes now; nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import time_machine

from scheduler.models import Opening
from tests.actions.small_town import NEXT_WEDNESDAY, at
from tests.web.api.program import ON_THURSDAY, ON_WEDNESDAY
from tests.web.live_town import LiveTown
from tests.web.visitor import Visitor

Foretell = Callable[..., None]
FORETOLD = {
    "ahead": 2,
    "low_minutes": 20,
    "high_minutes": 40,
    "chance": 0.83,
    "basis": "few",
    "as_of": "2026-11-25T09:05:00+01:00",
}


def openings(visitor: Visitor) -> dict[str, dict[str, Any]]:
    found = visitor.open("/api/v1/openings?until=2026-12-02").json["openings"]
    return {each["id"]: each for each in found}


def queue(visitor: Visitor, opening: str = ON_WEDNESDAY) -> dict[str, Any]:
    answer: dict[str, Any] = visitor.open(f"/api/v1/openings/{opening}/queue").json
    return answer


def test_openings_and_queue_foretell_the_same(visitor: Visitor, open_day: None, foretell: Foretell) -> None:
    foretell(0.8333)
    assert openings(visitor)[ON_WEDNESDAY]["forecast"] == FORETOLD
    assert queue(visitor)["forecast"] == FORETOLD


def test_only_an_opening_that_gives_numbers_now_has_one(visitor: Visitor, open_day: None, foretell: Foretell) -> None:
    foretell(0.9)
    following = f"buergerbuero-mi/{NEXT_WEDNESDAY}"
    found = {id_: each["forecast"] is not None for id_, each in openings(visitor).items()}
    assert found == {ON_WEDNESDAY: True, ON_THURSDAY: False, following: False}
    assert queue(visitor, following)["forecast"] is None


@pytest.mark.parametrize(("moment", "has_one"), [("08:29", False), ("08:30", True), ("11:59", True), ("12:00", False)])
def test_it_is_there_for_as_long_as_numbers_are_given(
    visitor: Visitor, clock: time_machine.Coordinates, foretell: Foretell, moment: str, has_one: bool
) -> None:
    foretell(0.9)
    clock.move_to(at(moment))
    assert (queue(visitor)["forecast"] is not None) is has_one


def test_why_no_number_is_given_is_told_instead(
    visitor: Visitor, town: LiveTown, open_day: None, foretell: Foretell
) -> None:
    foretell(0.9)
    row = town.visit(town.take_in()).opening_id
    found = {}
    for name, changes in (
        ("stopped", {"tickets": "stopped"}),
        ("open", {"tickets": "open"}),
        ("full", {"tickets": "automatic", "full_since": at("09:00")}),
        ("over", {"closed_at": at("09:04")}),
    ):
        town.set(Opening, row, **changes)
        foretell(0.6 if name == "full" else 0.9)
        opening = openings(visitor)[ON_WEDNESDAY]
        found[name] = (opening["tickets"], opening["gives_tickets"], opening["forecast"] is not None, opening["state"])
    assert found == {
        "stopped": ("stopped", False, False, "open"),
        "open": ("open", True, True, "open"),
        "full": ("full", False, False, "open"),
        "over": ("over", False, False, "over"),
    }
