"""What every answer carries and what no page contains: inline code, third parties, a service's name."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from scheduler.db import Database
from scheduler.models import Visit
from tests.web.addresses import all_addresses, make_rows, staff
from tests.web.conftest import MakeApp
from tests.web.live_town import LiveTown
from tests.web.page import Element, Page
from tests.web.visitor import Visitor

NOT_PAGES = {
    "static", "visits.show_ics", "visits.show_qr", "feeds.show_feed",
    "places.show_feed", "places.show_qr", "places.show_qr_for_all",
}  # fmt: skip


KEPT: dict[str, dict[str, Page]] = {}
"""What was opened, by the kind of database: looked at by many tests, changed by none."""


@pytest.fixture
def answers(app: Flask, town: LiveTown, open_day: None, database: Database) -> dict[str, Page]:
    """Every address opened by somebody who may, and the pages that only appear on the way."""
    kind = database.engine.dialect.name
    if kind not in KEPT:
        KEPT[kind] = open_all(app, town)
    return KEPT[kind]


def open_all(app: Flask, town: LiveTown) -> dict[str, Page]:
    rows, visitor = make_rows(town), staff(app, town)
    addresses = all_addresses(app, town, rows)
    found = {name: visitor.open(address) for name, address in addresses.items()}
    assert {name: page.status for name, page in found.items() if page.status != 200} == {}
    for number, query in enumerate(("age=from_27", "age=from_27&concern=letter", "age=family&concern=known")):
        found[f"question {number}"] = visitor.open(f"/book?{query}")
    found["slots"] = visitor.open("/book?age=from_27&concern=letter&language=de")
    waits = visitor.press(
        found["slots"], "/book", proof="", slot="buergerbuero-mi/2026-12-02/2026-12-02T08:15:00+00:00"
    )
    found["waiting"] = visitor.follow(waits)
    found["taken"] = visitor.press(found["slots"], "/book", slot="buergerbuero-mi/2026-11-25/2026-11-25T08:07:00+00:00")
    found["wrong contact"] = visitor.press(found["visits.show_visit"], "/contact", email="x", phone="x")
    found["wrong code"] = visitor.press(found["visits.show_code"], "/code", code="x")
    found["wrong log-in"] = visitor.press(found["login.show_login"], "/login", login="x", password="x")
    found["refused"] = ask_too_often(app)
    found["not found"] = visitor.open("/nowhere")
    found["new calendar"] = visitor.press(found["calendars.show_feeds"], "/my/feeds")
    town.call_next("awo-1")
    found["calling"] = visitor.open("/my")
    found["called"] = visitor.open("/desk")
    town.set(Visit, rows.booked, state="cancelled", planned_adviser_id=None)
    found["cancelled"] = visitor.open(addresses["visits.show_visit"])
    return found


def ask_too_often(app: Flask) -> Page:
    """The answer to an address that books more often than any shelter."""
    usual = app.extensions["settings"]
    app.extensions["settings"] = replace(usual, bookings_from_one_address=1)
    attacker = Visitor(app)
    answers = [attacker.open("/book", method="POST", environ_base={"REMOTE_ADDR": "203.0.113.9"}) for _ in range(2)]
    app.extensions["settings"] = usual
    assert answers[-1].status == 429
    return answers[-1]


def pages(answers: dict[str, Page]) -> dict[str, Page]:
    return {name: page for name, page in answers.items() if page.response.mimetype == "text/html"}


def test_every_page_forbids_inline_code_and_foreign_origins(answers: dict[str, Page]) -> None:
    for name, page in answers.items():
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, name
        assert "unsafe" not in policy
        assert "*" not in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["X-Frame-Options"] == "DENY"
        assert page.headers["Referrer-Policy"] in ("no-referrer", "same-origin")


def every_answer(app: Flask, **options: Any) -> dict[str, Page]:
    """What a stranger hears at each address, by each method, of the whole URL map: pages, redirects and refusals."""
    stranger = Visitor(app, **options)
    found = {}
    for rule in app.url_map.iter_rules():
        address = re.sub(r"<[^>]*>", "1", rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD"}):
            found[f"{method} {rule.rule}"] = stranger.open(address, method=method)
    return found


def test_every_route_answers_with_all_headers_that_protect(app: Flask, town: LiveTown) -> None:
    wanted = {
        "Content-Security-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Permissions-Policy",
        "Referrer-Policy", "X-Content-Type-Options", "X-Frame-Options", "Cache-Control",
    }  # fmt: skip
    found = every_answer(app)
    assert len(found) > 250
    assert {name for name, page in found.items() if page.status == 500} == set()
    assert {name: lacks for name, page in found.items() if (lacks := wanted - set(page.headers.keys()))} == {}
    assert {name for name, page in found.items() if "Strict-Transport-Security" in page.headers} == set()


def test_over_https_every_route_says_that_it_stays_so(make_own_app: MakeApp, town: LiveTown) -> None:
    found = every_answer(make_own_app(base_url="https://localhost"), https=True)
    assert {page.headers.get("Strict-Transport-Security") for page in found.values()} == {"max-age=31536000"}


def test_no_page_contains_inline_script_style_or_handlers(answers: dict[str, Page]) -> None:
    def fault(element: Element) -> bool:
        inline = element.tag == "style" or (
            element.tag == "script" and (element.children or "src" not in element.attrs)
        )
        handler = any(name.startswith("on") or name == "style" for name in element.attrs)
        scheme = any(element.attrs.get(name, "").startswith(("javascript:", "data:")) for name in ("href", "src"))
        return inline or handler or scheme

    for name, page in pages(answers).items():
        assert [each for each in page.root.walk() if fault(each)] == [], name


def test_nothing_is_loaded_from_a_third_party(answers: dict[str, Page]) -> None:
    for name, page in pages(answers).items():
        loaded = [
            each.attrs[key] for each in page.root.walk() for key in ("src", "srcset", "poster") if key in each.attrs
        ]
        loaded += [each.attrs["href"] for tag in ("link", "use") for each in page.root.all(tag)]
        loaded += [form.action for form in page.forms]
        assert [each for each in loaded if not re.match(r"/(?!/)", each)] == [], name
        foreign = [each for each in page.links if re.match(r"https?:", each)]
        assert all(each.startswith("https://www.openstreetmap.org/") for each in foreign), name


def test_what_is_loaded_exists_and_is_kept_for_a_year(visitor: Visitor, answers: dict[str, Page]) -> None:
    used = {
        each.attrs[key].partition("#")[0]
        for page in pages(answers).values()
        for each in page.root.walk()
        for key in ("src", "href")
        if each.attrs.get(key, "").startswith("/static/")
    }
    assert len(used) >= 10
    for address in used:
        file = visitor.open(address)
        assert file.status == 200, address
        assert "max-age=31536000" in file.headers["Cache-Control"]
        assert "Set-Cookie" not in file.headers


def test_pages_with_personal_data_are_not_kept(answers: dict[str, Page]) -> None:
    for name, page in answers.items():
        if name in NOT_PAGES or name.startswith(("board.", "start.")):
            continue
        kept = page.headers["Cache-Control"]
        assert "public" not in kept, name
        assert "no-store" in kept or ("ETag" in page.headers and {"private", "no-cache"} <= set(kept.split(", "))), name
    assert answers["visits.show_ics"].headers["Cache-Control"] == "no-store"


def test_titles_and_addresses_name_no_service_topic_or_language(answers: dict[str, Page]) -> None:
    banned = re.compile(r"\b(MBE|JMD|migra|advice|letter|arabic|adult|beratung)", re.IGNORECASE)
    for name, page in pages(answers).items():
        if page.root.all("title"):
            assert not banned.search(page.title), (name, page.title)
            assert page.title.strip(" ·").replace("Sprechstunde", "").strip(" ·"), name
    assert not banned.search(" ".join(answers["visits.show_visit"].links))


def test_client_pages_of_a_visit_name_no_service_language_or_adviser(answers: dict[str, Page]) -> None:
    for name in ("visits.show_visit", "visits.ask_cancel", "visits.ask_move", "cancelled", "tickets.show_ticket"):
        text = answers[name].root.one("main").text
        assert not re.search("MBE|JMD|Arabic|Beratung AWO|Advice for adults|Letter or form", text), name


def test_markup_nests_and_ids_are_unique(answers: dict[str, Page]) -> None:
    faults = {name: page.faults for name, page in pages(answers).items() if page.faults}
    for name, page in pages(answers).items():
        ids = [each.attrs["id"] for each in page.root.walk() if "id" in each.attrs]
        if len(ids) != len(set(ids)):
            faults[name] = [f"id {each} twice" for each in set(ids) if ids.count(each) > 1]
    assert faults == {}


def test_every_field_has_a_name_for_screen_readers(answers: dict[str, Page]) -> None:
    for name, page in pages(answers).items():
        named = {each.attrs.get("for") for each in page.root.all("label")}
        wrapped = [id(each) for label in page.root.all("label") for each in label.walk()]
        for each in [*page.root.all("input"), *page.root.all("select")]:
            hidden = each.attrs.get("type") == "hidden"
            assert hidden or each.attrs.get("id") in named or id(each) in wrapped or "aria-label" in each.attrs, name
        for image in page.root.all("img"):
            assert "alt" in image.attrs, name
        for button in page.root.all("button"):
            assert button.text or "aria-label" in button.attrs, name


def test_every_whole_page_has_language_title_and_one_main(answers: dict[str, Page]) -> None:
    whole = {name: page.root for name, page in pages(answers).items() if page.root.all("html")}
    for name, root in whole.items():
        assert (root.one("html").attrs["lang"], root.one("html").attrs["dir"]) == ("en", "ltr"), name
        assert len(root.all("main")) == 1, name
    assert [name for name, root in whole.items() if len(root.all("h1")) != 1] == []


def cookies(page: Page) -> dict[str, str]:
    return {each.partition("=")[0]: each for each in page.headers.getlist("Set-Cookie")}


def test_cookies_are_for_this_server_and_no_script(visitor: Visitor) -> None:
    found = cookies(visitor.open("/code?locale=de"))
    assert set(found) == {"session", "locale"}
    for each in found.values():
        assert "HttpOnly" in each
        assert "SameSite=Lax" in each
        assert "Secure" not in each
        assert "Domain" not in each


def test_over_https_cookies_are_sent_by_https_alone(make_own_app: MakeApp, town: LiveTown) -> None:
    visitor = Visitor(make_own_app(base_url="https://localhost"), https=True)
    assert all("Secure" in each for each in cookies(visitor.open("/code?locale=de")).values())


def test_over_https_the_log_in_is_a_cookie_of_this_host_alone(make_own_app: MakeApp, town: LiveTown) -> None:
    visitor = Visitor(make_own_app(base_url="https://localhost"), https=True)
    cookie = cookies(visitor.open("/code"))["__Host-session"]
    assert "Path=/" in cookie and "Secure" in cookie and "Domain" not in cookie
    page = visitor.press(visitor.open("/code"), "/code", code="000 000 000")
    assert page.status == 404, "the code is wrong, the token of the form is not"


def test_a_page_without_forms_sets_no_cookie(visitor: Visitor) -> None:
    for address in ("/", "/board/buergerbuero", "/book"):
        assert "Set-Cookie" not in visitor.open(address).headers, address


def test_the_demo_bar_stands_only_in_the_demo(app: Flask, visitor: Visitor) -> None:
    assert "This is a demo" in visitor.open("/").text
    app.extensions["settings"] = replace(app.extensions["settings"], demo=False)
    assert "This is a demo" not in visitor.open("/").text
