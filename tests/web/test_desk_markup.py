"""Pages that appear only on the way, at the desk and on an adviser's day: whole markup, and a name for every field."""

from __future__ import annotations

from flask import Flask

from tests.actions.small_town import NEXT_WEDNESDAY, SESSION
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.test_desk_booking import ask_times, book, slot
from tests.web.visitor import Visitor


def faults_of(page: Page) -> list[str]:
    ids = [each.attrs["id"] for each in page.root.walk() if "id" in each.attrs]
    named = {each.attrs.get("for") for each in page.root.all("label")}
    wrapped = {id(each) for label in page.root.all("label") for each in label.walk()}
    fields = [*page.root.all("input"), *page.root.all("select")]
    nameless = [
        each.attrs.get("name", "")
        for each in fields
        if each.attrs.get("type") != "hidden" and each.attrs.get("id") not in named and id(each) not in wrapped
    ]
    told = [part for each in page.root.walk() for part in each.attrs.get("aria-describedby", "").split()]
    return [
        *page.faults,
        *(f"id {each} twice" for each in set(ids) if ids.count(each) > 1),
        *(f"field {each} has no label" for each in nameless),
        *(f"nothing has the id {each}" for each in set(told) - set(ids)),
        *(f"{len(page.root.all(tag))} {tag}" for tag in ("h1", "main") if len(page.root.all(tag)) != 1),
    ]


def test_the_desks_pages_are_whole(desk: Visitor, town: LiveTown) -> None:
    town.take_in(language="other")
    town.enter_own_time("14:00")
    times = ask_times(desk)
    town.book("10:00", on=NEXT_WEDNESDAY)
    taken = book(desk, times, slot(SESSION, NEXT_WEDNESDAY, "10:00"))
    booked = desk.follow(book(desk, times, slot(SESSION, NEXT_WEDNESDAY, "11:00")))
    wrong = desk.press(booked, "/contact", email="x", phone="x")
    moved = desk.open(f"/appointments/{town.newest_visit().id}?moved=1")
    code = desk.press(times, "/desk/check-ins", code="x")
    pages = {"times": times, "taken": taken, "booked": booked, "wrong": wrong, "moved": moved, "code": code}
    assert {name: faults for name, page in pages.items() if (faults := faults_of(page))} == {}


def test_an_advisers_pages_are_whole(app: Flask, adviser: Visitor, town: LiveTown) -> None:
    town.take_in(age_group="from_27", language="ar")
    mine = town.book("10:00", adviser_key="awo-1")
    counter = adviser.open("/my")
    serving = adviser.follow(adviser.press(counter, f"/my/visits/{mine}/start"))
    follow_up = adviser.open(next(each for each in serving.links if each.endswith("/follow-up")))
    own = adviser.open(next(each for each in follow_up.links if "/my/appointments/new" in each))
    wrong = adviser.press(own, "/my/appointments")
    code = adviser.press(counter, "/my/intake/check-ins", code="x")
    pages = {"counter": counter, "serving": serving, "follow-up": follow_up, "own": own, "wrong": wrong, "code": code}
    assert {name: faults for name, page in pages.items() if (faults := faults_of(page))} == {}
