"""Five hundred booking attempts a second without proof of work, while a desk works and a few people really book.

`make soak`. The real application under gunicorn, as deploy/ starts it, on loopback and on both databases. A swarm of
made-up addresses posts forms and JSON, with forged proofs and papers or none; it is a process of its own, ends by
itself, and asks nothing but loopback. Prints how long the desk's pages take before, during and after, what the swarm
was answered, and which free times are gone. It fails where the desk's pages (median and 95th percentile) or giving a
number (median) take twice as long, and where anybody lost a time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import NamedTuple

from sqlalchemy import func, select

from bench.processes import DATABASES, ROOT, environment, serve
from bench.soak import HOURS, PASSWORD, percentile, prepare, warm_up
from bench.soak_people import Call, Desk, Tally, attribute, opening_on
from bench.town import say
from scheduler.actions.rulebook import read_rulebook
from scheduler.actions.slots import Question, find_slots
from scheduler.db import Database
from scheduler.domain.proofs import solve
from scheduler.models import Visit

MOST_LONGER = 2.0
"""Times as long as usual the desk's pages may take, in the middle and at the 95th percentile."""
CONNECTIONS = 50
ADDRESSES = 5_000
REST = 0.15
"""Seconds between two clicks at the desk."""
REAL_BOOKINGS, MOST_TRIES = 3, 5
PAGES = ("desk, page", "desk, poll")
KINDS = (*PAGES, "desk, register")


Start = tuple[str, datetime]
"""An opening, and when an appointment there begins."""


class Load(NamedTuple):
    """How much, and how long: `quiet` seconds before and after `seconds` of attack."""

    seconds: float = 20
    quiet: float = 10
    a_second: int = 500


class Result(NamedTuple):
    quiet: list[Call]
    attacked: list[Call]
    answers: Counter[str]
    """What the swarm was answered, by status; and how many answers came a second."""
    rate: float
    booked: int
    """By the few who showed a proof."""
    lost: int
    """Free times that are gone although nobody who showed a proof has them, and appointments without a proof."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.attack", description=__doc__.partition("\n")[0])
    for name, default in Load()._asdict().items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    parser.add_argument("--database", choices=tuple(DATABASES), action="append")
    parser.add_argument("--swarm", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    load = Load(asked.seconds, asked.quiet, asked.a_second)
    if asked.swarm:
        sys.stdout.write(json.dumps(asyncio.run(swarm(asked.swarm, load))))
        return 0
    failed = False
    for name in asked.database or DATABASES:
        with TemporaryDirectory(prefix="sprechstunde-attack-") as folder, DATABASES[name](Path(folder)) as url:
            failed = not report(name, attack(url, load, Path(folder))) or failed
    return int(failed)


def attack(database_url: str, load: Load, folder: Path) -> Result:
    """Let it happen, on an empty database. `folder` takes the log."""
    database = Database(database_url)
    environ = environment(database_url, TRUSTED_PROXIES="1")
    tokens = prepare(database, environ["SECRET_KEY"])
    before = free_times(database)
    desk, stop = BusyDesk(environ["BASE_URL"], "desk", PASSWORD, Tally()), Event()
    with serve(environ, folder / "web.log") as base_url:  # nobody reads ten thousand lines
        warm_up(base_url, tokens[0])
        desk.come_in()
        working = Thread(target=desk.tally.watch_over, args=(desk.live, stop), daemon=True)
        working.start()
        time.sleep(load.quiet)
        began = time.monotonic()
        answers, booked = let_loose(base_url, load)
        ended = time.monotonic()
        time.sleep(load.quiet)
        stop.set()
        working.join(15)
    found = [each for each in zip(desk.tally.calls, desk.began, strict=False) if each[0].kind in KINDS]
    lost = len(before - free_times(database) - set(booked)) + count_appointments(database) - len(booked)
    database.engine.dispose()
    attacked = [call for call, at in found if began <= at < ended]
    quiet = [call for call, at in found if not began <= at < ended]
    rate = sum(answers.values()) / load.seconds
    return Result(quiet, attacked, answers, rate, len(booked), lost)


def let_loose(base_url: str, load: Load) -> tuple[Counter[str], list[Start]]:
    """The swarm, and those who book meanwhile; what the swarm was answered, and what was really booked."""
    command = [sys.executable, "-m", "bench.attack", "--swarm", base_url]
    command += ["--seconds", str(load.seconds), "--a-second", str(load.a_second)]
    running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        booked = []
        for number in range(REAL_BOOKINGS):
            time.sleep(load.seconds / (REAL_BOOKINGS + 1))
            booked.append(book_really(base_url, number))
        said, _ = running.communicate(timeout=load.seconds + 30)
    finally:
        running.kill()
        running.wait()
    return Counter(json.loads(said)), booked


class BusyDesk(Desk):
    """Opens its page, polls its list and gives numbers without a pause worth the name."""

    def __init__(self, base_url: str, login: str, password: str, tally: Tally) -> None:
        super().__init__(base_url, login, password, tally)
        self.began: list[float] = []

    def send(self, kind: str, path: str, data: bytes | None = None) -> tuple[str, str | None]:
        self.began.append(time.monotonic())
        return super().send(kind, path, data)

    def live(self, stop: Event) -> None:
        while not stop.wait(REST):
            page = self.open("desk, page", "/desk")
            stop.wait(REST)
            self.send("desk, poll", attribute(page, "poll") or "/desk/queue")
            stop.wait(REST)
            self.post("desk, register", "/desk/visits", opening=opening_on(page), quick="1")


async def swarm(base_url: str, load: Load) -> dict[str, int]:
    """So many attempts a second for so long, on some connections; the statuses that came back."""
    address = urllib.parse.urlsplit(base_url)
    answers: Counter[str] = Counter()
    until = time.monotonic() + load.seconds
    every = CONNECTIONS / load.a_second

    async def one(number: int) -> None:
        chance = random.Random(number)
        due = time.monotonic() + every * number / CONNECTIONS
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        while due < until:
            await asyncio.sleep(max(0, due - time.monotonic()))
            due = max(due + every, time.monotonic() - 1)  # whoever is kept waiting does not catch up for ever
            try:
                writer.write(attempt(address.netloc, chance))
                answers[await status_of(reader)] += 1
            except (OSError, EOFError, ValueError):
                answers["no answer"] += 1
                writer.close()
                reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.close()

    await asyncio.gather(*(one(number) for number in range(CONNECTIONS)))
    return dict(answers)


def attempt(host: str, chance: random.Random) -> bytes:
    """One booking of some time, from some address, with a forged proof or none, and so with a paper of waiting."""
    start = (datetime.now(UTC) + timedelta(days=chance.randrange(1, 40))).strftime("%Y-%m-%dT08:%M:00+00:00")
    proof = chance.choice(["", f"{chance.randbytes(12).hex()}.20000.4102444800.{'0' * 64}.{'0' * 40}.7"])
    if chance.random() < 0.5:
        path, kind = "/book", "application/x-www-form-urlencoded"
        fields = {"age": "from_27", "concern": "letter", "language": "de", "key": chance.randbytes(12).hex()}
        fields["wait"] = chance.choice(["", f"{chance.randbytes(8).hex()}.0.4102444800.{'0' * 40}"])
        body = urllib.parse.urlencode({**fields, "slot": f"{HOURS}/{start[:10]}/{start}", "proof": proof})
    else:
        path, kind = "/api/v1/bookings", "application/json"
        body = json.dumps({"place": "buergerbuero", "starts_at": start, "concern": "letter", "proof": proof or None})
    number = chance.randrange(ADDRESSES)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        f"X-Forwarded-For: 10.{number >> 8}.{number & 255}.1\r\n\r\n"
    )
    return (head + body).encode()


async def status_of(reader: asyncio.StreamReader) -> str:
    """The status of the next answer, whose body is read and thrown away. Raises OSError, EOFError or ValueError."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    lines = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
    await reader.readexactly(int(lines["content-length"]))
    return head.split(" ")[1]


def book_really(base_url: str, which: int) -> Start:
    """Somebody with a phone: takes a free time, calculates and books. Raises where that does not help."""
    week = datetime.now(UTC).date() + timedelta(weeks=which + 1)
    window = f"from={week}&until={week + timedelta(days=7)}"
    slot = ask_json(f"{base_url}/api/v1/slots?concern=letter&{window}")["slots"][which]
    challenge = ask_json(f"{base_url}/api/v1/challenges")
    body = {"opening": slot["opening"], "starts_at": slot["starts_at"], "concern": "letter"}
    for _ in range(MOST_TRIES):
        number = solve(challenge["salt"], challenge["hash"], challenge["numbers"])
        answer = ask_json(f"{base_url}/api/v1/bookings", {**body, "proof": f"{challenge['token']}.{number}"})
        if "token" in answer:
            break
        challenge = answer["challenge"]  # it got harder meanwhile
    else:
        raise RuntimeError("whoever proves work is not let in")
    return slot["opening"], datetime.fromisoformat(slot["starts_at"]).astimezone(UTC)


def ask_json(address: str, body: object = None) -> dict:  # type: ignore[type-arg]
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())  # type: ignore[no-any-return]
    except urllib.error.HTTPError as refused:
        if refused.code != HTTPStatus.PRECONDITION_REQUIRED:
            raise
        return json.loads(refused.read())  # type: ignore[no-any-return]


def free_times(database: Database) -> set[Start]:
    """What anybody could book in the coming weeks, but for today, where time itself takes some."""
    with database.reading() as session:
        rulebook, now = read_rulebook(session), datetime.now(UTC)
        first = now.date() + timedelta(days=2)
        question = Question(frozenset(), minutes=15)
        found = find_slots(session, rulebook, question, from_on=first, until_on=first + timedelta(days=40), now=now)
        return {(each.opening.public_id, each.slot.starts_at) for each in found}


def count_appointments(database: Database) -> int:
    with database.reading() as session:
        return session.scalars(select(func.count(Visit.id)).where(Visit.kind == "appointment")).one()


def report(name: str, result: Result) -> bool:
    """Print it; gives whether all is as it should be."""
    say(f"{name}: {result.rate:.0f} attempts a second, answered {dict(sorted(result.answers.items()))}")
    heads = ("milliseconds", "p50 quiet", "attacked", "times", "p95 quiet", "attacked", "times")
    say("{:<18}{:>11}{:>10}{:>7}{:>12}{:>10}{:>7}".format(*heads))
    fine = True
    for kind in KINDS:
        quiet, attacked = (
            [each.seconds * 1000 for each in calls if each.kind == kind] for calls in (result.quiet, result.attacked)
        )
        figures = []
        for measure in (median, lambda seconds: percentile(seconds, 95)):
            before, then = measure(quiet), measure(attacked)
            figures.append(f"{before:>11.1f}{then:>10.1f}{then / before:>7.2f}")
            counts = kind in PAGES or measure is median  # a number waits for the disk, whose worst moments are nobody's
            fine = fine and (not counts or then / before < MOST_LONGER)
        say(f"{kind:<18}" + " ".join(figures))
    failed = [each for each in (*result.quiet, *result.attacked) if not each.is_fine]
    say(f"{len(failed)} requests of the desk failed; {result.booked} people booked meanwhile; {result.lost} times lost")
    if not fine:
        say("SLOW")
    return fine and not failed and not result.lost and result.booked == REAL_BOOKINGS


if __name__ == "__main__":
    sys.exit(main())
