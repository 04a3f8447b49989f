"""The town's TOML file: set-up that can be read, versioned and loaded again.

`read` checks all of a file before anything is written, `difference` says what it would change, `store` writes it and
`export` writes the same format back. Never in the file: accounts, passwords, absences.
"""

from scheduler.town_file.conflicts import Conflict
from scheduler.town_file.export import export
from scheduler.town_file.problems import Problem, TownFileErrors
from scheduler.town_file.reading import TownFile, parse, read
from scheduler.town_file.store import Difference, difference, store

__all__ = [
    "Conflict",
    "Difference",
    "Problem",
    "TownFile",
    "TownFileErrors",
    "difference",
    "export",
    "parse",
    "read",
    "store",
]
