"""An adviser falls ill, a date is cancelled or changed: who is kept, who is hit, what each is offered, who is told."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.booking import cancel
from scheduler.actions.call_list import mark_told, read_call_list
from scheduler.actions.contacts import leave_contact
from scheduler.actions.dates import Away, ChangeRefused, DateChange, end_absence, restore_date
from scheduler.actions.day_changes import Effect, carry_out
from scheduler.actions.rulebook import RuleBook, read_rulebook
from scheduler.actions.sending import claim_due
from scheduler.actions.steps import CLIENT
from scheduler.domain.intervals import Interval
from scheduler.models import Absence, Feed, HoursException, Message, Opening, Visit
from tests.actions.small_town import (
    OFFICE,
    SESSION,
    STAFF,
    THURSDAY,
    WEDNESDAY,
    adviser_of,
    arrive,
    at,
    book_at,
    change_date,
    hours_of,
    place_of,
    take_in,
)
from tests.conftest import SECRET

TUESDAY = date(2026, 11, 24)
LATER = date(2026, 12, 9)
"""A Wednesday on which nothing has happened yet."""
EVENING = at("19:00", TUESDAY)
"""The session is in fourteen hours: all its appointments are frozen."""


@pytest.fixture
def rulebook(session: Session) -> RuleBook:
    hours_of(session).appointments_at_once = 3
    session.flush()
    return read_rulebook(session)


def ill(session: Session, key: str = "awo-1", from_clock: str = "08:00", until_clock: str = "18:00") -> Away:
    return Away(adviser_of(session, key).id, Interval(at(from_clock), at(until_clock)))


def try_out(session: Session, change: Away | DateChange, now: datetime = EVENING) -> Effect:
    trial = session.begin_nested()
    effect = carry_out(session, change, by=STAFF, now=now)
    trial.rollback()
    session.expire_all()
    return effect


def first_offers(effect: Effect) -> dict[int, str]:
    return {each.visit_id: each.offers[0].choice for each in effect.hit}


def book_with(session: Session, rulebook: RuleBook, clock: str, adviser: str, **what: object) -> Visit:
    visit = book_at(session, rulebook, clock, **what)  # type: ignore[arg-type]
    visit.planned_adviser_id = adviser_of(session, adviser).id
    session.flush()
    return visit


def messages_of(session: Session, visit: Visit) -> list[tuple[str, str, str]]:
    rows = session.scalars(select(Message).where(Message.visit_id == visit.id).order_by(Message.id))
    return [(each.kind, each.channel, each.state) for each in rows]


def leave_email(session: Session, visit: Visit, now: datetime) -> None:
    leave_contact(session, visit.id, email="someone@example.org", phone=None, reminders=False, secret=SECRET, now=now)


def leave_phone(session: Session, visit: Visit, now: datetime) -> None:
    leave_contact(session, visit.id, email=None, phone="+4915123456789", reminders=False, secret=SECRET, now=now)


def test_a_colleague_takes_over_and_the_client_notices_nothing(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    visit = book_with(session, rulebook, "09:00", "awo-1", service="MBE")
    leave_email(session, visit, now)
    effect = carry_out(session, ill(session), {}, by=STAFF, now=EVENING)
    assert (effect.kept, effect.hit, effect.closed) == ([visit.id], [], [])
    assert visit.planned_adviser_id == adviser_of(session, "awo-2").id
    assert (visit.starts_at, visit.sequence) == (at("09:00"), 0)
    assert messages_of(session, visit) == [("confirmation", "email", "pending")]


def test_somebody_else_is_handed_on_to_keep_whoever_is_hit_even_on_the_last_day(
    session: Session, rulebook: RuleBook
) -> None:
    """A young person's appointment goes from awo-2, who alone can take the adult, to ib-1."""
    young = book_with(session, rulebook, "09:00", "awo-2", service="JMD")
    adult = book_with(session, rulebook, "09:00", "awo-1", service="MBE")
    effect = carry_out(session, ill(session), {}, by=STAFF, now=EVENING)
    assert effect.kept == [adult.id]
    assert young.planned_adviser_id == adviser_of(session, "ib-1").id
    assert adult.planned_adviser_id == adviser_of(session, "awo-2").id


def test_for_whom_nobody_is_left_gets_the_nearest_time_anywhere_and_one_message(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    visit = book_with(session, rulebook, "09:00", "awo-1", service="MBE", language="ar")
    leave_email(session, visit, now)
    shown = try_out(session, ill(session))
    (hit,) = shown.hit
    assert (hit.visit_id, hit.starts_at, hit.has_email, hit.phone) == (visit.id, at("09:00"), True, None)
    assert [each.choice for each in hit.offers[:1]] == [f"any:awo-do/{THURSDAY}/{at('13:30', THURSDAY).isoformat()}"]
    assert hit.offers[-1].choice == "cancel"
    assert (visit.starts_at, visit.planned_adviser_id) == (at("09:00"), adviser_of(session, "awo-1").id)
    carry_out(session, ill(session), first_offers(shown), by=STAFF, now=EVENING)
    assert visit.starts_at == at("13:30", THURSDAY)
    assert messages_of(session, visit) == [("confirmation", "email", "dropped"), ("moved", "email", "pending")]


def test_two_who_are_hit_are_not_offered_the_same_time(session: Session, rulebook: RuleBook) -> None:
    for clock in ("09:00", "09:30"):
        book_with(session, rulebook, clock, "awo-1", service="MBE", language="ar")
    proposed = list(first_offers(try_out(session, ill(session))).values())
    assert len(set(proposed)) == 2
    assert all(each.startswith("any:") for each in proposed)


def test_who_asked_for_this_adviser_is_offered_another_at_the_same_time_first_then_the_same_later(
    session: Session, rulebook: RuleBook
) -> None:
    visit = book_at(session, rulebook, "09:00", service="MBE", adviser_key="awo-1")
    shown = try_out(session, ill(session))
    (hit,) = shown.hit
    choices = [each.choice for each in hit.offers]
    assert hit.asked_for_adviser
    assert choices[0] == "same"
    assert choices[1] == f"wish:awo-do/{THURSDAY}/{at('13:30', THURSDAY).isoformat()}"
    carry_out(session, ill(session), {visit.id: choices[0]}, by=STAFF, now=EVENING)
    assert (visit.starts_at, visit.wished_adviser_id) == (at("09:00"), None)
    assert visit.planned_adviser_id == adviser_of(session, "awo-2").id
    assert messages_of(session, visit) == []


def test_the_wish_is_kept_where_the_later_time_with_the_same_adviser_is_chosen(
    session: Session, rulebook: RuleBook
) -> None:
    visit = book_at(session, rulebook, "09:00", service="MBE", adviser_key="awo-1")
    chosen = try_out(session, ill(session)).hit[0].offers[1].choice
    carry_out(session, ill(session), {visit.id: chosen}, by=STAFF, now=EVENING)
    assert visit.wished_adviser_id == visit.planned_adviser_id == adviser_of(session, "awo-1").id
    assert visit.starts_at == at("13:30", THURSDAY)


@pytest.mark.parametrize("choices", [{}, {1_000_000: "cancel"}])
def test_who_booked_since_the_list_was_shown_is_not_moved_unseen(
    session: Session, rulebook: RuleBook, choices: dict[int, str]
) -> None:
    book_with(session, rulebook, "09:00", "awo-1", service="MBE", language="ar")
    with pytest.raises(ChangeRefused) as refused:
        carry_out(session, ill(session), choices, by=STAFF, now=EVENING)
    assert refused.value.reason == "outdated"


def test_an_offer_that_was_taken_meanwhile_is_refused(session: Session, rulebook: RuleBook) -> None:
    book_with(session, rulebook, "09:00", "awo-1", service="MBE", language="ar")
    chosen = first_offers(try_out(session, ill(session)))
    book_at(session, rulebook, "13:30", key=OFFICE, on=THURSDAY, now=EVENING)
    with pytest.raises(ChangeRefused) as refused:
        carry_out(session, ill(session), chosen, by=STAFF, now=EVENING)
    assert refused.value.reason == "outdated"


def test_who_cannot_be_written_to_stands_on_the_call_list_until_told(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    phone = book_with(session, rulebook, "09:00", "awo-1", service="MBE", language="ar")
    leave_phone(session, phone, now)
    nothing = book_with(session, rulebook, "09:30", "awo-1", service="MBE", language="ar")
    carry_out(session, ill(session), {phone.id: "cancel", nothing.id: "cancel"}, by=STAFF, now=EVENING)
    place_id = place_of(session).id
    lines = read_call_list(session, EVENING, place_ids={place_id})
    assert [(each.message.visit_id, each.message.kind, each.step.released_starts_at) for each in lines] == [
        (phone.id, "cancelled", at("09:00")),
        (nothing.id, "cancelled", at("09:30")),
    ]
    assert claim_due(session, EVENING) == []
    mark_told(session, lines[0].message, EVENING)
    assert [each.message.visit_id for each in read_call_list(session, EVENING, place_ids={place_id})] == [nothing.id]
    assert read_call_list(session, EVENING, place_ids={place_of(session, "awo-buero").id}) == []
    assert [each.message.visit_id for each in read_call_list(session, EVENING, adviser_ids={phone.id + 1000})] == []
    assert len(read_call_list(session, EVENING, adviser_ids={adviser_of(session, "awo-1").id})) == 1
    assert read_call_list(session, at("22:00"), place_ids={place_id}) == []


def test_both_desks_hear_of_a_person_who_was_moved_to_another_place(session: Session, rulebook: RuleBook) -> None:
    book_with(session, rulebook, "09:00", "awo-1", service="MBE", language="ar")
    carry_out(session, ill(session), first_offers(try_out(session, ill(session))), by=STAFF, now=EVENING)
    for key in ("buergerbuero", "awo-buero"):
        assert len(read_call_list(session, EVENING, place_ids={place_of(session, key).id})) == 1


def test_who_moves_on_their_own_afterwards_need_not_be_told(session: Session, rulebook: RuleBook) -> None:
    visit = book_with(session, rulebook, "09:00", "awo-1", service="MBE", language="ar")
    carry_out(session, ill(session), first_offers(try_out(session, ill(session))), by=STAFF, now=EVENING)
    cancel(session, visit.id, by=CLIENT, now=EVENING)
    assert read_call_list(session, EVENING, place_ids={place_of(session).id}) == []


def test_only_the_hours_of_the_absence_are_hit(session: Session, rulebook: RuleBook) -> None:
    early = book_with(session, rulebook, "09:00", "awo-1", service="MBE", language="ar")
    late = book_with(session, rulebook, "11:00", "awo-1", service="MBE", language="ar")
    effect = try_out(session, ill(session, from_clock="10:30"))
    assert [each.visit_id for each in effect.hit] == [late.id]
    assert early.state == "booked"


def test_an_opening_that_has_nobody_left_is_cancelled(session: Session, rulebook: RuleBook) -> None:
    visit = book_at(session, rulebook, "13:30", key=OFFICE, on=THURSDAY)
    away = Away(adviser_of(session, "awo-1").id, Interval(at("00:00", THURSDAY), at("23:59", THURSDAY)))
    choices = {each.visit_id: "cancel" for each in try_out(session, away).hit}
    effect = carry_out(session, away, choices, by=STAFF, now=EVENING)
    assert [each.public_id for each in effect.closed] == [f"{OFFICE}/{THURSDAY}"]
    opening = read_rulebook(session).opening(OFFICE, THURSDAY)
    assert opening is not None and not opening.dated.takes_place
    assert visit.state == "cancelled"


def test_an_opening_that_runs_already_is_not_cancelled_under_the_people_in_it(
    session: Session, rulebook: RuleBook
) -> None:
    hours_of(session).advisers = ["awo-1"]
    session.flush()
    during = at("09:30")
    take_in(session, rulebook, during)
    effect = carry_out(session, ill(session, from_clock="08:00"), {}, by=STAFF, now=during)
    assert effect.closed == []


def test_who_is_here_already_stays_in_the_queue(session: Session, rulebook: RuleBook) -> None:
    visit = book_with(session, rulebook, "09:00", "awo-1", service="MBE", language="ar")
    arrive(session, rulebook, visit, at("08:50"))
    effect = carry_out(session, ill(session), {}, by=STAFF, now=at("08:55"))
    assert effect.hit == []
    assert visit.state == "waiting"


@pytest.mark.parametrize(
    ("from_clock", "until_clock", "reason"), [("10:00", "10:00", "wrong_times"), ("07:00", "08:00", "past")]
)
def test_an_absence_must_end_after_it_begins_and_not_be_over(
    session: Session, rulebook: RuleBook, from_clock: str, until_clock: str, reason: str
) -> None:
    with pytest.raises(ChangeRefused) as refused:
        carry_out(session, ill(session, "awo-1", from_clock, until_clock), by=STAFF, now=at("09:00"))
    assert refused.value.reason == reason


def test_an_absence_that_is_taken_back_gives_its_times_back(session: Session, rulebook: RuleBook) -> None:
    carry_out(session, ill(session, "awo-2"), {}, by=STAFF, now=EVENING)
    before = session.scalars(select(Opening.version).where(Opening.original_on == WEDNESDAY)).all()
    absence = session.scalars(select(Absence).where(Absence.adviser_id == adviser_of(session, "awo-2").id)).one()
    end_absence(session, absence)
    book_at(session, read_rulebook(session), "09:00", service="MBE", adviser_key="awo-2", now=EVENING)
    session.expire_all()
    assert session.scalars(select(Opening.version).where(Opening.original_on == WEDNESDAY)).all() > before


def test_all_who_are_booked_on_a_cancelled_date_are_hit(session: Session, rulebook: RuleBook) -> None:
    visits = [
        book_with(session, rulebook, "09:00", "awo-1", service="MBE"),
        book_with(session, rulebook, "10:00", "ib-1", service="JMD"),
    ]
    change = DateChange(SESSION, WEDNESDAY, cancelled=True, reason="Wasserschaden")
    shown = try_out(session, change)
    assert [each.visit_id for each in shown.hit] == [each.id for each in visits]
    carry_out(session, change, first_offers(shown), by=STAFF, now=EVENING)
    opening = read_rulebook(session).opening(SESSION, WEDNESDAY)
    assert opening is not None and opening.dated.closed_because == {"": "Wasserschaden"}
    assert all(each.starts_at != at("09:00") and each.local_on > WEDNESDAY for each in visits)


def test_other_times_hit_only_who_no_longer_fits(session: Session, rulebook: RuleBook) -> None:
    early = book_with(session, rulebook, "09:00", "awo-1", service="MBE")
    late = book_with(session, rulebook, "11:00", "awo-2", service="MBE")
    change = DateChange(SESSION, WEDNESDAY, cancelled=False, from_time=time(10), until_time=time(12))
    effect = carry_out(session, change, first_offers(try_out(session, change)), by=STAFF, now=EVENING)
    assert [each.visit_id for each in effect.hit] == [early.id]
    assert late.starts_at == at("11:00")
    opening = read_rulebook(session).opening(SESSION, WEDNESDAY)
    assert opening is not None and opening.dated.starts_at == at("10:00")
    assert early.starts_at is not None and early.starts_at >= at("10:00")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (DateChange(SESSION, THURSDAY, cancelled=True), "no_opening"),
        (DateChange("nowhere", WEDNESDAY, cancelled=True), "no_opening"),
        (DateChange(SESSION, date(2026, 11, 18), cancelled=True), "past"),
        (DateChange(SESSION, WEDNESDAY, False, time(10), time(10)), "wrong_times"),
        (DateChange(SESSION, WEDNESDAY, False), "wrong_times"),
        (DateChange(SESSION, WEDNESDAY, False, time(9), time(12)), "unchanged"),
    ],
)
def test_what_makes_no_sense_is_refused(session: Session, rulebook: RuleBook, change: DateChange, reason: str) -> None:
    with pytest.raises(ChangeRefused) as refused:
        carry_out(session, change, by=STAFF, now=EVENING)
    assert refused.value.reason == reason


def test_a_date_is_not_cancelled_under_people_who_wait(session: Session, rulebook: RuleBook) -> None:
    take_in(session, rulebook, at("09:10"))
    with pytest.raises(ChangeRefused) as refused:
        carry_out(session, DateChange(SESSION, WEDNESDAY, cancelled=True), by=STAFF, now=at("09:15"))
    assert refused.value.reason == "people_here"


def test_a_changed_date_is_restored(session: Session, rulebook: RuleBook) -> None:
    carry_out(session, DateChange(SESSION, LATER, cancelled=True), {}, by=STAFF, now=EVENING)
    restore_date(session, session.scalars(select(HoursException)).one())
    opening = read_rulebook(session).opening(SESSION, LATER)
    assert opening is not None and opening.dated.takes_place


def test_a_date_that_the_file_added_is_cancelled_and_stays_in_sight(session: Session, rulebook: RuleBook) -> None:
    friday = date(2026, 12, 11)
    change_date(session, friday, "added", until_time=time(11))
    carry_out(session, DateChange(SESSION, friday, cancelled=True, reason="krank"), {}, by=STAFF, now=EVENING)
    cancelled = read_rulebook(session).opening(SESSION, friday)
    assert cancelled is not None and cancelled.dated.closed_because == {"": "krank"}
    restore_date(session, session.scalars(select(HoursException).where(HoursException.from_file.is_(False))).one())
    restored = read_rulebook(session).opening(SESSION, friday)
    assert restored is not None and restored.dated.takes_place
    assert restored.dated.ends_at == at("11:00", friday)


def test_a_date_that_the_file_moved_is_shortened_where_it_was_moved_to(session: Session, rulebook: RuleBook) -> None:
    friday = date(2026, 12, 11)
    change_date(session, LATER, "moved", held_on=friday)
    shorter = DateChange(SESSION, LATER, False, time(10), time(11))
    carry_out(session, shorter, {}, by=STAFF, now=EVENING)
    opening = read_rulebook(session).opening(SESSION, LATER)
    assert opening is not None
    assert (opening.dated.starts_at, opening.dated.ends_at) == (at("10:00", friday), at("11:00", friday))


def test_feeds_and_pages_of_all_on_duty_hear_of_it(session: Session, rulebook: RuleBook, now: datetime) -> None:
    for number, key in enumerate(("awo-1", "ib-1")):
        adviser_id = adviser_of(session, key).id
        session.add(Feed(kind="adviser", adviser_id=adviser_id, token_hash=f"t{number}", created_at=now, wanted=1))
    session.flush()
    carry_out(session, DateChange(SESSION, WEDNESDAY, cancelled=True), {}, by=STAFF, now=EVENING)
    session.expire_all()
    assert min(session.scalars(select(Feed.wanted).where(Feed.kind == "adviser"))) > 1
