"""Who waits gets a time instead of the number; and what a desk can offer on a day without an opening."""

from __future__ import annotations

from datetime import timedelta

import time_machine
from flask import Flask

from tests.actions.small_town import NEXT_WEDNESDAY, SESSION, THURSDAY, at
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.test_desk_booking import ASKED, ask_times, book, offered, slot
from tests.web.visitor import Visitor


def offer(desk: Visitor, visit_id: int) -> Page:
    """Press "offer a time" at this line."""
    link = desk.open("/desk").root.one("a", id=f"offer-{visit_id}").attrs["href"]
    return desk.open(link)


def test_who_waits_gets_a_time_instead_of_the_number(desk: Visitor, town: LiveTown) -> None:
    waiting = town.take_in(age_group="from_27", concern="letter", language="uk", people=2)
    page = offer(desk, waiting)
    assert "Time for number 1" in page.text
    form = next(each for each in page.forms if each.method == "get")
    assert {"age": "from_27", "concern": "letter", "language": "uk", "people": "2"}.items() <= form.values.items()
    assert offered(page) == [], "nobody who advises adults speaks Ukrainian"
    wider = desk.open(next(each for each in page.links if "language=other" in each))
    answered = book(desk, wider, offered(wider)[-1])
    visit, gone = town.newest_visit(), town.visit(waiting)
    assert (visit.kind, visit.state, visit.people, visit.language) == ("appointment", "booked", 2, "other")
    assert (gone.state, gone.planned_adviser_id) == ("cancelled", None)
    after = desk.follow(answered)
    assert visit.code is not None
    assert visit.code[:3] in after.root.one("section", class_="booked").text
    assert "cancelled" in after.root.one("li", id=f"visit-{waiting}").text
    desk.press(after, f"/desk/visits/{waiting}/undo")
    assert town.visit(waiting).state == "waiting"


def test_who_was_called_meanwhile_is_not_booked_and_the_answers_are_kept(desk: Visitor, town: LiveTown) -> None:
    waiting = town.take_in(age_group="from_27", concern="letter", language="ar")
    page = offer(desk, waiting)
    town.seat("awo-1")
    town.call_next("awo-1")
    before = town.dump()
    refused = book(desk, page, offered(page)[0])
    assert refused.status == 409
    assert town.dump() == before
    assert "Number 1 no longer waits. You can still book a time." in refused.text
    sent = refused.form("/desk/bookings")
    assert "for" not in sent.values
    assert {"age": "from_27", "language": "ar"}.items() <= sent.values.items()
    assert book(desk, refused, offered(refused)[0]).status == 303
    assert town.visit(waiting).state == "called"


def test_a_time_is_offered_to_walk_ins_of_this_place_alone(app: Flask, desk: Visitor, town: LiveTown) -> None:
    waiting, arrived = town.take_in(), town.book("10:00")
    town.arrive(arrived)
    page = desk.open("/desk")
    assert page.root.all("a", id=f"offer-{waiting}")
    assert not page.root.all("a", id=f"offer-{arrived}")
    other = Visitor(app).log_in_as(town.account(desk="awo-buero"))
    times = {**ASKED, "book": "1", "times": "1", "for": str(waiting)}
    elsewhere = other.open("/desk", query_string=times)
    assert "Time for number" not in elsewhere.text
    other.send(elsewhere.form("/desk/bookings"), slot=offered(elsewhere)[0], **{"for": str(waiting)})
    desk.send(ask_times(desk).form("/desk/bookings"), slot=offered(elsewhere)[1], **{"for": str(arrived)})
    assert [town.visit(each).state for each in (waiting, arrived)] == ["waiting", "waiting"]


def test_on_a_day_without_an_opening_the_desk_still_books(
    app: Flask, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    clock.move_to(at("10:00", NEXT_WEDNESDAY) - timedelta(days=1))
    town.book("10:30", on=NEXT_WEDNESDAY)
    desk = Visitor(app).log_in_as(town.account(desk="buergerbuero"))
    page = desk.open("/desk")
    assert "The next opening Wednesday, 2 December, 9:00–12:00" in page.text
    assert "with or without appointment · 2 appointments are booked." in page.text
    answered = book(desk, ask_times(desk), slot(SESSION, NEXT_WEDNESDAY, "10:00"))
    assert "Booked. Please say this:" in desk.follow(answered).text


def test_on_such_a_day_the_desk_can_say_where_it_is_open(
    app: Flask, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    clock.move_to(at("12:30", THURSDAY))
    page = Visitor(app).log_in_as(town.account(desk="buergerbuero")).open("/desk")
    assert "Open today at other places" in page.text
    line = page.root.one("section", class_="closed-today").one("li").text
    assert (
        line
        == "Büro der Arbeiterwohlfahrt , Musterweg 7, 12345 Kleinstadt: 13:00–16:00 , with appointment, 069 90009-002"
    )
    clock.move_to(at("16:00", THURSDAY))
    assert (
        "Open today at other places" not in Visitor(app).log_in_as(town.account(desk="buergerbuero")).open("/desk").text
    )
