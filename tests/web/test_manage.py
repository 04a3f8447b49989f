"""Coordinators see duties, gaps and sums, and no visit; they make shared calendars. Administrators see the set-up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.feeds import make_feed
from scheduler.models import Carrier, Feed, TurnedAway, Visit
from scheduler.models.hours import Opening
from tests.actions.small_town import LAST_WEDNESDAY, adviser_of, at, be_away
from tests.conftest import NOW
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.visitor import Visitor


@pytest.fixture
def of_place(app: Flask, town: LiveTown, open_day: None) -> Visitor:
    return Visitor(app).log_in_as(town.account(hours_at="buergerbuero"))


@pytest.fixture
def of_carrier(app: Flask, town: LiveTown, open_day: None) -> Visitor:
    return Visitor(app).log_in_as(town.account(carrier="awo"))


@pytest.fixture
def administrator(app: Flask, town: LiveTown, open_day: None) -> Visitor:
    return Visitor(app).log_in_as(town.account(administrator=True))


def sums(page: Page) -> dict[str, str]:
    return {each.one("dt").text: each.one("dd").text for each in page.root.all("div", class_="sum")}


def duties(page: Page) -> list[str]:
    return [each.text for each in page.root.one("ul", class_="lines").all("li", class_="line")]


def end_visits(town: LiveTown, number: int, state: str, wait_minutes: int = 20, carrier: str = "awo") -> None:
    """Walk-ins of the last session, with their consultations where they were served."""

    def action(session: Session) -> None:
        opening = session.scalars(select(Opening).where(Opening.original_on == LAST_WEDNESDAY)).first()
        assert opening is not None
        first = session.scalars(select(Visit.id).order_by(Visit.id.desc())).first() or 0
        for each in range(number):
            session.add(_ended(session, opening, 500 + first + each, state, wait_minutes, carrier))

    town.change(action)


def _ended(session: Session, opening: Opening, ticket: int, state: str, wait: int, carrier: str) -> Visit:
    from scheduler.models import Consultation

    came = at("09:00", LAST_WEDNESDAY)
    visit = Visit(
        opening_id=opening.id, place_id=opening.hours.place_id, local_on=LAST_WEDNESDAY, kind="walk_in", state=state,
        ticket=ticket, locale="de", arrived_at=came, created_at=came, changed_at=came, ended_at=came,
    )  # fmt: skip
    adviser = adviser_of(session, f"{carrier}-1")
    called = came + timedelta(minutes=wait)
    if state == "done":
        visit.consultations = [
            Consultation(
                adviser_id=adviser.id, carrier_id=adviser.carrier_id, station="Tisch 1", called_at=called,
                last_called_at=called, started_at=called, ended_at=called, ended_as="finished",
            )
        ]  # fmt: skip
    return visit


def test_the_coordinator_of_a_place_sees_who_is_on_duty_by_name_and_carrier(of_place: Visitor) -> None:
    lines = duties(of_place.open("/manage"))
    assert len(lines) == 9
    assert "cancelled Christmas holidays" in " ".join(lines)
    assert "Beratung AWO 1" in lines[0]
    assert "Arbeiterwohlfahrt" in lines[0]
    assert "Beratung IB 1" in lines[0]
    assert all("fewer" not in each and "nobody" not in each for each in lines)


def test_who_is_away_leaves_a_gap(of_place: Visitor, town: LiveTown) -> None:
    town.change(lambda session: be_away(session, "awo-1", "09:00", "12:00"))
    town.change(lambda session: be_away(session, "awo-2", "10:00", "12:00"))
    line = duties(of_place.open("/manage"))[0]
    assert "fewer than usual" in line
    assert line.count("away for a part") == 1
    for key in ("awo-2", "ib-1"):
        town.change(lambda session, key=key: be_away(session, key, "09:00", "12:00"))
    assert "nobody on duty" in duties(of_place.open("/manage"))[0]


def test_the_coordinator_of_a_carrier_sees_the_own_advisers_anywhere_and_nobody_else(
    of_carrier: Visitor, town: LiveTown
) -> None:
    page = of_carrier.open("/manage")
    lines = duties(page)
    assert {"Bürgerbüro" in each for each in lines} == {True, False}
    assert any("Büro der Arbeiterwohlfahrt" in each for each in lines)
    assert "Beratung AWO 2" in page.text
    assert "IB 1" not in page.text


def test_sums_of_a_place(of_place: Visitor, town: LiveTown) -> None:
    end_visits(town, 6, "done", wait_minutes=20)
    end_visits(town, 5, "not_served")
    for _ in range(5):
        town.take_in(language="ar")
    opening_id = town.newest_visit().opening_id
    town.change(lambda s: s.add_all(TurnedAway(opening_id=opening_id, at=at("09:01")) for _ in range(5)))
    assert sums(of_place.open("/manage")) == {
        "Appointments booked": "fewer than 5",
        "Without appointment today": "5",
        "Turned away today": "5",
        "Visits": "11",
        "Served": "6",
        "Not served": "5",
        "Average wait": "20 minutes",
    }


def test_sums_of_a_carrier_count_the_own_consultations_alone(of_carrier: Visitor, town: LiveTown) -> None:
    end_visits(town, 6, "done", wait_minutes=10)
    end_visits(town, 7, "done", wait_minutes=50, carrier="ib")
    end_visits(town, 9, "not_served")
    assert sums(of_carrier.open("/manage")) == {
        "Appointments booked": "fewer than 5",
        "Called today without appointment": "fewer than 5",
        "Served": "6",
        "Average wait": "10 minutes",
    }


def test_small_sums_say_fewer_than_five_and_no_average_of_few(of_place: Visitor, town: LiveTown) -> None:
    end_visits(town, 4, "done")
    shown = sums(of_place.open("/manage"))
    assert shown["Served"] == shown["Visits"] == "fewer than 5"
    assert "Average wait" not in shown


def test_coordinators_see_no_visit_no_number_and_no_language(
    of_place: Visitor, of_carrier: Visitor, town: LiveTown
) -> None:
    visit_id = town.take_in(language="ar", age_group="from_27", concern="letter", urgent=True)
    ticket = town.visit(visit_id).ticket
    code = town.visit(town.book("10:30", language="ar")).code
    assert code is not None
    for who in (of_place, of_carrier):
        html = who.open("/manage").html
        assert f">{ticket}<" not in html
        assert code not in html.replace(" ", "")
        assert "Arabic" not in html
        for address in ("/desk", "/my", f"/appointments/{visit_id}", "/desk/queue", "/my/now"):
            assert who.open(address).status in (403, 404), address


@pytest.mark.parametrize("roles", [{"desk": "buergerbuero"}, {"adviser": "awo-1"}, {"administrator": True}])
def test_nobody_else_sees_duties_and_sums(app: Flask, town: LiveTown, open_day: None, roles: dict[str, Any]) -> None:
    assert Visitor(app).log_in_as(town.account(**roles)).open("/manage").status == 403


def test_only_administrators_see_the_set_up(
    of_place: Visitor, of_carrier: Visitor, desk: Visitor, adviser: Visitor
) -> None:
    assert {who.open("/manage/set-up").status for who in (of_place, of_carrier, desk, adviser)} == {403}


def test_the_set_up_at_a_glance(administrator: Visitor, town: LiveTown) -> None:
    town.account(adviser="awo-2")
    page = administrator.open("/manage/set-up")
    for words in ("Bürgerbüro", "buergerbuero-mi", "Arbeiterwohlfahrt", "town's file"):
        assert words in page.text
    advisers = {each.one("bdi").text: "no account" in each.text for each in page.root.all("span", class_="on-duty")}
    assert (advisers["Beratung AWO 1"], advisers["Beratung AWO 2"]) == (True, False)
    assert {"/accounts", "/manage/trail"} <= set(page.links)
    assert [each.action.partition("?")[0] for each in page.forms] == ["/lock", "/logout"]


def test_an_address_is_shown_once_and_works(of_carrier: Visitor, visitor: Visitor, town: LiveTown) -> None:
    page = of_carrier.open("/manage/feeds")
    made = of_carrier.press(page, "/manage/feeds")
    assert made.status == 201
    address = next(
        each.attrs["value"] for each in made.root.all("input") if each.attrs.get("value", "").endswith(".ics")
    )
    assert visitor.open(address.removeprefix("http://localhost")).status == 200
    feed = town.read(lambda s: s.scalars(select(Feed).order_by(Feed.id.desc())).first())
    assert feed is not None
    assert (feed.kind, feed.level) == ("carrier", "busy")
    again = of_carrier.open("/manage/feeds")
    assert address not in again.html
    assert "Arbeiterwohlfahrt" in again.root.one("ul", class_="feeds").text
    assert "fetched 1 minute ago" in again.text
    assert of_carrier.press(again, "/revocation").status == 303
    assert visitor.open(address.removeprefix("http://localhost")).status == 404


def test_an_administrator_makes_interpreters_calendars_and_switches_off_all(
    administrator: Visitor, of_carrier: Visitor, town: LiveTown
) -> None:
    of_carrier.press(of_carrier.open("/manage/feeds"), "/manage/feeds")
    made = administrator.press(administrator.open("/manage/feeds"), "/manage/feeds", of="language-ar")
    assert made.status == 201
    assert [word in made.root.one("ul", class_="feeds").text for word in ("Arabic", "Arbeiterwohlfahrt")] == [True] * 2
    kinds = town.read(lambda s: list(s.execute(select(Feed.kind, Feed.language, Feed.level).order_by(Feed.id))))
    assert [tuple(each) for each in kinds] == [("carrier", None, "busy"), ("interpreter", "ar", "busy")]
    for _ in kinds:
        assert administrator.press(administrator.open("/manage/feeds"), "/revocation").status == 303
    assert town.read(lambda s: s.scalars(select(Feed.id).where(Feed.revoked_at.is_(None))).all()) == []


def test_appointments_of_all_carriers_are_not_a_coordinators_to_show(
    of_place: Visitor, of_carrier: Visitor, town: LiveTown
) -> None:
    town.change(lambda s: make_feed(s, "ar", level="busy", base_url="http://localhost", now=NOW) and None)
    page = of_carrier.open("/manage/feeds")
    assert "Arabic" not in page.text
    assert of_carrier.post("/manage/feeds", page, of="language-ar").status == 404
    assert of_place.open("/manage/feeds").status == 403


@pytest.mark.parametrize(
    "of", ["", "x", "language-", "language-xx", "carrier-", "carrier-x", "carrier-99999999999", "adviser-1"]
)
def test_what_cannot_be_had_is_not_found(of_carrier: Visitor, town: LiveTown, of: str) -> None:
    assert of_carrier.post("/manage/feeds", of_carrier.open("/manage/feeds"), of=of).status == 404
    assert town.count(Feed) == 0


def test_another_carriers_calendar_is_neither_made_nor_seen_nor_switched_off(
    of_carrier: Visitor, town: LiveTown
) -> None:
    def make(session: Session) -> tuple[int, int, int]:
        other = session.scalars(select(Carrier).where(Carrier.key == "ib")).one()
        feed = make_feed(session, other, level="details", base_url="http://localhost", now=NOW)[0]
        own = make_feed(session, adviser_of(session, "awo-1"), level="busy", base_url="http://localhost", now=NOW)[0]
        return other.id, feed.id, own.id

    carrier_id, feed_id, of_adviser = town.change(make)
    before = town.dump()
    page = of_carrier.open("/manage/feeds")
    assert of_carrier.post("/manage/feeds", page, of=f"carrier-{carrier_id}").status == 404
    assert of_carrier.post(f"/manage/feeds/{feed_id}/revocation", page).status == 404
    assert of_carrier.post(f"/manage/feeds/{of_adviser}/revocation", page).status == 404
    assert "Internationaler Bund" not in page.text
    assert not page.root.all("ul", class_="feeds")
    assert town.dump() == before


@pytest.mark.parametrize(
    ("roles", "first"),
    [
        ({"desk": "buergerbuero", "administrator": True}, "/desk"),
        ({"adviser": "awo-1", "carrier": "awo"}, "/my"),
        ({"carrier": "awo"}, "/manage"),
        ({"hours_at": "buergerbuero"}, "/manage"),
        ({"administrator": True}, "/manage/set-up"),
    ],
)
def test_each_role_has_a_first_page_that_it_may_see(
    app: Flask, town: LiveTown, open_day: None, roles: dict[str, Any], first: str
) -> None:
    who = Visitor(app).log_in_as(town.account(**roles))
    back = who.open("/lock")
    assert back.root.one("a", class_="button--main").attrs["href"] == first
    assert who.open(first).status == 200
    shown = {each.split("?")[0] for each in who.open(first).root.one("nav").all("a") and who.open(first).links}
    assert {who.open(each).status for each in shown if each.startswith(("/manage", "/desk", "/my"))} == {200}


def test_of_a_carrier_that_left_the_town_nobody_coordinates_anything(of_carrier: Visitor, town: LiveTown) -> None:
    def retire(session: Session) -> None:
        session.scalars(select(Carrier).where(Carrier.key == "awo")).one().retired_at = NOW

    def take_back(session: Session) -> None:
        session.scalars(select(Carrier).where(Carrier.key == "awo")).one().retired_at = None

    pages = ("/manage", "/manage/feeds", "/accounts", "/accounts/new")
    assert [of_carrier.open(each).status for each in pages] == [200] * 4
    town.change(retire)
    try:
        assert [of_carrier.open(each).status for each in pages] == [403] * 4
    finally:
        town.change(take_back)  # all tests share the set-up
