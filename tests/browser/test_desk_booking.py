"""A caller is booked by keyboard alone, while people come in and the list refreshes itself."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from scheduler.actions.registration import Answers, register
from scheduler.actions.rulebook import read_rulebook
from scheduler.actions.steps import By
from scheduler.db import Database
from scheduler.domain.recurrence import local_date
from scheduler.models import Visit
from tests.browser.conftest import NewContext, follow, log_in, press

pytestmark = pytest.mark.browser

FOCUSED = "document.activeElement.value || document.activeElement.textContent"


def come_in(database: Database) -> int:
    """Somebody gets a number at another screen; gives the number."""
    now = datetime.now(UTC)
    with database.writing() as session:
        rulebook = read_rulebook(session)
        opening = rulebook.opening("today", local_date(now, rulebook.zone))
        assert opening is not None
        visit = register(session, rulebook, opening, Answers(), locale="de", by=By("staff"), now=now)
        session.commit()
        return visit.ticket or 0


def wait_for_line(desk: Page, ticket: int) -> None:
    expect(desk.locator(f".line--waiting .number:text-is('{ticket}')")).to_be_visible()


def checked(desk: Page, name: str) -> str:
    return str(desk.locator(f".book [name={name}]:checked").input_value())


def test_a_caller_is_booked_by_keyboard_while_the_queue_refreshes(
    new_context: NewContext, base_url: str, database: Database
) -> None:
    desk = log_in(new_context("en-GB"), base_url, "desk")
    press(desk, "2", "b")
    assert checked(desk, "age") == "from_27", "what was asked before goes along"
    expect(desk.locator("#adviser")).to_be_hidden()
    desk.keyboard.press("6")
    expect(desk.locator("#adviser")).to_be_visible()
    wait_for_line(desk, come_in(database))
    assert [checked(desk, name) for name in ("age", "concern")] == ["from_27", "known"]

    press(desk, "4", "d", "Enter")
    expect(desk.locator(".book .time").first).to_be_focused()
    for key in ("ArrowRight", "ArrowDown", "ArrowRight", "ArrowUp", "ArrowLeft"):
        desk.keyboard.press(key)
    chosen = desk.evaluate(FOCUSED)
    wait_for_line(desk, come_in(database))
    assert desk.evaluate(FOCUSED) == chosen, "the keyboard stays where it was"

    press(desk, "n")
    expect(desk.locator(".given-big")).to_have_text("3")
    assert [checked(desk, name) for name in ("age", "concern", "language")] == ["from_27", "letter", "de"]
    expect(desk.locator(".book .time").first).to_be_focused()
    desk.keyboard.press("ArrowRight")
    chosen = desk.evaluate(FOCUSED)
    press(desk, "Enter")

    with database.reading() as session:
        visit = session.scalars(select(Visit).where(Visit.kind == "appointment")).one()
        assert chosen == f"{visit.opening.public_id}/{visit.starts_at.isoformat()}" if visit.starts_at else False
        code = visit.code or ""
    expect(desk.locator(".booked .code")).to_have_text(f"{code[:3]} {code[3:6]} {code[6:]}")
    press(desk, "Escape")
    expect(desk.locator(".register .button--main")).to_be_visible()


def test_the_time_is_offered_from_the_line_of_who_waits(
    new_context: NewContext, base_url: str, database: Database
) -> None:
    desk = log_in(new_context("ar"), base_url, "desk")
    ticket = come_in(database)
    wait_for_line(desk, ticket)
    follow(desk, "[id^=offer-]")
    expect(desk.locator(".book .time").first).to_be_focused()
    first = desk.evaluate(FOCUSED)
    desk.keyboard.press("ArrowLeft")
    assert desk.evaluate(FOCUSED) > first, "in Arabic the next time stands to the left"
    press(desk, "Enter")
    expect(desk.locator(".booked .code")).to_be_visible()
    expect(desk.locator(".line--waiting")).to_have_count(0)
    with database.reading() as session:
        states = dict(session.execute(select(Visit.kind, Visit.state)).all())
    assert states == {"walk_in": "cancelled", "appointment": "booked"}
