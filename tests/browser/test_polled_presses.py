"""A press counts, although what came from the server meanwhile replaces the button under it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import LAPTOP, NewContext, follow, log_in

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]

WITHOUT_POINTER_EVENTS = """
["pointerdown", "pointerup", "pointercancel"].forEach(function (name) {
    window.addEventListener(name, function (event) { event.stopImmediatePropagation(); }, true);
});
"""
NOTES_ANSWER = """
const text = Response.prototype.text;
const after = new MessageChannel();
window.answered = new Promise(function (resolve) { after.port1.onmessage = resolve; }).then(function () { return 1; });
Response.prototype.text = async function () {
    const found = await text.call(this);
    if (this.url.endsWith("/my/now")) { after.port2.postMessage(null); }
    return found;
};
"""
"""Answered it is once the page has done all that it does at once."""


class Polled:
    """My day of an adviser, whose part that refreshes itself has the button for a break; its clock stands."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.held = page, list[Route]()
        page.route("**/my/now**", lambda route: self.held.append(route))
        page.clock.install()
        page.goto(address)
        page.evaluate("document.getElementById('break').dataset.old = ''")
        page.clock.pause_at(page.evaluate("Date.now() / 1000") + 30)  # now it has asked, if it had not yet
        self.old = page.locator("#break[data-old]")

    def press_mouse(self) -> None:
        self.page.locator("#break").hover()
        self.page.mouse.down()

    def press_space(self) -> None:
        self.page.locator("#break").focus()
        self.page.keyboard.down("Space")

    def answer(self) -> None:
        """What the page has asked for comes."""
        while not self.held:  # it is asked for: the next moments bring it
            self.page.evaluate("0")
        self.held.pop().continue_()
        self.page.evaluate("window.answered")


@pytest.fixture
def polled(request: pytest.FixtureRequest, new_context: NewContext, base_url: str) -> Polled:
    page = log_in(new_context("en-GB", LAPTOP), base_url, "awo-1")
    follow(page, "button:has-text('Tisch 1')")
    page.add_init_script(NOTES_ANSWER + getattr(request, "param", ""))
    return Polled(page, f"{base_url}/my")


@pytest.mark.parametrize("polled", ["", WITHOUT_POINTER_EVENTS], ids=["pointers", "no pointers"], indirect=True)
def test_a_press_during_which_the_part_is_replaced_still_counts(polled: Polled) -> None:
    page = polled.page
    polled.press_mouse()
    polled.answer()
    with page.expect_navigation():
        page.mouse.up()
    expect(page.locator("#back")).to_be_visible()


def test_a_press_of_the_space_bar_counts_too(polled: Polled) -> None:
    page = polled.page
    polled.press_space()
    polled.answer()
    with page.expect_navigation():
        page.keyboard.up("Space")
    expect(page.locator("#back")).to_be_visible()


@pytest.mark.parametrize("press", [Polled.press_mouse, Polled.press_space], ids=["mouse", "space"])
def test_no_press_holds_for_longer_than_three_seconds(polled: Polled, press: Callable[[Polled], None]) -> None:
    press(polled)
    polled.answer()
    polled.page.clock.run_for(2_900)
    assert polled.old.count() == 1
    polled.page.clock.run_for(200)
    expect(polled.old).to_have_count(0)
    expect(polled.page.locator("#break")).to_be_visible()


def test_what_came_is_put_in_as_soon_as_the_press_is_over(polled: Polled) -> None:
    polled.press_mouse()
    polled.answer()
    assert polled.old.count() == 1
    polled.page.mouse.move(1, 1)
    polled.page.mouse.up()
    polled.page.clock.run_for(500)
    expect(polled.old).to_have_count(0)


def test_without_a_press_what_comes_is_put_in_at_once(polled: Polled) -> None:
    polled.answer()
    expect(polled.old).to_have_count(0)
