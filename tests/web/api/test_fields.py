"""What a body or a query may say: everything else is refused, and every refusal names the fields."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.actions.small_town import at
from tests.web.api.program import GOOD, book, fields, get, proof_for
from tests.web.live_town import LiveTown
from tests.web.visitor import Visitor

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
    ({"place": "awo-buero"}, ["place"]),
    ({"opening": ""}, ["opening"]),
    ({"contact": {"email": 5, "reminders": True}}, ["contact.email"]),
]


def test_every_bad_field_is_named_and_nothing_is_booked(visitor: Visitor, town: LiveTown) -> None:
    before = town.dump()
    for changes, expected in BAD_BODIES:
        assert fields(book(visitor, **changes)) == expected, changes
    assert fields(book(visitor, opening=...)) == ["opening"]
    assert town.dump() == before


def test_numbers_are_no_times_and_texts_no_numbers(visitor: Visitor, town: LiveTown) -> None:
    """Times are ISO 8601 with offset: a number would be read as seconds since 1970."""
    seconds = int(at("09:30").timestamp())
    for changes in ({"starts_at": seconds}, {"starts_at": str(seconds)}, {"people": "3"}, {"people": True}):
        assert fields(book(visitor, **changes)) == list(changes), changes


def test_reminders_without_an_address_are_refused_as_on_the_page(visitor: Visitor, town: LiveTown) -> None:
    answer = book(visitor, contact={"phone": "0151 23456789", "reminders": True})
    assert fields(answer) == ["contact.reminders"]


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
    ({"from": "x", "until": "2026-11-24"}, ["from"]),
    ({"from": "2026-11-25", "until": "2026-11-24"}, ["until"]),
    ({"until": "2026-11-23"}, ["until"]),
    ({"from": "2026-11-01", "until": "2027-01-03"}, ["until"]),
    ({"until": "9999-12-31"}, ["until"]),
    ({"from": "0001-01-01", "until": "9999-12-31"}, ["until"]),
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


@pytest.mark.parametrize("field", ["concern", "language", "adviser"])
def test_openings_know_no_wishes(visitor: Visitor, field: str) -> None:
    """What does not narrow the list must not look as if it did."""
    value = {"concern": "letter", "language": "ar", "adviser": "awo-1"}[field]
    assert fields(get(visitor, "openings", **{field: value})) == [field]
    assert get(visitor, "slots", **{field: value}).status == 200


def test_a_place_and_a_time_out_of_all_ranges_is_422(visitor: Visitor) -> None:
    for starts_at in ("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "9999-12-31T00:00:00Z"):
        answer = book(visitor, opening=..., place="buergerbuero", starts_at=starts_at)
        assert fields(answer) == ["starts_at"], starts_at


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
        body = {"proof": proof_for(visitor), **body}
    answer = visitor.open("/api/v1/bookings", method="POST", data=json.dumps(body), content_type="application/json")
    assert answer.status in (201, 404, 409, 422, 428), body


@NEVER_500
@given(body=bodies, start=any_time, keep=st.booleans())
def test_no_body_whatever_breaks_a_move(visitor: Visitor, town: LiveTown, body: Any, start: str, keep: bool) -> None:
    token = town.token(town.newest_visit().id)
    if keep and isinstance(body, dict):
        body = {"opening": GOOD["opening"], "starts_at": start, **body}
    answer = visitor.open(f"/api/v1/bookings/{token}", method="PATCH", json=body)
    assert answer.status in (200, 404, 409, 415, 422), body


queries = st.dictionaries(
    st.sampled_from([*names, "from", "until", "x"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | likely | st.dates().map(str),
    max_size=4,
)


@NEVER_500
@given(query=queries, address=st.sampled_from(["slots", "openings"]))
def test_no_query_whatever_breaks_a_list(visitor: Visitor, query: dict[str, str], address: str) -> None:
    assert visitor.open(f"/api/v1/{address}", query_string=query).status in (200, 422), query
