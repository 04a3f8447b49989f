"""An appointment at a time of the adviser's own: entered, refused, never offered, and gone from the rules next day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scheduler.actions.booking import SlotTaken, book, cancel, move
from scheduler.actions.closing import close_visit, find_past_own_times, retire_own_time
from scheduler.actions.feeds import make_feed
from scheduler.actions.own_time import (
    Client,
    OwnTime,
    TimeRefused,
    book_own_time,
    own_times_on,
)
from scheduler.actions.rulebook import read_rulebook
from scheduler.actions.slots import find_slots
from scheduler.actions.steps import CLIENT
from scheduler.domain.intervals import Interval
from scheduler.models import Account, Closure, Hours, Visit
from tests.actions.small_town import (
    OFFICE,
    STAFF,
    THURSDAY,
    WEDNESDAY,
    adviser_of,
    arrive,
    ask,
    at,
    be_away,
    book_at,
    booking_at,
    hours_of,
    place_of,
    verbs_of,
)
from tests.conftest import NOW

FRIDAY = date(2026, 11, 27)


def own_time(session: Session, clock: str = "14:10", on: date = FRIDAY, **changes: object) -> OwnTime:
    asked = OwnTime(on, time.fromisoformat(clock), 45, place_of(session, "awo-buero").id, f"page {clock} {on}")
    return replace(asked, **changes)  # type: ignore[arg-type]


def enter(
    session: Session,
    clock: str = "14:10",
    on: date = FRIDAY,
    key: str = "awo-1",
    now: datetime = NOW,
    **changes: object,
) -> Visit:
    client = Client(locale="ar", language="ar", people=2)
    asked = own_time(session, clock, on, **changes)
    return book_own_time(session, adviser_of(session, key), asked, client, by=STAFF, now=now)


def refusal(session: Session, *args: object, **changes: object) -> tuple[str, Interval | None]:
    with pytest.raises(TimeRefused) as refused:
        enter(session, *args, **changes)  # type: ignore[arg-type]
    return refused.value.reason, refused.value.during


def test_it_is_an_appointment_like_any_other_at_an_opening_of_its_own(session: Session) -> None:
    visit = enter(session)
    adviser = adviser_of(session, "awo-1")
    assert (visit.kind, visit.state, visit.starts_at, visit.ends_at) == (
        "appointment",
        "booked",
        at("14:10", FRIDAY),
        at("14:55", FRIDAY),
    )
    assert (visit.planned_adviser_id, visit.wished_adviser_id) == (adviser.id, adviser.id)
    assert (visit.locale, visit.language, visit.people) == ("ar", "ar", 2)
    assert visit.service is not None
    assert visit.service.key == "MBE", "the one service that this adviser gives"
    assert len(visit.code or "") == 9
    assert (visit.place_id, visit.local_on) == (place_of(session, "awo-buero").id, FRIDAY)
    assert verbs_of(session, visit) == ["book"]
    hours = visit.opening.hours
    assert (hours.own_adviser_id, hours.admits, hours.advisers) == (adviser.id, "by_arrangement", ["awo-1"])
    assert (hours.from_time, hours.until_time, hours.dates) == (time(14, 10), time(14, 55), ["2026-11-27"])


def test_of_several_services_none_is_guessed(session: Session) -> None:
    assert enter(session, key="awo-2").service_id is None


def test_the_same_page_sent_twice_enters_one_appointment(session: Session) -> None:
    first, before = enter(session), session.scalars(select(Visit.id)).all()
    assert enter(session).id == first.id
    assert session.scalars(select(Visit.id)).all() == before


def test_another_adviser_with_the_same_page_text_gets_an_own_appointment(session: Session) -> None:
    assert enter(session).id != enter(session, key="awo-2").id


@pytest.mark.parametrize(
    ("clock", "refused"),
    [("13:25", None), ("13:26", "busy"), ("14:10", "busy"), ("14:54", "busy"), ("14:55", None)],
)
def test_it_may_touch_another_appointment_but_not_overlap(session: Session, clock: str, refused: str | None) -> None:
    enter(session)
    again = {"page_key": "another page"}
    if refused is None:
        assert enter(session, clock, **again).state == "booked"
    else:
        assert refusal(session, clock, **again) == (refused, Interval(at("14:10", FRIDAY), at("14:55", FRIDAY)))


def test_an_appointment_that_a_client_booked_stands_in_the_way(session: Session) -> None:
    booked = book_at(session, read_rulebook(session), "14:00", key=OFFICE, on=THURSDAY)
    assert refusal(session, "14:10", THURSDAY) == ("busy", Interval(booked.starts_at, booked.ends_at))


def test_absences_stand_in_the_way_while_they_last(session: Session) -> None:
    be_away(session, "awo-1", "14:00", "14:30", FRIDAY)
    be_away(session, "awo-2", "15:00", "18:00", FRIDAY)
    assert refusal(session, "14:10")[0] == "away"
    assert enter(session, "14:30").state == "booked"


@pytest.mark.parametrize(
    ("clock", "on", "reason"),
    [
        ("09:59", NOW.date(), "past"),
        ("14:00", date(2026, 11, 23), "past"),
        ("14:00", date(1, 1, 1), "past"),
        ("14:00", date(2027, 11, 26), "too_far"),
        ("23:59", date(9999, 12, 31), "too_far"),
        ("23:15", FRIDAY, "midnight"),
        ("23:30", FRIDAY, "midnight"),
        ("14:00", date(2026, 12, 28), "closed"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(session: Session, clock: str, on: date, reason: str) -> None:
    before = session.scalars(select(Visit.id)).all()
    assert refusal(session, clock, on)[0] == reason
    assert session.scalars(select(Visit.id)).all() == before


@pytest.mark.parametrize(("clock", "on"), [("10:00", NOW.date()), ("23:14", FRIDAY), ("00:00", FRIDAY)])
def test_the_edges_of_what_can_be(session: Session, clock: str, on: date) -> None:
    assert enter(session, clock, on).starts_at == at(clock, on)


@pytest.mark.parametrize("minutes", [-15, 0, 4, 481])
def test_a_length_that_makes_no_sense_is_refused(session: Session, minutes: int) -> None:
    assert refusal(session, minutes=minutes)[0] == "length"


def test_a_public_holiday_does_not_close_what_an_adviser_enters(session: Session) -> None:
    assert enter(session, on=date(2027, 5, 1)).state == "booked"


def test_a_time_within_the_spring_gap_moves_forward(session: Session) -> None:
    visit = enter(session, "02:30", date(2027, 3, 28))
    assert visit.starts_at == at("03:30", date(2027, 3, 28))
    assert visit.ends_at is not None
    assert visit.ends_at - visit.starts_at == timedelta(minutes=45)


def test_nobody_is_offered_the_time_whatever_becomes_of_it(session: Session) -> None:
    visit = enter(session)
    for state in ("booked", "cancelled"):
        rulebook = read_rulebook(session)
        offered = find_slots(session, rulebook, ask(session, rulebook), from_on=FRIDAY, until_on=FRIDAY, now=NOW)
        assert offered == [], state
        booking = booking_at(session, rulebook, "14:10", key=visit.opening.hours.key, on=FRIDAY)
        with pytest.raises(SlotTaken):
            book(session, rulebook, booking, by=CLIENT, now=NOW)
        cancel(session, visit.id, by=CLIENT, now=NOW)


def test_it_takes_the_adviser_out_of_every_other_opening_until_it_is_cancelled(session: Session) -> None:
    def offered() -> set[datetime]:
        rulebook = read_rulebook(session)
        question = ask(session, rulebook, "advice", adviser_key="awo-1")
        found = find_slots(session, rulebook, question, from_on=THURSDAY, until_on=THURSDAY, now=NOW)
        return {each.slot.starts_at for each in found}

    free = offered()
    visit = enter(session, "14:10", THURSDAY)
    overlapping = {each for each in free if at("13:25", THURSDAY) < each < at("14:55", THURSDAY)}
    assert overlapping
    assert offered() == free - overlapping
    cancel(session, visit.id, by=STAFF, now=NOW)
    assert offered() == free


def test_after_a_cancellation_the_time_can_be_entered_again(session: Session) -> None:
    cancel(session, enter(session).id, by=STAFF, now=NOW)
    assert enter(session, page_key="another page").state == "booked"


def test_the_client_may_move_it_to_a_time_that_is_offered(session: Session) -> None:
    visit = enter(session)
    moved = move(session, read_rulebook(session), visit.id, OFFICE, THURSDAY, at("15:00", THURSDAY), by=CLIENT, now=NOW)
    assert (moved.opening.hours.key, moved.planned_adviser_id) == (OFFICE, adviser_of(session, "awo-1").id)


def test_where_the_check_is_passed_at_the_same_moment_the_database_refuses(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(session)
    monkeypatch.setattr("scheduler.actions.own_time._check_free", lambda *_: None)
    with pytest.raises((SlotTaken, IntegrityError)):
        enter(session, "14:30")
    session.rollback()


def test_it_can_be_checked_in_like_any_other(session: Session) -> None:
    visit = enter(session)
    session.flush()
    arrived = arrive(session, read_rulebook(session), visit, at("14:00", FRIDAY))
    assert (arrived.state, arrived.ticket) == ("waiting", 1)


def test_the_advisers_calendar_is_renewed(session: Session) -> None:
    session.add(Account(login="a", name="A", password_hash="-", created_at=NOW))
    feed, _ = make_feed(session, adviser_of(session, "awo-1"), level="busy", base_url="http://localhost", now=NOW)
    before = feed.wanted
    enter(session)
    session.refresh(feed)
    assert feed.wanted > before


def test_own_times_are_told_apart_from_office_hours(session: Session) -> None:
    mine, colleagues = enter(session), enter(session, key="awo-2")
    enter(session, on=date(2026, 11, 30))
    rulebook = read_rulebook(session)
    named = [rulebook.opening(each.opening.hours.key, FRIDAY) for each in (mine, colleagues)]
    assert all(each is not None and each.hours.is_own for each in named)
    assert not any(each.hours.is_own for each in rulebook.openings(WEDNESDAY, THURSDAY))
    found = own_times_on(rulebook, FRIDAY)
    assert {each.hours.key for each in found} == {mine.opening.hours.key, colleagues.opening.hours.key}
    adviser, place_id = adviser_of(session, "awo-1"), place_of(session, "awo-buero").id
    assert [each.hours.key for each in own_times_on(rulebook, FRIDAY, adviser=adviser)] == [mine.opening.hours.key]
    assert len(own_times_on(rulebook, FRIDAY, place_id=place_id)) == 2
    assert own_times_on(rulebook, FRIDAY, place_id=place_of(session).id) == []


@pytest.mark.parametrize(
    ("now", "over"),
    [(at("23:59", FRIDAY), False), (at("00:00", date(2026, 11, 28)), True)],
    ids=["evening", "midnight"],
)
def test_the_rules_forget_it_when_its_day_is_over(session: Session, now: datetime, over: bool) -> None:
    visit, later = enter(session), enter(session, on=date(2026, 11, 30))
    ids = find_past_own_times(session, now)
    assert ids == ([visit.opening.hours_id] if over else [])
    for each in (*ids, *ids):
        retire_own_time(session, each, now)
    assert (visit.opening.hours.retired_at == now) is over
    assert later.opening.hours.retired_at is None
    assert hours_of(session).retired_at is None
    assert (read_rulebook(session).opening(visit.opening.hours.key, FRIDAY) is None) is over
    assert find_past_own_times(session, now) == []


def test_a_visit_that_nobody_closed_is_closed_after_its_hours_are_retired(session: Session) -> None:
    visit, night = enter(session), at("02:00", date(2026, 11, 28))
    retire_own_time(session, visit.opening.hours_id, night)
    close_visit(session, visit.id, night)
    assert visit.state == "missed"


def test_a_closure_that_is_entered_later_leaves_the_visit_standing(session: Session) -> None:
    visit = enter(session)
    session.add(Closure(place_id=None, from_on=FRIDAY, until_on=FRIDAY, reason={"de": "zu"}))
    session.flush()
    assert visit.state == "booked"
    assert refusal(session, "16:00")[0] == "closed"
    assert session.scalars(select(Hours.id).where(Hours.own_adviser_id.is_not(None))).all() != []
