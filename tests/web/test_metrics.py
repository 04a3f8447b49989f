"""Metrics: for who shows the token alone, right across processes, and no label holds anything of a person."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from bench.processes import environment, serve
from scheduler import schema
from scheduler.actions.heartbeat import beat
from scheduler.db import Database, open_engine
from scheduler.web import gauges, metrics
from tests.web.addresses import all_addresses, make_rows, staff
from tests.web.api.program import GOOD, proof_for
from tests.web.conftest import MakeApp
from tests.web.live_town import LiveTown
from tests.web.test_book import ANSWERED, slot, times
from tests.web.test_proofs import waiting_page
from tests.web.visitor import Visitor

TOKEN = "a token of the town"
NAMED = {"Authorization": f"Bearer {TOKEN}"}
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def app(app: Flask, tmp_path: Path) -> Flask:
    app.extensions["settings"] = replace(app.extensions["settings"], metrics_token=TOKEN, backup_folder=tmp_path)
    return app


def read(text: str) -> Samples:
    families = text_string_to_metric_families(text)
    return {(each.name, frozenset(each.labels.items())): each.value for family in families for each in family.samples}


def scrape(visitor: Visitor) -> Samples:
    page = visitor.open("/metrics", headers=NAMED)
    assert page.status == 200 and page.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "Set-Cookie" not in page.headers and page.headers["Cache-Control"] == "no-store"
    return read(page.response.text)


def value(samples: Samples, metric: str, /, **labels: str) -> float:
    return samples.get((f"sprechstunde_{metric}", frozenset(labels.items())), 0)


# Who may read them


@pytest.mark.parametrize(
    "shown",
    [None, "", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN, "Bearer é"],
)
def test_without_the_token_there_is_no_such_page(visitor: Visitor, shown: str | None) -> None:
    page = visitor.open("/metrics", headers={} if shown is None else {"Authorization": shown})
    assert page.status == 404
    assert page.title == visitor.open("/nowhere").title
    assert "sprechstunde_" not in page.html


@pytest.mark.parametrize("shown", [None, "Bearer ", "Bearer", NAMED["Authorization"]])
def test_where_no_token_is_set_nobody_reads_them(app: Flask, visitor: Visitor, shown: str | None) -> None:
    app.extensions["settings"] = replace(app.extensions["settings"], metrics_token="")
    assert visitor.open("/metrics", headers={} if shown is None else {"Authorization": shown}).status == 404


def test_staff_do_not_read_them_either(app: Flask, town: LiveTown) -> None:
    assert Visitor(app).log_in_as(town.account(administrator=True)).open("/metrics").status == 404


# What they say


def test_requests_are_counted_by_route_and_class_of_status(visitor: Visitor) -> None:
    labels = {"endpoint": "start.show_start", "status": "2xx"}
    before = scrape(visitor)
    for address in ("/", "/", "/nowhere/at/all", "/visits/a-token-that-nobody-has"):
        visitor.open(address)
    after = scrape(visitor)
    assert value(after, "requests_total", **labels) - value(before, "requests_total", **labels) == 2
    lost = {"endpoint": metrics.NOWHERE, "status": "4xx"}
    assert value(after, "requests_total", **lost) - value(before, "requests_total", **lost) == 1
    timed = {"endpoint": "start.show_start"}
    assert value(after, "request_seconds_count", **timed) - value(before, "request_seconds_count", **timed) == 2


def test_bookings_are_counted_and_those_that_were_refused(visitor: Visitor) -> None:
    refused = {"name": "booking_refused"}
    before = scrape(visitor)
    assert 400 <= visitor.open("/api/v1/bookings", method="POST", json={"service": "MBE"}).status < 429
    assert value(scrape(visitor), "events_total", **refused) - value(before, "events_total", **refused) == 1


def events_of(visitor: Visitor, do: Callable[[], object]) -> dict[str, int]:
    """Which events are counted while it is done, and how often."""
    before = scrape(visitor)
    do()
    after = scrape(visitor)
    found = {name: value(after, "events_total", name=name) for name in metrics.EVENTS}
    return {
        name: int(more) for name, number in found.items() if (more := number - value(before, "events_total", name=name))
    }


def test_a_booking_is_counted_and_whoever_is_sent_to_wait_is_none(visitor: Visitor, town: LiveTown) -> None:
    form = times(visitor.open(ANSWERED))
    assert events_of(visitor, lambda: visitor.send(form, slot=slot("09:30"), proof="")) == {"proof_refused": 1}
    assert events_of(visitor, lambda: visitor.send(form, slot=slot("09:30"))) == {"booked": 1}
    assert events_of(visitor, lambda: visitor.send(form, slot=slot("10:00"))) == {"proof_refused": 1}, "it was spent"
    again = times(visitor.open(ANSWERED))
    assert events_of(visitor, lambda: visitor.send(again, slot=slot("09:30"))) == {"booking_refused": 1}, "taken"


def test_a_program_without_a_proof_is_no_refused_booking(visitor: Visitor) -> None:
    program = {"method": "POST", "json": {**GOOD, "proof": None}}
    assert events_of(visitor, lambda: visitor.open("/api/v1/bookings", **program)) == {"proof_refused": 1}
    booked = {"method": "POST", "json": {**GOOD, "proof": proof_for(visitor)}}
    assert events_of(visitor, lambda: visitor.open("/api/v1/bookings", **booked)) == {"booked": 1}


def test_what_is_refused_at_the_threshold_is_counted_there(visitor: Visitor) -> None:
    for number in range(70):
        visitor.open("/book", method="POST", data={"slot": "x"}, environ_base={"REMOTE_ADDR": f"203.0.113.{number}"})

    def press() -> None:
        visitor.open("/book", method="POST", data={"slot": slot("09:30"), "wait": "forged"})
        visitor.open("/api/v1/bookings", method="POST", json={**GOOD, "proof": None})

    assert events_of(visitor, press) == {"threshold_refused": 2}


def test_who_waited_while_the_ration_is_used_up_is_counted(
    make_own_app: MakeApp, town: LiveTown, clock: time_machine.Traveller
) -> None:
    visitor = Visitor(make_own_app(waiting_a_minute=1, metrics_token=TOKEN))
    forms = [waiting_page(visitor, hour).form("/book") for hour in ("09:00", "09:30")]
    clock.shift(timedelta(seconds=20))
    for number in range(120):
        visitor.open("/book", method="POST", data={"slot": "x"}, environ_base={"REMOTE_ADDR": f"203.0.113.{number}"})
    press = [visitor.send(form, proof="").status for form in forms[:1]]
    assert press == [303]
    assert events_of(visitor, lambda: visitor.send(forms[1], proof="")) == {"waiting_rationed": 1}


def test_what_is_asked_too_often_is_counted_bookings_by_themselves(app: Flask, visitor: Visitor) -> None:
    usual = app.extensions["settings"]
    app.extensions["settings"] = replace(usual, bookings_from_one_address=1, code_limit="1 per minute")
    visitor.post("/code", code="000 000 000")
    assert events_of(visitor, lambda: visitor.post("/code", code="000 000 000")) == {"rate_limited": 1}
    visitor.open("/book", method="POST", data={"slot": "x"})
    attempt = {"method": "POST", "data": {"slot": "x"}}
    assert events_of(visitor, lambda: visitor.open("/book", **attempt)) == {"booking_limited": 1}


def test_every_event_is_explained() -> None:
    text = (Path(__file__).parents[2] / "docs" / "operation.md").read_text("utf-8")
    assert [name for name in sorted(metrics.EVENTS) if f"`{name}`" not in text] == []


def test_only_events_that_are_known_are_counted() -> None:
    with pytest.raises(KeyError):
        metrics.count("ada@example.org")


def test_gauges_are_read_from_the_database(app: Flask, visitor: Visitor, town: LiveTown, open_day: None) -> None:
    town.change(lambda session: beat(session, datetime.now(UTC) - timedelta(seconds=50)))
    town.take_in()
    town.take_in()
    stamp = datetime.now(UTC) - timedelta(hours=2)
    backup = app.extensions["settings"].backup_folder / f"sprechstunde-{stamp:%Y%m%dT%H%M%SZ}.sqlite3"
    backup.write_bytes(b"x" * 700)
    found = scrape(visitor)
    assert value(found, "database_up") == 1
    assert value(found, "database_bytes") > 100_000
    assert value(found, "jobs_seen_seconds") == 50
    assert value(found, "waiting", place="buergerbuero") == 2
    assert ("sprechstunde_waiting", frozenset({("place", "awo-buero")})) in found
    assert value(found, "openings_today") == 1
    assert value(found, "backup_age_seconds") == pytest.approx(7200, abs=1)
    assert value(found, "backup_bytes") == 700


def test_messages_that_wait_are_counted_with_the_oldest(visitor: Visitor, town: LiveTown) -> None:
    visit_id = town.book("10:30")
    town.leave_contact(visit_id)
    found = scrape(visitor)
    waiting = value(found, "messages", channel="email", state="pending")
    assert waiting >= 1
    assert value(found, "messages", channel="sms", state="dead") == 0
    assert value(found, "message_oldest_due_seconds") >= 0


def test_a_database_that_is_away_is_said_and_counts_are_still_there(app: Flask, visitor: Visitor) -> None:
    visitor.open("/healthz")
    app.extensions["database"] = Database("postgresql://nobody@127.0.0.1:9/nowhere")
    found = scrape(visitor)
    assert found["sprechstunde_database_up", frozenset()] == 0
    assert value(found, "requests_total", endpoint="health.show_health", status="2xx") >= 1
    assert ("sprechstunde_database_bytes", frozenset()) not in found


def test_no_label_and_no_value_tells_of_a_person(app: Flask, town: LiveTown, open_day: None) -> None:
    """Every page was opened, with tokens, codes and a contact: labels hold what is in this list, and nothing else."""
    rows, visitor = make_rows(town), staff(app, town)
    before = set(scrape(visitor))  # one process runs many tests, some of them with routes of their own
    for address in all_addresses(app, town, rows).values():
        visitor.open(address)
    visitor.post("/code", code="482917305")
    allowed = {
        "endpoint": {rule.endpoint for rule in app.url_map.iter_rules()} | {metrics.NOWHERE},
        "status": {"2xx", "3xx", "4xx", "5xx"},
        "name": set(metrics.EVENTS),
        "place": {"buergerbuero", "awo-buero"},
        "channel": set(gauges.CHANNELS),
        "state": set(gauges.STATES),
    }
    found = scrape(visitor)
    assert len(found) > 100
    for _name, labels in set(found) - before:
        for name, text in labels:
            assert name == "le" or text in allowed[name], (name, text)


# Several processes


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[str]:
    """Two processes under gunicorn, as deploy/ starts them."""
    environ = environment(f"sqlite:///{tmp_path / 'town.db'}", METRICS_TOKEN=TOKEN, BACKUP_FOLDER=str(tmp_path))
    engine = open_engine(environ["DATABASE_URL"])
    schema.upgrade(engine)
    engine.dispose()
    with serve(environ, tmp_path / "log.txt") as address:
        yield address


def test_whichever_process_is_asked_answers_for_all(installation: str) -> None:
    for _ in range(40):
        with urllib.request.urlopen(f"{installation}/healthz", timeout=10) as answer:
            assert answer.status == 200
    for _ in range(6):  # at least one of these is answered by each process
        with urllib.request.urlopen(
            urllib.request.Request(f"{installation}/metrics", headers=NAMED), timeout=10
        ) as answer:
            found = read(answer.read().decode())
        assert value(found, "requests_total", endpoint="health.show_health", status="2xx") == 40
        assert value(found, "request_seconds_count", endpoint="health.show_health") == 40
    assert not any(re.search("pid", name) for _, labels in found for name, _ in labels)
