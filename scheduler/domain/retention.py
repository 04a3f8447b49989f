"""What is stored, for how long, and what ends it: how the plan is read and what its terms come to.

The plan itself, a line for every column, stands in `retention_plan.py`. Deleting follows it (`actions/deleting.py`),
`flask privacy report` and the tests hold the database against it.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple, cast, get_args
from zoneinfo import ZoneInfo

from scheduler.domain.recurrence import day_interval, local_date
from scheduler.domain.retention_plan import PLAN

Whose = Literal["client", "staff", "none"]
"""Whose personal data it is."""
Term = Literal["file", "use", "counts", "last row", "visit", "contact", "trail", "month", "day"]

TRAIL_MONTHS = 12
"""How long it is known who of the staff did what."""
MONTH = timedelta(days=30)
DAY = timedelta(hours=24)
SLACK = timedelta(days=1)
"""So late a deletion may be: jobs run hourly, and a server may be off for a night."""


class Limits(NamedTuple):
    """What the town's file decides."""

    contact_days: int
    visit_months: int


class Kept(NamedTuple):
    """How long: `term`, counted from the instant or date in `since`.

    `since` is a column of the row itself, or `visit.local_on`: of the row that it names. Empty: nothing is counted.
    """

    term: Term
    since: str = ""

    @property
    def ends(self) -> bool:
        return bool(self.since)


class ColumnPlan(NamedTuple):
    """`kept`: where this column is emptied before its row goes. `before`: it may tell of earlier days than `since`."""

    name: str
    whose: Whose
    what: str
    kept: Kept | None
    before: bool


class TablePlan(NamedTuple):
    """`whose`: the nearest person of all its columns."""

    name: str
    what: str
    kept: Kept
    columns: dict[str, ColumnPlan]

    @property
    def whose(self) -> Whose:
        found = {each.whose for each in self.columns.values()}
        return "client" if "client" in found else "staff" if "staff" in found else "none"


def say_term(term: Term, limits: Limits) -> str:
    """In words."""
    return {
        "file": "as long as the town's file names it",
        "use": "as long as it is in use",
        "counts": "for good: numbers, no persons",
        "last row": "as long as another row names it",
        "visit": f"{limits.visit_months} months",
        "contact": f"{limits.contact_days} days",
        "trail": f"{TRAIL_MONTHS} months",
        "month": f"{MONTH.days} days",
        "day": "24 hours",
    }[term]


def goes_before(term: Term, limits: Limits, zone: ZoneInfo, now: datetime) -> datetime:
    """Whatever is counted from an earlier instant is to be gone `now`. Raises KeyError for a term without an end.

    Months are counted by days of the town: what happened on the day itself goes with it.
    """
    if term in ("visit", "trail"):
        months = limits.visit_months if term == "visit" else TRAIL_MONTHS
        return day_interval(months_before(local_date(now, zone), months), zone).ends_at
    return now - {"contact": timedelta(days=limits.contact_days), "month": MONTH, "day": DAY}[term]


def goes_through(term: Term, limits: Limits, zone: ZoneInfo, now: datetime) -> date:
    """The same of dates: this one, and all before it, are to be gone."""
    return local_date(goes_before(term, limits, zone, now), zone) - timedelta(days=1)


def goes_at(term: Term, limits: Limits, zone: ZoneInfo, since: datetime) -> datetime:
    """When that is to be gone which is counted from `since`."""
    if term not in ("visit", "trail"):
        return since + (since - goes_before(term, limits, zone, since))
    day = local_date(since, zone)
    months = limits.visit_months if term == "visit" else TRAIL_MONTHS
    gone_on = months_before(day, -months)
    while months_before(gone_on, months) < day:  # 29 February
        gone_on += timedelta(days=1)
    return day_interval(gone_on, zone).starts_at


def months_before(on: date, months: int) -> date:
    """The same day so many months earlier; the last one of a month that is too short. Fewer than none: later."""
    year, month = divmod(on.year * 12 + on.month - 1 - months, 12)
    following = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    return date(year, month + 1, min(on.day, (following - timedelta(days=1)).day))


def _read(plan: str) -> dict[str, TablePlan]:
    tables: dict[str, TablePlan] = {}
    for line in plan.strip("\n").splitlines():
        fields = [each.strip() for each in line.split("|")]
        if not line.startswith(" "):
            name, term, what = fields
            table = tables[name] = TablePlan(name, what, _kept(term), {})
        elif line.strip():
            column = _column(fields)
            table.columns[column.name] = column
    return tables


def _column(fields: list[str]) -> ColumnPlan:
    name, whose, what, *more = fields
    before = "before" in more
    kept = next((_kept(each) for each in more if each != "before"), None)
    if whose not in get_args(Whose):
        raise ValueError(f"{name}: nobody is called {whose}")
    return ColumnPlan(name, cast(Whose, whose), what, kept, before)


def _kept(text: str) -> Kept:
    term, _, since = text.partition(" since ")
    if term not in get_args(Term):
        raise ValueError(f"there is no term {term!r}")
    return Kept(cast(Term, term), since)


TABLES = _read(PLAN)
