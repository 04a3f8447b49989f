"""Weeks of a small town as if nothing had ever been deleted: its Wednesdays, and all that belongs to them.

Who comes, waits, is served and leaves is played by `bench/wednesdays.py`; the rest is drawn here. 104 weeks are about
2,800 visits, 7,000 steps and as many lines of the trail.
"""

from __future__ import annotations

import random
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import Any

from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from bench.wednesdays import Client, adviser_factors, one_morning
from scheduler.actions.busy_calendars import add_calendar
from scheduler.actions.feeds import make_feed, make_place_feed, publish_feed
from scheduler.db import Base, Database
from scheduler.models import Adviser, Carrier, Feed, Hours, Opening
from tests.actions.small_town import adviser_of, hours_of, place_of
from tests.conftest import NOW, SECRET

LAST = date(2026, 11, 18)
DAY = timedelta(days=1)
STATIONS = ("Tisch 1", "Tisch 2", "Tisch 3")


class TwoYears:
    """Rows of all tables that grow, by table, with the ids that they refer to."""

    def __init__(self, session: Session, weeks: int) -> None:
        self.session, self.weeks = session, weeks
        self.chance = random.Random(f"two years, {weeks} weeks")
        self.ids = count(1)
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.advisers = list(session.scalars(select(Adviser).order_by(Adviser.id)))
        self.services = {"MBE": 1, "JMD": 2}
        self.place, self.hours = place_of(session).id, hours_of(session).id

    def add(self, table: str, **row: Any) -> int:
        """A row, with an id of its own where its table has one."""
        if "id" in Base.metadata.tables[table].c:
            row["id"] = next(self.ids)
        self.rows.setdefault(table, []).append(row)
        return int(row.get("id", 0))

    def play(self) -> None:
        self.account = self.add_account("desk")
        self.left = self.add_account("somebody-who-left", disabled_at=NOW - 700 * DAY)
        factors = adviser_factors(self.chance)
        for week in reversed(range(self.weeks)):
            self.play_day(LAST - timedelta(weeks=week), factors)
        self.add_staff_rows()

    def add_account(self, login: str, **more: Any) -> int:
        return self.add(
            "account", login=login, name=login, password_hash="x", pin_hash="y", totp_secret="JBSWY3DP", pin_failures=0,
            is_demo=False, epoch=0, created_at=NOW - 900 * DAY, **{"disabled_at": None, **more},
        )  # fmt: skip

    def play_day(self, on: date, factors: list[float]) -> None:
        opening = self.add("opening", hours_id=self.hours, original_on=on, version=9, tickets="automatic")
        nine = datetime.combine(on, time(8), tzinfo=NOW.tzinfo)
        for adviser, station in zip(self.advisers, STATIONS, strict=True):
            self.add(
                "presence", opening_id=opening, adviser_id=adviser.id, station=station, state="gone", since_at=nine
            )
        clients = one_morning(self.chance, on, factors).play()
        for ticket, client in enumerate(clients, 1):
            self.add_visit(client, on, opening, ticket)
        self.add("ticket_counter", place_id=self.place, local_on=on, last_number=len(clients))
        for _ in range(self.chance.randrange(3)):
            self.add("turned_away", opening_id=opening, at=nine + timedelta(hours=2))
        self.add("absence", adviser_id=1, starts_at=nine, ends_at=nine + DAY, source="entered")
        self.add(
            "exception", hours_id=self.hours, original_on=on, kind="moved", held_on=None, from_time=time(9),
            until_time=time(12), advisers=["awo-1"], reason="", from_file=False,
        )  # fmt: skip

    def add_visit(self, client: Client, on: date, opening: int, ticket: int) -> None:
        begins = client.starts_at or client.arrived_at
        assert begins is not None
        booked_at = begins - timedelta(days=self.chance.randrange(1, 40)) if client.starts_at else begins
        ended = client.finished_at or client.left_at or begins + timedelta(hours=6)
        state = "done" if client.finished_at else "left" if client.left_at else "missed"
        if state == "missed" and self.chance.random() < 0.3:
            state, ended = "cancelled", booked_at + timedelta(hours=1)
        visit = self.add(
            "visit", opening_id=opening, place_id=self.place, local_on=on, state=state,
            kind="appointment" if client.starts_at else "walk_in", ticket=ticket,
            age_group=self.chance.choice(["under_27", "from_27", "family", "unknown"]),
            service_id=self.services.get(client.service), concern_id=self.chance.choice([None, 1, 2]),
            language=client.language or None, locale="de", people=self.chance.randint(1, 4), urgent=client.urgent,
            fetch_in_person=False, times_unreliable=self.chance.random() < 0.1, starts_at=client.starts_at,
            ends_at=client.starts_at + timedelta(minutes=15) if client.starts_at else None,
            code=f"{100_000_000 + next(self.ids)}" if client.starts_at else None, link_epoch=0, sequence=0,
            created_at=booked_at, changed_at=ended, arrived_at=client.arrived_at, ended_at=ended, coming_at=booked_at,
        )  # fmt: skip
        self.add_step(visit, booked_at, "book" if client.starts_at else "register", None, "waiting")
        if client.called_at and client.finished_at:
            self.add_consultations(visit, client.called_at, client.finished_at)
        self.add_step(visit, ended, "finish", "waiting", state)
        self.add_beside(visit, client, booked_at, ended)
        if state == "cancelled":
            self.add_freed_time(visit, opening, client, ended)

    def add_freed_time(self, visit: int, opening: int, client: Client, at: datetime) -> None:
        assert client.starts_at is not None
        place = {"opening_id": opening, "adviser_id": 1, "starts_at": client.starts_at}
        self.add("freed_time", visit_id=visit, ends_at=client.starts_at + DAY, offered_from=at, **place)
        released = {f"released_{name}": place[name] for name in ("adviser_id", "opening_id", "starts_at")}
        self.add(
            "step", visit_id=visit, at=at, verb="cancel", from_state="booked", to_state="cancelled", actor="client",
            by_rule=False, **released,
        )  # fmt: skip

    def add_consultations(self, visit: int, called_at: datetime, finished_at: datetime) -> None:
        first, second = self.chance.sample(self.advisers, 2)
        if self.chance.random() < 0.1:
            half = called_at + (finished_at - called_at) / 2
            before = self.add_consultation(visit, first, called_at, half, "handed_over")
            self.add_step(visit, half, "hand_over", "in_consultation", "waiting", before, former_service_id=2)
            first, called_at = second, half
        held = self.add_consultation(visit, first, called_at, finished_at, "finished")
        self.add_step(visit, called_at, "call", "waiting", "called", held)

    def add_consultation(self, visit: int, adviser: Adviser, called_at: datetime, until: datetime, how: str) -> int:
        recorded = self.chance.random() < 0.8
        return self.add(
            "consultation", visit_id=visit, adviser_id=adviser.id, carrier_id=adviser.carrier_id, station="Tisch 1",
            called_at=called_at, last_called_at=called_at, calls=1, started_at=called_at, ended_at=until, ended_as=how,
            times_unreliable=False, case_kind=self.chance.choice(["new", "known_again"]) if recorded else None,
            family_members=self.chance.randrange(5) if recorded else None,
            topics=self.chance.sample(["housing", "language-course"], self.chance.randrange(3)),
            referred_from=self.chance.choice([None, "jobcenter"]),
            referred_to=self.chance.choice([[], ["foreigners-office"]]), outcome_at=until if recorded else None,
        )  # fmt: skip

    def add_step(
        self, visit: int, at: datetime, verb: str, before: str | None, after: str, consultation: int | None = None,
        **more: Any,
    ) -> None:  # fmt: skip
        account = self.chance.choice([None, self.account, self.left])
        self.add(
            "step", visit_id=visit, at=at, verb=verb, from_state=before, to_state=after, actor="staff",
            account_id=account, consultation_id=consultation, by_rule=False, **more,
        )  # fmt: skip
        self.add("audit_line", at=at, account_id=self.account, action="desk.do_register", things={"visit_id": visit})

    def add_beside(self, visit: int, client: Client, booked_at: datetime, ended: datetime) -> None:
        if self.chance.random() < 0.5:
            self.add(
                "contact", visit_id=visit, email=f"client-{visit}@example.org", phone=None, email_key=f"k{visit}",
                reminders=True, nearly=False, created_at=booked_at, confirmed_at=booked_at,
            )  # fmt: skip
        if client.starts_at is None:
            figures = dict.fromkeys(("simulated", "spread", "closed_form", "low", "high", "chance"), 0.5)
            self.add("shown_forecast", visit_id=visit, made_at=client.arrived_at, ahead=3, basis="few", **figures)
            return
        self.add(
            "message", visit_id=visit, kind="confirmation", channel="sms", sequence=0, due_at=booked_at, unasked=False,
            state="sent", attempts=0, sent_at=booked_at, expires_at=client.starts_at, claimed_until=booked_at,
        )  # fmt: skip
        self.add("case_mark", visit_id=visit, adviser_id=1, mark=f"K {visit}")
        self.add("idempotency_key", key_hash=f"key-{visit}", request_hash="r", visit_id=visit, created_at=booked_at)
        if ended < client.starts_at:
            self.add("sent_text", at=booked_at)

    def add_staff_rows(self) -> None:
        for days in (700, 400, 40, 1, -1):
            at = NOW - days * DAY
            self.add(
                "account_link", account_id=self.account, purpose="reset", token_hash=f"link-{days}",
                made_by_id=self.left if days > 600 else None, created_at=at - DAY, expires_at=at, used_at=at - DAY,
            )  # fmt: skip
            self.add("recovery_code", account_id=self.account, code_hash=f"code-{days}", used_at=at)
            self.add("login_delay", key=f"delay-{days}", failures=1, failed_at=at)
        self.add("recovery_code", account_id=self.left, code_hash="never used", used_at=None)
        self.add("account_role", account_id=self.left, role="desk", place_id=self.place)

    def store(self) -> None:
        for table in Base.metadata.sorted_tables:
            if table.name in self.rows:
                columns = {name: None for row in self.rows[table.name] for name in row}
                self.session.execute(insert(table), [{**columns, **row} for row in self.rows[table.name]])
        if self.session.get_bind().dialect.name == "postgresql":
            self._count_on()

    def _count_on(self) -> None:
        """PostgreSQL draws ids from counters, which know nothing of rows that came with theirs."""
        for name in self.rows:
            if "id" in Base.metadata.tables[name].c:
                highest = f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM \"{name}\"))"
                self.session.execute(text(highest))


def fill(database: Database, weeks: int) -> None:
    """So many weeks until last Wednesday, feeds that were published all the time, and somebody who left long ago."""
    with database.writing() as session:
        town = TwoYears(session, weeks)
        town.play()
        town.store()
        session.commit()
    with database.writing() as session:
        _add_own_time(session)
        _publish_all_the_time(session)
        _retire_somebody(session)
        session.commit()


def _add_own_time(session: Session) -> None:
    """An adviser's own appointment of two years ago whose visit is gone: its hours are left over."""
    on = date(2024, 12, 4)
    hours = Hours(
        key="own-1", place_id=place_of(session).id, services=["MBE"], dates=[on.isoformat()], from_time=time(14),
        until_time=time(15), valid_from=on, valid_until=on, admits="by_arrangement", advisers=["awo-1"],
        own_adviser_id=adviser_of(session, "awo-1").id, retired_at=NOW - 700 * DAY,
    )  # fmt: skip
    session.add(hours)
    session.flush()
    session.add(Opening(hours_id=hours.id, original_on=on))
    session.flush()


def _publish_all_the_time(session: Session) -> None:
    owners = (adviser_of(session, "awo-1"), session.scalars(select(Carrier)).first(), "ar")
    begun = NOW - 90 * DAY
    feeds = [make_feed(session, each, level="details", base_url="http://t", now=begun)[0] for each in owners if each]
    make_place_feed(session, place_of(session).id, begun)
    feeds += session.scalars(select(Feed).where(Feed.kind == "place"))
    _, revoked = (
        feeds[0],
        make_feed(session, adviser_of(session, "awo-2"), level="busy", base_url="http://t", now=begun),
    )
    revoked[0].revoked_at = NOW - 40 * DAY
    revoked[0].fetched_at = NOW - 41 * DAY
    for days in (75, 60, 45, 30, 15):
        for each in feeds:
            publish_feed(session, each.id, base_url="http://t", now=NOW - days * DAY)


def _retire_somebody(session: Session) -> None:
    """An adviser who left two years ago, with an own calendar that nobody removed."""
    gone = Adviser(
        key="awo-9", carrier_id=1, name="Name Surname", email="gone@example.org", services=["MBE"], languages=["de"],
        retired_at=NOW - 700 * DAY,
    )  # fmt: skip
    session.add(gone)
    session.flush()
    entered_at = NOW - 800 * DAY
    calendar = add_calendar(session, gone, "https://cloud.example/gone", "cloud.example", secret=SECRET, now=entered_at)
    calendar.claimed_until = calendar.tried_at = calendar.read_at = entered_at
    make_feed(session, gone, level="busy", base_url="http://t", now=NOW - 800 * DAY)


def rows_of(session: Session) -> dict[str, int]:
    """How many rows each table has."""
    tables = Base.metadata.sorted_tables
    return {each.name: session.scalars(select(func.count()).select_from(each)).one() for each in tables}
