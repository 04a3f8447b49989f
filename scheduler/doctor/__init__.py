"""What `flask doctor` looks at: one small function each, one line each. None prints a secret, an address or a row.

Nothing here asks anybody outside but the installation's own mail server and gateway, and no message leaves unless a
test letter is asked for. `settings_checks` need no rows, `row_checks` read some.
"""

from __future__ import annotations

from collections.abc import Iterator

from scheduler.doctor.finding import Check, Finding, Level, Patient
from scheduler.doctor.row_checks import ROW_CHECKS
from scheduler.doctor.settings_checks import SETTINGS_CHECKS, check_database, check_schema

__all__ = ["Finding", "Level", "Patient", "examine"]


def examine(patient: Patient) -> Iterator[tuple[str, Finding]]:
    """Name and finding of each check, in order. What needs a database in order is left out where there is none."""
    answers = check_database(patient)
    yield "database", answers
    for name, check in SETTINGS_CHECKS:
        yield name, _safely(check, patient)
    if answers.level != "ok":
        return
    migrated = _safely(check_schema, patient)
    yield "schema", migrated
    for name, check in ROW_CHECKS if migrated.level == "ok" else ():
        yield name, _safely(check, patient)


def _safely(check: Check, patient: Patient) -> Finding:
    """A check that falls over is a finding, too; its error's words may hold what a row says."""
    try:
        return check(patient)
    except Exception as error:
        return Finding("broken", f"could not be looked at: {type(error).__name__}")
