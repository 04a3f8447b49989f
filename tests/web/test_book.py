"""Booking without an account: four questions, a time, a visit."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine

from scheduler.models import Contact, IdempotencyKey, Visit
from tests.actions.small_town import NEXT_WEDNESDAY, OFFICE, THURSDAY, WEDNESDAY, at, be_away
from tests.web.live_town import LiveTown
from tests.web.page import Form, Page
from tests.web.visitor import Visitor

ANSWERED = "/book?age=from_27&concern=letter&language=de"
SESSION_ON = f"buergerbuero-mi/{WEDNESDAY}"


def slot(clock: str, opening: str = SESSION_ON, on: date = WEDNESDAY) -> str:
    """The value of a time's button."""
    return f"{opening}/{at(clock, on).isoformat()}"


def times(page: Page) -> Form:
    return page.form("/book")


def shown(page: Page) -> list[str]:
    return times(page).offers("slot") if page.has_form("/book") else []


def starts(values: list[str]) -> list[datetime]:
    return [datetime.fromisoformat(each.rpartition("/")[2]) for each in values]


def heading(page: Page) -> str:
    return page.root.all("h1")[0].text


def answer(visitor: Visitor, page: Page, words: str) -> Page:
    """Press the choice that says this."""
    found = [each for each in page.root.all("a", class_="choice") if words in each.text]
    assert found, page.text
    return visitor.open(found[0].attrs["href"])


def test_every_question_in_turn_leads_to_a_booked_visit(visitor: Visitor, town: LiveTown) -> None:
    page = visitor.open("/book")
    for question, words in (
        ("How old is the person?", "27 or older"),
        ("What do you need?", "Letter or form"),
        ("Which language helps?", "العربية"),
    ):
        assert heading(page) == question
        page = answer(visitor, page, words)
    assert heading(page) == "When and where?"
    before = town.count(Visit)
    booked = visitor.send(times(page), slot=slot("09:30"))
    assert booked.status == 303
    visit = town.newest_visit()
    assert town.count(Visit) == before + 1
    assert (visit.state, visit.age_group, visit.language, visit.locale) == ("booked", "from_27", "ar", "en")
    assert (visit.starts_at, visit.ends_at) == (at("09:30"), at("09:45"))
    assert booked.location == f"/visits/{town.token(visit.id)}?new=1"


def test_all_answers_are_in_the_address_of_the_last_question(visitor: Visitor) -> None:
    page = visitor.open("/book")
    for words in ("a family with both", "I already have an adviser", "Beratung AWO 2"):
        href = next(each for each in page.root.all("a", class_="choice") if words in each.text).attrs["href"]
        page = visitor.open(href)
    assert parse_qs(urlsplit(href).query) == {"age": ["family"], "concern": ["known"], "adviser": ["awo-2"]}
    assert times(page).values["adviser"] == "awo-2"
    assert times(page).values["age"] == "family"


@pytest.mark.parametrize(
    ("query", "question"),
    [
        ({"age": "ninety", "concern": "letter", "language": "de"}, "How old is the person?"),
        ({"age": "from_27", "concern": "gold", "language": "de"}, "What do you need?"),
        ({"age": "from_27", "concern": "letter", "language": "tlh"}, "Which language helps?"),
        ({"age": "from_27", "concern": "known", "adviser": "nobody", "language": "de"}, "Who is your adviser?"),
    ],
)
def test_a_nonsense_answer_is_asked_again_and_the_others_are_kept(
    visitor: Visitor, query: dict[str, str], question: str
) -> None:
    page = visitor.open("/book", query_string=query)
    assert heading(page) == question
    onward = page.root.all("a", class_="choice")[-1].attrs["href"]
    kept = {name: value[0] for name, value in parse_qs(urlsplit(onward).query).items()}
    wrong = {"ninety", "gold", "tlh", "nobody"}
    assert {name: value for name, value in query.items() if value not in wrong}.items() <= kept.items() | (
        {("concern", "known")} if "adviser" in query else set()
    )


HOSTILE = ["", "\x00", "ü" * 3000, "9" * 5000, "-1", "'; DROP TABLE visit; --", "<script>", "١٢", "\U0010ffff", "%s"]


@pytest.mark.parametrize("name", ["age", "concern", "language", "adviser", "place", "days"])
def test_no_answer_breaks_the_page(visitor: Visitor, name: str) -> None:
    good = {"age": "from_27", "concern": "letter", "language": "de", "adviser": "any", "place": "", "days": "3"}
    for value in HOSTILE:
        page = visitor.open("/book", query_string={**good, name: value})
        assert page.status == 200, (name, value[:30])
        assert "<script>" not in page.html
        assert page.root.all("a", class_="choice") or shown(page)


@pytest.mark.parametrize("name", ["age", "concern", "language", "adviser", "place", "days", "slot"])
def test_no_field_that_is_sent_breaks_the_booking(visitor: Visitor, town: LiveTown, name: str) -> None:
    before = town.count(Visit)
    for value in HOSTILE:
        answered = visitor.send(times(visitor.open(ANSWERED)), **{"slot": "x/y/z", name: value})
        assert (answered.status, answered.location[:5]) == (303, "/book"), (name, value[:30])
    assert town.count(Visit) == before


def test_a_key_of_any_kind_books_once(visitor: Visitor, town: LiveTown) -> None:
    before = town.count(Visit)
    for clock, key in (("09:00", "\x00"), ("09:15", "ü" * 3000), ("09:30", "\U0010ffff"), ("09:45", "%s")):
        assert visitor.send(times(visitor.open(ANSWERED)), slot=slot(clock), key=key).status == 303
    assert town.count(Visit) == before + 4


def test_sending_without_an_answer_asks_it_and_books_nothing(visitor: Visitor, town: LiveTown) -> None:
    page, before = visitor.open(ANSWERED), town.count(Visit)
    answered = visitor.send(times(page), slot=slot("09:00"), age="ninety")
    assert heading(visitor.follow(answered)) == "How old is the person?"
    assert "concern=letter" in answered.location
    assert town.count(Visit) == before


def test_the_same_page_sent_twice_is_one_booking(visitor: Visitor, town: LiveTown) -> None:
    form, before = times(visitor.open(ANSWERED)), town.count(Visit)
    first, second = (visitor.send(form, slot=slot("09:30")) for _ in range(2))
    assert first.location == second.location
    assert town.count(Visit) == before + 1
    assert town.count(IdempotencyKey) == 2, "the page's, and that of its proof"


def test_two_pages_have_two_keys(visitor: Visitor) -> None:
    keys = {times(visitor.open(ANSWERED)).values["key"] for _ in range(3)}
    assert len(keys) == 3
    assert all(len(each) >= 16 for each in keys)


def test_a_time_taken_meanwhile_shows_the_three_nearest_and_one_of_them_can_be_booked(
    visitor: Visitor, town: LiveTown
) -> None:
    page = visitor.open("/book?age=from_27&concern=letter&language=de&place=buergerbuero")
    town.book("10:00")
    taken = visitor.send(times(page), slot=slot("10:00"))
    assert taken.status == 409
    assert "Your answers are kept" in taken.text
    assert starts(shown(taken)) == [at("09:30"), at("09:45"), at("10:15")]
    kept = times(taken).values
    assert {name: kept[name] for name in ("age", "concern", "language", "place")} == {
        "age": "from_27",
        "concern": "letter",
        "language": "de",
        "place": "buergerbuero",
    }
    booked = visitor.send(times(taken), slot=slot("10:15"))
    assert booked.status == 303
    assert town.newest_visit().starts_at == at("10:15")


def test_an_alternative_at_another_place_can_be_booked_although_a_place_was_chosen(
    visitor: Visitor, town: LiveTown
) -> None:
    page = visitor.open("/book?age=from_27&concern=letter&language=de&place=awo-buero")
    chosen = slot("13:00", f"{OFFICE}/{THURSDAY}", THURSDAY)
    assert chosen in shown(page)
    town.change(be_away, "awo-1", "13:00", "16:00", THURSDAY)
    taken = visitor.send(times(page), slot=chosen)
    assert taken.status == 409
    elsewhere = [each for each in shown(taken) if each.startswith("buergerbuero-mi")]
    assert visitor.send(times(taken), slot=elsewhere[-1]).status == 303
    assert town.newest_visit().starts_at == starts(elsewhere)[-1]


NEVER_SLOTS = [
    slot("09:07"),
    slot("11:50"),
    slot("08:45"),
    slot("12:00"),
    slot("09:00", f"buergerbuero-mi/{NEXT_WEDNESDAY}"),
    slot("09:00", f"{OFFICE}/{WEDNESDAY}"),
    slot("09:00", f"buergerbuero-mi/{THURSDAY}", THURSDAY),
    slot("09:00", "buergerbuero-mi/2026-11-18", date(2026, 11, 18)),
    slot("09:00", "buergerbuero-mi/2026-12-30", date(2026, 12, 30)),
    slot("09:00", "buergerbuero-mi/2027-11-24", date(2027, 11, 24)),
    slot("09:00", "nowhere/2026-11-25"),
    slot("09:00", "\x00/2026-11-25"),
    f"{SESSION_ON}/9999-12-31T23:59:59+00:00",
    f"{SESSION_ON}/0001-01-01T00:00:00+00:00",
    f"{SESSION_ON}/0001-01-01T00:00:00+14:00",
    f"{SESSION_ON}/9999-12-31T23:59:59-14:00",
    "buergerbuero-mi/0001-01-01/0001-01-01T00:00:00+00:00",
    "buergerbuero-mi/9999-12-29/9999-12-29T09:00:00+00:00",
]


def test_what_was_never_a_free_time_is_refused_like_a_taken_one(visitor: Visitor, town: LiveTown) -> None:
    before = town.count(Visit)
    answered = {never: visitor.send(times(visitor.open(ANSWERED)), slot=never) for never in NEVER_SLOTS}
    assert {never: each.status for never, each in answered.items() if each.status != 409} == {}
    assert {heading(each) for each in answered.values()} == {"This time is taken"}
    assert town.count(Visit) == before


MALFORMED = [
    "",
    "x",
    "//",
    SESSION_ON,
    f"{SESSION_ON}/",
    f"{SESSION_ON}/2026-11-25T09:00:00",
    "a/b/2026-11-25T09:00:00+01:00",
]


def test_a_malformed_time_leads_back_to_the_times(visitor: Visitor, town: LiveTown) -> None:
    before = town.count(Visit)
    for malformed in MALFORMED:
        answered = visitor.send(times(visitor.open(ANSWERED)), slot=malformed)
        assert heading(visitor.follow(answered)) == "When and where?", malformed
    assert town.count(Visit) == before


def test_a_time_that_has_passed_since_the_page_was_opened_is_refused(
    visitor: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    clock.move_to(at("08:50"))
    page = visitor.open(ANSWERED)
    clock.move_to(at("09:01"))
    refused = visitor.send(times(page), slot=slot("09:00"))
    assert refused.status == 409
    assert starts(shown(refused))[0] == at("09:15")


def test_a_family_keeps_the_service_open(visitor: Visitor, town: LiveTown) -> None:
    page = visitor.open("/book?age=family&concern=advice&language=uk")
    visitor.send(times(page), slot=slot("09:00"))
    visit = town.newest_visit()
    assert (visit.age_group, visit.service_id, visit.language) == ("family", None, "uk")
    assert visit.ends_at == at("09:45")


def test_another_language_hides_no_time_and_is_stored_for_the_office(visitor: Visitor, town: LiveTown) -> None:
    page = visitor.open("/book?age=from_27&concern=letter&language=other")
    assert "Bring someone you trust" in page.text
    assert shown(page) == shown(visitor.open(ANSWERED))
    visitor.send(times(page), slot=slot("09:00"))
    assert town.newest_visit().language == "other"


def test_a_named_adviser_is_kept_and_only_their_times_are_shown(visitor: Visitor, town: LiveTown) -> None:
    town.change(be_away, "awo-2", "10:00", "11:00")
    page = visitor.open("/book?age=from_27&concern=known&adviser=awo-2")
    assert "With Beratung AWO 2" in page.text
    on_the_day = [each for each in starts(shown(page)) if each.date() == WEDNESDAY]
    assert on_the_day == [at("09:00"), at("09:15"), at("11:00"), at("11:15")]
    visitor.send(times(page), slot=slot("09:15"))
    visit = town.newest_visit()
    assert visit.planned_adviser_id == visit.wished_adviser_id is not None


def test_without_the_advisers_name_the_language_is_asked(visitor: Visitor) -> None:
    assert heading(visitor.open("/book?age=from_27&concern=known&adviser=any")) == "Which language helps?"


def test_the_place_filter_shows_that_place_alone(visitor: Visitor) -> None:
    everywhere, filtered = visitor.open(ANSWERED), visitor.open(ANSWERED + "&place=awo-buero")
    assert {each.partition("/")[0] for each in shown(everywhere)} == {"buergerbuero-mi", OFFICE}
    assert {each.partition("/")[0] for each in shown(filtered)} == {OFFICE}
    assert times(filtered).values["place"] == "awo-buero"


def test_three_days_are_shown_and_more_on_request(visitor: Visitor) -> None:
    def days_with_times(page: Page) -> int:
        return len([each for each in page.root.all("section", class_="day") if each.all("button")])

    page = visitor.open(ANSWERED)
    assert days_with_times(page) == 3
    more = next(each for each in page.root.all("a") if each.text == "Show more days")
    longer = visitor.open(more.attrs["href"])
    assert days_with_times(longer) == 7
    assert set(shown(page)) < set(shown(longer))
    assert times(longer).values["days"] == "7"


def test_a_walk_in_opening_in_between_stands_there_too(visitor: Visitor) -> None:
    day = visitor.open(ANSWERED).root.all("section", class_="day")[0]
    assert "Come without appointment 9:00–12:00 Bürgerbüro" in day.text


def test_where_nothing_is_free_the_page_says_what_else_helps(visitor: Visitor) -> None:
    page = visitor.open("/book?age=under_27&concern=letter&language=uk&place=awo-buero")
    assert "There is no free time in the next weeks." in page.text
    ways = [each.text for each in page.root.one("ul", class_="ways").all("a")]
    assert ways == ["Look at all places", "Look at all languages", "See when you can come without appointment"]


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ({"age": "from_27", "concern": "letter", "language": "ar"}, {"service": "MBE", "language": "ar"}),
        ({"age": "under_27", "concern": "advice", "language": "uk"}, {"service": "JMD", "language": "uk"}),
        ({"age": "family", "concern": "unsure", "language": "other"}, {"age_group": "family", "language": "other"}),
    ],
)
def test_page_api_and_actions_show_the_same_times(
    visitor: Visitor, town: LiveTown, query: dict[str, str], asked: dict[str, Any]
) -> None:
    town.book("10:00", concern="advice")
    concern = query["concern"]
    offered = town.offered(date(2026, 11, 24), date(2027, 1, 25), concern=concern, **asked)
    expected = [f"{each.opening.public_id}/{each.slot.starts_at.isoformat()}" for each in offered]
    assert shown(visitor.open("/book", query_string={**query, "days": "62"})) == expected
    from_api = visitor.open("/api/v1/slots", query_string={**asked, "concern": concern, "until": "2027-01-25"}).json
    assert [(each["opening"], datetime.fromisoformat(each["starts_at"])) for each in from_api["slots"]] == [
        (each.opening.public_id, each.slot.starts_at) for each in offered
    ]


def test_every_time_that_is_shown_can_be_booked(visitor: Visitor, town: LiveTown) -> None:
    """A sample over all shown, each from a fresh page, until the first day is full."""
    booked: list[datetime] = []
    for _ in range(8):
        page = visitor.open(ANSWERED)
        chosen = shown(page)[:: max(1, len(shown(page)) // 3)][1]
        answered = visitor.send(times(page), slot=chosen)
        assert answered.status == 303, chosen
        assert answered.location.startswith("/visits/")
        booked.append(town.newest_visit().starts_at)
        assert booked[-1] == starts([chosen])[0]
        assert chosen not in shown(visitor.open(ANSWERED)) or chosen.startswith(OFFICE)


def test_booking_stores_no_contact_and_asks_for_none(visitor: Visitor, town: LiveTown) -> None:
    page = visitor.open(ANSWERED)
    visitor.send(times(page), slot=slot("09:00"), email="someone@example.org", name="Somebody")
    assert town.count(Contact) == 0
    assert not {"email", "phone", "name"} & set(times(page).values)
