"""What the desk sees of the forecast: the newcomer's wait, each row's own, who will hardly be served, the red list."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import time_machine
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import given as drawn
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from scheduler.actions.presence import change_presence
from scheduler.actions.rulebook import read_rulebook
from scheduler.models import Visit
from tests.actions.small_town import adviser_of, at, be_away, hours_of, opening_of
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.visitor import Visitor

Foretell = Callable[..., None]


def facts(page: Page) -> str:
    return page.root.one("div", class_="desk-facts").text


def listed(page: Page, look: str) -> list[int]:
    """Ids of the visits in the list that looks so."""
    lists = page.root.all("ul", class_=look)
    return [int(each.attrs["id"].removeprefix("visit-")) for one in lists for each in one.all("li", class_="line")]


def line(page: Page, visit_id: int) -> str:
    return page.root.one("li", id=f"visit-{visit_id}").text


def is_strong(page: Page, id_: str) -> bool:
    found = [each for each in page.root.all() if each.attrs.get("id") == id_]
    return [("button--strong" in each.attrs["class"]) for each in found] == [True]


def go(town: LiveTown, *keys: str) -> None:
    def action(session: Session) -> None:
        for key in keys:
            change_presence(session, opening_of(read_rulebook(session)), adviser_of(session, key), "gone", at("09:05"))

    for key in keys:
        town.seat(key)
    town.change(action)


@pytest.mark.parametrize(("chance", "words"), [(0.9, "very likely"), (0.7, "perhaps")])
def test_the_head_says_how_long_how_likely_and_how_sure(
    desk: Visitor, foretell: Foretell, chance: float, words: str
) -> None:
    foretell(chance)
    assert f"newcomer waits 20–40 min served before 12:00 {words} measured on few visits" in facts(desk.open("/desk"))


def test_nothing_is_foretold_when_nobody_is_taken_in(
    desk: Visitor, foretell: Foretell, clock: time_machine.Coordinates
) -> None:
    foretell(0.9)
    clock.move_to(at("12:00"))
    assert "newcomer waits" not in facts(desk.open("/desk"))


def test_nothing_is_foretold_when_staff_have_closed(
    desk: Visitor, foretell: Foretell, clock: time_machine.Coordinates
) -> None:
    foretell(0.9)
    assert "newcomer waits" in facts(desk.open("/desk"))
    desk.press(desk.open("/desk/close"), "/desk/close")
    assert "newcomer waits" not in facts(desk.open("/desk"))


def test_every_row_shows_its_own_wait(desk: Visitor, town: LiveTown, foretell: Foretell) -> None:
    foretell(0.9)
    one, other = town.take_in(), town.take_in()
    foretell(0.9, {one: 0.9})
    page = desk.open("/desk")
    assert "still waits: 20–40 min" in line(page, one)
    assert "still waits" not in line(page, other)


@pytest.mark.parametrize(("moment", "told"), [("11:14", False), ("11:15", True)])
def test_from_45_minutes_before_the_end_who_will_hardly_be_served_stands_apart(
    desk: Visitor, town: LiveTown, clock: time_machine.Coordinates, foretell: Foretell, moment: str, told: bool
) -> None:
    foretell(0.9)
    hardly, surely = town.take_in(), town.take_in()
    foretell(0.9, {hardly: 0.49, surely: 0.5})
    clock.move_to(at(moment))
    page = desk.open("/desk")
    assert listed(page, "lines--hardly") == ([hardly] if told else [])
    assert is_strong(page, f"offer-{hardly}") is told
    assert not is_strong(page, f"offer-{surely}")
    assert ("Probably after 12:00" in page.text) is told, "numbers that were given still count here"


@pytest.fixture
def ends_sharply(town: LiveTown) -> Iterator[None]:
    """For one test alone: the tables of the town's file are not emptied."""
    town.change(lambda session: setattr(hours_of(session), "after_until", False))
    yield
    town.change(lambda session: setattr(hours_of(session), "after_until", True))


def test_where_nobody_is_served_after_closing_the_words_say_so(
    desk: Visitor, town: LiveTown, clock: time_machine.Coordinates, foretell: Foretell, ends_sharply: None
) -> None:
    foretell(0.9)
    foretell(0.9, {town.take_in(): 0.1})
    clock.move_to(at("11:30"))
    page = desk.open("/desk")
    assert "Will probably not be served today" in page.text
    assert "Probably after" not in page.text


# The red list


def test_whom_nobody_here_can_help_stands_at_the_top(desk: Visitor, town: LiveTown) -> None:
    met, unmet = town.take_in(language="ar"), town.take_in(age_group="from_27", language="uk")
    page = desk.open("/desk")
    assert (listed(page, "lines--red"), is_strong(page, f"offer-{unmet}")) == ([unmet], True)
    assert [int(each.attrs["id"][6:]) for each in page.root.all("li", class_="line")] == [unmet, met]


def test_when_nobody_is_here_or_expected_any_more_all_stand_there(desk: Visitor, town: LiveTown) -> None:
    waiting = [town.take_in(), town.take_in(language="de")]
    go(town, "awo-1", "awo-2")
    assert listed(desk.open("/desk"), "lines--red") == [], "one is still expected"
    go(town, "ib-1")
    page = desk.open("/desk")
    assert sorted(listed(page, "lines--red")) == waiting
    assert "No adviser is here, and none is expected any more." in page.text


def test_who_is_away_all_morning_counts_for_nothing(desk: Visitor, town: LiveTown) -> None:
    waiting = town.take_in(language="ar")
    town.change(be_away, "awo-1", "08:00", "13:00")
    town.change(lambda session: setattr(session.get_one(Visit, waiting).opening, "version", 99))
    assert listed(desk.open("/desk"), "lines--red") == [waiting]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@drawn(data=st.data())
def test_every_waiting_visit_stands_in_exactly_one_list(
    desk: Visitor, town: LiveTown, foretell: Foretell, data: st.DataObject
) -> None:
    """And in the red one exactly when nobody who is not gone speaks its language for its service."""
    foretell(1.0)
    ages, languages = st.sampled_from(["under_27", "from_27", "family"]), st.sampled_from(["ar", "uk", "en", "other"])
    town.take_in(age_group=data.draw(ages), language=data.draw(st.none() | languages))
    gone = data.draw(st.sets(st.sampled_from(["awo-1", "awo-2", "ib-1"])))
    for key in ("awo-1", "awo-2", "ib-1"):
        town.seat(key)
    go(town, *sorted(gone))
    page = desk.open("/desk")
    waiting = town.read(lambda s: [(v.id, v.service.key if v.service else None, v.language) for v in _waiting(s)])
    here = {key: skills for key, skills in ADVISERS.items() if key not in gone}
    red = {
        id_
        for id_, service, language in waiting
        if not any(
            (service is None or service in services) and (language is None or language in spoken)
            for services, spoken in here.values()
        )
    }
    assert set(listed(page, "lines--red")) == red
    shown = [int(each.attrs["id"][6:]) for each in page.root.all("li", class_="line--waiting")]
    assert sorted(shown) == sorted(id_ for id_, *_ in waiting)


ADVISERS = {
    "awo-1": ({"MBE"}, {"de", "ar"}),
    "awo-2": ({"MBE", "JMD"}, {"de", "en"}),
    "ib-1": ({"JMD"}, {"de", "uk"}),
}


def _waiting(session: Session) -> list[Visit]:
    visits = session.query(Visit).filter(Visit.state == "waiting", Visit.local_on == at("09:00").date())
    return list(visits)


# Nobody speaks it today


def given(desk: Visitor, town: LiveTown, **answers: str) -> Page:
    return desk.follow(desk.press(desk.open("/desk"), "/desk/visits", **answers))


def wish(page: Page) -> str:
    found = page.root.all("div", class_="unmet-wish")
    return found[0].text if found else ""


def test_at_registration_it_is_said_that_nobody_speaks_the_language_and_when_somebody_does(
    desk: Visitor, town: LiveTown
) -> None:
    go(town, "awo-1")
    page = given(desk, town, age="from_27", concern="letter", language="ar")
    waiting = town.newest_visit()
    assert "Nobody speaks Arabic today." in wish(page)
    assert "Thursday, 26 November, at 13:00 Büro der Arbeiterwohlfahrt" in wish(page)
    form = next(each for each in page.forms if "for" in each.values)
    assert len(form.offers("slot")) == 3
    booked = desk.send(form, slot=form.offers("slot")[0])
    visit = town.newest_visit()
    assert (visit.kind, visit.language, visit.starts_at) == ("appointment", "ar", at("13:00", visit.local_on))
    assert town.visit(waiting.id).state == "cancelled"
    assert "Booked. Please say this:" in desk.follow(booked).text


@pytest.mark.parametrize(
    ("gone", "answers", "words"),
    [
        (["awo-2", "ib-1"], {"age": "under_27"}, "Nobody for JMD is here today."),
        ([], {"age": "from_27", "language": "uk"}, "Nobody for MBE speaks Ukrainian today."),
        ([], {"language": "other"}, "Nobody here speaks this language. Please ask: can somebody they trust come along"),
        ([], {"age": "from_27", "language": "ar"}, ""),
        ([], {}, ""),
    ],
)
def test_what_is_missing_is_said_in_words(
    desk: Visitor, town: LiveTown, gone: list[str], answers: dict[str, str], words: str
) -> None:
    go(town, *gone)
    page = given(desk, town, **answers)
    assert wish(page).startswith(words) if words else wish(page) == ""
    if "other" in answers.values():
        assert not page.has_form("/desk/bookings")


def test_it_is_said_when_the_answers_follow_later_too(desk: Visitor, town: LiveTown) -> None:
    visit_id = town.take_in()
    for language, said in (("uk", True), ("ar", False)):
        form = desk.open(f"/desk/visits/{visit_id}/answers")
        page = desk.follow(desk.press(form, "/answers", age="from_27", language=language))
        assert bool(wish(page)) is said, language


def test_it_is_no_longer_said_once_the_visit_was_called(desk: Visitor, town: LiveTown) -> None:
    page = given(desk, town, age="from_27", language="uk")
    assert wish(page)
    town.seat("awo-2")
    town.call_next("awo-2")
    assert wish(desk.open(f"/desk?given={town.newest_visit().id}")) == ""


# Late


@pytest.mark.parametrize(("moment", "late"), [("09:39", False), ("09:40", True)])
def test_an_appointment_ten_minutes_past_its_start_is_late(
    desk: Visitor, town: LiveTown, clock: time_machine.Coordinates, moment: str, late: bool
) -> None:
    visit_id = town.book("09:30")
    clock.move_to(at(moment))
    page = desk.open("/desk")
    assert ("9:30 appointment, 10 min late" in line(page, visit_id)) is late
    assert is_strong(page, f"missed-{visit_id}") is late


def test_the_time_of_a_missed_appointment_goes_to_the_queue_at_once(
    desk: Visitor, town: LiveTown, app: Flask, clock: time_machine.Coordinates
) -> None:
    clock.move_to(at("09:15"))
    late, waits = town.book("09:30", adviser_key="awo-1"), town.take_in(age_group="from_27", language="ar")
    town.seat("awo-1")
    clock.move_to(at("09:41"))
    desk.press(desk.open("/desk"), f"/desk/visits/{late}/missed")
    assert town.visit(late).planned_adviser_id is None
    assert town.consultation(town.call_next("awo-1")).visit_id == waits
