"""Book and look at a booking by the API: the code, the token and the addresses work; sent twice it is one booking."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

import pytest
import time_machine
from sqlalchemy.orm import Session

from scheduler.actions.deleting import CHORES
from scheduler.models import Contact, Hours, Message, Step, Visit
from tests.actions.small_town import THURSDAY, at, hours_of, place_of
from tests.conftest import NOW
from tests.web.api.program import ON_THURSDAY, ON_WEDNESDAY, book, cancel, get, move_to, refusal
from tests.web.live_town import LiveTown
from tests.web.visitor import Visitor

KEY = "3f6c1e0a-52d7-4a0e-9d1b-8f0f4b6f7a11"


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


@pytest.fixture
def open_door(town: LiveTown) -> Iterator[None]:
    """Walk-in hours at the office, at the same time as its appointments; named before them in every list."""

    def add(session: Session) -> None:
        hours = Hours(
            key="a-door",
            position=0,
            place_id=place_of(session, "awo-buero").id,
            services=["MBE"],
            rrule="FREQ=WEEKLY;BYDAY=TH",
            from_time=time(13),
            until_time=time(16),
            valid_from=date(2026, 1, 1),
            admits="walk_in",
            advisers=["awo-2"],
        )
        session.add(hours)

    town.change(add)
    yield
    town.change(lambda session: session.delete(hours_of(session, "a-door")))


def test_of_two_openings_at_a_place_the_one_for_appointments_is_meant(
    visitor: Visitor, town: LiveTown, open_door: None
) -> None:
    answer = book(visitor, opening=..., place="awo-buero", starts_at="2026-11-26T14:00:00+01:00")
    assert (answer.status, answer.json["opening"]) == (201, ON_THURSDAY)


def test_a_contact_is_normalised_and_kept(visitor: Visitor, town: LiveTown) -> None:
    assert book(visitor, contact={"email": "a@EXAMPLE.org", "phone": "0151 23456789", "reminders": True}).status == 201
    stored = town.row(Contact, town.newest_visit().id)
    assert (stored.email, stored.phone, stored.reminders) == ("a@example.org", "+4915123456789", True)


def test_a_taken_time_is_409_with_three_that_can_be_booked(visitor: Visitor, town: LiveTown) -> None:
    town.book("10:00")
    answer = book(visitor, starts_at="2026-11-25T10:00:00+01:00")
    assert refusal(answer) == (409, "taken")
    offered = answer.json["alternatives"]
    assert [each["starts_at"][11:16] for each in offered] == ["09:30", "09:45", "10:15"]
    for each in offered:
        assert book(visitor, opening=each["opening"], starts_at=each["starts_at"]).status == 201


def test_alternatives_may_be_at_another_place(visitor: Visitor, town: LiveTown) -> None:
    for minutes in range(0, 180, 15):
        town.book(f"{9 + minutes // 60:02d}:{minutes % 60:02d}")
    answer = book(visitor, opening=..., place="buergerbuero")
    assert refusal(answer) == (409, "taken")
    assert {each["place"] for each in answer.json["alternatives"]} == {"awo-buero"}


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
        assert refusal(answer) == (409, "taken"), starts_at
        assert len(answer.json["alternatives"]) <= 3
    for opening in (
        "nothing/2026-11-25",
        "buergerbuero-mi/2026-11-26",
        "buergerbuero-mi/2026-12-30",
        "buergerbuero-mi/0001-01-03",
        "\x00/2026-11-25",
    ):
        assert refusal(book(visitor, opening=opening)) == (404, "unknown_opening"), opening
    assert town.dump() == before


def test_until_the_end_of_its_day_a_booking_is_shown_whatever_became_of_it(
    visitor: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    token = book(visitor).json["token"]
    cancel(visitor, token)
    clock.move_to(at("23:59"))
    assert get(visitor, f"bookings/{token}").json["state"] == "cancelled"
    clock.move_to(at("00:00", THURSDAY))
    assert refusal(get(visitor, f"bookings/{token}")) == (410, "booking_over")
    assert visitor.open(f"/visits/{token}").status == 410, "as the page"


def test_the_same_idempotency_key_is_one_booking(visitor: Visitor, town: LiveTown) -> None:
    before = town.count(Visit)
    first, second = (book(visitor, key=KEY) for _ in range(2))
    assert (second.status, second.json) == (first.status, first.json) == (201, first.json)
    assert second.headers["Location"] == first.headers["Location"]
    assert town.count(Visit) == before + 1
    assert book(visitor, key=KEY[::-1]).status == 409
    assert book(visitor).status == 409


def test_a_key_may_be_quoted(visitor: Visitor, town: LiveTown) -> None:
    first, second = book(visitor, key=KEY), book(visitor, key=f'"{KEY}"')
    assert second.json["token"] == first.json["token"]


def test_by_place_a_repeated_request_is_one_booking_too(visitor: Visitor, town: LiveTown) -> None:
    first, second = (book(visitor, key=KEY, opening=..., place="buergerbuero") for _ in range(2))
    assert (second.status, second.json) == (201, first.json)


def test_a_repetition_gives_the_booking_as_it_stands_and_changes_nothing(
    visitor: Visitor, town: LiveTown, clock: time_machine.Coordinates
) -> None:
    contact = {"email": "name@example.org", "reminders": True}
    token = book(visitor, key=KEY, contact=contact).json["token"]
    clock.shift(timedelta(hours=1))
    page = visitor.open(f"/visits/{token}")
    visitor.press(page, "/contact", email="new@example.org", phone="")
    move_to(visitor, token, "11:00")
    before = town.dump()
    again = book(visitor, key=KEY, contact=contact)
    assert (again.status, again.json["token"]) == (201, token)
    assert again.json["starts_at"] == "2026-11-25T11:00:00+01:00"
    assert town.dump() == before
    assert town.row(Contact, town.newest_visit().id).email == "new@example.org"
    cancel(visitor, token)
    assert book(visitor, key=KEY, contact=contact).json["state"] == "cancelled"


def forget_keys(session: Session, now: datetime) -> None:
    chore = next(each for each in CHORES if each.name == "idempotency_key")
    chore.do(session, chore.find(session, now), now)


def test_a_key_is_kept_for_24_hours(visitor: Visitor, town: LiveTown) -> None:
    book(visitor, key=KEY)
    town.change(forget_keys, NOW + timedelta(hours=23, minutes=59))
    assert book(visitor, key=KEY).status == 201
    town.change(forget_keys, NOW + timedelta(hours=24, minutes=1))
    assert book(visitor, key=KEY).status == 409


@pytest.mark.parametrize(
    "other", [{"starts_at": "2026-11-25T11:00:00+01:00"}, {"people": 5}, {"contact": {"email": "other@example.org"}}]
)
def test_another_request_under_the_same_key_is_refused(
    visitor: Visitor, town: LiveTown, other: dict[str, object]
) -> None:
    """A key is nobody's: it must not hand out another client's token, and a program should hear of its mistake."""
    book(visitor, key=KEY)
    before = town.dump()
    assert refusal(book(visitor, key=KEY, **other)) == (422, "key_reused")
    assert town.dump() == before


def test_a_key_that_could_be_guessed_is_refused(visitor: Visitor, town: LiveTown) -> None:
    before = town.dump()
    for key in ("1", "a double click", "x" * 15, '"' + "x" * 15 + '"', "x" * 201, "ü" * 20, '""'):
        assert refusal(book(visitor, key=key)) == (400, "bad_idempotency_key"), key
    assert town.dump() == before
    assert book(visitor, key="x" * 16).status == 201
    assert book(visitor, key="x" * 200, starts_at="2026-11-25T10:00:00+01:00").status == 201


def test_a_booking_plans_its_messages_once(visitor: Visitor, town: LiveTown) -> None:
    counts = []
    for _ in range(2):
        book(visitor, key=KEY, contact={"email": "name@example.org", "reminders": True})
        counts.append((town.count(Message), town.count(Step)))
    assert counts[0] == counts[1]
