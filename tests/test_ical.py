"""iCalendar as bytes: what parsers forgive, calendar apps do not."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from scheduler.domain.recurrence import wall_to_utc
from scheduler.ical import invitation
from scheduler.models import Concern, Place, Service, Visit
from scheduler.texts import translations_for

BERLIN = ZoneInfo("Europe/Berlin")
BASE_URL = "https://termine.example.org"
SECRET = "s" * 32
STARTS_AT = datetime(2026, 11, 25, 8, 15, tzinfo=UTC)
CHANGED_AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
PLACE = Place(key="buergerbuero", name="Bürgerbüro", address="Marktplatz 1, 12345 Kleinstadt", phone="069 90009-001")


def make_visit(**changes: Any) -> Visit:
    values: dict[str, Any] = {
        "id": 7,
        "kind": "appointment",
        "state": "booked",
        "place": PLACE,
        "service": Service(key="MBE", name={"de": "Beratung für Erwachsene"}),
        "concern": Concern(key="letter", name={"de": "Brief oder Formular"}, minutes=15),
        "language": "ar",
        "locale": "de",
        "code": "482917305",
        "link_epoch": 0,
        "sequence": 0,
        "starts_at": STARTS_AT,
        "ends_at": STARTS_AT + timedelta(minutes=15),
        "created_at": CHANGED_AT,
        "changed_at": CHANGED_AT,
    }
    return Visit(**{**values, **changes})


def invite(visit: Visit, **options: Any) -> bytes:
    return invitation(visit, zone=BERLIN, base_url=BASE_URL, secret=SECRET, **options)


def lines_of(body: bytes) -> list[str]:
    """The content lines, unfolded."""
    return body.replace(b"\r\n ", b"").decode().split("\r\n")


LONG_ARABIC_PLACE = Place(key="p", name="مكتب خدمات المواطنين " * 5, address="Marktplatz 1, 12345 Kleinstadt")


@pytest.mark.parametrize(
    "body",
    [
        invite(make_visit()),
        invite(make_visit(state="cancelled", sequence=1), method="CANCEL"),
        invite(make_visit(locale="ar", place=LONG_ARABIC_PLACE)),
    ],
)
def test_lines_end_with_crlf_and_have_at_most_75_octets(body: bytes) -> None:
    assert body.endswith(b"END:VCALENDAR\r\n")
    for line in body.removesuffix(b"\r\n").split(b"\r\n"):
        assert len(line) <= 75
        assert b"\r" not in line and b"\n" not in line


def test_the_calendar_itself_has_no_uid() -> None:
    head = invite(make_visit()).split(b"BEGIN:VEVENT")[0]
    assert b"UID" not in head
    assert b"VERSION:2.0\r\n" in head and b"PRODID:" in head


def test_the_same_input_gives_the_same_bytes() -> None:
    assert invite(make_visit()) == invite(make_visit())


def test_an_invitation_says_when_where_and_how_to_cancel() -> None:
    lines = lines_of(invite(make_visit()))
    summary = translations_for("de").gettext("Appointment: %(place)s") % {"place": "Bürgerbüro"}
    assert f"SUMMARY:{summary}" in lines
    assert "DTSTART:20261125T081500Z" in lines and "DTEND:20261125T083000Z" in lines
    assert "LOCATION:Bürgerbüro\\, Marktplatz 1\\, 12345 Kleinstadt" in lines
    assert "UID:visit-7@termine.example.org" in lines
    assert "DTSTAMP:20261124T090000Z" in lines and "LAST-MODIFIED:20261124T090000Z" in lines
    assert "METHOD:PUBLISH" in lines and "STATUS:CONFIRMED" in lines
    text = "\n".join(lines)
    assert "482 917 305" in text and f"{BASE_URL}/visits/7-" in text


@pytest.mark.parametrize("word", ["MBE", "Erwachsene", "Brief", "Arabisch", "igration"])
def test_an_invitation_is_neutral(word: str) -> None:
    assert word not in "\n".join(line for line in lines_of(invite(make_visit())) if "/visits/" not in line)


def test_a_move_keeps_the_uid_and_raises_the_sequence() -> None:
    moved = make_visit(
        sequence=1, starts_at=STARTS_AT + timedelta(days=7), ends_at=STARTS_AT + timedelta(days=7, hours=1)
    )
    lines = lines_of(invite(moved))
    assert "UID:visit-7@termine.example.org" in lines
    assert "SEQUENCE:1" in lines and "DTSTART:20261202T081500Z" in lines


def test_a_cancellation_says_so_by_method_status_and_name() -> None:
    lines = lines_of(invite(make_visit(state="cancelled", sequence=1), method="CANCEL"))
    what = translations_for("de").gettext("Appointment: %(place)s") % {"place": "Bürgerbüro"}
    said = translations_for("de").gettext("Cancelled: %(what)s") % {"what": what}
    assert "METHOD:CANCEL" in lines and "STATUS:CANCELLED" in lines and "SEQUENCE:1" in lines
    assert f"SUMMARY:{said}" in lines


@pytest.mark.parametrize(
    ("on", "at", "starts"),
    [
        (date(2026, 10, 24), time(9), "20261024T070000Z"),
        (date(2026, 10, 25), time(9), "20261025T080000Z"),
        (date(2026, 10, 25), time(2, 30), "20261025T003000Z"),  # ambiguous: the first
        (date(2027, 3, 27), time(9), "20270327T080000Z"),
        (date(2027, 3, 28), time(9), "20270328T070000Z"),
        (date(2027, 3, 28), time(2, 30), "20270328T013000Z"),  # does not exist: forward by the gap
    ],
)
def test_appointments_keep_their_instant_on_days_of_the_time_change(on: date, at: time, starts: str) -> None:
    starts_at = wall_to_utc(on, at, BERLIN)
    # The same instant, written in another zone, is the same in the file.
    visit = make_visit(starts_at=starts_at.astimezone(BERLIN), ends_at=starts_at + timedelta(minutes=45))
    assert f"DTSTART:{starts}" in lines_of(invite(visit))
    event = Calendar.from_ical(invite(visit)).walk("VEVENT")[0]
    assert event.decoded("dtend") - event.decoded("dtstart") == timedelta(minutes=45)


def test_a_naive_time_and_a_walk_in_are_refused() -> None:
    with pytest.raises(ValueError, match="float"):
        invite(make_visit(starts_at=STARTS_AT.replace(tzinfo=None)))
    with pytest.raises(ValueError, match="walk-in"):
        invite(make_visit(kind="walk_in", starts_at=None, ends_at=None))
