"""A number on the own phone and on the waiting room's screen, from waiting to called, in real browsers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.calling import call, call_again
from scheduler.actions.presence import sit_down
from scheduler.actions.registration import Answers, register
from scheduler.actions.rulebook import PlannedOpening, read_rulebook
from scheduler.actions.steps import By
from scheduler.db import Database
from scheduler.domain.codes import link_token
from scheduler.domain.recurrence import local_date
from scheduler.models import Adviser
from tests.browser.conftest import PHONE, NewContext
from tests.browser.test_screens import look
from tests.conftest import SECRET

pytestmark = pytest.mark.browser

STAFF = By("staff")
SCREEN = {"width": 1920, "height": 1080}
UPRIGHT = {"width": 1080, "height": 1920}
NOTES_ALARMS = """
window.alarms = [];
navigator.vibrate = function () { window.alarms.push("vibrate"); return true; };
document.addEventListener("ring", function () { window.alarms.push("ring"); });
"""
LOOK_AGAIN = """async () => {
    const send = window.fetch;
    let asks = false;
    window.fetch = (...all) => { asks = true; return send(...all); };
    while (!asks) {
        document.dispatchEvent(new Event("visibilitychange"));
        await new Promise(requestAnimationFrame);
    }
    window.fetch = send;
}"""
"""As when a phone is taken out of the pocket: the page asks at once, or as soon as it has the answer before."""
SIZES = """selectors => selectors.map(each => document.querySelector(each).getBoundingClientRect())
    .map(box => [box.width, box.height])"""


@pytest.fixture
def tokens(base_url: str, database: Database) -> list[str]:
    """The links of five who wait."""
    with database.writing() as session:
        rulebook = read_rulebook(session)
        visits = [
            register(session, rulebook, todays(session), Answers(), locale="de", by=STAFF, now=datetime.now(UTC))
            for _ in range(5)
        ]
        session.commit()
        return [link_token(SECRET, each.id, 0) for each in visits]


def todays(session: Session) -> PlannedOpening:
    rulebook = read_rulebook(session)
    found = rulebook.opening("today", local_date(datetime.now(UTC), rulebook.zone))
    assert found is not None
    return found


def call_first(database: Database, token: str) -> int:
    """An adviser at table 2 calls this number; gives the consultation."""
    with database.writing() as session:
        adviser = session.scalars(select(Adviser).where(Adviser.key == "awo-2")).one()
        sit_down(session, todays(session), adviser, "Tisch 2", datetime.now(UTC))
        called = call(session, int(token.split("-")[0]), adviser, by=STAFF, now=datetime.now(UTC))
        session.commit()
        return called.id


def call_once_more(database: Database, consultation_id: int) -> None:
    with database.writing() as session:
        call_again(session, consultation_id, by=STAFF, now=datetime.now(UTC))
        session.commit()


def alarms(page: Page) -> list[str]:
    return list(page.evaluate("window.alarms"))


def sizes(page: Page, *selectors: str) -> list[tuple[float, float]]:
    """Width and height of each, all at the same moment: the page refreshes itself."""
    return [(width, height) for width, height in page.evaluate(SIZES, selectors)]


def test_a_call_rings_vibrates_and_stands_in_the_title(
    new_context: NewContext, base_url: str, database: Database, tokens: list[str]
) -> None:
    context = new_context("en-GB", PHONE)
    context.add_init_script(NOTES_ALARMS)
    page = context.new_page()
    page.goto(f"{base_url}/tickets/{tokens[0]}")
    expect(page.get_by_text("You are next.")).to_be_visible()
    title = page.title()
    page.click("[data-sound]")
    expect(page.locator("[data-sound]")).to_be_hidden()
    called = call_first(database, tokens[0])
    page.evaluate(LOOK_AGAIN)
    expect(page.locator(".my-call")).to_contain_text("Tisch 2")
    [(width, _)] = sizes(page, ".my-call .symbol")
    assert width >= 48
    assert page.title() == "● It is your turn. Please go to: Tisch 2"
    assert page.inner_text("[data-announce]") == "It is your turn. Please go to: Tisch 2"
    assert alarms(page) == ["ring", "vibrate"]
    for _ in range(2):  # the second waits until the first has its answer
        page.evaluate(LOOK_AGAIN)
    assert alarms(page) == ["ring", "vibrate"], "an unchanged poll is silent"
    call_once_more(database, called)
    page.evaluate(LOOK_AGAIN)
    expect(page.locator("[data-alert]")).to_have_attribute("data-calls", "2")
    assert alarms(page) == ["ring", "vibrate"] * 2
    assert title.startswith("Your number 1")


def test_whoever_waits_far_behind_hears_nothing_of_it(
    new_context: NewContext, base_url: str, database: Database, tokens: list[str]
) -> None:
    context = new_context("en-GB", PHONE)
    context.add_init_script(NOTES_ALARMS)
    page = context.new_page()
    page.goto(f"{base_url}/tickets/{tokens[4]}")
    title = page.title()
    call_first(database, tokens[0])
    page.evaluate(LOOK_AGAIN)
    expect(page.get_by_text("3 people are before you.")).to_be_visible()
    assert (alarms(page), page.title()) == ([], title)


def test_when_the_line_is_down_the_page_says_since_when(
    new_context: NewContext, base_url: str, tokens: list[str]
) -> None:
    context = new_context("en-GB", PHONE)
    page = context.new_page()
    page.goto(f"{base_url}/tickets/{tokens[0]}")
    context.set_offline(True)
    page.evaluate(LOOK_AGAIN)
    expect(page.locator(".offline")).to_contain_text("No connection. As of")
    context.set_offline(False)
    page.evaluate(LOOK_AGAIN)
    expect(page.locator(".offline")).to_have_count(0)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("locale", ["de-DE", "ar"])
def test_ticket_and_board_fit_and_are_accessible(
    new_context: NewContext, base_url: str, database: Database, tokens: list[str], locale: str
) -> None:
    phone = new_context(locale, PHONE).new_page()
    problems: list[str] = []
    phone.goto(f"{base_url}/tickets/{tokens[4]}")
    if phone.locator("summary").count():
        phone.click("summary")
    problems += look(phone)
    call_first(database, tokens[0])
    phone.goto(f"{base_url}/tickets/{tokens[0]}")
    problems += look(phone)
    for viewport in (PHONE, SCREEN, UPRIGHT):
        board = new_context(locale, viewport).new_page()
        board.goto(f"{base_url}/board/buergerbuero")
        problems += look(board)
        too_high = board.evaluate("document.documentElement.scrollHeight - document.documentElement.clientHeight")
        if viewport is not PHONE and too_high > 0:
            problems.append(f"the board is {too_high} px too high at {viewport}")
    assert not problems, "\n".join(problems)


def test_the_last_call_fills_half_the_screen(
    new_context: NewContext, base_url: str, database: Database, tokens: list[str]
) -> None:
    call_first(database, tokens[0])
    board = new_context(viewport=SCREEN).new_page()
    board.goto(f"{base_url}/board/buergerbuero")
    latest, number, symbol = sizes(board, ".board-latest", ".board-number", ".board-station .symbol")
    assert latest[0] >= 0.5 * SCREEN["width"]
    assert latest[1] >= 0.7 * SCREEN["height"]
    assert number[1] >= 0.3 * SCREEN["height"]
    assert symbol[1] >= 0.15 * SCREEN["height"]
