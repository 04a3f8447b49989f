"""A browser proves its work while somebody chooses; and no page of ours asks a third party for anything."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta

import pytest
import time_machine
from playwright.sync_api import ConsoleMessage, Page, Request, Route, expect

from tests.browser.conftest import LAPTOP, PHONE, WAIT_SECONDS, NewContext, follow, log_in

pytestmark = pytest.mark.browser

TIMES = "/book?age=from_27&concern=letter&language=other"
WORKER = re.compile("proof-worker")
VECTORS = {
    "": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "abc": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq": (
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    "a" * 1_000_000: "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
}
"""Of FIPS 180-4, as NIST publishes them."""


def open_times(new_context: NewContext, base_url: str) -> Page:
    page = new_context("en-GB", PHONE).new_page()
    page.goto(base_url + TIMES)
    return page


def test_our_sha_256_is_sha_256(new_context: NewContext, base_url: str) -> None:
    page = new_context().new_page()
    page.goto(f"{base_url}/")
    page.add_script_tag(url=f"{base_url}/static/js/proof-worker.js")
    texts = [*VECTORS, *("x" * length for length in range(130))]
    found = page.evaluate("texts => texts.map(proof.sha256)", texts)
    assert found[: len(VECTORS)] == list(VECTORS.values())
    assert found == [hashlib.sha256(each.encode()).hexdigest() for each in texts]


def test_the_search_finds_each_number_below_the_bound_and_no_other(new_context: NewContext, base_url: str) -> None:
    page = new_context().new_page()
    page.goto(f"{base_url}/")
    page.add_script_tag(url=f"{base_url}/static/js/proof-worker.js")
    for salt, number in (("kJ2-_salt", 0), ("kJ2-_salt", 9), ("x", 12_345), ("16-signs-of-salt", 99_999)):
        hash_ = hashlib.sha256(f"{salt}{number}".encode()).hexdigest()
        search = "([salt, hash, numbers]) => proof.findNumber(salt, hash, numbers)"
        assert page.evaluate(search, [salt, hash_, 100_000]) == number
        assert page.evaluate(search, [salt, hash_, number]) == -1


def test_the_number_is_found_before_anybody_presses(new_context: NewContext, base_url: str) -> None:
    page = open_times(new_context, base_url)
    expect(page.locator("input[name=proof]")).to_have_value(re.compile(r"\.[0-7]$"))
    expect(page.locator("[data-proof-words]")).to_be_hidden()
    page.click(".time >> nth=0")
    expect(page.locator("h1")).to_contain_text("Your appointment is booked")


def test_whoever_presses_earlier_reads_what_happens_and_is_booked_then(new_context: NewContext, base_url: str) -> None:
    page = new_context("en-GB", PHONE).new_page()
    held: list[Route] = []
    page.route(WORKER, lambda route: held.append(route))
    with page.expect_request(WORKER):
        page.goto(base_url + TIMES)
    page.click(".time >> nth=2")
    words = page.locator("[data-proof-words]")
    expect(words).to_have_text("A moment: checking that you are no robot.")
    expect(words).to_be_in_viewport()
    assert page.url.endswith(TIMES), "nothing was sent yet"
    wanted = page.locator(".time >> nth=2").inner_text()
    while not held:  # it is asked for: the next frames bring it
        page.evaluate("() => new Promise(requestAnimationFrame)")
    held[0].continue_()
    expect(page.locator("h1")).to_contain_text("Your appointment is booked")
    expect(page.locator(".appointment-time")).to_contain_text(wanted)


def test_where_no_worker_runs_one_waits_as_without_javascript(
    new_context: NewContext, base_url: str, clock: time_machine.Traveller
) -> None:
    page = new_context("en-GB", PHONE).new_page()
    page.route(WORKER, lambda route: route.abort())
    page.goto(base_url + TIMES)
    follow(page, ".time >> nth=0")
    expect(page.locator("h1")).to_have_text("One moment, please")
    expect(page.get_by_text("Please wait", exact=False)).to_be_visible()
    clock.shift(timedelta(seconds=WAIT_SECONDS - 1))
    follow(page, "text=I have waited")
    expect(page.get_by_text("Please wait one second.")).to_be_visible()
    clock.shift(timedelta(seconds=1))
    follow(page, "text=I have waited")
    expect(page.locator("h1")).to_have_text("You can book now")
    follow(page, "button:has-text('Book this time')")
    expect(page.locator("h1")).to_contain_text("Your appointment is booked")


def test_a_proof_that_came_too_late_is_made_anew_without_a_press(new_context: NewContext, base_url: str) -> None:
    page = open_times(new_context, base_url)
    expect(page.locator("input[name=proof]")).not_to_have_value("")
    page.evaluate("document.querySelector('input[name=proof]').value = 'too old'")
    page.click(".time >> nth=0")
    expect(page.locator("h1")).to_contain_text("Your appointment is booked")


def test_no_page_asks_a_third_party_and_none_breaks_its_own_policy(new_context: NewContext, base_url: str) -> None:
    context = new_context("en-GB", LAPTOP)
    asked: list[Request] = []
    said: list[ConsoleMessage] = []
    context.on("request", lambda each: asked.append(each))
    context.on("console", lambda each: said.append(each))
    page = context.new_page()
    for path in ("/", "/places", "/places/buergerbuero", "/code", "/board/buergerbuero", TIMES):
        page.goto(base_url + path)
        page.wait_for_load_state("networkidle")
    page.click(".time >> nth=0")
    expect(page.locator(".qr")).to_be_visible()
    for login, paths in (("desk", ("/desk", "/call-list")), ("awo-1", ("/my", "/my/feeds", "/my/absences"))):
        staff_context = new_context("en-GB", LAPTOP)
        staff_context.on("request", lambda each: asked.append(each))
        staff_context.on("console", lambda each: said.append(each))
        staff = log_in(staff_context, base_url, login)
        for path in paths:
            staff.goto(base_url + path)
    assert len(asked) > 60
    assert [each.url for each in asked if not each.url.startswith(base_url + "/")] == []
    assert [each.text for each in said if "Content Security Policy" in each.text or each.type == "error"] == []
