"""Every message arrives once, whatever is killed: clients book, move and cancel while web and jobs are killed.

`make soak`, after the busy morning. The real application under gunicorn, two jobs processes at once and a mail server
of its own, all on loopback, on SQLite and on PostgreSQL; SIGKILL at random. Bounded by number and time, it ends what it
started. It fails where `soak_check` finds anything wrong, and prints how often the same message came again.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import time
import tomllib
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from bench.processes import DATABASES, START_WITHIN, Process, application, environment, free_port, wait_for_pages
from bench.soak_check import Findings, MessageRow, Story, Taken, VisitRow, check
from bench.soak_clients import Api, Client, Killer, Load, Tally, Time
from bench.town import OFFENBACH, say
from scheduler import schema, town_file
from scheduler.db import Database
from scheduler.models import Message, Visit

ADVISERS, FIRST_DAY, LAST_DAY = 4, 3, 50
"""So many advisers at one place, on so many days ahead: no reminder is due yet, and there is room for everybody."""
SHOWN = 10


class Result(NamedTuple):
    load: Load
    tally: Tally
    killer: Killer
    findings: Findings
    said: list[str]
    """Errors in the logs of the processes that were killed."""
    seconds: float

    @property
    def wrong(self) -> list[str]:
        """What must not be, in words."""
        found = [f"visit {id_}: {each}" for id_, wrong in sorted(self.findings.wrong.items()) for each in wrong]
        return [*self.wrong_in_general, *found]

    @property
    def wrong_in_general(self) -> list[str]:
        """What is not about a visit."""
        found = self.tally.faults + [f"{each} had ended by itself" for each in self.killer.fell_over]
        done = len(self.tally.stories), self.killer.kills.total()
        if done != (self.load.visits, self.load.kills):
            found.append(f"only {done[0]} visits and {done[1]} kills came to their end")
        return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.soak_messages", description=__doc__.partition("\n")[0])
    parser.add_argument("--visits", type=int, default=Load().visits)
    parser.add_argument("--kills", type=int, default=Load().kills)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # whoever ends this ends all that it started
    load = Load(visits=asked.visits, kills=asked.kills)
    failed = False
    for name in asked.database or ("sqlite", "postgresql"):
        with TemporaryDirectory(prefix="sprechstunde-soak-") as folder, DATABASES[name](Path(folder)) as url:
            result = soak(url, load, Path(folder))
        report(name, result)
        failed = failed or bool(result.wrong)
    return int(failed)


def soak(database_url: str, load: Load, folder: Path) -> Result:
    """Let it happen, on an empty database or one whose town is replaced. `folder` takes logs and the mail."""
    began, deadline = time.monotonic(), time.monotonic() + load.within
    database, tally = Database(database_url), Tally()
    prepare(database)
    environ = environment(
        database_url,
        BOOKING_WORK="10",
        BOOKINGS_FROM_ONE_ADDRESS="1000000",
        SMTP_HOST="127.0.0.1",
        SMTP_PORT=str(free_port()),
        SMTP_SECURITY="none",
        MAIL_FROM="office@example.org",
        GUNICORN_CMD_ARGS=f"--workers {load.workers}",
    )
    with running(environ, load, folder) as victims:
        api, times = Api(environ["BASE_URL"], tally), free_times(environ["BASE_URL"])
        clients = iter([Client(number, api, times, load.think) for number in range(load.visits)])
        killer = Killer(victims, load, tally)
        let_live(clients, killer, deadline)
        wait_until(lambda: count_unsent(database) == 0, deadline)
    findings = check(tally.stories, read_taken(folder / "taken"), *read_rows(database))
    database.engine.dispose()
    return Result(load, tally, killer, findings, errors_in(folder), time.monotonic() - began)


@contextmanager
def running(environ: dict[str, str], load: Load, folder: Path) -> Iterator[dict[str, Process]]:
    """All processes; gives those that may be killed. None is left when the block is left."""
    mail_command = [sys.executable, "-m", "bench.mail_server", str(folder / "taken")]
    mail_command += ["--port", environ["SMTP_PORT"], "--dawdle"]
    mail_server = Process(mail_command, environ, folder / "mail.log")
    jobs = [sys.executable, "-m", "bench.hasty_jobs", str(load.lease), str(load.every)]
    victims = {
        "web": application(environ, folder / "web.log"),
        "jobs 1": Process(jobs, environ, folder / "jobs-1.log"),
        "jobs 2": Process(jobs, environ, folder / "jobs-2.log"),
    }
    everything = [*victims.values(), mail_server]
    try:
        for each in everything:
            each.start()
        wait_for_pages(victims["web"])
        yield victims
    finally:
        for each in everything:
            each.kill()


def let_live(clients: Iterator[Client], killer: Killer, deadline: float) -> None:
    """All clients, a few at once, and the killer as long as they live; until the deadline at most."""
    load, tally = killer.load, killer.tally

    def live() -> None:
        for each in clients:  # a list gives each to one thread alone
            killer.wait_for(each.number * load.kills // load.visits)
            with tally.watching(f"client {each.number}"):
                tally.stories.append(each.live())

    def kill() -> None:
        with tally.watching("the killer"):
            killer.live()

    threads = [Thread(target=each, daemon=True) for each in [kill] + [live] * load.clients]
    for each in threads:
        each.start()
    try:
        for each in threads:
            each.join(max(0.0, deadline - time.monotonic()))
    finally:
        tally.stop.set()  # before all processes are ended: nobody must start one anew
        for each in threads:
            each.join(START_WITHIN)


def prepare(database: Database) -> None:
    schema.upgrade(database.engine)
    now = datetime.now(UTC)
    with database.writing() as session:
        town_file.store(session, town_file.parse(roomy_town(now)), now)
        session.commit()


def roomy_town(now: datetime) -> dict[str, Any]:
    """Offenbach with one place that is open every day for everybody."""
    data = tomllib.loads(OFFENBACH.read_text("utf-8"))
    today = now.astimezone(ZoneInfo(data["town"]["timezone"])).date()
    keys = [f"soak-{each}" for each in range(ADVISERS)]
    carrier = data["carrier"][0]["key"]
    data["adviser"] += [
        {"key": key, "carrier": carrier, "name": key, "services": ["MBE", "JMD"], "languages": ["de"]} for key in keys
    ]
    data["hours"] = [
        {
            "key": "soak", "place": data["place"][0]["key"], "services": ["MBE", "JMD"], "valid_from": today,
            "dates": [today + timedelta(days=each) for each in range(FIRST_DAY, LAST_DAY)],
            "from": clock_time(9), "until": clock_time(13), "admits": "appointment", "advisers": keys,
        }
    ]  # fmt: skip
    data["rota"] = data["closure"] = []
    return data


def free_times(base_url: str) -> list[Time]:
    """Each start as often as there are advisers, in any order."""
    until = (datetime.now(UTC) + timedelta(days=LAST_DAY)).date()
    with urllib.request.urlopen(
        f"{base_url}/api/v1/slots?concern=letter&until={until}", timeout=START_WITHIN
    ) as answer:
        found = [Time(each["opening"], each["starts_at"]) for each in json.load(answer)["slots"]] * ADVISERS
    random.Random().shuffle(found)
    return found


def count_unsent(database: Database) -> int:
    """Messages that are due, sent by now or claimed by a process that was killed."""
    with database.reading() as session:
        due = select(func.count(Message.id)).where(Message.state == "pending", Message.kind != "reminder")
        return session.scalars(due).one()


def wait_until(true: Callable[[], bool], deadline: float) -> None:
    """Not for ever: what is still missing then, the check tells."""
    while not true() and time.monotonic() < deadline:
        time.sleep(0.1)


def read_taken(file: Path) -> list[Taken]:
    lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    return [
        Taken(**{name: each[name] for name in Taken._fields if name != "to"}, to=", ".join(each["to"]))
        for each in lines
    ]


def read_rows(database: Database) -> tuple[list[VisitRow], list[MessageRow]]:
    with database.reading() as session:
        visits = session.execute(select(Visit.id, Visit.state, Visit.sequence, Visit.starts_at))
        messages = session.execute(
            select(Message.visit_id, Message.kind, Message.channel, Message.sequence, Message.state)
        )
        return [VisitRow(*each) for each in visits], [MessageRow(*each) for each in messages]


def errors_in(folder: Path) -> list[str]:
    """What the jobs processes complained of; being killed is no error, nor is being busy at the next tick."""
    lines = [line for file in sorted(folder.glob("jobs-*.log")) for line in file.read_text().splitlines()]
    return [line for line in lines if " ERROR " in line or " was not sent" in line]


def report(name: str, result: Result) -> None:
    counts, kills, findings = result.tally.counts, result.killer.kills, result.findings
    say(
        f"{name}: {counts['book']} booked, {counts['move']} moved, {counts['cancel']} cancelled; {result.seconds:.0f} s"
    )
    say(f"  {kills.total()} kills: {', '.join(f'{each} {times}' for each, times in sorted(kills.items()))}")
    say(
        f"  {counts['no answer']} requests without an answer, {counts['busy']} told that the database is busy, "
        f"{counts['taken']} that the time was just taken; all were repeated"
    )
    say(f"  {findings.message_ids} messages; {findings.again} times the same one came again, with the same Message-ID")
    late = findings.in_flight
    say(f"  {len(late)} were on their way when their visit changed, the last {max([0.0, *late]):.2f} s after")
    for line in result.said[:SHOWN]:
        say(f"  log: {line}")
    say(f"  {len(result.wrong)} violations")
    for line in result.wrong_in_general[:SHOWN]:
        say(f"  WRONG: {line}")
    stories = {each.visit_id: each for each in result.tally.stories}
    for visit_id, lines in sorted(findings.wrong.items())[:SHOWN]:
        say(f"  WRONG: visit {visit_id}: {history(stories.get(visit_id))}")
        for line in lines:
            say(f"    {line}")


def history(story: Story | None) -> str:
    """What its client was told, at which second."""
    changes = story.changes if story else ()
    return ", ".join(f"{each.at:.2f} {each.verb} {each.starts_at:%Y-%m-%d %H:%M}" for each in changes)


if __name__ == "__main__":
    sys.exit(main())
