"""Feeds as bytes: what each says of a visit, and stamps that move only with what it says."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar, Event

from scheduler.domain.recurrence import wall_to_utc
from scheduler.feed_calendars import (
    Duty,
    FeedEvent,
    Showing,
    appointment_event,
    calendar_bytes,
    duty_event,
    neutral_name,
    stamp_events,
)
from scheduler.models.feeds import FeedLevel, ToldEvent
from scheduler.texts import translations_for
from tests.test_ical import BASE_URL, BERLIN, CHANGED_AT, LONG_ARABIC_PLACE, PLACE, STARTS_AT, lines_of, make_visit

LATER = CHANGED_AT + timedelta(hours=5)
CANCELLED = translations_for("de").gettext("Cancelled: %(what)s")


def showing(level: FeedLevel = "busy", **changes: Any) -> Showing:
    return Showing(level, "de", BASE_URL, **changes)


def duty(**changes: Any) -> Duty:
    values: dict[str, Any] = {
        "public_id": "buergerbuero-mi/2026-11-25",
        "starts_at": datetime(2026, 11, 25, 8, 0, tzinfo=UTC),
        "ends_at": datetime(2026, 11, 25, 11, 0, tzinfo=UTC),
        "place": PLACE,
        "sequence": 3,
    }
    return Duty(**{**values, **changes})


def appointment(level: FeedLevel = "busy", whose: str = "", **changes: Any) -> FeedEvent:
    return appointment_event(make_visit(**changes), showing(level), whose)


def on_duty(**changes: Any) -> FeedEvent:
    return duty_event(duty(**changes), showing())


Told = dict[str, ToldEvent]


def tell(*events: FeedEvent, told: Told | None = None, now: datetime = CHANGED_AT) -> tuple[list[Event], Told]:
    forget_before = now - timedelta(days=30)
    return stamp_events(events, told or {}, now=now, forget_before=forget_before, locale="de")


def feed_of(*events: FeedEvent) -> bytes:
    return calendar_bytes("Sprechstunde · Kleinstadt", tell(*events)[0])


def stamps(event: Event) -> tuple[int, str, str]:
    return event["sequence"], event["last-modified"].to_ical().decode(), event["dtstamp"].to_ical().decode()


@pytest.mark.parametrize(
    "body",
    [
        feed_of(appointment("details"), appointment("details", id=8, place=LONG_ARABIC_PLACE), on_duty()),
        feed_of(),
    ],
)
def test_lines_end_with_crlf_and_have_at_most_75_octets(body: bytes) -> None:
    assert body.endswith(b"END:VCALENDAR\r\n")
    for line in body.removesuffix(b"\r\n").split(b"\r\n"):
        assert len(line) <= 75
        assert b"\r" not in line and b"\n" not in line


def test_the_calendar_itself_has_no_uid_says_its_name_and_asks_to_be_read_hourly() -> None:
    head = lines_of(feed_of(appointment()).split(b"BEGIN:VEVENT")[0])
    assert not any("UID" in line for line in head)
    assert "NAME:Sprechstunde · Kleinstadt" in head and "X-WR-CALNAME:Sprechstunde · Kleinstadt" in head
    assert "REFRESH-INTERVAL;VALUE=DURATION:PT1H" in head and "X-PUBLISHED-TTL:PT1H" in head


def test_the_same_events_give_the_same_bytes_in_any_order() -> None:
    def events() -> list[FeedEvent]:
        return [appointment(), appointment(id=8, starts_at=STARTS_AT - timedelta(hours=1)), on_duty()]

    assert feed_of(*events()) == feed_of(*reversed(events()))


def test_busy_tells_only_that_the_time_is_taken() -> None:
    body = "\n".join(lines_of(feed_of(appointment(whose="Beratung AWO 1", ticket=17))))
    assert "DTSTART:20261125T081500Z" in body and "TRANSP:OPAQUE" in body
    for told in ("482", "MBE", "Brief", "Arabisch", "17\n", "DESCRIPTION", "/visits/", "AWO"):
        assert told not in body


def test_without_a_place_a_busy_event_holds_its_times_alone() -> None:
    event = appointment_event(make_visit(), showing(says_where=False)).event
    assert set(event) == {"UID", "DTSTART", "DTEND", "SUMMARY", "STATUS", "TRANSP"}


def test_details_name_the_visit_but_never_the_link() -> None:
    lines = lines_of(feed_of(appointment("details"), appointment("details", id=8, ticket=17)))
    assert "SUMMARY:482 917 305 · MBE" in lines and "SUMMARY:17 · MBE" in lines
    assert "DESCRIPTION:Brief oder Formular\\nArabisch" in lines
    assert "/visits/" not in "\n".join(lines)


def test_details_of_several_advisers_say_whose_it_is() -> None:
    lines = lines_of(feed_of(appointment("details", "Beratung AWO 1")))
    assert "SUMMARY:Beratung AWO 1 · 482 917 305 · MBE" in lines


def test_details_that_nobody_asked_for_leave_no_trace() -> None:
    lines = lines_of(feed_of(appointment("details", service=None, concern=None, language=None)))
    assert "SUMMARY:482 917 305" in lines
    assert "DESCRIPTION" not in "\n".join(lines)


def test_duty_leaves_the_time_free_and_keeps_its_uid() -> None:
    lines = lines_of(feed_of(on_duty()))
    [uid] = [line for line in lines if line.startswith("UID:")]
    assert uid == f"UID:duty-{neutral_name('buergerbuero-mi/2026-11-25', '')}@termine.example.org"
    assert "buergerbuero" not in uid, "the key of the hours may tell what they are about"
    assert "TRANSP:TRANSPARENT" in lines and "SEQUENCE:3" in lines


def test_two_advisers_on_duty_at_once_are_two_events_that_name_them() -> None:
    lines = lines_of(feed_of(on_duty(whose="A", key="awo-1"), on_duty(whose="B", key="awo-2")))
    assert len({line for line in lines if line.startswith("UID:")}) == 2
    what = translations_for("de").gettext("Consultation hours")
    assert f"SUMMARY:A · {what}" in lines and f"SUMMARY:B · {what}" in lines


def test_a_cancelled_appointment_stays_in_the_feed_and_blocks_nothing() -> None:
    lines = lines_of(feed_of(appointment(state="cancelled", sequence=1)))
    assert "STATUS:CANCELLED" in lines and "TRANSP:TRANSPARENT" in lines
    assert f"SUMMARY:{CANCELLED % {'what': translations_for('de').gettext('Appointment')}}" in lines


@pytest.mark.parametrize(
    ("on", "at", "starts"),
    [
        (date(2026, 7, 8), time(9), "20260708T070000Z"),
        (date(2026, 12, 2), time(9), "20261202T080000Z"),
        (date(2026, 10, 25), time(9), "20261025T080000Z"),
        (date(2026, 10, 25), time(2, 30), "20261025T003000Z"),  # ambiguous: the first
        (date(2027, 3, 28), time(9), "20270328T070000Z"),
        (date(2027, 3, 28), time(2, 30), "20270328T013000Z"),  # does not exist: forward by the gap
    ],
)
def test_appointments_keep_their_instant_in_summer_winter_and_on_both_days_of_the_change(
    on: date, at: time, starts: str
) -> None:
    starts_at = wall_to_utc(on, at, BERLIN)
    # The same instant, written in another zone, is the same in the file.
    body = feed_of(appointment(starts_at=starts_at.astimezone(BERLIN), ends_at=starts_at + timedelta(minutes=45)))
    assert f"DTSTART:{starts}" in lines_of(body)
    event = Calendar.from_ical(body).walk("VEVENT")[0]
    assert event.decoded("dtend") - event.decoded("dtstart") == timedelta(minutes=45)


def test_a_naive_time_and_a_walk_in_are_refused() -> None:
    with pytest.raises(ValueError, match="float"):
        appointment(starts_at=STARTS_AT.replace(tzinfo=None))
    with pytest.raises(ValueError, match="walk-in"):
        appointment(kind="walk_in", starts_at=None, ends_at=None)


# Stamps


def test_an_event_that_says_the_same_keeps_its_stamps_and_one_that_differs_gets_new_ones() -> None:
    _, told = tell(appointment(), appointment(id=8))
    moved = {"id": 8, "starts_at": STARTS_AT + timedelta(days=7), "ends_at": STARTS_AT + timedelta(days=7, hours=1)}
    (same, other), _ = tell(appointment(), appointment(**moved, sequence=1), told=told, now=LATER)
    assert stamps(same) == (0, "20261124T090000Z", "20261124T090000Z")
    assert stamps(other) == (1, "20261124T140000Z", "20261124T140000Z")


def test_what_a_feed_does_not_show_moves_nothing() -> None:
    _, told = tell(appointment())
    changed = {"language": "uk", "ticket": 17, "sequence": 4, "changed_at": LATER}
    (busy,), _ = tell(appointment(**changed), told=told, now=LATER)
    assert stamps(busy) == (0, "20261124T090000Z", "20261124T090000Z")


def test_the_sequence_is_the_visit_s_own_and_never_lower_than_told() -> None:
    _, told = tell(appointment("details", sequence=2))
    for ticket, sequence, expected in ((17, 2, 3), (18, 9, 9), (19, 9, 10)):
        (event,), told = tell(appointment("details", ticket=ticket, sequence=sequence), told=told)
        assert event["sequence"] == expected


def test_what_was_gone_for_a_while_goes_on_counting() -> None:
    _, told = tell(appointment("details", ticket=1))
    _, told = tell(appointment("details", ticket=2), told=told)
    nothing, told = tell(told=told)
    assert nothing == []
    (event,), told = tell(appointment("details", ticket=3), told=told, now=LATER)
    assert event["sequence"] == 2
    assert "gone_at" not in told[str(event["uid"])]


def test_a_duty_that_the_rules_no_longer_yield_is_told_as_cancelled_for_thirty_days() -> None:
    (before,), told = tell(on_duty())
    for later, shown in ((timedelta(), 1), (timedelta(days=29), 1), (timedelta(days=31), 0)):
        events, told = tell(told=told, now=LATER + later)
        assert len(events) == shown
        for event in events:
            assert (event["uid"], event["status"], event["transp"]) == (before["uid"], "CANCELLED", "TRANSPARENT")
            assert event["summary"] == CANCELLED % {"what": before["summary"]}
            assert event["location"] == before["location"]
            assert (event.decoded("dtstart"), event.decoded("dtend")) == (duty().starts_at, duty().ends_at)
            assert stamps(event) == (4, "20261124T140000Z", "20261124T140000Z")
    assert told == {}


def test_a_duty_that_comes_back_is_confirmed_again() -> None:
    _, told = tell(on_duty())
    _, told = tell(told=told)
    (event,), told = tell(on_duty(), told=told, now=LATER)
    assert (event["status"], event["sequence"]) == ("CONFIRMED", 5)
    (event,), _ = tell(told=told, now=LATER)
    assert (event["status"], event["sequence"]) == ("CANCELLED", 6)


def test_a_duty_that_is_over_leaves_the_feed_silently_and_so_does_a_visit() -> None:
    _, told = tell(on_duty(), appointment(id=9))
    assert tell(told=told, now=duty().ends_at)[0] == []


def test_a_visit_in_another_zone_of_the_database_is_the_same_event() -> None:
    _, told = tell(appointment())
    (event,), _ = tell(appointment(starts_at=STARTS_AT.astimezone(ZoneInfo("Asia/Tokyo"))), told=told, now=LATER)
    assert stamps(event)[1] == "20261124T090000Z"
