"""docs/office-hours.md: each example loads as it stands there, and has the dates that stand below it."""

from __future__ import annotations

import re
import tomllib
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from scheduler import town_file
from scheduler.actions.rulebook import PlannedOpening, read_rulebook
from scheduler.actions.slots import Question, find_slots
from tests.town_file.small_file import Data

BERLIN = ZoneInfo("Europe/Berlin")
PAGE = (Path(__file__).parents[2] / "docs" / "office-hours.md").read_text("utf-8")


class Example(NamedTuple):
    heading: str
    toml: str
    lines: list[str]


def examples_of(page: str) -> list[Example]:
    pattern = r"^## ([^\n]+)$|^```toml\n(.+?)^```\n\n```text\n(.+?)^```$"
    found, heading = [], ""
    for match in re.finditer(pattern, page, re.MULTILINE | re.DOTALL):
        heading = match[1] or heading
        if match[2]:
            found.append(Example(heading, match[2], match[3].splitlines()))
    return found


EXAMPLES = examples_of(PAGE)


def test_every_example_has_its_dates() -> None:
    assert len(EXAMPLES) == PAGE.count("```toml") == PAGE.count("```text") == 17
    headings = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    assert [each for each in headings if each not in {example.heading for example in EXAMPLES}] == ["Loading a change"]


@pytest.mark.parametrize("example", EXAMPLES, ids=[each.heading for each in EXAMPLES])
def test_an_example_has_the_dates_that_stand_below_it(
    session: Session, data: Data, now: datetime, example: Example
) -> None:
    found = openings_of(session, data, now, example)
    listed = [re.split(r"\s{2,}", line) for line in example.lines]
    assert [each[:2] for each in listed] == [[said_date(each), said_times(each)] for each in found]
    for (_, _, *rest), opening in zip(listed, found, strict=True):
        assert set(rest) <= {opening.hours.key, opening.hours.room, ", ".join(opening.dated.staff)}


def openings_of(session: Session, data: Data, now: datetime, example: Example) -> list[PlannedOpening]:
    """All of the months that the list names, from the database, after the example was loaded in place of all hours."""
    load(session, data, now, example)
    first, last = (date.fromisoformat(example.lines[each].split()[1]) for each in (0, -1))
    until = (last.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return read_rulebook(session).openings(first.replace(day=1), until)


def load(session: Session, data: Data, now: datetime, example: Example) -> None:
    read = read_with(data, example.toml)
    assert read.warnings == []
    town_file.store(session, read, now)
    session.expire_all()


def read_with(data: Data, toml: str) -> town_file.TownFile:
    """The small town with these hours, closures and rotas alone."""
    kept = {table: rows for table, rows in data.items() if table not in ("hours", "closure", "rota")}
    return town_file.parse({**kept, **tomllib.loads(toml)})


def said_date(opening: PlannedOpening) -> str:
    return f"{opening.dated.on:%a %Y-%m-%d}"


def said_times(opening: PlannedOpening) -> str:
    closed = opening.dated.closed_because
    if closed is not None:
        return f"closed: {closed['en']}" if closed else "closed"
    return f"{opening.dated.starts_at.astimezone(BERLIN):%H:%M}–{opening.dated.ends_at.astimezone(BERLIN):%H:%M}"


def example_named(heading: str) -> Example:
    return next(each for each in EXAMPLES if each.heading == heading)


def test_nothing_by_arrangement_can_be_booked_or_come_to(session: Session, data: Data, now: datetime) -> None:
    example = example_named("By arrangement")
    found = openings_of(session, data, now, example)
    assert found and not any(each.takes_walk_ins or each.hours.takes_appointments for each in found)
    window = {"from_on": now.date(), "until_on": now.date() + timedelta(days=50), "now": now}
    assert find_slots(session, read_rulebook(session), Question(frozenset({"MBE"}), minutes=15), **window) == []


def test_the_limited_number_is_what_the_desk_goes_by(session: Session, data: Data, now: datetime) -> None:
    load(session, data, now, example_named("A limited number of people"))
    hours = read_rulebook(session).hours["zwoelf-nummern"]
    assert (hours.ticket_limit, hours.tickets_before) == (12, timedelta(minutes=30))


def test_times_that_overlap_are_refused_as_the_page_says(data: Data) -> None:
    example = example_named("One adviser at several places")
    text = example.toml.replace("from = 11:00:00", "from = 10:30:00")
    assert text != example.toml
    with pytest.raises(town_file.TownFileErrors, match='adviser "awo-1" would be at "rathaus" and here at the same'):
        read_with(data, text)
