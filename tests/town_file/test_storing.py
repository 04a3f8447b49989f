"""What a load writes: inserted, changed and retired rows, and what becomes void by it."""

from __future__ import annotations

from copy import deepcopy
from datetime import date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler import town_file
from scheduler.actions.rulebook import read_rulebook
from scheduler.models import Carrier, Closure, Concern, Feed, Hours, HoursException, Place, Rota, Town
from tests.town_file.small_file import HOURS, Data, an_opening, remove, session_hours, store, use_rota


def test_storing_twice_changes_nothing(session: Session, data: Data, now: datetime) -> None:
    before = session.get_one(Town, 1).rules_revision
    assert store(session, data, now).is_empty
    assert session.get_one(Town, 1).rules_revision == before


def test_a_difference_is_told_and_nothing_is_written(session: Session, data: Data, now: datetime) -> None:
    before = town_file.export(session)
    session_hours(data)["until"] = time(13)
    data["carrier"].append({"key": "vkb", "name": "Verein"})
    remove(data, "topic", "housing")
    found = town_file.difference(session, town_file.parse(data), now)
    assert found.lines == [
        '+ carrier "vkb"',
        '~ hours "buergerbuero-mi" · until: 12:00:00 → 13:00:00',
        '- topic "housing"',
    ]
    assert town_file.export(session) == before
    assert session.get_one(Town, 1).rules_revision == 1


def test_a_change_voids_what_was_computed_from_the_rules(session: Session, data: Data, now: datetime) -> None:
    opening = an_opening(session)
    place = session.scalars(select(Place)).first()
    live = Feed(kind="place", place=place, token_hash="live", created_at=now)
    revoked = Feed(kind="place", place=place, token_hash="revoked", created_at=now, revoked_at=now)
    session.add_all([live, revoked])
    session.flush()
    data["carrier"][0]["name"] = "AWO"
    store(session, data, now)
    session.expire_all()
    assert (opening.version, live.wanted, revoked.wanted) == (1, 2, 1)
    assert session.get_one(Town, 1).rules_revision == 2


def test_nothing_is_voided_where_nothing_changes(session: Session, data: Data, now: datetime) -> None:
    opening = an_opening(session)
    store(session, data, now)
    session.expire_all()
    assert opening.version == 0


def test_what_leaves_the_file_is_retired_and_counts_again_when_it_comes_back(
    session: Session, data: Data, now: datetime
) -> None:
    full = deepcopy(data)
    remove(data, "concern", "unsure")
    remove(data, "hours", "awo-do")
    assert store(session, data, now).retired == ['concern "unsure"', 'hours "awo-do"']
    retired = session.scalars(select(Concern).where(Concern.key == "unsure")).one()
    number = retired.id
    assert retired.retired_at == now
    assert 'key = "unsure"' not in town_file.export(session)
    assert "awo-do" not in read_rulebook(session).hours
    later = now + timedelta(days=1)
    assert store(session, data, later).is_empty
    assert retired.retired_at == now, "it was retired only once"

    assert store(session, full, later).added == ['concern "unsure" (back again)', 'hours "awo-do" (back again)']
    comeback = session.scalars(select(Concern).where(Concern.key == "unsure")).one()
    assert comeback.id == number
    assert comeback.retired_at is None
    assert "awo-do" in read_rulebook(session).hours


def test_the_order_of_the_file_is_the_order_of_the_rows(session: Session, data: Data, now: datetime) -> None:
    data["carrier"].reverse()
    assert store(session, data, now).lines == ["~ carrier: order of the rows"]
    assert session.scalars(select(Carrier.key).order_by(Carrier.position)).all() == ["ib", "awo"]


def test_a_rota_comes_and_goes_with_the_file(session: Session, data: Data, now: datetime) -> None:
    with_staff = deepcopy(data)
    use_rota(data, [["awo-1", "awo-2"], ["ib-1", "awo-2"]])
    assert 'rota "buergerbuero-mi"' in store(session, data, now).added
    data["rota"][0]["turns"].reverse()
    assert len(store(session, data, now).changed) == 1
    assert 'rota "buergerbuero-mi"' in store(session, with_staff, now).retired
    assert session.scalars(select(Rota)).all() == []


def test_exceptions_follow_the_file_but_for_those_made_on_the_day(session: Session, data: Data, now: datetime) -> None:
    hours = session.scalars(select(Hours).where(Hours.key == HOURS)).one()
    by_hand = HoursException(hours=hours, original_on=date(2026, 12, 9), kind="cancelled", from_file=False)
    session.add(by_hand)
    session.flush()
    session_hours(data).update(closed_on=[date(2026, 12, 2), date(2026, 12, 9)], also_on=[{"date": date(2026, 11, 27)}])
    assert store(session, data, now).added == [
        'hours "buergerbuero-mi" on 2026-12-02',
        'hours "buergerbuero-mi" on 2026-12-09',
        'hours "buergerbuero-mi" on 2026-11-27',
    ]
    assert store(session, data, now).is_empty
    session_hours(data).update(closed_on=[], also_on=[{"date": date(2026, 11, 27), "until": time(13)}])
    store(session, data, now)
    session.expire_all()
    assert {(each.original_on, each.kind, each.from_file) for each in hours.exceptions} == {
        (date(2026, 12, 9), "cancelled", False),
        (date(2026, 11, 27), "added", True),
    }


def test_closures_are_replaced_as_a_set(session: Session, data: Data, now: datetime) -> None:
    christmas = data["closure"][0]
    data["closure"] = [
        {"place": "awo-buero", "from": date(2027, 2, 8), "until": date(2027, 2, 8), "reason": "Rosenmontag"},
        {**christmas, "reason": "Ferien"},
    ]
    assert store(session, data, now).lines[0] == "+ closure 2027-02-08 to 2027-02-08 at awo-buero"
    data["closure"].pop()
    assert store(session, data, now).lines == ["- closure 2026-12-24 to 2027-01-01 at all places"]
    assert [each.reason for each in session.scalars(select(Closure))] == [{"de": "Rosenmontag"}]
