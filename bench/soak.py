"""A busy morning under load: boards and ticket pages poll while three advisers and a desk work by HTTP.

`make soak`. The real application under gunicorn, as deploy/ starts it, on loopback, with a SQLite file of its own.
Staff are so fast that nearly every poll finds something new: harder than any morning. Bounded by time and number, it
ends what it started. It fails when a request failed, when calls were slow, or when the steps in the database are not
those that were acknowledged.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
import urllib.request
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from datetime import time as clock_time
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from bench.processes import START_WITHIN, STOP_WITHIN, environment, serve
from bench.soak_people import Adviser, Call, Desk, Staff, Tally, Watcher
from bench.town import OFFENBACH, say
from scheduler import schema, town_file
from scheduler.actions.full_house import set_tickets
from scheduler.actions.registration import Answers, register
from scheduler.actions.rulebook import PlannedOpening, read_rulebook
from scheduler.actions.staff import make_account
from scheduler.actions.steps import By
from scheduler.db import Database
from scheduler.domain.codes import link_token
from scheduler.domain.recurrence import local_date
from scheduler.models import Account, Place, Step
from scheduler.models import Adviser as AdviserRow

PLACE, HOURS = "buergerbuero", "soak"
PASSWORD = "only-for-this-run"
STATIONS = ("Tisch 1", "Tisch 2", "Tisch 3")
WAITING_AT_FIRST = 60
WARM_UP = 8
SLOW = {"poll": 0.5, "step": 1.0}
"""Seconds that the 99th percentile may take: of a poll, and of a step that staff wait for."""


class Load(NamedTuple):
    """How much, and how long. `hurry`: polls come so many times as often as the pages ask for."""

    seconds: float = 60
    watchers: int = 200
    hurry: float = 1


class Result(NamedTuple):
    calls: list[Call]
    acknowledged: Counter[str]
    """Steps that staff were told are done, by verb."""
    stored: Counter[str]
    """Steps of staff in the database, by verb."""

    @property
    def failed(self) -> list[Call]:
        return [each for each in self.calls if not each.is_fine]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description="A busy morning under load.")
    for name, default in Load()._asdict().items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    load = Load(**vars(parser.parse_args()))
    result = soak(load)
    report(load, result)
    slow = [kind for kind in kinds(result) if percentile(times(result, kind), 99) > limit(kind)]
    for kind in slow:
        say(f"SLOW: {kind}")
    return int(bool(result.failed or slow) or result.acknowledged != result.stored)


def soak(load: Load) -> Result:
    """Let it happen."""
    with TemporaryDirectory(prefix="sprechstunde-soak-") as folder:
        environ = environment(f"sqlite:///{Path(folder) / 'soak.db'}")
        database = Database(environ["DATABASE_URL"])
        tokens = prepare(database, environ["SECRET_KEY"])
        tally = Tally()
        with serve(environ) as base_url:
            warm_up(base_url, tokens[0])
            let_live([*staff_of(base_url, tally), *watchers(base_url, load, tokens, tally)], load.seconds, tally)
        stored = count_steps(database)
        database.engine.dispose()
    return Result(tally.calls, tally.steps, stored)


def let_live(people: Sequence[Staff | Watcher], seconds: float, tally: Tally) -> None:
    """Each in a thread, all for so long; what somebody has begun is brought to an end."""
    stop = Event()
    threads = [Thread(target=tally.watch_over, args=(each.live, stop), daemon=True) for each in people]
    for each in threads:
        each.start()
    stop.wait(seconds)
    stop.set()
    for each in threads:
        each.join(STOP_WITHIN)


def staff_of(base_url: str, tally: Tally) -> list[Staff]:
    """Logged in, and the advisers at their tables."""
    advisers = [Adviser(base_url, f"soak-{each}", PASSWORD, table, tally) for each, table in enumerate(STATIONS)]
    staff = [*advisers, Desk(base_url, "desk", PASSWORD, tally)]
    for each in staff:
        each.come_in()
    return staff


def watchers(base_url: str, load: Load, tokens: list[str], tally: Tally) -> list[Watcher]:
    """One half boards, the other half the phones of those who wait."""
    boards = [("board", f"/board/{PLACE}")] * (load.watchers // 2)
    phones = [("ticket page", f"/tickets/{tokens[each % len(tokens)]}") for each in range(load.watchers - len(boards))]
    return [
        Watcher(base_url, kind, path, number, load.hurry, tally)
        for number, (kind, path) in enumerate([*boards, *phones])
    ]


def prepare(database: Database, secret: str) -> list[str]:
    """The town, accounts, and sixty people who wait; gives their ticket pages' tokens."""
    schema.upgrade(database.engine)
    now = datetime.now(UTC)
    with database.writing() as session:
        town_file.store(session, town_file.parse(town_where_it_is_ten(now)), now)
        place = session.scalars(select(Place).where(Place.key == PLACE)).one()
        make_account(session, login="desk", name="desk", password=PASSWORD, now=now, desk_of=place)
        for each in session.scalars(select(AdviserRow).where(AdviserRow.key.like("soak-%"))):
            make_account(session, login=each.key, name=each.name, password=PASSWORD, now=now, adviser=each)
        rulebook = read_rulebook(session)
        opening = rulebook.opening(HOURS, local_date(now, rulebook.zone))
        assert isinstance(opening, PlannedOpening)
        set_tickets(session, opening, "open")  # however full the house is
        answers, by = Answers("from_27", "letter"), By("staff")
        waiting = [
            register(session, rulebook, opening, answers, locale="de", by=by, now=now) for _ in range(WAITING_AT_FIRST)
        ]
        session.commit()
        return [link_token(secret, each.id, each.link_epoch) for each in waiting]


def town_where_it_is_ten(now: datetime) -> dict[str, Any]:
    """Offenbach with one more opening, in a zone where it is ten in the morning: no midnight comes in between."""
    data = tomllib.loads(OFFENBACH.read_text("utf-8"))
    ahead = (10 - now.hour + 11) % 24 - 11
    data["town"]["timezone"] = f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"  # its sign is turned round
    today = now.astimezone(ZoneInfo(data["town"]["timezone"])).date()
    keys = [f"soak-{each}" for each in range(len(STATIONS))]
    carrier = data["carrier"][0]["key"]
    data["adviser"] += [
        {"key": key, "carrier": carrier, "name": key, "services": ["MBE", "JMD"], "languages": ["de"]} for key in keys
    ]
    data["hours"].append(
        {
            "key": HOURS, "place": PLACE, "services": ["MBE", "JMD"], "dates": [today], "from": clock_time(9),
            "until": clock_time(13), "valid_from": today, "admits": "walk_in", "advisers": keys,
        }
    )  # fmt: skip
    data["closure"] = []
    return data


def warm_up(base_url: str, token: str) -> None:
    """Both processes have compiled their templates: what is measured is a morning, not its first second."""
    for path in (f"/board/{PLACE}", f"/tickets/{token}") * WARM_UP:
        with urllib.request.urlopen(base_url + path, timeout=START_WITHIN):
            pass


def count_steps(database: Database) -> Counter[str]:
    """What people with an account have done."""
    with database.reading() as session:
        mine = select(Step.verb, func.count(Step.id)).where(Step.account_id.in_(select(Account.id)))
        return Counter(dict(session.execute(mine.group_by(Step.verb)).all()))


def kinds(result: Result) -> list[str]:
    return sorted({each.kind for each in result.calls})


def times(result: Result, kind: str) -> list[float]:
    return [each.seconds for each in result.calls if each.kind == kind]


def limit(kind: str) -> float:
    """Whole pages and log-ins have none: they come once, and passwords are slow by design."""
    return SLOW.get(kind.rpartition(", ")[2].partition(" ")[0], float("inf"))


def percentile(seconds: list[float], which: int) -> float:
    return quantiles(seconds, n=100, method="inclusive")[which - 1] if len(seconds) > 1 else seconds[0]


def report(load: Load, result: Result) -> None:
    say(f"{load.watchers} boards and ticket pages, {len(STATIONS)} advisers and a desk, {load.seconds:g} s")
    say(f"{'':<24}{'calls':>8}{'of them 304':>13}{'p50':>9}{'p95':>9}{'p99':>9}{'longest':>9}  (ms)")
    for kind in kinds(result):
        seconds = times(result, kind)
        unchanged = sum(each.status == 304 for each in result.calls if each.kind == kind)
        figures = [*(percentile(seconds, each) for each in (50, 95, 99)), max(seconds)]
        say(f"{kind:<24}{len(seconds):>8}{unchanged:>13}" + "".join(f"{each * 1000:>9.1f}" for each in figures))
    for each in result.failed[:10]:
        say(f"FAILED: {each.kind}: {each.status}")
    say(f"{len(result.failed)} requests failed, {sum((result.acknowledged - result.stored).values())} steps were lost")
    say(f"acknowledged: {dict(sorted(result.acknowledged.items()))}")
    if result.acknowledged != result.stored:
        say(f"in the database: {dict(sorted(result.stored.items()))}")


if __name__ == "__main__":
    sys.exit(main())
