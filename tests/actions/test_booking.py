"""Book and cancel: what the list shows can be booked, nothing else can, and nobody is booked twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scheduler.actions.booking import (
    SlotTaken,
    book,
    cancel,
    nearest_slots,
)
from scheduler.actions.openings import UnknownOpening
from scheduler.actions.registration import leave
from scheduler.actions.rulebook import RuleBook, read_rulebook
from scheduler.actions.slots import find_slots
from scheduler.actions.steps import CLIENT
from scheduler.domain.visit_states import StepRefused
from scheduler.models import Feed, IdempotencyKey, Visit
from tests.actions.small_town import (
    OFFICE,
    SESSION,
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
    change_date,
    hours_of,
    opening_of,
    press_next,
    seat,
    take_in,
    verbs_of,
)


def count_visits(session: Session) -> int:
    return session.scalars(select(func.count(Visit.id))).one()


def test_a_booked_visit_holds_all_that_was_asked(session: Session, rulebook: RuleBook, now: datetime) -> None:
    booking = replace(
        booking_at(session, rulebook, "09:30", service="MBE", concern="advice", language="ar"),
        people=3,
        age_group="from_27",
        locale="ar",
    )
    visit = book(session, rulebook, booking, by=CLIENT, now=now)
    session.expire_all()
    assert (visit.kind, visit.state, visit.ticket) == ("appointment", "booked", None)
    assert (visit.starts_at, visit.ends_at) == (at("09:30"), at("10:15"))
    assert (visit.local_on, visit.place.key, visit.opening.public_id) == (
        WEDNESDAY,
        "buergerbuero",
        f"{SESSION}/2026-11-25",
    )
    assert visit.service and visit.service.key == "MBE"
    assert visit.concern and visit.concern.key == "advice"
    assert (visit.language, visit.locale, visit.people, visit.age_group) == ("ar", "ar", 3, "from_27")
    assert visit.planned_adviser and visit.planned_adviser.key == "awo-1"
    assert visit.wished_adviser_id is None
    assert visit.sequence == 0 and visit.link_epoch == 0
    assert visit.code and len(visit.code) == 9 and visit.code.isdigit()
    assert verbs_of(session, visit) == ["book"]
    assert (visit.steps[0].from_state, visit.steps[0].to_state, visit.steps[0].actor) == (None, "booked", "client")


def test_a_wish_for_an_adviser_is_kept(session: Session, rulebook: RuleBook) -> None:
    visit = book_at(session, rulebook, "09:30", concern="known", adviser_key="awo-2")
    wished = adviser_of(session, "awo-2").id
    assert (visit.wished_adviser_id, visit.planned_adviser_id) == (wished, wished)


@pytest.mark.parametrize(
    ("service", "age_group", "expected"),
    [("JMD", "unknown", "JMD"), (None, "under_27", "JMD"), (None, "from_27", "MBE"), (None, "family", None)],
)
def test_the_service_is_stored_where_only_one_is_in_question(
    session: Session, rulebook: RuleBook, service: str | None, age_group: str, expected: str | None
) -> None:
    visit = book_at(session, rulebook, "09:30", service=service, age_group=age_group)
    assert (visit.service.key if visit.service else None) == expected


def test_codes_are_unique(session: Session, rulebook: RuleBook) -> None:
    codes = {book_at(session, rulebook, clock).code for clock in ("09:00", "09:15", "09:30", "09:45", "10:00")}
    assert len(codes) == 5


def test_a_start_that_was_taken_meanwhile_is_refused(session: Session, rulebook: RuleBook) -> None:
    book_at(session, rulebook, "14:15", key=OFFICE, on=THURSDAY, concern="advice")
    before = count_visits(session)
    for clock in ("14:15", "14:30", "14:45"):
        with pytest.raises(SlotTaken):
            book_at(session, rulebook, clock, key=OFFICE, on=THURSDAY)
    assert count_visits(session) == before
    assert book_at(session, rulebook, "15:00", key=OFFICE, on=THURSDAY).state == "booked"


def test_a_mixed_opening_takes_one_appointment_at_a_time_whoever_is_free(session: Session, rulebook: RuleBook) -> None:
    book_at(session, rulebook, "09:30", service="MBE", concern="advice")
    for service in ("MBE", "JMD"):
        with pytest.raises(SlotTaken):
            book_at(session, rulebook, "10:00", service=service)
    assert book_at(session, rulebook, "10:15", service="JMD").state == "booked"


def test_an_adviser_is_not_booked_while_absent(session: Session, rulebook: RuleBook) -> None:
    be_away(session, "awo-1", "09:00", "10:00")
    visit = book_at(session, rulebook, "09:45", service="MBE")
    assert visit.planned_adviser and visit.planned_adviser.key == "awo-2"
    be_away(session, "awo-2", "11:00", "12:00")
    be_away(session, "awo-1", "11:00", "12:00")
    with pytest.raises(SlotTaken):
        book_at(session, rulebook, "11:00", service="MBE")
    assert book_at(session, rulebook, "11:00", service="JMD").planned_adviser_id == adviser_of(session, "ib-1").id


def test_an_adviser_is_not_booked_at_two_places_at_once(session: Session, rulebook: RuleBook) -> None:
    change_date(session, WEDNESDAY, "added", OFFICE, from_time=at("10:00").time().replace(hour=10), advisers=["awo-1"])
    fresh = read_rulebook(session)
    book_at(session, fresh, "10:30", key=OFFICE, on=WEDNESDAY)
    visit = book_at(session, fresh, "10:30", service="MBE")
    assert visit.planned_adviser_id == adviser_of(session, "awo-2").id


@pytest.mark.parametrize(
    ("service", "wishes"),
    [
        ("JMD", {"key": OFFICE, "on": THURSDAY}),
        ("MBE", {"language": "uk"}),
        ("JMD", {"language": "ar"}),
        ("JMD", {"adviser_key": "awo-1"}),
        ("MBE", {"adviser_key": "ib-1"}),
    ],
)
def test_what_nobody_on_duty_can_do_is_not_booked(
    session: Session, rulebook: RuleBook, service: str, wishes: dict[str, Any]
) -> None:
    clock = "14:00" if "key" in wishes else "10:00"
    with pytest.raises(SlotTaken):
        book_at(session, rulebook, clock, service=service, **wishes)


def test_a_language_that_nobody_speaks_withholds_no_time(session: Session, rulebook: RuleBook) -> None:
    visit = book_at(session, rulebook, "10:00", language="other")
    assert visit.language == "other"


@pytest.mark.parametrize("clock", ["08:45", "09:05", "11:50", "12:00", "12:15"])
def test_a_start_off_the_grid_or_outside_the_opening_is_refused(
    session: Session, rulebook: RuleBook, clock: str
) -> None:
    with pytest.raises(SlotTaken):
        book_at(session, rulebook, clock)


def test_horizon_and_lead_hold_for_the_booking_too(session: Session, rulebook: RuleBook, now: datetime) -> None:
    last_inside, first_outside = date(2027, 1, 14), date(2027, 1, 21)
    assert first_outside - now.date() > timedelta(days=56) > last_inside - now.date()
    assert book_at(session, rulebook, "13:00", key=OFFICE, on=last_inside).state == "booked"
    with pytest.raises(SlotTaken):
        book_at(session, rulebook, "13:00", key=OFFICE, on=first_outside)
    hours_of(session).lead_hours = 24
    session.flush()
    strict = read_rulebook(session)
    with pytest.raises(SlotTaken):
        book_at(session, strict, "09:45")  # in 23 hours and 45 minutes
    assert book_at(session, strict, "10:00").state == "booked"


def test_the_past_cannot_be_booked(session: Session, rulebook: RuleBook) -> None:
    with pytest.raises(SlotTaken):
        book_at(session, rulebook, "09:00", on=date(2026, 11, 11))
    with pytest.raises(SlotTaken):
        book_at(session, rulebook, "09:00", now=at("09:01"))
    assert book_at(session, rulebook, "09:15", now=at("09:01")).state == "booked"


@pytest.mark.parametrize(
    ("key", "on"),
    [("no-such-hours", WEDNESDAY), (SESSION, date(2026, 11, 26)), (SESSION, date(2026, 12, 30)), (SESSION, date.min)],
)
def test_an_opening_that_does_not_exist_or_is_closed_is_unknown(
    session: Session, rulebook: RuleBook, key: str, on: date
) -> None:
    booking = replace(booking_at(session, rulebook, "10:00"), hours_key=key, original_on=on)
    with pytest.raises(UnknownOpening):
        book(session, rulebook, booking, by=CLIENT, now=at("12:00", date(2026, 11, 24)))


def test_a_cancelled_date_is_not_booked_and_a_moved_one_at_its_new_time(session: Session, rulebook: RuleBook) -> None:
    change_date(session, WEDNESDAY, "cancelled")
    with pytest.raises(UnknownOpening):
        book_at(session, read_rulebook(session), "10:00")
    change_date(session, date(2026, 12, 9), "moved", held_on=date(2026, 12, 11))
    fresh = read_rulebook(session)
    booking = replace(
        booking_at(session, fresh, "10:00", on=date(2026, 12, 9)), starts_at=at("10:00", date(2026, 12, 11))
    )
    visit = book(session, fresh, booking, by=CLIENT, now=at("09:00", date(2026, 11, 24)))
    assert (visit.local_on, visit.opening.original_on) == (date(2026, 12, 11), date(2026, 12, 9))
    with pytest.raises(SlotTaken):
        book_at(session, fresh, "10:00", on=date(2026, 12, 9))


def test_a_walk_in_only_opening_and_one_for_other_concerns_take_no_booking(
    session: Session, rulebook: RuleBook
) -> None:
    hours_of(session).concerns = ["advice"]
    session.flush()
    with pytest.raises(SlotTaken):
        book_at(session, read_rulebook(session), "10:00", concern="letter")
    hours_of(session).admits = "walk_in"
    session.flush()
    with pytest.raises(SlotTaken):
        book_at(session, read_rulebook(session), "10:00", concern="advice")


# The list and the booking agree


@pytest.mark.parametrize(
    ("concern", "wishes"),
    [
        ("letter", {"service": "MBE"}),
        ("advice", {"service": "JMD"}),
        ("advice", {"age_group": "family"}),
        ("unsure", {"service": "MBE", "language": "ar"}),
        ("known", {"service": "MBE", "adviser_key": "awo-2"}),
    ],
)
def test_each_offered_start_can_be_booked_and_each_other_one_is_refused(
    session: Session, rulebook: RuleBook, concern: str, wishes: dict[str, Any]
) -> None:
    book_at(session, rulebook, "09:30", concern="advice")
    book_at(session, rulebook, "11:15", service="JMD", concern="unsure")
    book_at(session, rulebook, "14:00", key=OFFICE, on=THURSDAY)
    be_away(session, "awo-1", "10:30", "11:00")
    session.commit()
    soon = at("09:10")
    question = ask(session, rulebook, concern, **wishes)
    offered = {
        (each.opening.public_id, each.slot.starts_at)
        for each in find_slots(session, rulebook, question, from_on=WEDNESDAY, until_on=THURSDAY, now=soon)
    }
    assert offered
    for key, on, first, last in ((SESSION, WEDNESDAY, "09:00", "12:00"), (OFFICE, THURSDAY, "13:00", "16:00")):
        start = at(first, on)
        while start < at(last, on):
            booking = replace(booking_at(session, rulebook, first, key=key, on=on), question=question, starts_at=start)
            try:
                book(session, rulebook, booking, by=CLIENT, now=soon)
                booked = True
            except SlotTaken:
                booked = False
            session.rollback()
            assert booked is ((f"{key}/{on}", start) in offered), (key, start)
            start += timedelta(minutes=5)


def test_no_start_is_offered_twice_and_all_are_in_order(session: Session, rulebook: RuleBook, now: datetime) -> None:
    found = find_slots(
        session,
        rulebook,
        ask(session, rulebook, service="MBE"),
        from_on=date(2026, 11, 1),
        until_on=date(2027, 3, 1),
        now=now,
    )
    keys = [(each.slot.starts_at, each.opening.public_id) for each in found]
    assert len(set(keys)) == len(keys)
    assert keys == sorted(keys)
    assert min(keys)[0] == at("09:00")
    assert max(keys)[0] < now + timedelta(days=56)
    assert not [each for each in found if each.opening.dated.on.isoformat() >= "2026-12-24" and each.opening.dated.on
                <= date(2027, 1, 1)]  # fmt: skip


def test_booking_one_start_takes_exactly_what_overlaps_from_the_list(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    question = ask(session, rulebook, "unsure", service="MBE")

    def listed() -> set[datetime]:
        found = find_slots(session, rulebook, question, from_on=WEDNESDAY, until_on=WEDNESDAY, now=now)
        return {each.slot.starts_at for each in found}

    before = listed()
    book_at(session, rulebook, "10:00", concern="advice")
    assert before - listed() == {at("09:45"), at("10:00"), at("10:15"), at("10:30")}


def test_a_running_walk_in_occupies_its_adviser_until_its_expected_end(session: Session, rulebook: RuleBook) -> None:
    for key in ("awo-1", "awo-2"):
        take_in(session, rulebook, at("09:00"), age_group="from_27", concern="advice")
        press_next(session, rulebook, seat(session, rulebook, key, at("09:00")), at("09:00"))
    question = ask(session, rulebook, "letter", service="MBE")
    found = find_slots(session, rulebook, question, from_on=WEDNESDAY, until_on=WEDNESDAY, now=at("09:05"))
    assert found[0].slot.starts_at == at("09:45")


def test_a_walk_in_called_just_before_the_door_opens_occupies_its_adviser_too(
    session: Session, rulebook: RuleBook
) -> None:
    for key in ("awo-1", "awo-2"):
        take_in(session, rulebook, at("08:50"), age_group="from_27", concern="unsure")
        press_next(session, rulebook, seat(session, rulebook, key, at("08:50")), at("08:50"))
    question = ask(session, rulebook, "letter", service="MBE")
    found = find_slots(session, rulebook, question, from_on=WEDNESDAY, until_on=WEDNESDAY, now=at("08:55"))
    assert found[0].slot.starts_at == at("09:30")


def test_the_nearest_free_starts_are_offered_instead(session: Session, rulebook: RuleBook, now: datetime) -> None:
    book_at(session, rulebook, "10:00")
    question = ask(session, rulebook, "letter", service="MBE")
    found = nearest_slots(session, rulebook, question, at("10:00"), now)
    assert {at("09:45"), at("10:15")} < {each.slot.starts_at for each in found}
    assert len(found) == 3


def test_an_unknown_adviser_is_no_open_question(session: Session, rulebook: RuleBook, now: datetime) -> None:
    """A wish that names nobody must not quietly become no wish."""
    try:
        question = ask(session, rulebook, "known", service="MBE", adviser_key="nobody")
    except LookupError:
        return
    found = find_slots(session, rulebook, question, from_on=WEDNESDAY, until_on=THURSDAY, now=now)
    assert found == []


# Once


def test_the_same_idempotency_key_gives_the_same_visit(session: Session, rulebook: RuleBook) -> None:
    first = book_at(session, rulebook, "10:00", idempotency_key="double click")
    before = count_visits(session)
    assert book_at(session, rulebook, "10:00", idempotency_key="double click").id == first.id
    assert count_visits(session) == before
    assert book_at(session, rulebook, "10:15", idempotency_key="another form").id != first.id
    stored = session.scalars(select(IdempotencyKey.key_hash)).all()
    assert len(stored) == 2 and not any("click" in each for each in stored)


# Cancel


def test_a_cancelled_visit_gives_its_place_back(session: Session, rulebook: RuleBook, now: datetime) -> None:
    visit = book_at(session, rulebook, "10:00")
    planned = visit.planned_adviser_id
    cancel(session, visit.id, by=CLIENT, now=now + timedelta(minutes=5))
    session.expire_all()
    assert (visit.state, visit.planned_adviser_id, visit.sequence) == ("cancelled", None, 1)
    assert visit.ended_at == now + timedelta(minutes=5)
    assert visit.steps[-1].released_adviser_id == planned
    later = now + timedelta(minutes=20)  # from everybody but staff it is held back for a short while
    assert book_at(session, rulebook, "10:00", now=later).planned_adviser_id == planned


def test_cancelling_twice_changes_nothing_more(session: Session, rulebook: RuleBook, now: datetime) -> None:
    visit = book_at(session, rulebook, "10:00")
    cancel(session, visit.id, by=CLIENT, now=now)
    again = cancel(session, visit.id, by=CLIENT, now=now + timedelta(days=1))
    assert (again.sequence, again.ended_at) == (1, now)
    assert verbs_of(session, visit) == ["book", "cancel"]


def test_a_visit_that_has_begun_or_ended_is_not_cancelled(session: Session, rulebook: RuleBook) -> None:
    visit = arrive(session, rulebook, book_at(session, rulebook, "09:15"), at("09:00"))
    press_next(session, rulebook, seat(session, rulebook, "awo-1", at("09:00")), at("09:15"))
    with pytest.raises(StepRefused):
        cancel(session, visit.id, by=CLIENT, now=at("09:16"))
    left = leave(session, take_in(session, rulebook, at("09:20")).id, by=STAFF, now=at("09:21"))
    with pytest.raises(StepRefused):
        cancel(session, left.id, by=CLIENT, now=at("09:22"))


def test_a_visit_that_does_not_exist_is_unknown(session: Session, rulebook: RuleBook, now: datetime) -> None:
    with pytest.raises(UnknownOpening):
        cancel(session, 987_654, by=CLIENT, now=now)


# What others see


@pytest.fixture
def feeds(session: Session, now: datetime) -> dict[str, Feed]:
    found = {}
    for key in ("awo-1", "awo-2"):
        found[key] = Feed(
            kind="adviser", adviser_id=adviser_of(session, key).id, token_hash=f"hash {key}", created_at=now
        )
        session.add(found[key])
    session.flush()
    return found


def test_booking_and_cancelling_renew_the_advisers_feed_and_the_pages(
    session: Session, rulebook: RuleBook, feeds: dict[str, Feed], now: datetime
) -> None:
    visit = book_at(session, rulebook, "10:00", adviser_key="awo-2")
    session.flush()
    session.expire_all()
    booked_version = visit.opening.version
    assert booked_version > 0
    assert (feeds["awo-1"].wanted, feeds["awo-2"].wanted) == (1, 2)
    cancel(session, visit.id, by=CLIENT, now=now)
    session.flush()
    session.expire_all()
    assert visit.opening.version > booked_version
    assert (feeds["awo-1"].wanted, feeds["awo-2"].wanted) == (1, 3)


def test_a_refused_booking_leaves_no_opening_row_once_rolled_back(session: Session, rulebook: RuleBook) -> None:
    with pytest.raises(SlotTaken):
        book_at(session, rulebook, "08:00")
    session.rollback()
    assert opening_of(rulebook)
    assert count_visits(session) == 7
