"""The optional contact: what is valid, what is kept, who is reminded, and that it goes in time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from scheduler.actions.booking import cancel
from scheduler.actions.contacts import InvalidContact, leave_contact, normal_email, normal_phone
from scheduler.actions.rulebook import RuleBook
from scheduler.actions.steps import CLIENT
from scheduler.models import Message, Visit
from tests.actions.small_town import NEXT_WEDNESDAY, book_at

SECRET = "secret"


def leave_at(session: Session, visit: Visit, now: datetime, **contact: Any) -> Visit:
    settings: dict[str, Any] = {"email": None, "phone": None, "reminders": False, **contact}
    return leave_contact(session, visit.id, **settings, secret=SECRET, now=now)


def pending(session: Session, visit: Visit) -> list[str]:
    session.flush()
    found = session.scalars(select(Message).where(Message.visit_id == visit.id, Message.state == "pending"))
    return sorted(each.kind for each in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("client@example.org", "client@example.org"),
        ("  client@EXAMPLE.org\n", "client@example.org"),
        ("Vor.Nach+termin@example.org", "Vor.Nach+termin@example.org"),
        ("client@bücher.example.org", "client@bücher.example.org"),
    ],
)
def test_an_address_is_normalised(text: str, expected: str) -> None:
    assert normal_email(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", " ", "client", "client@", "@example.org", "a b@example.org", "a@example.org,b@example.org",
     "Name <a@example.org>", "a@example.org\nBcc: b@example.org", "a@localhost", "ü@example.org"],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidContact) as refused:
        normal_email(text)
    assert refused.value.field == "email"


@pytest.mark.parametrize(
    "text", ["069 90009001", "069/90009-001", "+49 69 90009001", "0049 69 90009001", "(069) 90009001", "٠٦٩ ٩٠٠٠٩٠٠١"]
)
def test_a_number_is_normalised_and_german_unless_it_says_otherwise(text: str) -> None:
    assert normal_phone(text) == "+496990009001"
    assert normal_phone("+43 1 58858") == "+43158858"


@pytest.mark.parametrize("text", ["", "none", "12", "+", "0" * 40, "+999 123456789"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidContact) as refused:
        normal_phone(text)
    assert refused.value.field == "phone"


def test_a_contact_is_kept_with_hashes_that_find_it(session: Session, rulebook: RuleBook, now: datetime) -> None:
    one, other = book_at(session, rulebook, "10:00"), book_at(session, rulebook, "10:15")
    leave_at(session, one, now, email="Client@example.org", phone="+496990009001")
    leave_at(session, other, now, email="client@example.org")
    session.expire_all()
    assert one.contact and other.contact
    assert (one.contact.email, one.contact.phone) == ("Client@example.org", "+496990009001")
    assert one.contact.email_key == other.contact.email_key != one.contact.phone_key
    assert "client" not in (one.contact.email_key or "").lower()
    assert other.contact.phone is None and other.contact.phone_key is None


@pytest.mark.parametrize(
    ("contact", "expected"),
    [
        ({"email": "a@example.org", "reminders": True}, ["confirmation", "reminder"]),
        ({"email": "a@example.org", "reminders": False}, ["confirmation"]),
        ({"phone": "+496990009001", "reminders": True}, []),
        ({}, []),
    ],
)
def test_nobody_is_reminded_without_consent_and_an_address(
    session: Session, rulebook: RuleBook, now: datetime, contact: dict[str, Any], expected: list[str]
) -> None:
    visit = leave_at(session, book_at(session, rulebook, "10:00", on=NEXT_WEDNESDAY), now, **contact)
    session.expire_all()
    assert pending(session, visit) == expected
    assert (visit.contact is not None) is bool(contact)
    if visit.contact is not None:
        assert visit.contact.reminders is ("reminder" in expected)


def test_a_contact_is_erased_when_asked_and_nothing_is_sent_any_more(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    visit, other = book_at(session, rulebook, "10:00"), book_at(session, rulebook, "10:15")
    for each in (visit, other):
        leave_at(session, each, now, email="a@example.org", phone="+496990009001", reminders=True)
    leave_at(session, visit, now)
    session.expire_all()
    assert visit.contact is None
    assert pending(session, visit) == []
    assert other.contact is not None
    assert pending(session, other) == ["confirmation", "reminder"]


def test_a_changed_contact_replaces_the_old_one_and_its_consent(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    visit = book_at(session, rulebook, "10:00", on=NEXT_WEDNESDAY)
    leave_at(session, visit, now, email="old@example.org", phone="+496990009001", reminders=True)
    leave_at(session, visit, now, email="new@example.org")
    session.expire_all()
    assert visit.contact is not None
    assert (visit.contact.email, visit.contact.phone, visit.contact.reminders) == ("new@example.org", None, False)
    assert pending(session, visit) == ["confirmation"]


def test_a_corrected_address_is_confirmed_although_the_wrong_one_was(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    """A typo that was noticed: the mail to the wrong address has left, the right one must hear too."""
    visit = book_at(session, rulebook, "10:00", on=NEXT_WEDNESDAY)
    leave_at(session, visit, now, email="typo@example.org")
    session.execute(update(Message).where(Message.visit_id == visit.id).values(state="sent", sent_at=now))
    leave_at(session, visit, now + timedelta(minutes=5), email="right@example.org")
    assert pending(session, visit) == ["confirmation"]


def test_a_contact_left_at_a_visit_that_no_longer_stands_confirms_nothing(
    session: Session, rulebook: RuleBook, now: datetime
) -> None:
    visit = cancel(session, book_at(session, rulebook, "10:00").id, by=CLIENT, now=now)
    leave_at(session, visit, now, email="a@example.org", reminders=True)
    assert pending(session, visit) == []
