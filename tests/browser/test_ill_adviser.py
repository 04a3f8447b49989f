"""An adviser falls ill on the evening before a morning with five appointments; two clients left no contact."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.actions.booking import Booking, book
from scheduler.actions.contacts import leave_contact
from scheduler.actions.rulebook import RuleBook, read_rulebook
from scheduler.actions.slots import make_question
from scheduler.actions.steps import CLIENT
from scheduler.db import Database, use_contact_keys
from scheduler.domain.recurrence import local_date, wall_to_utc
from scheduler.models import Adviser, Hours, Message, Visit
from tests.browser.conftest import LAPTOP, PHONE, NewContext, follow, log_in
from tests.conftest import CONTACT_KEY, SECRET

pytestmark = pytest.mark.browser

ARABIC, GERMAN = "ar", "de"
FIVE = (
    (time(9, 0), GERMAN, "a@example.org"),
    (time(9, 30), ARABIC, "b@example.org"),
    (time(10, 0), ARABIC, "c@example.org"),
    (time(10, 30), ARABIC, None),
    (time(11, 0), ARABIC, None),
)
"""All with awo-1. Only the first can go to a colleague: nobody else speaks Arabic."""


def test_an_adviser_falls_ill_on_the_evening_before(new_context: NewContext, base_url: str, database: Database) -> None:
    before = book_five(database)
    adviser = log_in(new_context(viewport=PHONE), base_url, "awo-1")
    call_in_ill(adviser)
    after = {each.id: each for each in read_visits(database)}
    kept, *moved = before
    assert after[kept].starts_at == before[kept]
    assert all(after[each].state == "booked" and after[each].starts_at != before[each] for each in moved)
    assert told(database) == {("moved", "email"): 2, ("moved", "call"): 2}
    desk = log_in(new_context(viewport=LAPTOP), base_url, "desk")
    tick_off(desk)


def book_five(database: Database) -> dict[int, datetime | None]:
    """The visits in order, and when they begin."""
    use_contact_keys((CONTACT_KEY,))
    with database.writing() as session:
        rules = open_tomorrow(session)
        visits = [book_one(session, rules, *each) for each in FIVE]
        adviser_id = session.scalars(select(Adviser.id).where(Adviser.key == "awo-1")).one()
        visits[0].planned_adviser_id = adviser_id
        assert {each.planned_adviser_id for each in visits} == {adviser_id}
        session.commit()
        return {each.id: each.starts_at for each in visits}


def open_tomorrow(session: Session) -> RuleBook:
    """Today's opening takes place tomorrow as well, with three at once."""
    hours = session.scalars(select(Hours).where(Hours.key == "today")).one()
    tomorrow = tomorrow_in(read_rulebook(session))
    hours.dates = [*hours.dates, tomorrow.isoformat()]
    hours.valid_until, hours.appointments_at_once = tomorrow, 3
    session.flush()
    return read_rulebook(session)


def tomorrow_in(rules: RuleBook) -> date:
    return local_date(datetime.now(UTC), rules.zone) + timedelta(days=1)


def book_one(session: Session, rules: RuleBook, at: time, language: str, email: str | None) -> Visit:
    now = datetime.now(UTC)
    question = make_question(rules, service="MBE", language=language)
    starts_at = wall_to_utc(tomorrow_in(rules), at, rules.zone)
    booking = Booking(question, "today", tomorrow_in(rules), starts_at, locale=language)
    visit = book(session, rules, booking, by=CLIENT, now=now)
    if email:
        leave_contact(session, visit.id, email=email, phone=None, reminders=True, secret=SECRET, now=now)
    return visit


def call_in_ill(adviser: Page) -> None:
    """Two taps: I am away tomorrow; yes."""
    adviser.goto(adviser.url)
    follow(adviser, "#away-tomorrow")
    expect(adviser.locator(".hit")).to_have_count(4)
    assert adviser.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    follow(adviser, "#confirm")
    expect(adviser.locator(".notice--good")).to_be_visible()


def tick_off(desk: Page) -> None:
    """The desk tells both who left no contact."""
    follow(desk, "a[href='/call-list']")
    expect(desk.locator(".call-line")).to_have_count(2)
    for left in (1, 0):
        follow(desk, ".call-line .button >> nth=0")
        expect(desk.locator(".call-line")).to_have_count(left)


def read_visits(database: Database) -> list[Visit]:
    with database.reading() as session:
        return list(session.scalars(select(Visit).order_by(Visit.id)))


def told(database: Database) -> dict[tuple[str, str], int]:
    """Who is still to be told of a move, by the kind and the way."""
    with database.reading() as session:
        rows = session.execute(select(Message.kind, Message.channel).where(Message.kind == "moved")).all()
        return {(kind, channel): rows.count((kind, channel)) for kind, channel in rows}
