"""By which way a visit's contact hears what, and what becomes of it when an address turns out to be a stranger's."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.booking import cancel, move
from scheduler.actions.call_list import read_call_list, read_dead_letters, settle, try_again
from scheduler.actions.coming import say_coming
from scheduler.actions.contacts import confirm_contact, erase_address, leave_contact
from scheduler.actions.heartbeat import beat, read_standstill
from scheduler.actions.messages import plan_nearly
from scheduler.actions.rulebook import RuleBook
from scheduler.actions.sending import DAY, MOST_A_DAY, check_again, mark_failed, mark_sent
from scheduler.actions.steps import CLIENT, take_step
from scheduler.models import Contact, Message, Visit
from tests.actions.small_town import (
    NEXT_WEDNESDAY,
    SESSION,
    STAFF,
    WEDNESDAY,
    adviser_of,
    at,
    book_at,
    place_of,
    take_in,
)

MOBILE, LANDLINE = "+4915123456789", "+496990009001"
ADA = "ada@example.org"


@pytest.fixture
def texting(session: Session) -> None:
    """This installation has a gateway for text messages."""
    session.info["sends_sms"] = True


def leave(session: Session, visit: Visit, now: datetime, **contact: Any) -> Visit:
    asked: dict[str, Any] = {"email": None, "phone": None, "reminders": True, **contact}
    return leave_contact(session, visit.id, **asked, secret="secret", now=now)


def told(session: Session, visit: Visit, state: str = "pending") -> list[tuple[str, str]]:
    """Kind and channel of this visit's messages in that state."""
    rows = select(Message).where(Message.visit_id == visit.id, Message.state == state)
    found = session.scalars(rows.execution_options(populate_existing=True))
    return sorted((each.kind, each.channel) for each in found)


def message_of(session: Session, visit: Visit, kind: str, channel: str = "email") -> Message:
    rows = select(Message).where(Message.visit_id == visit.id, Message.kind == kind, Message.channel == channel)
    return session.scalars(
        rows.order_by(Message.sequence.desc()).execution_options(populate_existing=True)
    ).first() or pytest.fail(f"no {kind} by {channel}")


def move_to(session: Session, rulebook: RuleBook, visit: Visit, clock: str, now: datetime, **how: Any) -> Visit:
    asked: dict[str, Any] = {"by": STAFF, "unasked": True, **how}
    on = asked.pop("on", WEDNESDAY)
    return move(session, rulebook, visit.id, SESSION, on, at(clock, on), now=now, **asked)


@pytest.mark.usefixtures("texting")
@pytest.mark.parametrize(
    ("contact", "expected"),
    [
        ({"email": ADA}, "email"),
        ({"email": ADA, "phone": MOBILE}, "email"),
        ({"phone": MOBILE}, "sms"),
        ({"phone": LANDLINE}, None),
    ],
)
def test_a_contact_is_written_to_by_mail_else_by_text_and_never_at_a_landline(
    session: Session, rulebook: RuleBook, now: datetime, contact: dict[str, str], expected: str | None
) -> None:
    visit = leave(session, book_at(session, rulebook, "10:00", on=NEXT_WEDNESDAY), now, **contact)
    assert told(session, visit) == ([("confirmation", expected), ("reminder", expected)] if expected else [])
    assert visit.contact is not None and visit.contact.reminders is (expected is not None)


def test_without_a_gateway_a_phone_is_for_calls_alone(session: Session, rulebook: RuleBook, now: datetime) -> None:
    visit = leave(session, book_at(session, rulebook, "10:00"), now, phone=MOBILE)
    assert told(session, visit) == []
    cancel(session, visit.id, by=STAFF, now=now, unasked=True)
    assert told(session, visit) == [("cancelled", "call")]


@pytest.mark.usefixtures("texting")
def test_a_phone_alone_is_enough_for_reminders(session: Session, rulebook: RuleBook, now: datetime) -> None:
    """The consent of who left a phone must not hang on an e-mail address that is not there."""
    visit = leave(session, book_at(session, rulebook, "10:00", on=NEXT_WEDNESDAY), now, phone=MOBILE)
    reminder = message_of(session, visit, "reminder", "sms")
    assert check_again(session, reminder, reminder.due_at)
    leave(session, visit, now, phone=MOBILE, reminders=False)
    assert ("reminder", "sms") not in told(session, visit)


@pytest.mark.usefixtures("texting")
@pytest.mark.parametrize(
    ("hours", "unasked", "channels"), [(23, True, ["email", "sms"]), (25, True, ["email"]), (23, False, ["email"])]
)
def test_what_the_office_changes_in_the_last_day_goes_every_way_there_is(
    session: Session, rulebook: RuleBook, now: datetime, hours: int, unasked: bool, channels: list[str]
) -> None:
    visit = leave(session, book_at(session, rulebook, "10:00"), now, email=ADA, phone=MOBILE, reminders=False)
    before = at("10:00") - timedelta(hours=hours)
    cancel(session, visit.id, by=STAFF, now=before, unasked=unasked)
    assert told(session, visit) == [("cancelled", each) for each in channels]


@pytest.mark.usefixtures("texting")
def test_the_time_that_no_longer_holds_counts_as_soon_too(session: Session, rulebook: RuleBook, now: datetime) -> None:
    visit = leave(session, book_at(session, rulebook, "10:00"), now, email=ADA, phone=MOBILE, reminders=False)
    move_to(session, rulebook, visit, "10:00", at("08:00"), on=NEXT_WEDNESDAY)
    assert told(session, visit) == [("moved", "email"), ("moved", "sms")]


@pytest.mark.usefixtures("texting")
def test_without_a_mail_server_an_address_is_for_nothing(session: Session, rulebook: RuleBook, now: datetime) -> None:
    session.info["sends_mail"] = False
    visit = leave(session, book_at(session, rulebook, "10:00"), now, email=ADA)
    assert told(session, visit) == []
    cancel(session, visit.id, by=STAFF, now=now, unasked=True)
    assert told(session, visit) == [("cancelled", "call")]


def test_a_landline_is_called(session: Session, rulebook: RuleBook, now: datetime) -> None:
    visit = leave(session, book_at(session, rulebook, "10:00"), now, phone=LANDLINE)
    cancel(session, visit.id, by=STAFF, now=now, unasked=True)
    assert told(session, visit) == [("cancelled", "call")]


@pytest.mark.usefixtures("texting")
def test_who_is_nearly_called_gets_a_text_where_there_is_no_mail(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    visit = take_in(session, rulebook, at("09:05"))
    visit.contact = Contact(phone=MOBILE, phone_key="k", nearly=True, created_at=now)
    session.flush()
    plan_nearly(session, visit, at("09:30"))
    message = message_of(session, visit, "nearly", "sms")
    assert check_again(session, message, at("09:49"))
    assert not check_again(session, message, at("09:50"))
    assert message.state == "dropped"


def test_nothing_is_planned_about_an_appointment_that_has_begun(session: Session, rulebook: RuleBook) -> None:
    visit = leave(session, book_at(session, rulebook, "10:00"), at("10:00"), email=ADA)
    assert told(session, visit) == []


def test_nothing_is_sent_about_an_appointment_that_has_begun(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    visit = leave(session, book_at(session, rulebook, "10:00"), now, email=ADA)
    cancel(session, visit.id, by=CLIENT, now=now)
    message = message_of(session, visit, "cancelled")
    assert check_again(session, message, at("10:00") - timedelta(seconds=1))
    assert not check_again(session, message, at("10:00"))


def test_a_move_leaves_no_reminder_of_the_old_time(session: Session, rulebook: RuleBook, now: datetime) -> None:
    visit = leave(session, book_at(session, rulebook, "10:00"), now, email=ADA)
    old = message_of(session, visit, "reminder")
    move_to(session, rulebook, visit, "11:00", now, by=CLIENT, unasked=False)
    session.refresh(old)
    assert old.state == "dropped"
    assert told(session, visit) == [("moved", "email"), ("reminder", "email")]


def test_a_letter_that_died_becomes_a_call_where_the_office_changed_something(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    visit = leave(session, book_at(session, rulebook, "10:00"), now, email=ADA, reminders=False)
    move_to(session, rulebook, visit, "11:00", now)
    mark_failed(session, message_of(session, visit, "moved"), "SMTPRecipientsRefused 550", now, permanent=True)
    assert told(session, visit, "dead") == [("moved", "email")]
    assert [each.message.visit_id for each in read_call_list(session, now, place_ids={visit.place_id})] == [visit.id]


def test_a_letter_that_died_is_nobodys_call_where_the_client_did_it(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    visit = leave(session, book_at(session, rulebook, "10:00"), now, email=ADA, reminders=False)
    cancel(session, visit.id, by=CLIENT, now=now)
    mark_failed(session, message_of(session, visit, "cancelled"), "TimeoutError", now, permanent=True)
    assert read_call_list(session, now, place_ids={visit.place_id}) == []


@pytest.mark.usefixtures("texting")
def test_nobody_is_called_while_the_other_way_may_reach_them(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    visit = leave(session, book_at(session, rulebook, "10:00"), now, email=ADA, phone=MOBILE, reminders=False)
    now += timedelta(hours=1)
    cancel(session, visit.id, by=STAFF, now=now, unasked=True)
    mark_failed(session, message_of(session, visit, "cancelled"), "x", now, permanent=True)
    assert told(session, visit) == [("cancelled", "sms")]
    mark_failed(session, message_of(session, visit, "cancelled", "sms"), "x", now, permanent=True)
    assert told(session, visit) == [("cancelled", "call")]
    try_again(session, message_of(session, visit, "cancelled"), now)
    mark_sent(session, message_of(session, visit, "cancelled"), now)
    assert told(session, visit) == []


def test_dead_letters_are_for_the_place_and_adviser_concerned_until_somebody_has_looked(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    visit = leave(session, book_at(session, rulebook, "10:00"), now, email=ADA, reminders=False)
    message = message_of(session, visit, "confirmation")
    mark_failed(session, message, "SMTPRecipientsRefused 550", now, permanent=True)
    place, adviser = place_of(session).id, visit.planned_adviser_id
    others = {place_of(session, "awo-buero").id}, adviser_of(session, "ib-1").id
    assert read_dead_letters(session, WEDNESDAY, place_ids={place}) == [message]
    assert read_dead_letters(session, WEDNESDAY, adviser_ids={adviser}) == [message]
    assert read_dead_letters(session, WEDNESDAY, place_ids={others[0].pop()}) == []
    assert adviser != others[1] and read_dead_letters(session, WEDNESDAY, adviser_ids={others[1]}) == []
    assert read_dead_letters(session, NEXT_WEDNESDAY, place_ids={place}) == []
    settle(session, message)
    assert (message.state, read_dead_letters(session, WEDNESDAY, place_ids={place})) == ("dropped", [])
    try_again(session, message, now)
    assert message.state == "dropped"


def test_who_confirmed_an_address_has_confirmed_it_until_it_is_another(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    visit = leave(session, book_at(session, rulebook, "10:00"), now, email=ADA)
    confirm_contact(session, visit.id, "email", now)
    leave(session, visit, now, email=ADA, phone=MOBILE)
    assert visit.contact is not None and visit.contact.confirmed_at == now
    leave(session, visit, now, email="bea@example.org", phone=MOBILE)
    assert visit.contact is not None and visit.contact.confirmed_at is None


@pytest.mark.usefixtures("texting")
def test_confirming_a_phone_does_not_confirm_the_mail_that_reminders_go_to(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    visit = leave(session, book_at(session, rulebook, "10:00"), now, email=ADA, phone=MOBILE)
    confirm_contact(session, visit.id, "sms", now)
    assert visit.contact is not None and visit.contact.confirmed_at is None


@pytest.mark.usefixtures("texting")
def test_a_strangers_address_goes_with_all_that_was_still_to_be_sent_to_it(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    visit = leave(session, book_at(session, rulebook, "10:00"), now, email=ADA, phone=MOBILE)
    confirm_contact(session, visit.id, "email", now)
    erase_address(session, visit.id, "email", now)
    assert told(session, visit) == [("reminder", "sms")]  # the number is another one, and reminders are still wished
    contact = session.get_one(Contact, visit.id, populate_existing=True)
    assert (contact.email, contact.email_key, contact.phone, contact.confirmed_at) == (None, None, MOBILE, None)
    erase_address(session, visit.id, "sms", now)
    assert told(session, visit) == []
    session.expire_all()
    assert session.get(Contact, visit.id) is None
    assert visit.state == "booked"


def test_who_was_to_be_told_at_a_strangers_address_is_called(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    visit = leave(session, book_at(session, rulebook, "10:00"), now, email=ADA)
    move_to(session, rulebook, visit, "11:00", now)
    erase_address(session, visit.id, "email", now)
    assert told(session, visit) == [("moved", "call")]
    later = leave(session, book_at(session, rulebook, "10:00"), now, email=ADA)
    erase_address(session, later.id, "email", now)
    cancel(session, later.id, by=STAFF, now=now, unasked=True)
    assert told(session, later) == [("cancelled", "call")]


@pytest.mark.parametrize("when", ["now", "before"])
def test_what_only_a_stranger_read_is_told_by_phone(
    session: Session, rulebook: RuleBook, now: datetime, when: str
) -> None:
    visit = leave(session, book_at(session, rulebook, "10:00"), now, email=ADA)
    move_to(session, rulebook, visit, "11:00", now)
    mark_sent(session, message_of(session, visit, "moved"), now)
    if when == "before":
        move_to(session, rulebook, visit, "10:00", now, by=CLIENT, unasked=False)
    erase_address(session, visit.id, "email", now)
    assert told(session, visit) == ([("moved", "call")] if when == "now" else [])


def test_what_leaves_for_a_strangers_address_in_the_moment_it_is_erased_is_told_by_phone(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    visit = leave(session, book_at(session, rulebook, "10:00"), now, email=ADA)
    move_to(session, rulebook, visit, "11:00", now)
    leaving = message_of(session, visit, "moved")
    erase_address(session, visit.id, "email", now)
    mark_sent(session, leaving, now)
    assert told(session, visit) == [("moved", "call")]


def test_who_moves_to_and_fro_floods_nobody_but_the_last_word_arrives(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    visit = leave(
        session,
        book_at(session, rulebook, "09:30", on=NEXT_WEDNESDAY),
        now,
        email="victim@example.org",
        reminders=False,
    )
    sent = []
    for number in range(15):
        minute = now + timedelta(minutes=number)
        move_to(session, rulebook, visit, ("11:00", "10:00")[number % 2], minute, on=NEXT_WEDNESDAY, unasked=False)
        message = message_of(session, visit, "moved")
        if check_again(session, message, minute):
            mark_sent(session, message, minute)
            sent.append(minute)
    assert len(sent) == MOST_A_DAY
    assert (message.state, message.due_at, message.claimed_until) == ("pending", sent[0] + DAY, None)
    assert check_again(session, message, message.due_at)
    move_to(session, rulebook, visit, "11:30", now, on=NEXT_WEDNESDAY)
    assert check_again(session, message_of(session, visit, "moved"), now)


def test_a_contact_that_is_saved_again_after_a_move_is_told_nothing_twice(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    visit = leave(session, book_at(session, rulebook, "10:00", on=NEXT_WEDNESDAY), now, email=ADA)
    move_to(session, rulebook, visit, "11:00", now, on=NEXT_WEDNESDAY)
    leave(session, visit, now, email=ADA)
    assert told(session, visit) == [("moved", "email"), ("reminder", "email")]
    mark_sent(session, message_of(session, visit, "moved"), now)
    leave(session, visit, now, email=ADA, phone=MOBILE, reminders=False)
    assert told(session, visit) == []
    leave(session, visit, now, email=ADA, phone=MOBILE)
    assert told(session, visit) == [("reminder", "email")]


@pytest.mark.usefixtures("texting")
def test_a_number_that_is_left_again_after_the_mail_went_hears_of_the_appointment(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    visit = leave(session, book_at(session, rulebook, "10:00"), now, email=ADA, phone=MOBILE, reminders=False)
    mark_sent(session, message_of(session, visit, "confirmation"), now)
    erase_address(session, visit.id, "email", now)
    leave(session, visit, now, phone=MOBILE, reminders=False)
    assert told(session, visit) == [("confirmation", "sms")]


def test_a_line_of_the_call_list_stays_while_nobody_can_be_written_to(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    visit = book_at(session, rulebook, "10:00")
    move_to(session, rulebook, visit, "11:00", now)
    leave(session, visit, now, phone=LANDLINE)
    assert told(session, visit) == [("moved", "call")]
    assert [line.message.visit_id for line in read_call_list(session, now, place_ids={visit.place_id})] == [visit.id]
    leave(session, visit, now, email=ADA)
    assert ("moved", "call") not in told(session, visit)


@pytest.mark.usefixtures("texting")
def test_nobody_is_to_be_told_that_their_turn_comes_at_an_address_that_is_gone(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    visit = leave(session, book_at(session, rulebook, "10:00"), now, email=ADA, phone=LANDLINE)
    contact = session.get_one(Contact, visit.id)
    contact.nearly = True
    erase_address(session, visit.id, "email", now)
    assert (contact.reminders, contact.nearly) == (False, False)


def test_a_new_address_hears_although_a_worker_still_has_the_message_to_the_erased_one(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    visit = leave(session, book_at(session, rulebook, "10:00"), now, email=ADA, reminders=False)
    claimed = message_of(session, visit, "confirmation")
    claimed.claimed_until = now + timedelta(minutes=2)
    erase_address(session, visit.id, "email", now)
    leave(session, visit, now, email="bea@example.org", reminders=False)
    mark_sent(session, claimed, now)
    assert told(session, visit) == [("confirmation", "email")]


def test_coming_is_said_once_and_a_move_forgets_it(session: Session, rulebook: RuleBook, now: datetime) -> None:
    visit = book_at(session, rulebook, "10:00")
    version = visit.opening.version
    say_coming(session, visit.id, now)
    say_coming(session, visit.id, now + timedelta(hours=1))
    session.refresh(visit.opening)
    assert (visit.coming_at, visit.opening.version) == (now, version + 1)
    move_to(session, rulebook, visit, "11:00", now, by=CLIENT, unasked=False)
    assert visit.coming_at is None
    take_step(session, visit, "cancel", by=CLIENT, now=now, releases_place=True)
    assert say_coming(session, visit.id, now).coming_at is None


def test_the_jobs_process_is_missed_after_ten_minutes(session: Session, now: datetime) -> None:
    beat(session, now - timedelta(hours=1))
    beat(session, now)
    assert read_standstill(session, now + timedelta(minutes=10) - timedelta(seconds=1)) is None
    assert read_standstill(session, now + timedelta(minutes=10)) == now


def test_a_town_in_which_it_never_ran_is_warned_when_a_message_waits_in_vain(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    assert read_standstill(session, now + timedelta(days=9)) is None
    visit = book_at(session, rulebook, "10:00")
    cancel(session, visit.id, by=STAFF, now=now, unasked=True)
    assert read_standstill(session, now + timedelta(hours=1)) is None  # a call waits for people, not for jobs
    leave(session, book_at(session, rulebook, "10:30"), now, email=ADA)
    assert read_standstill(session, now + timedelta(minutes=9)) is None
    assert read_standstill(session, now + timedelta(minutes=10)) == now
