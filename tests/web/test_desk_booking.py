"""The desk books for a caller, or for somebody who waits: asked once, one press, nothing lost when a time is taken."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from scheduler.models import Contact, Message, Step, Visit
from tests.actions.small_town import NEXT_WEDNESDAY, OFFICE, SESSION, THURSDAY, WEDNESDAY, at
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.visitor import Visitor

ASKED = {"age": "from_27", "concern": "letter", "language": "ar", "people": "3"}
HUGE = "9" * 5000
HOSTILE = ("", HUGE, "-5", "²", "٣", "\x00", "ü" * 2000, "<script>alert(1)</script>")


def ask_times(desk: Visitor, **asked: str) -> Page:
    """Open the panel, answer, and look for times, as the page's own form does it."""
    page = desk.open("/desk?book=1")
    form = next(each for each in page.forms if each.method == "get")
    return desk.open("/desk", query_string=form.filled(**{**ASKED, **asked}, times="1"))


def offered(page: Page) -> list[str]:
    return page.form("/desk/bookings").offers("slot")


def slot(key: str, on: object, clock: str) -> str:
    return f"{key}/{on}/{at(clock, on).isoformat()}"  # type: ignore[arg-type]


def book(desk: Visitor, page: Page, chosen: str) -> Page:
    return desk.press(page, "/desk/bookings", slot=chosen)


def test_the_panel_opens_beside_the_queue_and_asks_the_same_questions(desk: Visitor, town: LiveTown) -> None:
    waiting = town.take_in()
    page = desk.open("/desk")
    opened = desk.open(page.root.one("a", data_key="b").attrs["href"])
    form = next(each for each in opened.forms if each.method == "get")
    for name in ("age", "concern", "language"):
        assert form.offers(name) == page.form("/desk/visits").offers(name)
    assert form.offers("adviser") == ["", "awo-1", "awo-2", "ib-1"]
    assert opened.root.all("li", id=f"visit-{waiting}")
    assert not opened.has_form("/desk/bookings"), "no times before they are asked for"


def test_the_nearest_times_stand_there_this_place_first_then_all_others(desk: Visitor) -> None:
    page = ask_times(desk)
    times = offered(page)
    here = [each for each in times if each.startswith(SESSION)]
    elsewhere = [each for each in times if each.startswith(OFFICE)]
    assert times == here + elsewhere
    assert here == sorted(here)
    assert here[0] == slot(SESSION, WEDNESDAY, "09:15")
    assert "At all other places" in page.text
    assert "Büro der Arbeiterwohlfahrt" in page.root.one("section", class_="book").text


def test_the_address_holds_all_answers_so_that_a_reload_shows_them_again(desk: Visitor) -> None:
    page = ask_times(desk, concern="known", adviser="awo-1")
    form = next(each for each in page.forms if each.method == "get")
    assert {**ASKED, "concern": "known", "adviser": "awo-1"}.items() <= form.values.items()
    sent = page.form("/desk/bookings").values
    assert {**ASKED, "concern": "known", "adviser": "awo-1"}.items() <= sent.items()


def test_more_days_can_be_shown(desk: Visitor) -> None:
    page = ask_times(desk)
    more = next(each for each in page.links if "days=" in each)
    assert len(offered(desk.open(more))) > len(offered(page))


@pytest.mark.parametrize(
    "name", ["age", "concern", "language", "people", "adviser", "days", "for", "opening", "booked"]
)
def test_hostile_addresses_are_a_page(desk: Visitor, name: str) -> None:
    for value in HOSTILE:
        page = desk.open("/desk", query_string={**ASKED, "book": "1", "times": "1", name: value})
        assert page.status == 200, value[:20]
        assert "<script>alert" not in page.html


def test_one_press_books_and_shows_what_is_said_on_the_phone(desk: Visitor, town: LiveTown) -> None:
    answered = book(desk, ask_times(desk), slot(SESSION, NEXT_WEDNESDAY, "10:00"))
    visit = town.newest_visit()
    assert (answered.status, answered.location) == (
        303,
        f"/desk?opening=buergerbuero-mi/2026-11-25&booked={visit.id}",
    )
    assert (visit.kind, visit.state, visit.starts_at) == ("appointment", "booked", at("10:00", NEXT_WEDNESDAY))
    assert (visit.age_group, visit.language, visit.people) == ("from_27", "ar", 3)
    card = desk.follow(answered).root.one("section", class_="booked")
    assert visit.code is not None
    spoken = f"{visit.code[:3]} {visit.code[3:6]} {visit.code[6:]}"
    for words in (spoken, "Wednesday, 2 December", "at 10:00", "Bürgerbüro", "Marktplatz 1, 12345 Kleinstadt"):
        assert words in card.text
    assert f"/appointments/{visit.id}/slip" in [each.attrs.get("href") for each in card.all("a")]


def test_the_step_says_that_the_desk_booked(desk: Visitor, town: LiveTown) -> None:
    book(desk, ask_times(desk), slot(SESSION, NEXT_WEDNESDAY, "10:00"))
    step = town.read(lambda session: session.scalars(select(Step).order_by(Step.id.desc()).limit(1)).one())
    assert (step.verb, step.actor) == ("book", "staff")
    assert step.account_id is not None


def test_the_same_page_sent_twice_books_once(desk: Visitor, town: LiveTown) -> None:
    page, before = ask_times(desk), town.count(Visit)
    first, second = (book(desk, page, slot(SESSION, NEXT_WEDNESDAY, "10:00")) for _ in range(2))
    assert first.location == second.location
    assert town.count(Visit) == before + 1


@pytest.mark.parametrize(
    ("language", "locale"), [("ar", "ar"), ("de", "de"), ("uk", "en"), ("other", "en"), ("", "en")]
)
def test_paper_and_messages_speak_the_clients_language_where_our_pages_do(
    desk: Visitor, town: LiveTown, language: str, locale: str
) -> None:
    page = ask_times(desk, language=language, age="family", concern="")
    book(desk, page, offered(page)[0])
    assert town.newest_visit().locale == locale


def test_another_time_of_the_same_page_is_another_booking(desk: Visitor, town: LiveTown) -> None:
    page, before = ask_times(desk), town.count(Visit)
    for clock in ("10:00", "11:00"):
        assert book(desk, page, slot(SESSION, NEXT_WEDNESDAY, clock)).status == 303
    changed = desk.press(page, "/desk/bookings", slot=slot(SESSION, NEXT_WEDNESDAY, "11:00"), people="7")
    assert changed.status == 409, "the same press with other answers is no repetition"
    assert town.count(Visit) == before + 2


def test_a_wish_for_an_adviser_counts_only_where_the_concern_asks_for_one(desk: Visitor, town: LiveTown) -> None:
    wanted = ask_times(desk, concern="known", adviser="awo-2", language="", age="family")
    assert {each.partition("/")[0] for each in offered(wanted)} == {SESSION}, "awo-2 has no hours of her own"
    book(desk, wanted, slot(SESSION, NEXT_WEDNESDAY, "10:00"))
    assert town.newest_visit().wished_adviser_id is not None
    other = ask_times(desk, concern="letter", adviser="awo-2", language="")
    book(desk, other, slot(SESSION, NEXT_WEDNESDAY, "11:00"))
    assert town.newest_visit().wished_adviser_id is None


def test_without_a_free_time_the_panel_says_so_and_offers_all_languages(desk: Visitor) -> None:
    page = ask_times(desk, age="under_27", language="ar")
    assert page.text.count("There is no free time in the next weeks.") == 2
    wider = next(each for each in page.links if "language=other" in each)
    assert offered(desk.open(wider))


def test_a_taken_time_is_409_with_all_answers_and_the_three_nearest(desk: Visitor, town: LiveTown) -> None:
    page = ask_times(desk)
    town.book("10:00", on=NEXT_WEDNESDAY)
    before = town.count(Visit)
    taken = book(desk, page, slot(SESSION, NEXT_WEDNESDAY, "10:00"))
    assert taken.status == 409
    assert town.count(Visit) == before
    assert "This time is taken meanwhile. All answers are kept." in taken.text
    sent = taken.form("/desk/bookings")
    assert ASKED.items() <= sent.values.items()
    nearest = [each.attrs["value"] for each in taken.root.one("ul", class_="nearest").all("button")]
    assert nearest == [slot(SESSION, NEXT_WEDNESDAY, clock) for clock in ("09:30", "09:45", "10:15")]
    assert book(desk, taken, nearest[0]).status == 303
    assert town.newest_visit().starts_at == at("09:30", NEXT_WEDNESDAY)


@pytest.mark.parametrize(
    "chosen",
    [
        f"{SESSION}/2026-12-02/2026-12-02T09:07:00+00:00",
        f"{SESSION}/2026-12-01/2026-12-01T09:00:00+00:00",
        "nowhere/2026-12-02/2026-12-02T09:00:00+00:00",
        f"{SESSION}/2026-12-02/9999-12-31T09:00:00+00:00",
    ],
)
def test_a_time_that_was_never_offered_is_not_booked(desk: Visitor, town: LiveTown, chosen: str) -> None:
    page, before = ask_times(desk), town.dump()
    assert book(desk, page, chosen).status == 409
    assert town.dump() == before


@pytest.mark.parametrize("chosen", [None, "", HUGE, "\x00", "a/b/c", f"{SESSION}/2026-12-02/2026-12-02T09:00:00"])
def test_without_a_readable_time_the_panel_opens_again(desk: Visitor, town: LiveTown, chosen: str | None) -> None:
    page, before = ask_times(desk), town.dump()
    answered = desk.press(page, "/desk/bookings", slot=chosen)
    assert answered.status == 303
    form = next(each for each in desk.follow(answered).forms if each.method == "get")
    assert ASKED.items() <= form.values.items()
    assert town.dump() == before


def test_the_desk_books_at_other_places_and_sees_only_what_it_just_booked(
    app: Flask, desk: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    others = town.book("14:00", key=OFFICE, on=THURSDAY)
    answered = book(desk, ask_times(desk), slot(OFFICE, THURSDAY, "14:30"))
    visit = town.newest_visit()
    card = desk.follow(answered).root.one("section", class_="booked")
    assert "Büro der Arbeiterwohlfahrt" in card.text
    assert desk.open(f"/appointments/{visit.id}").status == 200
    assert desk.open(f"/appointments/{others}").status == 404
    assert not desk.open(f"/desk?booked={others}").root.all("section", class_="booked")
    colleague = Visitor(app).log_in_as(town.account(desk="buergerbuero"))
    assert colleague.open(f"/appointments/{visit.id}").status == 404
    assert not colleague.open(f"/desk?booked={visit.id}").root.all("section", class_="booked")
    clock.shift(timedelta(minutes=61))
    assert desk.open(f"/appointments/{visit.id}").status == 404
    assert not desk.open(f"/desk?booked={visit.id}").root.all("section", class_="booked")


def test_a_contact_is_kept_right_there_with_its_own_tick_for_the_reminder(desk: Visitor, town: LiveTown) -> None:
    booked = desk.follow(book(desk, ask_times(desk), slot(SESSION, NEXT_WEDNESDAY, "10:00")))
    visit_id = town.newest_visit().id
    wrong = desk.press(booked, "/contact", email="nobody", phone="0151 23456789")
    assert wrong.status == 422
    assert "This is not an e-mail address" in wrong.wrong("email")
    assert wrong.form("/contact").values["phone"] == "+4915123456789"
    assert town.count(Contact) == 0
    saved = desk.press(wrong, "/contact", email="a@example.org", reminders="y")
    page = desk.follow(saved)
    assert "Saved." in page.root.one("section", class_="booked").text
    assert page.form("/contact").values["email"] == "a@example.org"
    messages = town.read(
        lambda session: session.scalars(select(Message.kind).where(Message.visit_id == visit_id)).all()
    )
    assert sorted(messages) == ["confirmation", "reminder"]


def test_nobody_leaves_or_reads_a_contact_of_what_others_booked(
    app: Flask, desk: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    booked = desk.follow(book(desk, ask_times(desk), slot(SESSION, NEXT_WEDNESDAY, "10:00")))
    desk.press(booked, "/contact", email="a@example.org")
    visit_id, by_client = town.newest_visit().id, town.book("11:00", on=NEXT_WEDNESDAY)
    colleague = Visitor(app).log_in_as(town.account(desk="buergerbuero"))
    before, token = town.dump(), colleague.open("/code")
    for each in (visit_id, by_client):
        for address in (f"/desk/bookings/{each}/contact", f"/appointments/{each}/contact"):
            assert colleague.post(address, token, email="x@example.org").status == 404
        assert "example.org" not in colleague.open(f"/appointments/{each}").html
        assert not colleague.open(f"/appointments/{each}").has_form("/contact")
    clock.shift(timedelta(minutes=61))
    assert desk.press(booked, "/contact", email="x@example.org").status == 404
    assert town.dump() == before


def test_a_number_can_be_given_while_the_panel_stays_open(desk: Visitor, town: LiveTown) -> None:
    page = ask_times(desk)
    after = desk.follow(desk.press(page, "/desk/visits", quick="1"))
    assert town.newest_visit().ticket == 1
    assert after.root.one("p", class_="given-big").text == "1"
    form = next(each for each in after.forms if each.method == "get")
    assert ASKED.items() <= form.values.items()
    assert offered(after) == offered(page)


def test_what_was_typed_for_a_walk_in_goes_along_into_the_panel_and_back(desk: Visitor) -> None:
    """A script writes the answers into the address; the page reads them there."""
    register = desk.open("/desk", query_string=ASKED).form("/desk/visits")
    assert ASKED.items() <= register.values.items()


def test_the_part_that_refreshes_itself_holds_no_panel(desk: Visitor) -> None:
    part = desk.open("/desk/queue", query_string={**ASKED, "book": "1", "times": "1"})
    assert [each.action for each in part.forms if "/tickets/" not in each.action] == []
    polled = ask_times(desk).root.one("section", class_="queue")
    assert not polled.all("section", class_="book")


def test_an_adviser_cannot_book_as_the_desk(adviser: Visitor, town: LiveTown) -> None:
    before = town.dump()
    page = adviser.open("/my")
    for address in ("/desk/bookings", "/desk/bookings/1/contact", "/desk/appointments"):
        assert adviser.post(address, page, book="1", slot=slot(SESSION, NEXT_WEDNESDAY, "10:00")).status == 403
    assert town.dump() == before
