"""Which messages are sent, when, and what becomes of those that cannot be."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import update

from jobs.messages import send_mail
from scheduler.actions.contacts import leave_contact
from scheduler.actions.registration import Answers, check_in, register
from scheduler.actions.rulebook import read_rulebook
from scheduler.actions.sending import LEASE, claim_due, mark_failed, mark_sent
from scheduler.actions.steps import By
from scheduler.db import Database
from scheduler.models import Contact, Message, Visit
from tests.conftest import NOW, SECRET
from tests.jobs.samples import (
    HOURS,
    TOMORROW,
    book_visit,
    cancel_visit,
    changing,
    kinds_in,
    leave_email,
    letters_in,
    messages_of,
    move_to_next_week,
    work_at,
)

THURSDAY = date(2026, 11, 26)
AFTERNOON = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
"""16:00 in Germany on the day before: reminders for Wednesday are due."""
SOON = NOW + timedelta(minutes=1)


def send_at(database: Database, mail: Path, at: datetime) -> None:
    send_mail(work_at(database, mail, at))


def test_a_contact_is_confirmed_at_once_and_reminded_the_day_before(
    database: Database, visit: Visit, mail: Path
) -> None:
    leave_email(database, visit)
    send_at(database, mail, SOON)
    assert kinds_in(mail) == ["confirmation"]
    send_at(database, mail, AFTERNOON - timedelta(seconds=1))
    assert kinds_in(mail) == ["confirmation"]
    send_at(database, mail, AFTERNOON)
    send_at(database, mail, AFTERNOON + timedelta(hours=1))
    assert kinds_in(mail) == ["confirmation", "reminder"]
    assert [letter["To"] for letter in letters_in(mail)] == ["ada@example.org"] * 2


def test_without_a_contact_nobody_is_written_to(database: Database, visit: Visit, mail: Path) -> None:
    cancel_visit(database, visit)
    send_at(database, mail, AFTERNOON)
    assert kinds_in(mail) == []
    assert messages_of(database, visit) == {}


def test_a_phone_alone_gets_no_mail(database: Database, visit: Visit, mail: Path) -> None:
    with changing(database) as session:
        leave_contact(session, visit.id, email=None, phone="+4969900090", reminders=True, secret=SECRET, now=NOW)
    send_at(database, mail, AFTERNOON)
    assert kinds_in(mail) == []


def test_without_consent_there_is_a_confirmation_but_no_reminder(database: Database, visit: Visit, mail: Path) -> None:
    leave_email(database, visit, reminders=False)
    send_at(database, mail, AFTERNOON)
    assert kinds_in(mail) == ["confirmation"]


def test_consent_withdrawn_meanwhile_drops_the_reminder(database: Database, visit: Visit, mail: Path) -> None:
    leave_email(database, visit)
    send_at(database, mail, SOON)
    with changing(database) as session:
        session.get_one(Contact, visit.id).reminders = False
    send_at(database, mail, AFTERNOON)
    assert kinds_in(mail) == ["confirmation"]
    assert messages_of(database, visit)["reminder", 0].state == "dropped"


def test_a_reminder_whose_time_has_passed_is_not_planned(database: Database, visit: Visit, mail: Path) -> None:
    leave_email(database, visit, now=AFTERNOON + timedelta(minutes=1))
    assert messages_of(database, visit).keys() == {("confirmation", 0)}


def test_a_move_drops_the_old_reminder_and_plans_a_new_one(database: Database, visit: Visit, mail: Path) -> None:
    leave_email(database, visit)
    send_at(database, mail, SOON)
    move_to_next_week(database, visit)
    send_at(database, mail, AFTERNOON)
    assert kinds_in(mail) == ["confirmation", "moved"]
    assert messages_of(database, visit)["reminder", 0].state == "dropped"
    send_at(database, mail, AFTERNOON + timedelta(days=7))
    assert kinds_in(mail) == ["confirmation", "moved", "reminder"]
    assert len({letter["Message-ID"] for letter in letters_in(mail)}) == 3


def test_a_cancellation_is_sent_though_the_visit_no_longer_stands(database: Database, visit: Visit, mail: Path) -> None:
    leave_email(database, visit)
    send_at(database, mail, SOON)
    cancel_visit(database, visit, SOON)
    send_at(database, mail, AFTERNOON)
    assert kinds_in(mail) == ["confirmation", "cancelled"]


def test_booked_and_cancelled_at_once_tells_the_cancellation_alone(
    database: Database, visit: Visit, mail: Path
) -> None:
    leave_email(database, visit)
    cancel_visit(database, visit)
    send_at(database, mail, SOON)
    assert kinds_in(mail) == ["cancelled"]


def test_whoever_is_here_already_gets_no_reminder(database: Database, visit: Visit, mail: Path) -> None:
    leave_email(database, visit)
    send_at(database, mail, SOON)
    on_the_day = datetime(2026, 11, 25, 7, 50, tzinfo=UTC)
    with changing(database) as session:
        check_in(session, read_rulebook(session), visit.id, visit.place_id, by=By("staff"), now=on_the_day)
    send_at(database, mail, on_the_day + timedelta(seconds=5))  # the jobs process was down since the day before
    assert kinds_in(mail) == ["confirmation"]
    assert messages_of(database, visit)["reminder", 0].state == "dropped"


def test_nothing_is_told_about_a_visit_that_has_begun(database: Database, visit: Visit, mail: Path) -> None:
    leave_email(database, visit)
    assert visit.starts_at is not None
    send_at(database, mail, visit.starts_at)
    assert kinds_in(mail) == []


def test_a_contact_that_was_erased_is_not_written_to(database: Database, visit: Visit, mail: Path) -> None:
    leave_email(database, visit)
    with changing(database) as session:
        session.delete(session.get_one(Contact, visit.id))
    send_at(database, mail, AFTERNOON)
    assert kinds_in(mail) == []


def test_a_walk_in_is_never_written_to(database: Database, mail: Path) -> None:
    on_the_day = datetime(2026, 11, 25, 8, 10, tzinfo=UTC)
    with changing(database) as session:
        rulebook = read_rulebook(session)
        opening = rulebook.opening(HOURS, TOMORROW)
        assert opening is not None
        walk_in = register(session, rulebook, opening, Answers(), locale="de", by=By("staff"), now=on_the_day)
    leave_email(database, walk_in, now=on_the_day)
    cancel_visit(database, walk_in, on_the_day)
    assert messages_of(database, walk_in) == {}


def test_where_no_mail_can_leave_messages_stay_as_they_are(database: Database, visit: Visit, mail: Path) -> None:
    leave_email(database, visit)
    work = work_at(database, mail, SOON)
    send_mail(replace(work, config=replace(work.config, mail_sink=None)))
    row = messages_of(database, visit)["confirmation", 0]
    assert (row.state, row.attempts) == ("pending", 0)


def test_a_process_that_is_ending_begins_nothing(database: Database, visit: Visit, mail: Path) -> None:
    leave_email(database, visit)
    work = work_at(database, mail, SOON)
    work.stopping.set()
    send_mail(work)
    assert kinds_in(mail) == []


def test_whoever_lost_its_lease_sends_nothing(database: Database, visit: Visit, mail: Path) -> None:
    """It was so slow that another process has claimed the message meanwhile."""
    leave_email(database, visit, reminders=False)
    work = work_at(database, mail, SOON)
    ticks = iter([SOON, *[SOON + LEASE] * 9])

    def clock() -> datetime:
        at = next(ticks)
        if at > SOON:
            with changing(database) as session:
                session.execute(update(Message).values(claimed_until=at + LEASE))
        return at

    send_mail(replace(work, clock=clock))
    assert kinds_in(mail) == []


def test_urgent_messages_go_before_reminders_that_have_been_due_for_longer(
    database: Database, visit: Visit, mail: Path
) -> None:
    with changing(database) as session:
        other = book_visit(session)
    leave_email(database, visit)
    send_at(database, mail, SOON)
    leave_email(database, other, reminders=False, now=AFTERNOON + timedelta(minutes=5))
    urgent = messages_of(database, other)["confirmation", 0].id
    with changing(database) as session:
        assert claim_due(session, AFTERNOON + timedelta(minutes=6), most=1) == [urgent]


def test_a_reminder_that_is_late_waits_until_the_quiet_hours_are_over(
    database: Database, visit: Visit, mail: Path
) -> None:
    with changing(database) as session:
        late = book_visit(session, hours_key="awo-do", not_before=THURSDAY)
    leave_email(database, late)
    send_at(database, mail, SOON)
    assert late.starts_at is not None and late.starts_at > datetime(2026, 11, 26, 10, 0, tzinfo=UTC)
    night = datetime(2026, 11, 25, 20, 0, tzinfo=UTC)
    send_at(database, mail, night)
    assert kinds_in(mail) == ["confirmation"]
    row = messages_of(database, late)["reminder", 0]
    assert (row.state, row.claimed_until, row.attempts) == ("pending", None, 0)
    assert row.due_at == datetime(2026, 11, 26, 7, 0, tzinfo=UTC)
    send_at(database, mail, row.due_at)
    assert kinds_in(mail) == ["confirmation", "reminder"]


def test_a_reminder_that_waits_until_too_late_is_dropped(database: Database, visit: Visit, mail: Path) -> None:
    leave_email(database, visit)
    send_at(database, mail, SOON)
    for at in (datetime(2026, 11, 24, 23, 0, tzinfo=UTC), datetime(2026, 11, 25, 7, 0, tzinfo=UTC)):
        send_at(database, mail, at)
    assert kinds_in(mail) == ["confirmation"]
    assert messages_of(database, visit)["reminder", 0].state == "dropped"


def test_at_night_a_cancellation_goes_at_once(database: Database, visit: Visit, mail: Path) -> None:
    night = datetime(2026, 11, 24, 22, 0, tzinfo=UTC)
    leave_email(database, visit)
    send_at(database, mail, SOON)
    cancel_visit(database, visit, night)
    send_at(database, mail, night)
    assert kinds_in(mail) == ["confirmation", "cancelled"]


def test_a_corrected_address_is_written_to_although_the_wrong_one_is_being_written_to_right_now(
    database: Database, visit: Visit, mail: Path
) -> None:
    leave_email(database, visit, "typo@example.org", reminders=False)
    with changing(database) as session:
        (claimed,) = claim_due(session, SOON)
    leave_email(database, visit, "ada@example.org", reminders=False, now=SOON)
    with changing(database) as session:
        mark_sent(session, session.get_one(Message, claimed), SOON)
    send_at(database, mail, SOON)
    assert [letter["To"] for letter in letters_in(mail)] == ["ada@example.org"]


def test_what_fails_after_it_was_dropped_is_no_dead_letter(database: Database, visit: Visit) -> None:
    leave_email(database, visit, reminders=False)
    with changing(database) as session:
        (claimed,) = claim_due(session, SOON)
    cancel_visit(database, visit, SOON)
    with changing(database) as session:
        mark_failed(session, session.get_one(Message, claimed), "TimeoutError", SOON, permanent=True)
    assert messages_of(database, visit)["confirmation", 0].state == "dropped"


def test_a_letter_that_cannot_be_written_stops_nobody_else(database: Database, visit: Visit, mail: Path) -> None:
    with changing(database) as session:
        other = book_visit(session, not_before=TOMORROW + timedelta(days=1))
    leave_email(database, visit, "a@b@c", reminders=False)
    leave_email(database, other, "bea@example.org", reminders=False)
    send_at(database, mail, SOON)
    assert [letter["To"] for letter in letters_in(mail)] == ["bea@example.org"]
    row = messages_of(database, visit)["confirmation", 0]
    assert (row.state, row.attempts) == ("pending", 1)
    assert row.last_error and "@" not in row.last_error
