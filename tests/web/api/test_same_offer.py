"""One offer: API, booking page, desk and the action itself name the same free times, whatever is asked or booked."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scheduler.actions.booking import SlotTaken
from scheduler.actions.openings import UnknownOpening
from tests.actions.small_town import OFFICE, SESSION, THURSDAY, WEDNESDAY, be_away, place_of
from tests.web.api.program import get
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.visitor import Visitor

FROM, UNTIL = date(2026, 11, 24), date(2026, 11, 24) + timedelta(days=62)
Offer = list[tuple[str, str]]

ADVISERS = ["awo-1", "awo-2", "ib-1"]
questions = st.fixed_dictionaries(
    {
        "age_group": st.sampled_from(["under_27", "from_27", "family", "unknown"]),
        "concern": st.sampled_from(["letter", "advice", "unsure"]),
        "language": st.sampled_from(["de", "ar", "uk", "other"]),
        "adviser": st.none() | st.sampled_from(ADVISERS),
        "place": st.none() | st.sampled_from(["buergerbuero", "awo-buero"]),
    }
)
weeks = st.integers(0, 7).map(lambda number: timedelta(weeks=number))
bookings = st.tuples(st.just("book"), st.sampled_from([SESSION, OFFICE]), weeks, st.integers(0, 11), st.booleans())
absences = st.tuples(st.just("be away"), st.sampled_from(ADVISERS), weeks, st.integers(0, 11), st.booleans())
events = st.lists(bookings | absences, max_size=6)


def by_api(visitor: Visitor, question: dict[str, Any]) -> Offer:
    asked = {name: value for name, value in question.items() if value is not None}
    slots = get(visitor, "slots", **asked, from_=FROM.isoformat(), until=UNTIL.isoformat()).json["slots"]
    return [(each["opening"], each["starts_at"]) for each in slots]


def by_page(visitor: Visitor, question: dict[str, Any]) -> Offer:
    names = {"age_group": "age"}
    asked = {names.get(name, name): value for name, value in question.items() if value is not None}
    return on_buttons(visitor.open("/book", query_string={**asked, "days": "62"}))


def by_desk(front: Visitor, question: dict[str, Any]) -> Offer:
    asked = {"age": question["age_group"], "concern": question["concern"], "language": question["language"]}
    return on_buttons(front.open("/desk", query_string={"book": "1", "times": "1", "days": "62", **asked}))


def on_buttons(page: Page) -> Offer:
    buttons = [each.attrs["value"] for each in page.root.all("button", name="slot")]
    return [(opening, start) for opening, _, start in (each.rpartition("/") for each in buttons)]


def by_action(town: LiveTown, question: dict[str, Any]) -> Offer:
    wishes = {name: value for name, value in question.items() if name not in ("place", "adviser")}
    place_id = town.read(lambda session: place_of(session, question["place"]).id) if question["place"] else None
    found = town.offered(FROM, UNTIL, adviser_key=question["adviser"], place_id=place_id, **wishes)
    return [(each.opening.public_id, each.slot.starts_at.isoformat()) for each in found]


def instants(offer: Offer) -> Offer:
    return sorted((opening, datetime.fromisoformat(start).astimezone(UTC).isoformat()) for opening, start in offer)


def happen(town: LiveTown, event: tuple[Any, ...]) -> None:
    kind, key, weeks_on, quarter, long = event
    on = (WEDNESDAY if key != OFFICE else THURSDAY) + weeks_on
    first = 13 if key == OFFICE else 9
    clock = f"{first + quarter // 4:02d}:{15 * (quarter % 4):02d}"
    if kind == "be away":
        town.change(be_away, key, clock, "23:00", on)
        return
    with suppress(SlotTaken, UnknownOpening):
        town.book(clock, key=key, on=on, concern="advice" if long else "letter", service=None)


@pytest.fixture
def front(app: Flask, town: LiveTown) -> Visitor:
    return Visitor(app).log_in_as(town.account(desk="buergerbuero"))


SOME = settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
"""What happened in one example stays for the next: the later ones ask a crowded town."""


@SOME
@given(happened=events, question=questions)
def test_api_page_and_action_offer_the_same(
    visitor: Visitor, town: LiveTown, happened: list[tuple[Any, ...]], question: dict[str, Any]
) -> None:
    for each in happened:
        happen(town, each)
    found = instants(by_api(visitor, question))
    assert found == instants(by_action(town, question))
    assert found == instants(by_page(visitor, question))


@SOME
@given(happened=events, question=questions)
def test_the_desk_is_offered_the_same(
    visitor: Visitor, front: Visitor, town: LiveTown, happened: list[tuple[Any, ...]], question: dict[str, Any]
) -> None:
    """It asks neither for a place nor, with these concerns, for an adviser."""
    for each in happened:
        happen(town, each)
    asked = {**question, "adviser": None, "place": None}
    assert instants(by_desk(front, asked)) == instants(by_api(visitor, asked))


@SOME
@given(happened=events, question=questions, service=st.sampled_from(["MBE", "JMD"]))
def test_for_a_named_service_api_and_action_offer_the_same(
    visitor: Visitor, town: LiveTown, happened: list[tuple[Any, ...]], question: dict[str, Any], service: str
) -> None:
    for each in happened:
        happen(town, each)
    asked = {**question, "service": service}
    assert instants(by_api(visitor, asked)) == instants(by_action(town, asked))


def test_the_questions_above_find_something(visitor: Visitor, town: LiveTown) -> None:
    """Else three empty lists would agree."""
    question = {"age_group": "from_27", "concern": "advice", "language": "ar", "adviser": "awo-1", "place": "awo-buero"}
    before = instants(by_page(visitor, question))
    happen(town, ("book", OFFICE, timedelta(weeks=1), 4, True))
    after = instants(by_page(visitor, question))
    assert len(before) > 30
    assert 0 < len(after) < len(before)
