"""A client's own appointment: what stands, contact, calendar, QR code, move, cancel."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from datetime import timedelta

import pytest
import time_machine
from icalendar import Calendar
from sqlalchemy import select, text

from scheduler.models import Contact, Message, Visit
from tests.actions.small_town import NEXT_WEDNESDAY, WEDNESDAY, at
from tests.conftest import NOW
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.visitor import Visitor


@pytest.fixture
def visit_id(town: LiveTown) -> int:
    """Wednesday, 9:30, at the session."""
    return town.book("09:30")


@pytest.fixture
def address(town: LiveTown, visit_id: int) -> str:
    return f"/visits/{town.token(visit_id)}"


def messages(town: LiveTown) -> list[tuple[str, str]]:
    return town.read(lambda session: [(m.kind, m.state) for m in session.scalars(select(Message).order_by(Message.id))])


def contact(town: LiveTown) -> tuple[str | None, str | None, bool]:
    return town.read(lambda s: next((each.email, each.phone, each.reminders) for each in s.scalars(select(Contact))))


def leave(visitor: Visitor, address: str, **fields: str) -> Page:
    return visitor.press(visitor.open(address), "/contact", **fields)


def test_the_page_says_day_time_place_and_the_visits_own_code_in_threes(
    visitor: Visitor, town: LiveTown, visit_id: int, address: str
) -> None:
    page = visitor.open(address)
    code = town.visit(visit_id).code
    assert page.root.one("p", class_="code").text == f"{code[:3]} {code[3:6]} {code[6:]}"
    facts = page.root.one("p", class_="appointment").text
    assert facts == "Wednesday, 25 November at 9:30 Bürgerbüro Marktplatz 1, 12345 Kleinstadt"


def test_the_qr_code_is_a_picture_without_styles(visitor: Visitor, address: str) -> None:
    image = visitor.open(address).root.one("img", class_="qr")
    assert image.attrs["alt"]
    picture = visitor.open(image.attrs["src"])
    assert picture.headers["Content-Type"] == "image/svg+xml"
    root = ElementTree.fromstring(picture.html)
    assert root.tag.endswith("svg")
    assert "style" not in picture.html
    assert "private" in picture.headers["Cache-Control"]


def test_the_calendar_file_holds_this_appointment_and_nothing_about_its_reason(
    visitor: Visitor, town: LiveTown, visit_id: int, address: str
) -> None:
    link = next(each for each in visitor.open(address).links if each.endswith(".ics"))
    answer = visitor.open(link)
    (event,) = Calendar.from_ical(answer.html).walk("VEVENT")
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (at("09:30"), at("09:45"))
    assert town.token(visit_id) in str(event["URL"])
    assert answer.headers["Content-Type"].startswith("text/calendar")
    for word in ("MBE", "JMD", "Advice", "Letter", "letter", "Beratung"):
        assert word not in answer.html.replace("Bürgerbüro", "")


def test_a_good_contact_is_stored_encrypted_and_the_confirmation_is_planned(
    visitor: Visitor, town: LiveTown, visit_id: int, address: str
) -> None:
    saved = leave(visitor, address, email=" Somebody@Example.ORG ", phone="0151 23456789", reminders="y")
    assert (saved.status, saved.location) == (303, f"{address}?saved=1#contact")
    assert contact(town) == ("Somebody@example.org", "+4915123456789", True)
    raw = town.read(lambda session: session.execute(text("SELECT email, phone FROM contact")).one())
    assert not any(word in bytes(each) for each in raw for word in (b"xample", b"49151"))
    assert messages(town) == [("confirmation", "pending"), ("reminder", "pending")]
    page = visitor.follow(saved)
    assert page.root.one("input", id="email").attrs["value"] == "Somebody@example.org"
    assert "checked" in page.root.one("input", id="reminders").attrs


def test_a_reminder_is_planned_where_it_still_makes_sense(visitor: Visitor, town: LiveTown) -> None:
    later = town.book("10:00", on=NEXT_WEDNESDAY)
    leave(visitor, f"/visits/{town.token(later)}", email="somebody@example.org", reminders="y")
    assert messages(town) == [("confirmation", "pending"), ("reminder", "pending")]


def test_without_the_tick_no_reminder_is_planned(visitor: Visitor, town: LiveTown) -> None:
    later = town.book("10:00", on=NEXT_WEDNESDAY)
    leave(visitor, f"/visits/{town.token(later)}", email="somebody@example.org")
    assert messages(town) == [("confirmation", "pending")]


def test_saving_empty_fields_erases_the_contact(visitor: Visitor, town: LiveTown, address: str) -> None:
    leave(visitor, address, email="somebody@example.org", phone="0151 23456789")
    erased = leave(visitor, address, email="", phone="")
    assert erased.status == 303
    assert town.count(Contact) == 0
    assert messages(town) == [("confirmation", "dropped")]


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("email", "not an address", "This is not an e-mail address"),
        ("email", "two@example.org, three@example.org", "This is not an e-mail address"),
        ("email", "a@b\r\nBcc: c@example.org", "This is not an e-mail address"),
        ("email", "x" * 250 + "@example.org", "character"),
        ("phone", "12", "This is not a phone number"),
        ("phone", "call me", "This is not a phone number"),
        ("phone", "<script>alert(1)</script>", "This is not a phone number"),
    ],
)
def test_what_cannot_be_used_is_said_at_the_field_and_nothing_is_stored(
    visitor: Visitor, town: LiveTown, address: str, field: str, typed: str, words: str
) -> None:
    before = town.dump()
    page = leave(visitor, address, **{"email": "", "phone": "", field: typed})
    assert page.status == 422
    assert words in page.wrong(field)
    assert page.root.one("input", id=field).attrs["value"].split() == typed.split()
    assert page.root.one("input", id=field).attrs["aria-invalid"] == "true"
    assert "<script>alert" not in page.html
    assert town.dump() == before


def test_one_wrong_field_keeps_what_was_typed_into_the_other(visitor: Visitor, town: LiveTown, address: str) -> None:
    page = leave(visitor, address, email="somebody@example.org", phone="12", reminders="y")
    assert page.root.one("input", id="email").attrs["value"] == "somebody@example.org"
    assert "checked" in page.root.one("input", id="reminders").attrs
    assert page.wrong("email") == ""
    assert town.count(Contact) == 0


def test_a_reminder_needs_an_address(visitor: Visitor, town: LiveTown, address: str) -> None:
    page = leave(visitor, address, email="", phone="0151 23456789", reminders="y")
    assert "we need your e-mail address" in page.wrong("email")
    assert town.count(Contact) == 0


@pytest.mark.parametrize(
    ("fields", "language", "words"),
    [
        ({"email": "x"}, "de", "keine E-Mail-Adresse"),
        ({"email": "x" * 250 + "@example.org"}, "de", "Zeichen"),
        ({"phone": "x"}, "de", "keine Telefonnummer"),
    ],
)
def test_errors_speak_the_pages_language(
    visitor: Visitor, address: str, fields: dict[str, str], language: str, words: str
) -> None:
    visitor.languages = language
    page = leave(visitor, address, **fields)
    assert words in page.wrong(next(iter(fields)))


def test_where_no_mail_is_sent_no_address_is_asked_for(visitor: Visitor, address: str) -> None:
    settings = visitor.client.application.extensions["settings"]
    visitor.client.application.extensions["settings"] = type(settings)(**{**vars(settings), "mail_sink": None})
    names = set(visitor.open(address).form("/contact").values)
    assert "phone" in names
    assert "email" not in names


def test_moving_keeps_link_and_code_and_frees_the_old_time(
    visitor: Visitor, town: LiveTown, visit_id: int, address: str
) -> None:
    before = town.visit(visit_id)
    page = visitor.open(f"{address}/move")
    assert "Wednesday, 25 November, at 9:30" in page.text
    moved = visitor.press(page, "/move", slot=f"buergerbuero-mi/{WEDNESDAY}/{at('11:00').isoformat()}")
    assert (moved.status, moved.location) == (303, f"{address}?moved=1")
    after = town.visit(visit_id)
    assert (after.starts_at, after.code, after.sequence) == (at("11:00"), before.code, before.sequence + 1)
    assert "at 11:00" in visitor.follow(moved).root.one("p", class_="appointment").text
    again = visitor.open(f"{address}/move").form("/move").offers("slot")
    assert f"buergerbuero-mi/{WEDNESDAY}/{at('09:30').isoformat()}" in again


def test_moving_to_a_taken_time_keeps_the_old_one(
    visitor: Visitor, town: LiveTown, visit_id: int, address: str
) -> None:
    page = visitor.open(f"{address}/move")
    town.book("11:00")
    refused = visitor.press(page, "/move", slot=f"buergerbuero-mi/{WEDNESDAY}/{at('11:00').isoformat()}")
    assert refused.status == 409
    assert "This time is taken" in refused.text
    assert town.visit(visit_id).starts_at == at("09:30")
    onward = visitor.press(refused, "/move", slot=f"buergerbuero-mi/{WEDNESDAY}/{at('11:30').isoformat()}")
    assert onward.status == 303
    assert town.visit(visit_id).starts_at == at("11:30")


def test_the_own_time_does_not_stand_in_the_way_of_a_small_move(visitor: Visitor, town: LiveTown, address: str) -> None:
    long = town.book("10:00", concern="advice")
    page = visitor.open(f"/visits/{town.token(long)}/move")
    offered = page.form("/move").offers("slot")
    assert f"buergerbuero-mi/{WEDNESDAY}/{at('10:15').isoformat()}" in offered
    assert f"buergerbuero-mi/{WEDNESDAY}/{at('09:30').isoformat()}" not in offered


def test_moving_to_nonsense_changes_nothing(visitor: Visitor, town: LiveTown, visit_id: int, address: str) -> None:
    page, before = visitor.open(f"{address}/move"), town.dump()
    for value in ("", "x", "a/b/c", "\x00", "9" * 5000):
        assert visitor.press(page, "/move", slot=value).location == f"{address}/move"
    for value in ("9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+14:00", at("09:07").isoformat()):
        assert visitor.press(page, "/move", slot=f"buergerbuero-mi/{WEDNESDAY}/{value}").status == 409
    assert town.dump() == before


def test_cancelling_asks_first_and_then_frees_the_time(
    visitor: Visitor, town: LiveTown, visit_id: int, address: str
) -> None:
    question = visitor.open(f"{address}/cancellation")
    assert "Cancel this appointment?" in question.text
    assert town.visit(visit_id).state == "booked"
    cancelled = visitor.press(question, "/cancellation")
    assert town.visit(visit_id).state == "cancelled"
    assert town.visit(visit_id).planned_adviser_id is None
    page = visitor.follow(cancelled)
    assert "This appointment is cancelled" in page.text
    assert "/book" in page.links
    assert not page.has_form("/contact")
    assert not page.root.all("p", class_="code")


def test_cancelling_twice_is_the_same_answer(visitor: Visitor, town: LiveTown, visit_id: int, address: str) -> None:
    question = visitor.open(f"{address}/cancellation")
    first, second = (visitor.press(question, "/cancellation") for _ in range(2))
    assert first.location == second.location
    assert town.visit(visit_id).sequence == 1


def test_a_cancelled_appointment_is_neither_moved_nor_asked_to_be_cancelled_again(
    visitor: Visitor, town: LiveTown, visit_id: int, address: str
) -> None:
    page = visitor.open(f"{address}/move")
    visitor.press(visitor.open(f"{address}/cancellation"), "/cancellation")
    refused = visitor.press(page, "/move", slot=f"buergerbuero-mi/{WEDNESDAY}/{at('11:00').isoformat()}")
    assert refused.status == 409
    assert town.visit(visit_id).state == "cancelled"
    assert not visitor.open(f"{address}/cancellation").has_form("/cancellation")


def test_what_has_changed_meanwhile_is_not_called_a_fault(visitor: Visitor, address: str) -> None:
    visitor.press(visitor.open(f"{address}/cancellation"), "/cancellation")
    page = visitor.open(f"{address}/move")
    assert page.status == 409
    assert "Something went wrong" not in page.text


def test_wrong_links_open_nothing_and_say_where_to_go(visitor: Visitor, town: LiveTown, visit_id: int) -> None:
    token, other = town.token(visit_id), town.token(town.book("10:30"))
    last = "A" if token[-1] != "A" else "B"
    foreign = f"{visit_id}-{other.partition('-')[2]}"
    wrong = [token[:-1] + last, token[:-1], token + "x", f"{visit_id}", f"{visit_id}-", foreign, token.swapcase(), "x"]
    wrong += [f"0{token}", f" {token}", f"{visit_id}-é", "99999-abc", "9" * 17 + "-a", "9" * 400 + "-a", "٣-a", "%00"]
    parts = ("", "/cancellation", "/move", "/appointment.ics", "/qr.svg")
    answers = {each + part: visitor.open(f"/visits/{each}{part}") for each in wrong for part in parts}
    assert {each: page.status for each, page in answers.items() if page.status != 404} == {}
    for page in answers.values():
        assert {"/", "/code"} <= set(page.links)


def test_one_visits_link_never_shows_another_visit(visitor: Visitor, town: LiveTown) -> None:
    ids = [town.book(clock) for clock in ("09:30", "10:00", "10:30")]
    for own in ids:
        text_of_page = visitor.open(f"/visits/{town.token(own)}").text.replace(" ", "")
        assert [each for each in ids if town.visit(each).code in text_of_page] == [own]


def test_a_revoked_link_opens_nothing_and_the_new_one_does(
    visitor: Visitor, town: LiveTown, visit_id: int, address: str
) -> None:
    town.set(Visit, visit_id, link_epoch=1)
    assert visitor.open(address).status == 404
    assert visitor.open(f"/visits/{town.token(visit_id)}").status == 200


def test_from_the_day_after_the_link_is_gone(
    visitor: Visitor, town: LiveTown, visit_id: int, address: str, clock: time_machine.Coordinates
) -> None:
    clock.move_to(at("23:59"))
    assert visitor.open(address).status == 200
    clock.move_to(at("23:59") + timedelta(minutes=1))
    for part in ("", "/move", "/cancellation", "/appointment.ics", "/qr.svg"):
        page = visitor.open(address + part)
        assert page.status == 410
        assert "This appointment is over" in page.text
        assert "/" in page.links
    for part in ("/cancellation", "/contact", "/move"):
        assert visitor.post(address + part).status == 410
    assert town.visit(visit_id).state == "booked"


def test_who_is_here_sees_the_number_instead(
    visitor: Visitor, town: LiveTown, visit_id: int, address: str, open_day: None
) -> None:
    town.arrive(visit_id)
    page = visitor.follow(visitor.open(address))
    assert page.root.one("p", class_="my-number").text == str(town.visit(visit_id).ticket)


@pytest.mark.parametrize("state", ["missed", "done"])
def test_an_ended_appointment_says_so_and_offers_a_new_one(
    visitor: Visitor, town: LiveTown, visit_id: int, address: str, state: str
) -> None:
    town.set(Visit, visit_id, state=state, ended_at=NOW, planned_adviser_id=None)
    page = visitor.open(address)
    assert ("You missed this appointment" if state == "missed" else "This appointment is over") in page.text
    assert "/book" in page.links


def test_a_walk_ins_link_breaks_on_no_page(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    """A walk-in has no time: its paper's link leads to the ticket, but links get shortened and guessed."""
    visit_id = town.take_in()
    address = f"/visits/{town.token(visit_id)}"
    statuses = {}
    for state in ("waiting", "left", "done", "not_served", "cancelled"):
        town.set(Visit, visit_id, state=state, ended_at=None if state == "waiting" else NOW)
        for part in ("", "/cancellation", "/move", "/appointment.ics", "/qr.svg"):
            statuses[state, part] = visitor.open(address + part).status
    assert [each for each, status in statuses.items() if status >= 500] == []


def test_a_waiting_walk_in_who_cancels_sees_a_page(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    visit_id = town.take_in()
    answered = visitor.post(f"/visits/{town.token(visit_id)}/cancellation")
    page = visitor.follow(answered) if answered.status == 303 else answered
    assert page.status < 500


def test_a_contact_cannot_be_left_for_a_cancelled_appointment(
    visitor: Visitor, town: LiveTown, visit_id: int, address: str
) -> None:
    page = visitor.open(address)
    visitor.press(visitor.open(f"{address}/cancellation"), "/cancellation")
    visitor.press(page, "/contact", email="somebody@example.org")
    assert town.count(Contact) == 0
