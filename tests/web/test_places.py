"""Places for everybody: all on one page, one with its next dates, QR codes, notices for the door, public calendars."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from icalendar import Calendar
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.feeds import publish_stale
from jobs.work import Work
from scheduler.actions.feeds import make_place_feed
from scheduler.db import Base
from scheduler.models import Feed, Hours, Place
from tests.actions.small_town import (
    NEXT_WEDNESDAY,
    OFFICE,
    SESSION,
    THURSDAY,
    WEDNESDAY,
    adviser_of,
    at,
    change_date,
    hours_of,
    place_of,
)
from tests.conftest import make_config
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.visitor import Visitor

NAMES_OF_SERVICES = re.compile(r"MBE|JMD|Advice|Beratung|[Mm]igra|Letter or form|Arabic")


def publish(town: LiveTown) -> None:
    """One round of the jobs process."""
    url = town.database.engine.url.render_as_string(hide_password=False)
    publish_stale(Work(make_config(url), town.database, clock=lambda: datetime.now(UTC)))


def main_text(page: Page) -> str:
    return page.root.one("main").text


@contextmanager
def changed(town: LiveTown, model: type[Base], id_: int, **values: Any) -> Iterator[None]:
    """A row of the town's file that is different for a while: all tests here share these rows."""
    before = {name: getattr(town.row(model, id_), name) for name in values}
    town.set(model, id_, **values)
    try:
        yield
    finally:
        town.set(model, id_, **before)


# All places, and one


def test_all_places_stand_on_one_page_with_their_hours_and_changes(visitor: Visitor, town: LiveTown) -> None:
    town.change(change_date, WEDNESDAY, "cancelled")
    page = visitor.open("/places")
    first, second = page.root.all("li", class_="place")
    assert "Wednesday 9:00–12:00 with or without appointment" in first.text
    assert "Wednesday, 25 November: closed" in first.text
    assert "Thursday 13:00–16:00 with appointment" in second.text
    assert "closed" not in second.text


def test_a_place_says_where_when_and_how_to_book(visitor: Visitor) -> None:
    page = visitor.open("/places/buergerbuero")
    assert page.root.one("h1").text == "Bürgerbüro"
    for words in ("Marktplatz 1, 12345 Kleinstadt", "069 90009-001", "Wednesday 9:00–12:00"):
        assert words in main_text(page)
    assert "/book?place=buergerbuero" in page.links
    assert any(each.startswith("https://www.openstreetmap.org/") for each in page.links)
    assert "webcal://localhost/places/buergerbuero.ics" in page.links
    assert page.root.one("input", id="address").attrs["value"] == "http://localhost/places/buergerbuero.ics"


def test_the_next_dates_are_those_of_this_place_that_take_place(visitor: Visitor, town: LiveTown) -> None:
    town.change(change_date, WEDNESDAY, "cancelled")
    town.change(change_date, NEXT_WEDNESDAY, "moved", held_on=THURSDAY, until_time=time(11))
    coming = visitor.open("/places/buergerbuero").root.one("ul", class_="coming").all("li")
    assert [each.one("strong").text for each in coming] == [
        "Thursday, 26 November", "Wednesday, 9 December", "Wednesday, 16 December", "Wednesday, 23 December",
    ]  # fmt: skip
    assert "9:00–11:00" in coming[0].text


def test_where_nothing_can_be_booked_no_link_leads_to_booking(visitor: Visitor, town: LiveTown) -> None:
    with changed(town, Hours, town.read(hours_of).id, admits="walk_in"):
        page = visitor.open("/places/buergerbuero")
        assert [each for each in page.links if each.startswith("/book")] == []
        assert "without appointment" in main_text(page)


def test_an_adviser_s_own_appointment_is_no_office_hours(visitor: Visitor, town: LiveTown) -> None:
    hours_id = town.read(lambda session: hours_of(session, OFFICE).id)
    own = town.read(lambda session: adviser_of(session, "awo-1").id)
    with changed(town, Hours, hours_id, own_adviser_id=own):
        publish(town)
        for address in ("/", "/places", "/places/awo-buero"):
            assert "13:00–16:00" not in visitor.open(address).text, address
        assert "BEGIN:VEVENT" not in visitor.open("/places/awo-buero.ics").html


@pytest.mark.parametrize("ending", ["", ".ics", "/qr/de.svg", "/notices/2026-12-30"])
def test_unknown_and_retired_places_are_404(visitor: Visitor, town: LiveTown, ending: str) -> None:
    publish(town)
    assert visitor.open(f"/places/buergerbuero{ending}").status == 200
    assert visitor.open(f"/places/nowhere{ending}").status == 404
    with changed(town, Place, town.read(place_of).id, retired_at=datetime.now(UTC)):
        assert visitor.open(f"/places/buergerbuero{ending}").status == 404


@pytest.mark.parametrize("locale", ["de", "en", "ar"])
def test_titles_addresses_and_paper_name_no_service(visitor: Visitor, town: LiveTown, locale: str) -> None:
    town.change(change_date, WEDNESDAY, "cancelled")
    for address in ("/places", "/places/buergerbuero", "/places/buergerbuero/notices/2026-11-25"):
        page = visitor.open(f"{address}?locale={locale}")
        assert page.status == 200
        assert not NAMES_OF_SERVICES.search(page.title), page.title
        assert not NAMES_OF_SERVICES.search(main_text(page)), address
        assert not NAMES_OF_SERVICES.search(" ".join(page.links)), address


def test_the_more_stands_on_a_sheet_the_smaller_its_letters(visitor: Visitor, town: LiveTown) -> None:
    settings = []
    for number in range(1, 13):
        if number > 1:
            town.change(change_date, WEDNESDAY + timedelta(days=2 * number + 1), "added", reason="Staff training " * 5)
        sheet = visitor.open("/places/buergerbuero").root.one("article", class_="sheet")
        settings += re.findall(r"size-(\d)", sheet.attrs["class"])
    assert settings == sorted(settings)
    assert (settings[0], len(settings)) == ("1", 12)
    assert int(settings[-1]) >= 5


def test_every_link_of_a_place_opens(visitor: Visitor, town: LiveTown) -> None:
    town.change(change_date, WEDNESDAY, "cancelled")
    publish(town)
    page = visitor.open("/places/buergerbuero")
    local = [each for each in page.links if each.startswith("/")]
    assert "/places/buergerbuero/notices/2026-11-25" in local
    local += [each.attrs["src"] for each in page.root.all("img")]
    assert {visitor.open(each).status for each in local} == {200}


def test_nobody_can_send_anything_there(visitor: Visitor) -> None:
    for address in ("/places", "/places/buergerbuero", "/places/buergerbuero.ics", "/places/qr/de.svg"):
        assert visitor.post(address).status == 405, address
        assert "form" not in [each.tag for each in visitor.open(address).root.walk()]


# QR codes


def test_the_code_on_paper_leads_to_booking_there_in_the_papers_language(visitor: Visitor) -> None:
    pictures = {}
    for locale in ("de", "ar"):
        page = visitor.open(f"/places/buergerbuero?locale={locale}")
        pictures[locale] = visitor.open(page.root.one("img", class_="qr").attrs["src"])
        assert pictures[locale].headers["Content-Type"].startswith("image/svg+xml")
        assert "<svg" in pictures[locale].html and "style" not in pictures[locale].html
    pictures["all places"] = visitor.open("/places/qr/de.svg")
    assert len({each.html for each in pictures.values()}) == 3


@pytest.mark.parametrize("locale", ["xx", "fr", "..", "DE"])
def test_there_is_no_code_for_a_language_without_texts(visitor: Visitor, locale: str) -> None:
    assert visitor.open(f"/places/buergerbuero/qr/{locale}.svg").status == 404
    assert visitor.open(f"/places/qr/{locale}.svg").status == 404


# Notices for the door


def notice(visitor: Visitor, on: date, place: str = "buergerbuero") -> str:
    page = visitor.open(f"/places/{place}/notices/{on.isoformat()}")
    assert page.status == 200
    return main_text(page)


def test_a_cancelled_date_says_closed_why_and_when_next(visitor: Visitor, town: LiveTown) -> None:
    town.change(change_date, WEDNESDAY, "cancelled", reason="Staff training")
    page = visitor.open("/places/buergerbuero/notices/2026-11-25")
    assert page.root.one("h1").text == "closed Wednesday, 25 November"
    text = main_text(page)
    assert "Staff training" in text
    assert "The next opening: Wednesday, 2 December 9:00–12:00 with or without appointment" in text
    assert "069 90009-001" in text
    assert len(page.root.all("img", class_="qr")) == 1


def test_other_times_say_the_new_ones_and_the_usual_ones(visitor: Visitor, town: LiveTown) -> None:
    town.change(change_date, WEDNESDAY, "moved", until_time=time(11))
    text = notice(visitor, WEDNESDAY)
    assert "Wednesday, 25 November 9:00–11:00 instead of 9:00–12:00" in text
    assert "closed" not in text


def test_a_moved_date_has_a_notice_on_both_days(visitor: Visitor, town: LiveTown) -> None:
    town.change(change_date, WEDNESDAY, "moved", held_on=THURSDAY)
    assert "closed Wednesday, 25 November moved to Thursday, 26 November, 9:00–12:00" in notice(visitor, WEDNESDAY)
    assert "Thursday, 26 November extra opening 9:00–12:00" in notice(visitor, THURSDAY)


def test_where_a_part_is_cancelled_the_rest_of_the_day_is_told(visitor: Visitor, town: LiveTown) -> None:
    town.change(change_date, WEDNESDAY, "cancelled")
    town.change(change_date, NEXT_WEDNESDAY, "moved", held_on=WEDNESDAY, from_time=time(13), until_time=time(16))
    text = notice(visitor, WEDNESDAY)
    assert "Wednesday, 25 November closed 9:00–12:00 extra opening 13:00–16:00" in text
    assert "Open on this day: 13:00–16:00" in text


def test_a_closure_says_until_when(visitor: Visitor) -> None:
    text = notice(visitor, date(2026, 12, 30))
    assert "closed until Friday, 1 January Christmas holidays" in text
    assert "The next opening: Wednesday, 6 January" in text


def test_an_opening_elsewhere_before_the_next_one_is_told_if_it_takes_people_as_they_come(
    visitor: Visitor, town: LiveTown
) -> None:
    town.change(change_date, THURSDAY, "cancelled", OFFICE)
    text = notice(visitor, THURSDAY, "awo-buero")
    assert "The next opening: Thursday, 3 December 13:00–16:00 with appointment" in text
    assert "Sooner at another place: Wednesday, 2 December 9:00–12:00 Bürgerbüro Marktplatz 1" in text
    town.change(change_date, WEDNESDAY, "cancelled", SESSION)
    assert "Sooner" not in notice(visitor, WEDNESDAY)


@pytest.mark.parametrize(
    "day",
    [
        "2026-11-26",
        "2026-12-02",
        "2026-11-18",
        "2026-12-24",
        "2029-12-26",
        "9999-12-31",
        "0001-01-01",
        "20261125",
        "2026-W48-3",
        "2026-11-31",
        "today",
        "%00",
        "٢٠٢٦-١١-٢٥",
    ],
)
def test_where_nothing_differs_there_is_no_notice(visitor: Visitor, town: LiveTown, day: str) -> None:
    town.change(change_date, WEDNESDAY, "cancelled")
    town.change(change_date, WEDNESDAY - timedelta(days=7), "cancelled")
    assert visitor.open(f"/places/buergerbuero/notices/{day}").status == 404


def test_a_notice_is_for_its_own_place_alone(visitor: Visitor, town: LiveTown) -> None:
    town.change(change_date, WEDNESDAY, "cancelled")
    assert visitor.open("/places/awo-buero/notices/2026-11-25").status == 404


@pytest.mark.parametrize(("locale", "said"), [("de", "Mittwoch, 25. November"), ("ar", "الأربعاء، 25 نوفمبر")])
def test_a_notice_speaks_every_language_of_the_town(visitor: Visitor, town: LiveTown, locale: str, said: str) -> None:
    town.change(change_date, WEDNESDAY, "cancelled")
    page = visitor.open(f"/places/buergerbuero/notices/2026-11-25?locale={locale}")
    assert said in page.root.one("h1").text
    assert f"/qr/{locale}.svg" in page.root.one("img", class_="qr").attrs["src"]


# The public calendar


def events(page: Page) -> list[tuple[str, str]]:
    return [(str(each["UID"]), str(each["STATUS"])) for each in Calendar.from_ical(page.html).walk("VEVENT")]


def test_everybody_can_subscribe_to_a_place(visitor: Visitor, town: LiveTown) -> None:
    town.change(change_date, WEDNESDAY, "cancelled")
    publish(town)
    answer = visitor.open("/places/buergerbuero.ics")
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert ("opening-buergerbuero-mi-2026-11-25@localhost", "CANCELLED") in events(answer)
    assert ("hours-buergerbuero-mi@localhost", "CONFIRMED") in events(answer)
    again = visitor.open("/places/buergerbuero.ics", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status, again.html) == (304, "")
    assert "Set-Cookie" not in answer.headers


def test_the_calendar_holds_nothing_of_visits(visitor: Visitor, town: LiveTown) -> None:
    town.book("10:00", language="ar")
    publish(town)
    before = visitor.open("/places/buergerbuero.ics").html
    visit = town.visit(town.book("11:00"))
    publish(town)
    after = visitor.open("/places/buergerbuero.ics").html
    assert after == before
    assert "visit" not in after and visit.code not in after
    assert not NAMES_OF_SERVICES.search(after)


def test_before_its_first_publication_the_calendar_asks_to_come_back(visitor: Visitor, town: LiveTown) -> None:
    for make in (lambda session: None, lambda session: make_place_feed(session, place_of(session).id, at("09:00"))):
        town.change(make)
        answer = visitor.open("/places/buergerbuero.ics")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "30")
    publish(town)
    assert visitor.open("/places/buergerbuero.ics").status == 200


def test_a_place_feed_has_no_secret_address(visitor: Visitor, town: LiveTown) -> None:
    publish(town)

    def token_hash(session: Session) -> str:
        return session.scalars(select(Feed.token_hash).where(Feed.place_id == place_of(session).id)).one()

    for guess in (town.read(token_hash), "place 1", "buergerbuero"):
        assert visitor.open(f"/feeds/{guess}.ics").status == 404


def test_the_page_works_at_any_time(visitor: Visitor, clock: time_machine.Coordinates) -> None:
    for at_ in (at("00:00"), at("23:59"), at("12:00", date(2027, 3, 28)), at("12:00", date(2026, 12, 31))):
        clock.move_to(at_)
        assert visitor.open("/places/buergerbuero").status == 200
