"""Bad input: thousands of made-up requests, and whatever is wrong with an answer.

`python -m bench.bad_input --requests 12000 --seed 1`, part of `make soak`. The real application in this process, over
the small town with rows in every state, at a time that stands still. All pages are opened as each kind of visitor; the
forms, links and addresses on them, the URL map and the API's models say what can be sent, so new routes and fields come
in by themselves. Most requests are changed in one way, some in several, one in eight is as it should be.

An answer is wrong where it is a fault (5xx) or logs one, sends back markup or headers, is malformed, leads off the
site, takes a form without its token, or denies what was done: the database, read by a connection of its own, must hold
what it held before. The same seed makes the same requests: an offence comes again with as many `--requests` as its
number.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import time_machine
from flask import Flask
from werkzeug.wrappers import Response

from bench.bad_input_checks import denies, find_faults
from bench.bad_input_forms import read_forms, read_links
from bench.bad_input_maker import FORM_KINDS, Maker
from bench.bad_input_requests import Answer, Request, Sender
from bench.bad_input_state import differences, open_state
from bench.bad_input_town import BEGIN, MOMENTS, Person, come_in, make_scene
from bench.processes import DATABASES
from bench.town import say
from config import Config
from scheduler import create_app, schema, town_file
from scheduler.db import Database
from scheduler.web.limits import limiter
from tests.actions.small_town import at
from tests.conftest import SMALL_TOWN, make_config
from tests.web.live_town import LiveTown
from tests.web.page import Page

ROUND = 1500
"""So many requests, then the town is as it was, at another time of the day."""
MOST_PAGES, OF_ONE_KIND = 50, 2
"""Pages that each person opens at the beginning of a round, and of those of one view."""
SHOWN = 3
"""Requests that a report quotes of one kind of offence."""


@dataclass(frozen=True)
class Offence:
    number: int
    """Of the request among those that were made up."""
    wrong: str
    endpoint: str
    request: Request


@dataclass
class Result:
    made: int = 0
    """Requests that were made up."""
    opened: int = 0
    """Pages that were opened to find forms."""
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    """By family of routes and class of status."""
    moved: Counter[str] = field(default_factory=Counter)
    """How often something was committed, by view."""
    offences: list[Offence] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")


class Run:
    """One run over one application. `only`: so much of an endpoint's name that is tried; empty: all."""

    def __init__(
        self, app: Flask, clock: time_machine.Traveller, seed: int, *, pages: int = MOST_PAGES, only: str = ""
    ) -> None:
        self.app, self.clock, self.seed, self.pages = app, clock, seed, pages
        self.database: Database = app.extensions["database"]
        self.scene = make_scene(app, LiveTown(self.database), clock)
        self.state = open_state(self.database)
        self.state.keep()
        self.rows, self.mark = self.state.rows(), self.state.mark()
        self.sender, self.result = Sender(app), Result()
        self.maker = Maker(app, self.sender, self.scene, Random(seed), only)
        self.maker.look = self.look_again
        self.looked: dict[tuple[str, str], object] = {}
        """As of which state of the database a page was opened."""
        self.found: set[str] = set()
        """Pages that whoever looks round has found."""

    def close(self) -> None:
        self.state.close()

    def go(self, requests: int) -> Result:
        for number in range(requests):
            if number % ROUND == 0:
                self.begin_round(MOMENTS[(self.seed + number // ROUND) % len(MOMENTS)])
            limiter.reset()  # time stands still: what slows down would never end
            self.app.extensions["pressure"].forget()
            person, request = self.maker.make()
            self.result.made += 1
            answer = self.send(person, request)
            self.go_on(person, request, answer)
        return self.result

    def begin_round(self, moment: str) -> None:
        """The town as it was, at this time, and everybody has looked round."""
        self.state.put_back()
        self.database.kept.clear()
        self.database.learned.clear()
        self.clock.move_to(at(moment))
        self.rows, self.mark = self.state.rows(), self.state.mark()
        people = self.scene.people.values()
        come_in(self.app, people)
        self.maker.begin()
        self.looked.clear()
        for each in people:
            self.found.clear()
            self.look_round(each)

    def go_on(self, person: Person, request: Request, answer: Answer) -> None:
        """As a browser does: go where a form leads, or read the page that it gives."""
        if request.method == "POST" and answer.status in (302, 303):
            self.look_again(person, _address_of(answer.header("Location")))
        elif request.method == "POST" and answer.status < 500 and answer.content_type == "text/html":
            page = _page(answer)
            address = f"{request.path}?{request.query}".rstrip("?")
            forms = [replace(each, page="") for each in read_forms(page, address)]
            self.maker.note_page(person, "", forms, read_links(page, address))

    def look_round(self, person: Person) -> None:
        """Open pages and follow their links in any order, a few of each kind."""
        to_do, kinds, chance = [*person.pages, *self.maker.entries()], Counter[tuple[str, ...]](), self.maker.chance
        while to_do and len(self.found) < self.pages:
            address = to_do.pop(chance.randrange(len(to_do)))
            path, _, query = address.partition("?")
            names = sorted(each.partition("=")[0] for each in query.split("&"))
            kind = (self.sender.endpoint_of("GET", path), *names)
            is_new = kinds[kind] < OF_ONE_KIND and (person.name, address) not in self.looked
            if is_new and kind[0] not in ("", "static"):
                kinds[kind] += 1
                to_do += self.look(person, address)

    def look_again(self, person: Person, address: str) -> None:
        """Open the page unless nothing has changed since it was opened."""
        if self.looked.get((person.name, address)) != self.mark:
            self.look(person, address)

    def look(self, person: Person, address: str) -> list[str]:
        """Open this page; gives where it leads to."""
        path, _, query = address.partition("?")
        answer = self.send(person, Request(person.name, "GET", path, query, about="a page"))
        self.result.opened += 1
        self.looked[person.name, address] = self.mark
        if answer.status in (302, 303, 308):
            return [_address_of(answer.header("Location"))]
        if answer.status != 200 or answer.content_type != "text/html":
            return []
        page = _page(answer)
        self.found.add(address)
        links = read_links(page, address)
        if address not in person.pages:
            person.pages = [*person.pages, address][-200:]
        self.maker.note_page(person, address, read_forms(page, address), links)
        return links

    def send(self, person: Person, request: Request) -> Answer:
        """Send it, and look at everything that came of it."""
        answer = self.sender.send(request, "" if "Cookie" in request.headers else person.cookie)
        wrong = [*find_faults(request, answer), *self.changes(request, answer)]
        family = "api" if request.path.startswith("/api/") else answer.endpoint.partition(".")[0] or "no route"
        self.result.answers[family, answer.status // 100] += 1
        self.result.offences += [Offence(self.result.made, each, answer.endpoint, request) for each in wrong]
        self.result.slowest = max(self.result.slowest, (answer.seconds, str(request)))
        return answer

    def changes(self, request: Request, answer: Answer) -> list[str]:
        """What was committed although the answer denies it."""
        if self.state.mark() == self.mark:
            return []
        before, self.rows = self.rows, self.state.rows()
        self.mark = self.state.mark()
        if before == self.rows:
            return []
        self.result.moved[answer.endpoint] += 1
        if before["account"] != self.rows["account"]:
            come_in(self.app, self.scene.people.values())  # a log-in may have ended
        changed = differences(before, self.rows)
        is_wrong = changed and denies(request, answer)
        return [f"{answer.status}, and yet it wrote: {' | '.join(changed)}"] if is_wrong else []


@contextmanager
def application(database_url: str, folder: Path) -> Iterator[tuple[Flask, time_machine.Traveller]]:
    """The application over a new small town, on the day before the session, where time stands still."""
    app = create_app(settings(database_url, folder))
    database: Database = app.extensions["database"]
    schema.upgrade(database.engine)
    with database.writing() as session:
        town_file.store(session, town_file.read(SMALL_TOWN), BEGIN)
        session.commit()
    with time_machine.travel(BEGIN, tick=False) as clock:
        yield app, clock
    database.engine.dispose()


def settings(database_url: str, folder: Path) -> Config:
    """Messages can leave by all ways, though none does; nobody is refused for coming often."""
    return make_config(
        database_url,
        mail_sink=folder / "mail",
        sms_url="https://sms.example/",
        code_limit="1000000 per minute",
        metrics_token="only-for-this-run",
        backup_folder=folder / "backups",
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.bad_input", description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=12_000, help="on each database")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=sorted(DATABASES), action="append")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was found until then is told
    failed = False
    for name in asked.database or sorted(DATABASES, reverse=True):
        with (
            TemporaryDirectory(prefix="sprechstunde-bad-") as folder,
            DATABASES[name](Path(folder)) as url,
            application(url, Path(folder)) as (app, clock),
            closing(Run(app, clock, asked.seed)) as run,
        ):
            try:
                run.go(asked.requests)
            finally:
                report(name, asked.seed, run)
        failed = failed or bool(run.result.offences)
    return int(failed)


def report(name: str, seed: int, run: Run, tell: Callable[[str], None] = say) -> None:
    result, changed = run.result, run.maker.changed
    families = sorted({family for family, _ in result.answers})
    tell(f"{'on ' + name:<24}" + "".join(f"{each}xx".rjust(8) for each in (2, 3, 4, 5)))
    for family in families:
        tell(f"{family:<24}" + "".join(f"{result.answers[family, each]:>8}" for each in (2, 3, 4, 5)))
    tell(f"{result.made} requests made up with seed {seed}, {result.opened} pages opened")
    tell(f"{result.moved.total()} of all these changed something, by {len(result.moved)} views")
    tell(
        f"{len(run.maker.seen)} kinds of forms and addresses, {len(changed)} fields, each changed"
        f" {min(changed.values(), default=0)} times or more (in one of {len(FORM_KINDS)} ways)"
    )
    tell(f"slowest: {result.slowest[0]:.2f} s, {result.slowest[1].splitlines()[0]}")
    by_kind: dict[tuple[str, str], list[Offence]] = {}
    for each in result.offences:
        by_kind.setdefault((each.endpoint, each.wrong[:80]), []).append(each)
    for some in by_kind.values():
        tell(f"OFFENCE at {some[0].endpoint or 'no route'}, {len(some)} times: {some[0].wrong}")
        for each in some[:SHOWN]:
            tell(f"  request {each.number}, {each.request}")
    tell(f"{len(result.offences)} offences")


def _page(answer: Answer) -> Page:
    text = answer.body.decode("utf-8", "replace")
    return Page(Response(text, answer.status, answer.headers))  # type: ignore[arg-type]


def _address_of(location: str) -> str:
    whole = urlsplit(location)
    return f"{whole.path}?{whole.query}".rstrip("?")


if __name__ == "__main__":
    sys.exit(main())
