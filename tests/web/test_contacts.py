"""The links in messages: "is this address yours?", "this is not me", "I am coming"."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from scheduler.models import Contact
from scheduler.web.limits import limiter
from tests.actions.small_town import NEXT_WEDNESDAY, SESSION
from tests.web.live_town import LiveTown
from tests.web.visitor import Visitor


@pytest.fixture
def visit_id(town: LiveTown) -> int:
    """An appointment with an e-mail address and the wish to be reminded."""
    booked = town.book("10:00")
    town.leave_contact(booked)
    return booked


@pytest.fixture
def address(town: LiveTown, visit_id: int) -> str:
    return f"/contacts/{town.contact_token(visit_id)}"


def test_following_the_links_changes_nothing(visitor: Visitor, town: LiveTown, address: str, visit_id: int) -> None:
    """Mail scanners and previews open every link."""
    before = town.dump()
    assert visitor.open(address).status == 200
    assert visitor.open(f"{address}/removal").status == 200
    assert visitor.open(f"/visits/{town.token(visit_id)}/coming").status == 200
    assert town.dump() == before


def test_a_confirmed_address_leads_to_the_appointment(
    visitor: Visitor, town: LiveTown, address: str, visit_id: int
) -> None:
    page = visitor.open(address)
    assert page.root.one("h1").text == "Is this address yours?"
    assert visitor.open(f"/visits/{town.token(visit_id)}").text.count("Please confirm your address.") == 1
    seen = visitor.follow(visitor.press(page, f"{address}/confirmation"))
    assert "Your appointment is booked" in seen.text
    assert "You have confirmed your address." in seen.text
    assert town.row(Contact, visit_id).confirmed_at is not None


def test_a_strangers_address_is_erased_and_the_link_then_opens_nothing(
    visitor: Visitor, town: LiveTown, address: str, visit_id: int
) -> None:
    gone = visitor.press(visitor.open(address), f"{address}/removal")
    assert (gone.status, gone.root.one("h1").text) == (200, "Deleted")
    assert town.count(Contact) == 0
    assert town.visit(visit_id).state == "booked"
    for last in ("", "/removal"):
        assert visitor.open(address + last).status == 404
    for last in ("/confirmation", "/removal"):
        assert visitor.post(address + last).status == 404


def test_mail_programs_unsubscribe_without_cookies_or_a_form_of_ours(app: Flask, town: LiveTown, address: str) -> None:
    client = app.test_client(use_cookies=False)
    app.config["WTF_CSRF_ENABLED"] = True
    answer = client.post(f"{address}/removal", data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert town.count(Contact) == 0


def test_confirming_needs_the_pages_own_form(app: Flask, town: LiveTown, address: str, visit_id: int) -> None:
    assert app.test_client().post(f"{address}/confirmation").status_code == 400
    assert town.row(Contact, visit_id).confirmed_at is None


def test_no_link_opens_what_another_one_is_for(visitor: Visitor, town: LiveTown, visit_id: int) -> None:
    other = town.book("10:30")
    town.leave_contact(other, email="bea@example.org")
    contact, visit = town.contact_token(visit_id), town.token(visit_id)
    assert visitor.open(f"/visits/{contact}").status == 404
    assert visitor.open(f"/contacts/{visit}").status == 404
    swapped = f"{other}-{contact.partition('-')[2]}"
    assert visitor.open(f"/contacts/{swapped}").status == 404
    for odd in ("x", "1-", f"{visit_id}-", "9" * 30, f"{visit_id}-ü"):
        assert visitor.open(f"/contacts/{odd}").status == 404
        assert visitor.post(f"/contacts/{odd}/removal").status == 404
    assert town.count(Contact) == 2


def test_a_corrected_address_takes_the_link_of_the_wrong_one_away(
    visitor: Visitor, town: LiveTown, address: str, visit_id: int
) -> None:
    town.leave_contact(visit_id, email="right@example.org")
    assert visitor.open(address).status == 404


def test_whoever_tries_links_is_slowed_down(app: Flask, visitor: Visitor, address: str) -> None:
    app.extensions["settings"] = replace(app.extensions["settings"], code_limit="3 per minute")
    limiter.reset()
    answers = [visitor.open(f"/contacts/1-wrong{number}").status for number in range(5)]
    assert answers == [404, 404, 404, 429, 429]


@pytest.mark.parametrize("languages", ["de", "ar"])
def test_the_pages_say_nothing_of_the_appointment(
    app: Flask, town: LiveTown, address: str, visit_id: int, languages: str
) -> None:
    page = Visitor(app, languages).open(address)
    code = town.visit(visit_id).code or ""
    for secret in ("Bürgerbüro", "10:00", code[:3], "ada@example.org"):
        assert secret not in page.text
    assert "Kleinstadt" in page.text


def test_the_desk_and_the_adviser_see_who_said_that_they_come(
    desk: Visitor, app: Flask, town: LiveTown, visit_id: int
) -> None:
    link = f"/visits/{town.token(visit_id)}"
    visitor = Visitor(app)
    assert "says: coming" not in desk.open("/desk").text
    seen = visitor.follow(visitor.press(visitor.open(f"{link}/coming"), f"{link}/coming"))
    assert "You said that you are coming." in seen.text
    assert "✓ says: coming" in desk.open("/desk").text
    assert visitor.open(f"{link}/coming").location.startswith(link)


def test_the_adviser_sees_it_in_the_agenda(adviser: Visitor, visitor: Visitor, town: LiveTown) -> None:
    booked = town.book("10:00", key=SESSION, on=NEXT_WEDNESDAY, language="ar")
    link = f"/visits/{town.token(booked)}/coming"
    visitor.press(visitor.open(link), link)
    assert "says: coming" in adviser.open("/my").text


def test_to_be_reminded_one_needs_an_address(visitor: Visitor, app: Flask, town: LiveTown) -> None:
    booked = town.book("10:00")
    link = f"/visits/{town.token(booked)}"

    def leave(**fields: str) -> str:
        sent = visitor.press(visitor.open(link), f"{link}/contact", **{"reminders": "y", **fields})
        return sent.text if sent.status == 422 else str(sent.status)

    assert "To remind you, we need your e-mail address." in leave(phone="0151 23456789")
    app.extensions["settings"] = replace(app.extensions["settings"], sms_url="https://sms.example.org")
    assert "To remind you, we need your e-mail address or mobile number." in leave()
    assert "A landline gets no reminder." in leave(phone="069 90009001")
    assert leave(phone="0151 23456789") == "303"
