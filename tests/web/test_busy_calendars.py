"""An adviser's own calendars: entered, shown without their address, removed; what they hit is for the adviser."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.busy_calendars import Patience
from scheduler.actions.busy_calendars import LEASE, MOST_CALENDARS, add_calendar, claim_due, store_busy, store_problem
from scheduler.domain.intervals import Interval
from scheduler.models import Absence, BusyCalendar, HoursException, Visit
from tests.actions.small_town import WEDNESDAY, adviser_of, at
from tests.conftest import SECRET
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.visitor import Visitor

PAGE = "/my/busy-calendars"
SECRET_PATH = "private-4711/basic.ics"
URL = f"https://calendar.example/{SECRET_PATH}"
MORNING = Interval(at("09:00"), at("12:00"))


@pytest.fixture
def me(app: Flask, town: LiveTown, three_at_once: None) -> Visitor:
    """awo-1, on Tuesday morning."""
    return Visitor(app).log_in_as(town.account(adviser="awo-1"))


def add(town: LiveTown, key: str = "awo-1", url: str = URL) -> int:
    def action(session: Session) -> int:
        host = "calendar.example"
        return add_calendar(session, adviser_of(session, key), url, host, secret=SECRET, now=_now()).id

    return town.change(action)


def be_read(town: LiveTown, *busy: Interval) -> None:
    """The jobs process has read the calendar that is due."""

    def action(session: Session) -> None:
        claim = claim_due(session, _now())
        assert claim is not None
        store_busy(session, claim, list(busy), etag=None, last_modified=None, now=_now())

    town.change(action)


def fail(town: LiveTown, problem: str) -> None:
    def action(session: Session) -> None:
        claim = claim_due(session, _now())
        assert claim is not None
        store_problem(session, claim, problem, _now())

    town.change(action)


def enter(visitor: Visitor, address: str) -> Page:
    return visitor.press(visitor.open(PAGE), PAGE, address=address)


def the_absence(town: LiveTown) -> int:
    return town.read(lambda session: session.scalars(select(Absence.id).where(Absence.source == "imported")).one())


def test_an_address_is_entered_and_never_shown_again(me: Visitor, town: LiveTown) -> None:
    answer = enter(me, f" webcal://calendar.example/{SECRET_PATH} ")
    assert answer.status == 303
    shown = me.follow(answer)
    assert "Saved. The calendar is read within a minute." in shown.text
    assert "calendar.example" in shown.text and "It is read within a minute." in shown.text
    assert SECRET_PATH not in shown.html and SECRET_PATH not in answer.location
    row = town.read(lambda session: session.scalars(select(BusyCalendar)).one().url)
    assert row == URL


def test_opening_the_page_changes_nothing(me: Visitor, town: LiveTown) -> None:
    add(town)
    before = town.dump()
    me.open(PAGE)
    assert town.dump() == before


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://calendar.example/a.ics", "The address must begin with https:// or webcal://."),
        ("file:///etc/passwd", "The address must begin with https:// or webcal://."),
        ("", "There is no such address."),
        ("https://", "There is no such address."),
        ("<script>alert(1)</script>", "There is no such address."),
    ],
)
def test_what_is_no_address_is_refused_and_stays_in_the_form(
    me: Visitor, town: LiveTown, address: str, words: str
) -> None:
    refused = enter(me, address)
    assert refused.status == 422
    assert words in refused.wrong("calendar-address")
    assert refused.root.one("input", id="calendar-address").attrs["value"] == address
    assert town.count(BusyCalendar) == 0


def test_plain_http_is_for_hosts_of_the_settings(app: Flask, me: Visitor, town: LiveTown) -> None:
    app.extensions["settings"] = replace(app.extensions["settings"], calendar_hosts=frozenset({"cloud.town.example"}))
    assert enter(me, "http://cloud.town.example/a.ics").status == 303
    assert enter(me, "http://other.town.example/a.ics").status == 422


def test_the_same_one_twice_and_a_sixth_one_are_refused(me: Visitor, town: LiveTown) -> None:
    add(town)
    assert "You have entered this calendar already." in enter(me, URL).wrong("calendar-address")
    for each in range(MOST_CALENDARS - 1):
        enter(me, f"{URL}?{each}")
    assert "You can enter up to 5 calendars." in enter(me, f"{URL}?more").wrong("calendar-address")
    assert town.count(BusyCalendar) == MOST_CALENDARS


def test_how_old_its_times_are_and_how_many(
    app: Flask, me: Visitor, town: LiveTown, clock: time_machine.Traveller
) -> None:
    add(town)
    be_read(town, MORNING, Interval(at("14:00"), at("15:00")))
    clock.shift(timedelta(minutes=5))
    assert "read 5 minutes ago · 2 busy times" in me.open(PAGE).text
    clock.move_to(at("13:00"))
    tomorrow = Visitor(app).log_in_as(town.account(adviser="awo-1"))
    assert "read on Tuesday, 24 November, at 10:00 · 1 busy time" in tomorrow.open(PAGE).text


def test_what_is_wrong_is_said_with_what_to_do_and_how_old_its_times_are(
    me: Visitor, town: LiveTown, clock: time_machine.Traveller
) -> None:
    add(town)
    be_read(town, MORNING)
    clock.shift(timedelta(hours=4))
    fail(town, "not_found")
    shown = me.open(PAGE)
    assert shown.faults == []
    assert "The address does not exist any more. Make a new one in your calendar app and enter it here." in shown.text
    assert "These times are from Tuesday, 24 November, at 10:00" in shown.text


def test_a_calendar_that_was_never_read_says_what_is_wrong_alone(me: Visitor, town: LiveTown) -> None:
    add(town)
    fail(town, "private_address")
    shown = me.open(PAGE).text
    assert "This address is inside a private network." in shown
    assert (
        "These times are from" not in shown and "busy time" not in shown.partition("Where you find")[0].split("·")[-1]
    )


def test_a_removed_one_is_gone_with_its_times(me: Visitor, town: LiveTown) -> None:
    calendar_id = add(town)
    be_read(town, MORNING)
    page = me.press(me.open(PAGE), f"{PAGE}/{calendar_id}/removal")
    assert "Removed. Its busy times are gone." in me.follow(page).text
    assert (town.count(BusyCalendar), town.count(Absence)) == (0, 0)


def test_everybody_sees_and_removes_only_the_own_ones(me: Visitor, app: Flask, town: LiveTown) -> None:
    calendar_id = add(town)
    be_read(town, MORNING)
    absence_id = the_absence(town)
    other = Visitor(app).log_in_as(town.account(adviser="awo-2"))
    desk = Visitor(app).log_in_as(town.account(desk="buergerbuero"))
    before = town.dump()
    assert "calendar.example" not in other.open(PAGE).text
    for address in (
        f"{PAGE}/{calendar_id}/removal",
        f"/my/absences/{absence_id}/effects",
        f"/my/absences/{absence_id}/settlement",
    ):
        assert other.post(address).status == 404
        assert desk.post(address).status == 403
    assert desk.open(PAGE).status == 403
    assert desk.post(PAGE).status == 403
    assert me.post(f"{PAGE}/999/removal").status == 404
    assert town.dump() == before


def test_nothing_is_done_without_the_token_of_a_form(me: Visitor, town: LiveTown) -> None:
    calendar_id = add(town)
    before = town.dump()
    for address in (PAGE, f"{PAGE}/{calendar_id}/removal"):
        assert me.open(address, method="POST", data={"address": URL + "?2"}).status == 400
    assert town.dump() == before


def test_its_absences_are_listed_and_cannot_be_ended_by_hand(me: Visitor, town: LiveTown) -> None:
    add(town)
    be_read(town, MORNING)
    listed = me.open("/my/absences")
    assert "from my calendar" in listed.text
    assert "hits" not in listed.text
    assert PAGE in listed.links
    assert me.post(f"/my/absences/{the_absence(town)}/end").status == 404


def test_whom_it_hits_is_said_on_the_own_day_and_beside_the_absence(me: Visitor, town: LiveTown) -> None:
    visits = [town.book(clock, language="ar") for clock in ("09:00", "10:00")]
    add(town)
    assert "Your own calendar says" not in me.open("/my").text
    be_read(town, Interval(at("09:00"), at("09:10")), Interval(at("09:10"), at("11:00")))
    assert "Your own calendar says that you are away at the times of 2 appointments." in me.open("/my").text
    listed = me.open("/my/absences").text
    assert "hits 1 appointment" in listed and "hits 2 appointments" in listed
    assert [town.visit(each).starts_at for each in visits] == [at("09:00"), at("10:00")]


def test_the_adviser_decides_for_each_and_no_second_absence_is_stored(me: Visitor, town: LiveTown) -> None:
    cancelled, moved = town.book("09:00", language="ar"), town.book("10:00", language="ar")
    add(town)
    be_read(town, MORNING)
    absence_id, before = the_absence(town), town.dump()
    shown = me.press(me.open("/my/absences"), f"/my/absences/{absence_id}/effects")
    assert shown.status == 200
    assert "Your calendar says that you are away" in shown.text
    assert "2 appointments cannot stay" in shown.text
    assert town.dump() == before
    saved = me.follow(me.press(shown, f"/my/absences/{absence_id}/settlement", **{f"visit-{cancelled}": "cancel"}))
    assert "Saved." in saved.text
    assert town.visit(cancelled).state == "cancelled"
    assert (town.visit(moved).state, town.visit(moved).starts_at != at("10:00")) == ("booked", True)
    assert town.count(Absence) == 1
    assert "hits" not in me.open("/my/absences").text
    assert "Your own calendar says" not in me.open("/my").text


def test_whom_a_colleague_can_take_over_stays(me: Visitor, town: LiveTown) -> None:
    visit_id = town.book("09:00", adviser_key=None)
    town.change(
        lambda session: setattr(
            session.get_one(Visit, visit_id),
            "planned_adviser_id",
            adviser_of(session, "awo-1").id,
        )
    )
    add(town)
    be_read(town, MORNING)
    shown = me.press(me.open("/my/absences"), f"/my/absences/{the_absence(town)}/effects")
    assert "1 appointment stays" in shown.text
    me.press(shown, f"/my/absences/{the_absence(town)}/settlement")
    visit = town.visit(visit_id)
    assert visit.starts_at == at("09:00")
    assert visit.planned_adviser_id == town.read(lambda session: adviser_of(session, "awo-2").id)


def test_who_booked_meanwhile_is_shown_before_anything_is_done(me: Visitor, town: LiveTown) -> None:
    visit_id = town.book("09:00", language="ar")
    add(town)
    be_read(town, MORNING)
    absence_id = the_absence(town)
    shown = me.press(me.open("/my/absences"), f"/my/absences/{absence_id}/effects")
    town.set(Absence, absence_id, ends_at=at("09:00") + timedelta(minutes=5))
    town.book("10:00", language="ar")
    town.set(Absence, absence_id, ends_at=at("12:00"))
    again = me.press(shown, f"/my/absences/{absence_id}/settlement")
    assert again.status == 409
    assert "Something has changed meanwhile." in again.text and "2 appointments cannot stay" in again.text
    assert town.visit(visit_id).starts_at == at("09:00")


def test_an_import_alone_cancels_no_date_even_where_nobody_is_left(me: Visitor, town: LiveTown) -> None:
    for key in ("awo-1", "awo-2", "ib-1"):
        add(town, key, f"{URL}?{key}")
        be_read(town, MORNING)
    assert town.count(HoursException) == 0


def test_an_absence_that_is_over_is_settled_no_more(app: Flask, town: LiveTown, clock: time_machine.Traveller) -> None:
    add(town)
    be_read(town, MORNING)
    absence_id = the_absence(town)
    clock.move_to(at("12:00", WEDNESDAY))
    later = Visitor(app).log_in_as(town.account(adviser="awo-1"))
    assert later.post(f"/my/absences/{absence_id}/effects").status == 404
    assert later.post(f"/my/absences/{absence_id}/settlement").status == 404


def test_a_lease_outlasts_fetching_and_reading() -> None:
    longest = Patience()
    assert timedelta(seconds=longest.fetch_seconds + longest.reading.wall_seconds) * 2 < LEASE


def _now() -> datetime:
    return datetime.now(UTC)
