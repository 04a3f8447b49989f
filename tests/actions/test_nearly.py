"""Who is told that it is nearly their turn: whoever asked for it, in time, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions import nearly
from scheduler.actions.calling import call, put_back
from scheduler.actions.forecasting import OpeningForecast, forecast_opening
from scheduler.actions.nearly import ask_to_be_told, find_nearly_due, stop_telling, tell_nearly
from scheduler.actions.presence import change_presence
from scheduler.actions.rulebook import PlannedOpening, RuleBook, read_rulebook
from scheduler.actions.sending import check_again, mark_sent
from scheduler.models import Contact, Message, Visit
from tests.actions.small_town import (
    STAFF,
    adviser_of,
    arrive,
    at,
    be_away,
    book_at,
    hours_of,
    opening_of,
    seat,
    take_in,
)

NOW = at("09:30")


def ask(session: Session, visit: Visit, email: str = "ada@example.org") -> Visit:
    return ask_to_be_told(session, visit.id, email=email, locale="ar", secret="secret", now=NOW)


def messages(session: Session) -> list[Message]:
    found = select(Message).where(Message.kind == "nearly").order_by(Message.id)
    return list(session.scalars(found.execution_options(populate_existing=True)))


def tell_all(session: Session, rulebook: RuleBook, now: datetime = NOW) -> None:
    """As one round of the job."""
    for visit_id in find_nearly_due(session, rulebook, now):
        tell_nearly(session, visit_id, now)
    session.flush()


@pytest.fixture
def queue(session: Session, rulebook: RuleBook) -> list[Visit]:
    """Six who wait, and an adviser who has called nobody yet."""
    seat(session, rulebook, "awo-2", at("09:00"))
    return [take_in(session, rulebook, at("09:05") + timedelta(minutes=each)) for each in range(6)]


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is called within ten minutes: the position alone decides."""
    set_low(monkeypatch, 15.0)


def set_low(monkeypatch: pytest.MonkeyPatch, low: float) -> None:
    def answer(session: Session, rulebook: RuleBook, opening: PlannedOpening, now: datetime) -> OpeningForecast:
        found = forecast_opening(session, rulebook, opening, now)
        waiting = {visit_id: replace(each, low=low) for visit_id, each in found.waiting.items()}
        return OpeningForecast(found.newcomer, waiting)

    monkeypatch.setattr(nearly, "forecast_opening", answer)


def test_two_ahead_is_nearly_three_is_not(session: Session, rulebook: RuleBook, queue: list[Visit], slow: None) -> None:
    for visit in queue:
        ask(session, visit)
    assert find_nearly_due(session, rulebook, NOW) == [each.id for each in queue[:3]]


def test_ten_minutes_is_nearly_too(
    session: Session, rulebook: RuleBook, queue: list[Visit], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(session, queue[5])
    for low, expected in ((10.1, []), (10.0, [queue[5].id])):
        set_low(monkeypatch, low)
        assert find_nearly_due(session, rulebook, NOW) == expected


def test_who_did_not_ask_is_never_told(session: Session, rulebook: RuleBook, queue: list[Visit], slow: None) -> None:
    queue[0].contact = Contact(email="ada@example.org", reminders=True, created_at=NOW)
    session.flush()
    tell_all(session, rulebook)
    assert messages(session) == []


def test_it_is_one_message_however_often_the_job_runs(
    session: Session, rulebook: RuleBook, queue: list[Visit], slow: None
) -> None:
    ask(session, queue[0])
    for _ in range(3):
        tell_all(session, rulebook)
    (message,) = messages(session)
    assert (message.visit_id, message.channel, message.due_at, message.state) == (queue[0].id, "email", NOW, "pending")
    assert check_again(session, message, NOW)
    mark_sent(session, message, NOW)
    tell_all(session, rulebook, NOW + timedelta(minutes=1))
    assert len(messages(session)) == 1


def test_two_jobs_that_found_the_same_visit_plan_one_message(
    session: Session, rulebook: RuleBook, queue: list[Visit], slow: None
) -> None:
    ask(session, queue[0])
    for _ in range(2):
        assert tell_nearly(session, queue[0].id, NOW)
    assert len(messages(session)) == 1


def test_who_is_called_before_it_was_sent_is_not_written_to(
    session: Session, rulebook: RuleBook, queue: list[Visit], slow: None
) -> None:
    ask(session, queue[0])
    tell_all(session, rulebook)
    adviser = seat(session, rulebook, "awo-2", NOW)
    called = call(session, queue[0].id, adviser, by=STAFF, now=NOW)
    (message,) = messages(session)
    assert not check_again(session, message, NOW)
    assert message.state == "dropped"
    assert not tell_nearly(session, queue[0].id, NOW)
    assert find_nearly_due(session, rulebook, NOW) == []
    put_back(session, called.id, by=STAFF, now=NOW)
    tell_all(session, rulebook)
    assert [each.state for each in messages(session)] == ["pending"]


def test_withdrawn_in_time_it_is_not_sent(session: Session, rulebook: RuleBook, queue: list[Visit], slow: None) -> None:
    ask(session, queue[0])
    tell_all(session, rulebook)
    stop_telling(session, queue[0].id)
    (message,) = messages(session)
    assert not check_again(session, message, NOW)
    assert session.get(Contact, queue[0].id) is None


def test_an_appointment_keeps_the_contact_that_was_left_for_it(session: Session, rulebook: RuleBook) -> None:
    visit = book_at(session, rulebook, "10:30")
    visit.contact = Contact(email="a@example.org", phone="+4969900090", reminders=True, created_at=NOW)
    arrive(session, rulebook, visit, NOW)
    ask(session, visit, "b@example.org")
    contact = session.get_one(Contact, visit.id)
    assert (contact.email, contact.phone, contact.reminders, contact.nearly) == (
        "b@example.org", "+4969900090", True, True,
    )  # fmt: skip
    stop_telling(session, visit.id)
    assert (contact.email, contact.nearly) == ("b@example.org", False)


def test_yesterdays_queue_is_left_alone(session: Session, rulebook: RuleBook, queue: list[Visit], slow: None) -> None:
    ask(session, queue[0])
    assert find_nearly_due(session, rulebook, NOW + timedelta(days=1)) == []


def test_where_nobody_is_here_or_expected_nobody_is_told_to_come(
    session: Session, rulebook: RuleBook, queue: list[Visit]
) -> None:
    ask(session, queue[0])
    change_presence(session, opening_of(rulebook), adviser_of(session, "awo-2"), "gone", NOW)
    for key in ("awo-1", "ib-1"):
        be_away(session, key, "08:00", "13:00")
    assert find_nearly_due(session, rulebook, NOW) == []


@pytest.mark.parametrize("after_until", [True, False])
def test_after_closing_it_is_nobodys_turn_unless_numbers_are_still_called(
    session: Session, queue: list[Visit], after_until: bool
) -> None:
    ask(session, queue[0])
    hours_of(session).after_until = after_until
    session.flush()
    session.expire_all()
    found = find_nearly_due(session, read_rulebook(session), at("12:00"))
    assert found == ([queue[0].id] if after_until else [])


def test_who_left_a_mobile_number_alone_gets_a_text_message(
    session: Session, rulebook: RuleBook, queue: list[Visit]
) -> None:
    session.info["sends_sms"] = True
    ask_to_be_told(session, queue[0].id, email=None, phone="+4915123456789", locale="de", secret="secret", now=NOW)
    tell_nearly(session, queue[0].id, NOW)
    assert [each.channel for each in messages(session)] == ["sms"]


def test_where_no_mail_leaves_nobody_is_told_by_it_again_and_again(
    session: Session, rulebook: RuleBook, queue: list[Visit]
) -> None:
    ask(session, queue[0])
    assert find_nearly_due(session, rulebook, NOW) == [queue[0].id]
    session.info["sends_mail"] = False  # the mail server is gone, and text messages leave
    session.info["sends_sms"] = True
    assert find_nearly_due(session, rulebook, NOW) == []
