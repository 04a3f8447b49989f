"""My calendar by keyboard alone: make an address, copy it, open it, switch it off."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewContext, log_in, press

pytestmark = pytest.mark.browser

IS_COPIED = """words => {
    navigator.clipboard.readText().then(text => { window.copied = text; });
    return window.copied === words;
}"""
"""The page says "Copied" while the browser may still be at it."""


def go_to(page: Page, words: str) -> None:
    """Press Tab until what has these words has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent").strip() == words:
            return
    raise AssertionError(f"no Tab leads to {words!r}")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_address_is_made_copied_and_switched_off_by_keyboard(new_context: NewContext, base_url: str) -> None:
    context = new_context("en-GB", permissions=["clipboard-read", "clipboard-write"])
    page = log_in(context, base_url, "awo-1")
    page.goto(f"{base_url}/my/feeds")
    go_to(page, "Make an address")
    press(page, "Enter")
    go_to(page, "Copy")
    page.keyboard.press("Enter")
    expect(page.locator("[data-copy]")).to_have_text("Copied")
    expect(page.locator("[data-copy]")).to_be_focused()
    page.wait_for_function(IS_COPIED, arg=page.input_value("#address"))
    page.keyboard.press("Tab")
    opens = page.evaluate("document.activeElement.href")
    assert opens == page.input_value("#address").replace("http://", "webcal://")
    go_to(page, "Switch off")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Switch off for good")
    press(page, "Enter")
    expect(page.locator(".feeds")).to_have_count(0)
