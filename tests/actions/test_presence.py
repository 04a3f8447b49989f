"""Advisers sit down, take a break, go; a station is one adviser's."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.openings import lock_opening
from scheduler.actions.presence import StationTaken, change_presence, sit_down
from scheduler.actions.rulebook import RuleBook
from scheduler.models import Presence
from tests.actions.small_town import adviser_of, at, opening_of, seat


def sitting(session: Session, rulebook: RuleBook) -> dict[int, tuple[str, str]]:
    row = lock_opening(session, opening_of(rulebook))
    session.expire_all()
    found = session.scalars(select(Presence).where(Presence.opening_id == row.id))
    return {each.adviser_id: (each.station, each.state) for each in found}


def test_a_station_is_taken_until_its_adviser_goes(session: Session, rulebook: RuleBook) -> None:
    one, other = seat(session, rulebook, "awo-1", at("09:00"), "Tisch 1"), adviser_of(session, "awo-2")
    for state in ("present", "break"):
        change_presence(session, opening_of(rulebook), one, state, at("09:05"))  # type: ignore[arg-type]
        with pytest.raises(StationTaken) as refused:
            sit_down(session, opening_of(rulebook), other, "Tisch 1", at("09:10"))
        assert refused.value.adviser.id == one.id
    change_presence(session, opening_of(rulebook), one, "gone", at("10:00"))
    sit_down(session, opening_of(rulebook), other, "Tisch 1", at("10:01"))
    assert sitting(session, rulebook) == {one.id: ("Tisch 1", "gone"), other.id: ("Tisch 1", "present")}


def test_an_adviser_may_change_the_station_and_has_one_row(session: Session, rulebook: RuleBook) -> None:
    adviser = seat(session, rulebook, "awo-1", at("09:00"), "Tisch 1")
    seat(session, rulebook, "awo-1", at("09:10"), "Tisch 2")
    seat(session, rulebook, "awo-2", at("09:11"), "Tisch 1")
    assert sitting(session, rulebook)[adviser.id] == ("Tisch 2", "present")
    assert len(sitting(session, rulebook)) == 2


def test_who_comes_back_finds_the_station_taken(session: Session, rulebook: RuleBook) -> None:
    one = seat(session, rulebook, "awo-1", at("09:00"), "Tisch 1")
    change_presence(session, opening_of(rulebook), one, "gone", at("09:30"))
    seat(session, rulebook, "awo-2", at("09:31"), "Tisch 1")
    with pytest.raises(StationTaken):
        change_presence(session, opening_of(rulebook), one, "present", at("09:40"))
    assert sitting(session, rulebook)[one.id] == ("Tisch 1", "gone")


def test_nothing_happens_to_who_never_sat_down(session: Session, rulebook: RuleBook) -> None:
    change_presence(session, opening_of(rulebook), adviser_of(session, "awo-1"), "break", at("09:00"))
    assert sitting(session, rulebook) == {}


def test_the_pages_hear_of_each_change_and_of_nothing_else(session: Session, rulebook: RuleBook) -> None:
    adviser = seat(session, rulebook, "awo-1", at("09:00"))
    row = lock_opening(session, opening_of(rulebook))
    version = row.version
    change_presence(session, opening_of(rulebook), adviser, "present", at("09:01"))
    assert row.version == version
    change_presence(session, opening_of(rulebook), adviser, "break", at("09:02"))
    assert row.version == version + 1
