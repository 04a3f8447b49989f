"""The JSON API: the same actions as the pages; every refusal is a problem document that says which field."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scheduler.models import Contact, Visit
from tests.actions.small_town import OFFICE, THURSDAY, WEDNESDAY, at
from tests.web.live_town import LiveTown
from tests.web.page import Page
from tests.web.visitor import Visitor

ON_WEDNESDAY = f"buergerbuero-mi/{WEDNESDAY}"
GOOD: dict[str, Any] = {
    "service": "MBE",
    "concern": "letter",
    "opening": ON_WEDNESDAY,
    "starts_at": "2026-11-25T09:30:00+01:00",
}


def get(visitor: Visitor, address: str, **query: str) -> Page:
    return visitor.open(f"/api/v1/{address}", query_string={name.rstrip("_"): value for name, value in query.items()})


def book(visitor: Visitor, key: str = "", **changes: Any) -> Page:
    body = {name: value for name, value in {**GOOD, **changes}.items() if value is not ...}
    headers = {"Idempotency-Key": key} if key else {}
    return visitor.open("/api/v1/bookings", method="POST", json=body, headers=headers)


def fields(answer: Page) -> list[str]:
    """The fields that a 422 names."""
    assert answer.status == 422, (answer.status, answer.html)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert {"type", "title", "status", "errors"} <= set(answer.json)
    assert all(each["reason"] for each in answer.json["errors"])
    return sorted(each["field"] for each in answer.json["errors"])


def test_slots_say_time_with_offset_place_opening_and_languages(visitor: Visitor) -> None:
    answer = get(visitor, "slots", service="MBE", concern="letter", until="2026-11-26")
    first = answer.json["slots"][0]
    assert first == {
        "starts_at": "2026-11-25T09:00:00+01:00",
        "ends_at": "2026-11-25T09:15:00+01:00",
        "place": "buergerbuero",
        "opening": ON_WEDNESDAY,
        "languages": ["ar", "de", "en"],
    }
    assert {each["place"] for each in answer.json["slots"]} == {"buergerbuero", "awo-buero"}


def test_slots_obey_every_filter(visitor: Visitor) -> None:
    def all_of(name: str, **query: str) -> set[Any]:
        slots = get(visitor, "slots", **query).json["slots"]
        assert slots, query
        return {json.dumps(each[name]) for each in slots}

    assert all_of("place", place="awo-buero") == {'"awo-buero"'}
    assert all(each.startswith('"2026-12-02') for each in all_of("starts_at", from_="2026-12-02", until="2026-12-02"))
    assert all_of("languages", adviser="ib-1") == {'["de", "uk"]'}
    assert all("ar" in each for each in all_of("languages", language="ar"))
    assert get(visitor, "slots", service="JMD", place="awo-buero").json == {"slots": []}
    assert get(visitor, "slots", from_="2025-01-01", until="2025-02-01").json == {"slots": []}


def test_openings_say_what_they_admit_and_how_they_stand(visitor: Visitor, clock: time_machine.Coordinates) -> None:
    found = {each["id"]: each for each in get(visitor, "openings", until="2026-12-30").json["openings"]}
    assert found[ON_WEDNESDAY] == {
        "id": ON_WEDNESDAY,
        "starts_at": "2026-11-25T09:00:00+01:00",
        "ends_at": "2026-11-25T12:00:00+01:00",
        "place": "buergerbuero",
        "services": ["JMD", "MBE"],
        "admits": "mixed",
        "state": "planned",
    }
    assert found["buergerbuero-mi/2026-12-30"]["state"] == "cancelled"
    states = []
    for clock_at in ("09:00", "11:59", "12:00"):
        clock.move_to(at(clock_at))
        states.append(get(visitor, "openings", until="2026-11-25").json["openings"][0]["state"])
    assert states == ["open", "open", "over"]
    at_the_office = get(visitor, "openings", place="awo-buero").json["openings"]
    assert at_the_office[0]["id"] == f"{OFFICE}/{THURSDAY}"


def test_a_booking_gives_code_token_and_addresses_that_work(visitor: Visitor, town: LiveTown) -> None:
    answer = book(visitor, language="ar", people=3, locale="ar")
    visit = town.newest_visit()
    token = town.token(visit.id)
    assert (answer.status, answer.headers["Location"]) == (201, f"/api/v1/bookings/{token}")
    assert answer.json == {
        "code": visit.code,
        "token": token,
        "state": "booked",
        "starts_at": "2026-11-25T09:30:00+01:00",
        "ends_at": "2026-11-25T09:45:00+01:00",
        "place": "buergerbuero",
        "opening": ON_WEDNESDAY,
        "people": 3,
        "manage_url": f"http://localhost/visits/{token}",
        "ics_url": f"http://localhost/visits/{token}/appointment.ics",
    }
    assert (visit.language, visit.people, visit.locale) == ("ar", 3, "ar")
    for name in ("manage_url", "ics_url"):
        assert visitor.open(answer.json[name].removeprefix("http://localhost")).status == 200
    assert get(visitor, f"bookings/{token}").json == answer.json


def test_a_place_stands_for_its_opening_and_any_offset_for_the_same_instant(visitor: Visitor, town: LiveTown) -> None:
    answer = book(visitor, opening=..., place="buergerbuero", starts_at="2026-11-25T13:30:00+05:00")
    assert answer.status == 201
    assert answer.json["starts_at"] == "2026-11-25T09:30:00+01:00"
    assert answer.json["opening"] == ON_WEDNESDAY


def test_a_contact_is_normalised_and_kept(visitor: Visitor, town: LiveTown) -> None:
    assert book(visitor, contact={"email": "a@EXAMPLE.org", "phone": "0151 23456789", "reminders": True}).status == 201
    stored = town.row(Contact, town.newest_visit().id)
    assert (stored.email, stored.phone, stored.reminders) == ("a@example.org", "+4915123456789", True)


BAD_BODIES: list[tuple[dict[str, Any], list[str]]] = [
    ({"service": "XYZ"}, ["service"]),
    ({"service": 7}, ["service"]),
    ({"service": ["MBE"]}, ["service"]),
    ({"age_group": "old"}, ["age_group"]),
    ({"concern": "gold"}, ["concern"]),
    ({"language": "tlh"}, ["language"]),
    ({"adviser": "nobody"}, ["adviser"]),
    ({"place": "nowhere"}, ["place"]),
    ({"locale": "xx"}, ["locale"]),
    ({"opening": "x"}, ["opening"]),
    ({"opening": "buergerbuero-mi/2026-13-45"}, ["opening"]),
    ({"starts_at": ...}, ["starts_at"]),
    ({"starts_at": None}, ["starts_at"]),
    ({"starts_at": "2026-11-25T09:30:00"}, ["starts_at"]),
    ({"starts_at": "soon"}, ["starts_at"]),
    ({"starts_at": "2026-11-25"}, ["starts_at"]),
    ({"starts_at": "0000-01-01T00:00:00Z"}, ["starts_at"]),
    ({"starts_at": "10000-01-01T00:00:00Z"}, ["starts_at"]),
    ({"people": 0}, ["people"]),
    ({"people": 21}, ["people"]),
    ({"people": 1.5}, ["people"]),
    ({"people": "many"}, ["people"]),
    ({"people": None}, ["people"]),
    ({"people": 10**30}, ["people"]),
    ({"name": "Somebody"}, ["name"]),
    ({"contact": "a@example.org"}, ["contact"]),
    ({"contact": {"email": "x"}}, ["contact.email"]),
    ({"contact": {"phone": "x"}}, ["contact.phone"]),
    ({"contact": {"email": 5}}, ["contact.email"]),
    ({"contact": {"name": "Somebody"}}, ["contact.name"]),
    ({"service": "XYZ", "concern": "gold"}, ["concern", "service"]),
    ({"service": 7, "people": 0, "name": "x"}, ["name", "people", "service"]),
    ({"service": "x" * 300}, ["service"]),
    ({"service": "\x00"}, ["service"]),
    ({"place": "\x00"}, ["place"]),
    ({"opening": ..., "place": "awo-buero"}, ["starts_at"]),
]


def test_every_bad_field_is_named_and_nothing_is_booked(visitor: Visitor, town: LiveTown) -> None:
    before = town.dump()
    for changes, expected in BAD_BODIES:
        assert fields(book(visitor, **changes)) == expected, changes
    assert fields(book(visitor, opening=...)) == [""]
    assert town.dump() == before


def test_numbers_are_no_times_and_texts_no_numbers(visitor: Visitor, town: LiveTown) -> None:
    """Times are ISO 8601 with offset: a number would be read as seconds since 1970."""
    seconds = int(at("09:30").timestamp())
    for changes in ({"starts_at": seconds}, {"starts_at": str(seconds)}, {"people": "3"}, {"people": True}):
        assert fields(book(visitor, **changes)) == list(changes), changes


def test_reminders_without_an_address_are_refused_as_on_the_page(visitor: Visitor, town: LiveTown) -> None:
    answer = book(visitor, contact={"phone": "0151 23456789", "reminders": True})
    assert fields(answer)[0].startswith("contact")


def test_a_body_that_is_no_object_is_refused(visitor: Visitor) -> None:
    texts = ["", "null", "[]", "7", '"x"', "{", '{"a":', "\x00", "[" * 60_000, '{"people": ' + "9" * 5000 + "}", "NaN"]
    texts += [
        '{"\\ud800": 1}',
        '{"service": "\\ud800"}',
        '{"starts_at": Infinity}',
        '{"people": NaN}',
        '{"people": 1e400}',
    ]
    statuses = {}
    for text in texts:
        for kind in ("application/json", "text/plain"):
            answer = visitor.open("/api/v1/bookings", method="POST", data=text.encode(), content_type=kind)
            statuses[text[:30], kind] = answer.status
    assert {each: status for each, status in statuses.items() if status != 422} == {}


def test_a_body_that_is_too_long_is_a_problem_too(visitor: Visitor) -> None:
    answer = visitor.open("/api/v1/bookings", method="POST", json={"service": "x" * 70_000})
    assert (answer.status, answer.headers["Content-Type"]) == (413, "application/problem+json")


BAD_QUERIES: list[tuple[dict[str, str], list[str]]] = [
    ({"service": "XYZ"}, ["service"]),
    ({"place": "nowhere"}, ["place"]),
    ({"place": "\x00"}, ["place"]),
    ({"concern": "\x00"}, ["concern"]),
    ({"language": "tlh"}, ["language"]),
    ({"adviser": "x"}, ["adviser"]),
    ({"age_group": "x"}, ["age_group"]),
    ({"from": "x"}, ["from"]),
    ({"from": "2026-02-30"}, ["from"]),
    ({"from": "0000-01-01"}, ["from"]),
    ({"until": "10000-01-01"}, ["until"]),
    ({"from": ""}, ["from"]),
    ({"colour": "red"}, ["colour"]),
    ({"from": "2026-11-25", "until": "2026-11-24"}, [""]),
    ({"from": "2026-11-01", "until": "2027-01-03"}, [""]),
    ({"until": "9999-12-31"}, [""]),
    ({"from": "0001-01-01", "until": "9999-12-31"}, [""]),
]


@pytest.mark.parametrize("address", ["slots", "openings"])
def test_every_bad_part_of_a_query_is_named(visitor: Visitor, address: str) -> None:
    for query, expected in BAD_QUERIES:
        assert fields(visitor.open(f"/api/v1/{address}", query_string=query)) == expected, query


@pytest.mark.parametrize("address", ["slots", "openings"])
def test_the_longest_window_and_the_ends_of_time_are_answered(visitor: Visitor, address: str) -> None:
    for from_on, until_on in (
        ("2026-11-24", "2027-01-25"),
        ("0001-01-01", "0001-01-31"),
        ("9999-12-01", "9999-12-31"),
        ("0001-01-01", ""),
        ("9999-12-31", ""),
    ):
        query = {"from": from_on, **({"until": until_on} if until_on else {})}
        assert visitor.open(f"/api/v1/{address}", query_string=query).status == 200, query


def test_a_taken_time_is_409_with_three_that_can_be_booked(visitor: Visitor, town: LiveTown) -> None:
    town.book("10:00")
    answer = book(visitor, starts_at="2026-11-25T10:00:00+01:00")
    assert (answer.status, answer.headers["Content-Type"]) == (409, "application/problem+json")
    offered = answer.json["alternatives"]
    assert [each["starts_at"][11:16] for each in offered] == ["09:30", "09:45", "10:15"]
    for each in offered:
        assert book(visitor, opening=each["opening"], starts_at=each["starts_at"]).status == 201


UNKNOWN_OPENINGS = [
    "nothing/2026-11-25",
    "buergerbuero-mi/2026-11-26",
    "buergerbuero-mi/2026-12-30",
    "\x00/2026-11-25",
    "buergerbuero-mi/0001-01-03",
]


def test_what_was_never_free_is_409_and_an_unknown_opening_404(visitor: Visitor, town: LiveTown) -> None:
    before = town.dump()
    for starts_at in (
        "2026-11-25T09:07:00+01:00",
        "2020-11-25T09:00:00+01:00",
        "9999-12-31T23:59:59+00:00",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+00:00",
        "0001-01-01T00:00:00+14:00",
    ):
        answer = book(visitor, starts_at=starts_at)
        assert answer.status == 409, starts_at
        assert len(answer.json["alternatives"]) <= 3
    for opening in (
        "nothing/2026-11-25",
        "buergerbuero-mi/2026-11-26",
        "buergerbuero-mi/2026-12-30",
        "\x00/2026-11-25",
    ):
        assert book(visitor, opening=opening).status == 404, opening
    assert town.dump() == before


def test_a_place_and_a_time_out_of_all_ranges_is_422(visitor: Visitor) -> None:
    for starts_at in ("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "9999-12-31T00:00:00Z"):
        answer = book(visitor, opening=..., place="buergerbuero", starts_at=starts_at)
        assert fields(answer) == ["starts_at"], starts_at


def test_the_same_idempotency_key_is_one_booking(visitor: Visitor, town: LiveTown) -> None:
    before = town.count(Visit)
    first, second = (book(visitor, key="a double click") for _ in range(2))
    assert first.json == second.json
    assert town.count(Visit) == before + 1
    assert book(visitor, key="another").status == 409


def test_a_guessed_key_opens_nobody_elses_booking(visitor: Visitor, town: LiveTown) -> None:
    """Clients of the API choose their keys themselves: "1" must not hand out another client's link and code."""
    first = book(visitor, key="1")
    other = book(visitor, key="1", starts_at="2026-11-25T11:00:00+01:00", people=5)
    assert other.status >= 400 or other.json["token"] != first.json["token"]


def test_cancelling_twice_is_the_same_answer(visitor: Visitor, town: LiveTown) -> None:
    token = book(visitor).json["token"]
    first, second = (visitor.open(f"/api/v1/bookings/{token}", method="DELETE") for _ in range(2))
    assert (first.status, first.json["state"]) == (200, "cancelled")
    assert (second.status, second.json) == (first.status, first.json)
    assert town.newest_visit().sequence == 1
    assert get(visitor, f"bookings/{token}").json["state"] == "cancelled"


def test_what_has_begun_cannot_be_cancelled(visitor: Visitor, town: LiveTown, open_day: None) -> None:
    visit_id = town.book("10:00")
    town.arrive(visit_id)
    town.seat("awo-1")
    town.call_next("awo-1")
    answer = visitor.open(f"/api/v1/bookings/{town.token(visit_id)}", method="DELETE")
    assert (answer.status, answer.headers["Content-Type"]) == (409, "application/problem+json")
    assert town.visit(visit_id).state == "called"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_unknown_links_are_404_and_past_ones_410(
    visitor: Visitor, town: LiveTown, clock: time_machine.Coordinates, method: str
) -> None:
    visit_id = town.book("10:00")
    token = town.token(visit_id)
    for wrong in ("x", token + "x", f"{visit_id}-", f"{visit_id}-é", "9" * 17 + "-a", "%00", town.token(visit_id)[:-1]):
        answer = visitor.open(f"/api/v1/bookings/{wrong}", method=method)
        assert (answer.status, answer.headers["Content-Type"]) == (404, "application/problem+json"), wrong
    clock.move_to(at("00:00", THURSDAY))
    assert visitor.open(f"/api/v1/bookings/{token}", method=method).status == 410
    assert town.visit(visit_id).state == "booked"


def test_unknown_addresses_and_methods_are_problems(visitor: Visitor) -> None:
    for address, method, status in (("nothing", "GET", 404), ("bookings", "GET", 405), ("slots", "POST", 405)):
        answer = visitor.open(f"/api/v1/{address}", method=method)
        assert (answer.status, answer.json["status"]) == (status, status)


def test_summer_and_winter_have_their_own_offset(visitor: Visitor, clock: time_machine.Coordinates) -> None:
    clock.move_to(datetime.fromisoformat("2026-10-20T08:00:00+02:00"))
    starts = [each["starts_at"] for each in get(visitor, "openings", until="2026-10-31").json["openings"]]
    assert "2026-10-21T09:00:00+02:00" in starts
    assert "2026-10-28T09:00:00+01:00" in starts


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
names = ["service", "age_group", "concern", "language", "adviser", "place", "opening", "starts_at", "locale", "people"]
likely = st.sampled_from(
    [*(str(each) for each in GOOD.values()), "JMD", "family", "other", "awo-1", "buergerbuero", "\x00"]
)
any_time = st.datetimes(timezones=st.timezones()).map(datetime.isoformat)
bodies = st.dictionaries(st.sampled_from([*names, "contact", "x"]), junk | likely | any_time, max_size=8) | junk
NEVER_500 = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@NEVER_500
@given(body=bodies, start=any_time, keep=st.booleans())
def test_no_body_whatever_breaks_a_booking(visitor: Visitor, body: Any, start: str, keep: bool) -> None:
    if keep and isinstance(body, dict):
        body = {**GOOD, "starts_at": start, **body}
    answer = visitor.open("/api/v1/bookings", method="POST", json=body)
    assert answer.status in (201, 404, 409, 422), body


queries = st.dictionaries(
    st.sampled_from([*names, "from", "until", "x"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | likely | st.dates().map(str),
    max_size=4,
)


@NEVER_500
@given(query=queries, address=st.sampled_from(["slots", "openings"]))
def test_no_query_whatever_breaks_a_list(visitor: Visitor, query: dict[str, str], address: str) -> None:
    assert visitor.open(f"/api/v1/{address}", query_string=query).status in (200, 422), query
