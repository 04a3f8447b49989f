"""From a calendar to absences, and what free times make of it: the round of the jobs process, on both databases."""

from __future__ import annotations

import logging
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from jobs.busy_calendars import read_due
from jobs.timetable import TIMETABLE
from scheduler.actions.booking import SlotTaken
from scheduler.actions.busy_calendars import (
    LEASE,
    MOST_CALENDARS,
    CalendarRefused,
    Claim,
    add_calendar,
    claim_due,
    find_hit,
    is_any_due,
    remove_calendar,
    store_busy,
    store_problem,
)
from scheduler.actions.rulebook import read_rulebook
from scheduler.actions.slots import find_slots
from scheduler.db import Database
from scheduler.domain.due import read_again_after
from scheduler.domain.intervals import Interval
from scheduler.models import Absence, Adviser, BusyCalendar, Feed, Opening
from tests.actions.small_town import SESSION, WEDNESDAY, adviser_of, ask, at, book_at, opening_of
from tests.busy_calendars.own_calendars import absences_of, add, change, read_all, row_of, stamp_of, times_of
from tests.busy_calendars.samples import at_ten, calendar
from tests.busy_calendars.server import Server, sends_body
from tests.conftest import NOW, SECRET

MORNING = Interval(at("09:00"), at("12:00"))
SOON = timedelta(minutes=20)
URL = "https://calendar.example/a.ics"


@pytest.fixture(autouse=True)
def noise(database: Database) -> None:
    """Absences of others beside it: entered ones, and those of somebody else's calendar."""
    add(database, "https://calendar.example/noise.ics", "ib-1", [Interval(at("09:00"), at("09:30"))])
    with database.writing() as session:
        for row in session.scalars(select(BusyCalendar)):
            row.due_at = NOW + timedelta(days=99)
        session.add(Absence(adviser_id=adviser_of(session, "awo-1").id, starts_at=at("16:00"), ends_at=at("17:00")))
        session.commit()


def starts_of(database: Database, key: str = "awo-1") -> list[str]:
    """Free starts on Wednesday with this adviser."""
    with database.reading() as session:
        rules = read_rulebook(session)
        asked = ask(session, rules, service="MBE", adviser_key=key)
        found = find_slots(session, rules, asked, from_on=WEDNESDAY, until_on=WEDNESDAY, now=NOW)
        return [f"{each.slot.starts_at:%H:%M}" for each in found]


def claim(database: Database, now: object = NOW) -> Claim | None:
    with database.writing() as session:
        found = claim_due(session, now)  # type: ignore[arg-type]
        session.commit()
        return found


def store(database: Database, held: Claim, busy: list[Interval], now: object = NOW) -> bool:
    with database.writing() as session:
        changed = store_busy(session, held, busy, etag=None, last_modified=None, now=now)  # type: ignore[arg-type]
        session.commit()
        return changed


def untouched_absences(database: Database) -> int:
    with database.reading() as session:
        return len(session.scalars(select(Absence).where(Absence.starts_at.in_([at("09:00"), at("16:00")]))).all())


def test_free_times_go_when_the_calendar_is_busy_and_come_back_when_it_is_not(
    database: Database, server: Server
) -> None:
    before = starts_of(database)
    assert "09:00" in before
    calendar_id = add(database, server.serve(sends_body(calendar(at_ten()))))
    read_all(database, server.name)
    assert times_of(database, calendar_id) == ["11-25 10:00 – 11-25 11:00"]
    assert {"09:00", "09:15", "09:30", "09:45"}.isdisjoint(starts_of(database))  # in UTC
    server.serve(sends_body(calendar(at_ten("TRANSP:TRANSPARENT"))))
    read_all(database, server.name, now=NOW + SOON)
    assert times_of(database, calendar_id) == []
    assert starts_of(database) == before


def test_only_times_are_kept(database: Database, server: Server) -> None:
    body = calendar(at_ten("DESCRIPTION:Herz", "LOCATION:Praxis", "ATTENDEE:mailto:doctor@clinic.example"))
    add(database, server.serve(sends_body(body)))
    read_all(database, server.name)
    with database.reading() as session:
        rows = [repr(vars(each)) for model in (Absence, BusyCalendar) for each in session.scalars(select(model))]
        stored = session.connection().exec_driver_sql("SELECT url FROM busy_calendar").scalars().all()
    assert not any(word in row for row in rows for word in ("Zahnarzt", "Herz", "Praxis", "clinic", "one@elsewhere"))
    assert not any(server.name.encode() in bytes(each) for each in stored)


def test_an_unchanged_calendar_writes_no_absence_and_leaves_the_rules_as_they_are(
    database: Database, server: Server
) -> None:
    calendar_id = add(database, server.serve(sends_body(calendar(at_ten()))))
    read_all(database, server.name)
    before, stamp = absences_of(database, calendar_id), stamp_of(database)
    server.serve(sends_body(calendar(at_ten("DESCRIPTION:other words", "SEQUENCE:7"))))
    read_all(database, server.name, now=NOW + SOON)
    assert row_of(database, calendar_id).read_at == NOW + SOON
    assert (absences_of(database, calendar_id), stamp_of(database)) == (before, stamp)


def test_of_several_times_only_those_that_differ_are_written(database: Database) -> None:
    calendar_id = add(database, URL)
    held = claim(database)
    assert held is not None
    later = Interval(at("14:00"), at("15:00"))
    store(database, held, [MORNING, later])
    (kept, _), _ = absences_of(database, calendar_id)
    change(database, calendar_id, due_at=NOW)
    held = claim(database)
    assert held is not None
    assert store(database, held, [MORNING, Interval(at("14:30"), at("15:00"))])
    assert absences_of(database, calendar_id)[0][0] == kept
    assert times_of(database, calendar_id) == ["11-25 09:00 – 11-25 12:00", "11-25 14:30 – 11-25 15:00"]
    assert untouched_absences(database) == 3


def test_the_openings_that_are_touched_show_it_and_no_others(database: Database) -> None:
    with database.writing() as session:
        session.add(Feed(kind="adviser", adviser_id=adviser_of(session, "awo-1").id, token_hash="x", created_at=NOW))
        session.commit()
    add(database, URL)
    held = claim(database)
    assert held is not None
    store(database, held, [MORNING])
    with database.reading() as session:
        opening_ids = [(each.hours.key, each.original_on, each.version) for each in session.scalars(select(Opening))]
        assert opening_ids == [(SESSION, WEDNESDAY, 1)]
        assert session.scalars(select(Feed.wanted)).one() == 2


def test_an_absence_that_began_on_an_earlier_day_stays_the_same_one(database: Database) -> None:
    calendar_id = add(database, URL)
    held = claim(database)
    assert held is not None
    store(database, held, [Interval(at("20:00", WEDNESDAY - timedelta(days=1)), at("20:00"))])
    before, tomorrow = absences_of(database, calendar_id), NOW + timedelta(days=1)
    held = claim(database, tomorrow)
    assert held is not None
    assert not store(database, held, [Interval(held.window.starts_at, at("20:00"))], tomorrow)
    assert absences_of(database, calendar_id) == before


def test_what_is_over_goes_with_the_next_reading_of_another_day(database: Database) -> None:
    calendar_id = add(database, URL)
    held = claim(database)
    assert held is not None
    store(database, held, [MORNING])
    in_two_days = NOW + timedelta(days=2)
    held = claim(database, in_two_days)
    assert held is not None
    store(database, held, [], in_two_days)
    assert absences_of(database, calendar_id) == []


def test_what_is_read_reaches_from_this_morning_to_the_day_after_the_last_that_can_be_booked(
    database: Database,
) -> None:
    add(database, URL)
    held = claim(database)
    assert held is not None
    today = WEDNESDAY - timedelta(days=1)
    assert held.window == Interval(at("00:00", today), at("00:00", today + timedelta(days=58)))


def test_a_calendar_is_asked_whether_it_changed_only_on_the_day_on_which_it_was_read(
    database: Database, server: Server
) -> None:
    calendar_id = add(database, server.serve(sends_body(calendar(at_ten()), 'ETag: "one"')))
    read_all(database, server.name)
    server.serve(lambda connection: connection.sendall(b"HTTP/1.1 304 Not Modified\r\n\r\n"))
    read_all(database, server.name, now=NOW + SOON)
    assert 'If-None-Match: "one"' in server.requests[-1]
    row = row_of(database, calendar_id)
    assert (row.problem, row.read_at, row.etag) == (None, NOW + SOON, '"one"')
    assert times_of(database, calendar_id) == ["11-25 10:00 – 11-25 11:00"]
    read_all(database, server.name, now=NOW + timedelta(hours=15))  # after midnight
    assert "If-None-Match" not in server.requests[-1]


def test_after_a_problem_all_of_it_is_asked_for(database: Database, server: Server) -> None:
    calendar_id = add(database, server.serve(sends_body(b"nonsense")))
    change(database, calendar_id, etag='"old"', read_at=NOW)
    change(database, calendar_id, problem="unreadable")
    read_all(database, server.name)
    assert "If-None-Match" not in server.requests[-1]


def test_each_calendar_is_read_every_quarter_of_an_hour(database: Database, server: Server) -> None:
    calendar_id = add(database, server.serve(sends_body(calendar())))
    read_all(database, server.name)
    read_all(database, server.name, now=NOW + timedelta(minutes=14))
    assert len(server.requests) == 1
    read_all(database, server.name, now=NOW + timedelta(minutes=18))
    assert len(server.requests) == 2
    due_at = row_of(database, calendar_id).due_at - NOW - timedelta(minutes=18)
    assert timedelta(minutes=15) <= due_at < timedelta(minutes=17)


def test_a_failing_one_is_tried_ever_later_and_at_once_again_when_it_works(database: Database) -> None:
    calendar_id, now = add(database, URL), NOW
    waits = []
    for _ in range(8):
        held = claim(database, now)
        assert held is not None
        with database.writing() as session:
            store_problem(session, held, "unreachable", now)
            session.commit()
        waits.append(row_of(database, calendar_id).due_at - now)
        now = row_of(database, calendar_id).due_at
    spread = waits[0] - timedelta(minutes=15)
    assert timedelta() <= spread < timedelta(minutes=2)
    assert [(each - spread).total_seconds() / 60 for each in waits] == [15, 30, 60, 120, 240, 360, 360, 360]
    held = claim(database, now)
    assert held is not None
    store(database, held, [MORNING], now)
    row = row_of(database, calendar_id)
    assert (row.failures, row.problem, row.due_at - now) == (0, None, timedelta(minutes=15) + spread)


def test_waiting_never_ends_beyond_six_hours() -> None:
    assert [read_again_after(each) for each in (0, 1)] == [timedelta(minutes=15)] * 2
    assert read_again_after(10_000) == timedelta(hours=6)


def test_two_processes_never_fetch_the_same_one(database: Database) -> None:
    ids = {add(database, f"{URL}?{each}") for each in range(4)}
    taken: list[int] = []
    line = Barrier(2)

    def work() -> None:
        line.wait()
        for _ in range(6):
            held = claim(database)
            if held is not None:
                taken.append(held.calendar_id)

    threads = [Thread(target=work) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(taken) == sorted(ids)


def test_what_comes_back_after_the_lease_ended_is_dropped(database: Database) -> None:
    calendar_id = add(database, URL)
    slow = claim(database)
    assert slow is not None
    assert claim(database, NOW + LEASE - timedelta(seconds=1)) is None
    fast = claim(database, NOW + LEASE)
    assert fast is not None
    store(database, fast, [MORNING], NOW + LEASE)
    assert not store(database, slow, [], NOW + LEASE)
    with database.writing() as session:
        store_problem(session, slow, "unreachable", NOW + LEASE)
        session.commit()
    assert times_of(database, calendar_id) == ["11-25 09:00 – 11-25 12:00"]
    assert row_of(database, calendar_id).problem is None


def test_those_that_fail_are_asked_last(database: Database) -> None:
    failing, good = add(database, URL), add(database, f"{URL}?2")
    change(database, failing, failures=3, due_at=NOW - timedelta(hours=1))
    assert [held.calendar_id for held in (claim(database), claim(database)) if held] == [good, failing]


def test_who_left_is_asked_for_no_calendar(database: Database) -> None:
    calendar_id = add(database, URL)
    with database.writing() as session:
        session.get_one(Adviser, row_of(database, calendar_id).adviser_id).retired_at = NOW
        session.commit()
    with database.reading() as session:
        assert not is_any_due(session, NOW)
    assert claim(database) is None


def test_a_removed_one_takes_its_absences_along_and_the_times_are_free_again(database: Database) -> None:
    before = starts_of(database)
    calendar_id = add(database, URL)
    held = claim(database)
    assert held is not None
    store(database, held, [MORNING])
    assert starts_of(database) == []
    change(database, calendar_id, due_at=NOW)
    late = claim(database)
    assert late is not None
    with database.writing() as session:
        remove_calendar(session, calendar_id, NOW)
        remove_calendar(session, calendar_id, NOW)
        session.commit()
    assert starts_of(database) == before
    assert not store(database, late, [MORNING])  # what is still being fetched then is dropped
    assert untouched_absences(database) == 2


def test_no_booking_is_made_where_the_calendar_is_busy(database: Database) -> None:
    add(database, URL)
    held = claim(database)
    assert held is not None
    store(database, held, [MORNING])
    with database.writing() as session, pytest.raises(SlotTaken):
        book_at(session, read_rulebook(session), "09:00", adviser_key="awo-1")


def test_visits_that_it_hits_stay_where_they_are_and_are_named(database: Database) -> None:
    with database.writing() as session:
        visit = book_at(session, read_rulebook(session), "10:00", language="ar")
        book_at(session, read_rulebook(session), "11:30", language="ar")
        session.commit()
        visit_id, adviser_id = visit.id, visit.planned_adviser_id
    calendar_id = add(database, URL)
    held = claim(database)
    assert held is not None
    store(database, held, [Interval(at("09:00"), at("10:30"))])
    with database.reading() as session:
        assert adviser_id is not None
        ((absence_id, _),) = absences_of(database, calendar_id)
        assert find_hit(session, adviser_id, NOW) == {absence_id: {visit_id}}
        assert find_hit(session, adviser_id, at("10:00")) == {}
        assert find_hit(session, adviser_of(session, "awo-2").id, NOW) == {}
        assert opening_of(read_rulebook(session)).dated.takes_place


def test_nobody_enters_the_same_one_twice_or_too_many(session: Session) -> None:
    def enter(number: int, key: str = "awo-1") -> None:
        add_calendar(session, adviser_of(session, key), f"{URL}?{number}", "h", secret=SECRET, now=NOW)

    for each in range(MOST_CALENDARS - 1):
        enter(each)
    with pytest.raises(CalendarRefused, match="twice"):
        enter(0)
    enter(99)
    with pytest.raises(CalendarRefused, match="too_many"):
        enter(100)
    enter(0, "awo-2")


def test_no_address_reaches_the_log(
    database: Database, server: Server, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    calendar_id = add(database, server.serve(sends_body(b"<html>"), "/very-secret.ics"))
    read_all(database, server.name)

    def fail(*_args: object, **_named: object) -> None:
        raise RuntimeError("very-secret")

    monkeypatch.setattr("jobs.busy_calendars.fetch", fail)
    read_all(database, server.name, now=NOW + SOON)
    assert f"calendar {calendar_id} was not read: not_a_calendar" in caplog.text
    assert f"calendar {calendar_id} failed: RuntimeError" in caplog.text
    assert "secret" not in caplog.text
    assert row_of(database, calendar_id).problem == "unreadable"


def test_a_fault_of_the_database_is_not_said_of_the_calendar(
    database: Database, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    calendar_id = add(database, server.serve(sends_body(calendar(at_ten()))))

    def fail(*_args: object, **_named: object) -> None:
        raise OperationalError("UPDATE", None, Exception("deadlock detected"))

    with monkeypatch.context() as broken:
        broken.setattr("jobs.busy_calendars.store_busy", fail)
        read_all(database, server.name)
    found = row_of(database, calendar_id)
    assert (found.problem, found.failures, found.read_at) == (None, 0, None)
    read_all(database, server.name, now=NOW + LEASE)
    assert times_of(database, calendar_id) == ["11-25 10:00 – 11-25 11:00"]


def test_a_new_one_is_read_within_a_minute_as_its_page_says() -> None:
    (tick,) = (each for each in TIMETABLE if each.run is read_due)
    assert tick.every_seconds < 60
