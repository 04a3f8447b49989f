"""A client's own number on the own phone: the own position, nobody else's number."""

from __future__ import annotations

import re

from flask import Flask

from scheduler.models import Visit
from tests.actions.small_town import at
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.visitor import Visitor


def ticket(visitor: Visitor, town: LiveTown, visit_id: int, part: str = "") -> Page:
    return visitor.open(f"/tickets/{town.token(visit_id)}{part}")


def numbers(page: Page) -> set[str]:
    main = page.root.all("main")
    return set(re.findall(r"\d+", (main[0] if main else page.root).text.replace("Marktplatz 1, 12345", "")))


def test_only_the_own_number_and_how_many_are_before_it(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    ids = [town.take_in() for _ in range(9)]
    assert numbers(ticket(visitor, town, ids[0])) == {"1"}
    assert "You are next" in ticket(visitor, town, ids[0]).text
    for part in ("", "/now"):
        page = ticket(visitor, town, ids[8], part)
        assert numbers(page) == {"9", "8"}
        assert "8 people are before you." in page.text


def test_called_says_where_to_go(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    visit_id = town.take_in()
    town.seat("awo-1", "Tisch 3")
    town.call_next("awo-1")
    page = ticket(visitor, town, visit_id, "/now")
    assert "It is your turn. Please go to: Tisch 3" in page.text
    assert page.root.all(data_alert="called")


def test_every_state_has_its_words(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    visit_id = town.take_in()
    words = {
        "in_consultation": "Your number 1",
        "missed": "We called you. Please go to the front desk.",
        "done": "Thank you for your visit.",
        "left": "Thank you for your visit.",
    }
    for state, expected in words.items():
        town.set(Visit, visit_id, state=state, ended_at=None if state == "in_consultation" else at("09:10"))
        assert expected in ticket(visitor, town, visit_id).text, state


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
