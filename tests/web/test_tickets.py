"""A client's own number on the own phone: the own position, nobody else's number."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from bench.statements import statements_of
from scheduler.actions.calling import call_again
from scheduler.db import Database
from scheduler.domain.visit_states import OPEN
from scheduler.models import Consultation, Contact, Visit
from scheduler.texts import translations_for
from scheduler.web.tickets import back_by
from tests.actions.small_town import STAFF, THURSDAY, at, hours_of
from tests.conftest import make_config
from tests.web.forecasts import change_forecasts
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.visitor import Visitor

MOST_BYTES = 40_000


def ticket(visitor: Visitor, town: LiveTown, visit_id: int, part: str = "") -> Page:
    return visitor.open(f"/tickets/{town.token(visit_id)}{part}")


def numbers(page: Page) -> set[str]:
    """All numbers on the page but those of times: they are checked on their own."""
    text = (page.root.all("main") or [page.root])[0].text.replace("Marktplatz 1, 12345", "")
    for each in page.root.all("bdi", class_="clock"):
        text = text.replace(each.text, "")
    return set(re.findall(r"\d+", text))


def test_only_the_own_number_and_how_many_are_before_it(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    ids = [town.take_in() for _ in range(9)]
    assert numbers(ticket(visitor, town, ids[0])) == {"1"}
    assert "You are next" in ticket(visitor, town, ids[0]).text
    for part in ("", "/now"):
        page = ticket(visitor, town, ids[8], part)
        assert numbers(page) == {"9", "8"}
        assert "8 people are before you." in page.text


def test_no_id_of_any_other_visit_or_call_is_in_its_html(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    town.seat("awo-1")
    ids = [town.take_in() for _ in range(3)]
    called = town.call_next("awo-1")
    for part in ("", "/now"):
        html = ticket(visitor, town, ids[2], part).html
        for other in ids[:2]:
            assert town.token(other) not in html
        assert not re.search(rf'data-[a-z-]+="[^"]*\b{called}\b', html.replace("data-poll", ""))


def test_how_long_it_takes_and_when_to_be_back(
    visitor: Visitor, town: LiveTown, clock: time_machine.Coordinates, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.move_to(at("09:52"))
    visit_id = town.take_in()
    change_forecasts(monkeypatch, ahead=5, low=28.0, high=38.0, chance=0.9)
    page = ticket(visitor, town, visit_id)
    assert "You will wait about: 25–40 min" in page.text
    assert page.root.one("p", class_="my-back").text == "You want to go out? Be back by: 10:10"


@pytest.mark.parametrize(
    ("earliest", "clock_now", "expected"),
    [
        (0, "10:00", None),
        (10, "10:00", None),
        (15, "10:00", "10:10"),
        (15, "10:04", "10:10"),
        (40, "10:00", "10:35"),
        (40, "10:01", "10:35"),
        (55, "10:59", "11:45"),
    ],
)
def test_back_by_is_a_round_time_before_the_earliest_likely_call(
    earliest: int, clock_now: str, expected: str | None
) -> None:
    now = at(clock_now) + timedelta(seconds=59)
    found = back_by(earliest, now)
    assert found == (at(expected) if expected else None)
    assert found is None or found <= now + timedelta(minutes=earliest - 5)


def test_who_will_hardly_be_served_is_told_and_promised_nothing(
    visitor: Visitor, town: LiveTown, open_day: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit_id = town.take_in()
    change_forecasts(monkeypatch, ahead=9, low=60.0, high=90.0, chance=0.49)
    town.change(lambda session: setattr(hours_of(session), "after_until", False))
    page = ticket(visitor, town, visit_id)
    town.change(lambda session: setattr(hours_of(session), "after_until", True))  # all tests share the set-up
    assert "It may be too late today. Please ask at the front desk." in page.text
    assert not page.root.all("p", class_="my-wait")
    assert not page.root.all("p", class_="my-back")


def test_where_numbers_are_called_after_closing_nobody_hears_that_it_is_too_late(
    visitor: Visitor, town: LiveTown, open_day: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit_id = town.take_in()
    change_forecasts(monkeypatch, ahead=9, low=60.0, high=90.0, chance=0.0, comes=1.0)
    page = ticket(visitor, town, visit_id)
    assert "too late" not in page.text
    assert page.root.one("p", class_="my-wait").text == "You will wait about: 60–90 min"


@pytest.mark.parametrize(("ahead", "seconds"), [(12, "30"), (3, "30"), (2, "5"), (0, "5")])
def test_it_asks_more_often_when_it_is_nearly_time(
    visitor: Visitor, town: LiveTown, open_day: None, monkeypatch: pytest.MonkeyPatch, ahead: int, seconds: str
) -> None:
    visit_id = town.take_in()
    change_forecasts(monkeypatch, ahead=ahead)
    for part in ("", "/now"):
        assert ticket(visitor, town, visit_id, part).root.all(data_poll_again=seconds)


def test_called_parked_and_ended_ask_as_often_as_a_call_may_come(
    visitor: Visitor, town: LiveTown, open_day: None
) -> None:
    visit_id = town.take_in()
    for state, seconds in (("called", "5"), ("parked", "5"), ("done", "30"), ("missed", "30")):
        town.set(Visit, visit_id, state=state, ended_at=at("09:10") if state in ("done", "missed") else None)
        assert ticket(visitor, town, visit_id).root.all(data_poll_again=seconds), state


def test_called_says_where_to_go(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    visit_id = town.take_in()
    town.seat("awo-1", "Tisch 3")
    town.call_next("awo-1")
    page = ticket(visitor, town, visit_id, "/now")
    assert "It is your turn. Please go to: Tisch 3" in page.text
    alert = page.root.one(data_alert="called")
    assert alert.one("svg", class_="symbol").attrs["aria-label"] == "house"
    assert alert.attrs["data-calls"] == "1"


def test_a_second_call_is_news(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    visit_id = town.take_in()
    town.seat("awo-1")
    called = town.call_next("awo-1")
    address = f"/tickets/{town.token(visit_id)}/now"
    etag = visitor.open(address).headers["ETag"]
    town.change(lambda session: call_again(session, called, by=STAFF, now=at("09:06")) and None)
    again = visitor.open(address, headers={"If-None-Match": etag})
    assert again.root.one(data_alert="called").attrs["data-calls"] == "2"


def test_every_state_has_its_words(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    visit_id = town.take_in()
    words = {
        "in_consultation": "Your number 1",
        "parked": "We call you again. Please stay near.",
        "missed": "We called you. Please go to the front desk.",
        "done": "Thank you for your visit.",
        "left": "Thank you for your visit.",
        "not_served": "We are closed now. We are sorry. Please come again, or book a time.",
        "cancelled": "This number is no longer valid. Please ask at the front desk.",
    }
    for state, expected in words.items():
        town.set(Visit, visit_id, state=state, ended_at=None if state in OPEN else at("09:10"))
        assert expected in ticket(visitor, town, visit_id).text, state


def test_who_was_not_served_finds_the_way_to_a_time(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    visit_id = town.take_in()
    town.set(Visit, visit_id, state="not_served", ended_at=at("12:00"))
    assert any(each.endswith("/book") for each in ticket(visitor, town, visit_id).links)


def test_who_was_handed_over_learns_that_the_number_stays(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    visit_id = town.take_in()
    assert "another adviser" not in ticket(visitor, town, visit_id).text
    town.seat("awo-1")
    called = town.call_next("awo-1")
    town.set(Consultation, called, ended_at=at("09:10"), ended_as="handed_over")
    town.set(Visit, visit_id, state="waiting")
    page = ticket(visitor, town, visit_id)
    assert "You go on to another adviser. Your number stays the same." in page.text
    assert "You are next." in page.text


def test_a_day_that_is_over_says_so_and_the_poll_ends(
    visitor: Visitor, town: LiveTown, open_day: None, clock: time_machine.Coordinates
) -> None:
    visit_id = town.take_in()
    token = town.token(visit_id)
    clock.move_to(at("00:01", THURSDAY))
    assert "This number is no longer valid" in visitor.open(f"/tickets/{token}").text
    for part in ("", "/now"):
        assert visitor.open(f"/tickets/{token}{part}").status == 410


def test_the_clerk_reads_one_line_in_german(app: Flask, town: LiveTown, open_day: None) -> None:
    visit_id = town.take_in()
    town.seat("awo-1", "Tisch 3")
    town.call_next("awo-1")
    german = translations_for("de").gettext("Number %(number)s – called: %(station)s")
    for part in ("", "/now"):
        line = ticket(Visitor(app, "ar"), town, visit_id, part).root.one("p", class_="my-clerk")
        assert line.text == german % {"number": 1, "station": "Tisch 3"}
        assert (line.attrs["lang"], line.attrs["dir"]) == ("de", "ltr")
        assert not ticket(Visitor(app, "de"), town, visit_id, part).root.all("p", class_="my-clerk")


def test_who_is_parked_is_not_sent_home(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    visit_id = town.take_in()
    town.set(Visit, visit_id, state="parked")
    assert "Thank you for your visit." not in ticket(visitor, town, visit_id).text


def test_a_booked_appointment_is_told_to_show_its_code(visitor: Visitor, town: LiveTown) -> None:
    assert "Please show your code at the front desk." in ticket(visitor, town, town.book("10:00")).text


def test_an_unchanged_poll_is_304_and_a_call_shows_at_once(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    visit_id = town.take_in()
    address = f"/tickets/{town.token(visit_id)}/now"
    etag = visitor.open(address).headers["ETag"]
    assert visitor.open(address, headers={"If-None-Match": etag}).status == 304
    town.seat("awo-1")
    town.call_next("awo-1")
    assert "It is your turn" in visitor.open(address, headers={"If-None-Match": etag}).text


def test_an_unchanged_poll_takes_one_statement(
    visitor: Visitor, town: LiveTown, open_day: None, database: Database
) -> None:
    ids = [town.take_in() for _ in range(5)]
    for visit_id in ids:
        address = f"/tickets/{town.token(visit_id)}/now"
        etag = visitor.open(address).headers["ETag"]
        with statements_of(database) as seen:
            assert visitor.open(address, headers={"If-None-Match": etag}).status == 304
        assert len(seen) == 1, seen


def test_the_page_with_all_it_needs_is_small(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    """Raw bytes, before any compression: an old phone on a bad line loads it within seconds."""
    visit_id = [town.take_in() for _ in range(5)][-1]
    page = ticket(visitor, town, visit_id)
    tags = [*page.root.all("script"), *page.root.all("link", rel="stylesheet")]
    addresses = [each.attrs.get("src") or each.attrs["href"] for each in tags]
    assert len(addresses) == 9
    loaded = sum(len(visitor.open(each).html.encode()) for each in addresses)
    assert len(page.html.encode()) <= 8_000
    assert len(ticket(visitor, town, visit_id, "/now").html.encode()) <= 3_000
    assert loaded + len(page.html.encode()) <= MOST_BYTES


def test_two_people_and_two_languages_have_different_etags(app: Flask, town: LiveTown, open_day: None) -> None:
    first, second = town.take_in(), town.take_in()
    pages = [
        ticket(Visitor(app, language), town, each, "/now") for each in (first, second) for language in ("en", "ar")
    ]
    assert len({each.headers["ETag"] for each in pages}) == 4


def test_wrong_and_revoked_links_open_nothing(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    visit_id = town.take_in()
    token = town.token(visit_id)
    town.set(Visit, visit_id, link_epoch=1)
    for part in ("", "/now"):
        for wrong in (token, f"{visit_id}", "x", f"{visit_id}-é", "9" * 17 + "-a"):
            assert visitor.open(f"/tickets/{wrong}{part}").status == 404, wrong


def test_the_page_tells_nothing_about_the_reason_of_the_visit(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    visit_id = town.take_in(language="ar", concern="letter", age_group="from_27", urgent=True)
    page = ticket(visitor, town, visit_id).root.one("main").text
    assert not re.search("MBE|Arabic|Letter|urgent|AWO", page)


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody has a while to wait."""
    change_forecasts(monkeypatch, ahead=6, low=40.0, high=60.0, chance=0.9)


def test_who_has_a_while_to_wait_may_ask_to_be_written_to(
    visitor: Visitor, town: LiveTown, open_day: None, far: None
) -> None:
    visit_id = town.take_in()
    saved = visitor.press(ticket(visitor, town, visit_id), "/message", email=" Ada@Example.org ")
    assert "We write to you when it is nearly your turn." in visitor.follow(saved).text
    contact = town.row(Contact, visit_id)
    assert (contact.email, contact.nearly, contact.reminders) == ("Ada@example.org", True, False)
    assert not visitor.follow(saved).has_form("/message")


def test_the_message_comes_in_the_language_in_which_it_was_asked_for(
    app: Flask, town: LiveTown, open_day: None, far: None
) -> None:
    visit_id = town.take_in()
    visitor = Visitor(app, "ar")
    visitor.press(ticket(visitor, town, visit_id), "/message", email="ada@example.org")
    assert town.visit(visit_id).locale == "ar"


def test_an_address_that_is_none_is_said_at_the_field_and_not_kept(
    visitor: Visitor, town: LiveTown, open_day: None, far: None
) -> None:
    visit_id = town.take_in()
    for wrong in ("", "ada", "a@b@c", "ada@example.org,b@example.org"):
        page = visitor.press(ticket(visitor, town, visit_id), "/message", email=wrong)
        assert page.status == 422
        assert page.wrong("email"), wrong
        assert "open" in page.root.one("details", id="message").attrs
    assert town.count(Contact) == 0


@pytest.fixture
def texts(app: Flask) -> None:
    """Text messages are sent, too."""
    app.extensions["settings"] = replace(app.extensions["settings"], sms_url="https://sms.example.org")


def test_a_mobile_number_will_do_where_text_messages_are_sent(
    visitor: Visitor, town: LiveTown, open_day: None, far: None, texts: None
) -> None:
    visit_id = town.take_in()
    saved = visitor.press(ticket(visitor, town, visit_id), "/message", phone="0151 23456789")
    assert "We write to you when it is nearly your turn." in visitor.follow(saved).text
    contact = town.row(Contact, visit_id)
    assert (contact.email, contact.phone, contact.nearly) == (None, "+4915123456789", True)


def test_a_number_that_gets_no_texts_is_said_at_the_field_and_not_kept(
    visitor: Visitor, town: LiveTown, open_day: None, far: None, texts: None
) -> None:
    visit_id = town.take_in()
    for phone, field in (("12", "phone"), ("069 90009001", "phone"), (" ", "email")):
        page = visitor.press(ticket(visitor, town, visit_id), "/message", phone=phone)
        assert page.status == 422
        assert page.wrong(field), phone
    assert town.count(Contact) == 0


def test_where_texts_alone_are_sent_a_number_is_needed(
    app: Flask, visitor: Visitor, town: LiveTown, open_day: None, far: None, texts: None
) -> None:
    app.extensions["settings"] = replace(app.extensions["settings"], smtp_host="", mail_sink=None)
    page = ticket(visitor, town, town.take_in())
    assert "email" not in page.form("/message").filled()
    assert visitor.press(page, "/message").wrong("phone") == "We need your mobile number."


def test_where_no_texts_are_sent_no_number_is_asked_for(
    visitor: Visitor, town: LiveTown, open_day: None, far: None
) -> None:
    assert "phone" not in ticket(visitor, town, town.take_in()).form("/message").filled()


def test_thinking_better_of_it_erases_the_address(visitor: Visitor, town: LiveTown, open_day: None, far: None) -> None:
    visit_id = town.take_in()
    asked = visitor.follow(visitor.press(ticket(visitor, town, visit_id), "/message", email="ada@example.org"))
    again = visitor.follow(visitor.press(asked, "/withdrawal"))
    assert town.count(Contact) == 0
    assert again.has_form("/message")


def test_who_is_called_meanwhile_leaves_no_address(visitor: Visitor, town: LiveTown, open_day: None, far: None) -> None:
    visit_id = town.take_in()
    page = ticket(visitor, town, visit_id)
    town.seat("awo-1")
    town.call_next("awo-1")
    answer = visitor.press(page, "/message", email="ada@example.org")
    assert "It is your turn." in visitor.follow(answer).text
    assert town.count(Contact) == 0


def test_who_is_next_anyway_is_not_asked(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    assert not ticket(visitor, town, town.take_in()).has_form("/message")


def test_a_strangers_link_neither_asks_nor_withdraws(
    visitor: Visitor, town: LiveTown, open_day: None, far: None
) -> None:
    visit_id, other = town.take_in(), town.take_in()
    visitor.press(ticket(visitor, town, visit_id), "/message", email="ada@example.org")
    page = ticket(visitor, town, other)
    forged = f"{visit_id}-{town.token(other).partition('-')[2]}"
    for action in ("message", "message/withdrawal"):
        assert visitor.post(f"/tickets/{forged}/{action}", page, email="eve@example.org").status == 404
    assert town.row(Contact, visit_id).email == "ada@example.org"


def test_where_no_mail_is_sent_nobody_is_asked(
    app: Flask, visitor: Visitor, town: LiveTown, open_day: None, far: None, database_url: str
) -> None:
    visit_id = town.take_in()
    page = ticket(visitor, town, visit_id)
    app.extensions["settings"] = make_config(database_url)
    assert not ticket(visitor, town, visit_id).has_form("/message")
    visitor.press(page, "/message", email="ada@example.org")
    assert town.count(Contact) == 0
