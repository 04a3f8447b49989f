"""My calendar: addresses in use and whether anybody uses them, how to subscribe; the same for everybody at a place."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from scheduler.actions.feeds import make_feed
from scheduler.models import Feed
from scheduler.models.feeds import FeedLevel
from tests.actions.small_town import adviser_of, at
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.visitor import Visitor

NOW = at("09:05")
APPS = ["Google", "Outlook", "Apple", "Thunderbird", "Nextcloud"]
IDLE = "No calendar app has fetched it for 2 days."


def feed(town: LiveTown, key: str = "awo-1", level: FeedLevel = "busy", **values: datetime) -> int:
    def make(session: Session) -> int:
        made, _ = make_feed(session, adviser_of(session, key), level=level, base_url="http://localhost", now=NOW)
        for name, value in values.items():
            setattr(made, name, value)
        return made.id

    return town.change(make)


def lines(page: Page) -> list[str]:
    return [each.text for each in page.root.all("li", class_="line")]


def test_every_address_in_use_says_what_it_shows_and_when_it_was_made(adviser: Visitor, town: LiveTown) -> None:
    feed(town, created_at=at("08:15"))
    feed(town, level="details")
    feed(town, "awo-2")
    first, second = lines(adviser.open("/my/feeds"))
    assert first.startswith("only that the time is taken made on Wednesday, 25 November, at 8:15")
    assert second.startswith("with number, service and language")


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (None, "never fetched yet"),
        (timedelta(), "fetched 1 minute ago"),
        (timedelta(minutes=5), "fetched 5 minutes ago"),
        (timedelta(hours=3), "fetched 3 hours ago"),
        (timedelta(days=9), "fetched 1 week ago"),
    ],
)
def test_it_says_when_a_calendar_app_last_came(
    adviser: Visitor, town: LiveTown, ago: timedelta | None, said: str
) -> None:
    feed(town) if ago is None else feed(town, fetched_at=NOW - ago)
    [line] = lines(adviser.open("/my/feeds"))
    assert said in line


@pytest.mark.parametrize("since", ["created_at", "fetched_at"])
def test_an_address_that_nobody_came_for_in_two_days_may_be_forgotten(
    adviser: Visitor, town: LiveTown, since: str
) -> None:
    """Since it was made, where nobody came at all."""
    feed_id = feed(town, created_at=NOW - timedelta(days=30))
    town.set(Feed, feed_id, **{since: NOW - timedelta(days=2) + timedelta(seconds=1)})
    assert IDLE not in adviser.open("/my/feeds").text
    town.set(Feed, feed_id, **{since: NOW - timedelta(days=2)})
    assert IDLE in adviser.open("/my/feeds").text


def test_an_app_that_comes_shows(adviser: Visitor, visitor: Visitor) -> None:
    made = adviser.press(adviser.open("/my/feeds"), "/my/feeds")
    address = made.root.one("input", id="address").attrs["value"].removeprefix("http://localhost")
    assert "never fetched yet" in made.text
    visitor.open(address)
    assert "fetched 1 minute ago" in adviser.open("/my/feeds").text


def test_switching_off_asks_once_without_any_script(adviser: Visitor, town: LiveTown) -> None:
    feed(town)
    asks = adviser.open("/my/feeds").root.one("details", class_="ask")
    assert "open" not in asks.attrs
    assert "This cannot be undone." in asks.text
    assert asks.one("form").attrs["action"].endswith("/revocation")


def test_it_leads_to_the_calendars_that_are_read(adviser: Visitor) -> None:
    page = adviser.open("/my/feeds")
    assert "/my/busy-calendars" in page.links
    assert adviser.open("/my/busy-calendars").status == 200


def test_each_app_says_how_late_it_is_before_one_opens_it(adviser: Visitor) -> None:
    apps = adviser.open("/my/feeds").root.one("ul", class_="apps").all("summary")
    assert [each.one("b").text for each in apps] == APPS
    late = [re.findall(r"\d+|week|hour", each.one("span").text)[0] for each in apps]
    assert late == ["8", "3", "hour", "30", "week"]


def test_advisers_learn_how_nextcloud_comes_more_often_and_clients_do_not(adviser: Visitor, visitor: Visitor) -> None:
    assert "calendarSubscriptionRefreshRate" in adviser.open("/my/feeds").root.one("pre").text
    assert "calendarSubscriptionRefreshRate" not in visitor.open("/places/buergerbuero").html


def test_at_a_place_everybody_can_subscribe_and_the_steps_are_folded_up(visitor: Visitor) -> None:
    page = visitor.open("/places/buergerbuero")
    section = page.root.one("section", class_="subscribe")
    assert section.one("input", id="address").attrs["value"] == "http://localhost/places/buergerbuero.ics"
    assert "webcal://localhost/places/buergerbuero.ics" in page.links
    steps = section.one("details", class_="how")
    assert "open" not in steps.attrs
    assert [each.text for each in steps.all("b")] == APPS


def test_what_clients_read_there_are_short_sentences(visitor: Visitor) -> None:
    section = visitor.open("/places/buergerbuero").root.one("section", class_="subscribe")
    texts = [each.text for tag in ("li", "p", "span") for each in section.all(tag) if not each.all("details")]
    sentences = [each for text in texts for each in re.split(r"[.:?]", text)]
    assert [each for each in sentences if len(each.split()) > 12] == []
