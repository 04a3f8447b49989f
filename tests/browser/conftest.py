"""A real server and a real browser. Both tell the real time, so the town lives where it is ten in the morning."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, time
from threading import Thread
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright
from sqlalchemy import select
from werkzeug.serving import ThreadedWSGIServer

from scheduler import create_app, town_file
from scheduler.actions.staff import make_account
from scheduler.db import Database
from scheduler.models import Adviser, Place
from tests.browser import chromium
from tests.conftest import SMALL_TOWN, make_config

PASSWORD = "open-sesame"
PHONE: ViewportSize = {"width": 360, "height": 640}
LAPTOP: ViewportSize = {"width": 1280, "height": 800}
WAIT_SECONDS = 60
"""So long whoever has no JavaScript waits, by the server's clock: longer than a slow machine looks at a page."""

NewContext = Callable[..., BrowserContext]
expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium.find()
    assert path, "no Chromium: run `make test`, which installs one"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=chromium.ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def closing(database_url: str) -> Iterator[ExitStack]:
    """Closes the browsers, then the server that their pages ask again and again, and both before the database."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def new_context(browser: Browser, closing: ExitStack) -> NewContext:
    """Makes browsers of their own: a phone, a desk, a screen. All are closed at the end."""

    def new(locale: str = "de-DE", viewport: ViewportSize = LAPTOP, **more: Any) -> BrowserContext:
        context = browser.new_context(locale=locale, viewport=viewport, **more)
        context.set_default_timeout(15_000)
        closing.callback(context.close)
        return context

    return new


@pytest.fixture
def base_url(database: Database, database_url: str, closing: ExitStack) -> str:
    """A live server whose small town is open now, from nine to one."""
    _open_today(database)
    return closing.enter_context(serve(database_url))


@pytest.fixture
def clock(base_url: str) -> Iterator[time_machine.Traveller]:
    """The server's clock, which stands at five past ten until it is moved. The browser keeps the real time."""
    with time_machine.travel(datetime.now(UTC).replace(minute=5, second=0, microsecond=0), tick=False) as traveller:
        yield traveller


@contextmanager
def serve(database_url: str) -> Iterator[str]:
    """A live server over this database; its address."""
    server = ThreadedWSGIServer("127.0.0.1", 0, lambda *_: [])
    server.daemon_threads = False  # closing waits for what is still being answered: it holds a connection
    address = f"http://127.0.0.1:{server.server_port}"
    app = create_app(make_config(database_url, base_url=address, smtp_host="127.0.0.1", wait_seconds=WAIT_SECONDS))
    server.app = app
    serving = Thread(target=server.serve_forever)
    serving.start()
    yield address
    server.shutdown()
    serving.join()
    server.server_close()
    app.extensions["database"].engine.dispose()


def log_in(context: BrowserContext, base_url: str, login: str) -> Page:
    page = context.new_page()
    page.goto(f"{base_url}/login")
    page.fill("#login", login)
    page.fill("#password", PASSWORD)
    follow(page, "main button")
    return page


def follow(page: Page, selector: str) -> None:
    """Click on what leads to another page, and wait for that page: a click alone may return on the old one."""
    with page.expect_navigation():
        page.click(selector)


def press(page: Page, *keys: str) -> None:
    """The last of these keys leads to another page. Waits for that page: a key before its scripts run is lost."""
    for key in keys[:-1]:
        page.keyboard.press(key)
    with page.expect_navigation():
        page.keyboard.press(keys[-1])


def _open_today(database: Database) -> None:
    now = datetime.now(UTC)
    zone = _zone_where_it_is_ten(now)
    data = tomllib.loads(SMALL_TOWN.read_text("utf-8"))
    data["town"]["timezone"] = zone
    data["hours"].append(_hours_today(now.astimezone(ZoneInfo(zone))))
    data["closure"] = []  # today is open, whatever day it is
    with database.writing() as session:
        town_file.store(session, town_file.parse(data), now)
        place = session.scalars(select(Place).where(Place.key == "buergerbuero")).one()
        make_account(session, login="desk", name="Desk", password=PASSWORD, now=now, desk_of=place)
        for key in ("awo-1", "awo-2"):
            adviser = session.scalars(select(Adviser).where(Adviser.key == key)).one()
            make_account(session, login=key, name=key, password=PASSWORD, now=now, adviser=adviser)
        manager = {"login": "manager", "name": "Manager", "password": PASSWORD, "now": now, "administrator": True}
        make_account(session, **manager, carrier=adviser.carrier, hours_at=place)
        session.commit()


def _zone_where_it_is_ten(now: datetime) -> str:
    """Etc/GMT-3 is three hours ahead of UTC: the sign is turned round."""
    ahead = (10 - now.hour + 11) % 24 - 11  # -11 to +12
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def _hours_today(local_now: datetime) -> dict[str, Any]:
    today = local_now.date()
    return {
        "key": "today",
        "place": "buergerbuero",
        "services": ["MBE", "JMD"],
        "dates": [today],
        "from": time(9),
        "until": time(13),
        "valid_from": today,
        "valid_until": today,
        "admits": "mixed",
        "appointments_at_once": 1,
        "tickets_minutes_before": 30,
        "advisers": ["awo-1", "awo-2", "ib-1"],
    }
