"""The deletion plan and the tables say the same: whoever adds a column says what becomes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Date

from scheduler.actions.deleting import COUNTED
from scheduler.db import Base, Encrypted, UtcDateTime
from scheduler.domain.retention import TABLES, Kept, Limits, TablePlan, say_term

PLAN = "scheduler/domain/retention_plan.py"
ROWS = Base.metadata.tables


def test_every_column_is_in_the_plan() -> None:
    for name, table in ROWS.items():
        assert name in TABLES, f"The table {name} is new: say in {PLAN} what it is and how long it is kept."
        for column in [each.name for each in table.c]:
            known = TABLES[name].columns
            assert column in known, f"The column {name}.{column} is new: say in {PLAN} what it is, and whose."


def test_the_plan_names_nothing_that_is_gone() -> None:
    for name, plan in TABLES.items():
        assert name in ROWS, f"The table {name} is gone: take it out of {PLAN}."
        for column in plan.columns:
            assert column in ROWS[name].c, f"The column {name}.{column} is gone: take it out of {PLAN}."


def test_every_line_says_what_it_is() -> None:
    for plan in TABLES.values():
        assert plan.what, plan.name
        assert [each.name for each in plan.columns.values() if not each.what] == []


def test_what_is_of_a_client_has_an_end() -> None:
    """Feeds hold clients' appointments while they are in use: what is in them is tested with the publishing."""
    for plan in TABLES.values():
        if plan.whose == "client" and plan.name != "feed":
            assert plan.kept.ends, f"{plan.name} is of clients: say in {PLAN} what ends it."


def test_what_is_encrypted_is_somebodys() -> None:
    for name, table in ROWS.items():
        for column in table.c:
            if isinstance(column.type, Encrypted):
                assert TABLES[name].columns[column.name].whose != "none", f"{column} is encrypted, so it is somebody's."


def test_what_names_a_visit_goes_with_it_or_before() -> None:
    """A row that outlived its visit could not be stored; one that is kept by another date says so in the plan."""
    for name, table in ROWS.items():
        if name != "visit" and any(each.column.table.name == "visit" for each in table.foreign_keys):
            kept = TABLES[name].kept
            assert kept.since.startswith("visit.") or kept.term == "day", name


def test_every_end_is_counted_from_a_time_that_is_there() -> None:
    for plan in TABLES.values():
        ends = [plan.kept, *(each.kept for each in plan.columns.values() if each.kept)]
        for kept in filter(lambda each: each.ends, ends):
            assert isinstance(_since(plan.name, kept).type, (Date, UtcDateTime)), plan.name


def test_what_becomes_a_count_is_kept_like_visits() -> None:
    assert {TABLES[name].kept.term for name in COUNTED} == {"visit"}


def _since(name: str, kept: Kept) -> Any:
    other, _, column = kept.since.rpartition(".")
    return ROWS[other or name].c[column]


def test_the_document_says_what_the_plan_says() -> None:
    """docs/privacy.md has a line for every table that holds anything of a person, with the usual limits."""
    document = (Path(__file__).parents[1] / "docs" / "privacy.md").read_text("utf-8")
    told = [line for line in document.splitlines() if line.startswith("| `")]
    assert told == [_line(plan) for plan in TABLES.values() if plan.whose != "none"]


def _line(plan: TablePlan) -> str:
    since = f", from `{plan.kept.since}`" if plan.kept.since else ""
    return f"| `{plan.name}` | {plan.what} | {plan.whose} | {say_term(plan.kept.term, Limits(7, 12))}{since} |"
