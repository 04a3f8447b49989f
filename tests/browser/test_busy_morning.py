"""A busy morning at the shared session, in real browsers: fifteen at the doors, a full house at 11:20, the close.

The clock of the server is moved; the browser keeps the real one. So the town lies where the real time is seven in the
morning: every time that the server tells lies a few hours ahead, and no cookie is out of date.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from scheduler import town_file
from scheduler.actions.staff import make_account
from scheduler.db import Database
from scheduler.models import Adviser, Consultation, Opening, Place, Step, TurnedAway, Visit
from tests.browser.conftest import PASSWORD, NewContext, follow, log_in, press, serve
from tests.browser.test_called import LOOK_AGAIN, SCREEN
from tests.conftest import SMALL_TOWN

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)]
"""On one database: the morning of `test_wednesday` runs on both."""

ADVISERS = {"awo-1": "Tisch 1", "awo-2": "Tisch 2", "ib-1": "Tisch 3"}
AT_THE_DOORS = [
    *[["2", "4", "Enter"]] * 5, ["1", "4", "Enter"], ["n"], ["1", "5", "Enter"], ["2", "4", "f", "Enter"],
    ["2", "5", "u", "Enter"], ["2", "4", "a", "Enter"], ["1", "4", "Enter"], ["2", "5", "Enter"], ["3", "Enter"], ["n"],
]  # fmt: skip
"""What the desk presses for each: the ninth asks for Persian, the tenth is urgent."""
SPEAKS_DARI, IS_URGENT = 9, 10


class Morning:
    """The real day, in a zone where it is seven now; `clock` stands at an hour of it and goes on."""

    def __init__(self, clock: time_machine.Traveller, base_url: str, zone: ZoneInfo) -> None:
        self.clock, self.base_url, self.zone = clock, base_url, zone

    def come_to(self, hour: int, minute: int) -> None:
        today = datetime.now(self.zone).date()
        self.clock.move_to(datetime.combine(today, time(hour, minute), self.zone))


@pytest.fixture
def morning(database: Database, database_url: str, closing: ExitStack) -> Iterator[Morning]:
    now = datetime.now(UTC)
    ahead = (7 - now.hour + 11) % 24 - 11
    zone = f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"  # its sign is turned round
    set_up(database, zone, now)
    base_url = closing.enter_context(serve(database_url))
    with time_machine.travel(now, tick=True) as clock:
        yield Morning(clock, base_url, ZoneInfo(zone))


def set_up(database: Database, zone: str, now: datetime) -> None:
    """The small town with a session today, and an adviser who speaks Persian tomorrow at another place."""
    today = now.astimezone(ZoneInfo(zone)).date()
    data: dict[str, Any] = tomllib.loads(SMALL_TOWN.read_text("utf-8"))
    data["town"]["timezone"], data["closure"] = zone, []
    data["adviser"].append(
        {"key": "awo-3", "carrier": "awo", "name": "AWO 3", "services": ["MBE", "JMD"], "languages": ["de", "fa"]}
    )
    shared = {"services": ["MBE", "JMD"], "valid_from": today}
    data["hours"] = [
        {
            **shared, "key": "session", "place": "buergerbuero", "dates": [today], "from": time(9), "until": time(12),
            "admits": "mixed", "appointments_at_once": 1, "tickets_minutes_before": 30, "advisers": list(ADVISERS),
        },
        {
            **shared, "key": "office", "place": "awo-buero", "dates": [today + timedelta(days=1)], "from": time(13),
            "until": time(16), "admits": "appointment", "advisers": ["awo-3"],
        },
    ]  # fmt: skip
    with database.writing() as session:
        town_file.store(session, town_file.parse(data), now)
        place = session.scalars(select(Place).where(Place.key == "buergerbuero")).one()
        make_account(session, login="desk", name="Desk", password=PASSWORD, now=now, desk_of=place)
        for adviser in session.scalars(select(Adviser).where(Adviser.key.in_(ADVISERS))):
            make_account(session, login=adviser.key, name=adviser.key, password=PASSWORD, now=now, adviser=adviser)
        session.commit()


def test_a_busy_morning_from_the_doors_to_the_close(
    new_context: NewContext, morning: Morning, database: Database
) -> None:
    morning.come_to(8, 50)
    desk = log_in(new_context("en-GB"), morning.base_url, "desk")
    give_fifteen_numbers(desk)
    expect(desk.locator(".lines--red .number")).to_have_text(str(SPEAKS_DARI))
    board = new_context("en-GB", SCREEN).new_page()
    board.goto(f"{morning.base_url}/board/buergerbuero")
    expect(board.locator(".board-next b").first).to_have_text(str(IS_URGENT))

    morning.come_to(9, 0)
    advisers = {key: sit_down(new_context, morning, key) for key in ADVISERS}
    assert call_next(advisers["awo-1"], board) == IS_URGENT
    hand_over(advisers["awo-1"], to="Beratung AWO 2")
    assert call_next(advisers["awo-2"], board) == IS_URGENT, "the number stays, and so does its place"
    expect(advisers["awo-2"].locator(".serving")).not_to_contain_text("handed over")
    served = {IS_URGENT}
    finish(advisers["awo-2"])
    for hour, minute in ((9, 10), (9, 50), (10, 40)):
        morning.come_to(hour, minute)
        for adviser in advisers.values():
            adviser.goto(f"{morning.base_url}/my")
            served.add(call_next(adviser, board))
            finish(adviser)
    assert len(served) == 10, "nobody is called twice"

    morning.come_to(11, 18)
    for key in ("ib-1", "awo-2"):
        go_home(advisers[key])
    morning.come_to(11, 20)
    desk.goto(f"{morning.base_url}/desk")
    expect(desk.locator(".full-house")).to_contain_text("whoever comes now will probably not be served before")
    assert book_elsewhere(desk, "2", "4", "Enter")
    waiting = offer_a_time_to_the_last(desk)
    turn_one_away(desk)
    board.reload()
    expect(board.locator(".board-newcomer")).to_have_text("No more numbers today.")

    morning.come_to(11, 50)
    advisers["awo-1"].goto(f"{morning.base_url}/my")
    served.add(call_next(advisers["awo-1"], board))
    finish(advisers["awo-1"])
    morning.come_to(12, 20)
    close(desk, morning)
    board.reload()
    expect(board.locator(".board-closed")).to_be_visible()
    check_what_came_of_it(database, served, waiting)


def give_fifteen_numbers(desk: Page) -> None:
    for number, keys in enumerate(AT_THE_DOORS, 1):
        press(desk, *keys)
        expect(desk.locator(".given-big")).to_have_text(str(number))
        if number == SPEAKS_DARI:
            expect(desk.locator(".unmet-wish")).to_contain_text("Nobody speaks")
            expect(desk.locator(".unmet-wish .choice").first).to_contain_text("Büro der Arbeiterwohlfahrt")
    expect(desk.locator(".line--waiting")).to_have_count(len(AT_THE_DOORS))


def sit_down(new_context: NewContext, morning: Morning, key: str) -> Page:
    page = log_in(new_context("en-GB"), morning.base_url, key)
    follow(page, f"button:has-text('{ADVISERS[key]}')")
    return page


def call_next(adviser: Page, board: Page) -> int:
    """The number, which the board shows, too."""
    follow(adviser, "#next")
    number = adviser.inner_text(".serving-number")
    station = adviser.inner_text(".my-bar strong")
    board.evaluate(LOOK_AGAIN)
    expect(board.locator(".board-number")).to_have_text(number)
    expect(board.locator(".board-station")).to_contain_text(station)
    follow(adviser, "#start")
    expect(adviser.locator("#finish")).to_be_visible()
    return int(number)


def hand_over(adviser: Page, to: str) -> None:
    follow(adviser, "#hand-over")
    follow(adviser, f"button.choice:has-text('{to}')")


def finish(adviser: Page) -> None:
    """And the outcome follows later today."""
    follow(adviser, "#finish")
    follow(adviser, "text=Later today")


def go_home(adviser: Page) -> None:
    adviser.reload()
    follow(adviser, "#gone")
    expect(adviser.locator(".sit")).to_be_visible()


def book_elsewhere(desk: Page, *keys: str) -> str:
    """Whoever stands there gets a time at the other place; gives the code."""
    press(desk, *keys)
    follow(desk, "section.day:has(h4[id^=elsewhere]) .time >> nth=0")
    expect(desk.locator(".booked")).to_contain_text("Büro der Arbeiterwohlfahrt")
    code = desk.inner_text(".booked .code")
    press(desk, "Escape")
    return code


def offer_a_time_to_the_last(desk: Page) -> int:
    """Whoever will probably not be served before closing gives the number up for a time; gives the number."""
    line = desk.locator(".lines--hardly .line").last.get_attribute("id")  # the list may refresh itself meanwhile
    number = int(desk.inner_text(f"#{line} .number"))
    follow(desk, f"#{line} :text('Offer a time')")
    expect(desk.locator("#book-title")).to_have_text(f"Time for number {number}")
    follow(desk, "section.day:has(h4[id^=elsewhere]) .time >> nth=0")
    expect(desk.locator(".booked")).to_contain_text("Büro der Arbeiterwohlfahrt")
    press(desk, "Escape")
    expect(desk.locator(".full-house")).to_be_visible()
    return number


def turn_one_away(desk: Page) -> None:
    press(desk, "w")
    expect(desk.locator(".turned-away")).to_contain_text("1 person turned away today")


def close(desk: Page, morning: Morning) -> None:
    desk.goto(f"{morning.base_url}/desk")
    follow(desk, "#close")
    expect(desk.locator("main")).to_contain_text("still wait")
    follow(desk, "main .button--main")
    expect(desk.locator(".door-state")).to_contain_text("Closed")


def check_what_came_of_it(database: Database, served: set[int], gave_up: int) -> None:
    with database.reading() as session:
        states = Counter(session.scalars(select(Visit.state)))
        assert states == {"done": len(served), "booked": 2, "cancelled": 1, "not_served": 15 - len(served) - 1}
        tickets = select(Visit.ticket).where(Visit.state == "done")
        assert set(session.scalars(tickets)) == served
        assert session.scalars(select(Visit.state).where(Visit.ticket == gave_up)).one() == "cancelled"
        assert session.scalars(select(Consultation.id).where(Consultation.ended_at.is_(None))).all() == []
        assert Counter(session.scalars(select(Consultation.ended_as))) == {"finished": len(served), "handed_over": 1}
        assert session.scalars(select(func.count(TurnedAway.id))).one() == 1
        assert session.scalars(select(Opening.closed_at).where(Opening.closed_at.is_not(None))).one()
        assert session.scalars(select(func.count(Step.id)).where(Step.verb == "hand_over")).one() == 1
