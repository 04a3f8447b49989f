"""A real server and a real browser. Both tell the real time, so the town lives where it is ten in the morning."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time
from threading import Thread
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from sqlalchemy import select
from werkzeug.serving import make_server

from scheduler import create_app, town_file
from scheduler.actions.staff import make_account
from scheduler.db import Database
from scheduler.models import Adviser, Place
from tests.browser import chromium
from tests.conftest import SMALL_TOWN, make_config

PASSWORD = "open-sesame"
PHONE = {"width": 360, "height": 640}
LAPTOP = {"width": 1280, "height": 800}

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
def new_context(browser: Browser) -> Iterator[NewContext]:
    """Makes browsers of their own: a phone, a desk, a screen. All are closed at the end."""
    opened: list[BrowserContext] = []

    def new(locale: str = "de-DE", viewport: dict[str, int] = LAPTOP, **more: Any) -> BrowserContext:
        context = browser.new_context(locale=locale, viewport=viewport, **more)
        context.set_default_timeout(15_000)
        opened.append(context)
        return context

    yield new
    for context in opened:
        context.close()


@pytest.fixture
def base_url(database: Database, database_url: str) -> Iterator[str]:
    """A live server whose small town is open now, from nine to one."""
    _open_today(database)
    with serve(database_url) as address:
        yield address


@contextmanager
def serve(database_url: str) -> Iterator[str]:
    """A live server over this database; its address."""
    server = make_server("127.0.0.1", 0, lambda *_: [], threaded=True)
    address = f"http://127.0.0.1:{server.server_port}"
    app = create_app(make_config(database_url, base_url=address, smtp_host="127.0.0.1"))
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
    with page.expect_navigation():
        page.click("main button")
    return page


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
