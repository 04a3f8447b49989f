"""Every page at phone and laptop width, left to right and right to left: nothing sticks out, and axe finds nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import LAPTOP, PHONE, NewContext, follow, log_in, press

pytestmark = pytest.mark.browser

CLIENT_PAGES = (
    "/",
    "/book",
    "/book?age=from_27",
    "/book?age=from_27&concern=known",
    "/book?age=from_27&concern=letter",
    "/book?age=from_27&concern=letter&language=de",
    "/code",
    "/login",
    "/nowhere",
    "/board/buergerbuero",
    "/board/awo-buero",
    "/places",
    "/places/buergerbuero",
    "/places/awo-buero",
    "/demo/mail",
)

OWN_ACCOUNT = ("/account", "/account/password", "/account/second-factor", "/account/pin", "/lock", "/desk/nowhere")
MANAGE = ("/manage", "/manage/feeds", "/manage/set-up", "/manage/trail", "/accounts", "/accounts/new", "/accounts/1")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("locale", ["de-DE", "ar"])
@pytest.mark.parametrize("viewport", [PHONE, LAPTOP], ids=["phone", "laptop"])
def test_pages_fit_and_are_accessible(
    new_context: NewContext, base_url: str, viewport: dict[str, int], locale: str
) -> None:
    page = new_context(locale, viewport).new_page()
    desk = log_in(new_context(locale, viewport), base_url, "desk")
    adviser = log_in(new_context(locale, viewport), base_url, "awo-1")
    manager = log_in(new_context(locale, viewport), base_url, "manager")
    problems = [
        *look_at(page, base_url, CLIENT_PAGES),
        *look_at_booked(page, base_url),
        *look_at_desk(desk, base_url),
        *look_at_adviser(adviser, base_url),
        *look_at(manager, base_url, MANAGE),
        *look_at_account(adviser, base_url),
    ]
    assert not problems, "\n".join(problems)


def look_at(page: Page, base_url: str, addresses: tuple[str, ...]) -> Iterator[str]:
    for address in addresses:
        page.goto(base_url + address)
        yield from look(page)


def look_at_booked(page: Page, base_url: str) -> Iterator[str]:
    """The pages of an appointment, which have no fixed address."""
    page.goto(f"{base_url}/book?age=from_27&concern=letter&language=de")
    follow(page, ".time >> nth=1")
    page.wait_for_url(re.compile("/visits/"))
    yield from look(page)
    token = page.url.split("?")[0]
    yield from look_at(page, token, ("/move", "/cancellation"))


def look_at_desk(page: Page, base_url: str) -> Iterator[str]:
    press(page, "n")
    expect(page.locator(".given-big")).to_be_visible()
    yield from look(page)
    yield from look_at(page, base_url, links(page, "/ticket", "/answers"))
    yield from look_at(page, base_url, ("/desk?book=1", "/desk?book=1&times=1&age=from_27&concern=letter&language=de"))
    follow(page, ".book .time >> nth=0")
    yield from look(page)
    slip = page.get_attribute(".booked a[href$='/slip']", "href") or ""
    appointment = slip.removesuffix("/slip")
    yield from look_at(page, base_url, (slip, appointment, f"{appointment}/move", f"{appointment}/cancellation"))
    yield from look_at(page, base_url, ("/call-list", "/desk/dates"))
    for pressed in (".acts a.button >> nth=1", "main .button--main", "#confirm"):
        follow(page, pressed)
        yield from look(page)


def look_at_adviser(page: Page, base_url: str) -> Iterator[str]:
    yield from look_at(page, base_url, ("/my/feeds", "/my"))
    for pressed in ("button:has-text('Tisch 1')", "#next", "#start", "#finish", ".outcome [formaction]", ".way-on a"):
        follow(page, pressed)
        yield from look(page)
    follow(page, ".own-time .button--main")
    yield from look(page)
    yield from look_at(page, base_url, ("/my/absences",))
    for pressed in ("#away-tomorrow", "#confirm"):
        follow(page, pressed)
        yield from look(page)


def look_at_account(page: Page, base_url: str) -> Iterator[str]:
    """The own account, and the lock in the end: behind it there is nothing more."""
    yield from look_at(page, base_url, OWN_ACCOUNT)
    follow(page, ".who button >> nth=0")
    yield from look(page)


RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
AXE = f"{Axe().axe_script};null"
RUN_AXE = "options => axe.run(options).then(found => found.violations)"
"""What passes is not sent: to send it takes a quarter of the work."""


def look(page: Page) -> Iterator[str]:
    """What is wrong with the page as it stands."""
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if too_wide > 0:
        yield f"{page.url}: {too_wide} px too wide"
    page.evaluate(AXE)
    violations = page.evaluate(RUN_AXE, {"runOnly": RULES, "resultTypes": ["violations"]})
    if violations:
        yield f"{page.url}: {describe(violations)}"


def describe(violations: list[dict[str, Any]]) -> str:
    return "; ".join(f"{each['id']}: {each['nodes'][0]['html'][:150]}" for each in violations)


def links(page: Page, *endings: str) -> tuple[str, ...]:
    found = [page.get_attribute(f"a[href$='{each}']", "href") for each in endings]
    return tuple(each for each in found if each)
