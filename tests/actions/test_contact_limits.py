"""One e-mail address or phone number stands for two appointments to come, and never for two at the same time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from scheduler.actions.booking import cancel, move
from scheduler.actions.contact_limits import OverlapsAnother, TooManyBookings, count_bookings
from scheduler.actions.contacts import leave_contact
from scheduler.actions.rulebook import RuleBook, read_rulebook
from scheduler.actions.steps import CLIENT
from scheduler.models import Contact, Town, Visit
from tests.actions.small_town import SESSION, STAFF, WEDNESDAY, at, book_at, hours_of, take_in
from tests.conftest import NOW, SECRET

EMAIL, PHONE = "ada@example.org", "+4915123456789"


def leave(session: Session, visit: Visit, email: str | None = EMAIL, phone: str | None = None, **more: Any) -> Visit:
    asked = {"reminders": False, "secret": SECRET, "now": NOW, **more}
    return leave_contact(session, visit.id, email=email, phone=phone, **asked)


def book_two(session: Session, rulebook: RuleBook) -> list[Visit]:
    """Both with the same address."""
    return [leave(session, book_at(session, rulebook, clock)) for clock in ("09:00", "09:30")]


def test_two_appointments_may_have_one_address_and_a_third_may_not(session: Session, rulebook: RuleBook) -> None:
    book_two(session, rulebook)
    with pytest.raises(TooManyBookings) as refused:
        leave(session, book_at(session, rulebook, "10:00"))
    assert refused.value.limit == 2


@pytest.mark.parametrize("limit", [1, 3])
def test_the_town_says_how_many(session: Session, rulebook: RuleBook, limit: int) -> None:
    session.get_one(Town, 1).bookings_per_contact = limit
    for number in range(limit):
        leave(session, book_at(session, rulebook, f"{9 + number}:00".zfill(5)))
    with pytest.raises(TooManyBookings):
        leave(session, book_at(session, rulebook, "11:45"))
    session.rollback()


def test_other_letters_of_the_same_address_are_the_same(session: Session, rulebook: RuleBook) -> None:
    book_two(session, rulebook)
    with pytest.raises(TooManyBookings):
        leave(session, book_at(session, rulebook, "10:00"), email="Ada@Example.ORG")


def test_a_phone_number_counts_by_itself(session: Session, rulebook: RuleBook) -> None:
    for clock, email in (("09:00", "one@example.org"), ("09:30", "two@example.org")):
        leave(session, book_at(session, rulebook, clock), email=email, phone=PHONE)
    third = book_at(session, rulebook, "10:00")
    with pytest.raises(TooManyBookings):
        leave(session, third, email="three@example.org", phone=PHONE)


def test_another_contact_is_free(session: Session, rulebook: RuleBook) -> None:
    book_two(session, rulebook)
    other = leave(session, book_at(session, rulebook, "10:00"), email="bea@example.org")
    assert other.contact is not None and other.contact.email == "bea@example.org"


def test_what_is_cancelled_or_over_no_longer_counts(session: Session, rulebook: RuleBook) -> None:
    first, _ = book_two(session, rulebook)
    cancel(session, first.id, by=CLIENT, now=NOW)
    third = leave(session, book_at(session, rulebook, "10:00"))
    assert count_bookings(session, third.contact, NOW) == 2
    assert count_bookings(session, third.contact, at("09:50")) == 1, "the second is over"


def test_the_same_contact_may_be_saved_again(session: Session, rulebook: RuleBook) -> None:
    """Also where staff booked more than clients may: nothing is new."""
    first, _ = book_two(session, rulebook)
    leave(session, book_at(session, rulebook, "10:00"), by_staff=True)
    again = leave(session, first, reminders=True)
    assert again.contact is not None and again.contact.reminders


def test_staff_may_exceed_it(session: Session, rulebook: RuleBook) -> None:
    book_two(session, rulebook)
    third = leave(session, book_at(session, rulebook, "10:00"), by_staff=True)
    assert count_bookings(session, third.contact, NOW) == 3


def test_a_refused_contact_is_not_kept_after_the_rollback(session: Session, rulebook: RuleBook) -> None:
    book_two(session, rulebook)
    third = book_at(session, rulebook, "10:00").id
    session.commit()
    with pytest.raises(TooManyBookings):
        leave(session, session.get_one(Visit, third))
    session.rollback()
    assert session.get(Contact, third) is None
    assert session.get_one(Visit, third).state == "booked"


def three_at_once(session: Session) -> RuleBook:
    """All advisers may be in appointments at the same time."""
    hours_of(session).appointments_at_once = 3
    session.flush()
    return read_rulebook(session)


def test_one_contact_has_no_two_appointments_at_the_same_time(session: Session) -> None:
    rules = three_at_once(session)
    leave(session, book_at(session, rules, "09:00", concern="advice"))
    with pytest.raises(OverlapsAnother):
        leave(session, book_at(session, rules, "09:30"))


def test_one_after_the_other_overlaps_nothing(session: Session, rulebook: RuleBook) -> None:
    for clock in ("09:00", "09:15"):
        leave(session, book_at(session, rulebook, clock))


def test_a_client_moves_to_no_time_of_another_own_appointment(session: Session) -> None:
    rules = three_at_once(session)
    first = leave(session, book_at(session, rules, "09:00"))
    second = leave(session, book_at(session, rules, "10:00"))
    with pytest.raises(OverlapsAnother):
        move(session, rules, second.id, SESSION, WEDNESDAY, at("09:00"), by=CLIENT, now=NOW)
    moved = move(session, rules, second.id, SESSION, WEDNESDAY, at("09:00"), by=STAFF, now=NOW)
    assert moved.starts_at == first.starts_at


def test_a_move_counts_its_own_appointment_out(session: Session, rulebook: RuleBook) -> None:
    first, _ = book_two(session, rulebook)
    moved = move(session, rulebook, first.id, SESSION, WEDNESDAY, at("09:15"), by=CLIENT, now=NOW)
    assert moved.starts_at == at("09:15")


def test_a_walk_in_is_no_appointment(session: Session, rulebook: RuleBook) -> None:
    book_two(session, rulebook)
    walk_in = take_in(session, rulebook, at("09:01"))
    kept = leave(session, walk_in, now=NOW + timedelta(hours=23))
    assert kept.contact is not None
