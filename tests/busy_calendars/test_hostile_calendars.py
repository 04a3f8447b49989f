"""Broken and hostile calendars: each leaves the absences as they were, and the adviser is told why.

On SQLite alone, since what a calendar does to its reader has nothing to do with the database.
"""

from __future__ import annotations

import gzip
import io
import shutil
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest

from scheduler import create_app
from scheduler.busy_calendars import PROBLEMS
from scheduler.db import Database
from scheduler.domain.intervals import Interval
from scheduler.web.busy_calendars import say_problem
from tests.busy_calendars.own_calendars import HASTY, IMPATIENT, absences_of, add, read_all, row_of
from tests.busy_calendars.samples import at_ten, calendar, event, zone_of
from tests.busy_calendars.server import OK, Answer, Server, drips, never_ends, says_nothing, sends, sends_body
from tests.conftest import NOW, make_config

GOOD = calendar(at_ten())
BEGINS = b"BEGIN:VCALENDAR\r\n"
DAILY = "RRULE:FREQ=DAILY"


def of(*parts: str) -> Answer:
    return sends_body(calendar(*parts))


def leads_to(address: str) -> Answer:
    return sends_body(b"", f"Location: {address}", status="302 Found")


def says(status: str) -> Answer:
    return sends_body(GOOD, status=status)


def zipped() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("calendar.ics", GOOD)
    return packed.getvalue()


def dates(name: str, count: int) -> str:
    return f"{name}:" + ",".join(["20261125T090000Z"] * count)


def nested(name: str, depth: int) -> str:
    return "\r\n".join([*[f"BEGIN:{name}"] * depth, *[f"END:{name}"] * depth])


def events(count: int, *lines: str) -> list[str]:
    return [event("DTSTART:20261125T090000Z", "DURATION:PT1H", *lines, uid=str(each)) for each in range(count)]


HOSTILE: dict[str, tuple[str, Answer]] = {
    # What comes is no calendar, or not all of one.
    "a log-in page": ("not_a_calendar", sends_body(b"<!DOCTYPE html><html><form>Log in</form></html>")),
    "nothing": ("not_a_calendar", sends_body(b"")),
    "bytes": ("not_a_calendar", sends_body(bytes(range(256)) * 40)),
    "a zip file": ("not_a_calendar", sends_body(zipped())),
    "a packed file": ("not_a_calendar", sends_body(gzip.compress(GOOD))),
    "sixteen bits a letter": ("not_a_calendar", sends_body(GOOD.decode().encode("utf-16"))),
    "NUL bytes": ("not_a_calendar", sends_body(GOOD.replace(b"SUMMARY:", b"SUMMARY:\x00\x00"))),
    "JSON": ("not_a_calendar", sends_body(b'{"vcalendar": []}')),
    "half of it": ("incomplete", sends_body(GOOD[: len(GOOD) // 2])),
    "an event that never ends": ("unreadable", sends_body(GOOD.replace(b"END:VEVENT\r\n", b""))),
    "ends crossed": ("unreadable", of("BEGIN:VEVENT", "BEGIN:VALARM", "END:VEVENT", "END:VALARM")),
    "an end too many": ("unreadable", of("END:VCALENDAR", "END:VCALENDAR")),
    # The server lies, breaks off, or has no time.
    "a bomb": ("unreadable", sends_body(gzip.compress(b"x" * 9_000_000), "Content-Encoding: gzip")),
    "less than announced": ("incomplete", sends(OK, b"Content-Length: 99999\r\n\r\n", GOOD)),
    "more than announced": ("incomplete", sends(OK, b"Content-Length: 40\r\n\r\n", GOOD)),
    "chunks broken off": ("incomplete", sends(OK, b"Transfer-Encoding: chunked\r\n\r\nfff\r\n", GOOD)),
    "chunks of no length": ("incomplete", sends(OK, b"Transfer-Encoding: chunked\r\n\r\nmany\r\n", GOOD)),
    "a huge announcement": ("too_large", sends(OK, b"Content-Length: 999999999999\r\n\r\n", GOOD)),
    "a body without end": ("too_large", never_ends),
    "slow headers": ("too_slow", drips(OK + b"X-Slow: ", b"x")),
    "a slow body": ("too_slow", drips(OK + b"\r\n" + BEGINS, b"X")),
    "silence": ("too_slow", says_nothing),
    "a closed door": ("unreachable", sends()),
    "another protocol": ("server_error", sends(b"220 mail.example ESMTP\r\n")),
    "a flood of headers": ("server_error", sends(OK, b"X-Fill: x\r\n" * 5_000, b"\r\n")),
    "a header without end": ("server_error", sends(OK, b"X-Fill: ", b"x" * 200_000)),
    "401": ("not_allowed", says("401 Unauthorized")),
    "403": ("not_allowed", says("403 Forbidden")),
    "404": ("not_found", says("404 Not Found")),
    "410": ("not_found", says("410 Gone")),
    "429": ("server_error", says("429 Too Many Requests")),
    "500": ("server_error", says("500 Internal Server Error")),
    "204": ("server_error", sends(b"HTTP/1.1 204 No Content\r\n\r\n")),
    "304 to no question": ("server_error", sends(b"HTTP/1.1 304 Not Modified\r\n\r\n")),
    # It leads somewhere else.
    "a redirect to nowhere": ("server_error", sends_body(b"", status="302 Found")),
    "a redirect to itself": ("too_many_redirects", leads_to("/calendar.ics")),
    "a redirect to another port here": ("private_address", leads_to("https://127.0.0.1:5432/")),
    "a redirect to plain HTTP here": ("not_https", leads_to("http://127.0.0.1:5432/")),
    "a redirect to localhost": ("private_address", leads_to("https://localhost/")),
    "a redirect to loopback in IPv6": ("private_address", leads_to("https://[::1]:5432/")),
    "a redirect to loopback in disguise": ("private_address", leads_to("https://[::ffff:127.0.0.1]/")),
    "a redirect to the cloud's secrets": ("private_address", leads_to("https://169.254.169.254/latest/meta-data/")),
    "a redirect to them by HTTP": ("not_https", leads_to("http://169.254.169.254/latest/meta-data/")),
    "a redirect to a file": ("not_https", leads_to("file:///etc/passwd")),
    "a redirect to no host": ("unknown_host", leads_to("https://:0x/")),
    # It repeats for ever, or says too much.
    "every second": ("repeats_too_often", of(at_ten("RRULE:FREQ=SECONDLY"))),
    "every minute": ("repeats_too_often", of(at_ten("RRULE:INTERVAL=7;FREQ=minutely"))),
    "a thousand times a day": (
        "repeats_too_often", of(at_ten(f"{DAILY};BYHOUR=0,6,12,18;BYMINUTE={','.join(map(str, range(60)))}"))
    ),
    "every hour since the year 1": (
        "takes_too_long", of(event("DTSTART:00010101T000000Z", "DURATION:PT1M", "RRULE:FREQ=HOURLY"))
    ),
    "every 30 February": ("takes_too_long", of(at_ten(f"{DAILY};BYMONTH=2;BYMONTHDAY=30"))),
    "a bomb of days": ("takes_too_long", of(*events(300, f"{DAILY};BYDAY=MO,TU;BYMONTHDAY=30;BYMONTH=2"))),
    "no step": ("unreadable", of(at_ten(f"{DAILY};INTERVAL=0"))),
    "a step beyond all time": ("unreadable", of(at_ten(f"{DAILY};INTERVAL=999999999999"))),
    "too many events": ("too_many", of(*events(20_001))),
    "too many occurrences": ("too_many", of(*events(180, DAILY))),
    "a flood of added dates": ("too_many", of(at_ten(dates("RDATE", 25_000)))),
    "a flood of dates left out": ("too_many", of(at_ten(DAILY, dates("EXDATE", 250_000)))),
    "a million dates left out": ("too_large", of(at_ten(DAILY, dates("EXDATE", 1_000_000)))),
    "a flood of busy times": ("too_many", of("BEGIN:VFREEBUSY", dates("FREEBUSY", 25_000), "END:VFREEBUSY")),
    "events within events": ("unreadable", of(nested("VEVENT", 2_000))),
    # It holds what nobody can mean.
    "a zone that nobody knows": ("unknown_zone", of(event("DTSTART;TZID=Mars/Base:20261125T100000", "DURATION:PT1H"))),
    "a zone of 99 hours": (
        "unreadable", of(zone_of("Mad", "+9900"), event("DTSTART;TZID=Mad:20261125T100000", "DURATION:PT1H"))
    ),
    "a zone without a rule": (
        "unreadable",
        of("BEGIN:VTIMEZONE", "TZID:None", "END:VTIMEZONE", event("DTSTART;TZID=None:20261125T1000", "DURATION:PT1H")),
    ),
    "an end before the beginning": ("wrong_times", of(event("DTSTART:20261125T090000Z", "DTEND:20261125T080000Z"))),
    "a length below nothing": ("wrong_times", of(event("DTSTART:20261125T090000Z", "DURATION:-PT1H"))),
    "a length beyond all time": ("unreadable", of(event("DTSTART:20261125T090000Z", "DURATION:P99999999999D"))),
    "a day that does not exist": ("unreadable", of(event("DTSTART:20261131T090000Z", "DURATION:PT1H"))),
    "no beginning": ("unreadable", of(event("DTEND:20261125T090000Z"))),
    "a rule of nonsense": ("unreadable", of(at_ten("RRULE:FREQ=OFTEN"))),
    "a rule that ends in words": ("unreadable", of(at_ten(f"{DAILY};UNTIL=soon"))),
    "another calendar than ours": ("unreadable", of("CALSCALE:JALALI", at_ten())),
}  # fmt: skip

BEFORE = [Interval(NOW + timedelta(days=each), NOW + timedelta(days=each, hours=2)) for each in (0, 1, 9)]


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    path = tmp_path / "test.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.mark.parametrize("name", HOSTILE)
def test_it_leaves_the_state_as_it_was_and_says_why(database: Database, server: Server, name: str) -> None:
    problem, answer = HOSTILE[name]
    calendar_id = add(database, server.serve(answer), busy=BEFORE)
    before, read_at = absences_of(database, calendar_id), row_of(database, calendar_id).read_at
    read_all(database, server.name, patience=HASTY if problem == "takes_too_long" else IMPATIENT)
    row = row_of(database, calendar_id)
    assert row.problem == problem
    assert (row.failures, row.read_at, row.tried_at, row.claimed_until) == (1, read_at, NOW, None)
    assert row.due_at > NOW
    assert absences_of(database, calendar_id) == before


def test_there_are_more_than_fifty_of_them() -> None:
    assert len(HOSTILE) > 50


def test_every_problem_is_provoked_here() -> None:
    by_fetching = {"bad_certificate"}  # needs TLS, see test_fetching
    assert {problem for problem, _ in HOSTILE.values()} | by_fetching == PROBLEMS


def test_a_bad_one_keeps_no_other_from_being_read(database: Database, server: Server) -> None:
    ids = [
        add(database, server.serve(answer, f"/{each}.ics"), key)
        for each, (key, answer) in enumerate(
            [("awo-1", HOSTILE["bytes"][1]), ("awo-2", sends_body(GOOD)), ("ib-1", HOSTILE["500"][1])]
        )
    ]
    read_all(database, server.name)
    assert [row_of(database, each).problem for each in ids] == ["not_a_calendar", None, "server_error"]
    assert [len(absences_of(database, each)) for each in ids] == [0, 1, 0]


@pytest.mark.parametrize("languages", ["de", "ar"])
def test_there_are_words_for_every_problem_in_every_language(database_url: str, languages: str) -> None:
    english, translated = sentences_for_problems(database_url, "en"), sentences_for_problems(database_url, languages)
    assert len(english) == len(translated) == len(PROBLEMS)
    assert set().union(*english).isdisjoint(set().union(*translated))


def sentences_for_problems(database_url: str, languages: str) -> set[frozenset[str]]:
    app = create_app(make_config(database_url))
    with app.test_request_context(headers={"Accept-Language": languages}):
        return {frozenset(say_problem(each).split(". ")) for each in PROBLEMS}
